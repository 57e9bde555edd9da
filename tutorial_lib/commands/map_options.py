"""Options of the action `map` of the command line."""

from argparse import ArgumentParser
from pathlib import Path

from tutorial_lib.commands.options import add_sources
from tutorial_lib.commands.words import (
    add_named,
    class_numbers,
    count,
    positive,
    tile_size,
)

TYPES = (
    *("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"),
)

__all__ = ["add_map"]


def add_map(parser: ArgumentParser) -> None:
    """Add the options of `map`."""
    add = parser.add_argument
    text = ".keras file, ONNX file or SavedModel folder"
    add("--model", type=Path, required=True, help=text)
    add_sources(add)
    text = (
        "side of the block that is read of a source for one expression field, in "
        "pixels (default: worked out from the network)"
    )
    add_named(add, "receptive-field", "PX", count, text)
    text = "output of the network; give it again to stack the bands of several"
    add("--output", action="append", required=True, help=text)
    add("--out", dest="path", required=True, help="the map, a GeoTIFF")
    text = (
        "what `certify --out` measured, for a network that does not show its layers "
        "(default: none)"
    )
    add("--certificate", type=Path, help=text)
    add(
        "--mode",
        choices=("fully_convolutional", "patch_based"),
        help="run the network once for each tile, or once for each receptive field "
        "(default: fully_convolutional)",
    )
    add(
        "--expression-field",
        type=count,
        help="side of the block that is filled from one receptive field, in output "
        "pixels (default: 1)",
    )
    add(
        "--scale-factor",
        type=positive,
        help="output spacing divided by reference spacing (default: 1)",
    )
    add(
        "--tile-size",
        type=tile_size,
        help="side of a tile in output pixels, or 'auto' (default: auto)",
    )
    add(
        "--window",
        type=int,
        nargs=4,
        metavar=("ROW", "COL", "HEIGHT", "WIDTH"),
        help="part of the full map, in output pixels (default: all of it)",
    )
    add(
        "--edge",
        choices=("valid", "pad"),
        help="map only the pixels whose input lies inside every source, or the whole "
        "reference (default: valid)",
    )
    add(
        "--nodata-rule",
        choices=("center", "all", "any", "tile", "none"),
        help="which pixels without data make an output pixel background (default: "
        "center)",
    )
    add(
        "--background",
        type=float,
        help="value of background pixels (default: 255 for labels, 65535 above 255 "
        "classes, or the next smaller free number; NaN for floats)",
    )
    text = (
        "class number of each channel of the network, if they are not 0, 1, 2... "
        "(default: those of the legend)"
    )
    add("--classes", type=class_numbers, metavar="10,20,...", help=text)
    add(
        "--legend-from",
        type=Path,
        help="raster whose legend has the names and colours of the classes (default: "
        "no legend)",
    )
    _add_file(parser)
    _add_run(parser)


def _add_file(parser: ArgumentParser) -> None:
    """Add the options of the file that is written."""
    add = parser.add_argument_group("options of the file").add_argument
    add("--dtype", choices=TYPES, help="type of the map (default: chosen by output)")
    text = (
        "write a cloud-optimised GeoTIFF, with overviews and statistics (default: a "
        "GeoTIFF without them)"
    )
    add("--cog", action="store_true", help=text)
    text = (
        "compression: zstd is quicker and smaller, deflate can be read by every "
        "program (default: deflate)"
    )
    add("--compress", choices=("deflate", "zstd"), help=text)


def _add_run(parser: ArgumentParser) -> None:
    """Add the options that say how a map is computed."""
    run = parser.add_argument_group("options of the run")
    add = run.add_argument
    text = "check everything, print the plan and what it will cost, and write nothing"
    add("--dry-run", action="store_true", help=text)
    text = (
        "keep what is complete when the run is ended, and continue from what an ended "
        "run of the same command has kept (default: begin again)"
    )
    add("--resume", action="store_true", help=text)
    text = (
        "memory in GB that each process may take for tiles, beside the libraries and "
        "the network (default: 0.5, and up to 1 for networks with large margins)"
    )
    add("--memory", type=positive, metavar="GB", help=text)
    text = (
        "precision of the network's numbers: bfloat16 is quicker on some processors "
        "and not exact (default: float32)"
    )
    add("--precision", choices=("float32", "bfloat16"), help=text)
    text = (
        "library that runs the network (default: onnxruntime for an ONNX file, else "
        "tensorflow)"
    )
    add("--runner", choices=("tensorflow", "openvino", "onnxruntime"), help=text)
    cluster = run.add_mutually_exclusive_group()
    text = "share the tiles among N processes of this machine (default: one process)"
    cluster.add_argument("--workers", type=count, metavar="N", help=text)
    text = (
        "share the tiles among the workers of a Dask scheduler that runs at this "
        "address, such as tcp://10.0.0.5:8786 (default: no cluster)"
    )
    cluster.add_argument("--dask", metavar="ADDRESS", help=text)
