"""A store that is killed at any moment holds the last committed version whole; an import begun again ends the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segwright.data import Dataset, open_dataset
from segwright.data.store import Author, create_store, import_dataset, open_store, verify

SCRIPT = """
import sys
from segwright.data import open_dataset
from segwright.data.store import Author, blobs, create_store, import_dataset
blobs.BATCH_BYTES = blobs.COMMIT_BYTES = 2000
source, target = sys.argv[1:]
store = create_store(target)
print("begun", flush=True)
import_dataset(open_dataset(source), store, Author("ada"))
print("done", flush=True)
"""


@pytest.fixture
def folder(dataset: Dataset, tmp_path: Path) -> Path:
    """More frames than one batch holds, as a folder."""
    from segwright.data import export_dataset

    export_dataset(dataset, tmp_path / "few", "index_png")
    images = sorted((tmp_path / "few" / "images").rglob("*.png"))
    for number in range(20):
        for image in images:
            mask = tmp_path / "few" / "masks" / image.relative_to(tmp_path / "few" / "images")
            for path in (image, mask):
                path.with_name(f"{number} {path.name}").write_bytes(path.read_bytes())
    return tmp_path / "few"


def _killed_after(folder: Path, store: Path, seconds: float) -> bool:
    """Import in a process of its own, killed after so many seconds; whether it had ended by itself."""
    script = [sys.executable, "-c", SCRIPT, str(folder), str(store)]
    process = subprocess.Popen(script, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "begun\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return "done" in process.stdout.read()


def test_import__killed_at_many_moments_leaves_the_last_version_whole(folder: Path, dataset: Dataset, tmp_path: Path):
    target = tmp_path / "killed.store"
    import_dataset(dataset, create_store(target), Author("ada"))
    first = open_store(target).dataset(1).content_hash
    ended = False
    for step in range(40):
        ended = _killed_after(folder, target, 0.004 * step * step)
        store = open_store(target)
        assert store.dataset(1).content_hash == first
        assert verify(store).problems == ()
        if ended:
            break
    assert ended, "even the longest wait did not let the import end"
    import_dataset(open_dataset(folder), open_store(target), Author("ada"))
    assert len(open_store(target).dataset()) == len(open_dataset(folder))
    assert verify(open_store(target)).problems == ()
