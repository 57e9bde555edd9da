"""The card of a map: what everybody must know who gets the file without its author.

A card is for a map what a model card is for a model: M. Mitchell et al. (2019), Model
Cards for Model Reporting, <https://doi.org/10.1145/3287560.3287596>.

It lies in the tags of the GeoTIFF, so that it is not lost when the file is copied.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import rasterio

from tutorial_lib import arguments
from tutorial_lib.display import html_table, wrapped
from tutorial_lib.rasters.cloud_optimised import copy_cloud_optimised
from tutorial_lib.rasters.dataset_files import check_readable
from tutorial_lib.rasters.destinations import check_geotiff
from tutorial_lib.rasters.files import replacing
from tutorial_lib.rasters.legends import legend_of
from tutorial_lib.rasters.opening import PathLike, open_quietly, opened
from tutorial_lib.rasters.write_errors import errors_named

__all__ = ["MapCard", "read_card", "write_card"]

# Tags of GDAL's default domain. QGIS shows no other (Layer Properties, Information,
# "More information"), and `gdalinfo` others only when it is asked.
PREFIX = "CARD_"
LONGEST_TEXT = 1000
# Of scores: a few thousand patches tell no more.
DECIMALS = 4
# The ends of an interval and its score may be rounded apart.
ROUNDED = 0.01
# A cloud-optimised file is compressed anew, so its compression must lose nothing. No
# entry is GDAL's way to say "not compressed".
LOSSLESS = {"DEFLATE": "deflate", "ZSTD": "zstd", "LZW": "lzw", None: "none"}


@dataclass(frozen=True, kw_only=True)
class MapCard:
    """What one must know about a map before using it.

    Line breaks of the texts become spaces, and the numbers have four decimals.

    Attributes:
        image: Where the image is from: satellite, product, source and licence.
        date: Day of the image as "YYYY-MM-DD", or first and last day of several images
            as "YYYY-MM-DD/YYYY-MM-DD".
        labels: Where the labels are from, and their licence.
        training_area: The places that the network was trained on.
        score: A score between 0 and 1.
        interval: Lower and upper end of an interval of this score.
        score_of: Which score it is, of which samples, and what the interval is over.
        known_failures: Where the map is wrong, as far as somebody has looked.
        not_for: What the map must not be used for.

    Raises:
        TypeError: If a text is not a text, or a number not a number.
        ValueError: If a text is empty, longer than 1000 characters, or holds "<", which
            QGIS takes for markup; if the date is not one, a number is not between 0
            and 1, or the interval does not hold the score.

    Example:
        >>> card = MapCard(
        ...     image="Sentinel-2A, level 1C, tile T33UUU",
        ...     date="2017-02-16",
        ...     labels="OpenStreetMap, polygons of 1 to 50 ha",
        ...     training_area="area A, west of Berlin",
        ...     score=0.6,
        ...     interval=(0.5, 0.7),
        ...     score_of="overall accuracy on patches of area C, over polygons",
        ...     known_failures="clouds have a class too",
        ...     not_for="other seasons",
        ... )
        >>> card.interval
        (0.5, 0.7)
    """

    image: str
    date: str
    labels: str
    training_area: str
    score: float
    interval: tuple[float, float]
    score_of: str
    known_failures: str
    not_for: str

    def __post_init__(self) -> None:
        checked = {name: _text(name, getattr(self, name)) for name in TEXTS}
        _check_date(checked["date"])
        score = _share("score", self.score)
        low, high = interval = _interval(self.interval)
        if not low - ROUNDED <= score <= high + ROUNDED:
            raise ValueError(
                f"`score` is {score:g} and lies outside of its `interval`, {low:g} to "
                f"{high:g}. Give the interval of this score."
            )
        for name, value in (checked | {"score": score, "interval": interval}).items():
            # A frozen dataclass allows no other way.
            object.__setattr__(self, name, value)

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Names and values as texts, in the order of the attributes."""
        low, high = self.interval
        shown = {"score": f"{self.score:g}", "interval": f"{low:g} to {high:g}"}
        values = {name: getattr(self, name) for name in NAMES} | shown
        return tuple((name.replace("_", " "), text) for name, text in values.items())

    def __repr__(self) -> str:
        width = max(len(name) for name, _ in self.rows) + 2
        return "\n".join(
            wrapped(f"{name:<{width}}{text}", indent=" " * width)
            for name, text in self.rows
        )

    def _repr_html_(self) -> str:
        return html_table(self.rows, sides=("left", "left"))


NAMES = tuple(field.name for field in fields(MapCard))
TEXTS = tuple(name for name in NAMES if name not in ("score", "interval"))


def _text(name: str, value: str) -> str:
    line = " ".join(arguments.text(name, value).split())
    if not line:
        raise ValueError(f"`{name}` is empty. Say it in a sentence.")
    if len(line) > LONGEST_TEXT:
        raise ValueError(
            f"`{name}` has {len(line)} characters. Say it in {LONGEST_TEXT}, and put "
            "the rest into a file beside the map."
        )
    # QGIS 3.22 does not escape tags where it shows them.
    if "<" in line or not line.isprintable():
        raise ValueError(
            f"`{name}` holds {_unshowable(line)!r}, which QGIS cannot show. Write it "
            "in words, such as 'less than'."
        )
    return line


def _unshowable(line: str) -> str:
    return next(sign for sign in line if sign == "<" or not sign.isprintable())


