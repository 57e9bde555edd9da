"""Tiny scenes and networks, for tests, docstrings and first trials.

All are made from a seed in less than a second. The rasters are not square, so that
swapped rows and columns give an error.
"""

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from affine import Affine
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj.exceptions import CRSError

from tutorial_lib import arguments
from tutorial_lib.rasters import Legend, PathLike, write_array

# Sides in pixels: three times a Sentinel-2 tile, and a scene of 1 GB in memory.
LARGEST_GRID, LARGEST_SCENE = 2**15, 2**12

SMALL_LEGEND = Legend(
    names=("water", "meadow", "forest", "town"),
    colors=("#7fbcfc", "#efd700", "#106b00", "#ff0004"),
)

# Reflectance x 10 000 of each class: four bands at 10 m, then six bands at 20 m.
_SPECTRA = np.array(
    [
        [250, 400, 500, 200, 220, 200, 180, 160, 90, 60],
        [700, 900, 600, 3100, 1200, 2500, 2900, 3200, 2300, 1300],
        [250, 450, 250, 2600, 700, 2100, 2500, 2700, 1500, 700],
        [1300, 1150, 1000, 1900, 1400, 1700, 1850, 1950, 1900, 1500],
    ],
    float,
)

# Python removes a TemporaryDirectory when nothing refers to its object, so the objects
# are kept here until the end.
_folders: list[tempfile.TemporaryDirectory] = []


def scratch_folder() -> Path:
    """A new empty folder that is removed when Python ends."""
    _folders.append(tempfile.TemporaryDirectory(prefix="tutorial_lib-"))
    return Path(_folders[-1].name)


def small_grid(
    height: int,
    width: int,
    *,
    spacing: float = 10,
    corner: tuple[float, float] = (500_000, 4_800_000),
    crs: str | int | CRS | None = "EPSG:32631",
) -> GeoBox:
    """A north-up grid of (height, width) pixels.

    Args:
        height: Rows, up to 32768.
        width: Columns, up to 32768.
        spacing: Size of a pixel, in units of the CRS.
        corner: (x, y) of the upper left corner, in units of the CRS.
        crs: Coordinate reference system; None for none.

    Example:
        >>> small_grid(30, 40, spacing=20).resolution.x
        20.0
    """
    height = arguments.whole_number("height", height, least=1, most=LARGEST_GRID)
    width = arguments.whole_number("width", width, least=1, most=LARGEST_GRID)
    spacing = arguments.number("spacing", spacing, above=0)
    corner = arguments.sequence("corner", corner, "numbers, (x, y)")
    if len(corner) != 2:
        raise ValueError(f"`corner` is {tuple(corner)}. Give two numbers, (x, y).")
    x, y = (arguments.number("corner", value) for value in corner)
    place = Affine(spacing, 0, x, 0, -spacing, y)
    return GeoBox((height, width), place, _checked_crs(crs))


def _checked_crs(crs: str | int | CRS | None) -> CRS | None:
    if crs is None or isinstance(crs, CRS):
        return crs
    try:
        return CRS(crs)
    except (CRSError, UnicodeEncodeError):
        raise ValueError(
            f"`crs` is {arguments.shown(crs)}. Give a code such as 'EPSG:32631'."
        ) from None


def coordinate_raster(
    path: PathLike, grid: GeoBox, *, channels: int = 2, nodata: float | None = None
) -> Path:
    """Write a raster whose pixel values are their own rows and columns.

    Band 1 holds the row of each pixel, band 2 the column, other bands `1000 * row +
    column`. So a shift, a flip or swapped axes give wrong numbers.

    Args:
        path: The file.
        grid: Its grid.
        channels: Number of bands.
        nodata: Value of the no-data tag; None for no tag.

    Returns:
        The path.

    Example:
        >>> from tutorial_lib import rasters
        >>> path = coordinate_raster(scratch_folder() / "a.tif", small_grid(30, 40))
        >>> rasters.read_array(path)[12, 34].tolist()
        [12.0, 34.0]
    """
    arguments.instance("grid", grid, GeoBox, "a grid, such as `small_grid(30, 40)`")
    most = arguments.MOST_BANDS
    channels = arguments.whole_number("channels", channels, least=1, most=most)
    rows, cols = np.mgrid[: grid.height, : grid.width]
    bands = [rows, cols] + [1000 * rows + cols] * (channels - 2)
    array = np.stack(bands[:channels], axis=-1).astype("float32")
    return write_array(path, array, grid, nodata=nodata)


def smooth_noise(
    height: int, width: int, *, size: float, rng: np.random.Generator
) -> np.ndarray:
    """Noise (height, width) with structures of about `size` pixels.

    Its mean is 0 and its standard deviation 1.
    """
    # White noise, smoothed by a Gaussian low-pass filter in the frequency domain.
    frequency_y = np.fft.fftfreq(height)[:, np.newaxis]
    frequency_x = np.fft.fftfreq(width)
    keep = np.exp(-((frequency_y**2 + frequency_x**2) * (np.pi * size) ** 2))
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(height, width))) * keep).real
    return (noise - noise.mean()) / noise.std()


