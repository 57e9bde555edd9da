"""Items of STAC catalogues: one image of one day, as the catalogue describes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import shapely

from data_fetch.reflectance import INSIDE, REMOVED
from data_fetch.stac.assets import SCL, UNREADABLE, Asset, asset_grid, assets_of
from data_fetch.stac.outlines import outline_of
from data_fetch.stac.properties import baseline_of, cloud_of, day_of

# The processing baseline that began to add the offset.
FIRST_WITH_OFFSET = 4.0
# Items that are left out and named; of the others, the number is told.
MOST_NAMED = 3
# Characters of the reason: an item may hold texts and numbers of any length.
LONGEST_REASON = 200

__all__ = ["Item", "ItemsRead", "parse_item", "parse_items"]


@dataclass(frozen=True)
class Item:
    """One Sentinel-2 tile at one time.

    Attributes:
        id: Its name in the catalogue.
        date: Its day, "2023-05-08".
        cloud: Clouds in per cent; 0 if the item tells none.
        outline: Where it has data, in degrees.
        baseline: Processing baseline, or 0 if the item tells none.
        offset: The offset that metadata declares; None if it tells nothing.
        why: What metadata says about the offset, as half a sentence.
        assets: The file of each band of `BANDS`.
    """

    id: str
    date: str
    cloud: float
    outline: shapely.Geometry
    baseline: float
    offset: float | None
    why: str
    assets: Mapping[str, Asset]

    @property
    def epsg(self) -> int:
        """EPSG code of its UTM zone."""
        return self.assets[SCL].epsg


class ItemsRead(NamedTuple):
    """The items of a search that can be used.

    Attributes:
        items: The items, in the order of the search.
        note: A sentence that names the items that cannot be used; "" if all can.
    """

    items: Sequence[Item]
    note: str


def parse_item(raw: Mapping[str, Any]) -> Item:
    """Read an item of any of the known shapes.

    Args:
        raw: The item, as decoded JSON.

    Raises:
        ValueError: If it is not an item of Sentinel-2 level 2A.
    """
    try:
        return _parsed(raw)
    except UNREADABLE as err:
        raise ValueError(
            f"The item {_name(raw)} cannot be used: {_problem(err)}. Choose another "
            "catalogue with `--catalogue`, or a collection of Sentinel-2 level 2A with "
            "`--collection`."
        ) from err


def parse_items(raws: Iterable[Any]) -> ItemsRead:
    """Read the items of a search. An item that cannot be used is left out.

    An item that was sent twice counts once.

    Args:
        raws: The items, as decoded JSON.

    Raises:
        ValueError: If there are items, and none of them can be used.
    """
    found: dict[str, Item] = {}
    problems = []
    for raw in raws:
        try:
            item = _parsed(raw)
            found.setdefault(item.id, item)
        except UNREADABLE as err:
            problems.append(f"{_name(raw)} ({_problem(err)})")
    if not problems:
        return ItemsRead(tuple(found.values()), "")
    named = "; ".join(problems[:MOST_NAMED])
    if len(problems) > MOST_NAMED:
        named += f"; and {len(problems) - MOST_NAMED} more"
    if not found:
        raise ValueError(
            f"None of the {len(problems)} items that the catalogue sent can be used: "
            f"{named}. Choose another catalogue with `--catalogue`, or a collection of "
            "Sentinel-2 level 2A with `--collection`."
        )
    number = len(problems) + len(found)
    note = f"{len(problems)} of {number} items are left out: {named}."
    return ItemsRead(tuple(found.values()), note)


def _name(raw: Any) -> str:
    """The name of an item that may be damaged, for messages."""
    name = raw.get("id") if isinstance(raw, Mapping) else None
    if not isinstance(name, str):
        return "without a name"
    return repr(name if len(name) <= 80 else f"{name[:79]}…")


def _problem(err: BaseException) -> str:
    """Why an item cannot be used, as half a sentence."""
    # The kit's own reasons; those of libraries say nothing without their type.
    text = " ".join(str(err).split())
    if not (type(err) is ValueError and text.startswith(("it ", "its "))):
        text = f"it cannot be read: {type(err).__name__} {text}"
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"


def _parsed(raw: Mapping[str, Any]) -> Item:
    properties = raw["properties"]
    if not isinstance(raw["id"], str) or not isinstance(properties, Mapping):
        raise ValueError("its `id` is not a text, or its `properties` are not names")
    assets = assets_of(raw)
    _check_zone(assets[SCL].epsg)
    baseline = baseline_of(raw)
    offset, why = _declared_offset(properties, assets["B12"], baseline)
    return Item(
        id=raw["id"],
        date=day_of(properties),
        cloud=cloud_of(properties),
        outline=outline_of(raw["geometry"], asset_grid(assets[SCL])),
        baseline=baseline or 0.0,
        offset=offset,
        why=why,
        assets=assets,
    )


def _check_zone(code: int | None) -> None:
    if code is None:
        raise ValueError("it tells neither its CRS nor its MGRS tile")
    if not (32601 <= code <= 32660 or 32701 <= code <= 32760):
        raise ValueError(f"its CRS is EPSG:{code}, and Sentinel-2 is in UTM")


def _declared_offset(
    properties: Mapping[str, Any], asset: Asset, baseline: float | None
) -> tuple[float | None, str]:
    """The offset that metadata declares, and where it does."""
    # Earth Search sets this flag where it removed the offset. Its `raster:bands` then
    # still tell the offset, so the flag comes first.
    if properties.get("earthsearch:boa_offset_applied") is True:
        return REMOVED, "`earthsearch:boa_offset_applied` is true"
    if asset.offset is not None:
        return (
            asset.offset,
            f"the offset in the item's `raster` fields is {asset.offset:g}",
        )
    if baseline is not None:
        offset = INSIDE if baseline >= FIRST_WITH_OFFSET else REMOVED
        return offset, f"the processing baseline is {baseline:05.2f}"
    return None, "the metadata tells neither an offset nor a processing baseline"
