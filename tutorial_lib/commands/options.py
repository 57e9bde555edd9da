"""Options of the actions of the command line, and the types of their values."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from tutorial_lib.commands.training import ARCHITECTURES

TYPES = ("uint8", "int16", "uint16", "int32", "float32", "float64")

__all__ = ["add_export", "add_map", "add_patches", "add_train"]

# The help texts are not taken from the library's docstrings, because importing its
# functions would make `--help` slow. Tests compare the names and the defaults. What is
# written has no type: `Path` would hide that `s3://…` or `maps/` is not a file.


def add_patches(parser: ArgumentParser) -> None:
    """Add the options of `patches`."""
    add = parser.add_argument
    _add_sources(parser)
    text = "side of the patches of a source, in its pixels"
    _add_named(parser, "size", "PX", _count, text, required=True)
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
    add("--classes", type=_classes, metavar="10,20,...", help=text)
    add = parser.add_argument_group("options for --labels").add_argument
    add(
        "--strategy",
        choices=("constant", "smallest", "total", "all"),
        help="how many positions are drawn: COUNT of each class (constant), as many of "
        "each class as the rarest one has (smallest), COUNT in all (total), or all "
        "labelled pixels (default: constant)",
    )
    add("--count", type=_count, help="number of positions (default: 1000)")
    text = "value of pixels without a label (default: the one in the raster, else 255)"
    add("--nodata", type=float, help=text)
    add("--margin", type=int, help="pixels left out along borders (default: 0)")
    text = "most positions in one connected area of a class (default: any number)"
    add("--most-per-polygon", type=_count, metavar="COUNT", help=text)
    add("--seed", type=int, help="another seed draws other positions (default: 0)")


def add_train(parser: ArgumentParser) -> None:
    """Add the options of `train`."""
    add = parser.add_argument
    add("--model", required=True, help=".keras file for the best epoch")
    networks = sorted(ARCHITECTURES)
    add("--architecture", choices=networks, required=True, help="the network")
    add("--depth", type=_count, help="number of halvings, only for deeper_unet")
    text = (
        "factor by which the network multiplies the values (default: 0.01 for networks "
        "of pan and xs, else 0.0001, for reflectance times 10 000)"
    )
    scaling = parser.add_mutually_exclusive_group()
    scaling.add_argument("--scale", type=_positive, help=text)
    text = (
        "standardise each band inside the network, by its mean and its standard "
        "deviation in the patches of --train: this fits values of any unit, and the "
        "network learns faster (default: multiply by --scale)"
    )
    scaling.add_argument("--standardise", action="store_true", help=text)
    add("--class-count", type=_count, help="number of classes, which are 0, 1, 2...")
    text = "class numbers, if they are not 0, 1, 2... (default: those of the legend)"
    add("--classes", type=_classes, metavar="10,20,...", help=text)
    text = "label raster whose legend has the classes (default: no names)"
    add("--legend-from", type=Path, help=text)
    for name, use in (("train", "training"), ("valid", "validation")):
        text = (
            f"patches image for {use}: of each input of the network, and of 'labels'. "
            "Give a name again to add patches of another area"
        )
        _add_named(parser, name, "PATH", Path, text, required=True)
    add("--batch-size", type=_count, help="patches in a batch (default: 8)")
    add(
        "--seed",
        type=_seed,
        default=0,
        help="another seed gives other first weights and another order of the patches "
        "(default: 0)",
    )
    text = "learning rate of the optimizer, Adam (default: 0.0002)"
    add("--learning-rate", type=_positive, default=2e-4, help=text)
    add("--epochs", type=_count, default=100, help="number of epochs (default: 100)")
    add(
        "--patience",
        type=_natural,
        help="stop after this number of epochs without a smaller validation loss "
        "(default: never stop early)",
    )
    add("--log-dir", help="folder for TensorBoard logs (default: no logs)")


def add_export(parser: ArgumentParser) -> None:
    """Add the options of `export`."""
    add = parser.add_argument
    add("--model", type=Path, required=True, help=".keras file of the network")
    add("--directory", required=True, help="folder for the SavedModel")


def add_analyse(parser: ArgumentParser) -> None:
    """Add the options of `analyse`."""
    add = parser.add_argument
    add("--model", type=Path, required=True, help=".keras file of the network")
    text = (
        "side of a chunk in pixels of the reference: the valid part of each layer's "
        "output is printed for it (default: only the outputs)"
    )
    add("--chunk", type=_count, metavar="PX", help=text)


def add_certify(parser: ArgumentParser) -> None:
    """Add the options of `certify`."""
    add = parser.add_argument
    add("--model", type=Path, required=True, help=".keras file or SavedModel folder")
    add("--output", required=True, help="output of the network")
    text = "side of a tile in output pixels"
    add("--tile", type=_count, metavar="PX", required=True, help=text)
    text = (
        "channels of an input, its pixels per pixel of the reference, and its largest "
        "value, the reference first; needed for SavedModels with several inputs "
        "(default: from the network, and values up to 10 000)"
    )
    _add_named(parser, "input", "CHANNELS,PIXELS,MAX", _input, text)
    add("--seed", type=_seed, help="seed of the images (default: 0)")
    text = "file for the certificate, for --certificate of map (default: no file)"
    add("--out", dest="path", help=text)


def add_map(parser: ArgumentParser) -> None:
    """Add the options of `map`."""
    add = parser.add_argument
    add("--model", type=Path, required=True, help=".keras file or SavedModel folder")
    _add_sources(parser)
    text = (
        "side of the block that is read of a source for one expression field, in "
        "pixels (default: worked out from the network)"
    )
    _add_named(parser, "receptive-field", "PX", _count, text)
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
        type=_count,
        help="side of the block that is filled from one receptive field, in output "
        "pixels (default: 1)",
    )
    add(
        "--scale-factor",
        type=_positive,
        help="output spacing divided by reference spacing (default: 1)",
    )
    add(
        "--tile-size",
        type=_tile_size,
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
    add("--dtype", choices=TYPES, help="type of the map (default: chosen by output)")
    text = (
        "class number of each channel of the network, if they are not 0, 1, 2... "
        "(default: those of the legend)"
    )
    add("--classes", type=_classes, metavar="10,20,...", help=text)
    add(
        "--legend-from",
        type=Path,
        help="raster whose legend has the names and colours of the classes (default: "
        "no legend)",
    )


def _add_sources(parser: ArgumentParser) -> None:
    text = (
        "raster of a source. NAME is an input of the network; the first source is the "
        "reference. Give a name again to stack the bands of several rasters"
    )
    _add_named(parser, "source", "PATH", Path, text, required=True)
    text = "numbers of the bands of a source, from 1 (default: all)"
    _add_named(parser, "bands", "1,2,...", _numbers, text)
    text = "no-data value of a source (default: the one in the raster)"
    _add_named(parser, "source-nodata", "VALUE", float, text)
    parser.add_argument(
        "--scaled",
        type=lambda name: (name, True),
        action="append",
        metavar="NAME",
        help="apply the scale and offset in the rasters of this source to its values "
        "(default: values as they are stored)",
    )


def _add_named(
    parser: ArgumentParser,
    option: str,
    value: str,
    convert: Callable[[str], Any],
    help_text: str,
    *,
    required: bool = False,
) -> None:
    """Add an option `NAME=VALUE`, which can be given once for each name."""

    def pair(word: str) -> tuple[str, Any]:
        name, _, text = word.partition("=")
        if not (name and text):
            raise ArgumentTypeError(f"'{word}' does not have the form NAME={value}")
        try:
            return name, convert(text)
        except ValueError as err:
            raise ArgumentTypeError(f"'{text}' in '{word}' is not a number") from err

    parser.add_argument(
        f"--{option}",
        type=pair,
        action="append",
        metavar=f"NAME={value}",
        required=required,
        help=help_text,
    )


def _natural(word: str) -> int:
    if not word.isdecimal():
        raise ArgumentTypeError(f"'{word}' is not a whole number, 0 or more")
    return int(word)


def _seed(word: str) -> int:
    # Keras takes seeds of 32 bits.
    if _natural(word) >= 2**32:
        raise ArgumentTypeError(f"'{word}' is too large. Give at most {2**32 - 1}")
    return int(word)


def _count(word: str) -> int:
    if not _natural(word):
        raise ArgumentTypeError("0 is too small. Give at least 1")
    return int(word)


def _positive(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"'{word}' is not a positive number")
    return number


def _tile_size(word: str) -> int | str:
    return word if word == "auto" else _count(word)


def _numbers(word: str) -> list[int]:
    return [_count(number) for number in word.split(",")]


def _input(word: str) -> tuple[int, Fraction, float]:
    """Channels, pixels per reference pixel and largest value of an input."""
    channels, pixels, largest = word.split(",")
    return _count(channels), Fraction(pixels), _positive(largest)


def _classes(word: str) -> tuple[int, ...]:
    # Their order has no meaning here, and the library wants it ascending.
    return tuple(sorted(_natural(number) for number in word.split(",")))
