"""Proof by experiment that a tiled map equals the whole map.

`analyse` works margins out from the layers. `certify` measures them with the real
weights, of any model, also of one whose layers cannot be seen.
"""

from math import ceil, lcm
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.fields.analysis import FieldAnalysis
from tutorial_lib.fields.checks import check_multiple, check_output
from tutorial_lib.fields.graph import UnknownLayerError
from tutorial_lib.fields.memory import layer_bytes
from tutorial_lib.networks.predictors import Predictor, as_predictor
from tutorial_lib.notices import warn
from tutorial_lib.proof.certificate import Certificate
from tutorial_lib.proof.comparison import compare_tiles, images_of_tiles
from tutorial_lib.proof.deviations import Deviation
from tutorial_lib.proof.experiments import (
    SMALLEST_CLEAN,
    Expected,
    images_of_margins,
    measure_margins,
)
from tutorial_lib.proof.layouts import SIDES, layout_of_whole, measure_layout
from tutorial_lib.proof.probe import (
    COLS,
    LESS_WORK,
    LEVELS,
    ROWS,
    Inputs,
    Layout,
    Margins,
    Pair,
    Probe,
    make_probe,
)
from tutorial_lib.proof.samples import Sample
from tutorial_lib.proof.varying import check_repeats, check_varies, small_shape
from tutorial_lib.proof.work import Work

__all__ = ["certify"]


