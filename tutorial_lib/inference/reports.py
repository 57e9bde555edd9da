"""What a run did, as it is shown and kept."""

from dataclasses import dataclass
from pathlib import Path

from tutorial_lib.display import counted, wrapped
from tutorial_lib.inference.precision import PrecisionChange
from tutorial_lib.rasters import PathLike

__all__ = ["Report"]


@dataclass(frozen=True)
class Report:
    """What a run did; `InferencePlan.write` makes it.

    Attributes:
        path: The map.
        tile_count: Tiles of the map.
        skipped: Tiles that are all background; the model did not run on them.
        background_share: Share of the map's pixels that are background, 0 to 1.
        seconds: Wall-clock time.
        broken: Pixels with data for which the model gives NaN; background in the map.
        warnings: Sentences about the map that its maker should know.
        precision_change: How much sample tiles differ from float32; None for a map in
            float32.
    """

    path: PathLike
    tile_count: int
    skipped: int
    background_share: float
    seconds: float
    broken: int = 0
    warnings: tuple[str, ...] = ()
    precision_change: PrecisionChange | None = None

    def __repr__(self) -> str:
        text = (
            f"'{Path(self.path).name}' written: {counted(self.tile_count, 'tile')}, "
            f"{self.skipped} skipped, {self.background_share:.1%} background, "
            f"{self.seconds:.1f} s"
        )
        change = self.precision_change
        return wrapped(text if change is None else f"{text}\n{change}")
