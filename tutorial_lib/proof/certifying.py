"""Proof by numbers that a tiled map equals the whole one.

`analyse` works margins out from the layers; `certify` measures them on the real
weights, of any model, also of one whose layers nobody can see.
"""

from typing import Any

import numpy as np

from tutorial_lib.fields.analysis import FieldAnalysis
from tutorial_lib.fields.checks import check_output
from tutorial_lib.fields.layer_rules import UnknownLayerError
from tutorial_lib.networks.predictors import Predictor, as_predictor
from tutorial_lib.notices import warn
from tutorial_lib.proof.certificate import Certificate
from tutorial_lib.proof.comparison import Difference, compare_tiles
from tutorial_lib.proof.experiments import (
    LARGEST_CHUNK,
    measure_layout,
    measure_margins,
)
from tutorial_lib.proof.probe import (
    COLS,
    LEVELS,
    ROWS,
    Inputs,
    Layout,
    Margins,
    Probe,
    make_probe,
)

# A chunk this long shows what layers take away, without being computed.
LONG_CHUNK = 4096

__all__ = ["certify"]


def certify(
    model: Any,
    output: str,
    *,
    tile: int,
    inputs: Inputs | None = None,
    seed: int = 0,
) -> Certificate:
    """Measure how far an output can be trusted, and prove that its tiles fit.

    Chunks are kept and everything around them is replaced by noise, several times and
    at several amplitudes: what changes in any bit depends on the surroundings. Then an
    image is computed tile by tile and as a whole. What dead units hide is not found:
    margins measured may be smaller than those analysed, and never larger. Certify
    probabilities, and the labels made of them are covered: labels alone show only what
    changes a class.

    Args:
        model: A Keras model, a `.keras` file, a SavedModel folder or a function from
            {input name: (batch, height, width, channel)} to {output name: the same}.
        output: Name of the output.
        tile: Side of a tile in output pixels.
        inputs: {input name: (channels, pixels per reference pixel, largest value)}, the
            reference first; 1/4 for a source of 6 m with a reference of 1.5 m. Needed
            for functions, and for SavedModels with several inputs; else values go up
            to 10 000.
        seed: Another seed, other images.

    Returns:
        What was measured.

    Raises:
        ValueError: If the output is unknown, `inputs` are missing or do not fit, the
            tile is no multiple of the total stride, the output never changes, or the
            model gives two results for one image.

    Example:
        >>> from tutorial_lib import architectures
        >>> network = architectures.pan_xs_unet(4, crops=())
        >>> certificate = certify(network, "estimated", tile=16)
        >>> certificate.exact, certificate.margins, certificate.total_stride
        (True, (31, 31, 16, 16), {'input_p': 16, 'input_xs': 4})
    """
    predictor = as_predictor(model)
    check_output(output, predictor.outputs)
    analysis = _analysed(predictor)
    spacing = analysis.spacing if analysis else None
    probe = make_probe(predictor, output, inputs=inputs, spacing=spacing)
    rng = np.random.default_rng(seed)
    if analysis:
        analysed = analysis.margins[output]
        layout, reached = _analysed_layout(analysis, output), _reached(analysed)
    else:
        analysed, (layout, reached) = None, measure_layout(probe, rng)
    _check_tile(tile, layout, output)
    margins, trials = measure_margins(
        probe,
        layout,
        rng,
        expected=reached or 0,
        # Where it is known that all is reached, one look is enough.
        largest=0 if reached is None else LARGEST_CHUNK,
    )
    margins = None if reached is None else margins
    found = compare_tiles(probe, layout, tile, margins or (0, 0, 0, 0), rng)
    certificate = Certificate(
        **_measured(probe, layout, margins, found),
        tile=int(tile),
        analysed_margins=analysed,
        trials=trials,
        seed=seed,
        weights=predictor.digest,
    )
    _warn_if_unsound(certificate)
    return certificate


def _reached(margins: Margins | None) -> int | None:
    """Pixels that surroundings reach, both sides together."""
    if margins is None:
        return None
    left, top, right, bottom = margins
    return max(left + right, top + bottom)


def _measured(
    probe: Probe, layout: Layout, margins: Margins | None, found: Difference
) -> dict[str, Any]:
    """The part of a certificate that was measured."""
    clean = margins is not None
    return {
        "output": probe.output,
        "exact": clean and found.equal,
        "bitwise": clean and found.bitwise,
        "max_difference": found.largest,
        "value_range": found.value_range,
        "margins": margins,
        "total_stride": {n: int(layout.stride / s) for n, s in probe.spacing.items()},
        "scale": layout.scale,
        "lost": layout.lost,
        "spacing": dict(probe.spacing),
        "amplitudes": {
            name: tuple(level * most for level in LEVELS)
            for name, most in probe.maxima.items()
        },
    }


def _warn_if_unsound(certificate: Certificate) -> None:
    if not certificate.sound:
        warn(
            f"`analyse` is wrong about this model: it says margins of "
            f"{certificate.analysed_margins} for '{certificate.output}', and "
            f"{certificate.margins} were measured. Do not trust its maps; correct the "
            "rule of the layer that is to blame (`tl.register_rule`)."
        )


def _analysed(predictor: Predictor) -> FieldAnalysis | None:
    """The analysis of a model; None if its layers cannot be seen, or one is unknown."""
    try:
        return predictor.analysis and predictor.analysis()
    except (TypeError, UnknownLayerError):
        return None


def _analysed_layout(analysis: FieldAnalysis, output: str) -> Layout:
    size, scale = analysis.stride * LONG_CHUNK, analysis.scale[output]
    number = analysis.outputs[output]
    lost = tuple(
        int(size / scale) - analysis.spans(size, axis)[number].size
        for axis in (ROWS, COLS)
    )
    return Layout(analysis.stride, scale, lost)


def _check_tile(tile: int, layout: Layout, output: str) -> None:
    period = layout.period
    if isinstance(tile, int | np.integer) and tile > 0 and tile % period == 0:
        return
    below = int(tile // period * period)
    legal = f"{below} or {below + period}" if below > 0 else f"{period}"
    raise ValueError(
        f"A tile of {tile} px is not a multiple of {period} px, the total stride in "
        f"pixels of '{output}'. Use {legal}."
    )
