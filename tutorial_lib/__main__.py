"""`python -m tutorial_lib`: the command line."""

import sys

from tutorial_lib.commands.parser import main

if __name__ == "__main__":
    sys.exit(main())
