"""Proof by numbers that a tiled map equals the whole one.

`analyse` works margins out from the layers; `certify` measures them on the real
weights, of any model, also of one whose layers nobody can see.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tutorial_lib.experiments import LARGEST_CHUNK, measure_layout, measure_margins
from tutorial_lib.fields import FieldAnalysis, analyse
from tutorial_lib.layer_rules import UnknownLayerError
from tutorial_lib.notices import warn
from tutorial_lib.predictors import Predictor, as_predictor
from tutorial_lib.probes import (
    COLS,
    LEVELS,
    ROWS,
    Inputs,
    Layout,
    Margins,
    Probe,
    make_probe,
)
from tutorial_lib.reaches import NetworkReach, Reach
from tutorial_lib.saving import folder_hash, read_model
from tutorial_lib.tile_comparison import Difference, compare_tiles

# A chunk this long shows what layers take away, without being computed.
LONG_CHUNK = 4096

__all__ = ["Certificate", "certify", "weights_digest"]


@dataclass(frozen=True)
class Certificate:
    """What `certify` measured. Margins are (left, top, right, bottom).

    Attributes:
        output: Name of the output.
        tile: Side of the tiles in output pixels.
        exact: The tiled map equals the whole one, up to the order of sums (1e-5 of the
            range of values).
        bitwise: It does in every bit, chunks being computed one at a time.
        max_difference: Largest difference of the two, in the image where it is the
            largest share of the range.
        value_range: Largest minus smallest value of the whole map in that image.
        margins: Output pixels that the surroundings of a chunk reach, measured; None
            if they reach all.
        analysed_margins: What `analyse` says, None if it cannot.
        total_stride: For each source, in its own pixels.
        scale: Output spacing divided by reference spacing.
        lost: Output pixels (rows, columns) by which a chunk's output is smaller than
            the chunk.
        spacing: Pixel size of each source, in reference pixels.
        trials: Number of images with other surroundings that were compared.
        amplitudes: Largest values of the images, for each source.
        seed: What the images were made from.
        weights: SHA-256 of a Keras model's weights, or of a SavedModel's files; None
            for a function.

    Example:
        >>> from tutorial_lib import testing
        >>> network = testing.BlockMean({"input": 16})
        >>> certificate = certify(
        ...     network, "estimated", tile=32, inputs={"input": (2, 1, 255)}
        ... )
        >>> certificate.exact, certificate.margins, certificate.lost
        (True, (0, 0, 0, 0), (15, 15))
        >>> Certificate.from_json(certificate.to_json()) == certificate
        True
    """

    output: str
    tile: int
    exact: bool
    bitwise: bool
    max_difference: float
    value_range: float
    margins: Margins | None
    analysed_margins: Margins | None
    total_stride: Mapping[str, int]
    scale: Fraction
    lost: tuple[int, int]
    spacing: Mapping[str, Fraction]
    trials: int
    amplitudes: Mapping[str, tuple[float, ...]]
    seed: int
    weights: str | None

    @property
    def sound(self) -> bool:
        """Whether nothing was measured beyond the margins that `analyse` gives."""
        return not _beyond(self.margins, self.analysed_margins)

    def reach(self) -> NetworkReach:
        """What `plan_inference` needs to know of a model that nobody can see into.

        Raises:
            ValueError: If the certificate says that no tiled map is exact.
        """
        if not self.exact:
            raise ValueError(
                f"The certificate says that no map of '{self.output}' in tiles is "
                f"exact: {self._margins_text()}, tiled and whole differ by up to "
                f"{self.max_difference:.2g}. Declare the fields and accept it."
            )
        left, top, right, bottom = self.margins
        reference = next(iter(self.spacing))
        pair = tuple(
            Reach.of_margins(
                ends,
                scale=self.scale,
                stride=self.total_stride[reference],
                lost=lost,
                spacing=self.spacing,
            )
            for ends, lost in zip(
                ((top, bottom), (left, right)), self.lost, strict=True
            )
        )
        return NetworkReach({self.output: pair}, (), None)

    def check_model(self, model: Any, outputs: Sequence[str]) -> None:
        """Refuse a model, or an output, that was not certified.

        Raises:
            ValueError: If its weights are others, or no such output is mapped.
        """
        if set(outputs) != {self.output}:
            raise ValueError(
                f"The certificate is for '{self.output}', and {list(outputs)} are "
                "mapped. Certify what is mapped."
            )
        if self.weights not in (None, weights_digest(_loaded(model))):
            raise ValueError(
                "The certificate was made for other weights than this model has, or "
                "for the same in another form (an export is another model). "
                f"Certify it: `tl.certify(model, '{self.output}', tile={self.tile})`."
            )

    def to_json(self) -> str:
        """The certificate as text; fractions become "1/4"."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "Certificate":
        """The certificate that `to_json` wrote.

        Raises:
            ValueError: If the text is none.
        """
        try:
            values = json.loads(text)
            for key in ("margins", "analysed_margins", "lost"):
                values[key] = None if values[key] is None else tuple(values[key])
            values["scale"] = Fraction(values["scale"])
            values["spacing"] = {k: Fraction(v) for k, v in values["spacing"].items()}
            values["amplitudes"] = {
                name: tuple(levels) for name, levels in values["amplitudes"].items()
            }
            return cls(**values)
        except (AttributeError, KeyError, TypeError, ValueError) as err:
            raise ValueError(
                f"The text is no certificate: {err}. Write it with "
                "`Certificate.to_json`."
            ) from err

    def __repr__(self) -> str:
        return "\n  ".join(
            [
                f"'{self.output}' in tiles of {self.tile} px: {self._verdict()}",
                f"{self._margins_text()}",
                f"total stride {dict(self.total_stride)}, scale {self.scale}, "
                f"{self.lost} px (rows, columns) lost",
                f"{self.trials} images with other surroundings, values up to "
                f"{_listed(self.amplitudes)}, seed {self.seed}; weights "
                f"{self.weights[:12] if self.weights else 'unknown'}",
            ]
        )

    def _verdict(self) -> str:
        difference = (
            f"{self.max_difference:.2g} apart at most, values range over "
            f"{self.value_range:.2g}"
        )
        if not self.exact:
            return f"NOT exact, tiled and whole are {difference}"
        if self.bitwise:
            return "exact, tiled and whole are equal in every bit"
        return f"exact up to the order of sums, {difference}"

    def _margins_text(self) -> str:
        if self.margins is None:
            return "nothing clean: surroundings reach all of a chunk"
        text = f"margins (left, top, right, bottom) {self.margins} measured"
        if self.analysed_margins is None:
            return f"{text}, not analysed"
        if not self.sound:
            return f"{text}, MORE THAN the {self.analysed_margins} analysed"
        same = self.margins == self.analysed_margins
        return f"{text}, {'and' if same else self.analysed_margins} analysed"


