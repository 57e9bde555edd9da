"""The library's main jobs from a terminal: patches, train, export, map.

Options are the arguments of the functions behind them, and what is not given is left to
those functions. Nothing heavy is imported before a job starts.
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

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job.

    Args:
        arguments: The words of the command line; None takes the program's.

    Returns:
        The exit code: 0; 1 after an error; 130 when interrupted. Words that make no
        command end the program with 2.

    Example:
        >>> main(["export", "--model", "no.keras", "--directory", "served"])
        1
    """
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            options.job(options)
    except KeyboardInterrupt as interrupt:
        _tell(": ".join(["interrupted", *map(str, interrupt.args)]))
        return 130
    except (OSError, TypeError, ValueError) as err:
        _tell(f"error: {err}")
        return 1
    return 0


def _tell(message: str) -> None:
    print(f"{PROGRAM}: {message}", file=sys.stderr)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning as a sentence, without the line of the library that gave it."""
    _tell(f"warning: {message}")


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog=PROGRAM,
        description="From rasters to a land-cover map: cut patches, train a network on "
        "them, export it, map a scene with it.",
        epilog=f"'{PROGRAM} JOB --help' explains the options of a job. Exit codes: 0 "
        "done, 1 error, 2 no such command or option, 130 interrupted.",
    )
    subparsers = parser.add_subparsers(metavar="JOB", required=True)
    _add_patches(
        _job(subparsers, "patches", actions.patches, "cut patches at positions")
    )
    _add_train(_job(subparsers, "train", actions.train, "train a network on patches"))
    _add_export(_job(subparsers, "export", actions.export, "turn it into a SavedModel"))
    _add_map(_job(subparsers, "map", actions.map_scene, "map a scene, tile by tile"))
    return parser


def _job(subparsers: Any, name: str, job: Callable, summary: str) -> ArgumentParser:
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=EXAMPLES[name],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # Options that are not given are left to the functions behind the job.
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.set_defaults(job=job, refuse=parser.error)
    return parser


def _add_patches(parser: ArgumentParser) -> None:
    add = parser.add_argument
    _add_sources(parser)
    _add_each(parser, "size", "PX", _count, "side of the patches", required=True)
    add("--out-dir", type=Path, required=True, help="folder of the patches images")
    add("--prefix", help="how their names begin: PREFIX + source + .tif (default: '')")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--positions", type=Path, help="vector file of patch centres")
    where.add_argument("--labels", type=Path, help="label raster to draw them from")
    add("--field", help="of the positions' class numbers (default: class)")
    drawn = parser.add_argument_group("how positions are drawn from --labels")
    add = drawn.add_argument
    strategies = ("constant", "smallest", "total", "all")
    add("--strategy", choices=strategies, help="how many (default: constant)")
    add("--count", type=_count, help="of each class, or in all (default: 1000)")
    add("--nodata", type=float, help="value of pixels without label (default: 255)")
    add("--margin", type=int, help="pixels left out along borders (default: 0)")
    add("--seed", type=int, help="another one draws other pixels (default: 0)")


def _add_train(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", type=Path, required=True, help=".keras file for the best epoch")
    networks = sorted(actions.ARCHITECTURES)
    add("--architecture", choices=networks, required=True, help="the network")
    add("--depth", type=_count, help="number of halvings, for deeper_unet only")
    classes = parser.add_mutually_exclusive_group(required=True)
    classes.add_argument("--class-count", type=_count, help="number of classes")
    classes.add_argument(
        "--legend-from", type=Path, help="label raster whose legend names the classes"
    )
    for name, use in (("train", "train on"), ("valid", "validate on")):
        text = f"patches image to {use}, of an input or of 'labels'; a name given again"
        text += " adds another area"
        _add_each(parser, name, "PATH", Path, text, required=True)
    add("--batch-size", type=_count, help="patches of a step (default: 8)")
    add("--seed", type=int, default=0, help="of weights and order (default: 0)")
    rate = "step of the optimizer, Adam (default: 0.0002)"
    add("--learning-rate", type=_positive, default=2e-4, help=rate)
    add("--epochs", type=_count, default=100, help="at most (default: 100)")
    patience = "stop after so many epochs without a smaller validation loss (default: "
    add("--patience", type=_natural, help=f"{patience}never stop early)")
    add("--log-dir", type=Path, help="folder for TensorBoard (default: no logs)")


def _add_export(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", type=Path, required=True, help="`.keras` file")
    add("--directory", type=Path, required=True, help="SavedModel folder to write")


def _add_map(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", type=Path, required=True, help=".keras file or SavedModel folder")
    _add_sources(parser)
    field = "pixels read for one expression field (default: derived from the model)"
    _add_each(parser, "receptive-field", "PX", _count, field)
    text = "of the model; given again, bands are stacked"
    add("--output", action="append", required=True, help=text)
    add("--out", type=Path, required=True, help="the map, a GeoTIFF")
    modes = ("fully_convolutional", "patch_based")
    add("--mode", choices=modes, help="(default: fully_convolutional)")
    add("--expression-field", type=_count, help="pixels filled from it (default: 1)")
    text = "output spacing / reference spacing (default: 1)"
    add("--scale-factor", type=_positive, help=text)
    add("--tile-size", type=_tile_size, help="output pixels, or auto (default: auto)")
    window = ("ROW", "COL", "HEIGHT", "WIDTH")
    text = "part of the full map, in its pixels (default: all of it)"
    add("--window", type=int, nargs=4, metavar=window, help=text)
    text = "what lies inside every source, or the whole reference (default: valid)"
    add("--edge", choices=("valid", "pad"), help=text)
    rules = ("center", "all", "any", "tile", "none")
    text = "which pixels are background (default: center)"
    add("--nodata-rule", choices=rules, help=text)
    text = "their value (default: 255, or 65535, for labels, NaN for floats)"
    add("--background", type=float, help=text)
    add("--dtype", choices=TYPES, help="type of the map (default: as the output needs)")
    text = "raster with the names and colours of the classes (default: none)"
    add("--legend-from", type=Path, help=text)


def _add_sources(parser: ArgumentParser) -> None:
    text = "raster by the model's input name, the reference first; a name given again "
    text += "stacks bands"
    _add_each(parser, "source", "PATH", Path, text, required=True)
    text = "numbers of the bands to use, from 1 (default: all)"
    _add_each(parser, "bands", "1,2,...", _numbers, text)
    text = "value of pixels without data (default: the raster's own)"
    _add_each(parser, "source-nodata", "VALUE", float, text)


def _add_each(
    parser: ArgumentParser,
    option: str,
    value: str,
    kind: Callable[[str], Any],
    text: str,
    *,
    required: bool = False,
) -> None:
    """An option `NAME=VALUE`, as often as there are names."""

    def pair(word: str) -> tuple[str, Any]:
        name, _, given = word.partition("=")
        if not (name and given):
            raise ArgumentTypeError(f"'{word}' is not of the form NAME={value}")
        try:
            return name, kind(given)
        except ValueError as err:
            raise ArgumentTypeError(f"'{given}' in '{word}' is no {value}") from err

    parser.add_argument(
        f"--{option}",
        type=pair,
        action="append",
        metavar=f"NAME={value}",
        required=required,
        help=text,
    )


def _natural(word: str) -> int:
    if not word.isdecimal():
        raise ArgumentTypeError(f"'{word}' is not a whole number from 0 on")
    return int(word)


def _count(word: str) -> int:
    if not _natural(word):
        raise ArgumentTypeError("0 is too small, 1 is the least")
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