def _check_date(text: str) -> None:
    days = text.split("/")
    try:
        parsed = [date.fromisoformat(day) for day in days]
    except ValueError:
        parsed = []
    in_order = parsed == sorted(parsed) and [str(day) for day in parsed] == days
    if not in_order or len(parsed) not in (1, 2):
        raise ValueError(
            f"`date` is {text!r}. Give the day of the image as '2017-02-16', or the "
            "first and the last day as '2017-02-16/2017-06-30'."
        )


def _share(name: str, value: float) -> float:
    return round(arguments.number(name, value, least=0, most=1), DECIMALS)


def _interval(value: tuple[float, float]) -> tuple[float, float]:
    ends = arguments.sequence("interval", value, "two numbers, low and high")
    ends = tuple(_share("interval", end) for end in ends)
    if len(ends) != 2 or ends[0] > ends[-1]:
        raise ValueError(f"`interval` is {ends}. Give its lower and its upper end.")
    return ends


def write_card(path: PathLike, card: MapCard) -> Path:
    """Write a card into the tags of a map; an older card is replaced.

    Pixels, no-data value, colours, class names, other tags, overviews and the files
    beside the map stay as they are. A cloud-optimised file is copied in its own order,
    so that it is still one. If the card cannot be written, the map is as before.

    Args:
        path: A GeoTIFF that exists.
        card: The card.

    Returns:
        The path.

    Raises:
        TypeError: If `card` is not a card.
        ValueError: If the file is not a GeoTIFF, or is cloud-optimised and compressed
            in a way that loses something.
        OSError: If it does not exist, or cannot be read or written.

    Example:
        >>> from tutorial_lib import testing
        >>> path = testing.scratch_folder() / "map.tif"
        >>> _ = shutil.copy(testing.small_scene()["labels"], path)
        >>> card = MapCard(
        ...     image="invented", date="2024-05-01", labels="invented",
        ...     training_area="all of it", score=0.6, interval=(0.5, 0.7),
        ...     score_of="overall accuracy of 100 patches, over 20 polygons",
        ...     known_failures="towns in shadow", not_for="other places",
        ... )
        >>> read_card(write_card(path, card)) == card
        True
    """
    what = "a card, `tl.MapCard(image=…, date=…, …)`"
    arguments.instance("card", card, MapCard, what)
    check_geotiff(path)
    with opened(path) as dataset:
        cloud_optimised, compress = _structure(dataset, path)
        classes = legend_of(dataset) is not None
    with replacing(path) as part:
        written = (
            part.with_name(f"{part.name}.working.tif") if cloud_optimised else part
        )
        with errors_named(path):
            shutil.copyfile(path, written)
            _update(written, card)
        if cloud_optimised:
            copy_cloud_optimised(
                written, part, Path(path), compress=compress, classes=classes
            )
    return Path(path)


def _structure(dataset: rasterio.DatasetReader, path: PathLike) -> tuple[bool, str]:
    """Whether a GeoTIFF is cloud-optimised, and its compression for a copy."""
    if dataset.driver != "GTiff":
        raise ValueError(
            f"'{path}' is a file of the kind {dataset.driver}, and a card needs the "
            "tags of a GeoTIFF. Write the map as a GeoTIFF."
        )
    structure = dataset.tags(ns="IMAGE_STRUCTURE")
    compression = structure.get("COMPRESSION")
    if structure.get("LAYOUT") != "COG":
        return False, ""
    if compression not in LOSSLESS:
        raise ValueError(
            f"'{path}' is cloud-optimised and has the compression {compression}: a "
            "copy with the card would lose something. Write the map with 'deflate' "
            "or 'zstd'."
        )
    return True, LOSSLESS[compression]


def _update(path: Path, card: MapCard) -> None:
    """Write the tags into a file, whose pixels stay where they are."""
    tags = dict(zip(_tag_names(), (text for _, text in card.rows), strict=True))
    # GDAL refuses to change a cloud-optimised file, because its order would be lost.
    with open_quietly(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.update_tags(**tags)
    check_readable(path)


def _tag_names() -> list[str]:
    return [PREFIX + name.upper() for name in NAMES]


def read_card(path: PathLike) -> MapCard | None:
    """Read the card of a map, or None if it has none.

    Args:
        path: Raster that GDAL reads.

    Raises:
        ValueError: If a part of the card is missing, or `write_card` would refuse it.
        OSError: If the file does not exist, or GDAL cannot read it.

    Example:
        >>> from tutorial_lib import testing
        >>> read_card(testing.small_scene()["labels"]) is None
        True
    """
    with opened(path) as dataset:
        tags = dataset.tags()
    found = [name for name in _tag_names() if name in tags]
    if not found:
        return None
    missing = [name for name in _tag_names() if name not in tags]
    if missing:
        raise ValueError(
            f"The card of '{path}' lacks the tag {missing[0]}. Write it again with "
            "`tl.write_card`."
        )
    try:
        return _card_of(tags)
    except ValueError as err:
        raise ValueError(
            f"The card of '{path}' cannot be read: {err} Or write it again with "
            "`tl.write_card`."
        ) from err


def _card_of(tags: Mapping[str, str]) -> MapCard:
    values = dict(zip(NAMES, (tags[name] for name in _tag_names()), strict=True))
    low_and_high = values["interval"].split(" to ")
    numbers = {
        "score": _number("score", values["score"]),
        "interval": tuple(_number("interval", end) for end in low_and_high),
    }
    return MapCard(**values | numbers)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"`{name}` is {text!r}. Give a number.") from None
