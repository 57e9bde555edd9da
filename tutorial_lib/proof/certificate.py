"""A certificate: the record of what `certify` measured of a model.

It goes into a map's metadata, and replaces the analysis of a model whose layers cannot
be seen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction

from tutorial_lib.fields.reach import NetworkReach, Reach
from tutorial_lib.networks.predictors import Predictor
from tutorial_lib.proof.probe import Margins

__all__ = ["Certificate"]


@dataclass(frozen=True)
class Certificate:
    """What `certify` measured. Margins are (left, top, right, bottom).

    Attributes:
        output: Name of the output.
        tile: Side of the tiles in output pixels.
        exact: Whether the tiled map equals the whole map, apart from the order of sums
            (1e-5 of the range of values).
        bitwise: Whether it does in every bit, if chunks are computed one at a time.
        max_difference: Largest difference of the two maps, in the image where it is the
            largest share of the range.
        value_range: Largest minus smallest value of the whole map in that image.
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
        weights: SHA-256 of a Keras model's weights, or of a SavedModel's files; None
            for a function.

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
        """A conservative reach of the output, built from the measured margins.

        Raises:
            ValueError: If the tiled map was not exact.
        """
        if not self.exact:
            raise ValueError(
                f"The certificate says that no tiled map of '{self.output}' is exact "
                f"({self._margins_text()}; tiled and whole map differ by up to "
                f"{self.max_difference:.2g}). Declare the fields to map it anyway."
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

    def check_model(self, model: Predictor, outputs: Sequence[str]) -> None:
        """Raise ValueError unless this model and this output were certified.

        Args:
            model: The model; `as_predictor` makes it of anything.
            outputs: Names of the outputs that are mapped.

        Raises:
            ValueError: If the weights of the model are not those that were certified,
                or another output is mapped.
        """
        if set(outputs) != {self.output}:
            raise ValueError(
                f"The certificate is for '{self.output}', and {list(outputs)} are "
                "mapped. Certify the output that is mapped."
            )
        if self.weights not in (None, model.digest):
            raise ValueError(
                "The certificate was made for other weights than this model has, or "
                "for the same weights in another form: an export is another model. "
                f"Certify it: `tl.certify(model, '{self.output}', tile={self.tile})`."
            )

    def to_json(self) -> str:
        """The certificate as JSON; a fraction is written as "1/4"."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "Certificate":
        """The certificate that `to_json` wrote.

        Raises:
            ValueError: If the text is not a certificate.
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
                f"The text is not a certificate: {err}. Write it with "
                "`Certificate.to_json`."
            ) from err

    def __repr__(self) -> str:
        return "\n  ".join(
            [
                f"'{self.output}' in tiles of {self.tile} px: {self._verdict()}",
                f"{self._margins_text()}",
                f"total stride {dict(self.total_stride)}, scale {self.scale}, "
                f"{self.lost} px (rows, columns) smaller than chunk / scale",
                f"{self.trials} images with other surroundings, values up to "
                f"{_listed(self.amplitudes)}, seed {self.seed}; weights "
                f"{self.weights[:12] if self.weights else 'unknown'}",
            ]
        )

    def _verdict(self) -> str:
        difference = (
            f"tiled and whole map differ by at most {self.max_difference:.2g}, values "
            f"range over {self.value_range:.2g}"
        )
        if not self.exact:
            return f"NOT exact, {difference}"
        if self.bitwise:
            return "exact, tiled and whole map are equal in every bit"
        return f"exact up to the order of sums, {difference}"

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


def _listed(amplitudes: Mapping[str, tuple[float, ...]]) -> str:
    texts = dict.fromkeys(
        ", ".join(f"{level:g}" for level in levels) for levels in amplitudes.values()
    )
    return " / ".join(texts)
