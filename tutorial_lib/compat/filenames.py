"""OTB's extended file names: options after a path, `map.tif?&box=0:0:100:50`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from rasterio.windows import Window

from tutorial_lib.notices import warn

# Options of files that are written, and what they do here.
_OUTPUT_KEYS = ("box", "bands", "nodata", "gdal:co:")
# Options of files that are read; those about sensors mean nothing for GeoTIFFs.
_INPUT_KEYS = ("bands", "skipcarto", "skipgeom", "skiprpctag", "geom")
# The order in which OTB writes the parts of a file; its pixels are the same.
_WITHOUT_EFFECT = ("streaming:", "skipcarto", "skipgeom", "writegeom", "writerpctags")

# First and last band of a part of `bands=1,3:5`; None where the part is open.
BandRange = tuple[int | None, int | None]

__all__ = [
    "BandRange",
    "Target",
    "bands_option",
    "chosen_bands",
    "input_bands",
    "split",
    "target",
]


@dataclass(frozen=True)
class Target:
    """A file to write, with the options of its extended name.

    Attributes:
        path: Path of the file.
        box: Part of the image to write, (start x, start y, width, height) in pixels.
        bands: Ranges of the bands to write; None for all.
        nodata: Value of the no-data tag; None for no tag.
        creation: GDAL's creation options by name.
    """

    path: str
    box: tuple[int, int, int, int] | None = None
    bands: tuple[BandRange, ...] | None = None
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


def input_bands(name: str, options: Mapping[str, str]) -> tuple[BandRange, ...] | None:
    """The bands that the options of an image that is read ask for; None for all.

    Raises:
        ValueError: If there is an option that would change the image otherwise.

    Example:
        >>> input_bands("a.tif?&bands=2:", {"bands": "2:"})
        ((2, None),)
    """
    for key, value in options.items():
        if key == "skipcarto" and value.lower() not in ("false", "0", "off"):
            raise ValueError(
                f"skipcarto={value} in '{name}' would take its place from the image, "
                "which is kept here. Leave the option out."
            )
        if key not in _INPUT_KEYS:
            raise ValueError(
                f"'{key}' in '{name}' has no effect on an image that is read. Cut out "
                "a part with ExtractROI; bands=1,2 chooses bands."
            )
    return bands_option(options)


def bands_option(options: Mapping[str, str]) -> tuple[BandRange, ...] | None:
    """Ranges of the option `bands=1,3:5,-1`; None if there is none.

    Example:
        >>> bands_option({"bands": "1,3:5,7:,-1"})
        ((1, 1), (3, 5), (7, None), (-1, -1))
    """
    if "bands" not in options:
        return None
    ranges: list[BandRange] = []
    for part in options["bands"].split(","):
        found = re.fullmatch(r"(-?[0-9]+)|(-?[0-9]+)?:(-?[0-9]+)?", part.strip())
        if not found:
            raise ValueError(
                f"bands={options['bands']} is not a list of band numbers. Write "
                "numbers from 1, and ranges with a colon: bands=1,3:5."
            )
        single, first, last = (
            None if one is None else int(one) for one in found.groups()
        )
        ranges.append((first, last) if single is None else (single, single))
    return tuple(ranges)


def chosen_bands(ranges: Sequence[BandRange] | None, count: int) -> list[int]:
    """Indices from 0 of the bands that ranges ask for.

    As in OTB, a range holds its last band, and negative numbers count from the end.

    Args:
        ranges: What `bands_option` gives; None for all bands.
        count: Number of bands of the image.

    Raises:
        ValueError: If the image has no such band, or a range is empty.

    Example:
        >>> chosen_bands(((3, 3), (None, 2), (-2, None)), count=4)
        [2, 0, 1, 2, 3]
    """
    if ranges is None:
        return list(range(count))
    bands: list[int] = []
    for first, last in ranges:
        ends = [1 if first is None else first, count if last is None else last]
        for end in ends:
            if not 1 <= abs(end) <= count:
                raise ValueError(
                    f"`bands` asks for band {end}, and the image has {count}. Bands "
                    "are numbered from 1, and from the end with -1, -2…"
                )
        start, stop = (end if end > 0 else count + 1 + end for end in ends)
        if start > stop:
            raise ValueError(
                f"`bands` has the range {first}:{last}, which is empty. Write the "
                f"smaller number first: bands={last}:{first}."
            )
        bands += range(start - 1, stop)
    return bands


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
