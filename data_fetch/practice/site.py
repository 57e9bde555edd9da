"""What the practice catalogue answers: a function from a request to an answer.

Addresses, below `http://127.0.0.1:PORT`:

- `/v1`: a STAC API like Earth Search.
- `/api/stac/v1`: one like the Planetary Computer, whose files need a token from
  `/api/sas/v1/token/practice/sentinel2-l2`.
- `/files/NAME`, `/protected/sentinel2-l2/NAME?TOKEN`: images.
- `/v200/2021/map/NAME`: the WorldCover tile.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from data_fetch.practice.files import INSIDE, WORLDCOVER, band_file, outline
from data_fetch.practice.items import (
    ACCOUNT,
    CONTAINER,
    DESCRIPTION,
    EARTH_SEARCH,
    PLANETARY,
    Place,
    collections_of,
    item_of,
    scenes_of,
)
from data_fetch.practice.pictures import DATES
from data_fetch.practice.searching import page_of, read_get, wanted
from tutorial_lib import rasters

WORLDCOVER_FOLDER = "v200/2021/map"
# Seconds for which a token opens the protected files.
TOKEN_LASTS_S = 3600

CONFORMANCE = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/item-search#sort",
    "https://api.stacspec.org/v1.0.0/item-search#query",
    "https://api.stacspec.org/v1.0.0-rc.2/item-search#filter",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
]
JSON, GEOJSON = "application/json", "application/geo+json"

__all__ = ["WORLDCOVER_FOLDER", "Answer", "Request", "Site"]


@dataclass(frozen=True)
class Request:
    """What a client asks.

    Attributes:
        method: GET, HEAD or POST.
        path: Path of the address, without the first slash.
        query: What stands behind the question mark.
        body: What was posted.
    """

    method: str
    path: str
    query: str = ""
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, body: bytes = b"") -> "Request":
        """A request for an address such as `/v1/search?limit=5`.

        Raises:
            ValueError: If it is not an address.
        """
        parts = urlsplit(target)
        return cls(method, parts.path.strip("/"), parts.query, body)

    @property
    def parameters(self) -> dict[str, str]:
        """The names and values behind the question mark."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """What the server sends.

    Attributes:
        content: The bytes, or the path of a file.
        kind: Media type.
        status: Status code of HTTP.
        headers: Further headers.
    """

    content: bytes | Path
    kind: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, kind: str = JSON, status: int = 200) -> "Answer":
        """A value as JSON."""
        return cls(json.dumps(value).encode(), kind, status)

    @classmethod
    def refusal(cls, status: int, reason: str) -> "Answer":
        """An error of the client, in the words of STAC."""
        return cls.of({"code": str(status), "description": reason}, status=status)


class Site:
    """The practice catalogue in a folder that `make_practice` has filled."""

    def __init__(
        self, folder: Path, address: str, *, token_lasts_s: float = TOKEN_LASTS_S
    ) -> None:
        self._folder = folder
        self._address = address
        self._token_lasts_s = token_lasts_s
        self._tokens: dict[str, float] = {}
        self._files = {path.name for path in folder.glob("*.tif")}
        self._place = _place_of(folder, address)
        self._items = {
            catalogue: [
                item_of(scene, self._place, catalogue) for scene in scenes_of(catalogue)
            ]
            for catalogue in (EARTH_SEARCH, PLANETARY)
        }

    def answer(self, request: Request) -> Answer:
        """Answer a request; one that cannot be read gets status 400."""
        try:
            return self._route(request)
        except (
            *(ValueError, TypeError, LookupError, AttributeError),
            RecursionError,  # brackets in thousands of brackets
        ) as err:
            return Answer.refusal(400, f"The request cannot be read: {err}")

    def _route(self, request: Request) -> Answer:
        for folder, send in self._folders():
            start, _, name = request.path.rpartition("/")
            if start == folder:
                return send(name, request)
        for catalogue in self._items:
            if f"{request.path}/".startswith(f"{catalogue}/"):
                words = request.path.removeprefix(catalogue).strip("/").split("/")
                return self._catalogue(catalogue, words, request)
        return Answer.refusal(404, f"There is nothing at /{request.path}.")

    def _folders(self) -> Iterator[tuple[str, Callable[[str, Request], Answer]]]:
        yield "files", self._file
        yield WORLDCOVER_FOLDER, self._file
        yield f"protected/{CONTAINER}", self._protected_file
        yield f"api/sas/v1/token/{ACCOUNT}", self._token

    def _file(self, name: str, _: Request) -> Answer:
        # Only names that were there at the start: no path can lead elsewhere.
        if name not in self._files:
            return Answer.refusal(404, f"There is no file {name}.")
        return Answer(self._folder / name, "image/tiff")

    def _protected_file(self, name: str, request: Request) -> Answer:
        until = self._tokens.get(request.parameters.get("sig", ""), 0)
        if until < time.monotonic():
            return Answer.refusal(403, "This file needs a token, or its token is old.")
        return self._file(name, request)

    def _token(self, container: str, _: Request) -> Answer:
        if container != CONTAINER:
            return Answer.refusal(404, f"There is no container {container}.")
        signature = token_hex(16)
        self._tokens[signature] = time.monotonic() + self._token_lasts_s
        end = time.gmtime(time.time() + self._token_lasts_s)
        expiry = time.strftime("%Y-%m-%dT%H:%M:%SZ", end)
        token = urlencode({"se": expiry, "sp": "rl", "sig": signature})
        return Answer.of({"msft:expiry": expiry, "token": token})

    def _catalogue(self, catalogue: str, words: list[str], request: Request) -> Answer:
        match words:
            case [""]:
                return Answer.of(self._landing_page(catalogue))
            case ["conformance"]:
                return Answer.of({"conformsTo": CONFORMANCE})
            case ["search"]:
                return self._search(catalogue, request)
            case ["collections"]:
                return Answer.of(self._collections(catalogue))
            case ["collections", name]:
                return self._named(self._collections(catalogue)["collections"], name)
            case ["collections", name, "items"]:
                return self._search(catalogue, request, collection=name)
            case ["collections", name, "items", item]:
                items = wanted(self._items[catalogue], {"collections": [name]})
                return self._named(items, item)
        return Answer.refusal(404, f"There is nothing at /{request.path}.")

    def _named(self, values: list[dict[str, Any]], name: str) -> Answer:
        for value in values:
            if value["id"] == name:
                return Answer.of(value, JSON if "extent" in value else GEOJSON)
        return Answer.refusal(404, f"There is no {name}.")

    def _landing_page(self, catalogue: str) -> dict[str, Any]:
        root = f"{self._address}/{catalogue}"
        links = [
            ("self", root, JSON, "GET"),
            ("root", root, JSON, "GET"),
            ("conformance", f"{root}/conformance", JSON, "GET"),
            ("data", f"{root}/collections", JSON, "GET"),
            ("search", f"{root}/search", GEOJSON, "GET"),
            ("search", f"{root}/search", GEOJSON, "POST"),
        ]
        return {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": "practice",
            "title": "Practice catalogue",
            "description": DESCRIPTION,
            "conformsTo": CONFORMANCE,
            "links": [
                {"rel": relation, "href": href, "type": kind, "method": method}
                for relation, href, kind, method in links
            ],
        }

    def _collections(self, catalogue: str) -> dict[str, Any]:
        root = f"{self._address}/{catalogue}"
        return {
            "collections": collections_of(catalogue, self._place),
            "links": [{"rel": "root", "href": root, "type": JSON}],
        }

    def _search(
        self, catalogue: str, request: Request, collection: str | None = None
    ) -> Answer:
        posted = request.method == "POST"
        search = (
            json.loads(request.body or b"{}")
            if posted
            else read_get(request.parameters)
        )
        asked = search if collection is None else {"collections": [collection]}
        found = wanted(self._items[catalogue], {**search, **asked})
        page, token = page_of(found, search)
        href = f"{self._address}/{request.path}"
        links = [{"rel": "root", "href": f"{self._address}/{catalogue}", "type": JSON}]
        if token and posted:
            body = {**search, "token": token}
            links.append(_next_link(href, method="POST", body=body, merge=False))
        elif token:
            query = urlencode({**request.parameters, "token": token})
            links.append(_next_link(f"{href}?{query}", method="GET"))
        found = {"type": "FeatureCollection", "features": page, "links": links}
        return Answer.of({**found, "numberReturned": len(page)}, GEOJSON)


def _next_link(href: str, **more: Any) -> dict[str, Any]:
    return {"rel": "next", "href": href, "type": GEOJSON, **more}


def _place_of(folder: Path, address: str) -> Place:
    grid = rasters.read_grid(folder / band_file(INSIDE, DATES[0], "B4"))
    corner = (grid.transform.c, grid.transform.f)
    return Place(address, outline(grid), corner, tuple(grid.shape), int(grid.crs.epsg))


def worldcover_address(catalogue: str) -> str:
    """Address of the practice WorldCover tile, of a catalogue of the same server.

    Example:
        >>> worldcover_address("http://127.0.0.1:8765/v1").endswith(WORLDCOVER)
        True
    """
    parts = urlsplit(catalogue)
    return f"{parts.scheme}://{parts.netloc}/{WORLDCOVER_FOLDER}/{WORLDCOVER}"
