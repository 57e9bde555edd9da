"""Whether a network gives what the declared fields ask for, and what would fit."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tutorial_lib.compat.geometry import MapAxis
from tutorial_lib.compat.serving import Network, pixels_of

# Side in pixels of the map that is tried before the work begins, unless one expression
# field is larger: enough to see that the scale factor is wrong, in a tenth of a second.
TRIED = 256

__all__ = ["Declared", "Facts", "misfit", "stacked", "try_out"]


class Declared(NamedTuple):
    """What a caller says about a network.

    Attributes:
        rows: Rows of the map, with the fields along y.
        columns: Columns of the map, with the fields along x.
        fully: Whether it is fully convolutional, not patch-based.
    """

    rows: MapAxis
    columns: MapAxis
    fully: bool

    @property
    def axes(self) -> tuple[MapAxis, MapAxis]:
        """Rows and columns."""
        return self.rows, self.columns


class Facts(NamedTuple):
    """What a first run told about the outputs of a network.

    Attributes:
        bands: Bands of all of them together.
        labels: Whether one holds whole numbers.
        probabilities: Whether one has several bands, from 0 to 1, that add up to 1.
    """

    bands: int
    labels: bool
    probabilities: bool


def stacked(
    network: Network,
    arrays: Sequence[np.ndarray],
    size: tuple[int, int],
    declared: Declared,
) -> np.ndarray:
    """Pixels of a part of the map, the outputs stacked: (height, width, band).

    Args:
        network: The network.
        arrays: (batch, height, width, band) of each source.
        size: (height, width) of the part.
        declared: What the caller says.

    Raises:
        ValueError: If the network gives another number of pixels.
        MemoryError: If the machine has not enough memory.
    """
    results = _run(network, arrays, declared)
    pixels = [pixels_of(one, *size, patches=not declared.fully) for one in results]
    for name, one, result in zip(network.outputs, pixels, results, strict=True):
        if one is None:
            raise misfit(network, arrays, (name, result.shape), size, declared)
    return np.concatenate([one.astype("float32") for one in pixels], axis=-1)


def _run(
    network: Network, arrays: Sequence[np.ndarray], declared: Declared
) -> list[np.ndarray]:
    try:
        return network(arrays)
    except MemoryError as err:
        raise MemoryError(
            f"{err} Make the tiles smaller: `optim_tilesizex=…`, `optim_tilesizey=…`."
        ) from err
    except ValueError as err:
        raise ValueError(
            f"The network does not take what it is given for {_fields(declared)}: {err}"
        ) from err


def try_out(
    network: Network,
    bands: Sequence[int],
    declared: Declared,
    tile: tuple[int, int],
) -> Facts:
    """Run a network once, on zeros, as for the first tile of a map.

    Args:
        network: The network.
        bands: Number of bands of each source.
        declared: What the caller says.
        tile: (height, width) of the tiles.

    Raises:
        ValueError: If the network does not fit what is declared.
    """
    size, shapes = (1, 1), list(_fields_of(declared))
    if declared.fully:
        spans = [
            range(_first_tile(axis, side))
            for axis, side in zip(declared.axes, tile, strict=True)
        ]
        size = (len(spans[0]), len(spans[1]))
        shapes = [
            tuple(
                len(axis.region(source, span))
                for axis, span in zip(declared.axes, spans, strict=True)
            )
            for source in range(len(bands))
        ]
    arrays = _zeros(shapes, bands)
    values = stacked(network, arrays, size, declared)
    results = network(arrays)
    return Facts(
        bands=values.shape[-1],
        labels=any(one.dtype.kind in "iu" for one in results),
        probabilities=any(map(_are_probabilities, results)),
    )


def _first_tile(axis: MapAxis, side: int) -> int:
    """Side of the first tile, cut to what is tried."""
    most = max(axis.block, TRIED // axis.block * axis.block)
    return min(side, axis.size, most)


def _are_probabilities(array: np.ndarray) -> bool:
    if array.dtype.kind != "f" or array.ndim not in (2, 4) or array.shape[-1] < 2:
        return False
    sums = array.sum(axis=-1)
    return bool((array >= 0).all() and np.allclose(sums, 1, atol=1e-3))


def _zeros(shapes: Sequence[tuple[int, int]], bands: Sequence[int]) -> list[np.ndarray]:
    return [
        np.zeros((1, *shape, count), "float32")
        for shape, count in zip(shapes, bands, strict=True)
    ]


def _fields_of(declared: Declared) -> list[tuple[int, int]]:
    """(height, width) of the receptive field of each source."""
    return list(zip(declared.rows.fields, declared.columns.fields, strict=True))


def _fields(declared: Declared) -> str:
    """The declared fields, as they were given."""
    parts = []
    for number, (height, width) in enumerate(_fields_of(declared), 1):
        parts += [f"source{number}_rfieldx={width}", f"source{number}_rfieldy={height}"]
    parts += [
        f"output_efieldx={declared.columns.block}",
        f"output_efieldy={declared.rows.block}",
        f"output_spcscale={float(declared.rows.spacing):g}",
    ]
    return ", ".join(parts)


def misfit(
    network: Network,
    arrays: Sequence[np.ndarray],
    output: tuple[str, tuple[int, ...]],
    size: tuple[int, int],
    declared: Declared,
) -> ValueError:
    """The error for an output that does not hold the pixels of the map.

    Args:
        network: The network.
        arrays: What it was given.
        output: Name and shape of the output.
        size: (height, width) of the part of the map that was to be computed.
        declared: What the caller says.
    """
    given = ", ".join(
        f"{array.shape[1]}x{array.shape[2]} px of source {number}"
        for number, array in enumerate(arrays, 1)
    )
    name, shape = output
    wanted = f"{size[0]}x{size[1]} px (height x width)"
    if not declared.fully:
        wanted = f"one pixel for each of {size[0] * size[1]} patches"
    return ValueError(
        f"The network does not fit the declared fields ({_fields(declared)}): from "
        f"{given} it makes '{name}' of the shape {shape}, and the map needs {wanted}. "
        f"{_cure(network, name, [array.shape[-1] for array in arrays], declared)}"
    )


def _cure(
    network: Network, output: str, bands: Sequence[int], declared: Declared
) -> str:
    """What would fit, from two runs: on the fields, and on fields twice as large."""
    vague = "Correct the receptive fields, the expression field or the scale factor."
    fields = _fields_of(declared)
    one = _spatial(network, output, fields, bands)
    twice = [(2 * height, 2 * width) for height, width in fields]
    two = _spatial(network, output, twice, bands)
    if one is None or two is None:
        return vague
    scales = {
        Fraction(field, after - before) if after > before else None
        for field, before, after in zip(fields[0], one, two, strict=True)
    }
    scale = scales.pop()
    if scales or scale is None:
        return vague
    if declared.fully:
        return (
            f"This fits: `output_efieldx={one[1]}`, `output_efieldy={one[0]}`, "
            f"`output_spcscale={float(scale):g}`."
        )
    smaller = [
        field - (pixels - 1) * scale
        for field, pixels in zip(fields[0], one, strict=True)
    ]
    if min(smaller) < 1 or smaller == list(fields[0]):
        return vague
    return (
        "Patch-based, a network gives one pixel for a patch; `model_fullyconv=True` "
        f"takes others. Of source 1, a patch of {smaller[0]}x{smaller[1]} px fits."
    )


def _spatial(
    network: Network,
    output: str,
    shapes: Sequence[tuple[int, int]],
    bands: Sequence[int],
) -> tuple[int, int] | None:
    """(height, width) that the network makes; None where it makes no image."""
    try:
        results = network(_zeros(shapes, bands))
    except (ValueError, MemoryError):
        return None
    array = results[network.outputs.index(output)]
    return array.shape[1:3] if array.ndim == 4 else None
