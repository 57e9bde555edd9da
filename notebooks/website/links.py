"""Links of a folder of pages that lead nowhere."""

from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, normpath
from urllib.parse import unquote, urlsplit


def broken_links(folder: Path, names: Iterable[str]) -> list[str]:
    """Links, pictures and scripts that the folder does not hold, and missing anchors.

    Args:
        folder: Folder of the pages.
        names: Names of the pages to look at.

    Returns:
        A line for each of them: the page, and what it refers to.
    """
    pages = {}
    for name in names:
        pages[name] = _Reader()
        pages[name].feed((folder / name).read_text(encoding="utf-8"))
    anchors = {name: reader.anchors for name, reader in pages.items()}
    return [
        f"{name}: {address}"
        for name, reader in pages.items()
        for address in reader.addresses
        if _is_broken(address, name, anchors, folder)
    ]


def _is_broken(
    address: str, page: str, anchors: dict[str, set[str]], folder: Path
) -> bool:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return False
    target = page
    if parts.path:
        target = normpath(f"{dirname(page)}/{unquote(parts.path)}".lstrip("/"))
    if not (folder / target).is_file():
        return True
    anchor = unquote(parts.fragment)
    return bool(anchor) and target in anchors and anchor not in anchors[target]


class _Reader(HTMLParser):
    """Collects what a page refers to, and the names of its own places."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(
        self, tag: str, attrs: Sequence[tuple[str, str | None]]
    ) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src", "action") and value:
                self.addresses.append(value)
