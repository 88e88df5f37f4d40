"""How long a user waits before anything happens: imports and `--help`, each in a fresh interpreter.

Prints the best of several starts beside the house's aim; nothing passes or fails here, since a busy machine is slow.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

STARTS = 5
COMMAND = str(Path(sys.executable).with_name("segwright"))
# what is started -> (command, seconds it should take at most)
CASES = {
    "python, nothing imported": ([sys.executable, "-c", "pass"], None),
    "import segwright": ([sys.executable, "-c", "import segwright"], 0.2),
    "segwright --help": ([COMMAND, "--help"], 0.5),
    "segwright train --help": ([COMMAND, "train", "--help"], 0.5),
}


def main() -> None:
    print(f"start-up, best of {STARTS}:")
    for name, (command, aim) in CASES.items():
        seconds = min(seconds_of(command) for _ in range(STARTS))
        print(f"  {name:28} {seconds:6.3f} s" + ("" if aim is None else f"   (aim: {aim} s)"))


def seconds_of(command: list[str]) -> float:
    """Wall time of one start."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
