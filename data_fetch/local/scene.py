"""Makes a scene from images that somebody already has on this machine."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import transform_bounds
from tqdm.auto import tqdm

from data_fetch import layout, scenes
from data_fetch.local.images import Images
from data_fetch.local.labels import Labels, opened_labels
from data_fetch.local.opening import opened_images
from data_fetch.local.pixels import PixelReader, opened_pixels
from data_fetch.local.sources import sources_text
from data_fetch.places import SHORTEST_SIDE_M, Place, grid_of, place_of
from data_fetch.reflectance import OFFSETS
from tutorial_lib import arguments
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.files import write_text

# Increase this when the files change. Older scenes are then made again.
RECIPE = 1
# Bytes of the scene's files for each pixel of 10 m: images and copies, uncompressed.
# Deflate makes them smaller, and reaches half of it on a real scene.
BYTES_A_PIXEL = 2 * (4 * 2 + 6 * 2 / 4)
# Pixels of 10 m that are read and written in a second on one core.
PIXELS_A_SECOND = 600_000
NO_LABELS = "none"
IMAGE_FILES = tuple(name for name in layout.FILES if "truth" not in name)

__all__ = ["make_local_scene"]


@dataclass(frozen=True)
class Request:
    """What the user asks for, after its check."""

    path: Path
    place: Place | None
    labels: Path | None
    offset: str
    progress: bool

    def say(self, text: str) -> None:
        """Print a line, unless the user wants none."""
        if self.progress:
            print(text, flush=True)


def make_local_scene(  # noqa: PLR0913 - every one is a choice of the user's
    path: PathLike,
    *,
    bbox: Sequence[float] | None = None,
    area: PathLike | None = None,
    labels: PathLike = NO_LABELS,
    name: str | None = None,
    folder: PathLike = "data",
    tile: str | None = None,
    offset: str = "auto",
    replace: bool = False,
    progress: bool = True,
) -> Path:
    """Make a scene from a Sentinel-2 product or GeoTIFFs; nothing is downloaded.

    If the scene is already there, nothing is done.

    Args:
        path: A SAFE product of level 1C or 2A (its folder, or a zip archive), or a
            folder of GeoTIFFs.
        bbox: West, south, east, north of the scene in degrees. None: all of the image.
        area: A file with a polygon, in place of `bbox`.
        labels: A raster: a map of WorldCover, or one with class names. "none": the
            scene has images only.
        name: Name of the scene. None: from the product's date and tile.
        folder: The scene's folder goes into this one.
        tile: Name of the tile as "T33UUU", for old products that have several.
        offset: "auto", or "inside" or "removed" to overrule what is found out.
        replace: Whether to replace another scene of this name.
        progress: Whether to print what happens, with a bar.

    Returns:
        Path of the scene's folder: `s2_10m.tif`, `s2_20m.tif`, their `_nodata` copies,
        `SOURCES.md`, and with labels `terrain_truth_a.tif`, `_b`, `_c`.

    Raises:
        OSError: If something cannot be read or written. Nothing half-written is left.
        FileExistsError: If another scene has the name and `replace` is False.
        TypeError, ValueError: If an argument is wrong, or the images do not fit.

    Example:
        >>> import numpy as np
        >>> from tutorial_lib import rasters, testing
        >>> given, grid = testing.scratch_folder(), testing.small_grid(80, 90)
        >>> for bands, one in (
        ...     (layout.BANDS_10M, grid), (layout.BANDS_20M, grid.zoom_out(2))
        ... ):
        ...     pixels = np.full((*one.shape, len(bands)), 1234, "uint16")
        ...     path = given / f"stack_{len(bands)}.tif"
        ...     _ = rasters.write_array(path, pixels, one, descriptions=bands)
        >>> made = make_local_scene(
        ...     given, name="my_town", folder=given / "data", offset="removed",
        ...     progress=False,
        ... )
        >>> rasters.read_array(made / "s2_20m.tif").shape
        (40, 45, 6)
    """
    request = _checked(path, bbox, area, labels, offset, progress=progress)
    tile = None if tile is None else arguments.text("tile", tile)
    with opened_images(request.path, tile) as images:
        grid = _scene_grid(images, request)
        target = arguments.file_path("folder", folder) / scenes.check_name(
            images.name if name is None else name
        )
        files = layout.FILES if request.labels else IMAGE_FILES
        space = _check_space(images, grid, target, request)
        return scenes.make_scene(
            target,
            lambda part: _build(part, images, grid, request),
            recipe=_recipe(images, grid, request),
            files=files,
            space=space,
            replace=arguments.flag("replace", replace),
        )


def _checked(
    path: PathLike,
    bbox: Sequence[float] | None,
    area: PathLike | None,
    labels: PathLike,
    offset: str,
    *,
    progress: bool,
) -> Request:
    path = arguments.file_path("path", path)
    place = None if bbox is None and area is None else place_of(bbox, area)
    labels = None if labels == NO_LABELS else arguments.file_path("labels", labels)
    if labels is not None and not labels.is_file():
        raise FileNotFoundError(
            f"There is no file '{labels}' for the labels. Give a raster of WorldCover "
            f"or with class names, or '{NO_LABELS}'."
        )
    offset = arguments.choice("offset", offset, OFFSETS)
    return Request(path, place, labels, offset, arguments.flag("progress", progress))


def _scene_grid(images: Images, request: Request) -> GeoBox:
    """The part of the image's grid that the user wants, of whole 20 m pixels."""
    whole = images.grid
    window = (0, 0, whole.height, whole.width)
    if request.place is not None:
        window = _window_of(request.place, whole)
        if window != _asked_window(request.place, whole):
            request.say(
                f"Please note: {request.place.name} reaches beyond the image. The "
                "scene is the part that the image covers."
            )
    top, left, height, width = (side // 2 * 2 for side in window)
    if 10 * min(height, width) < SHORTEST_SIDE_M:
        raise ValueError(
            f"The scene would have {height}x{width} px of 10 m. It needs at least "
            f"{SHORTEST_SIDE_M} m on each side: choose a larger area."
        )
    corner = whole.transform @ Affine.translation(left, top)
    return GeoBox((height, width), corner, whole.crs)


def _asked_window(place: Place, whole: GeoBox) -> tuple[int, int, int, int]:
    """Row, column, height and width of a place, in pixels of an image."""
    code = whole.crs.epsg
    if code is None:
        raise ValueError(
            "The image has a coordinate system without an EPSG code, so an area cannot "
            "be cut out of it. Leave the area out."
        )
    asked = grid_of(place, code)
    to_pixels = ~whole.transform @ asked.transform
    # To whole pixels of 20 m of the image.
    top, left = (2 * round(one / 2) for one in (to_pixels.f, to_pixels.c))
    return top, left, asked.height, asked.width


def _window_of(place: Place, whole: GeoBox) -> tuple[int, int, int, int]:
    """The part of a place that an image covers."""
    top, left, height, width = _asked_window(place, whole)
    bottom, right = min(top + height, whole.height), min(left + width, whole.width)
    top, left = max(top, 0), max(left, 0)
    if bottom <= top or right <= left:
        west, south, east, north = transform_bounds(
            str(whole.crs), "EPSG:4326", *whole.boundingbox.bbox
        )
        raise ValueError(
            f"The image does not cover {place.name}. It reaches from {west:.2f} to "
            f"{east:.2f} degrees east and from {south:.2f} to {north:.2f} degrees "
            "north: choose an area inside of it."
        )
    return top, left, bottom - top, right - left


def _recipe(images: Images, grid: GeoBox, request: Request) -> str:
    """Everything that the scene depends on; another recipe is another scene."""
    inputs = [images.container.path / name for name in images.files]
    if images.container.packed:
        inputs = [images.container.path]
    if request.labels:
        inputs.append(request.labels)
    # Reading all of them for a hash takes minutes. A file that changes gets a new time.
    seen = [f"{x.name} {x.stat().st_size} {x.stat().st_mtime_ns}" for x in inputs]
    corner = (grid.transform.c, grid.transform.f)
    return (
        f"local {RECIPE}: {images.title}; offset {request.offset}; "
        f"{grid.height}x{grid.width} from {corner}; {'; '.join(seen)}"
    )


def _check_space(images: Images, grid: GeoBox, target: Path, request: Request) -> int:
    """Tell the size and time, and raise OSError if the disk is too full."""
    pixels = grid.height * grid.width
    unpacked = 0
    if images.container.packed:
        unpacked = sum(images.container.size(name) for name in images.files)
    space = int(pixels * BYTES_A_PIXEL) + unpacked
    existing = next(x for x in (target, *target.absolute().parents) if x.exists())
    free = shutil.disk_usage(existing).free
    if free < space:
        raise OSError(
            f"The scene needs up to {space / 1e9:.1f} GB of disk, and "
            f"{free / 1e9:.1f} GB are free in '{existing}'. Free some space, choose "
            "another folder with `--folder`, or a smaller area."
        )
    minutes = pixels / PIXELS_A_SECOND / 60
    time = f"{max(round(60 * minutes), 1)} s" if minutes < 1.5 else f"{minutes:.0f} min"
    request.say(
        f"{images.title}\nThe scene has {grid.height}x{grid.width} px of 10 m: up to "
        f"{max(space / 1e6, 1):.0f} MB of disk, about {time}."
    )
    return space


def _build(part: Path, images: Images, grid: GeoBox, request: Request) -> None:
    with TemporaryDirectory(dir=part) as unpacked, _labels(grid, request) as labels:
        if images.container.packed:
            request.say("Unpacking the images…")
        with opened_pixels(images, grid, Path(unpacked), request.offset) as pixels:
            request.say(f"Offset: {pixels.choice.reason}")
            _write_images(part, grid, pixels, images, request)
        _check_shown(pixels, request)
        areas = None
        if labels is not None:
            table = layout.write_truth(
                part, grid, labels.read, labels.legend, attribution=labels.attribution
            )
            areas = f"{labels.title}\n\n{table}"
    text = sources_text(images, pixels.choice, areas, request.path)
    write_text(part / "SOURCES.md", text)


def _check_shown(pixels: PixelReader, request: Request) -> None:
    """Tell how much of the ground is seen; a satellite often sees part of a tile."""
    if not pixels.shown:
        raise ValueError(
            f"No pixel of '{request.path}' shows the ground in this place: there are "
            "clouds, or the image ends. Choose another area or another date."
        )
    share = 400 * pixels.shown / (pixels.grid.height * pixels.grid.width)
    request.say(f"{share:.1f} % of the pixels show the ground.")


def _labels(grid: GeoBox, request: Request) -> AbstractContextManager[Labels | None]:
    if request.labels is not None:
        return opened_labels(request.labels, grid)
    request.say(
        "Please note: without labels there are images only, and notebooks 00 to 06 do "
        "not run on this scene. Give labels with `--labels`."
    )
    return nullcontext()


def _write_images(
    part: Path, grid: GeoBox, pixels: PixelReader, images: Images, request: Request
) -> None:
    with tqdm(
        total=grid.height, desc="images", unit="row", disable=not request.progress
    ) as bar:
        layout.write_images(
            part,
            grid,
            _counting(pixels.read, bar),
            attribution=images.attribution,
        )


def _counting(
    read: Callable[[int, range], object], bar: tqdm
) -> Callable[[int, range], object]:
    def counted(spacing: int, rows: range) -> object:
        pixels = read(spacing, rows)
        if spacing == 10:
            bar.update(len(rows))
        return pixels

    return counted
