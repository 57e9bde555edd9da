"""Actions of the command line: patches and export.

Each action turns its options into calls of the library.
"""

from argparse import Namespace
from pathlib import Path

import tutorial_lib as tl
from tutorial_lib.commands.given import (
    check_output,
    flag,
    given,
    inputs_of,
    legend_of,
    sources_of,
    value_by_name,
)

# Options that go with --labels, and those that go with --positions.
DRAWING = ("strategy", "count", "nodata", "margin", "seed", "most_per_polygon")
READING = ("field", "layer")
# Options that say something about a network in its ONNX file.
ABOUT_NETWORK = ("layout", "class_names", "bands", "pixel_size_m", "deepness")

__all__ = ["export", "patches"]


def patches(options: Namespace) -> None:
    """Cut patches and print each file as NAME=PATH, ready for --train or --valid."""
    from tutorial_lib.rasters.destinations import check_folder

    sources, sizes = sources_of(options), value_by_name(options, "size")
    _check_drawing(options)
    prefix = getattr(options, "prefix", "")
    check_folder(options.out_dir)
    # The library knows the sources; the raster of --labels is known here only.
    for name in (*sources, "labels"):
        check_output(
            Path(options.out_dir, f"{prefix}{name}.tif"), inputs_of(options, "source")
        )
    result = tl.extract_patches(
        sources,
        _positions(options),
        sizes=sizes,
        out_dir=options.out_dir,
        **given(options, "prefix"),
    )
    print(result)
    for name, path in result.paths.items():
        print(f"{name}={path}")


def export(options: Namespace) -> None:
    """Write the network of a `.keras` file as a SavedModel or an ONNX file."""
    about = given(options, *ABOUT_NETWORK)
    if "directory" in options:
        for name in (*about, *given(options, "legend_from")):
            options.usage_error(f"{flag(name)} goes with --out")
        place = options.directory
    else:
        place = options.path
        if not place.lower().endswith(".onnx"):
            options.usage_error(f"--out: '{place}' does not end in .onnx")
    if "bands" in about:
        about["bands"] = value_by_name(options, "bands")
    if "legend_from" in options:
        about["class_names"] = legend_of(options)
    print(f"'{tl.export(options.model, place, **about)}' is written.")


def _check_drawing(options: Namespace) -> None:
    """End with a usage error for options of --labels with --positions, or reverse."""
    from_labels = "labels" in options
    for name in given(options, *(READING if from_labels else DRAWING)):
        other = "positions" if from_labels else "labels"
        options.usage_error(f"{flag(name)} goes with --{other}")


def _positions(options: Namespace) -> "tl.Positions":
    if "labels" in options:
        keywords = given(options, *DRAWING, "classes")
        return tl.select_positions(options.labels, **keywords)
    keywords = given(options, *READING, "classes")
    return tl.Positions.from_file(options.positions, **keywords)
