"""Command line of the library: `tutorial-lib`, or `python -m tutorial_lib`.

Each action (patches, train, export, analyse, certify, map, distortion) has the options
of the functions that it calls. An option that is not given keeps their default. Two
more are for teachers: `doctor` checks a machine, `feedback` sums up what learners said.
"""

import argparse
from argparse import ArgumentParser
from collections.abc import Sequence

from tutorial_lib.commands import (
    actions,
    distortions,
    map_options,
    mapping,
    options,
    proofs,
    teaching,
    training,
)
from tutorial_lib.commands.outcomes import outcome

PROGRAM = "tutorial-lib"

EXAMPLES = {
    "patches": """\
example:
  tutorial-lib patches --source input=s2_10m.tif --size input=16 \\
      --labels terrain_truth_a.tif --count 900 --most-per-polygon 100 --margin 8 \\
      --out-dir patches --prefix a_""",
    "train": """\
example:
  tutorial-lib train --architecture pixelwise_fcnn --standardise \\
      --legend-from terrain_truth_a.tif \\
      --train input=patches/a_input.tif --train labels=patches/a_labels.tif \\
      --valid input=patches/b_input.tif --valid labels=patches/b_labels.tif \\
      --epochs 25 --patience 5 --log-dir logs --model fcnn.keras""",
    "export": """\
examples:
  tutorial-lib export --model fcnn.keras --directory fcnn_savedmodel
  tutorial-lib export --model fcnn.keras --out fcnn.onnx \\
      --legend-from terrain_truth_a.tif --bands input=red,green,blue,nir \\
      --pixel-size-m 10""",
    "analyse": """\
example:
  tutorial-lib analyse --model fcnn.keras --chunk 128""",
    "certify": """\
example:
  tutorial-lib certify --model fcnn_savedmodel --output estimated --tile 64 \\
      --out certificate.json""",
    "map": """\
examples:
  tutorial-lib map --model fcnn_savedmodel --source input=s2_10m.tif \\
      --output estimated_labels --legend-from terrain_truth_a.tif --out map.tif
  tutorial-lib map --model fcnn.keras --source input=s2_10m.tif \\
      --output estimated_labels --out map.tif --workers 4 --resume""",
    "distortion": """\
examples:
  tutorial-lib distortion --model unet.keras --source input_p=pan.tif \\
      --source input_xs=xs.tif --output features --crops 0,8,16,32 \\
      --out table.csv --plot figure.png
  tutorial-lib distortion --map tiled.tif --tile 64 --against whole.tif""",
    "doctor": """\
examples:
  tutorial-lib doctor
  tutorial-lib doctor --quick
  tutorial-lib doctor --json""",
    "feedback": """\
examples:
  tutorial-lib feedback
  tutorial-lib feedback learner_1.jsonl learner_2.jsonl
  tutorial-lib feedback folder_of_files""",
}

__all__ = ["EXAMPLES", "build_parser", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one action.

    Args:
        arguments: The words of the command line; None takes those of the program.

    Returns:
        The exit code: 0 done, 1 error, 130 interrupted by Ctrl-C, 143 ended by SIGTERM
        and 129 by SIGHUP. A wrong command line ends the program with exit code 2.

    Example:
        >>> main(["export", "--model", "no.keras", "--directory", "served"])
        1
    """
    given = build_parser().parse_args(arguments)
    return outcome(PROGRAM, lambda: given.action(given))


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
        "on them, export the network, prove what its tiles give, map a scene with it.",
        epilog=f"'{PROGRAM} ACTION --help' explains the options of an action. Exit "
        "codes: 0 done, 1 error, 2 wrong command line, 130 interrupted by Ctrl-C, 143 "
        "by SIGTERM, 129 by SIGHUP. An interrupted training keeps its best epoch.",
    )
    subparsers = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    for name, action, add_options, summary in (
        ("patches", actions.patches, options.add_patches, "cut patches from rasters"),
        ("train", training.train, options.add_train, "train a network on patches"),
        (
            "export",
            actions.export,
            options.add_export,
            "write a trained network as SavedModel or ONNX file",
        ),
        (
            "analyse",
            proofs.analyse,
            options.add_analyse,
            "print which part of a network's outputs is valid",
        ),
        (
            "certify",
            proofs.certify,
            options.add_certify,
            "prove by experiment that tiles give the map of the whole image",
        ),
        (
            "map",
            mapping.map_scene,
            map_options.add_map,
            "map a scene with a trained network",
        ),
        (
            "distortion",
            distortions.distortion,
            options.add_distortion,
            "measure what tiles do to a network's output, or to a map",
        ),
        (
            "doctor",
            teaching.doctor,
            options.add_doctor,
            "check whether a course can be held on this machine",
        ),
        (
            "feedback",
            teaching.feedback,
            options.add_feedback,
            "sum up which sections were clear to learners",
        ),
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
