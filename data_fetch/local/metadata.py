"""Metadata of a Sentinel-2 product: its XML files, read without trust."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from xml.etree import ElementTree
from xml.parsers import expat

from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj.exceptions import CRSError

# Bands by the number that the metadata gives them (`band_id`).
BAND_IDS = (
    *("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11"),
    "B12",
)
# The names of the same thing in levels 1C and 2A, and in level 2A of before 2018.
QUANTIFICATIONS = (
    *("QUANTIFICATION_VALUE", "BOA_QUANTIFICATION_VALUE"),
    "L2A_BOA_QUANTIFICATION_VALUE",
)
OFFSETS = ("RADIO_ADD_OFFSET", "BOA_ADD_OFFSET")

__all__ = ["About", "parse_xml", "read_about", "read_place"]


class _RefusedError(Exception):
    """The XML has what no product has."""


def parse_xml(content: bytes, name: str) -> ElementTree.Element:
    """Parse XML; names of elements lose their namespace.

    A document type, which could define entities that expand to gigabytes, is refused.

    Args:
        content: The file's content.
        name: The file's name, for messages.

    Raises:
        ValueError: If it is not well-formed, or has a document type.

    Example:
        >>> parse_xml(b'<n:a xmlns:n="x"><b>7</b></n:a>', "a.xml").findtext("b")
        '7'
        >>> parse_xml(b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', "a.xml")
        Traceback (most recent call last):
        ValueError: 'a.xml' is not metadata of Sentinel-2: it defines a document type.
        Download the product again.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, values: builder.start(_local(tag), values)
    parser.EndElementHandler = lambda tag: builder.end(_local(tag))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(content, True)
        return builder.close()
    except _RefusedError:
        raise ValueError(
            f"'{name}' is not metadata of Sentinel-2: it defines a document type. "
            "Download the product again."
        ) from None
    except (expat.ExpatError, LookupError) as err:  # LookupError: unknown encoding
        raise ValueError(
            f"'{name}' is damaged: {err}. Download the product again."
        ) from err


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _refuse(*_: object) -> None:
    raise _RefusedError


@dataclass(frozen=True)
class About:
    """What the metadata of a product says.

    Attributes:
        level: "1C" or "2A".
        baseline: Processing baseline, such as "05.09".
        date: Day of the image, such as "2023-05-08".
        quantification: Pixel value of a reflectance of 1.
        offsets: What is added to the pixel values of each band, -1000 or 0.
        offset_name: Name of the offset in the metadata; "" if it has none.
    """

    level: str
    baseline: str
    date: str
    quantification: float
    offsets: dict[str, float]
    offset_name: str


def read_about(root: ElementTree.Element, name: str) -> About:
    """Read the metadata of a product.

    Args:
        root: The parsed file.
        name: Its name, for messages.

    Raises:
        ValueError: If it has not what a product of level 1C or 2A has.
    """
    level = _level(root, name)
    quantification = _number(_first(root, QUANTIFICATIONS, name), name)
    if quantification <= 0:
        raise ValueError(
            f"'{name}' gives {quantification:g} as the quantification value. Download "
            "the product again."
        )
    offsets, offset_name = dict.fromkeys(BAND_IDS, 0.0), ""
    for element in _all(root, OFFSETS):
        number = int(_number(element, name, element.get("band_id")))
        if not 0 <= number < len(BAND_IDS):
            raise ValueError(
                f"'{name}' has an offset for band_id {number}. Download the product "
                "again."
            )
        offsets[BAND_IDS[number]] = _number(element, name)
        offset_name = element.tag
    starts = ("PRODUCT_START_TIME", "DATATAKE_SENSING_START")
    baselines = ("PROCESSING_BASELINE",)
    return About(
        level=level,
        baseline=_like(r"\d\d\.\d\d", _first(root, baselines, name), name),
        date=_like(r"\d{4}-\d\d-\d\d", _first(root, starts, name), name),
        quantification=quantification,
        offsets=offsets,
        offset_name=offset_name,
    )


def _level(root: ElementTree.Element, name: str) -> str:
    text = _text(_first(root, ("PROCESSING_LEVEL",), name))
    for level in ("1C", "2A"):
        # "Level-1C" and "Level-2Ap"
        if level in text:
            return level
    raise ValueError(f"'{name}' is of '{text}'. Give a product of level 1C or 2A.")


def read_place(root: ElementTree.Element, name: str) -> GeoBox:
    """The grid of the 10 m images, from the metadata of a tile.

    Raises:
        ValueError: If it does not tell the grid of 10 m.
    """
    code = _text(_first(root, ("HORIZONTAL_CS_CODE",), name))
    size = _at_10m(root, "Size", name)
    corner = _at_10m(root, "Geoposition", name)
    rows, columns = (
        int(_number(_first(size, (tag,), name), name)) for tag in ("NROWS", "NCOLS")
    )
    x, y, step_x, step_y = (
        _number(_first(corner, (tag,), name), name)
        for tag in ("ULX", "ULY", "XDIM", "YDIM")
    )
    if (step_x, step_y) != (10, -10) or min(rows, columns) < 2:
        raise ValueError(
            f"'{name}' has {rows}x{columns} pixels of {step_x:g} x {-step_y:g} m. "
            "Download the product again."
        )
    transform = Affine.translation(x, y) @ Affine.scale(step_x, step_y)
    try:
        return GeoBox((rows, columns), transform, code)
    except CRSError as err:
        raise ValueError(
            f"'{name}' has the coordinate system {code!r}, which is not known. "
            "Download the product again."
        ) from err


def _at_10m(root: ElementTree.Element, tag: str, name: str) -> ElementTree.Element:
    for element in root.iter(tag):
        if element.get("resolution") == "10":
            return element
    raise _missing(f"{tag} of 10 m", name)


def _all(
    root: ElementTree.Element, tags: tuple[str, ...]
) -> Iterator[ElementTree.Element]:
    return (element for element in root.iter() if element.tag in tags)


def _first(
    root: ElementTree.Element, tags: tuple[str, ...], name: str
) -> ElementTree.Element:
    for element in _all(root, tags):
        return element
    raise _missing(tags[0], name)


def _missing(tag: str, name: str) -> ValueError:
    return ValueError(
        f"'{name}' has no {tag}, so it is not metadata of a product of level 1C or 2A. "
        "Download the product again."
    )


def _text(element: ElementTree.Element) -> str:
    return (element.text or "").strip()


def _like(pattern: str, element: ElementTree.Element, name: str) -> str:
    """The beginning of a text, which becomes part of names and of SOURCES.md."""
    found = re.match(pattern, _text(element))
    if not found:
        raise ValueError(
            f"'{name}' has {_text(element)[:40]!r} for {element.tag}. Download the "
            "product again."
        )
    return found[0]


def _number(element: ElementTree.Element, name: str, text: str | None = None) -> float:
    text = _text(element) if text is None else text
    with suppress(ValueError):
        if isfinite(number := float(text)):
            return number
    raise ValueError(
        f"'{name}' has {text[:40]!r} for {element.tag}, and a number is needed. "
        "Download the product again."
    )
