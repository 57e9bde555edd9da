"""Still figures: a matplotlib figure that shows itself in a notebook, with a text."""

import base64
import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text

from tutorial_lib.rasters import PathLike

# Inches, dots per inch and points. A notebook scales pictures down to its width: with
# these, text is 15 px high at 1280 px and still 11 px at 800 px.
WIDTH = 10.0
DPI = 120
TEXT_SIZE = 9.5

NO_DATA_STYLE = {"facecolor": "#f6f6f6", "edgecolor": "#cfcfcf", "hatch": "////"}


class LiteralFigure(Figure):
    """A matplotlib figure that shows texts as they are: `$` begins no formula.

    Names of classes and files may hold any sign. matplotlib would read what stands
    between two `$` as a formula, or fail.
    """

    def draw(self, renderer: Any) -> None:
        """Draw the figure."""
        for text in self.findobj(Text):
            text.set_parse_math(False)
        # The numbers of logarithmic axes are formulas of matplotlib's own.
        for axis in (one for ax in self.axes for one in (ax.xaxis, ax.yaxis)):
            for text in axis.findobj(Text):
                text.set_parse_math(text is not axis.label)
        super().draw(renderer)


class StillFigure:
    """A figure that displays itself and describes in words what it shows.

    Args:
        figure: The matplotlib figure.
        description: What it shows, for people who cannot see it.
    """

    def __init__(self, figure: Figure, description: str) -> None:
        self._figure = figure
        self.description = description

    def as_figure(self) -> Figure:
        """The matplotlib figure, to change or to add to."""
        return self._figure

    def savefig(self, target: PathLike | io.BytesIO, **options: Any) -> None:
        """Write an image file; `options` are those of matplotlib's `savefig`."""
        self._figure.savefig(target, **({"dpi": DPI, "bbox_inches": "tight"} | options))

    def __repr__(self) -> str:
        return self.description

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """What Jupyter displays: the image, its alternative text, the description."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        image = base64.b64encode(buffer.getvalue()).decode("ascii")
        return (
            {"image/png": image, "text/plain": self.description},
            {"image/png": {"alt": self.description}},
        )


def no_data_ground(ax: Axes, extent: tuple[float, float, float, float]) -> None:
    """Hatch a rectangle; it shows where the picture above it is transparent."""
    left, right, bottom, top = extent
    size = right - left, top - bottom
    hatched = Rectangle((left, bottom), *size, linewidth=0, zorder=-1, **NO_DATA_STYLE)
    ax.add_patch(hatched)


def swatch(color: tuple[int, int, int], label: str) -> Patch:
    """A legend's entry for a class colour, 0 to 255."""
    face = to_rgb([channel / 255 for channel in color])
    return Patch(facecolor=face, edgecolor="#404040", linewidth=0.5, label=label)


def no_data_swatch() -> Patch:
    """A legend's entry for the hatching."""
    return Patch(linewidth=0.5, label="no data", **NO_DATA_STYLE)
