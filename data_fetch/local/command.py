"""The command `python -m data_fetch local`."""

import argparse
from pathlib import Path

from data_fetch.local.scene import NO_LABELS, make_local_scene
from data_fetch.options import add_offset, add_place, add_result

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
    add_result(local, None, "from the date and the tile")
    local.set_defaults(run=_run)


def _add_what(local: argparse.ArgumentParser) -> None:
    add_place(local, required=False)
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
    add_offset(local)


def _run(options: argparse.Namespace) -> None:
    names = ("bbox", "area", "labels", "name", "folder", "tile", "offset", "replace")
    chosen = {name: getattr(options, name) for name in names}
    folder = make_local_scene(options.path, **chosen)
    print(f"The scene is ready in '{folder}'.")
