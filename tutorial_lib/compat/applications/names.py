"""The applications by name, loaded when they are asked for."""

from difflib import get_close_matches
from importlib import import_module

from tutorial_lib.compat.application import Application

# Application -> its module in this package.
MODULES = {
    "BandMathX": "band_math_x",
    "ComputeImagesStatistics": "images_statistics",
    "DensePolygonClassStatistics": "polygon_class_statistics",
    "ExtractROI": "extract_roi",
    "LabelImageSampleSelection": "label_image_sample_selection",
    "PatchesExtraction": "patches_extraction",
    "PatchesSelection": "patches_selection",
    "PolygonClassStatistics": "polygon_class_statistics",
    "SampleSelection": "sample_selection",
    "TensorflowModelServe": "model_serve",
}

__all__ = ["MODULES", "application"]


def application(name: str) -> type[Application]:
    """The class of an application.

    Raises:
        LookupError: If it is not one that the kit has; with those that there are.

    Example:
        >>> application("ExtractROI").about
        'Cuts a part out of an image.'
        >>> application("ExtractROi")
        Traceback (most recent call last):
        LookupError: The kit has no application 'ExtractROi'. Did you mean
        'ExtractROI'? There are: BandMathX, ComputeImagesStatistics,
        DensePolygonClassStatistics, ExtractROI, LabelImageSampleSelection,
        PatchesExtraction, PatchesSelection, PolygonClassStatistics, SampleSelection,
        TensorflowModelServe.
    """
    if name not in MODULES:
        close = get_close_matches(name, MODULES, n=1)
        meant = f" Did you mean '{close[0]}'?" if close else ""
        raise LookupError(
            f"The kit has no application '{name}'.{meant} There are: "
            f"{', '.join(MODULES)}."
        )
    module = import_module(f"{__package__}.{MODULES[name]}")
    return getattr(module, name)
