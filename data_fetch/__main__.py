"""Command line: `python -m data_fetch`, with a command for each kind of scene."""

import argparse
import sys
from collections.abc import Sequence

from data_fetch.local.command import add_local
from data_fetch.practice.command import add_practice
from data_fetch.sample import add_sample
from data_fetch.stac.command import add_stac
from data_fetch.synthetic.command import add_synthetic
from tutorial_lib.commands.signals import ended_like_ctrl_c, exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words after `python -m data_fetch`; None takes those of the terminal.

    Returns:
        Exit code: 0 done, 1 error, 130 interrupted by Ctrl-C, 143 ended by SIGTERM and
        129 by SIGHUP.
    """
    options = build_parser().parse_args(arguments)
    try:
        with ended_like_ctrl_c():
            options.run(options)
    except KeyboardInterrupt as interrupt:
        _print_error(
            "Interrupted. No half-written scene was kept. Run the same command again "
            "to complete it."
        )
        return exit_code(interrupt)
    except (MemoryError, OSError, TypeError, ValueError) as err:
        _print_error(str(err) or "The memory is not enough.")
        return 1
    # Errors that a library does not explain, and faults of the kit.
    except Exception as err:
        if sys.flags.dev_mode:
            raise
        _print_error(
            f"{type(err).__name__}: {err}. `PYTHONDEVMODE=1` before the command shows "
            "where this happened."
        )
        return 1
    return 0


def _print_error(message: str) -> None:
    print(f"data_fetch: {' '.join(message.splitlines())}", file=sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the command line, with all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m data_fetch",
        description="Make the scenes that the notebooks use: the samples, or your own.",
        epilog="'python -m data_fetch COMMAND --help' explains the options.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    add_sample(commands)
    add_stac(commands)
    add_local(commands)
    add_practice(commands)
    add_synthetic(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
