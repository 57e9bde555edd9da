"""OTBTF's Python module: datasets of patches, `ModelBase`, its layers.

Names, arguments and results are OTBTF's. Where OTBTF gives a wrong result in silence,
such as a target of zeros for an unknown class, these functions raise an error.
"""

from tutorial_lib.notices import tensorflow_needed

with tensorflow_needed():
    from tutorial_lib.compat.otbtf import layers, model, ops, tfrecords, utils
    from tutorial_lib.compat.otbtf.dataset import (
        Dataset,
        DatasetFromPatchesImages,
        IteratorBase,
        PatchesImagesReader,
        PatchesReaderBase,
        RandomIterator,
    )
    from tutorial_lib.compat.otbtf.model import ModelBase
    from tutorial_lib.compat.otbtf.tfrecords import TFRecords
    from tutorial_lib.compat.otbtf.utils import gdal_open, read_as_np_arr

__all__ = [
    "Dataset",
    "DatasetFromPatchesImages",
    "IteratorBase",
    "ModelBase",
    "PatchesImagesReader",
    "PatchesReaderBase",
    "RandomIterator",
    "TFRecords",
    "gdal_open",
    "layers",
    "model",
    "ops",
    "read_as_np_arr",
    "tfrecords",
    "utils",
]
