"""The file `SOURCES.md` of a scene: where it comes from, and what was decided."""

from collections.abc import Mapping, Sequence

from data_fetch import worldcover
from data_fetch.layout import BANDS_10M, BANDS_20M
from data_fetch.stac.dates import Candidate
from data_fetch.stac.labels import NONE
from data_fetch.stac.mosaic import Mosaic
from data_fetch.stac.request import Request

__all__ = ["attribution_of", "command_of", "sources_text"]


def attribution_of(dates: Sequence[Candidate]) -> str:
    """What everybody who passes the images on has to name.

    Example:
        >>> attribution_of([Candidate("2023-05-08", (), 0, 100, 32633)])
        'Contains modified Copernicus Sentinel data 2023'
    """
    years = sorted({date.date[:4] for date in dates})
    return f"Contains modified Copernicus Sentinel data {', '.join(years)}"


def command_of(request: Request) -> str:
    """The command that makes the same scene."""
    search = request.search
    sides = " ".join(f"{side:.6f}" for side in search.place.bounds)
    place = f"--bbox {sides}" if search.area is None else f"--area '{search.area}'"
    words = [
        "python -m data_fetch stac",
        place,
        f"--date {search.date}",
        f"--cloud {search.cloud:g}",
        f"--catalogue {search.catalogue.name}",
    ]
    if search.catalogue.collection:
        words.append(f"--collection {search.catalogue.collection}")
    words += [
        f"--labels {_quoted(request.labels)}",
        f"--offset {request.offset}",
        f"--max-dates {request.max_dates}",
        f"--name {request.folder.name}",
    ]
    return " \\\n        ".join(words)


def _quoted(text: str) -> str:
    return f"'{text}'" if " " in text else text


def sources_text(
    request: Request,
    dates: Sequence[Candidate],
    mosaics: Mapping[str, Mosaic],
    shown: Mapping[str, float],
    areas: str,
) -> str:
    """The text of `SOURCES.md`.

    Args:
        request: What the user asked for.
        dates: The dates of the scene, the best first.
        mosaics: The image of each date.
        shown: Share of the scene that each date shows, 0 to 1.
        areas: Text about the areas of the labels, in Markdown.
    """
    parts = [_head(request), _images(dates)]
    parts += [_date(date, mosaics[date.date], shown[date.date]) for date in dates]
    parts.append(_labels(request, dates, areas))
    return "\n\n".join(parts) + "\n"


def _head(request: Request) -> str:
    catalogue = request.search.catalogue
    return (
        f"# Where the scene {request.folder.name} comes from\n\n"
        f"Fetched from the STAC catalogue <{catalogue.url}>. The same again:\n\n"
        f"        {command_of(request)}"
    )


def _images(dates: Sequence[Candidate]) -> str:
    further = [
        f"`s2_{{10,20}}m_{date.date.replace('-', '')}.tif`" for date in dates[1:]
    ]
    names = ", ".join(
        [
            "`s2_10m.tif`, `s2_20m.tif`",
            "`s2_10m_nodata.tif`, `s2_20m_nodata.tif`",
            *further,
        ]
    )
    return (
        f"## Images: {names}\n\n"
        f"{attribution_of(dates)}: Sentinel-2, level 2A (reflectance at the surface).\n"
        "The data are free, full and open (Regulation (EU) No 1159/2013); whoever "
        "passes them on\nnames the source as above.\n\n"
        "Values are reflectance times 10 000, without offset, at least 1 where the "
        "ground was\nmeasured. 0 is no-data: clouds, their shadows, saturated pixels, "
        "and what no image covers,\nby the scene classification. The bands are "
        f"{', '.join(BANDS_10M)} at 10 m\nand {', '.join(BANDS_20M)} at 20 m. Pixels "
        f"of the zone EPSG:{dates[0].epsg} were copied, others take\nthe nearest. In "
        "the `_nodata` copies, a wedge in the west is no-data too."
    )


def _date(date: Candidate, mosaic: Mosaic, shown: float) -> str:
    rows = "".join(
        f"- `{item.id}` ({item.cloud:g} % clouds in the whole tile). "
        f"{mosaic.offsets[item.id].reason}\n"
        for item in mosaic.items
    )
    masked = 100 * (1 - shown)
    return (
        f"### {date.date}\n\nIts images cover {date.coverage:g} % of the place. "
        f"{masked:.1f} % of the pixels are no-data.\nWhere two images overlap, the "
        f"first in this list counts.\n\n{rows}"
    ).rstrip()


def _labels(request: Request, dates: Sequence[Candidate], areas: str) -> str:
    if request.labels == NONE:
        return "## Labels\n\nThe scene was fetched without labels."
    years = sorted({date.date[:4] for date in dates} - {"2021"})
    other = ""
    if years:
        other = (
            f" The images are of {', '.join(years)}: what has changed since is "
            "labelled wrongly."
        )
    origin = "" if request.labels == "worldcover" else f" Read from `{request.labels}`."
    return (
        "## Labels: `terrain_truth_a.tif`, `terrain_truth_b.tif`, "
        "`terrain_truth_c.tif`\n\n"
        f"{worldcover.ATTRIBUTION},\n{worldcover.LICENCE}.{origin}\n\n"
        f"The labels are those of the year 2021.{other}\nPixels beside another class "
        "have no label, because they are mixed.\n\n"
        f"{areas.strip()}"
    )
