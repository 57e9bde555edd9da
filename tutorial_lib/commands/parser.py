"""Command line of the library: `tutorial-lib`, or `python -m tutorial_lib`.

Each action (patches, train, export, map) has the options of the functions that it
calls. An option that is not given keeps the default of its function.
"""

import argparse
import sys
import warnings
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tutorial_lib.commands import actions

PROGRAM = "tutorial-lib"

TYPES = ("uint8", "int16", "uint16", "int32", "float32", "float64")

EXAMPLES = {
    "patches": """\
example:
  tutorial-lib patches --source input=s2_10m.tif --size input=16 \\
      --labels terrain_truth_a.tif --count 1000 --out-dir patches --prefix a_""",
    "train": """\
example:
  tutorial-lib train --architecture pixelwise_fcnn --legend-from terrain_truth_a.tif \\
      --train input=patches/a_input.tif --train labels=patches/a_labels.tif \\
      --valid input=patches/b_input.tif --valid labels=patches/b_labels.tif \\
      --epochs 25 --patience 5 --log-dir logs --model fcnn.keras""",
    "export": """\
example:
  tutorial-lib export --model fcnn.keras --directory fcnn_savedmodel""",
    "map": """\
example:
  tutorial-lib map --model fcnn_savedmodel --source input=s2_10m.tif \\
      --output estimated_labels --legend-from terrain_truth_a.tif --out map.tif""",
}

__all__ = ["EXAMPLES", "build_parser", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one action.

    Args:
        arguments: The words of the command line; None takes those of the program.

    Returns:
        The exit code: 0 done, 1 error, 130 interrupted. A wrong command line ends the
        program with exit code 2.

    Example:
        >>> main(["export", "--model", "no.keras", "--directory", "served"])
        1
    """
    options = build_parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            options.action(options)
    except KeyboardInterrupt as interrupt:
        _print_error(": ".join(["interrupted", *map(str, interrupt.args)]))
        return 130
    except (OSError, TypeError, ValueError) as err:
        _print_error(f"error: {err}")
        return 1
    return 0


def _print_error(message: str) -> None:
    print(f"{PROGRAM}: {message}", file=sys.stderr)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as one sentence, without the line of code that raised it."""
    _print_error(f"warning: {message}")


def build_parser() -> ArgumentParser:
    """The parser of the command line; `parse_args` gives the action and its options.

    Example:
        >>> words = ["export", "--model", "a.keras", "--directory", "served"]
        >>> build_parser().parse_args(words).model.suffix
        '.keras'
    """
    parser = ArgumentParser(
        prog=PROGRAM,
        description="Make a land-cover map from rasters: cut patches, train a network "
        "on them, export the network, map a scene with it.",
        epilog=f"'{PROGRAM} ACTION --help' explains the options of an action. Exit "
        "codes: 0 done, 1 error, 2 wrong command line, 130 interrupted.",
    )
    subparsers = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    for name, action, add_options, summary in (
        ("patches", actions.patches, _add_patches, "cut patches from rasters"),
        ("train", actions.train, _add_train, "train a network on patches"),
        (
            "export",
            actions.export,
            _add_export,
            "write a trained network as SavedModel",
        ),
        ("map", actions.map_scene, _add_map, "map a scene with a trained network"),
    ):
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=EXAMPLES[name],
            formatter_class=argparse.RawDescriptionHelpFormatter,
            # Options that are not given are absent, so that defaults stay in one place:
            # in the functions that the action calls.
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
        )
        subparser.set_defaults(action=action, usage_error=subparser.error)
        add_options(subparser)
    return parser


# The help texts are not taken from the library's docstrings, because importing its
# functions would make `--help` slow. Tests compare the names and the defaults.


def _add_patches(parser: ArgumentParser) -> None:
    add = parser.add_argument
    _add_sources(parser)
    text = "side of the patches of a source, in its pixels"
    _add_named(parser, "size", "PX", _count, text, required=True)
    add("--out-dir", type=Path, required=True, help="folder for the patches images")
    add("--prefix", help="files are named PREFIX + source + .tif (default: '')")
    centres = parser.add_mutually_exclusive_group(required=True)
    add = centres.add_argument
    add("--positions", type=Path, help="vector file with the patch centres")
    add("--labels", type=Path, help="label raster in which positions are drawn")
    add = parser.add_argument_group("option for --positions").add_argument
    add("--field", help="field that holds the class numbers (default: class)")
    add = parser.add_argument_group("options for --labels").add_argument
    add(
        "--strategy",
        choices=("constant", "smallest", "total", "all"),
        help="how many positions are drawn: COUNT of each class (constant), as many of "
        "each class as the rarest one has (smallest), COUNT in all (total), or all "
        "labelled pixels (default: constant)",
    )
    add("--count", type=_count, help="number of positions (default: 1000)")
    add("--nodata", type=float, help="value of pixels without a label (default: 255)")
    add("--margin", type=int, help="pixels left out along borders (default: 0)")
    add("--seed", type=int, help="another seed draws other positions (default: 0)")


def _add_train(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", type=Path, required=True, help=".keras file for the best epoch")
    networks = sorted(actions.ARCHITECTURES)
    add("--architecture", choices=networks, required=True, help="the network")
    add("--depth", type=_count, help="number of halvings, only for deeper_unet")
    classes = parser.add_mutually_exclusive_group(required=True)
    classes.add_argument("--class-count", type=_count, help="number of classes")
    classes.add_argument(
        "--legend-from", type=Path, help="label raster whose legend has the classes"
    )
    for name, use in (("train", "training"), ("valid", "validation")):
        text = (
            f"patches image for {use}: of each input of the network, and of 'labels'. "
            "Give a name again to add patches of another area"
        )
        _add_named(parser, name, "PATH", Path, text, required=True)
    add("--batch-size", type=_count, help="patches in a batch (default: 8)")
    add(
        "--seed",
        type=int,
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
    add("--log-dir", type=Path, help="folder for TensorBoard logs (default: no logs)")


def _add_export(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", type=Path, required=True, help=".keras file of the network")
    add("--directory", type=Path, required=True, help="folder for the SavedModel")


def _add_map(parser: ArgumentParser) -> None:
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
    add("--out", dest="path", type=Path, required=True, help="the map, a GeoTIFF")
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
        "classes, NaN for floats)",
    )
    add("--dtype", choices=TYPES, help="type of the map (default: chosen by output)")
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
