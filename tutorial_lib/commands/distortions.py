"""The action `distortion`: what tiling costs in accuracy, of a network or of a map."""

from argparse import Namespace
from pathlib import Path

import tutorial_lib as tl
from tutorial_lib.commands.given import check_output, flag, given, sources_of

# Options that go with --model, and those that go with --map.
OF_NETWORKS = (
    *("source", "bands", "source_nodata", "scaled", "output", "crops"),
    *("chunk", "count", "seed", "path", "plot"),
)
OF_MAPS = ("tile", "stride", "against")

# What `DistortionCurve.plot` can be written as. Checked before the measurement.
IMAGES = (".png", ".jpg", ".pdf", ".svg")

__all__ = ["distortion"]


def distortion(options: Namespace) -> None:
    """Print the errors of chunks for each crop, or how much the tiles of a map show."""
    of_network = "model" in options
    others = OF_MAPS if of_network else OF_NETWORKS
    for name in given(options, *others):
        word = flag("out" if name == "path" else name)
        options.usage_error(f"{word} goes with --{'map' if of_network else 'model'}")
    if of_network:
        _print_curve(options)
    else:
        _print_distances(options)


def _print_curve(options: Namespace) -> None:
    from tutorial_lib.rasters.files import write_text

    for name in ("source", "output", "crops"):
        if name not in options:
            options.usage_error(f"--model needs {flag(name)}")
    _check_endings(options)
    inputs = [options.model, *(path for _, path in options.source)]
    for path in given(options, "path", "plot").values():
        check_output(path, inputs)
    curve = tl.distortion_curve(
        options.model,
        sources_of(options),
        **given(options, "output", "crops", "chunk", "count", "seed"),
    )
    print(curve)
    if "path" in options:
        write_text(options.path, curve.table().to_csv())
        print(f"'{options.path}' is written.")
    if "plot" in options:
        curve.plot().savefig(options.plot)
        print(f"'{options.plot}' is written.")


def _check_endings(options: Namespace) -> None:
    for name, endings in (("path", (".csv",)), ("plot", IMAGES)):
        path = given(options, name).get(name)
        if path is not None and Path(path).suffix.lower() not in endings:
            word, wanted = flag("out" if name == "path" else name), ", ".join(endings)
            options.usage_error(f"{word}: '{path}' does not end in {wanted}")


def _print_distances(options: Namespace) -> None:
    if not given(options, "tile", "against"):
        options.usage_error("--map needs --tile or --against, or both")
    if "stride" in options and "tile" not in options:
        options.usage_error("--stride needs --tile")
    if "tile" in options:
        score = tl.seam_score(options.map, **given(options, "tile", "stride"))
        print(
            f"Seam score {score:.3g} for tiles of {options.tile} px; about 1 where no "
            "seams show."
        )
    if "against" in options:
        print(tl.rmse(options.map, options.against))
