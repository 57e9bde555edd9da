"""What a run did, as it is shown and kept."""

from dataclasses import dataclass
from pathlib import Path

from tutorial_lib.display import wrapped
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
    """

    path: PathLike
    tile_count: int
    skipped: int
    background_share: float
    seconds: float
    broken: int = 0
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return wrapped(
            f"'{Path(self.path).name}' written: {self.tile_count} tiles, "
            f"{self.skipped} of them skipped, {self.background_share:.1%} background, "
            f"{self.seconds:.1f} s"
        )
