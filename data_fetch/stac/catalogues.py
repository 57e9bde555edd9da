"""STAC catalogues: which there are, and how they are asked for items.

pystac-client speaks with the catalogue. What it raises becomes one sentence.
"""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from data_fetch.places import Place
from data_fetch.stac.retrying import PassingError, patiently
from tutorial_lib import arguments

C1, L2A = "sentinel-2-c1-l2a", "sentinel-2-l2a"
# The address of each known catalogue and its best collection. C1 has one processing
# baseline for all dates. It lacks most of 2022.
KNOWN = {
    "earth-search": ("https://earth-search.aws.element84.com/v1", C1),
    "planetary-computer": ("https://planetarycomputer.microsoft.com/api/stac/v1", L2A),
}
# Seconds to connect, and seconds without a byte of an answer.
TIMEOUT_S = (10, 30)
# Items of one page, and of a search. A tile has 70 dates a year and more.
PAGE, MOST_ITEMS = 100, 1000
# HTTP codes of a server that may answer a little later.
BUSY = {408, 425, 429, 500, 502, 503, 504}

Result = TypeVar("Result")

__all__ = ["KNOWN", "Catalogue", "Found", "read_json", "search_catalogue"]


class Catalogue(NamedTuple):
    """A catalogue to ask.

    Attributes:
        name: What the user gave: a known name, or an address.
        url: Its address.
        collection: The collection to search; None if it is to be found out.
    """

    name: str
    url: str
    collection: str | None

    @classmethod
    def of(cls, name: Any, collection: Any = None) -> "Catalogue":
        """The catalogue that a user means.

        Raises:
            TypeError: If a value is not a text.
            ValueError: If it is neither a known name nor an address.
        """
        name = arguments.text("catalogue", name)
        if collection is not None and not arguments.text("collection", collection):
            raise ValueError("`collection` is ''. Give its name, or leave it out.")
        if name in KNOWN:
            url, usual = KNOWN[name]
            return cls(name, url, collection or usual)
        parts = urlsplit(name)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            known = ", ".join(f"'{one}'" for one in KNOWN)
            raise ValueError(
                f"`catalogue` is {name!r}. Give one of {known}, or the address of a "
                "STAC API: https://…"
            )
        return cls(name, name.rstrip("/"), collection)


class Found(NamedTuple):
    """What a search found.

    Attributes:
        items: The items as the catalogue sent them, as decoded JSON.
        collection: Name of the collection.
        token_url: Address that gives tokens for the files, or None.
    """

    items: list[dict[str, Any]]
    collection: str
    token_url: str | None


def search_catalogue(catalogue: Catalogue, place: Place, interval: str) -> Found:
    """Find all items that touch a place in a time.

    Clouds are not part of the question: then it can be said which clouds there are.

    Args:
        catalogue: The catalogue to ask.
        place: The place.
        interval: Two moments with a stroke between them, as STAC writes them.

    Raises:
        OSError: If the catalogue cannot be reached or does not answer well.
        ValueError: If it has no such collection, or too many items.
    """
    io = _io()

    def ask() -> Found:
        with _plain_errors(catalogue.url):
            client = _open(catalogue, io)
            collection = _collection(client, catalogue)
            found = client.search(
                collections=[collection.id],
                bbox=place.bounds,
                datetime=interval,
                limit=PAGE,
                max_items=MOST_ITEMS + 1,
            )
            items = list(found.items_as_dicts())
        return Found(items, collection.id, _token_url(catalogue, collection))

    found = patiently(ask)
    if len(found.items) > MOST_ITEMS:
        raise ValueError(
            f"There are more than {MOST_ITEMS} items in {interval}. Give a shorter "
            "time with `--date`, or a smaller place."
        )
    return found


def read_json(url: str) -> Any:
    """Read JSON from an address.

    Raises:
        OSError: If it cannot be read.
    """
    io = _io()

    def ask() -> Any:
        with _plain_errors(url):
            return io.read_json(url)

    return patiently(ask)


def _io() -> Any:
    """What pystac-client sends requests with: no retries of its own, and patience."""
    from pystac_client.stac_api_io import StacApiIO

    return StacApiIO(timeout=TIMEOUT_S, max_retries=None)


