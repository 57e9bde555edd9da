"""A certificate: the record of what `certify` measured of a model.

It goes into a map's metadata, and replaces the analysis of a model whose layers cannot
be seen.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from tutorial_lib import arguments
from tutorial_lib.display import wrapped
from tutorial_lib.fields.reach import NetworkReach, Reach
from tutorial_lib.networks.predictors import Predictor, as_predictor
from tutorial_lib.proof.deviations import SHARE_OF_RANGE
from tutorial_lib.proof.probe import Margins, Probe, ProbeInput
from tutorial_lib.proof.repeats import MULTIPLE
from tutorial_lib.proof.samples import Sample, read_sample

__all__ = ["Certificate"]


@dataclass(frozen=True)
class Certificate:
    """What `certify` measured. Margins are (left, top, right, bottom).

    Attributes:
        output: Name of the output.
        tile: Side of the tiles in output pixels.
        exact: Whether the tiled map equals the whole map, apart from the order of sums
            (1e-5 of the range of values; up to 1e-4 where a rounding error of the
            inputs changes the output as much) and the tolerance. Its tiles are cut by
            the larger of the measured and the analysed margins.
        bitwise: Whether it does in every bit, if chunks are computed one at a time.
        max_difference: Largest difference of the two maps in any image.
        value_range: Largest minus smallest value of the whole map, in the image where
            the difference is the largest share of what is allowed.
        margins: Output pixels that depend on the surroundings of a chunk, as measured;
            None if all do.
        analysed_margins: The margins by `analyse`; None where it gives none.
        total_stride: For each source, in its own pixels.
        scale: Output spacing divided by reference spacing.
        lost: Output pixels (rows, columns) by which a chunk's output is smaller than
            chunk / scale.
        spacing: Pixel size of each source, in reference pixels.
        trials: Number of images with other surroundings that were compared.
        amplitudes: Largest values of the images, for each source.
        seed: Seed of the images.
        weights: SHA-256 of a Keras model's weights and settings, or of a SavedModel's
            files; None for a function.
        tolerance: Largest change that was not counted as one, in units of the output; 0
            for a model that repeats its results in every bit.
        sample: What a function gave for one image; None for other models.

    Example:
        >>> from tutorial_lib import certify, testing
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
    # Certificates that older versions wrote have neither.
    tolerance: float = 0.0
    sample: Sample | None = None

    @property
    def sound(self) -> bool:
        """Whether no measured margin is larger than the analysed one."""
        if self.analysed_margins is None:
            return True
        return self.margins is not None and all(
            measured <= analysed
            for measured, analysed in zip(
                self.margins, self.analysed_margins, strict=True
            )
        )

    def reach(self) -> NetworkReach:
        """A conservative reach of the output, built from the margins.

        Where the analysed margins are larger than the measured ones, they count: dead
        units may hide a dependence from a measurement.

        Raises:
            ValueError: If the tiled map was not exact.
        """
        if not self.exact:
            raise ValueError(
                f"The certificate says that no tiled map of '{self.output}' is exact "
                f"({self._margins_text()}; tiled and whole map differ by up to "
                f"{self.max_difference:.2g}). Declare the fields to map it anyway."
            )
        analysed = self.analysed_margins or self.margins
        left, top, right, bottom = map(max, self.margins, analysed)
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

    def check_model(self, model: Any, outputs: str | Sequence[str]) -> None:
        """Raise ValueError unless this model and this output were certified.

        Args:
            model: The model, in any form.
            outputs: Names of the outputs that are mapped.

        Raises:
            ValueError: If the weights of the model are not those that were certified,
                a plain function was certified and this is none, or one that gives
                other values, or another output is mapped.
        """
        model = as_predictor(model)
        outputs = [outputs] if isinstance(outputs, str) else list(outputs)
        if set(outputs) != {self.output}:
            raise ValueError(
                f"The certificate is for '{self.output}', and {outputs} are "
                "mapped. Certify the output that is mapped."
            )
        if self.weights is None and model.digest is not None:
            raise ValueError(
                "The certificate was made for a plain function, and this is a saved "
                "model or one of Keras. Map with that function, or certify the model: "
                f"`tl.certify(model, '{self.output}', tile={self.tile})`."
            )
        if self.weights != model.digest:
            raise ValueError(
                "The certificate was made for other weights than this model has, or "
                "for the same weights in another form: an export is another model. "
                f"Certify it: `tl.certify(model, '{self.output}', tile={self.tile})`."
            )
        if self.sample is not None:
            self._check_sample(model, self.sample)

    def _check_sample(self, model: Predictor, sample: Sample) -> None:
        inputs = {
            name: ProbeInput(sample.channels[name], self.spacing[name], levels[-1])
            for name, levels in self.amplitudes.items()
        }
        probe = Probe(model, self.output, inputs)
        if not sample.fits(probe, self.seed, self.tolerance):
            raise ValueError(
                "The certificate was made for another function: this one gives other "
                f"values of '{self.output}' for the same image. Certify it: "
                f"`tl.certify(function, '{self.output}', tile={self.tile}, inputs=…)`."
            )

    def to_json(self) -> str:
        """The certificate as JSON; a fraction is written as "1/4"."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "Certificate":
        """The certificate that `to_json` wrote.

        Raises:
            TypeError: If it is not a text.
            ValueError: If the text is not a certificate.
        """
        arguments.text("text", text)
        try:
            values = json.loads(text)
            read = {key: _READ[key](key, value) for key, value in values.items()}
            _check_names(read)
            return cls(**read)
        # KeyError, AttributeError: other entries, or none; ArithmeticError: "1/0".
        except (
            ArithmeticError,
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
        ) as err:
            raise ValueError(
                f"The text is not a certificate: {err}. Write it with "
                "`Certificate.to_json`."
            ) from err

    def __repr__(self) -> str:
        lines = "\n  ".join(
            [
                f"'{self.output}' in tiles of {self.tile} px: {self._verdict()}",
                *self._tolerance_text(),
                f"{self._margins_text()}",
                f"total stride {dict(self.total_stride)}, scale {self.scale}; "
                f"{self._size_text()}",
                f"{self.trials} images with other surroundings, values up to "
                f"{_listed(self.amplitudes)}, seed {self.seed}; weights "
                f"{self.weights[:12] if self.weights else 'unknown'}",
            ]
        )
        return wrapped(lines, indent="    ")

    def _size_text(self) -> str:
        chunk = "the chunk" if self.scale == 1 else "the chunk divided by the scale"
        if self.lost == (0, 0):
            return f"the output is as large as {chunk}"
        return f"the output is {self.lost} px (rows, columns) smaller than {chunk}"

    def _verdict(self) -> str:
        difference = (
            f"tiled and whole map differ by at most {self.max_difference:.2g}, values "
            f"range over {self.value_range:.2g}"
        )
        if not self.exact:
            return f"NOT exact, {difference}"
        if self.bitwise:
            return "exact, tiled and whole map are equal in every bit"
        if self.tolerance:
            return f"exact within the tolerance, {difference}"
        if self.max_difference > SHARE_OF_RANGE * self.value_range:
            return (
                f"exact up to rounding, {difference}; a rounding error of the inputs "
                "changes the output as much"
            )
        return f"exact up to the order of sums, {difference}"

    def _tolerance_text(self) -> list[str]:
        if not self.tolerance:
            return []
        return [
            "the model repeats its results only within "
            f"{self.tolerance / MULTIPLE:.2g}: changes below {self.tolerance:.2g} were "
            "not counted"
        ]

    def _margins_text(self) -> str:
        if self.margins is None:
            return "no clean pixels: the surroundings reach all of a chunk"
        text = f"margins (left, top, right, bottom) {self.margins} measured"
        if self.analysed_margins is None:
            return f"{text}, not analysed"
        if not self.sound:
            return f"{text}, LARGER THAN the {self.analysed_margins} analysed"
        same = self.margins == self.analysed_margins
        return f"{text}, {'and' if same else self.analysed_margins} analysed"


def _check_names(values: Mapping[str, Any]) -> None:
    """Raise ValueError if a sample has other inputs than the certificate."""
    sample, amplitudes = values.get("sample"), values["amplitudes"]
    if sample is not None and sample.channels.keys() != amplitudes.keys():
        raise ValueError(f"`sample` has the inputs {list(sample.channels)}")


def _margins(name: str, value: Any) -> Margins | None:
    if value is None:
        return None
    numbers = arguments.whole_numbers(name, value, least=0)
    if len(numbers) != 4:
        raise ValueError(f"`{name}` is {value}. Give four numbers")
    return numbers


def _pair(name: str, value: Any) -> tuple[int, int]:
    rows, cols = arguments.whole_numbers(name, value)
    return rows, cols


def _size(name: str, value: Any) -> Fraction:
    size = Fraction(arguments.text(name, value))
    if size <= 0:
        raise ValueError(f"`{name}` is {value}. Give a number above 0")
    return size


def _number(name: str, value: Any) -> float:
    return arguments.number(name, value, least=0, finite=False)


def _whole(name: str, value: Any) -> int:
    return arguments.whole_number(name, value, least=0)


def _by_name(read: Callable[[str, Any], Any]) -> Callable[[str, Any], dict[str, Any]]:
    def read_all(name: str, value: Any) -> dict[str, Any]:
        named = arguments.mapping(name, value, '{"input": …}')
        return {key: read(name, one) for key, one in named.items()}

    return read_all


def _levels(name: str, value: Any) -> tuple[float, ...]:
    listed = arguments.sequence(name, value, "numbers")
    return tuple(_number(name, level) for level in listed)


# How each entry of a certificate is read from JSON.
_READ: dict[str, Callable[[str, Any], Any]] = {
    "output": arguments.text,
    "tile": _whole,
    "exact": arguments.flag,
    "bitwise": arguments.flag,
    "max_difference": _number,
    "value_range": _number,
    "margins": _margins,
    "analysed_margins": _margins,
    "total_stride": _by_name(partial(arguments.whole_number, least=1)),
    "scale": _size,
    "lost": _pair,
    "spacing": _by_name(_size),
    "trials": _whole,
    "amplitudes": _by_name(_levels),
    "seed": _whole,
    "weights": lambda name, value: value and arguments.text(name, value),
    "tolerance": _number,
    "sample": read_sample,
}


def _listed(amplitudes: Mapping[str, tuple[float, ...]]) -> str:
    texts = dict.fromkeys(
        ", ".join(f"{level:g}" for level in levels) for levels in amplitudes.values()
    )
    return " / ".join(texts)
