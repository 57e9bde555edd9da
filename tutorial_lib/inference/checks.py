"""Checks of a request: names of sources and outputs, declared fields."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from tutorial_lib import arguments
from tutorial_lib.fields.checks import check_output
from tutorial_lib.grids import snapped
from tutorial_lib.inference.blocks import Fields
from tutorial_lib.networks.checks import check_inputs
from tutorial_lib.networks.predictors import Predictor
from tutorial_lib.rasters import PathLike, Source
from tutorial_lib.rasters.causes import full_path

__all__ = ["anchored", "check_outputs", "declared_fields", "name_sources"]


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