def _open(catalogue: Catalogue, io: Any) -> Any:
    from pystac_client import Client

    # Without `timeout` here, it would take away the one of `io`.
    client = Client.open(catalogue.url, stac_io=io, timeout=TIMEOUT_S)
    searchable = client.conforms_to("ITEM_SEARCH")
    if not searchable:
        raise ValueError(
            f"'{catalogue.url}' is a STAC catalogue that cannot be searched. Give the "
            "address of a STAC API, for example 'earth-search'."
        )
    return client


def _collection(client: Any, catalogue: Catalogue) -> Any:
    """The collection to search: the one that was asked for, or the best there is."""
    for name in [catalogue.collection] if catalogue.collection else (C1, L2A):
        # None for a collection that does not exist.
        found = client.get_collection(name)
        if found is not None:
            return found
    wanted = catalogue.collection or f"{C1}' or '{L2A}"
    names = sorted(one.id for one in client.get_collections())
    there = ", ".join(names[:20]) or "none"
    raise ValueError(
        f"'{catalogue.url}' has no collection '{wanted}'. It has: {there}. Choose one "
        "of Sentinel-2 level 2A with `--collection`."
    )


def _token_url(catalogue: Catalogue, collection: Any) -> str | None:
    """Where tokens come from, if the files need them, as in the Planetary Computer."""
    more = collection.extra_fields
    account, container = more.get("msft:storage_account"), more.get("msft:container")
    if not account or not container:
        return None
    parts = urlsplit(catalogue.url)
    host = f"{parts.scheme}://{parts.netloc}"
    return f"{host}/api/sas/v1/token/{account}/{container}"


@contextmanager
def _plain_errors(url: str) -> Iterator[None]:
    """Turn errors of pystac-client into one sentence."""
    import pystac
    from pystac_client.errors import ClientTypeError
    from pystac_client.exceptions import APIError

    try:
        with warnings.catch_warnings():
            # It warns of what a catalogue cannot do; a search that fails says it again.
            warnings.simplefilter("ignore")
            yield
    except APIError as err:
        raise _translated(url, getattr(err, "status_code", None), str(err)) from err
    # pystac reads an answer as it is: wrong JSON ends in any of these errors.
    except (
        json.JSONDecodeError,
        pystac.STACError,
        ClientTypeError,
        AttributeError,
        KeyError,
        NotImplementedError,
        RecursionError,
        TypeError,
    ) as err:
        raise OSError(
            f"What '{url}' sent is not an answer of a STAC API: "
            f"{_first_line(str(err))}. Check the address with a browser, or choose "
            "another one with `--catalogue`."
        ) from err


def _translated(url: str, code: int | None, text: str) -> OSError:
    if code is None:
        return PassingError(
            f"The catalogue '{url}' could not be reached: {_reason(text)}. Check the "
            "internet connection and the address, then run the same command again."
        )
    if code in BUSY:
        return PassingError(
            f"The catalogue '{url}' is busy or out of order: it answered with HTTP "
            f"{code}. Run the same command again in some minutes."
        )
    # Some servers send a page for browsers, which says nothing here.
    said = "" if text.lstrip().startswith("<") else f": {_first_line(text)}"
    return OSError(
        f"The catalogue '{url}' answered with HTTP {code}{said}. Check the address "
        "with a browser, or choose another one with `--catalogue`."
    )


def _reason(text: str) -> str:
    """Why a connection failed, in a few words."""
    reasons: dict[str, Callable[[str], bool]] = {
        "it did not answer in time": lambda text: "timed out" in text.lower(),
        "its name is not known": lambda text: "resolve" in text or "Name or" in text,
        "the connection was refused": lambda text: "refused" in text,
        "its certificate is not valid": lambda text: "CERTIFICATE" in text.upper(),
        "the connection was lost": lambda text: (
            "reset" in text or "aborted" in text or "incomplete" in text.lower()
        ),
    }
    return next((why for why, fits in reasons.items() if fits(text)), _first_line(text))


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0].rstrip(". ")
    return line if len(line) <= 120 else f"{line[:119]}…"
