"""The command `python -m data_fetch stac`."""

import argparse
from functools import partial

from data_fetch.options import add_offset, add_place, add_result
from data_fetch.stac.catalogues import KNOWN
from data_fetch.stac.request import USUAL_NAME, Request, Search
from data_fetch.stac.scene import describe_scene, fetch_scene

__all__ = ["add_stac"]

EPILOG = """\
example, 18 km x 13 km around the town of Potsdam:
  python -m data_fetch stac --bbox 12.90 52.33 13.16 52.45 \\
      --date 2023-05-01/2023-09-30 --name potsdam

A run that was interrupted goes on where it was: give the same command again. If the
scene is complete, nothing is done. The notebooks take it with SCENE = "potsdam"; they
need at least 15.4 km from west to east and 7.7 km from south to north.

Without internet, try it with `python -m data_fetch practice`.
"""


def add_stac(commands: argparse._SubParsersAction) -> None:
    """Add `stac` to the commands of `python -m data_fetch`."""
    stac = commands.add_parser(
        "stac",
        help="fetch a scene of your own place from a catalogue on the internet",
        description="Fetch a Sentinel-2 scene with labels from a STAC catalogue. "
        "Clouds and\nshadows become no-data. No account is needed.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_what(stac)
    _add_where_from(stac)
    _add_result(stac)
    stac.set_defaults(run=_run)


def _add_what(stac: argparse.ArgumentParser) -> None:
    add_place(stac, required=True)
    stac.add_argument(
        "--date",
        required=True,
        help="time span 2023-05-01/2023-09-30, or one day; an end may be open: "
        "2023-05-01/.. The scene shows the date with the most ground and fewest clouds",
    )
    stac.add_argument(
        "--cloud",
        type=float,
        default=20,
        metavar="PERCENT",
        help="most clouds of a date, as the catalogue tells them (default: 20)",
    )
    stac.add_argument(
        "--max-dates",
        type=int,
        default=1,
        metavar="N",
        help="fetch up to N dates: the next best ones as s2_10m_YYYYMMDD.tif and "
        "s2_20m_YYYYMMDD.tif on the same grid (default: 1)",
    )


def _add_where_from(stac: argparse.ArgumentParser) -> None:
    stac.add_argument(
        "--catalogue",
        default="earth-search",
        metavar="NAME",
        help=f"{', '.join(KNOWN)}, or the address of a STAC API "
        "(default: earth-search)",
    )
    stac.add_argument(
        "--collection",
        metavar="NAME",
        help="its collection of Sentinel-2 level 2A (default: the usual one)",
    )
    stac.add_argument(
        "--labels",
        default="worldcover",
        metavar="WHAT",
        help="worldcover, none, or the path or address of a map with WorldCover's "
        "numbers, or of a folder with its tiles (default: worldcover)",
    )
    add_offset(stac)


def _add_result(stac: argparse.ArgumentParser) -> None:
    add_result(stac, USUAL_NAME, USUAL_NAME)
    stac.add_argument(
        "--dry-run",
        action="store_true",
        help="tell the date, the size and the time, and write nothing",
    )


def _run(options: argparse.Namespace) -> None:
    chosen = {
        name: getattr(options, name)
        for name in ("bbox", "area", "date", "cloud", "catalogue", "collection")
    }
    made = {
        name: getattr(options, name)
        for name in ("labels", "name", "folder", "offset", "max_dates")
    }
    if options.dry_run:
        # Without `flush`, a pipe would get the first sentence with the last one.
        say = partial(print, flush=True)
        describe_scene(Request.of(Search.of(**chosen), **made), say)
        return
    folder = fetch_scene(**chosen, **made, replace=options.replace)
    print(f"The scene is ready in '{folder}'.")
