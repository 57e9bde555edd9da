"""Whether a network obeys the fields of a plan: it is run once on arrays of zeros.

So any kind of model can be checked: it gives `expression_field` pixels for one
receptive field, and twice that for two blocks.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

import numpy as np

from tutorial_lib.inference.engine import Job
from tutorial_lib.inference.errors import (
    ExpressionFieldError,
    InputSizeError,
    ScaleFactorError,
)
from tutorial_lib.inference.labels import (
    check_weights,
    related_outputs,
    scores_of,
)
from tutorial_lib.networks.checks import OutputError
from tutorial_lib.notices import error_line

__all__ = ["OutputFormat", "try_declared_fields", "try_derived_fields"]


@dataclass(frozen=True)
class OutputFormat:
    """Channels and type of one output of a network.

    Attributes:
        name: Its name.
        channels: Its number of channels.
        dtype: Its type.
        class_count: Number of classes of the network, None when unknown.
        scores: Of labels, the output that they are the largest value of; None when
            unknown.
    """

    name: str
    channels: int
    dtype: np.dtype
    class_count: int | None
    scores: str | None = None

    @property
    def is_labels(self) -> bool:
        """One channel of an integer type: class numbers."""
        return self.channels == 1 and np.issubdtype(self.dtype, np.integer)


def try_derived_fields(
    job: Job, channels: Mapping[str, int]
) -> tuple[OutputFormat, ...]:
    """Run the network on a small chunk, and compare its size with the derived one.

    Args:
        job: With lattices of derived fields.
        channels: Bands of each source.

    Returns:
        Format of each output.

    Raises:
        InputSizeError: If the network raises an error for such a chunk.
        ValueError: If an output has another size.
    """
    reaches = job.rows.reach, job.cols.reach
    side = max(job.rows.longer, job.cols.longer) + reaches[0].stride
    sides = {n: int(side / axis.spacing) for n, axis in job.rows.axes.items()}
    cure = (
        "If it takes images of one size only, declare that size, `Source(…, "
        "receptive_field=…)`, and use `mode='patch_based'`."
    )
    given = _run(job, sides, channels, cure)
    due = tuple(reach.size(side) for reach in reaches)
    for name in job.outputs:
        if given[name].shape[1:3] != due:
            raise ValueError(
                f"For chunks of {side} reference pixels the output '{name}' has "
                f"{given[name].shape[1:3]} px, not {due} as was analysed or certified. "
                "Certify this very model, or declare its fields."
            )
    return _formats(job, given)


def try_declared_fields(
    job: Job, channels: Mapping[str, int]
) -> tuple[OutputFormat, ...]:
    """Run the network on one block and on two, and compare with the declared fields.

    Args:
        job: With lattices of declared fields.
        channels: Bands of each source.

    Returns:
        Format of each output.

    Raises:
        InputSizeError: If the network raises an error for inputs of these sizes.
        ExpressionFieldError: If one block has another size than declared.
        ScaleFactorError: If two blocks have, or a source would move by part of a pixel.
    """
    if not job.patch_based:
        _check_steps(job)
    one = _run_grown(job, channels, Fraction(0))
    side = job.rows.expression
    for name in job.outputs:
        if one[name].shape[1:3] != (side, side):
            message = _wrong_expression(job, name, one, channels)
            raise ExpressionFieldError(message, one[name].shape[1], side)
    if not job.patch_based:
        two = _run_grown(job, channels, job.rows.step)
        for name in job.outputs:
            if two[name].shape[1:3] != (2 * side, 2 * side):
                raise _scale_error(job, channels, name, two[name].shape[1])
    return _formats(job, one)


def _check_steps(job: Job) -> None:
    """In fully convolutional mode each block moves a source by whole pixels."""
    for lattice in (job.rows, job.cols):
        for name, axis in lattice.axes.items():
            step = lattice.step / axis.spacing
            if step.denominator > 1:
                scale = lattice.scale * step.denominator
                raise ScaleFactorError(
                    f"From one block to the next, source '{name}' would move by {step} "
                    "px: in fully convolutional mode that must be whole pixels. Use "
                    f"`scale_factor={scale}`, or `mode='patch_based'`.",
                    None,
                )


def _run_grown(
    job: Job, channels: Mapping[str, int], growth: Fraction
) -> dict[str, np.ndarray]:
    """Outputs for the receptive fields, grown by some reference pixels."""
    sides = {
        name: job.rows.fields[name] + int(growth / axis.spacing)
        for name, axis in job.rows.axes.items()
    }
    if growth:
        cure = (
            "It takes one receptive field and no larger image: use "
            "`mode='patch_based'`."
        )
    else:
        cure = (
            "Declare the receptive fields that it was made for. The sources must cover "
            "the same ground, for example 16 px of 10 m and 8 px of 20 m."
        )
    return _run(job, sides, channels, cure)


def _run(
    job: Job, sides: Mapping[str, int], channels: Mapping[str, int], cure: str
) -> dict[str, np.ndarray]:
    """Outputs for square inputs of zeros."""
    inputs = {
        name: np.zeros((1, side, side, channels[name]), "float32")
        for name, side in sides.items()
    }
    # Others tell more about those that are asked for, but may need larger images.
    further = related_outputs(job.outputs, job.predictor)
    try:
        if further:
            with suppress(Exception):
                return job.predictor(inputs, (*job.outputs, *further))
        return job.predictor(inputs, job.outputs)
    except OutputError:
        raise
    except KeyError as err:
        raise ValueError(
            f"The function asks for {err}, and the sources are named {list(inputs)}. "
            "Name them as it does: `{name: Source(…), …}`."
        ) from err
    # Any exception: the model may be anybody's function.
    except Exception as err:
        raise InputSizeError(
            f"The network refuses inputs of {dict(sides)} px: {error_line(err)}. "
            f"{cure}",
            sides,
        ) from err


def _formats(job: Job, given: Mapping[str, np.ndarray]) -> tuple[OutputFormat, ...]:
    formats = []
    for name in job.outputs:
        array, hidden, scores = given[name], job.predictor.hidden, None
        is_label = array.shape[-1] == 1 and np.issubdtype(array.dtype, np.integer)
        if is_label or name in hidden:
            scores = scores_of(name, job.predictor, given)
            if is_label and scores in (None, *hidden.values()):
                check_weights(name, job.predictor)
        shown = None if scores in hidden.values() else scores
        classes = given.get(shown or "estimated")
        count = None if classes is None else classes.shape[-1]
        channels, dtype = array.shape[-1], array.dtype
        formats.append(OutputFormat(name, channels, dtype, count, scores))
    return tuple(formats)


def _wrong_expression(
    job: Job, name: str, given: Mapping[str, np.ndarray], channels: Mapping[str, int]
) -> str:
    """The error for a receptive field that gives another number of pixels."""
    side, declared = given[name].shape[1], job.rows.expression
    # One that was not asked for may be the one that fits.
    everything = replace(job, outputs=job.predictor.outputs or job.outputs)
    with suppress(InputSizeError):
        given = _run_grown(everything, channels, Fraction(0))
    others = [other for other, array in given.items() if array.shape[1] == declared]
    cures = [f"`expression_field={side}`"] if side else ["larger receptive fields"]
    cures += [f"the output '{other}', which has {declared}" for other in others[:3]]
    return (
        f"For the receptive fields {dict(job.rows.fields)} the output '{name}' has "
        f"{side}x{side} px, not the declared expression field, {declared}. Use "
        f"{', or '.join(cures)}."
    )


def _scale_error(
    job: Job, channels: Mapping[str, int], name: str, side: int
) -> ScaleFactorError:
    """The error for an output that does not grow with its inputs as declared."""
    # 240 is a multiple of every scale factor that is likely, so the ratio is exact.
    spacings = (axis.spacing.numerator for axis in job.rows.axes.values())
    growth = Fraction(lcm(240, *spacings))
    small, large = (
        _run_grown(job, channels, pixels)[name].shape[1]
        for pixels in (Fraction(0), growth)
    )
    measured = growth / (large - small) if large > small else None
    return ScaleFactorError(
        f"Two blocks side by side give {side} px of '{name}', not "
        f"{2 * job.rows.expression}: the scale factor is not {job.rows.scale}. Use "
        f"`scale_factor={measured or '…'}`.",
        measured,
    )
