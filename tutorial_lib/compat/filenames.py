"""OTB's extended file names: options after a path, `map.tif?&box=0:0:100:50`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from rasterio.windows import Window

from tutorial_lib.notices import warn

# Options of files that are written, and what they do here.
_OUTPUT_KEYS = ("box", "bands", "nodata", "gdal:co:")
# The order in which OTB writes the parts of a file; its pixels are the same.
_WITHOUT_EFFECT = ("streaming:", "skipcarto", "skipgeom", "writegeom", "writerpctags")

__all__ = ["Target", "bands_option", "split", "target"]


@dataclass(frozen=True)
class Target:
    """A file to write, with the options of its extended name.

    Attributes:
        path: Path of the file.
        box: Part of the image to write, (start x, start y, width, height) in pixels.
        bands: Numbers, from 1, of the bands to write; None for all.
        nodata: Value of the no-data tag; None for no tag.
        creation: GDAL's creation options by name.
    """

    path: str
    box: tuple[int, int, int, int] | None = None
    bands: tuple[int, ...] | None = None
    nodata: float | None = None
    creation: Mapping[str, str] = field(default_factory=dict)

    def window(self, height: int, width: int) -> Window:
        """The part of an image of this size that is written.

        As in OTB, a box that leaves the image is cut; it warns then.

        Raises:
            ValueError: If the box lies outside.
        """
        if self.box is None:
            return Window(0, 0, width, height)
        x, y, box_width, box_height = self.box
        stop_x, stop_y = min(x + box_width, width), min(y + box_height, height)
        words = f"box={':'.join(map(str, self.box))}"
        if x >= stop_x or y >= stop_y:
            raise ValueError(
                f"{words} lies outside of the image, which is {width} px wide and "
                f"{height} px high. A box is start x : start y : width : height, in "
                "pixels of the image that is written."
            )
        if (stop_x, stop_y) != (x + box_width, y + box_height):
            warn(
                f"{words} leaves the image, which is {width} px wide and {height} px "
                f"high. Only {stop_x - x}x{stop_y - y} px (width x height) are written."
            )
        return Window(x, y, stop_x - x, stop_y - y)


def split(name: str) -> tuple[str, dict[str, str]]:
    """Path and options of an extended file name.

    Example:
        >>> split("map.tif?&box=0:0:9:5&nodata=255")
        ('map.tif', {'box': '0:0:9:5', 'nodata': '255'})
        >>> split("map.tif")
        ('map.tif', {})
    """
    path, _, rest = name.partition("?")
    options = {}
    for one in filter(None, rest.split("&")):
        key, equals, value = one.partition("=")
        if not equals:
            raise ValueError(
                f"'{one}' in '{name}' is not an option of an extended file name. Write "
                "`?&name=value`, such as `?&box=0:0:100:50`."
            )
        options[key.strip()] = value.strip()
    return path, options


def target(path: Any, ext_fname: str | Mapping[str, Any] | None = None) -> Target:
    """A file to write, from a path and pyotb's `ext_fname`.

    An option of the path wins over the same one of `ext_fname`, as in pyotb.

    Raises:
        ValueError: If an option is unknown, or has no such value.

    Example:
        >>> target("map.tif?&nodata=255", "box=2000:2000:500:400").box
        (2000, 2000, 500, 400)
    """
    path, own = split(str(path))
    if isinstance(ext_fname, Mapping):
        given = {str(key): str(value) for key, value in ext_fname.items()}
    else:
        given = split("?" + (ext_fname or "").lstrip("?&"))[1]
    options = given | own
    creation = {}
    for key, value in options.items():
        if key.startswith("gdal:co:"):
            creation[key.removeprefix("gdal:co:").upper()] = value
        elif key not in _OUTPUT_KEYS and not key.startswith(_WITHOUT_EFFECT):
            raise _unknown(key, path, _OUTPUT_KEYS)
    return Target(
        path=path,
        box=_box(options.get("box")),
        bands=bands_option(options),
        nodata=_nodata(options.get("nodata")),
        creation=creation,
    )


def bands_option(options: Mapping[str, str]) -> tuple[int, ...] | None:
    """Band numbers of the option `bands=1,3:5`; None if there is none.

    Example:
        >>> bands_option({"bands": "1,3:5"})
        (1, 3, 4, 5)
    """
    if "bands" not in options:
        return None
    bands: list[int] = []
    for part in options["bands"].split(","):
        first, _, last = part.partition(":")
        if not first.isdecimal() or (last and not last.isdecimal()):
            raise ValueError(
                f"bands={options['bands']} is not a list of band numbers. Write "
                "numbers from 1, and ranges with a colon: bands=1,3:5."
            )
        bands += range(int(first), int(last or first) + 1)
    return tuple(bands)


def _unknown(key: str, path: str, known: tuple[str, ...]) -> ValueError:
    close = get_close_matches(key, known, n=1)
    meant = f"did you mean `{close[0]}`? " if close else ""
    return ValueError(
        f"'{key}' of '{path}' is not an option of an extended file name here; {meant}"
        f"There are: {', '.join(known)}."
    )


def _box(text: str | None) -> tuple[int, int, int, int] | None:
    if text is None:
        return None
    parts = text.split(":")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise ValueError(
            f"box={text} does not say where to write. Give four whole numbers, start "
            "x : start y : width : height, in pixels of the image that is written: "
            "box=2000:2000:500:500."
        )
    x, y, width, height = map(int, parts)
    return x, y, width, height


def _nodata(text: str | None) -> float | None:
    """The value of `nodata=255`, or `nodata=1:255`: a GeoTIFF has one for all bands."""
    if text is None:
        return None
    values = {part.split(":")[-1] for part in text.split(",")}
    try:
        (value,) = map(float, values)
    except ValueError as err:
        raise ValueError(
            f"nodata={text} is not one number. A GeoTIFF has one no-data value for all "
            "bands: nodata=255."
        ) from err
    return value
