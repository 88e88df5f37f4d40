"""`python -m segwright.data.checks docs/rules` writes the pages of all rules there."""

import sys
from pathlib import Path

from segwright.data.checks.pages import write_pages

if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
