"""The two functions of this package: search a catalogue, and fetch a scene from it."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from data_fetch.manifests import check_replaceable, is_complete
from data_fetch.stac.download import Estimate
from data_fetch.stac.fetching import (
    Plan,
    choose,
    chosen_before,
    complete,
    dates_table,
    prepare,
)
from data_fetch.stac.labels import NONE, find_labels
from data_fetch.stac.request import Request, Search, with_packages
from data_fetch.unfinished import resumable
from tutorial_lib.rasters import PathLike

__all__ = ["describe_scene", "fetch_scene", "search"]


def search(
    bbox: Sequence[float] | None = None,
    *,
    area: PathLike | None = None,
    date: str,
    cloud: float = 20,
    catalogue: str = "earth-search",
    collection: str | None = None,
) -> pd.DataFrame:
    """Find dates on which Sentinel-2 shows a place.

    Args:
        bbox: West, south, east, north of the place in degrees.
        area: A file with a polygon, in place of `bbox`.
        date: Time span "2023-05-01/2023-09-30", or one day. An end may be open, "..".
        cloud: Most clouds of a date, in per cent.
        catalogue: "earth-search", "planetary-computer", or the address of a STAC API.
        collection: Its collection of Sentinel-2 level 2A. None: the usual one.

    Returns:
        A table, best date first: date, cloud and coverage in per cent, and the items.
        It is empty if no date has so few clouds.

    Raises:
        OSError: If the catalogue cannot be reached or does not answer well.
        TypeError, ValueError: If an argument is wrong.

    Example:
        >>> from data_fetch import practice
        >>> with practice.running() as address:
        ...     dates = search(
        ...         (12.6, 52.46, 12.7, 52.5), date="2023-02-01/2023-06-01",
        ...         catalogue=address,
        ...     )
        >>> dates[["date", "cloud", "coverage"]]
                 date  cloud  coverage
        0  2023-02-16    1.5     100.0
        1  2023-05-17    8.0     100.0
    """
    wanted = Search.of(bbox, area, date, cloud, catalogue, collection)
    with with_packages():
        return dates_table(wanted)


def fetch_scene(  # noqa: PLR0913 - every one is a choice of the user's
    bbox: Sequence[float] | None = None,
    *,
    area: PathLike | None = None,
    date: str,
    cloud: float = 20,
    catalogue: str = "earth-search",
    collection: str | None = None,
    labels: str = "worldcover",
    name: str | None = None,
    folder: PathLike = "data",
    offset: str = "auto",
    max_dates: int = 1,
    replace: bool = False,
    progress: bool = True,
) -> Path:
    """Fetch a scene from a STAC catalogue; do nothing if it is already there.

    An interrupted run is continued by the next one with the same arguments.

    Args:
        bbox: West, south, east, north of the place in degrees.
        area: A file with a polygon, in place of `bbox`. The scene is the rectangle
            around it.
        date: Time span "2023-05-01/2023-09-30", or one day. The scene shows the best
            date in it.
        cloud: Most clouds of a date, in per cent.
        catalogue: "earth-search", "planetary-computer", or the address of a STAC API.
        collection: Its collection of Sentinel-2 level 2A. None: the usual one.
        labels: "worldcover", "none", or the path or address of a map with WorldCover's
            numbers, or of a folder with its tiles.
        name: Name of the scene. None: "my_scene".
        folder: The scene's folder goes into this one.
        offset: "auto", or "inside" or "removed" to overrule what is found out.
        max_dates: With 3, the images of the two next best dates come too, as
            `s2_10m_YYYYMMDD.tif` and `s2_20m_YYYYMMDD.tif`.
        replace: Whether to replace another scene of this name.
        progress: Whether to print what happens, with a bar.

    Returns:
        Path of the scene's folder: `s2_10m.tif`, `s2_20m.tif`, their `_nodata` copies,
        `terrain_truth_a.tif`, `_b`, `_c`, and `SOURCES.md`.

    Raises:
        OSError: If something cannot be reached, read or written. Nothing half-written
            is left.
        FileExistsError: If another scene has the name and `replace` is False.
        TypeError, ValueError: If an argument is wrong, or no date fits.
    """
    request = Request.of(
        Search.of(bbox, area, date, cloud, catalogue, collection),
        labels=labels,
        name=name,
        folder=folder,
        offset=offset,
        max_dates=max_dates,
    )
    return _fetch(request, replace=replace, progress=progress)


def _fetch(request: Request, *, replace: bool, progress: bool) -> Path:
    def say(text: str) -> None:
        if progress:
            print(text, flush=True)

    if is_complete(request.folder, request.recipe, request.files):
        return request.folder
    if not replace:
        check_replaceable(request.folder, request.recipe, request.files)
    with with_packages(), resumable(request.folder, request.source) as kept:
        plan = chosen_before(request, kept)
        if plan is not None:
            say("Continuing an interrupted run.")
        else:
            say("Searching the catalogue…")
            plan = choose(request, kept)
        _say_plan(plan, say)
        download, estimate = prepare(request, plan, kept, progress=progress)
        say(_cost(estimate))
        _check_disk(request.folder, estimate)
        return complete(request, download, replace=replace, say=say)


def describe_scene(request: Request, say: Callable[[str], Any]) -> None:
    """Tell what fetching a scene would do, and write nothing.

    Args:
        request: What the user asks for.
        say: Takes sentences for the user.

    Raises:
        OSError, ValueError: As `fetch_scene`.
    """
    if is_complete(request.folder, request.recipe, request.files):
        say(f"The scene is complete in '{request.folder}': nothing would be done.")
        return
    with with_packages(), TemporaryDirectory() as elsewhere:
        say("Searching the catalogue…")
        plan = choose(request)
        _say_plan(plan, say)
        download, estimate = prepare(request, plan, Path(elsewhere), progress=False)
        for date in download.dates:
            shown = 100 * download.pixels.shown(date.items)
            items = ", ".join(item.id for item in date.items)
            say(f"{date.date} shows {shown:.1f} % of the place: {items}")
        height, width = download.grid.shape
        say(f"The scene would have {height}x{width} pixels of 10 m.")
        say(_cost(estimate))
        if request.labels != NONE:
            note = find_labels(request.labels, download.grid)
            say(note or "There are labels of the place.")


def _say_plan(plan: Plan, say: Callable[[str], Any]) -> None:
    if plan.note:
        say(f"Please note: {plan.note}")
    say(f"Date: {plan.reason}")
    say("Reading the scene classification…")


def _cost(estimate: Estimate) -> str:
    if not estimate.reads:
        return "All pixels were read before."
    time = ""
    if estimate.seconds is not None:
        time = f", in about {_duration(estimate.seconds)}"
    return (
        f"To download: about {_megabytes(estimate.size)}{time}. On the disk: at most "
        f"{_megabytes(estimate.disk)}."
    )


def _megabytes(size: float) -> str:
    return f"{max(size / 1e6, 1):.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def _check_disk(folder: Path, estimate: Estimate) -> None:
    free = shutil.disk_usage(folder.parent).free
    if free < estimate.disk:
        raise OSError(
            f"The scene needs {_megabytes(estimate.disk)} of disk, and "
            f"{_megabytes(free)} are free in '{folder.parent}'. Free some space, "
            "choose another folder with `--folder`, or a smaller place."
        )