def small_scene(
    height: int = 120, width: int = 168, *, seed: int = 0
) -> Mapping[str, Path]:
    """A scene at two resolutions with labels of four classes, in a scratch folder.

    Calls with the same arguments give the same files, so do not overwrite them.

    Args:
        height: Rows at 10 m, an even number up to 4096.
        width: Columns at 10 m, an even number up to 4096.
        seed: Seed of the random scene.

    Returns:
        Paths of `input_10m` (4 bands, uint16), `input_20m` (6 bands, uint16) and
        `labels` (uint8 at 10 m, with a legend; 255 means no label).

    Example:
        >>> sorted(small_scene())
        ['input_10m', 'input_20m', 'labels']
    """
    height = arguments.whole_number("height", height, least=2, most=LARGEST_SCENE)
    width = arguments.whole_number("width", width, least=2, most=LARGEST_SCENE)
    if height % 2 or width % 2:
        raise ValueError(
            f"`height` and `width` are {height} and {width}. Give even whole numbers: "
            "a pixel at 20 m is two pixels at 10 m."
        )
    return dict(_scene(height, width, arguments.whole_number("seed", seed, least=0)))


@cache
def _scene(height: int, width: int, seed: int) -> Mapping[str, Path]:
    rng = np.random.default_rng(seed)
    folder = scratch_folder()
    fields = [smooth_noise(height, width, size=12, rng=rng) for _ in _SPECTRA]
    classes = np.argmax(fields, axis=0)
    unlabelled = smooth_noise(height, width, size=12, rng=rng) > 1
    texture = smooth_noise(height, width, size=2, rng=rng)[..., np.newaxis]
    pixels = _SPECTRA[classes] * (1 + 0.1 * texture)
    coarse = pixels[..., 4:].reshape(height // 2, 2, width // 2, 2, 6).mean((1, 3))
    noisy = [x + rng.normal(0, 30, x.shape) for x in (pixels[..., :4], coarse)]
    fine, coarse = (np.clip(x, 1, 65535).astype("uint16") for x in noisy)
    labels = np.where(unlabelled, 255, classes).astype("uint8")[..., np.newaxis]
    grid = small_grid(height, width)
    return {
        "input_10m": write_array(folder / "s2_10m.tif", fine, grid),
        "input_20m": write_array(folder / "s2_20m.tif", coarse, grid.zoom_out(2)),
        "labels": write_array(
            folder / "labels.tif", labels, grid, nodata=255, legend=SMALL_LEGEND
        ),
    }


class BlockMean:
    """A network in NumPy: the mean of each window of its inputs.

    With one input it is a 'valid' convolution with equal weights. With several inputs
    the means are added; the strides bring them to the same spacing. Every input pixel
    changes the result, so a test notices each pixel that is read wrongly.

    Args:
        fields: Receptive field of each input, in its own pixels.
        strides: Step between two outputs, in pixels of each input; None for 1.

    Example:
        >>> network = BlockMean({"input": 3})
        >>> network({"input": np.ones((1, 8, 9, 2))})["estimated"].shape
        (1, 6, 7, 1)
    """

    def __init__(
        self, fields: Mapping[str, int], strides: Mapping[str, int] | None = None
    ) -> None:
        self.fields = _sizes("fields", fields)
        self.strides = dict.fromkeys(self.fields, 1)
        if strides is not None:
            self.strides = _sizes("strides", strides)
        if self.strides.keys() != self.fields.keys():
            raise ValueError(
                f"`strides` has the inputs {list(self.strides)} and `fields` "
                f"{list(self.fields)}. Give a number for the same inputs in both."
            )

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Means (batch, height, width, 1), and labels: 1 where the mean is odd."""
        means = [self._means(inputs[name], name) for name in self.fields]
        height = min(mean.shape[1] for mean in means)
        width = min(mean.shape[2] for mean in means)
        total = sum(mean[:, :height, :width] for mean in means)
        labels = np.floor(total).astype("int64") % 2
        return {"estimated": total.astype("float32"), "estimated_labels": labels}

    def _means(self, array: np.ndarray, name: str) -> np.ndarray:
        field, stride = self.fields[name], self.strides[name]
        windows = np.lib.stride_tricks.sliding_window_view(
            array.astype("float64"), (field, field), axis=(1, 2)
        )
        return windows.mean(axis=(3, 4, 5))[:, ::stride, ::stride, np.newaxis]


def _sizes(name: str, sizes: Mapping[str, int]) -> dict[str, int]:
    sizes = arguments.mapping(name, sizes, '{"input": 3}')
    if not sizes:
        raise ValueError(f"`{name}` is empty. Give a number for each input.")
    return {
        key: arguments.whole_number(f"{name}[{key!r}]", size, least=1)
        for key, size in sizes.items()
    }
