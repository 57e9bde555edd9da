"""Makes a scene from a STAC catalogue: search, choose, download, write."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data_fetch import layout, scenes, worldcover
from data_fetch.areas import stripes
from data_fetch.places import grid_of
from data_fetch.stac.catalogues import Found, search_catalogue
from data_fetch.stac.dates import Candidate, candidates_of, too_cloudy
from data_fetch.stac.download import Download, Estimate, grid_at
from data_fetch.stac.items import parse_item
from data_fetch.stac.labels import NONE, keep_labels, read_kept
from data_fetch.stac.mosaic import Mosaic, mosaic_of
from data_fetch.stac.parts import Parts
from data_fetch.stac.request import Request, Search
from data_fetch.stac.sources import attribution_of, sources_text
from data_fetch.stac.tokens import Tokens
from tutorial_lib import rasters
from tutorial_lib.rasters.files import write_text

# A scene of which less is seen teaches nothing. Share of its pixels.
LEAST_SHOWN = 0.05
# The file in which a run remembers what it has chosen, for the next one.
CHOSEN = "chosen.json"

__all__ = ["Plan", "choose", "chosen_before", "complete", "dates_table", "prepare"]


@dataclass(frozen=True)
class Plan:
    """The dates of a scene.

    Attributes:
        dates: They are fetched, the best first.
        token_url: Address that gives tokens for the files, or None.
        reason: Why the best date was chosen, as a sentence.
    """

    dates: Sequence[Candidate]
    token_url: str | None
    reason: str


def dates_table(search: Search) -> pd.DataFrame:
    """The dates that a search finds, best first: date, cloud, coverage, items."""
    _, _, fitting = _searched(search)
    rows = [
        (one.date, one.cloud, one.coverage, tuple(item.id for item in one.items))
        for one in fitting
    ]
    return pd.DataFrame(rows, columns=["date", "cloud", "coverage", "items"])


def choose(request: Request, kept: Path | None = None) -> Plan:
    """Search the catalogue and choose the dates.

    Args:
        request: What the user asks for.
        kept: Folder in which the choice is remembered; None for not at all.

    Raises:
        OSError: If the catalogue cannot be reached.
        ValueError: If no date fits.
    """
    found, candidates, fitting = _searched(request.search)
    if not fitting:
        search = request.search
        raise ValueError(too_cloudy(candidates, search.cloud, search.interval))
    chosen = fitting[: request.max_dates]
    reason = _reason(chosen[0], len(fitting))
    if kept is not None:
        ids = {item.id for date in chosen for item in date.items}
        raw = [item for item in found.items if str(item["id"]) in ids]
        about = {"items": raw, "token_url": found.token_url, "reason": reason}
        write_text(kept / CHOSEN, json.dumps(about))
    return Plan(chosen, found.token_url, reason)


def chosen_before(request: Request, kept: Path) -> Plan | None:
    """What an interrupted run has chosen, or None.

    Catalogues change. With other items, what was downloaded would be of no use.
    """
    try:
        about = json.loads((kept / CHOSEN).read_text(encoding="utf-8"))
        items = [parse_item(raw) for raw in about["items"]]
        dates = candidates_of(items, request.search.place)
        return Plan(dates, about["token_url"], about["reason"]) if dates else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _searched(search: Search) -> tuple[Found, list[Candidate], list[Candidate]]:
    """What was found, the dates of it, and those with few enough clouds."""
    found = search_catalogue(search.catalogue, search.place, search.interval)
    items = [parse_item(raw) for raw in found.items]
    candidates = candidates_of(items, search.place)
    return found, candidates, [one for one in candidates if one.cloud <= search.cloud]


def _reason(best: Candidate, count: int) -> str:
    others = f", the best of {count} dates" if count > 1 else ""
    return (
        f"{best.date}{others}: its images cover {best.coverage:g} % of the place and "
        f"have {best.cloud:g} % clouds."
    )


def prepare(
    request: Request, plan: Plan, parts: Parts, *, progress: bool
) -> tuple[Download, Estimate]:
    """Read the classifications, and estimate the rest.

    Returns:
        The download of the dates that show enough, and what is left to be read.

    Raises:
        OSError: If something cannot be read, or the disk is too small.
        ValueError: If hardly anything can be seen on the best date.
    """
    grid = grid_of(request.search.place, plan.dates[0].epsg)
    tokens = Tokens(plan.token_url)
    download = Download(plan.dates, grid, parts, tokens, progress)
    download.read_classifications()
    shown = {one.date: download.pixels.shown(one.items) for one in plan.dates}
    best = plan.dates[0].date
    if shown[best] < LEAST_SHOWN:
        raise ValueError(
            f"Only {100 * shown[best]:.1f} % of the place can be seen on {best}: the "
            "rest is clouds, their shadows, or outside of the images. Give another "
            "time with `--date`, or fewer clouds with `--cloud`."
        )
    download.dates = [one for one in plan.dates if shown[one.date] >= LEAST_SHOWN]
    return download, download.estimate()


def complete(
    request: Request, download: Download, *, replace: bool, say: Callable[[str], Any]
) -> Path:
    """Read the rest, and write the scene.

    Args:
        request: What the user asks for.
        download: What `prepare` gave.
        replace: Whether to replace another scene in the folder.
        say: Takes sentences for the user.

    Raises:
        OSError: If something cannot be read or written.
        ValueError: If the scene cannot have labels or a known offset.
    """
    download.read_bands()
    grid, parts = download.grid, download.parts
    if request.labels != NONE:
        note = keep_labels(request.labels, grid, parts)
        if note:
            say(note)
    mosaics = {
        date.date: mosaic_of(date.items, download.pixels, request.offset)
        for date in download.dates
    }
    for mosaic in mosaics.values():
        for name, offset in mosaic.offsets.items():
            say(f"{name}: {offset.reason}")
    say("Writing the scene…")
    return scenes.make_scene(
        request.folder,
        lambda part: _write(request, download, mosaics, part),
        recipe=request.recipe,
        files=request.files,
        replace=replace,
    )


def _write(
    request: Request, download: Download, mosaics: dict[str, Mosaic], part: Path
) -> None:
    grid, dates = download.grid, download.dates
    best = mosaics[dates[0].date]
    attribution = attribution_of(dates[:1])
    layout.write_images(part, grid, best.read, attribution=attribution)
    for date in dates[1:]:
        _write_date(part, download, date, mosaics[date.date])
    areas = ""
    if request.labels != NONE:
        areas = layout.write_truth(
            part,
            grid,
            read_kept(grid, download.parts),
            layout.LEGEND,
            attribution=worldcover.ATTRIBUTION,
        )
    shown = {one.date: download.pixels.shown(one.items) for one in dates}
    text = sources_text(request, dates, mosaics, shown, areas)
    (part / "SOURCES.md").write_text(text, encoding="utf-8")


def _write_date(
    part: Path, download: Download, date: Candidate, mosaic: Mosaic
) -> None:
    """Write the two images of a further date."""
    for spacing, bands in ((10, layout.BANDS_10M), (20, layout.BANDS_20M)):
        grid = grid_at(download.grid, spacing)
        with rasters.create_raster(
            part / f"s2_{spacing}m_{date.date.replace('-', '')}.tif",
            grid,
            channels=len(bands),
            dtype="uint16",
            nodata=0,
            descriptions=bands,
            tags={"ATTRIBUTION": attribution_of([date])},
        ) as raster:
            for rows in stripes(grid.height):
                raster.write(mosaic.read(spacing, rows), row=rows.start)
