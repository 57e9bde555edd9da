"""Finds out what somebody has at a path: a product, or GeoTIFFs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from data_fetch.local.containers import Container, Folder, opened_container
from data_fetch.local.geotiffs import ENDINGS, read_geotiffs
from data_fetch.local.images import Images
from data_fetch.local.safe import find_products, read_safe

# People also give what they find inside of a product.
_METADATA = re.compile(r"(MTD_\w+|S2\w_\w{4}_MTD_\w+)\.xml$")

__all__ = ["opened_images"]


@contextmanager
def opened_images(path: Path, tile: str | None = None) -> Iterator[Images]:
    """Find the images of a scene at a path.

    Args:
        path: A Sentinel-2 product (its folder, a zip archive, or a folder with one of
            them), or a GeoTIFF or a folder of GeoTIFFs.
        tile: Name of the tile, for products that have several.

    Raises:
        FileNotFoundError: If there is nothing, or nothing that fits.
        ValueError: If there are several products, or a part is missing.
        OSError: If something cannot be read.
    """
    if path.suffix.lower() in ENDINGS and path.is_file():
        yield read_geotiffs(Folder(path.parent), [path.name], str(path))
        return
    path = _around(path)
    with opened_container(_product_path(path)) as container:
        products = find_products(container)
        if len(products) > 1:
            raise ValueError(
                f"There are {len(products)} products in '{path}': "
                f"{_listed(products)}. Give the path of one of them."
            )
        if products:
            yield read_safe(container, products[0], tile)
        else:
            yield _without_product(container, path)


def _around(path: Path) -> Path:
    """The product of a file or folder inside of it; other paths as they are."""
    if _METADATA.match(path.name) and path.is_file():
        path = path.parent
    for folder in (path.absolute(), *path.absolute().parents):
        if folder.name == "GRANULE" and path.exists():
            return folder.parent
    return path


def _product_path(path: Path) -> Path:
    """The path itself, or the only zip archive of a product in a folder."""
    if not path.is_dir() or find_products(Folder(path)):
        return path
    archives = sorted(
        x for x in path.iterdir() if re.match(r"S2.*\.zip$", x.name, re.I)
    )
    if len(archives) > 1:
        names = _listed([x.name for x in archives])
        raise ValueError(
            f"There are {len(archives)} products in '{path}': {names}. Give the path "
            "of one of them."
        )
    return archives[0] if archives else path


def _without_product(container: Container, path: Path) -> Images:
    names = container.names()
    tiffs = [name for name in names if name.lower().endswith(ENDINGS)]
    direct = [name for name in tiffs if "/" not in name]
    if direct and not container.packed:
        return read_geotiffs(container, direct, str(path))
    if tiffs and container.packed:
        raise ValueError(
            f"'{path}' holds GeoTIFFs and no Sentinel-2 product. Unpack it, and give "
            "the folder with the files."
        )
    if tiffs:
        folder = path / PurePosixPath(tiffs[0]).parent
        raise ValueError(
            f"'{path}' holds GeoTIFFs in folders inside of it. Give one of these "
            f"folders, such as '{folder}'."
        )
    raise FileNotFoundError(
        f"There is no Sentinel-2 product in '{path}' (MTD_MSIL1C.xml or "
        f"MTD_MSIL2A.xml), and no GeoTIFF. It holds {_listed(names) or 'no files'}."
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown
