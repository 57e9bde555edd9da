"""Time spans that users write, and the best dates among the items of a search."""

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import shapely

from data_fetch.places import NORTHERNMOST, SOUTHERNMOST, Place
from data_fetch.stac.items import Item
from tutorial_lib import arguments

# The first image of Sentinel-2.
FIRST_DAY = datetime.date(2015, 6, 27)
# An item that shows less than this share of the place for the first time is left out.
LEAST_NEW = 0.001
EXAMPLE = "2023-05-01/2023-09-30, or one day such as 2023-05-08"

__all__ = ["Candidate", "candidates_of", "check_cloud", "interval_of", "too_cloudy"]


class Candidate(NamedTuple):
    """The items of one date.

    Attributes:
        date: The day, "2023-05-08".
        items: Its items in the order in which they fill the scene.
        cloud: Clouds in per cent, the mean of the items over the place.
        coverage: Share of the place that they cover, in per cent.
        epsg: EPSG code of the UTM zone of the item that covers most of the place.
    """

    date: str
    items: tuple[Item, ...]
    cloud: float
    coverage: float
    epsg: int

    @property
    def score(self) -> float:
        """Per cent of the place that the date probably shows without clouds."""
        return self.coverage * (1 - self.cloud / 100)


def interval_of(date: Any) -> str:
    """The time span of a search, from "2023-05-01/2023-09-30" or one day.

    One end may be open: "2023-05-01/..".

    Raises:
        TypeError: If it is not a text.
        ValueError: If it is not a span of time in which there are images.

    Example:
        >>> interval_of("2023-05-08")
        '2023-05-08T00:00:00Z/2023-05-08T23:59:59Z'
    """
    text = arguments.text("date", date).strip()
    first_text, stroke, last_text = text.partition("/")
    first = _day(first_text, text, FIRST_DAY if stroke else None)
    today = datetime.datetime.now(datetime.UTC).date()
    last = _day(last_text, text, today) if stroke else first
    if stroke and {first_text.strip(), last_text.strip()} <= {"", ".."}:
        raise ValueError(f"The date {text!r} has no end. Give at least one: {EXAMPLE}.")
    if last < first:
        raise ValueError(
            f"The date {text!r} ends before it begins. Give the earlier day first: "
            f"{last}/{first}."
        )
    if last < FIRST_DAY:
        raise ValueError(
            f"The date is {text!r}, and the first image of Sentinel-2 is of "
            f"{FIRST_DAY}. Give a later one."
        )
    if first > today:
        raise ValueError(f"The date {text!r} is in the future. Give an earlier one.")
    return f"{first}T00:00:00Z/{last}T23:59:59Z"


def _day(text: str, whole: str, open_end: datetime.date | None) -> datetime.date:
    text = text.strip()
    if open_end is not None and text in ("", ".."):
        return open_end
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError as err:
        raise ValueError(
            f"The date is {whole!r}, and {text!r} is not a day. Give {EXAMPLE}."
        ) from err
    # Python reads 20230508 and 2023-W19-1 too.
    if text != day.isoformat():
        raise ValueError(f"The date is {whole!r}. Write it as {day.isoformat()}.")
    return day


def check_cloud(cloud: Any) -> float:
    """A limit for clouds in per cent."""
    return arguments.number("cloud", cloud, least=0, most=100)


def candidates_of(items: Iterable[Item], place: Place) -> list[Candidate]:
    """The dates of some items, best first.

    The best date shows most of the place without clouds; of equal dates, the latest.

    Args:
        items: Items in any order.
        place: The place to be covered.
    """
    dates: dict[str, list[Item]] = {}
    for item in items:
        dates.setdefault(item.date, []).append(item)
    candidates = [
        found for date, one in dates.items() if (found := _candidate(date, one, place))
    ]
    return sorted(candidates, key=lambda one: (round(one.score, 1), one.date))[::-1]


def _candidate(date: str, items: Sequence[Item], place: Place) -> Candidate | None:
    """A date, or None if it shows nothing of the place."""
    shown = {
        item.id: shapely.intersection(item.outline, place.outline) for item in items
    }
    shown = {name: shape for name, shape in shown.items() if shape.area}
    if not shown:
        return None
    largest = max(
        (item for item in items if item.id in shown),
        key=lambda item: (shown[item.id].area, item.id),
    )
    kept = _kept(items, shown, largest.epsg, place)
    areas = [shown[item.id].area for item in kept]
    cloud = sum(
        item.cloud * area for item, area in zip(kept, areas, strict=True)
    ) / sum(areas)
    together = shapely.union_all([shown[item.id] for item in kept])
    coverage = 100 * together.area / place.outline.area
    return Candidate(
        date, kept, round(cloud, 1), round(min(coverage, 100), 1), largest.epsg
    )


def _kept(
    items: Sequence[Item],
    shown: dict[str, shapely.Geometry],
    epsg: int,
    place: Place,
) -> tuple[Item, ...]:
    """Items in the order in which they fill the scene, without superfluous ones.

    Pixels of the scene's own zone are copied, so their items come first. Then those of
    the newest processing. An item whose ground other items show is left out: neighbours
    overlap, and some tiles were processed twice.
    """
    order = sorted(
        (item for item in items if item.id in shown),
        key=lambda item: (item.epsg != epsg, -item.baseline, item.id),
    )
    kept: list[Item] = []
    seen = shapely.Polygon()
    for item in order:
        new = shapely.difference(shown[item.id], seen)
        if new.area > LEAST_NEW * place.outline.area:
            kept.append(item)
            seen = shapely.union(seen, shown[item.id])
    return tuple(kept or order[:1])


def too_cloudy(
    candidates: Sequence[Candidate], cloud: float, interval: str, place: Place
) -> str:
    """The message if no date has few enough clouds.

    Args:
        candidates: All dates, best first; may be empty.
        cloud: The limit in per cent.
        interval: The time span of the search.
        place: The place of the search.
    """
    first, last = (moment[:10] for moment in interval.split("/"))
    if not candidates:
        return (
            f"There is no image of the place from {first} to {last}. Give a longer "
            f"time with `--date`, or another place.{_swapped(place)}"
        )
    clearest = min(candidates, key=lambda one: (one.cloud, one.date))
    return (
        f"No date from {first} to {last} has at most {cloud:g} % clouds: the clearest "
        f"of {len(candidates)}, {clearest.date}, has {clearest.cloud:g} %. Raise "
        "`--cloud`, or give a longer time with `--date`."
    )


def _swapped(place: Place) -> str:
    """A hint for a box whose longitudes could be latitudes; "" for another one."""
    west, south, east, north = place.bounds
    if west < SOUTHERNMOST or east > NORTHERNMOST:
        return ""
    return (
        f" The longitude comes first: this place lies at {west:g} to {east:g} degrees "
        f"east and {south:g} to {north:g} degrees north. If that is the wrong way "
        f"round, give {south:g} {west:g} {north:g} {east:g}."
    )
