"""Run a script written for OTBTF: `python -m tutorial_lib.compat script.py`."""

import sys

from tutorial_lib.compat.scripts import main

if __name__ == "__main__":
    sys.exit(main())
