"""What the options of the command line give: arguments of the library's functions."""

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tutorial_lib as tl

# Options `NAME=VALUE` of a source, and the argument of `Source` that each one sets.
SOURCE_OPTIONS = {
    "bands": "bands",
    "receptive_field": "receptive_field",
    "scaled": "scaled",
    "source_nodata": "nodata",
}

__all__ = [
    "SOURCE_OPTIONS",
    "check_output",
    "flag",
    "given",
    "inputs_of",
    "legend_of",
    "sources_of",
    "value_by_name",
    "values_by_name",
]


def given(options: Namespace, *names: str) -> dict[str, Any]:
    """The options that are on the command line, by name; others keep their defaults."""
    return {name: getattr(options, name) for name in names if name in options}


def values_by_name(options: Namespace, option: str) -> dict[str, list]:
    """The values of an option `NAME=VALUE`, as a list for each name."""
    values: dict[str, list] = {}
    for name, value in getattr(options, option, []):
        values.setdefault(name, []).append(value)
    return values


def value_by_name(options: Namespace, option: str) -> dict[str, Any]:
    """The value of an option `NAME=VALUE` for each name; a name may be given once."""
    values = values_by_name(options, option)
    for name, several in values.items():
        if len(several) > 1:
            options.usage_error(
                f"{flag(option)}: '{name}' is given {len(several)} times"
            )
    return {name: value for name, (value,) in values.items()}


def flag(option: str) -> str:
    """The name of an option as it is written on the command line."""
    return f"--{option.replace('_', '-')}"


def sources_of(options: Namespace) -> "dict[str, tl.Source]":
    """The sources by name, in the order of the command line."""
    rasters = values_by_name(options, "source")
    arguments: dict[str, dict[str, Any]] = {name: {} for name in rasters}
    for option, argument in SOURCE_OPTIONS.items():
        for name, value in value_by_name(options, option).items():
            if name not in rasters:
                options.usage_error(
                    f"{flag(option)}: there is no source '{name}'. The sources are "
                    f"{', '.join(rasters)}"
                )
            arguments[name][argument] = value
    return {
        name: tl.Source(paths if len(paths) > 1 else paths[0], **arguments[name])
        for name, paths in rasters.items()
    }


def legend_of(options: Namespace) -> "tl.Legend | None":
    """The legend of --legend-from, of the classes of --classes if they are given."""
    if "legend_from" not in options:
        return None
    legend = tl.read_legend(options.legend_from)
    if legend is None:
        raise ValueError(
            f"'{options.legend_from}' has no legend (names and colours of classes). "
            "Give another raster, or leave --legend-from out."
        )
    if "classes" not in options:
        return legend
    looks = dict(
        zip(legend.classes, zip(legend.names, legend.colors, strict=True), strict=True)
    )
    unknown = [number for number in options.classes if number not in looks]
    if unknown:
        raise ValueError(
            f"--classes: {unknown[0]} is not in the legend of '{options.legend_from}', "
            f"which has {', '.join(map(str, looks))}. Leave it out, or leave "
            "--legend-from out."
        )
    names, colors = zip(*(looks[number] for number in options.classes), strict=True)
    return tl.Legend(names, colors, classes=options.classes)


def inputs_of(options: Namespace, *named: str) -> list[Path]:
    """The files that an action reads: those of options `NAME=PATH`, and single ones."""
    paths = [path for option in named for _, path in getattr(options, option)]
    single = given(options, "labels", "positions", "legend_from")
    return paths + list(single.values())


def check_output(path: str | Path, inputs: Iterable[Path]) -> None:
    """Raise an error if a file cannot be written, or if it is an input."""
    from tutorial_lib.rasters.destinations import check_destination, check_not_input

    check_not_input(check_destination(path), inputs)
