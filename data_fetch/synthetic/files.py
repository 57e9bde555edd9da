"""Files of a synthetic scene, and the same scene as arrays."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from tqdm.auto import tqdm

from data_fetch import layout
from data_fetch.scenes import check_name, make_scene
from data_fetch.synthetic.mixtures import LEGEND
from data_fetch.synthetic.rendering import BLOCK
from data_fetch.synthetic.stripes import Scene
from tutorial_lib.arguments import file_path, flag, number, whole_number, whole_numbers
from tutorial_lib.rasters import PathLike

# Increase this when the files change. Older files are then made again.
RECIPE = 2
SEED = 4
SHAPE = (768, 1536)
# With this factor, classes are about as hard to tell apart as in the tutorial's patches
# of Tokyo (a test measures it).
PURITY = 0.3
# What processing baselines from 4 on add to the values of level 2A.
OFFSET = 1000
# Bytes of free disk for each pixel of 10 m: 22 of images and their copies, and labels.
SPACE = 26

# Upper left corner: a place in the Mediterranean Sea, where nobody looks for land.
CORNER = (500_000, 4_600_000)
CRS = "EPSG:32631"
SPACING = 10
ATTRIBUTION = "Generated, not a real place"

__all__ = ["OFFSET", "PURITY", "SEED", "SHAPE", "Arrays", "fetch_synthetic", "generate"]


class Arrays(NamedTuple):
    """A synthetic scene as arrays.

    Attributes:
        image_10m: B4, B3, B2, B8 (height, width, 4) uint16, reflectance x 10 000.
        image_20m: B5, B6, B7, B8A, B11, B12 (height / 2, width / 2, 6) uint16.
        labels: Class of each pixel of 10 m (height, width, 1) uint8; 255 for no label.
    """

    image_10m: np.ndarray
    image_20m: np.ndarray
    labels: np.ndarray


def generate(
    shape: tuple[int, int],
    *,
    seed: int = SEED,
    purity: float = PURITY,
    offset: bool = False,
) -> Arrays:
    """Generate a synthetic Sentinel-2 scene with labels, as arrays.

    A smaller scene of the same seed is the upper left part of a larger one.

    Args:
        shape: Height and width in pixels of 10 m, even.
        seed: Another seed gives another landscape.
        purity: How alike the objects of a class are, above 0. With 0.3 the classes
            are as hard to tell apart as in reality; with 5 they are easier, and with
            0.1 harder.
        offset: Whether 1000 is added to all values, as since processing baseline 4.

    Returns:
        The images and the labels.

    Raises:
        TypeError: If an argument is of a wrong type.
        ValueError: If a side is odd, or a number is out of its range.

    Example:
        >>> scene = generate((64, 96), seed=3)
        >>> scene.image_10m.shape, scene.image_20m.shape, scene.labels.shape
        ((64, 96, 4), (32, 48, 6), (64, 96, 1))
    """
    scene = _scene(shape, seed, purity, offset)
    height = scene.shape[0]
    return Arrays(
        scene.read(10, range(height)),
        scene.read(20, range(height // 2)),
        scene.read_labels(range(height))[..., np.newaxis],
    )


def _scene(
    shape: tuple[int, int], seed: int, purity: float, offset: bool, **options: object
) -> Scene:
    """A scene, after a check of what was given."""
    shape = whole_numbers("shape", shape, least=2)
    if len(shape) != 2 or any(side % 2 for side in shape):
        raise ValueError(
            f"A scene of {shape} pixels is not possible: a pixel of 20 m covers 2 x 2 "
            "pixels of 10 m. Give a height and a width, both even."
        )
    return Scene(
        shape,
        seed=whole_number("seed", seed, least=0),
        purity=number("purity", purity, least=0.01, most=100),
        offset=OFFSET if flag("offset", offset) else 0,
        **options,
    )


def fetch_synthetic(
    folder: PathLike = "data",
    *,
    shape: tuple[int, int] = SHAPE,
    name: str = "synthetic",
    seed: int = SEED,
    purity: float = PURITY,
    offset: bool = False,
    replace: bool = False,
) -> Path:
    """Make the files of a synthetic scene; do nothing if they are already there.

    The scene is made in stripes, so it may be much larger than the memory.

    Args:
        folder: The scene goes to a folder in this one.
        shape: As in `generate`; at least 96 pixels along one side.
        name: Name of the scene's folder.
        seed: As in `generate`.
        purity: As in `generate`.
        offset: As in `generate`.
        replace: Whether to replace another scene of this name.

    Returns:
        Path of the scene's folder. It holds the same files as the Havel scene.

    Raises:
        OSError: If the files cannot be written. No half-written file is left.
        FileExistsError: If another scene has the name and `replace` is False.
        TypeError: If an argument is of a wrong type.
        ValueError: If a side is odd or the scene too small, a number is out of its
            range, or a scene cannot have the name.
    """
    folder = file_path("folder", folder)
    # All is checked before the folder is touched.
    name, replace = check_name(name), flag("replace", replace)
    scene = _scene(shape, seed, purity, offset)
    size = "{} x {} pixels".format(*scene.shape)
    choice = f"{size}, seed {seed}, purity {purity:g}, offset {OFFSET * offset}"

    def build(part: Path) -> None:
        print(f"Making a synthetic scene of {size}…", flush=True)
        steps = 2 * -(-scene.shape[0] // BLOCK)
        with tqdm(total=steps, desc=name, unit="stripe", disable=steps < 10) as bar:
            made = _scene(shape, seed, purity, offset, progress=bar.update)
            _write(made, part, choice, offset)

    height, width = scene.shape
    return make_scene(
        folder / name,
        build,
        recipe=f"synthetic {RECIPE}: {choice}",
        space=SPACE * height * width,
        replace=replace,
    )


def _write(scene: Scene, folder: Path, choice: str, offset: bool) -> None:
    x, y = CORNER
    grid = GeoBox(scene.shape, Affine(SPACING, 0, x, 0, -SPACING, y), CRS)
    layout.write_images(folder, grid, scene.read, attribution=ATTRIBUTION)
    areas = layout.write_truth(
        folder, grid, scene.read_labels, LEGEND, attribution=ATTRIBUTION
    )
    text = SOURCES.format(
        choice=choice, offset=WITH_OFFSET if offset else WITHOUT_OFFSET, areas=areas
    )
    (folder / "SOURCES.md").write_text(text, encoding="utf-8")


WITHOUT_OFFSET = "Values are reflectance times 10 000, without offset."
WITH_OFFSET = f"""\
Values are reflectance times 10 000 **plus {OFFSET}**, as files of level 2A have them
since processing baseline 4. Subtract {OFFSET} before you compare them with others."""
SOURCES = f"""\
# Where this scene comes from

Nobody lives there: the scene is generated by `python -m data_fetch synthetic`, from the
program in `data_fetch/synthetic`. It falls under the licence of the kit, Apache-2.0.
Coordinates are of an arbitrary place in the sea.

Size, seed and options: {{choice}}.

## Images: `s2_10m.tif`, `s2_20m.tif`, `s2_10m_nodata.tif`, `s2_20m_nodata.tif`

{", ".join(layout.BANDS_10M)} at 10 m, {", ".join(layout.BANDS_20M)} at 20 m, made to
look like Sentinel-2. {{offset}}
No pixel is 0, the no-data value. In the `_nodata` copies a wedge in the west was set
to 0.

Each object, such as a lake or a field, has its own mixture of materials with typical
spectra. The mixture varies from pixel to pixel. A pixel of 20 m is the mean of four
pixels of 10 m. Blur and noise of a sensor were added.

## Labels: `terrain_truth_a.tif`, `terrain_truth_b.tif`, `terrain_truth_c.tif`

Some of the objects have labels, each of them as a whole.

{{areas}}"""
