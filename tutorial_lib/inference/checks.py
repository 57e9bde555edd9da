"""Checks of a request: names, channels, fields, and whether the network obeys them.

The network is asked with arrays of zeros, so that any kind of model can be checked: it
gives `expression_field` pixels for one receptive field, and twice that for two blocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from tutorial_lib import arguments
from tutorial_lib.fields.checks import check_output
from tutorial_lib.grids import snapped
from tutorial_lib.inference.blocks import Fields
from tutorial_lib.inference.engine import Job
from tutorial_lib.inference.errors import (
    ExpressionFieldError,
    InputSizeError,
    ScaleFactorError,
)
from tutorial_lib.inference.labels import check_weights, scores_of
from tutorial_lib.networks.checks import OutputError, check_inputs
from tutorial_lib.networks.predictors import Predictor
from tutorial_lib.notices import error_line
from tutorial_lib.rasters import PathLike, Source
from tutorial_lib.rasters.causes import full_path

__all__ = [
    "OutputFormat",
    "anchored",
    "check_outputs",
    "declared_fields",
    "name_sources",
    "try_declared_fields",
    "try_derived_fields",
]


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


# What is asked for


def name_sources(
    sources: Mapping[str, Source | PathLike] | Source | PathLike, predictor: Predictor
) -> dict[str, Source]:
    """The sources by input name; a single one takes the name of the only input.

    Raises:
        TypeError: If a name is not a text, or a source is not a path.
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
    example = f'{{"{inputs[0] if inputs else "input"}": path}}'
    sources = arguments.mapping("sources", sources, example)
    check_inputs(list(sources), dict.fromkeys(inputs), what="source")
    return {name: Source.of(source) for name, source in sources.items()}


def anchored(source: Source) -> Source:
    """A source with the full paths of its files, for when the working folder changes.

    What is not a file, such as a web address or a part of a netCDF, stays as it is.
    """
    paths = [full_path(path) for path in source.paths]
    return replace(source, path=paths if len(paths) > 1 else paths[0])


def check_outputs(output: Any, predictor: Predictor) -> tuple[str, ...]:
    """Names of the outputs that are asked for, one or several, of a model.

    Raises:
        TypeError: If they are not names.
        ValueError: If there is none, or the model has no such output.
    """
    names = [output] if isinstance(output, str) else output
    known = ", ".join(sorted(predictor.outputs)) or "those that the function gives"
    cure = f"Give the name of an output, or a list of names, of: {known}."
    if not isinstance(names, list | tuple) or not all(
        isinstance(name, str) for name in names
    ):
        raise TypeError(f"`output` is {arguments.shown(output)}. {cure}")
    if not names:
        raise ValueError(f"`output` names no output. {cure}")
    for name in names:
        check_output(name, predictor.outputs)
    return tuple(names)


def declared_fields(
    sources: Mapping[str, Source],
    expression_field: int | None,
    scale_factor: float | None,
) -> Fields | None:
    """The declared fields; None if none is declared, so that they are derived.

    Args:
        sources: Their receptive fields are declared for all of them, or for none.
        expression_field: 1 if only receptive fields are declared.
        scale_factor: Likewise.

    Raises:
        TypeError: If the expression field or the scale factor is not a number.
        ValueError: If one of them is beyond its limits, or a source lacks its
            receptive field.
    """
    if expression_field is not None:
        most = arguments.LARGEST_CHUNK
        arguments.whole_number("expression_field", expression_field, least=1, most=most)
    if scale_factor is not None:
        arguments.number("scale_factor", scale_factor, least=1e-3, most=1e4)
    receptive = {name: source.receptive_field for name, source in sources.items()}
    if {*receptive.values(), expression_field, scale_factor} == {None}:
        return None
    for name, field in receptive.items():
        if field is None:
            raise ValueError(
                f"Source '{name}' has no receptive field, and other fields are given. "
                "Declare the pixels that the network reads of it, `Source(…, "
                "receptive_field=16)`, or none of the fields: then they are derived."
            )
    expression = 1 if expression_field is None else int(expression_field)
    scale = 1 if scale_factor is None else scale_factor
    # As text, so that 1.1 is 11/10, and a Fraction stays what it is.
    return Fields(receptive, expression, snapped(Fraction(str(scale))))


# Whether the network obeys


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
            message = _wrong_expression(job, name, one)
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
    try:
        # All outputs: one that was not asked for may be the one that fits.
        known = (*job.predictor.outputs, *job.predictor.hidden.values())
        return job.predictor(inputs, known or job.outputs)
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


def _wrong_expression(job: Job, name: str, given: Mapping[str, np.ndarray]) -> str:
    """The error for a receptive field that gives another number of pixels."""
    side, declared = given[name].shape[1], job.rows.expression
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
