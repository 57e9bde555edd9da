"""A small network, its image and its maps, for the tests of resumed and spread runs."""

import keras
import numpy as np
import rasterio
from scenes import image, write

import tutorial_lib as tl
from tutorial_lib import rasters

HEIGHT, WIDTH = 61, 85
# Finished shards in a folder of work. Hidden folders of parts come and go.
FINISHED = "[!.]*/*.json"


def network(seed=0, classes=3):
    """A network of one layer: probabilities of classes, their labels, and a score."""
    keras.utils.set_random_seed(seed)
    pixels = keras.Input((None, None, 2), name="input")
    values = keras.layers.Rescaling(1 / 1000, -2)(pixels)
    values = keras.layers.Conv2D(classes, 3, activation="softmax")(values)
    labels = tl.labels_of(values)
    return keras.Model(
        {"input": pixels}, {"estimated": values, "estimated_labels": labels}
    )


def write_image(path, seed=0, *, nodata=None):
    """An image of two bands; with a no-data value a corner of it is empty."""
    pixels = image(HEIGHT, WIDTH, 2, seed) + np.uint16(1)
    if nodata is not None:
        pixels[:40, :37] = nodata
    return write(path, pixels, nodata=nodata)


def described(path):
    """All that a map holds: pixels, type, place, no-data, names, colours and tags."""
    with rasterio.open(path) as dataset:
        colours = dataset.colormap(1) if dataset.count == 1 and _has(dataset) else None
        # The plan names what was read and how; it is the same for the same plan.
        return {
            "dtypes": dataset.dtypes,
            "transform": dataset.transform,
            "crs": dataset.crs,
            "nodata": str(dataset.nodata),
            "descriptions": dataset.descriptions,
            "colours": colours,
            "tags": dataset.tags(),
            "compress": dataset.compression,
            "pixels": rasters.read_array(path).tobytes(),
        }


def _has(dataset):
    return dataset.colorinterp[0] == rasterio.enums.ColorInterp.palette


def counted(report):
    """What a report counts; not its path and time."""
    return {
        "tiles": report.tile_count,
        "skipped": report.skipped,
        "background": report.background_share,
        "broken": report.broken,
        "warnings": report.warnings,
    }
