"""Whether a network gives what the declared fields ask for, and what would fit."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tutorial_lib.compat.geometry import MapAxis
from tutorial_lib.compat.serving import Network, pixels_of

# Side in pixels of the map that is tried before the work begins, unless one expression
# field is larger: enough to see that the scale factor is wrong.
TRIED = 256

# How much larger than the receptive fields the images are that tell what would fit: a
# receptive field that is too small gives no output at all.
ENLARGED = (1, 2, 4, 8, 16)

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
    return _stack(network, arrays, _run(network, arrays, declared), size, declared)


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
        bands = [array.shape[-1] for array in arrays]
        raise ValueError(
            f"The network does not take what the declared fields ({_fields(declared)}) "
            f"give: {err} {_cure(network, network.outputs[0], bands, declared)}"
        ) from err


def _stack(
    network: Network,
    arrays: Sequence[np.ndarray],
    results: Sequence[np.ndarray],
    size: tuple[int, int],
    declared: Declared,
) -> np.ndarray:
    pixels = [pixels_of(one, *size, patches=not declared.fully) for one in results]
    for name, one, result in zip(network.outputs, pixels, results, strict=True):
        if one is None:
            raise misfit(network, arrays, (name, result.shape), size, declared)
    return np.concatenate([one.astype("float32") for one in pixels], axis=-1)


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
    results = _run(network, arrays, declared)
    values = _stack(network, arrays, results, size, declared)
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
    between = (array > 0) & (array < 1)
    add_up = np.allclose(array.sum(axis=-1), 1, atol=1e-3)
    # Labels as one band for each class add up to 1 too, and are whole.
    return bool((array >= 0).all() and between.any() and add_up)


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
    """What would fit, from runs of the network on images of two sizes."""
    found = _measured(network, output, bands, declared)
    if found is None:
        return "Correct the receptive fields, the expression field or the scale factor."
    blocks, fields, scale = found
    if declared.fully and min(blocks) >= 1:
        return (
            f"This fits: `output_efieldx={blocks[1]}`, `output_efieldy={blocks[0]}`, "
            f"`output_spcscale={float(scale):g}`."
        )
    return (
        f"For one output pixel, the receptive field of source 1 is {fields[0]}x"
        f"{fields[1]} px, and those of other sources in proportion."
    )


def _measured(
    network: Network, output: str, bands: Sequence[int], declared: Declared
) -> tuple[list[Fraction], list[Fraction], Fraction] | None:
    """Expression field, receptive field of source 1 for one pixel, and scale factor.

    None where the network does not grow evenly with its images.
    """
    fields = _fields_of(declared)
    for times in ENLARGED:
        one, two = (
            _spatial(network, output, [(n * h, n * w) for h, w in fields], bands)
            for n in (times, 2 * times)
        )
        if one is None or two is None or min(np.subtract(two, one)) < 1:
            continue
        sides = [times * side for side in fields[0]]
        scales = {
            Fraction(side, after - before)
            for side, before, after in zip(sides, one, two, strict=True)
        }
        if len(scales) > 1:
            return None
        (scale,) = scales
        blocks = [
            pixels - (times - 1) * field / scale
            for pixels, field in zip(one, fields[0], strict=True)
        ]
        single = [
            side - (pixels - 1) * scale for side, pixels in zip(sides, one, strict=True)
        ]
        whole = all(value.denominator == 1 for value in (*blocks, *single))
        return (blocks, single, scale) if whole and min(single) >= 1 else None
    return None


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
