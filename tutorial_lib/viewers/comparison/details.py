"""A part of a large scene in more detail than the whole.

The whole of a large raster shows every n-th pixel. A user who zooms in wants the pixels
between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tutorial_lib.viewers.comparison.common_window import CommonWindow
from tutorial_lib.viewers.comparison.reading import read_common
from tutorial_lib.viewers.comparison.scene import Scene
from tutorial_lib.viewers.layers import Layer, class_map
from tutorial_lib.viewers.reading import open_layer, reduction

# A quarter of the view is added on each side, so small moves need no reading.
AROUND = 4

__all__ = ["Detail", "detail_window", "read_detail"]


@dataclass(frozen=True)
class Detail:
    """Some layers of a scene, on a part of its window.

    Attributes:
        window: The part, in pixels of the first raster.
        layers: Layers by their number in the scene, all of one height and width.
    """

    window: CommonWindow
    layers: dict[int, Layer]

    def covers(self, view: Sequence[int], numbers: Sequence[int], step: int) -> bool:
        """Whether it has some layers for all of a view, in enough detail.

        Args:
            view: (row, col, height, width) in pixels of the first raster.
            numbers: Numbers of the layers.
            step: Subsampling step that is wanted; a smaller one is enough too.
        """
        inside = all(
            have.start <= want.start and want.stop <= have.stop
            for want, have in zip(
                _ranges(view), (self.window.rows, self.window.cols), strict=True
            )
        )
        fine = reduction(*self.window.shape) <= step
        return inside and fine and set(numbers) <= set(self.layers)


def detail_window(whole: CommonWindow, view: Sequence[int]) -> CommonWindow | None:
    """The part to read for a view; None if the whole shows it as finely.

    Args:
        whole: Window of the scene.
        view: (row, col, height, width) of the view, in pixels of the first raster.
    """
    rows, cols = (
        _widened(seen, limits)
        for seen, limits in zip(_ranges(view), (whole.rows, whole.cols), strict=True)
    )
    part = replace(whole, rows=rows, cols=cols)
    finer = reduction(*part.shape) < reduction(*whole.shape)
    return part if rows and cols and finer else None


def read_detail(scene: Scene, window: CommonWindow, numbers: Sequence[int]) -> Detail:
    """Read some layers on a part of the window; they keep the colours of the scene."""
    layers = {}
    for number in numbers:
        layer = scene.layers[number]
        with open_layer(scene.sources[number]) as source:
            read = read_common(
                source,
                window.axes[number],
                window,
                bands=layer.preview.bands,
                nodata=scene.nodata,
            )
        preview = replace(read, grid=layer.preview.grid)
        if layer.kind == "classes":
            preview = class_map(preview, legend=None)
        layers[number] = replace(layer, preview=preview)
    return Detail(window, layers)


def _ranges(view: Sequence[int]) -> tuple[range, range]:
    row, col, height, width = view
    return range(row, row + height), range(col, col + width)


def _widened(seen: range, limits: range) -> range:
    more = len(seen) // AROUND
    start, stop = seen.start - more, seen.stop + more
    return range(max(limits.start, start), min(limits.stop, stop))
