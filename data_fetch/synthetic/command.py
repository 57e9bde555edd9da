"""The command `python -m data_fetch synthetic`."""

import argparse

from data_fetch.options import add_result
from data_fetch.synthetic.files import (
    OFFSET,
    PURITY,
    SEED,
    SHAPE,
    fetch_synthetic,
)

__all__ = ["add_synthetic"]


def add_synthetic(commands: argparse._SubParsersAction) -> None:
    """Add `synthetic` to the commands of `python -m data_fetch`."""
    synthetic = commands.add_parser(
        "synthetic",
        help="generate a scene of any size, for tests of scale",
        description="Generate a scene that looks like Sentinel-2, with labels of the "
        "tutorial's six classes. The same options give the same scene.",
    )
    synthetic.add_argument(
        "--size",
        type=int,
        nargs="+",
        default=SHAPE,
        metavar="PIXELS",
        help="one number for a square, or height and width with a space between them; "
        f"in pixels of 10 m, even (default: {SHAPE[0]} {SHAPE[1]}; a whole tile of "
        "Sentinel-2 is 10980)",
    )
    synthetic.add_argument(
        "--seed",
        type=int,
        default=SEED,
        help=f"another number gives another landscape (default: {SEED})",
    )
    synthetic.add_argument(
        "--purity",
        type=float,
        default=PURITY,
        help="how alike the objects of a class are; larger numbers make the classes "
        f"easier to tell apart (default: {PURITY}, as hard as reality)",
    )
    synthetic.add_argument(
        "--offset",
        action="store_true",
        help=f"add {OFFSET} to all values, as files of level 2A have it since "
        "processing baseline 4",
    )
    add_result(synthetic, "synthetic", "synthetic")
    synthetic.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    shape = tuple(options.size)
    if len(shape) > 2:
        raise ValueError(
            f"`--size` has {len(shape)} numbers. Give one for a square scene, or "
            "height and width."
        )
    if min(shape) < 2 or any(side % 2 for side in shape):
        raise ValueError(
            f"`--size` is {' '.join(map(str, shape))}, and a pixel of 20 m covers "
            "2 x 2 pixels of 10 m. Give even numbers from 96 on."
        )
    folder = fetch_synthetic(
        options.folder,
        shape=shape if len(shape) == 2 else shape * 2,
        name=options.name,
        seed=options.seed,
        purity=options.purity,
        offset=options.offset,
        replace=options.replace,
    )
    print(f"The synthetic scene is ready in '{folder}'.")
