"""Still figures: a matplotlib figure that shows itself in a notebook, with a text."""

import base64
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text

from tutorial_lib.display import image_tag
from tutorial_lib.freed_memory import give_back_now
from tutorial_lib.notices import error_line
from tutorial_lib.rasters import PathLike
from tutorial_lib.rasters.destinations import check_destination, check_not_input
from tutorial_lib.rasters.files import write_bytes

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

    Attributes:
        inputs: Files that it shows. It is never written onto one of them.
    """

    inputs: tuple[PathLike, ...] = ()

    def savefig(self, fname: PathLike | io.BytesIO, **options: Any) -> None:
        """Write an image file; `options` are those of matplotlib's `savefig`.

        The file has its name only when it is complete.

        Raises:
            TypeError: If `fname` is neither a path nor an open file.
            ValueError: If its ending is not that of an image, if it is a file that the
                figure shows, or if matplotlib does not know the options.
            OSError: If it cannot be written; an older file is kept.
        """
        if hasattr(fname, "write"):
            with _options_named(options):
                super().savefig(fname, **options)
            return
        path = check_destination(fname)
        check_not_input(path, self.inputs)
        ending = path.suffix.lower().removeprefix(".")
        options = {"format": ending} | options
        if options["format"] not in self.canvas.get_supported_filetypes():
            raise ValueError(
                f"'{fname}' has the ending '{path.suffix}', which is not that of an "
                "image. Give a path that ends in .png, .jpg, .pdf or .svg."
            )
        # Drawn into memory first: an error of the disk is then one of writing, while
        # some of matplotlib's formats end in errors of their own if they cannot write.
        drawn = io.BytesIO()
        with _options_named(options):
            super().savefig(drawn, **options)
        write_bytes(path, drawn.getvalue())

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
        inputs: Files that it shows.
    """

    def __init__(
        self, figure: LiteralFigure, description: str, inputs: Iterable[PathLike] = ()
    ) -> None:
        self._figure = figure
        self._figure.inputs = tuple(inputs)
        self.description = description

    def as_figure(self) -> Figure:
        """The matplotlib figure, to change or to add to."""
        return self._figure

    def savefig(self, target: PathLike | io.BytesIO, **options: Any) -> None:
        """Write an image file; `options` are those of matplotlib's `savefig`.

        Raises:
            ValueError: If the ending is not that of an image, or if the target is a
                file that the figure shows.
            OSError: If it cannot be written; an older file is kept.
        """
        self._figure.savefig(target, **({"dpi": DPI, "bbox_inches": "tight"} | options))

    def __repr__(self) -> str:
        return self.description

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """What Jupyter displays: the image with its alternative text.

        JupyterLab drops the text that comes with a plain PNG, so the image is shown as
        HTML. Programs that show no HTML take the PNG, and others the description.
        """
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        image = base64.b64encode(buffer.getvalue()).decode("ascii")
        # matplotlib scales pictures in float32 and in many small arrays.
        give_back_now()
        return (
            {
                "text/html": image_tag(image, self.description),
                "image/png": image,
                "text/plain": self.description,
            },
            {"image/png": {"alt": self.description}},
        )


@contextmanager
def _options_named(options: Mapping[str, Any]) -> Iterator[None]:
    """Raise matplotlib's errors about options of `savefig` as one sentence."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, KeyError) as err:
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise ValueError(
            f"matplotlib cannot write the figure with {given}: {error_line(err)}. Give "
            "options of its `Figure.savefig`, such as dpi=200."
        ) from err


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
