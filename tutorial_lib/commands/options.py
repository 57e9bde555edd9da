"""Options of the actions of the command line; those of `map` are in `map_options`."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tutorial_lib.commands.training import ARCHITECTURES
from tutorial_lib.commands.words import (
    add_named,
    channels_of_input,
    class_numbers,
    count,
    counts,
    natural,
    naturals,
    positive,
    seed,
    texts,
)

__all__ = [
    "add_analyse",
    "add_certify",
    "add_distortion",
    "add_doctor",
    "add_export",
    "add_feedback",
    "add_patches",
    "add_sources",
    "add_train",
]

# The help texts are not taken from the library's docstrings, because importing its
# functions would make `--help` slow. Tests compare the names and the defaults. What is
# written has no type: `Path` would hide that `s3://…` or `maps/` is not a file.


def add_patches(parser: ArgumentParser) -> None:
    """Add the options of `patches`."""
    add = parser.add_argument
    add_sources(add)
    text = "side of the patches of a source, in its pixels"
    add_named(add, "size", "PX", count, text, required=True)
    add("--out-dir", required=True, help="folder for the patches images")
    add("--prefix", help="files are named PREFIX + source + .tif (default: '')")
    centres = parser.add_mutually_exclusive_group(required=True)
    add = centres.add_argument
    add("--positions", type=Path, help="vector file with the patch centres")
    add("--labels", type=Path, help="label raster in which positions are drawn")
    add = parser.add_argument_group("option for --positions").add_argument
    add("--field", help="field that holds the class numbers (default: class)")
    add("--layer", help="layer of the file that holds the points (default: its first)")
    add = parser.add_argument_group("option for --positions and --labels").add_argument
    text = "class numbers to take, all others are left out (default: all)"
    add("--classes", type=class_numbers, metavar="10,20,...", help=text)
    add = parser.add_argument_group("options for --labels").add_argument
    add(
        "--strategy",
        choices=("constant", "smallest", "total", "all"),
        help="how many positions are drawn: COUNT of each class (constant), as many of "
        "each class as the rarest one has (smallest), COUNT in all (total), or all "
        "labelled pixels (default: constant)",
    )
    add("--count", type=count, help="number of positions (default: 1000)")
    text = "value of pixels without a label (default: the one in the raster, else 255)"
    add("--nodata", type=float, help=text)
    add("--margin", type=int, help="pixels left out along borders (default: 0)")
    text = "most positions in one connected area of a class (default: any number)"
    add("--most-per-polygon", type=count, metavar="COUNT", help=text)
    add("--seed", type=int, help="another seed draws other positions (default: 0)")


def add_train(parser: ArgumentParser) -> None:
    """Add the options of `train`."""
    add = parser.add_argument
    add("--model", required=True, help=".keras file for the best epoch")
    networks = sorted(ARCHITECTURES)
    add("--architecture", choices=networks, required=True, help="the network")
    add("--depth", type=count, help="number of halvings, only for deeper_unet")
    text = (
        "factor by which the network multiplies the values (default: 0.01 for networks "
        "of pan and xs, else 0.0001, for reflectance times 10 000)"
    )
    scaling = parser.add_mutually_exclusive_group()
    scaling.add_argument("--scale", type=positive, help=text)
    text = (
        "standardise each band inside the network, by its mean and its standard "
        "deviation in the patches of --train: this fits values of any unit, and the "
        "network learns faster (default: multiply by --scale)"
    )
    scaling.add_argument("--standardise", action="store_true", help=text)
    add("--class-count", type=count, help="number of classes, which are 0, 1, 2...")
    text = "class numbers, if they are not 0, 1, 2... (default: those of the legend)"
    add("--classes", type=class_numbers, metavar="10,20,...", help=text)
    text = "label raster whose legend has the classes (default: no names)"
    add("--legend-from", type=Path, help=text)
    for name, use in (("train", "training"), ("valid", "validation")):
        text = (
            f"patches image for {use}: of each input of the network, and of 'labels'. "
            "Give a name again to add patches of another area"
        )
        add_named(add, name, "PATH", Path, text, required=True)
    add("--batch-size", type=count, help="patches in a batch (default: 8)")
    add(
        "--seed",
        type=seed,
        default=0,
        help="another seed gives other first weights and another order of the patches "
        "(default: 0)",
    )
    text = "learning rate of the optimizer, Adam (default: 0.0002)"
    add("--learning-rate", type=positive, default=2e-4, help=text)
    add("--epochs", type=count, default=100, help="number of epochs (default: 100)")
    add(
        "--patience",
        type=natural,
        help="stop after this number of epochs without a smaller validation loss "
        "(default: never stop early)",
    )
    add("--log-dir", help="folder for TensorBoard logs (default: no logs)")


def add_export(parser: ArgumentParser) -> None:
    """Add the options of `export`."""
    add = parser.add_argument
    add("--model", type=Path, required=True, help=".keras file of the network")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--directory", help="folder for a SavedModel")
    text = "file for the network in the form of ONNX, ending in .onnx"
    place.add_argument("--out", dest="path", help=text)
    group = parser.add_argument_group("options for --out")
    add = group.add_argument
    text = (
        "order of the axes of inputs and outputs; channels_first is that of PyTorch "
        "(default: channels_last)"
    )
    add("--layout", choices=("channels_last", "channels_first"), help=text)
    classes = group.add_mutually_exclusive_group()
    text = "names of the classes, in the order of the channels (default: no names)"
    classes.add_argument("--class-names", type=texts, metavar="A,B,...", help=text)
    text = "label raster whose legend has the names of the classes (default: no names)"
    classes.add_argument("--legend-from", type=Path, help=text)
    text = "names of the bands of an input, in their order (default: no names)"
    add_named(add, "bands", "A,B,...", texts, text)
    text = "side of a pixel of the first input in metres (default: not said)"
    add("--pixel-size-m", type=positive, metavar="M", help=text)
    text = (
        "output that the QGIS plugin Deepness is to map: the file then has this output "
        "only, and takes square tiles of one size (default: a file for any program)"
    )
    add("--deepness", metavar="OUTPUT", help=text)


def add_analyse(parser: ArgumentParser) -> None:
    """Add the options of `analyse`."""
    add = parser.add_argument
    add("--model", type=Path, required=True, help=".keras or ONNX file of the network")
    text = (
        "side of a chunk in pixels of the reference: the valid part of each layer's "
        "output is printed for it (default: only the outputs)"
    )
    add("--chunk", type=count, metavar="PX", help=text)


def add_certify(parser: ArgumentParser) -> None:
    """Add the options of `certify`."""
    add = parser.add_argument
    text = ".keras file, ONNX file or SavedModel folder"
    add("--model", type=Path, required=True, help=text)
    add("--output", required=True, help="output of the network")
    text = "side of a tile in output pixels"
    add("--tile", type=count, metavar="PX", required=True, help=text)
    text = (
        "channels of an input, its pixels per pixel of the reference, and its largest "
        "value, the reference first; needed for SavedModels with several inputs "
        "(default: from the network, and values up to 10 000)"
    )
    add_named(add, "input", "CHANNELS,PIXELS,MAX", channels_of_input, text)
    add("--seed", type=seed, help="seed of the images (default: 0)")
    text = "file for the certificate, for --certificate of map (default: no file)"
    add("--out", dest="path", help=text)


def add_distortion(parser: ArgumentParser) -> None:
    """Add the options of `distortion`."""
    kind = parser.add_mutually_exclusive_group(required=True)
    text = (
        ".keras or ONNX file of a network: chunks are compared with the output of the "
        "whole image, crop by crop"
    )
    kind.add_argument("--model", type=Path, help=text)
    text = "a map: --tile tells whether its tiles can be seen, --against compares it"
    kind.add_argument("--map", type=Path, metavar="PATH", help=text)
    add = parser.add_argument_group("options for --model").add_argument
    add_sources(add, required=False)
    add("--output", help="output of the network")
    text = "pixels removed from each side of the output; a row is printed for each"
    add("--crops", type=naturals, metavar="0,8,...", help=text)
    text = (
        "side of the chunks in pixels of the reference (default: the smallest one "
        "that can be compared)"
    )
    add("--chunk", type=count, metavar="PX", help=text)
    add("--count", type=count, help="number of chunks (default: 4)")
    text = "another seed takes chunks at other places (default: 0)"
    add("--seed", type=seed, help=text)
    add("--out", dest="path", help="file for the table, .csv (default: no file)")
    text = "file for the figure: .png, .jpg, .pdf or .svg (default: no file)"
    add("--plot", metavar="PATH", help=text)
    add = parser.add_argument_group("options for --map").add_argument
    text = "side of the tiles that the map was computed with, in its pixels"
    add("--tile", type=count, metavar="PX", help=text)
    text = (
        "total stride of the network in pixels of the map, needed where half a tile is "
        "not a multiple of it (default: the jumps between tiles are compared with "
        "those half a tile away)"
    )
    add("--stride", type=count, metavar="PX", help=text)
    text = "another map of the same place: the error on the common window is printed"
    add("--against", type=Path, metavar="PATH", help=text)


def add_doctor(parser: ArgumentParser) -> None:
    """Add the options of `doctor`."""
    add = parser.add_argument
    text = "start no program: TensorFlow, JupyterLab and its kernel are left out"
    add("--quick", action="store_true", help=text)
    text = (
        "print one line of JSON, without names of the user and of folders, to collect "
        "those of many machines in one file"
    )
    add("--json", action="store_true", help=text)


def add_feedback(parser: ArgumentParser) -> None:
    """Add the files of `feedback`."""
    text = (
        "files feedback.jsonl, one of each learner, or a folder of such files "
        "(default: the one in data/work, of this machine)"
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help=text)


def add_sources(add: Callable[..., Any], *, required: bool = True) -> None:
    """Add the options of the sources of an action; `add` is an `add_argument`."""
    text = (
        "raster of a source. NAME is an input of the network; the first source is the "
        "reference. Give a name again to stack the bands of several rasters"
    )
    add_named(add, "source", "PATH", Path, text, required=required)
    text = "numbers of the bands of a source, from 1 (default: all)"
    add_named(add, "bands", "1,2,...", counts, text)
    text = "no-data value of a source (default: the one in the raster)"
    add_named(add, "source-nodata", "VALUE", float, text)
    add(
        "--scaled",
        type=lambda name: (name, True),
        action="append",
        metavar="NAME",
        help="apply the scale and offset in the rasters of this source to its values "
        "(default: values as they are stored)",
    )
