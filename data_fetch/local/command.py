"""The command `python -m data_fetch local`."""

import argparse
from pathlib import Path

from data_fetch.local.scene import NO_LABELS, make_local_scene
from data_fetch.reflectance import OFFSETS

__all__ = ["add_local"]

EPILOG = """\
example, 18 km x 13 km around a town, with a land cover map that you have downloaded:
  python -m data_fetch local S2A_MSIL2A_20230508T102601_….SAFE.zip \\
      --bbox 12.90 52.33 13.16 52.45 --name potsdam \\
      --labels ESA_WorldCover_10m_2021_v200_N51E012_Map.tif

The notebooks take it with SCENE = "potsdam".
"""


def add_local(commands: argparse._SubParsersAction) -> None:
    """Add `local` to the commands of `python -m data_fetch`."""
    local = commands.add_parser(
        "local",
        help="make a scene of a Sentinel-2 product or of GeoTIFFs that you have",
        description="Make a scene of images on this machine: a Sentinel-2 product as "
        "ESA gives\nit (SAFE, level 1C or 2A, zipped or not), or a folder of GeoTIFFs. "
        "Nothing is\ndownloaded.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    local.add_argument(
        "path", type=Path, help="the product's folder or zip file, or the folder"
    )
    _add_what(local)
    _add_result(local)
    local.set_defaults(run=_run)


def _add_what(local: argparse.ArgumentParser) -> None:
    place = local.add_mutually_exclusive_group()
    place.add_argument(
        "--bbox",
        nargs=4,
        type=float,
        metavar=("WEST", "SOUTH", "EAST", "NORTH"),
        help="sides of the scene in degrees, longitude first, with spaces between "
        "them (default: the whole image)",
    )
    place.add_argument(
        "--area",
        type=Path,
        metavar="FILE",
        help="file with a polygon; the scene is the rectangle around it",
    )
    local.add_argument(
        "--labels",
        default=NO_LABELS,
        metavar="PATH",
        help="raster with labels: a map of WorldCover, or one with class names; "
        "without it, the scene has images only (default: none)",
    )
    local.add_argument(
        "--tile", metavar="NAME", help="tile of an old product with several: T33UUU"
    )
    local.add_argument(
        "--offset",
        choices=OFFSETS,
        default="auto",
        help="whether an offset is inside the pixels; auto finds it out (default: "
        "auto)",
    )


def _add_result(local: argparse.ArgumentParser) -> None:
    local.add_argument(
        "--name", help="name of the scene (default: from the date and the tile)"
    )
    local.add_argument(
        "--folder", default="data", help="folder for the scenes (default: data)"
    )
    local.add_argument(
        "--replace", action="store_true", help="replace another scene of this name"
    )


def _run(options: argparse.Namespace) -> None:
    names = ("bbox", "area", "labels", "name", "folder", "tile", "offset", "replace")
    chosen = {name: getattr(options, name) for name in names}
    folder = make_local_scene(options.path, **chosen)
    print(f"The scene is ready in '{folder}'.")
