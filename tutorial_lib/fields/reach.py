"""What each pixel of an output depends on: all that tiling needs to know of a network.

It is worked out from the layers (`fields.tracing`) or measured (`proof.certifying`).
The result is a few integers, which are saved with an exported model as JSON.

Within one total stride every output pixel may read differently far. The pixels of the
next total stride read the same, one total stride further. So a table with an entry for
each *phase*, the place of a pixel within its total stride, describes all pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from tutorial_lib import arguments

__all__ = ["NetworkReach", "Reach", "output_reach"]


@dataclass(frozen=True)
class Reach:
    """What the pixels of one output depend on, along one axis.

    Pixels are counted in a chunk that begins at pixel 0 of every source.

    Attributes:
        scale: Output spacing divided by reference spacing.
        stride: Total stride in reference pixels.
        lost: Pixels by which the output is smaller than chunk / scale.
        pads: Whether some layer pads; then chunks must be multiples of `stride` long.
        spacing: Pixel size of each source in reference pixels.
        borders: Output pixels at the start and the end of a chunk that depend on
            padding. After a crop this may include pixels that read real pixels only.
        starts: First pixel that the output pixels of each phase read, for each source.
        stops: The pixel after the last one that they read, for each source.

    Example:
        A convolution of 3 pixels with 'same' padding:

        >>> one = Fraction(1)
        >>> reads = {"starts": {"x": (-1,)}, "stops": {"x": (2,)}}
        >>> reach = Reach(one, 1, 0, True, {"x": one}, borders=(1, 1), **reads)
        >>> reach.margins, reach.windows("x", range(5, 7))
        ((1, 1), (array([4, 5]), array([7, 8])))
    """

    scale: Fraction
    stride: int
    lost: int
    pads: bool
    spacing: Mapping[str, Fraction]
    borders: tuple[int, int]
    starts: Mapping[str, tuple[int, ...]]
    stops: Mapping[str, tuple[int, ...]]

    @classmethod
    def of_margins(
        cls,
        margins: tuple[int, int],
        *,
        scale: Fraction,
        stride: int,
        lost: int,
        spacing: Mapping[str, Fraction],
    ) -> "Reach":
        """A conservative reach: the widest one that has these margins.

        Measured margins do not tell which pixels read how far.
        """
        unit = int(stride / scale)
        before, after = margins
        phases = np.arange(unit)
        # First and last total stride of the chunk that a pixel needs.
        first = (phases - before) // unit
        last = -((-phases - 1 - after - lost) // unit)
        step = {name: int(stride / pixel) for name, pixel in spacing.items()}
        return cls(
            scale=scale,
            stride=stride,
            lost=lost,
            # Not measured: true is the stricter case.
            pads=True,
            spacing=dict(spacing),
            borders=margins,
            starts={n: tuple((first * s).tolist()) for n, s in step.items()},
            stops={n: tuple((last * s).tolist()) for n, s in step.items()},
        )

    @property
    def unit(self) -> int:
        """The total stride in output pixels."""
        return int(self.stride / self.scale)

    def step(self, name: str) -> int:
        """The total stride in pixels of a source."""
        return int(self.stride / self.spacing[name])

    def size(self, chunk: int) -> int:
        """Number of output pixels of a chunk, given in reference pixels."""
        return int(chunk / self.scale) - self.lost

    def windows(self, name: str, pixels: range) -> tuple[np.ndarray, np.ndarray]:
        """First source pixel that each output pixel reads, and the one after the last.

        Args:
            name: The source.
            pixels: The output pixels.
        """
        turn, phase = np.divmod(np.arange(pixels.start, pixels.stop), self.unit)
        origin = turn * self.step(name)
        starts, stops = (
            np.array(table[name])[phase] for table in (self.starts, self.stops)
        )
        return origin + starts, origin + stops

    def within(self, real: Mapping[str, tuple[int, int]]) -> range:
        """The output pixels that read real pixels only.

        Args:
            real: For each source, the first real pixel and the one after the last.

        Returns:
            The longest such range. Output pixels outside it may read real pixels only,
            too, where their neighbours read further.
        """
        low = max(self._low(name, real[name][0]) for name in self.starts)
        high = min(self._high(name, real[name][1]) for name in self.stops)
        return range(low, max(low, high))

    def _low(self, name: str, limit: int) -> int:
        """The first output pixel from which on no pixel reads before `limit`."""
        return max(
            -((start - limit) // self.step(name)) * self.unit + phase - self.unit + 1
            for phase, start in enumerate(self.starts[name])
        )

    def _high(self, name: str, limit: int) -> int:
        """The output pixel before which no pixel reads `limit` or beyond."""
        return min(
            ((limit - stop) // self.step(name) + 1) * self.unit + phase
            for phase, stop in enumerate(self.stops[name])
        )

    @property
    def margins(self) -> tuple[int, int]:
        """Output pixels at the start and the end that depend on a chunk's borders."""
        # They are the same for chunks of any size, so also for one without pixels.
        low = max(self._low(name, 0) for name in self.starts)
        high = min(self._high(name, 0) for name in self.stops)
        return max(low, self.borders[0]), max(self.size(0) - high, self.borders[1])

    def seen_from(self, reference: str) -> "Reach":
        """The same reach with another source as the reference."""
        unit = self.spacing[reference]
        return replace(
            self,
            scale=self.scale / unit,
            stride=int(self.stride / unit),
            spacing={name: pixel / unit for name, pixel in self.spacing.items()},
        )

    def joined(self, other: "Reach") -> "Reach":
        """What a pixel depends on in this output or in another of the same size."""
        names = {*self.starts, *other.starts}
        return replace(
            self,
            pads=self.pads or other.pads,
            borders=tuple(map(max, self.borders, other.borders)),
            starts={n: _joined(self.starts, other.starts, n, min) for n in names},
            stops={n: _joined(self.stops, other.stops, n, max) for n in names},
        )

    def to_json(self) -> dict[str, Any]:
        """The reach as numbers, strings and lists, for JSON."""
        return vars(self) | {
            "scale": str(self.scale),
            "spacing": {name: str(pixel) for name, pixel in self.spacing.items()},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Reach":
        """The reach that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the values are those of no reach.
        """
        numbers = {
            key: arguments.whole_number(key, values[key], least=least)
            for key, least in (("stride", 1), ("lost", None))
        }
        tables = {
            key: {
                name: arguments.whole_numbers(key, places)
                for name, places in arguments.mapping(key, values[key], "{}").items()
            }
            for key in ("starts", "stops")
        }
        spacing = arguments.mapping("spacing", values["spacing"], "{}")
        reach = cls(
            **numbers,
            **tables,
            scale=_size(values["scale"]),
            spacing={name: _size(text) for name, text in spacing.items()},
            pads=arguments.flag("pads", values["pads"]),
            borders=arguments.whole_numbers("borders", values["borders"], least=0),
        )
        phases = {len(places) for table in tables.values() for places in table.values()}
        sources = [set(table) for table in tables.values()]
        if (
            phases != {reach.unit}
            or len(reach.borders) != 2
            or sources[0] != sources[1]
            or not sources[0] <= set(spacing)
        ):
            raise ValueError("The tables of a reach do not fit each other.")
        return reach


def _size(text: Any) -> Fraction:
    """A pixel size or a scale, written as text."""
    try:
        size = Fraction(arguments.text("scale", text))
    except ZeroDivisionError as err:
        raise ValueError(f"'{text}' is not a number.") from err
    if size <= 0:
        raise ValueError(f"'{text}' is not above 0.")
    return size


def _joined(
    one: Mapping[str, Sequence[int]],
    other: Mapping[str, Sequence[int]],
    name: str,
    choose: Any,
) -> tuple[int, ...]:
    tables = [table[name] for table in (one, other) if name in table]
    return tuple(map(choose, zip(*tables, strict=True)))


@dataclass(frozen=True)
class NetworkReach:
    """What all outputs of a network depend on.

    Attributes:
        outputs: Reach along (rows, columns) of each output; None where a layer looks at
            the whole chunk.
        whole_tile_layers: The layers that do.
        bytes_per_pixel: Memory that a run of all outputs takes for one reference pixel;
            None where it is not known.
        bytes_of: The same for a run of one output, by name. Exports of older versions
            do not have it.
    """

    outputs: Mapping[str, tuple[Reach, Reach] | None]
    whole_tile_layers: tuple[str, ...]
    bytes_per_pixel: float | None
    bytes_of: Mapping[str, float] = field(default_factory=dict)

    def memory_of(self, outputs: Sequence[str]) -> float | None:
        """Memory that a run of some outputs takes for one reference pixel, in bytes.

        Returns:
            At most the memory of all outputs; None where it is not known.
        """
        if len(outputs) == 1:
            return self.bytes_of.get(outputs[0], self.bytes_per_pixel)
        return self.bytes_per_pixel

    @property
    def stride(self) -> int:
        """Total stride in reference pixels (1 where no output has a reach)."""
        return max(
            (pair[0].stride for pair in self.outputs.values() if pair), default=1
        )

    def seen_from(self, reference: str) -> "NetworkReach":
        """The same reaches with another source as the reference."""
        outputs = {
            name: pair and tuple(reach.seen_from(reference) for reach in pair)
            for name, pair in self.outputs.items()
        }
        pixels = [pair[0].spacing[reference] for pair in self.outputs.values() if pair]
        area = float(pixels[0] ** 2) if pixels else 1
        memory = self.bytes_per_pixel and self.bytes_per_pixel * area
        each = {name: one * area for name, one in self.bytes_of.items()}
        return replace(self, outputs=outputs, bytes_per_pixel=memory, bytes_of=each)

    def to_json(self) -> dict[str, Any]:
        """The reaches as numbers, strings and lists, for JSON."""
        outputs = {
            name: pair and [reach.to_json() for reach in pair]
            for name, pair in self.outputs.items()
        }
        return vars(self) | {"outputs": outputs}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "NetworkReach":
        """The reaches that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: If the values are those of no reach.
        """
        outputs = {}
        for name, pair in arguments.mapping("outputs", values["outputs"], "{}").items():
            rows, cols = pair or (None, None)
            known = pair and (Reach.from_json(rows), Reach.from_json(cols))
            outputs[name] = known or None
        layers, memory = values["whole_tile_layers"], values["bytes_per_pixel"]
        if not isinstance(layers, list | tuple):
            raise TypeError("The layers of a reach are a list.")
        if memory is not None:
            memory = arguments.number("bytes_per_pixel", memory, least=0)
        each = arguments.mapping("bytes_of", values.get("bytes_of", {}), "{}")
        each = {
            n: arguments.number("bytes_of", one, least=0) for n, one in each.items()
        }
        return cls(outputs, tuple(map(str, layers)), memory, each)


def output_reach(network: NetworkReach, outputs: Sequence[str]) -> tuple[Reach, Reach]:
    """Reach along rows and columns of outputs that are stacked in one map.

    Raises:
        ValueError: If a layer looks at the whole chunk, or the outputs differ in size.
    """
    pairs = []
    for name in outputs:
        pair = network.outputs[name]
        if pair is None:
            layers = ", ".join(f"'{layer}'" for layer in network.whole_tile_layers)
            raise ValueError(
                f"The layer {layers} looks at the whole chunk, so each tile size gives "
                "another map. Use one that does not, such as BatchNormalization in "
                "place of GroupNormalization, or declare the fields to map it anyway."
            )
        pairs.append(pair)
    sizes = {(rows.scale, rows.lost, cols.lost) for rows, cols in pairs}
    if len(sizes) > 1:
        raise ValueError(
            f"The outputs {list(outputs)} have different sizes and cannot be stacked. "
            "Plan a map for each of them."
        )
    rows, cols = pairs[0]
    for other_rows, other_cols in pairs[1:]:
        rows, cols = rows.joined(other_rows), cols.joined(other_cols)
    return rows, cols
