"""HTML pages of widgets and maps: where they may be written."""

from collections.abc import Iterable
from pathlib import Path

from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.destinations import check_destination, check_not_input

__all__ = ["checked_page"]


def checked_page(path: PathLike, inputs: Iterable[PathLike]) -> Path:
    """The path of a page, after a check that a page may be written there.

    Args:
        path: The page.
        inputs: Files that the page shows.

    Raises:
        TypeError: If it is not a path.
        ValueError: If it does not end in .html, or is a folder or one of the inputs.
        PermissionError: If it is a file that may not be changed.

    Example:
        >>> checked_page("map.tif", [])
        Traceback (most recent call last):
        ValueError: 'map.tif' is written as a page for browsers. Give a path that ends
        in .html.
    """
    target = check_destination(path)
    check_not_input(target, inputs)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(
            f"'{path}' is written as a page for browsers. Give a path that ends in "
            ".html."
        )
    return target
