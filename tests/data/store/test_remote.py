"""The same store on an object store: a local server that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from segwright.data import Dataset, open_dataset
from segwright.data.store import Author, create_store, import_dataset, open_store, verify

server = pytest.importorskip("moto.server", reason="moto is a developers' tool")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket on a server on this machine."""
    boto3 = pytest.importorskip("boto3")
    local = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    local.start()
    host, port = local.get_host_and_port()
    settings = {
        "AWS_ENDPOINT": f"http://{host}:{port}", "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=settings["AWS_ENDPOINT"]).create_bucket(Bucket="frames")
    yield "s3://frames"
    local.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_store__on_an_object_store(dataset: Dataset, bucket: str) -> None:
    store = create_store(f"{bucket}/brackets")
    import_dataset(dataset, store, Author("ada"))
    store.tag("v1")
    import_dataset(replace(dataset, frames=dataset.frames[:1]), store, Author("bob"), replace=True)
    again = open_dataset(f"{bucket}/brackets@v1")
    assert [again.read_labels(frame) for frame in again.frames] == [
        dataset.read_labels(frame) for frame in dataset.frames
    ]
    assert len(open_store(f"{bucket}/brackets").dataset()) == 1
    assert verify(store).problems == ()
