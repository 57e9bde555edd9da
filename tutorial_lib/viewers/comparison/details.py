"""The part of a large scene that is looked at, in more detail than the whole.

Of rasters that are larger than a screen, every n-th pixel is enough to see the whole.
Who zooms in wants the pixels between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tutorial_lib.viewers.comparison.common_window import CommonWindow
from tutorial_lib.viewers.comparison.reading import read_layer, reduction
from tutorial_lib.viewers.comparison.scene import Scene, valid_pixels
from tutorial_lib.viewers.layers import Layer

# On each side of what is seen, as a share of it: small moves need no reading.
AROUND = 4

__all__ = ["Detail", "detail_window", "read_detail"]


@dataclass(frozen=True)
class Detail:
    """Some layers of a scene, on a part of its window.

    Attributes:
        window: The part; its pixels are those of the first raster.
        layers: Layers by their number in the scene, all of one height and width.
    """

    window: CommonWindow
    layers: dict[int, Layer]

    def serves(self, view: Sequence[int], numbers: Sequence[int], step: int) -> bool:
        """Whether it shows these layers in all of a view, each `step`-th pixel."""
        rows, cols = _ranges(view)
        inside = _within(rows, self.window.rows) and _within(cols, self.window.cols)
        fine = reduction(*self.window.shape) <= step
        return inside and fine and set(numbers) <= set(self.layers)


def detail_window(whole: CommonWindow, view: Sequence[int]) -> CommonWindow | None:
    """The part to read for a view; None where the whole shows it as finely.

    Args:
        whole: Window of the scene.
        view: (row, col, height, width) of what is seen, in pixels of the first raster.
    """
    rows, cols = (
        _around(seen, all_of_it)
        for seen, all_of_it in zip(_ranges(view), (whole.rows, whole.cols), strict=True)
    )
    part = replace(whole, rows=rows, cols=cols)
    finer = reduction(*part.shape) < reduction(*whole.shape)
    return part if rows and cols and finer else None


def read_detail(scene: Scene, window: CommonWindow, numbers: Sequence[int]) -> Detail:
    """Read some layers on a part of the window; they are drawn as in the whole."""
    return Detail(window, {number: _read(scene, window, number) for number in numbers})


def _read(scene: Scene, window: CommonWindow, number: int) -> Layer:
    layer = scene.layers[number]
    preview = read_layer(
        scene.sources[number],
        window.axes[number],
        window,
        bands=layer.preview.bands,
        band_count=layer.preview.band_count,
        nodata=scene.nodata,
    )
    return replace(layer, preview=preview, valid=valid_pixels(preview))


def _ranges(view: Sequence[int]) -> tuple[range, range]:
    row, col, height, width = view
    return range(row, row + height), range(col, col + width)


def _around(seen: range, whole: range) -> range:
    more = len(seen) // AROUND
    return range(max(whole.start, seen.start - more), min(whole.stop, seen.stop + more))


def _within(inner: range, outer: range) -> bool:
    return outer.start <= inner.start and inner.stop <= outer.stop
