"""Which items a STAC search asks for: places, dates, names, properties, and pages."""

import json
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import shapely
import shapely.geometry

# Most items of one page, and their number where the search does not say.
MOST_ON_A_PAGE, ON_A_PAGE = 1000, 10

COMPARISONS = {
    "eq": operator.eq,
    "neq": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "in": lambda value, choices: value in choices,
}
# The same in the filter language CQL2.
CQL2 = {"=": "eq", "<>": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
CONDITION = re.compile(r"\s*\(?\"?([\w:.]+)\"?\s*(<=|>=|<>|=|<|>)\s*('[^']*'|[^\s)]+)")

Search = Mapping[str, Any]

__all__ = ["page_of", "read_get", "wanted"]


def read_get(parameters: Mapping[str, str]) -> dict[str, Any]:
    """A search from the parameters of an address, as the body of a POST has it.

    Raises:
        ValueError: If a parameter cannot be read.

    Example:
        >>> read_get({"bbox": "12,52,13,53", "collections": "a,b", "limit": "5"})
        {'bbox': [12.0, 52.0, 13.0, 53.0], 'collections': ['a', 'b'], 'limit': 5}
    """
    read: dict[str, Callable[[str], Any]] = {
        "bbox": lambda text: [float(number) for number in text.split(",")],
        "collections": lambda text: text.split(","),
        "ids": lambda text: text.split(","),
        "intersects": json.loads,
        "query": json.loads,
        "limit": int,
        "sortby": _read_sorting,
    }
    search = {
        name: read[name](text) if name in read else text
        for name, text in parameters.items()
    }
    if search.get("filter-lang") == "cql2-json":
        search["filter"] = json.loads(search["filter"])
    return search


def _read_sorting(text: str) -> list[dict[str, str]]:
    return [
        {
            "field": field.lstrip("+-"),
            "direction": "desc" if field.startswith("-") else "asc",
        }
        for field in text.split(",")
    ]


def wanted(items: list[dict[str, Any]], search: Search) -> list[dict[str, Any]]:
    """The items that a search finds: the newest first, or in the order it asks for.

    Args:
        items: STAC items.
        search: Body of the search: bbox, intersects, datetime, collections, ids, query,
            filter and sortby.

    Raises:
        ValueError: If a part of the search cannot be read.

    Example:
        >>> items = [{"id": name, "properties": {"eo:cloud_cover": cover,
        ...           "datetime": "2023-02-16T10:00:00Z"}} for name, cover in
        ...          (("a", 5), ("b", 50))]
        >>> [x["id"] for x in wanted(items, {"query": {"eo:cloud_cover": {"lt": 10}}})]
        ['a']
    """
    conditions = [_names(search), _place(search), _dates(search)]
    conditions += [_query(search.get("query")), _filter(search.get("filter"))]
    found = [item for item in items if all(fits(item) for fits in conditions)]
    default = [{"field": "properties.datetime", "direction": "desc"}]
    # Sorting by the last field first, because equal items stay in their order.
    for field in reversed(search.get("sortby") or default):
        found.sort(
            key=lambda item, name=field["field"]: str_or_number(_value(item, name)),
            reverse=field.get("direction") == "desc",
        )
    return found


def str_or_number(value: Any) -> tuple[bool, Any]:
    """A sorting key; numbers come before texts."""
    is_number = isinstance(value, int | float)
    return not is_number, value if is_number else str(value)


def page_of(
    items: list[dict[str, Any]], search: Search
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of the items, and the token of the next page or None.

    Raises:
        ValueError: If the limit or the token is not a number in its range.
    """
    limit, start = int(search.get("limit", ON_A_PAGE)), int(search.get("token", 0))
    if not 1 <= limit <= MOST_ON_A_PAGE:
        raise ValueError(f"limit is {limit}. Give 1 to {MOST_ON_A_PAGE}.")
    if start < 0:
        raise ValueError(f"token is {start}. Give the one of the link to the page.")
    end = start + limit
    return items[start:end], str(end) if end < len(items) else None


def _names(search: Search) -> Callable[[dict], bool]:
    ids, collections = search.get("ids"), search.get("collections")
    return lambda item: (
        (not ids or item["id"] in ids)
        and (not collections or item["collection"] in collections)
    )


def _place(search: Search) -> Callable[[dict], bool]:
    if search.get("bbox") and search.get("intersects"):
        raise ValueError("A search has bbox or intersects, and not both.")
    if search.get("bbox"):
        bbox = [float(number) for number in search["bbox"]]
        # With heights, a box has six numbers.
        west, south, east, north = bbox if len(bbox) == 4 else _without_heights(bbox)
        area = shapely.box(west, south, east, north)
    elif search.get("intersects"):
        area = shapely.geometry.shape(search["intersects"])
    else:
        return lambda item: True
    return lambda item: shapely.geometry.shape(item["geometry"]).intersects(area)


def _without_heights(bbox: list[float]) -> list[float]:
    if len(bbox) != 6:
        raise ValueError(f"bbox has {len(bbox)} numbers. Give 4.")
    return [*bbox[:2], *bbox[3:5]]


def _dates(search: Search) -> Callable[[dict], bool]:
    text = search.get("datetime")
    if not text:
        return lambda item: True
    first, _, last = text.partition("/")
    first = _moment(first, datetime.min)
    last = _moment(last, datetime.max) if "/" in text else first
    return lambda item: first <= _moment(item["properties"]["datetime"]) <= last


def _moment(text: str, unlimited: datetime = datetime.max) -> datetime:
    """A date and time of RFC 3339; `..` and an empty text mean no limit."""
    if text in ("", ".."):
        return unlimited.replace(tzinfo=UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _query(query: Any) -> Callable[[dict], bool]:
    """A condition from the query extension."""
    tests = [
        (name, COMPARISONS[_known(sign)], value)
        for name, comparisons in (query or {}).items()
        for sign, value in comparisons.items()
    ]
    return lambda item: all(
        _holds(compare, _value(item, name), value) for name, compare, value in tests
    )


def _known(sign: str) -> str:
    if sign not in COMPARISONS:
        known = ", ".join(COMPARISONS)
        raise ValueError(f"{sign!r} is not a known comparison. Known ones: {known}.")
    return sign


def _holds(compare: Callable[[Any, Any], bool], value: Any, limit: Any) -> bool:
    try:
        return value is not None and bool(compare(value, limit))
    except TypeError:
        return False


def _value(item: dict[str, Any], name: str) -> Any:
    """A property, or the item's id or collection."""
    name = name.removeprefix("properties.")
    return item.get(name, item["properties"].get(name))


def _filter(condition: Any) -> Callable[[dict], bool]:
    """A condition from the filter extension, as CQL2 in text or JSON."""
    if not condition:
        return lambda item: True
    if isinstance(condition, str):
        return _query(_read_text(condition))
    name, parts = condition["op"].lower(), condition["args"]
    if name in ("and", "or"):
        both = all if name == "and" else any
        inner = [_filter(part) for part in parts]
        return lambda item: both(fits(item) for fits in inner)
    if name == "not":
        refused = _filter(parts[0])
        return lambda item: not refused(item)
    return _query({parts[0]["property"]: {CQL2.get(name, name): parts[1]}})


def _read_text(text: str) -> dict[str, dict[str, Any]]:
    """Comparisons that are joined by AND; other texts raise ValueError."""
    query: dict[str, dict[str, Any]] = {}
    for part in re.split(r"\bAND\b", text, flags=re.IGNORECASE):
        found = CONDITION.match(part)
        if not found:
            raise ValueError(f"{part!r} is not a comparison that can be read.")
        name, sign, limit = found.groups()
        value = limit[1:-1] if limit.startswith("'") else float(limit)
        query.setdefault(name, {})[CQL2[sign]] = value
    return query
