"""Styles for QGIS: the names and colours of classes, in a file beside a raster.

QGIS reads the colour table of a label raster as 256 classes that have only numbers. A
style has exactly the classes of the legend. QGIS applies the style `map.qml` to
`map.tif` by itself.
"""

from pathlib import Path
from xml.etree import ElementTree

from tutorial_lib.rasters.legends import Legend

# What QGIS calls a style that it applies by itself: this ending in place of ".tif".
STYLE = ".qml"

# The element that marks the kit's own styles. QGIS ignores it, and leaves it out of the
# styles that it saves.
_MARK = "tutorial_lib"
_NOTE = (
    "This style is written again with its raster. Remove this element to keep your own "
    "changes."
)

# The oldest version of QGIS with which the kit's styles were opened.
_VERSION = "3.22"

_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"

__all__ = ["STYLE", "may_write_style", "style_of", "style_path"]


def style_path(raster: Path) -> Path:
    """The path of the style that QGIS applies to a raster by itself.

    Example:
        >>> style_path(Path("map.2024.tif")).name
        'map.2024.qml'
    """
    return raster.with_suffix(STYLE)


def style_of(raster: Path, legend: Legend) -> bytes:
    """The style of a label raster, as the content of its file.

    Numbers without a class are not listed by QGIS, and drawn transparent.

    Args:
        raster: The label raster; its name is noted in the style.
        legend: Its classes.
    """
    # With its other categories, a style would also reset what it does not hold, such
    # as the scales at which a layer is visible.
    root = ElementTree.Element("qgis", version=_VERSION, styleCategories="Symbology")
    ElementTree.SubElement(root, _MARK, raster=raster.name).text = _NOTE
    pipe = ElementTree.SubElement(root, "pipe")
    renderer = ElementTree.SubElement(
        pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1"
    )
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for number, name, color in zip(
        legend.classes, legend.names, legend.colors, strict=True
    ):
        about = {"value": str(number), "label": name, "color": color, "alpha": "255"}
        ElementTree.SubElement(palette, "paletteEntry", about)
    ElementTree.indent(root)
    text = _DOCTYPE + ElementTree.tostring(root, encoding="unicode")
    return f"{text}\n".encode()


def may_write_style(raster: Path) -> bool:
    """Whether the style of a raster is absent, or was written by the kit for it.

    False for a style that a user has made, and for one of another raster that is there,
    such as `map.tiff` beside `map.tif`.
    """
    style = style_path(raster)
    if not style.exists():
        return not style.is_symlink()
    try:
        mark = ElementTree.parse(style).find(_MARK)
    except (OSError, ValueError, LookupError, ElementTree.ParseError):
        return False
    if mark is None:
        return False
    name = mark.get("raster", "")
    # A raster and its style may have been renamed.
    return name == raster.name or not _is_beside(name, raster)


def _is_beside(name: str, raster: Path) -> bool:
    # A style may come from a stranger, and name a file elsewhere.
    return name != "" and Path(name).name == name and (raster.parent / name).is_file()
