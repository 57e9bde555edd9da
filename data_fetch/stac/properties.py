"""What the properties of an item say: its zone, clouds, day and processing baseline.

Catalogues write the same thing in several ways. What cannot be understood is refused
with its value, as half a sentence that follows the name of the item.
"""

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

# Letters of the bands of latitude. From N on they lie in the north.
_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_TILE = rf"(\d{{1,2}})([{_BANDS}])[A-Z]{{2}}"
# Processing baselines as numbers: 5.11 is 05.11. Those of test products are 99.99.
_LEAST_BASELINE, _MOST_BASELINE = 0.01, 99.99

__all__ = ["baseline_of", "cloud_of", "day_of", "epsg_of", "utm_epsg_of_tile"]


def day_of(properties: Mapping[str, Any]) -> str:
    """The day of an item, "2023-05-08"."""
    moment = properties.get("datetime") or properties["start_datetime"]
    # It becomes a part of file names: a text such as "../.." must not.
    return datetime.date.fromisoformat(str(moment)[:10]).isoformat()


def cloud_of(properties: Mapping[str, Any]) -> float:
    """Clouds of an item in per cent; 0 if it does not say.

    Raises:
        ValueError: If what it says is not a number from 0 to 100.

    Example:
        >>> cloud_of({"eo:cloud_cover": "7.5"})
        7.5
        >>> cloud_of({"eo:cloud_cover": -5})
        Traceback (most recent call last):
        ValueError: its `eo:cloud_cover` is -5, and not from 0 to 100 %
    """
    told = properties.get("eo:cloud_cover")
    if told is None:
        return 0.0
    cloud = _number(told)
    # Sums of shares may exceed 100 by a rounding error.
    if cloud is None or not 0 <= round(cloud, 3) <= 100:
        raise ValueError(
            f"its `eo:cloud_cover` is {_shown(told)}, and not from 0 to 100 %"
        )
    return min(max(cloud, 0.0), 100.0)


def baseline_of(raw: Mapping[str, Any]) -> float | None:
    """The processing baseline of an item as a number, or None if it tells none.

    Raises:
        ValueError: If the item tells one that cannot be understood.

    Example:
        >>> [
        ...     baseline_of({"id": "a", "properties": {"s2:processing_baseline": told}})
        ...     for told in ("05.11", "N0511", 4, None)
        ... ]
        [5.11, 5.11, 4.0, None]
    """
    properties = raw["properties"]
    told = properties.get("s2:processing_baseline")
    if told not in (None, ""):
        found = _baseline(told)
        if found is None:
            raise ValueError(
                f"its `s2:processing_baseline` is {_shown(told)}, and not one such as "
                "'05.11'"
            )
        return found
    # Any program may tell its own version here, so another one says nothing.
    version = _baseline(properties.get("processing:version"))
    if version is not None:
        return version
    # Names of products have it as _N0509_.
    for text in (properties.get("s2:product_uri"), raw.get("id")):
        found = re.search(r"_(N\d{4})_", str(text))
        if found:
            return _baseline(found[1])
    return None


def _baseline(told: Any) -> float | None:
    """The number of "05.11", "N0511", "0511", 5.11 or 4; None for anything else."""
    text = "" if isinstance(told, bool) else str(told).strip()
    found = re.fullmatch(r"[Nn]?(\d{2})(\d{2})", text)
    number = None
    if found:
        number = float(f"{found[1]}.{found[2]}")
    elif re.fullmatch(r"[NnVv]?\d{1,2}(\.\d{1,2})?", text):
        number = float(text.lstrip("NnVv"))
    if number is None or not _LEAST_BASELINE <= number <= _MOST_BASELINE:
        return None
    return number


def epsg_of(holder: Mapping[str, Any]) -> int | None:
    """The EPSG code that an asset or the properties tell, or None.

    Example:
        >>> epsg_of({"proj:code": "EPSG:32633"}), epsg_of({"proj:epsg": 32633})
        (32633, 32633)
    """
    code = holder.get("proj:code") or holder.get("proj:epsg")
    found = re.fullmatch(r"(?:EPSG:)?(\d+)", str(code), flags=re.IGNORECASE)
    return int(found[1]) if found else None


def utm_epsg_of_tile(raw: Mapping[str, Any]) -> int | None:
    """The EPSG code of the tile's UTM zone, from the tile's name, or None.

    Example:
        >>> utm_epsg_of_tile({"properties": {"grid:code": "MGRS-33UUU"}})
        32633
    """
    for tile in _tiles(raw):
        zone, north = int(tile[1]), tile[2] >= "N"
        if 1 <= zone <= 60:
            return (32600 if north else 32700) + zone
    return None


def _tiles(raw: Mapping[str, Any]) -> Iterator[re.Match]:
    """Where the name of the tile is found, the surest place first."""
    properties = raw["properties"]
    parts = [
        properties.get(f"mgrs:{name}")
        for name in ("utm_zone", "latitude_band", "grid_square")
    ]
    names = [
        properties.get("grid:code"),
        properties.get("s2:mgrs_tile"),
        "".join(map(str, parts)),
    ]
    for name in names:
        found = re.fullmatch(rf"(?:MGRS-|T)?{_TILE}", str(name).strip().upper())
        if found:
            yield found
    # Names of products have it as _T33UUU_, and some catalogues as _33UUU_.
    for text in (properties.get("s2:product_uri"), raw.get("id")):
        found = re.search(rf"_T?{_TILE}_", str(text))
        if found:
            yield found


def _number(value: Any) -> float | None:
    """A finite number, also one that is written as a text; None for anything else."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
