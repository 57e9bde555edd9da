"""Makes a scene from a STAC catalogue: search, choose, download, write."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from data_fetch import layout, scenes, worldcover
from data_fetch.areas import check_labelled, stripes
from data_fetch.places import grid_of
from data_fetch.stac.catalogues import Found, search_catalogue
from data_fetch.stac.dates import Candidate, candidates_of, too_cloudy
from data_fetch.stac.download import Download, Estimate, grid_at
from data_fetch.stac.items import parse_items
from data_fetch.stac.labels import NONE, keep_labels, read_kept
from data_fetch.stac.mosaic import Mosaic, mosaic_of
from data_fetch.stac.parts import parts_of
from data_fetch.stac.request import Request, Search
from data_fetch.stac.sources import attribution_of, sources_text
from data_fetch.stac.tokens import Tokens
from tutorial_lib import notices, rasters
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
        note: A sentence about items that were left out, or "".
    """

    dates: Sequence[Candidate]
    token_url: str | None
    reason: str
    note: str = ""


class _Searched(NamedTuple):
    """What a search found.

    Attributes:
        found: The items as the catalogue sent them.
        note: A sentence about items that were left out, or "".
        candidates: The dates, best first.
        fitting: Those with few enough clouds.
    """

    found: Found
    note: str
    candidates: list[Candidate]
    fitting: list[Candidate]


def dates_table(search: Search) -> pd.DataFrame:
    """The dates that a search finds, best first: date, cloud, coverage, items."""
    searched = _searched(search)
    if searched.note:
        notices.warn(searched.note)
    rows = [
        (one.date, one.cloud, one.coverage, tuple(item.id for item in one.items))
        for one in searched.fitting
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
    searched = _searched(request.search)
    if not searched.fitting:
        search, candidates = request.search, searched.candidates
        told = too_cloudy(candidates, search.cloud, search.interval, search.place)
        raise ValueError(f"{told} {searched.note}".strip())
    chosen = searched.fitting[: request.max_dates]
    reason = _reason(chosen[0], len(searched.fitting))
    plan = Plan(chosen, searched.found.token_url, reason, searched.note)
    if kept is not None:
        _remember(request, plan, searched.found, kept)
    return plan


def _remember(request: Request, plan: Plan, found: Found, kept: Path) -> None:
    ids = {item.id for date in plan.dates for item in date.items}
    about = {
        "choice": request.choice,
        "items": [raw for raw in found.items if _id(raw) in ids],
        "token_url": plan.token_url,
        "reason": plan.reason,
        "note": plan.note,
    }
    write_text(kept / CHOSEN, json.dumps(about))


def _id(raw: Any) -> Any:
    return raw.get("id") if isinstance(raw, dict) else None


def chosen_before(request: Request, kept: Path) -> Plan | None:
    """What an interrupted run has chosen, or None.

    Catalogues change. With other items, what was downloaded would be of no use.
    """
    try:
        about = json.loads((kept / CHOSEN).read_text(encoding="utf-8"))
        if about["choice"] != request.choice:
            return None
        items = parse_items(about["items"]).items
        dates = candidates_of(items, request.search.place)
        told = [about[name] for name in ("token_url", "reason", "note")]
        return Plan(dates, *told) if dates else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _searched(search: Search) -> _Searched:
    found = search_catalogue(search.catalogue, search.place, search.interval)
    read = parse_items(found.items)
    candidates = candidates_of(read.items, search.place)
    fitting = [one for one in candidates if one.cloud <= search.cloud]
    return _Searched(found, read.note, candidates, fitting)


def _reason(best: Candidate, count: int) -> str:
    others = f", the best of {count} dates" if count > 1 else ""
    return (
        f"{best.date}{others}: its images cover {best.coverage:g} % of the place and "
        f"have {best.cloud:g} % clouds."
    )


def prepare(
    request: Request, plan: Plan, kept: Path, *, progress: bool
) -> tuple[Download, Estimate]:
    """Read the classifications, and estimate the rest.

    Args:
        request: What the user asks for.
        plan: The dates.
        kept: Folder for what is read.
        progress: Whether to show a bar.

    Returns:
        The download of the dates that show enough, and what is left to be read.

    Raises:
        OSError: If something cannot be read, or the disk is too small.
        ValueError: If hardly anything can be seen on the best date.
    """
    grid = grid_of(request.search.place, plan.dates[0].epsg)
    tokens = Tokens(plan.token_url)
    download = Download(plan.dates, grid, parts_of(grid, kept), tokens, progress)
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
    # Labels are small, and they may be missing: a long download would be in vain then.
    if request.labels != NONE:
        _read_labels(request, download, say)
    download.read_bands()
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


def _read_labels(
    request: Request, download: Download, say: Callable[[str], Any]
) -> None:
    say("Reading the labels…")
    grid, parts = download.grid, download.parts
    note = keep_labels(request.labels, grid, parts)
    if note:
        say(note)
    read = read_kept(request.labels, grid, parts)
    check_labelled(tuple(grid.shape), read, len(layout.LEGEND))


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
            read_kept(request.labels, grid, download.parts),
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
