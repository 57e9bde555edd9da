"""Options that several commands of `data_fetch` have."""

import argparse
from pathlib import Path

from data_fetch.reflectance import OFFSETS

__all__ = ["add_offset", "add_place", "add_result"]


def add_place(command: argparse.ArgumentParser, *, required: bool) -> None:
    """Add `--bbox` and `--area`; without `required`, the default is the whole image."""
    place = command.add_mutually_exclusive_group(required=required)
    default = "" if required else " (default: the whole image)"
    place.add_argument(
        "--bbox",
        nargs=4,
        type=float,
        metavar=("WEST", "SOUTH", "EAST", "NORTH"),
        help="sides of the place in degrees, longitude first, with spaces between "
        f"them; the scene is the rectangle around it{default}",
    )
    place.add_argument(
        "--area",
        type=Path,
        metavar="FILE",
        help="file with a polygon, GeoJSON or any other that OGR reads; the scene is "
        "the rectangle around it",
    )


def add_offset(command: argparse.ArgumentParser) -> None:
    """Add `--offset`."""
    command.add_argument(
        "--offset",
        choices=OFFSETS,
        default="auto",
        help="whether the offset of 1000 is inside the pixels; auto finds it out "
        "(default: auto)",
    )


def add_result(
    command: argparse.ArgumentParser, name: str | None, usual_name: str
) -> None:
    """Add `--name`, `--folder` and `--replace`.

    Args:
        command: The command.
        name: Name of the scene if the user gives none.
        usual_name: What the help says about that name.
    """
    command.add_argument(
        "--name",
        default=name,
        help=f"name of the scene and of its folder (default: {usual_name})",
    )
    command.add_argument(
        "--folder", default="data", help="folder for the scenes (default: data)"
    )
    command.add_argument(
        "--replace", action="store_true", help="replace another scene of this name"
    )
