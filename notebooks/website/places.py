"""Which file of the repository becomes which page, and what links between them become.

A page has a name: its path in the folder of the site, like "docs/dask.html".
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from posixpath import dirname, normpath, relpath
from urllib.parse import urlsplit

REPOSITORY = Path(__file__).resolve().parents[2]
START, SEARCH = "index.html", "search.html"
GLOSSARY, REFERENCE = "glossary.html", "reference/index.html"
PICTURES = {".png", ".jpg", ".svg"}


def page_name(path: PurePosixPath) -> str | None:
    """Name of the page that a file becomes; None if it becomes none.

    Args:
        path: Path in the repository.

    Example:
        >>> page_name(PurePosixPath("notebooks/solutions/01_patches.ipynb"))
        '01_patches.html'
        >>> page_name(PurePosixPath("docs/dask.md"))
        'docs/dask.html'
    """
    if path.suffix == ".ipynb":
        return f"{path.stem}.html"
    if path.suffix != ".md":
        return None
    folder = "docs/" if path.parts[0] == "docs" else ""
    return f"{folder}{path.stem.lower()}.html"


def text_files() -> list[PurePosixPath]:
    """The Markdown files that become pages, as paths in the repository."""
    names = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
    found = [REPOSITORY / name for name in names]
    found += [
        REPOSITORY / "notebooks" / name for name in ("glossary.md", "TEACHING.md")
    ]
    found += sorted((REPOSITORY / "docs").glob("*.md"))
    return [
        PurePosixPath(path.relative_to(REPOSITORY).as_posix())
        for path in found
        if path.exists()
    ]


def relative(page: str, target: str) -> str:
    """The address of a target, as a page links to it.

    Example:
        >>> relative("docs/dask.html", "glossary.html")
        '../glossary.html'
    """
    return relpath(target, dirname(page) or ".")


def link_of(
    address: str, source: PurePosixPath, page: str, known: Collection[str]
) -> str | None:
    """The address for a link of a text, when the text is a page.

    Args:
        address: Address in the text, such as "../glossary.md#patch".
        source: Path of the text in the repository.
        page: Name of the page that the text becomes.
        known: Names of all pages.

    Returns:
        Address as the page needs it; None if the site does not hold the file.
    """
    parts = urlsplit(address)
    if parts.scheme or not parts.path:
        return address
    target = PurePosixPath(normpath(source.parent / parts.path))
    name = str(target) if target.suffix in PICTURES else page_name(target)
    if name is None or not (name in known or target.suffix in PICTURES):
        return None
    return relative(page, name) + (f"#{parts.fragment}" if parts.fragment else "")


def code_link(code: str, page: str, addresses: Mapping[str, str]) -> str | None:
    """The address that a piece of code in a text links to, if it is a public name.

    Example:
        >>> code_link("tl.rmse(a, b)", "x.html", {"tl.rmse": "reference/d.html#rmse"})
        'reference/d.html#rmse'
    """
    name = re.match(r"[\w.]*", code)[0]
    # A bare word such as `show` or `labels` may be something else than the function.
    if not re.search(r"[._A-Z]", name) and f"{name}(" not in code:
        return None
    place = addresses.get(name)
    return relative(page, place) if place else None
