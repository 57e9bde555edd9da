"""Whether what was declared fits the network: names, channels, fields; and what would.

The network is asked with arrays of zeros, so that any kind of model can be: a network
gives `expression_field` pixels for one receptive field, and twice that for two blocks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from numbers import Integral
from typing import Any

import numpy as np

from tutorial_lib.inference.engine import Job
from tutorial_lib.networks.predictors import OutputError, Predictor
from tutorial_lib.notices import error_line
from tutorial_lib.rasters import PathLike, Source

__all__ = [
    "ExpressionFieldError",
    "FieldValueError",
    "Fit",
    "InputSizeError",
    "check_channels",
    "check_chunk",
    "check_fit",
    "check_outputs",
    "fields_are_given",
    "name_sources",
]


class FieldValueError(ValueError):
    """A declared field is not a positive whole number of pixels.

    Attributes:
        value: What was declared.
    """

    def __init__(self, message: str, value: Any) -> None:
        super().__init__(message)
        self.value = value


class InputSizeError(ValueError):
    """The network raises an error for inputs of some size.

    Attributes:
        sides: Side of each input in its own pixels, by name.
    """

    def __init__(self, message: str, sides: Mapping[str, int]) -> None:
        super().__init__(message)
        self.sides = dict(sides)


class ExpressionFieldError(ValueError):
    """One receptive field does not give the declared expression field.

    Attributes:
        given: Side of the network's output, in pixels.
        declared: The expression field.
    """

    def __init__(self, message: str, given: int, declared: int) -> None:
        super().__init__(message)
        self.given, self.declared = given, declared


@dataclass(frozen=True)
class Fit:
    """What an output is made of.

    Attributes:
        channels: Its number of channels.
        dtype: Its type.
        class_count: Number of classes of the network, None when unknown.
    """

    channels: int
    dtype: np.dtype
    class_count: int | None

    @property
    def is_labels(self) -> bool:
        """One channel of an integer type: class numbers."""
        return self.channels == 1 and np.issubdtype(self.dtype, np.integer)


def name_sources(
    sources: Mapping[str, Source | PathLike] | Source | PathLike, predictor: Predictor
) -> dict[str, Source]:
    """The sources by input name; a single one takes the name of the only input.

    Raises:
        ValueError: If the names are not those of the model's inputs.
    """
    inputs = list(predictor.channels)
    if not isinstance(sources, Mapping):
        if len(inputs) > 1:
            raise ValueError(
                f"The model has {len(inputs)} inputs, {inputs}. Give a source for each "
                "of them: `{name: source, …}`, the reference first."
            )
        sources = {inputs[0] if inputs else "input": sources}
    if inputs and set(sources) != set(inputs):
        raise ValueError(
            f"The sources are named {list(sources)}, the inputs of the model {inputs}. "
            "Use the names of the inputs."
        )
    return {name: Source.of(source) for name, source in sources.items()}


def check_outputs(outputs: Sequence[str], predictor: Predictor) -> None:
    """Refuse outputs that the model does not have.

    Raises:
        ValueError: With the outputs that there are.
    """
    if not outputs:
        known = ", ".join(sorted(predictor.outputs)) or "any that the function gives"
        raise ValueError(f"`output` names no output. Choose from: {known}.")
    for name in outputs:
        if predictor.outputs and name not in predictor.outputs:
            raise ValueError(
                f"The model has no output '{name}'. It has: "
                f"{', '.join(sorted(predictor.outputs))}."
            )


def check_channels(channels: Mapping[str, int], predictor: Predictor) -> None:
    """Refuse sources whose number of bands is not what the model takes.

    Raises:
        ValueError: With both numbers.
    """
    for name, count in channels.items():
        wanted = predictor.channels.get(name)
        if wanted is not None and count != wanted:
            raise ValueError(
                f"Source '{name}' has {count} bands and the model takes {wanted}. "
                "Choose them with `Source(…, bands=[…])`."
            )


def fields_are_given(
    sources: Mapping[str, Source],
    expression_field: int | None,
    scale_factor: float | None,
) -> bool:
    """Whether fields are declared; they are for all sources, or for none.

    Raises:
        ValueError: With the first source that lacks one, or has an impossible one.
    """
    fields = [source.receptive_field for source in sources.values()]
    if (*fields, expression_field, scale_factor) == (None,) * (len(fields) + 2):
        return False
    for name, field in zip(sources, fields, strict=True):
        if field is None:
            raise ValueError(
                f"Source '{name}' has no receptive field, and other fields are given. "
                "Declare the pixels that the network reads of it, `Source(…, "
                "receptive_field=16)`, or none of the fields: then they are worked out."
            )
        if not isinstance(field, Integral) or field < 1:
            raise FieldValueError(
                f"The receptive field of source '{name}' is {field!r}. Declare a whole "
                "number of pixels from 1 on.",
                field,
            )
    return True


def check_chunk(job: Job, channels: Mapping[str, int]) -> dict[str, Fit]:
    """Refuse derived fields that the network does not obey; as `check_fit`."""
    side = max(job.rows.around, job.cols.around) + job.rows.reach.stride
    inputs = {
        name: np.zeros((1, *[int(side / axis.spacing)] * 2, channels[name]), "float32")
        for name, axis in zip(job.names, job.rows.axes, strict=True)
    }
    try:
        given = job.predictor(inputs, job.predictor.outputs or job.outputs)
    except OutputError:
        raise
    # Any exception: the model may be anybody's.
    except Exception as err:
        sides = {name: array.shape[1] for name, array in inputs.items()}
        raise InputSizeError(
            f"The network refuses inputs of {sides} px: {error_line(err)}. If it "
            "takes images of one size only, declare that size, `Source(…, "
            "receptive_field=…)`, and use `mode='patch_based'`.",
            sides,
        ) from err
    due = job.rows.reach.size(side), job.cols.reach.size(side)
    for name in job.outputs:
        if given[name].shape[1:3] != due:
            raise ValueError(
                f"For chunks of {side} reference pixels the output '{name}' has "
                f"{given[name].shape[1:3]} px, not {due} as was analysed or certified. "
                "Certify this very model, or declare its fields."
            )
    return _fits(job, given)


def _check_steps(job: Job) -> None:
    """Fully convolutional, a source must move by whole pixels from block to block."""
    axes = zip(job.names * 2, job.rows.axes + job.cols.axes, strict=True)
    for name, axis in axes:
        step = job.rows.step / axis.spacing
        if step.denominator > 1 and not job.patch_based:
            scale = job.rows.scale * step.denominator
            raise ValueError(
                f"From one block to the next, source '{name}' would move by {step} px: "
                "in fully convolutional mode that must be whole pixels. Use "
                f"`scale_factor={scale}`, or `mode='patch_based'`."
            )


def _fits(job: Job, given: Mapping[str, np.ndarray]) -> dict[str, Fit]:
    classes = given["estimated"].shape[-1] if "estimated" in given else None
    return {
        name: Fit(given[name].shape[-1], given[name].dtype, classes)
        for name in job.outputs
    }


def check_fit(job: Job, channels: Mapping[str, int]) -> dict[str, Fit]:
    """Refuse fields that the network does not obey.

    Args:
        job: With the declared fields.
        channels: Bands of each source.

    Returns:
        What each output is made of.

    Raises:
        ValueError: With what the network gives, and what would fit.
    """
    _check_steps(job)
    probe = _Probe(job, channels)
    one = probe.blocks(1)
    side = job.rows.expression
    for name in job.outputs:
        if one[name].shape[1:3] != (side, side):
            message = probe.wrong_expression(name, one)
            raise ExpressionFieldError(message, one[name].shape[1], side)
    if not job.patch_based:
        two = probe.blocks(2)
        for name in job.outputs:
            if two[name].shape[1:3] != (2 * side, 2 * side):
                raise ValueError(probe.wrong_scale(name, two[name].shape[1]))
    return _fits(job, one)


_WRONG_FIELDS = (
    "Declare the receptive fields it was made for; the sources must cover the same "
    "ground, for example 16 px of 10 m and 8 px of 20 m."
)
_TOO_LARGE = (
    "It takes one receptive field and no larger image: use `mode='patch_based'`."
)


class _Probe:
    """Asks a network what it gives for inputs of some size."""

    def __init__(self, job: Job, channels: Mapping[str, int]) -> None:
        self.job, self.channels = job, channels
        self.fields = dict(zip(job.names, job.rows.fields, strict=True))
        # All outputs: one that was not asked for may be the one that fits.
        self.outputs = job.predictor.outputs or job.outputs

    def blocks(self, count: int) -> dict[str, np.ndarray]:
        """Outputs for the chunk of `count` blocks."""
        return self._grown((count - 1) * self.job.rows.step)

    def _grown(self, reference_pixels: Fraction) -> dict[str, np.ndarray]:
        """Outputs for the receptive fields, grown by some reference pixels."""
        axes = zip(self.job.names, self.job.rows.axes, strict=True)
        inputs = {}
        for name, axis in axes:
            side = self.fields[name] + int(reference_pixels / axis.spacing)
            inputs[name] = np.zeros((1, side, side, self.channels[name]), "float32")
        try:
            return self.job.predictor(inputs, self.outputs)
        except OutputError:
            raise
        except KeyError as err:
            raise ValueError(
                f"The function asks for {err}, and the sources are named "
                f"{list(inputs)}. Name them as it does: `{{name: Source(…), …}}`."
            ) from err
        # Any exception: the model may be anybody's function.
        except Exception as err:
            sides = {name: array.shape[1] for name, array in inputs.items()}
            raise InputSizeError(
                f"The network refuses inputs of {sides} px: {error_line(err)}. "
                f"{_TOO_LARGE if reference_pixels else _WRONG_FIELDS}",
                sides,
            ) from err

    def wrong_expression(self, name: str, given: Mapping[str, np.ndarray]) -> str:
        """What to say when one receptive field gives another number of pixels."""
        side, declared = given[name].shape[1], self.job.rows.expression
        text = (
            f"For the receptive fields {self.fields} the output '{name}' has {side}x"
            f"{side} px, not the declared expression field, {declared}. "
        )
        others = [
            other for other, array in given.items() if array.shape[1] == declared > 0
        ]
        cures = [f"`expression_field={side}`"] if side else ["larger receptive fields"]
        cures += [f"the output '{other}', which has {declared}" for other in others[:3]]
        return f"{text}Use {', or '.join(cures)}."

    def wrong_scale(self, name: str, side: int) -> str:
        """What to say when the output does not grow with its inputs as declared."""
        due = 2 * self.job.rows.expression
        return (
            f"Two blocks side by side give {side} px of '{name}' where {due} were due: "
            f"the scale factor is not {self.job.rows.scale}. Use "
            f"`scale_factor={self._measured_scale(name)}`."
        )

    def _measured_scale(self, name: str) -> Fraction | str:
        axes = self.job.rows.axes
        # 240: a multiple of every scale factor that is likely, so that none is missed.
        growth = Fraction(lcm(240, *(axis.spacing.numerator for axis in axes)))
        small, large = (self._grown(g)[name].shape[1] for g in (Fraction(0), growth))
        return growth / (large - small) if large > small else "…"
