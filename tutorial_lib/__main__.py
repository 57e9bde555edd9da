"""Run the command line: `python -m tutorial_lib`, the same as `tutorial-lib`."""

import sys

from tutorial_lib.commands.parser import main

if __name__ == "__main__":
    sys.exit(main())
