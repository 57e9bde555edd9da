"""The memory of a run: what the network's layers, the chunks and the tiles take."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tutorial_lib.inference.pipeline import AHEAD, BEHIND

# What is taken for the layers of a model that are not known, in bytes for a pixel of
# the finest source. Chunks of about 512 px fit into the default memory then.
UNKNOWN_LAYERS = 1500

# What each run takes, however large its tiles: GDAL's blocks, and threads.
RUN_BYTES = 60_000_000

# The engine's arrays are counted as float32, whatever the type of the rasters.
VALUE_BYTES = 4

__all__ = ["TileMemory"]


@dataclass(frozen=True)
class TileMemory:
    """What a run takes for tiles of a size, beside what the process already holds.

    Attributes:
        layers: Bytes of the network's layers for one pixel of the reference; None when
            unknown.
        channels: Channels of each source, reference first.
        bands: Bands of the map.
        calls: Tiles that the model runs on at a time.

    Example:
        A network of 440 bytes for a pixel, and a chunk of 527 px for 512 px of map:

        >>> memory = TileMemory(440, {"input": 4}, bands=1)
        >>> round(memory.of_tile({"input": 527**2}, 512**2) / 1e6)
        209
    """

    layers: float | None = None
    channels: Mapping[str, int] = field(default_factory=dict)
    bands: int = 1
    calls: int = 1

    def of_tile(self, read: Mapping[str, int], mapped: int) -> int:
        """Bytes for the largest tile.

        Args:
            read: Pixels of each source that are read for it, reference first.
            mapped: Pixels of the map that it gives.
        """
        reference, *_ = read.values()
        layers = self.layers
        if layers is None:
            # All pixels of the finest source count.
            layers = UNKNOWN_LAYERS * max(read.values()) / reference
        chunk = sum(self.channels.get(name, 1) * count for name, count in read.items())
        # Those that wait, and those that the model runs on with their copies.
        chunks = VALUE_BYTES * chunk * (AHEAD + 2 * self.calls)
        # Those that wait, and the one that is being written, before and after.
        tiles = VALUE_BYTES * mapped * self.bands * (BEHIND + 2)
        return int(RUN_BYTES + self.calls * layers * reference + chunks + tiles)
