"""Addresses that GDAL can read: of public buckets, and signed with a token.

The Planetary Computer gives tokens to everybody, without an account. A token is part of
the address and expires after some time.
"""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from data_fetch.stac.catalogues import read_json

# A token is renewed so long before its end. Reading a band takes some minutes at most.
EARLY = timedelta(minutes=5)
# How long a token is used that does not tell its end.
UNKNOWN_END = timedelta(minutes=10)

_BUCKET = re.compile(r"s3://([^/]+)/(.+)")

__all__ = ["Tokens", "is_public", "public_address"]


class Tokens:
    """The token of a catalogue's files, and its renewal.

    Args:
        url: Address that gives tokens; None if files need no token.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._token = ""
        self._until = datetime.min.replace(tzinfo=UTC)

    def signed(self, href: str) -> str:
        """An address with the token behind it.

        Raises:
            OSError: If no token can be had.
        """
        address = public_address(href)
        if self._url is None:
            return address
        if datetime.now(UTC) >= self._until:
            self._renew(self._url)
        return f"{address}{'&' if urlsplit(address).query else '?'}{self._token}"

    @property
    def needed(self) -> bool:
        """Whether files need a token."""
        return self._url is not None

    def forget(self) -> None:
        """Have the next address get a new token."""
        self._until = datetime.min.replace(tzinfo=UTC)

    def _renew(self, url: str) -> None:
        answer = read_json(url)
        try:
            token = answer["token"]
            end = answer.get("msft:expiry")
            now = datetime.now(UTC)
            until = datetime.fromisoformat(end) if end else now + UNKNOWN_END
            # A token that ends soon is used once, and not asked for without end.
            self._until = max(until - EARLY, now + timedelta(seconds=1))
            self._token = str(token).lstrip("?")
        except (AttributeError, KeyError, TypeError, ValueError) as err:
            raise OSError(
                f"'{url}' did not send a token. Run the same command again in some "
                "minutes, or choose another catalogue with `--catalogue`."
            ) from err


def is_public(href: str) -> bool:
    """Whether a file has an address that everybody can read."""
    return bool(_BUCKET.fullmatch(href) or re.match(r"https?://[^/]", href))


def public_address(href: str) -> str:
    """The https address of a file in a public bucket; others stay as they are.

    Raises:
        ValueError: If it is not an address of the web.

    Example:
        >>> public_address("s3://sentinel-cogs/a/B04.tif")
        'https://sentinel-cogs.s3.amazonaws.com/a/B04.tif'
    """
    found = _BUCKET.fullmatch(href)
    if found:
        return f"https://{found[1]}.s3.amazonaws.com/{found[2]}"
    if not is_public(href):
        raise ValueError(
            f"The catalogue's file '{href}' has no address that starts with https:// "
            "or s3://. Choose another catalogue with `--catalogue`."
        )
    return href