def certify(
    model: Any,
    output: str,
    *,
    tile: int,
    inputs: Inputs | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Certificate:
    """Measure the margins of an output, and prove that tiles give the whole map.

    Chunks are kept and everything around them is replaced by noise, several times and
    at several amplitudes. Pixels that change in any bit depend on the surroundings.
    Then an image is computed tile by tile and as a whole. Dead units may hide a
    dependence: the measured margins may be smaller than the analysed ones, and are
    never larger. Certifying the probabilities also covers the labels computed from
    them; labels alone show only changes of the class. Of a model whose layers cannot be
    seen, pixels that it reads from more than 512 px away may not be noticed.

    An output that is the same for every image, and a model that gives two results for
    one, are found first, with small images. Small differences between two runs, such as
    a GPU may give, become a tolerance that the certificate states.

    Args:
        model: A Keras model, a `.keras` file, an ONNX file, a SavedModel folder, or a
            function from {input name: (batch, height, width, channel)} to {output name:
            the same}.
        output: Name of the output.
        tile: Side of a tile in output pixels, up to 16384.
        inputs: {input name: (channels, pixels per reference pixel, largest value)}, the
            reference first; 1/4 for a source of 6 m with a reference of 1.5 m. Needed
            for functions, and for SavedModels with several inputs. By default values go
            up to 10 000.
        seed: Seed of the images.
        progress: Whether a bar shows how many images are computed and how long they
            take, if it is more than two seconds.

    Returns:
        What was measured.

    Raises:
        MemoryError: If there is not enough memory for an image. What takes more than 4
            GB, or five minutes, is said beforehand in a warning.
        TypeError: If an argument has a wrong type.
        ValueError: If the output is unknown, `inputs` are missing or do not fit, the
            tile is not a multiple of the total stride, the output never changes, or the
            model gives two results for one image.

    Example:
        >>> from tutorial_lib import architectures
        >>> network = architectures.pan_xs_unet(4, crops=())
        >>> certificate = certify(network, "estimated", tile=16)
        >>> certificate.exact, certificate.margins, certificate.total_stride
        (True, (31, 31, 16, 16), {'input_p': 16, 'input_xs': 4})
    """
    arguments.text("output", output)
    tile = arguments.whole_number("tile", tile, most=arguments.LARGEST_CHUNK)
    seed = arguments.whole_number("seed", seed, least=0)
    progress = arguments.flag("progress", progress)
    predictor = as_predictor(model)
    check_output(output, predictor.outputs)
    analysis = _analysed(predictor)
    spacing = analysis.spacing if analysis else None
    memory = layer_bytes(analysis, [output]) if analysis else None
    with Work(progress=progress, cure=LESS_WORK, bytes_per_pixel=memory) as work:
        probe = make_probe(predictor, output, inputs=inputs, spacing=spacing, work=work)
        certificate = _certified(probe, analysis, tile, seed)
    _warn_if_unsound(certificate)
    return certificate


def _certified(
    probe: Probe, analysis: FieldAnalysis | None, tile: int, seed: int
) -> Certificate:
    """Check, measure and compare: what `certify` does with a probe of the model."""
    unit = f"total stride in pixels of '{probe.output}'"
    expected = _expected(analysis, probe, seed) if analysis else None
    # The cheap checks come first: measuring may take minutes.
    if expected:
        check_multiple(tile, expected.layout.period, of="A tile", what=unit)
    small = _checked(probe, expected, seed)
    rng = np.random.default_rng(seed)
    expected = expected or measure_layout(probe, rng)
    layout = expected.layout
    tile = check_multiple(tile, layout.period, of="A tile", what=unit)
    _plan(probe, expected, tile)
    margins, trials = measure_margins(probe, expected, rng)
    # Maps are cut by the margins of the analysis, which dead units do not hide.
    cut = tuple(map(max, margins or (0, 0, 0, 0), expected.margins))
    probe.work.plan("tiles", images_of_tiles(layout, tile, cut))
    found = compare_tiles(probe, layout, tile, cut, rng)
    weights = probe.predictor.digest
    of_function = small is not None and weights is None
    return Certificate(
        **_measured(probe, layout, margins, found),
        tile=tile,
        analysed_margins=analysis.margins[probe.output] if analysis else None,
        trials=trials,
        seed=seed,
        weights=weights,
        sample=Sample.of(probe, small, seed) if of_function else None,
    )


def _checked(probe: Probe, expected: Expected | None, seed: int) -> Pair | None:
    """Check with small images what would make a long measurement useless.

    Returns:
        Shape of the small images; None if the network takes none of them.
    """
    small = small_shape(probe, _small_shapes(probe, expected), seed)
    if small is not None:
        check_repeats(probe, small, seed)
        check_varies(probe, small, seed)
    return small


def _plan(probe: Probe, expected: Expected, tile: int) -> None:
    """Plan all images, and find out with a middle-sized one how long they take."""
    work, layout = probe.work, expected.layout
    noisy = probe.repeats.noise > 0
    work.plan("margins", images_of_margins(expected, noisy=noisy))
    work.plan("tiles", images_of_tiles(layout, tile, expected.margins))
    trial = work.trial()
    if trial is not None:
        shape = tuple(
            max(
                layout.chunk(SMALLEST_CLEAN, axis),
                layout.stride * ceil(side / layout.stride),
            )
            for axis, side in enumerate(trial)
        )
        image = probe.noise(shape, 0, 1, np.random.default_rng(0))
        # The first run may compile the model for this size.
        for _ in range(2):
            probe.run(image)
    work.tell()


def _small_shapes(probe: Probe, expected: Expected | None) -> list[Pair]:
    """Small images that a network may take; one that is analysed takes the first."""
    if expected is None:
        return [(side, side) for side in (lcm(side, probe.unit) for side in SIDES)]
    chunk = expected.layout.chunk
    return [(chunk(SMALLEST_CLEAN, ROWS), chunk(SMALLEST_CLEAN, COLS))]


def _analysed(predictor: Predictor) -> FieldAnalysis | None:
    """The analysis of a model; None if its layers cannot be seen, or one is unknown."""
    try:
        return predictor.analysis and predictor.analysis()
    except (TypeError, UnknownLayerError):
        return None


def _expected(analysis: FieldAnalysis, probe: Probe, seed: int) -> Expected:
    """What is expected of an output, from the analysis."""
    margins, stride = analysis.margins[probe.output], analysis.stride
    if margins is None:
        layout = layout_of_whole(probe, stride, np.random.default_rng(seed))
        return Expected(layout, everywhere=True, analysed=True)
    output = probe.output
    layout = Layout(stride, analysis.scale[output], analysis.lost(output))
    return Expected(layout, margins, analysed=True)


def _measured(
    probe: Probe, layout: Layout, margins: Margins | None, found: Deviation
) -> dict[str, Any]:
    """The entries of a certificate that come from the experiments."""
    # Without margins no tiling is proved, also where this one shows no difference.
    clean = margins is not None
    return {
        "output": probe.output,
        "exact": clean and found.equal,
        # What was seen within a tolerance is not seen in every bit.
        "bitwise": clean and found.bitwise and not probe.repeats.used,
        "tolerance": probe.repeats.used,
        "max_difference": found.largest,
        "value_range": found.value_range,
        "margins": margins,
        "total_stride": {n: int(layout.stride / s) for n, s in probe.spacing.items()},
        "scale": layout.scale,
        "lost": layout.lost,
        "spacing": probe.spacing,
        "amplitudes": {
            name: tuple(level * source.maximum for level in LEVELS)
            for name, source in probe.inputs.items()
        },
    }


def _warn_if_unsound(certificate: Certificate) -> None:
    if not certificate.sound:
        warn(
            f"`analyse` is wrong about this model: it gives margins of "
            f"{certificate.analysed_margins} for '{certificate.output}', and "
            f"{certificate.margins} were measured. Do not trust its maps; correct the "
            "rule of the layer that causes it (`tl.register_rule`)."
        )
