"""Web addresses that a page would load."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser


def remote_addresses(text: str) -> list[str]:
    """Web addresses that a page, or a frame in it, would load.

    Links that a reader may click are not loaded, so they are not listed.
    """
    finder = _LoadFinder()
    finder.feed(text)
    return finder.found


class _LoadFinder(HTMLParser):
    """Collects the web addresses that attributes and style sheets load."""

    _REMOTE = r"(?:https?:)?//[^\s\"')]+"

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(
        self, tag: str, attrs: Sequence[tuple[str, str | None]]
    ) -> None:
        self._in_style = tag == "style"
        for name, value in attrs:
            if name == "srcdoc":
                self.found += remote_addresses(value or "")
            elif name == "style":
                self._search_css(value or "")
            elif value and (tag, name) != ("a", "href"):
                self.found += re.findall(rf"^\s*({self._REMOTE})", value)

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._search_css(re.sub(r"/\*.*?\*/", "", data, flags=re.DOTALL))

    def _search_css(self, text: str) -> None:
        loads = rf"(?:url\(\s*|@import\s*)[\"']?({self._REMOTE})"
        self.found += re.findall(loads, text)
