"""Everything that decides the pixels of a map, as text.

A run is continued only if it is the same.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox

from tutorial_lib.rasters import PathLike, Source, open_sources

if TYPE_CHECKING:
    from tutorial_lib.inference.planned import PlannedMap

# Their versions count: another one may compute other last bits.
PACKAGES = (
    *("remote-sensing-tutorial-kit", "tensorflow", "tensorflow-cpu", "keras"),
    *("openvino", "onnxruntime", "numpy", "rasterio"),
)

# Environment variables that change the last bits of what TensorFlow computes, or more:
# oneDNN may compute in a lower precision, or with other instructions.
SWITCHES = (
    *("TF_ENABLE_ONEDNN_OPTS", "TF_SET_ONEDNN_FPMATH_MODE"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA"),
)

# Fields of a plan and of its parts that do not change a pixel: what is said about it,
# and how its file looks. The predictor and the sources are described in other ways.
_NO_PIXELS = {
    *("predictor", "sources", "inputs", "tiles", "scaled", "verdict", "certificate"),
    *("derived", "bytes_per_pixel", "calls", "legend", "bands"),
}

# The words of `plan_inference` for what a plan calls otherwise.
_WORDS = {
    "nodata_rule": "`nodata_rule`",
    "outputs": "`output`",
    "patch_based": "patch-based mode",
    "covers": "map up to the borders (`edge`)",
    "background": "`background`",
    "classes": "`classes`",
    "precision": "`precision`",
    "reference": "grid of the reference",
}

# Names of what a lattice holds begin so.
_FIELDS = ("rows ", "cols ")

# So many differences are named in a message.
NAMED = 4

Fingerprint = dict[str, str]

__all__ = ["Fingerprint", "differences", "digest_of", "fingerprint", "versions"]


def fingerprint(plan: "PlannedMap", dtype: np.dtype, shard_side: int) -> Fingerprint:
    """Everything that decides the pixels of a map, by names for messages.

    Args:
        plan: The map.
        dtype: Its type.
        shard_side: Side of the shards in output pixels.

    Returns:
        Names and values as text. What only changes how the file looks is left out:
        compression, overviews, names and colours of classes.

    Raises:
        ValueError: If the model is a plain function: whether two functions are the
            same cannot be told.
    """
    predictor = plan.job.predictor
    digest = predictor.digest
    if digest is None:
        raise ValueError(
            "`resume=True` cannot check whether a plain function is still the same. "
            "Save the network as a `.keras` file or a SavedModel and give its path, or "
            "leave `resume` out."
        )
    largest = plan.tiles.largest
    sides = len(largest.computed_rows), len(largest.computed_cols)
    found = {
        "model (SHA-256)": digest,
        "runner": predictor.runner,
        "`precision`": predictor.precision,
        "`dtype`": str(dtype),
        "largest tile": f"{sides[0]} x {sides[1]} px",
        "side of the shards": f"{shard_side} px",
    }
    # What the user has chosen is named first in messages, what follows from it last.
    leaves = sorted(_leaves(plan, ()), key=lambda leaf: leaf[0].startswith(_FIELDS))
    return found | dict(leaves) | _files(plan) | versions()


def versions() -> Fingerprint:
    """The versions of what computes a map, and TensorFlow's switches."""
    found = {}
    for package in PACKAGES:
        try:
            found[f"version of {package}"] = version(package)
        except PackageNotFoundError:
            continue
    return found | {name: os.environ.get(name, "not set") for name in SWITCHES}


def digest_of(prints: Mapping[str, str]) -> str:
    """SHA-256 of a fingerprint.

    Example:
        >>> digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})
        True
    """
    return hashlib.sha256(json.dumps(prints, sort_keys=True).encode()).hexdigest()


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What two fingerprints differ in, with both values, as part of a sentence.

    Example:
        >>> differences({"`dtype`": "uint8"}, {"`dtype`": "int16"})
        '`dtype` was uint8, and is int16'
    """
    names = [*now, *(name for name in before if name not in now)]
    parts = [
        f"{name} was {_short(before.get(name))}, and is {_short(now.get(name))}"
        for name in names
        if before.get(name) != now.get(name)
    ]
    more = len(parts) - NAMED
    return "; ".join(parts[:NAMED]) + (f"; and {more} more" if more > 0 else "")


def _short(text: str | None) -> str:
    if text is None:
        return "absent"
    return text if len(text) <= 80 else f"{text[:77]}…"


def _files(plan: "PlannedMap") -> Fingerprint:
    """The sources: how they are read, and each file with its size and time."""
    found = {}
    with open_sources(plan.sources) as readers:
        for name, reader in readers.items():
            found |= _choices(name, plan.sources[name])
            for file in reader.files:
                found[f"source '{name}', file '{file}'"] = _state(file)
    return found


def _choices(name: str, source: Source) -> Fingerprint:
    chosen = ("receptive_field", "nodata", "bands", "scaled")
    # The order of stacked rasters is the order of their bands.
    paths = ", ".join(f"'{path}'" for path in source.paths)
    return {f"source '{name}'": paths} | {
        f"source '{name}', `{key}`": str(getattr(source, key)) for key in chosen
    }


def _state(file: PathLike) -> str:
    try:
        state = Path(file).stat()
    except OSError:
        # An address: what it holds cannot be told without reading it.
        return "not a file of this machine"
    seconds, rest = divmod(state.st_mtime_ns, 10**9)
    changed = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{state.st_size} bytes, changed {changed}.{rest:09d}"


def _leaves(value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Names and texts of all that a plan or a part of it holds."""
    if isinstance(value, GeoBox):
        yield _name(place), f"{value.shape.yx} {tuple(value.transform)} {value.crs}"
    elif is_dataclass(value):
        for one in fields(value):
            if one.name not in _NO_PIXELS:
                yield from _leaves(getattr(value, one.name), (*place, one.name))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _leaves(one, (*place, f"'{key}'"))
    else:
        yield _name(place), _text(value)


def _name(place: tuple[str, ...]) -> str:
    """A name for messages: ("job", "rows", "covers") is about rows."""
    words = [_WORDS.get(word, word) for word in place if word not in ("job", "format")]
    return " ".join(words)


def _text(value: Any) -> str:
    if isinstance(value, range):
        return f"{value.start} to {value.stop - 1}"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_text, value))})"
    if value is None or isinstance(
        value, bool | int | float | str | Fraction | np.generic | np.dtype
    ):
        return str(value)
    # The text of other objects may hold an address, so it would always differ.
    raise TypeError(f"A {type(value).__name__} has no place in a fingerprint.")
