"""Sentinel-2 products as ESA gives them: SAFE folders, zipped or not, old and new."""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from data_fetch.local.containers import Container
from data_fetch.local.images import BANDS, BandFile, Images, spacing_of
from data_fetch.local.metadata import About, parse_xml, read_about, read_place

# Metadata of a product: names of since December 2016, and of before.
_PRODUCT = re.compile(r"(MTD_MSIL\w+|S2\w_\w{4}_MTD_SAFL\w+)\.xml$")
# Metadata of a tile: the same.
_TILE = re.compile(r"(MTD_TL|S2\w_\w{4}_MTD_L\w\w_TL_\w+)\.xml$")
# Before 2018, the name of a scene classification went on: _SCL_L2A_TL_…_20m.jp2.
_IMAGE = re.compile(r"_(B\d[\dA]|SCL)(?:_L2A_TL_\w+?)?(?:_(\d\d)m)?\.(?i:jp2)$")
_TILE_NAME = re.compile(r"_(T\d\d[A-Z]{3})(?=_|$)")

__all__ = ["find_products", "read_safe"]


def find_products(container: Container) -> list[str]:
    """Folders of the products in a container; "" is the container itself.

    Example:
        >>> from data_fetch.local.containers import Folder
        >>> from tutorial_lib import testing
        >>> folder = testing.scratch_folder()
        >>> (folder / "a.SAFE").mkdir()
        >>> _ = (folder / "a.SAFE" / "MTD_MSIL2A.xml").write_text("<a/>")
        >>> find_products(Folder(folder))
        ['a.SAFE']
    """
    found = (PurePosixPath(name) for name in container.names())
    folders = {path.parent for path in found if _PRODUCT.match(path.name)}
    # Tiles of old products have metadata of datastrips with similar names further down.
    kept = [x for x in folders if not any(y in x.parents for y in folders)]
    return sorted("" if str(path) == "." else str(path) for path in kept)


def read_safe(container: Container, product: str, tile: str | None) -> Images:
    """Find the images of a product, and what its metadata says.

    Args:
        container: Where the product is.
        product: Its folder there.
        tile: Name of the tile, for old products that have several; None for the only
            one.

    Raises:
        ValueError: If a band or metadata is missing or damaged.
    """
    prefix = f"{product}/" if product else ""
    names = [name for name in container.names() if name.startswith(prefix)]
    metadata = _only(names, prefix, _PRODUCT)
    about = read_about(parse_xml(container.read(metadata), metadata), metadata)
    granule = _granule(names, prefix, tile)
    inside = [name for name in names if name.startswith(granule)]
    place = _only(inside, granule, _TILE)
    grid = read_place(parse_xml(container.read(place), place), place)
    found = _images(inside)
    title = PurePosixPath(product).name or container.path.name
    _check_bands(found, title)
    tile_name = _tile_name(granule) or _tile_name(title) or ""
    return Images(
        container=container,
        grid=grid,
        bands={band: found[band] for band in BANDS},
        scale=1 / about.quantification,
        offsets={b: about.offsets[b] / about.quantification for b in BANDS},
        why=_why(about),
        title=(
            f"Sentinel-2, level {about.level}, {tile_name or 'one tile'}, taken on "
            f"{about.date}, processing baseline {about.baseline} ({title})"
        ),
        name="_".join(filter(None, ("s2", about.date.replace("-", ""), tile_name))),
        attribution=f"Contains modified Copernicus Sentinel data {about.date[:4]}",
        scl=found.get("SCL"),
        clouds=() if "SCL" in found else _cloud_masks(inside),
    )


def _only(names: Iterable[str], prefix: str, pattern: re.Pattern) -> str:
    """The file in a folder whose name fits."""
    for name in names:
        rest = name.removeprefix(prefix)
        if "/" not in rest and pattern.match(rest):
            return name
    raise ValueError(
        f"The folder '{prefix}' has no metadata (MTD_….xml). Unpack or download the "
        "product again."
    )


def _granule(names: list[str], prefix: str, tile: str | None) -> str:
    """The folder of the tile, with a slash at its end."""
    start = f"{prefix}GRANULE/"
    found = sorted(
        {
            name[: name.index("/", len(start)) + 1]
            for name in names
            if name.startswith(start) and "/" in name[len(start) :]
        }
    )
    tiles = {_tile_name(granule) or granule: granule for granule in found}
    known = ", ".join(tiles)
    if not found:
        raise ValueError(
            f"The product has no folder 'GRANULE' with images in '{prefix or '.'}'. "
            "Unpack or download it again."
        )
    if tile is None and len(tiles) > 1:
        raise ValueError(
            f"The product has {len(tiles)} tiles: {known}. Choose one with `--tile`."
        )
    if tile is None:
        return found[0]
    wanted = f"T{tile.upper().removeprefix('T')}"
    if wanted not in tiles:
        raise ValueError(f"The product has no tile {wanted}, but {known}. Choose one.")
    return tiles[wanted]


def _tile_name(text: str) -> str | None:
    found = _TILE_NAME.search(text.rstrip("/").removesuffix(".SAFE"))
    return found[1] if found else None


def _images(names: Iterable[str]) -> dict[str, BandFile]:
    """The files of the bands at their own pixel size; level 2A has copies at others."""
    found = {}
    for name in names:
        match = _IMAGE.search(name)
        if not match or "/IMG_DATA/" not in name:
            continue
        band = match[1] if match[1] in ("SCL", "B8A") else f"B{int(match[1][1:])}"
        if match[2] in (None, str(spacing_of(band))):
            found[band] = BandFile(name)
    return found


def _check_bands(found: dict[str, BandFile], title: str) -> None:
    missing = [band for band in BANDS if band not in found]
    if missing:
        files = ", ".join(f"…_B{band[1:]:0>2}….jp2" for band in missing)
        raise ValueError(
            f"'{title}' has no image of {', '.join(missing)} ({files} in "
            "GRANULE/…/IMG_DATA). Download it again."
        )


def _why(about: About) -> str:
    if not about.offset_name:
        return f"the metadata (processing baseline {about.baseline}) has no offset"
    values = sorted({f"{about.offsets[band]:g}" for band in BANDS})
    return f"the metadata has a `{about.offset_name}` of {', '.join(values)}"


def _cloud_masks(names: Iterable[str]) -> tuple[str, ...]:
    """Cloud masks of level 1C: an image since baseline 04.00, polygons before."""
    masks = sorted(name for name in names if "/QI_DATA/" in name)
    for ending in ("MSK_CLASSI_B00.jp2", "MSK_CLOUDS_B00.gml"):
        if found := [name for name in masks if name.endswith(ending)]:
            return tuple(found)
    # Old names: S2A_OPER_MSK_CLOUDS_EPA__20160929T020020_A006640_T32TQM_B00_MSIL1C.gml
    return tuple(x for x in masks if "MSK_CLOUDS" in Path(x).name and ".gml" in x)