def _beyond(measured: Margins | None, analysed: Margins | None) -> bool:
    if analysed is None:
        return False
    return measured is None or any(
        m > a for m, a in zip(measured, analysed, strict=True)
    )


def _listed(amplitudes: Mapping[str, tuple[float, ...]]) -> str:
    texts = dict.fromkeys(
        ", ".join(f"{level:g}" for level in levels) for levels in amplitudes.values()
    )
    return " / ".join(texts)


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
    model = _loaded(model)
    predictor = as_predictor(model)
    _check_output(predictor, output)
    analysis = _analysed(model, predictor)
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
        weights=weights_digest(model),
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


def _loaded(model: Any) -> Any:
    """The model, read if it is a `.keras` file: it can be analysed then."""
    if isinstance(model, str | os.PathLike):
        return read_model(model) if Path(model).suffix == ".keras" else Path(model)
    return model


def _check_output(predictor: Predictor, output: str) -> None:
    if predictor.outputs and output not in predictor.outputs:
        raise ValueError(
            f"The model has no output '{output}'. Choose from: "
            f"{', '.join(sorted(predictor.outputs))}."
        )


def _analysed(model: Any, predictor: Predictor) -> FieldAnalysis | None:
    """The analysis of a model whose layers are known; of others None."""
    if not isinstance(model, keras.Model):
        return None
    try:
        analysis = analyse(model)
    except (TypeError, UnknownLayerError):
        return None
    same = set(analysis.inputs) == set(predictor.channels)
    return analysis if same else None


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


def weights_digest(model: Any) -> str | None:
    """SHA-256 of what a model has learnt, in hexadecimal digits.

    Args:
        model: A Keras model, a SavedModel folder, or a function.

    Returns:
        Of a Keras model that of shapes, types and values of its weights in their order;
        of a folder that of its files' names and contents, without what others have put
        there; None of a function.

    Example:
        >>> from tutorial_lib import architectures
        >>> len(weights_digest(architectures.pixelwise_fcnn(6, crops=())))
        64
    """
    if isinstance(model, keras.Model):
        digest = hashlib.sha256()
        for weight in model.weights:
            value = np.ascontiguousarray(weight.numpy())
            digest.update(f"{value.shape}{value.dtype}".encode())
            digest.update(value.tobytes())
        return digest.hexdigest()
    if isinstance(model, Path):
        return folder_hash(model)
    return None
