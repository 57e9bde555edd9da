"""What the explorers share: controls, a picture that follows them, a verdict in words.

A control that is moved in the browser sets a trait in a thread of its own, also while
a cell runs. So pictures are drawn from the traits alone, one at a time, without pyplot.
"""

import io
import textwrap
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorial_lib.display import escaped
from tutorial_lib.rasters import PathLike
from tutorial_lib.viewers.figures import TEXT_SIZE, LiteralFigure, StillFigure

# Inches; narrower than a still figure, so that its text stays large on small screens.
WIDTH = 8.4

# Gives the 874 pixels that a notebook has on a screen of 1280; more would cost time.
LIVE_DPI = 104

# Below a still picture: characters of a line of words, and its height in inches.
LINE_CHARACTERS, LINE_HEIGHT = 100, 0.19

INK = "#303030"

# One picture at a time, of all explorers: matplotlib is not made for several threads.
_DRAWING = threading.RLock()

_FOLDER = Path(__file__).parent

__all__ = [
    "INK",
    "WIDTH",
    "Explorer",
    "Sheet",
    "Summary",
    "dropdown",
    "slider",
]


class Accessibility(anywidget.AnyWidget):
    """Invisible widget: stops JupyterLab's shortcuts and describes its neighbours.

    With the focus on a slider, JupyterLab would take the letter x for "cut this cell".

    Attributes:
        description: Alternative text of the picture.
        steps: Step of a slider from its smallest value, by its label. Numbers between
            the steps can still be typed, or set in Python: a step of ipywidgets' own
            would round them.
    """

    _esm = (_FOLDER / "accessibility.js").read_text()
    _css = (_FOLDER / "explorer.css").read_text()

    description = traitlets.Unicode().tag(sync=True)
    steps = traitlets.Dict().tag(sync=True)


@dataclass(frozen=True)
class Summary:
    """What an explorer says about its settings.

    Attributes:
        title: The verdict in one line.
        sentences: The reasons for it.
        good: True is marked with a tick, False with a cross, None with neither.
    """

    title: str
    sentences: tuple[str, ...] = ()
    good: bool | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """Title and sentences."""
        return self.title, *self.sentences

    @property
    def html(self) -> str:
        """Title and sentences as HTML; the mark is a sign, not only a colour."""
        kind = {True: "kit-yes", False: "kit-no", None: "kit-plain"}[self.good]
        items = "".join(f"<li>{escaped(sentence)}</li>" for sentence in self.sentences)
        listed = f"<ul>{items}</ul>" if items else ""
        return f'<b class="{kind}">{escaped(self.title)}</b>{listed}'


class Explorer(ipywidgets.VBox):
    """A row of controls, a verdict in words, and a picture.

    A subclass has a trait for each control, and defines `summary` and `draw`.

    Args:
        controls: The controls by the name of the trait that each one sets.
        **settings: First values of the traits; they are set in this order.

    Attributes:
        controls: As above.
        picture: The widget that shows the picture.
        inputs: Files that it shows, which its figure is never written onto.
    """

    inputs: tuple[PathLike, ...] = ()

    def __init__(
        self, controls: Mapping[str, ipywidgets.Widget], **settings: Any
    ) -> None:
        self.controls = dict(controls)
        self.picture = ipywidgets.Image(format="png")
        self._words = ipywidgets.HTML()
        self._words.add_class("kit-words")
        self._accessibility = Accessibility()
        self._drawn: tuple[Any, ...] | None = None
        row = ipywidgets.Box(tuple(self.controls.values()))
        row.add_class("kit-controls")
        super().__init__((row, self._words, self.picture, self._accessibility))
        self.add_class("kit-explorer")
        # Before the links: a slider would cut off a value beyond its end.
        self.observe(self._extend_slider, [*self.controls])
        for name, value in settings.items():
            setattr(self, name, value)
        for name, control in self.controls.items():
            traitlets.link((self, name), (control, "value"))
        self.observe(self._redraw, [*self.controls])
        self._redraw()

    def summary(self) -> Summary:
        """The words for the present settings."""
        raise NotImplementedError

    def draw(self, words: Sequence[str] = ()) -> Figure:
        """The picture for the present settings, with the given words below it."""
        raise NotImplementedError

    def _extend_slider(self, change: Any) -> None:
        """Make a slider long enough for a value that is set in Python."""
        control = self.controls[change.name]
        if getattr(control, "max", change.new) < change.new:
            control.max = change.new
        if getattr(control, "min", change.new) > change.new:
            control.min = change.new

    def _redraw(self, _: Any = None) -> None:
        # A thread that had to wait draws the settings of now, not those it came with.
        with _DRAWING:
            settings = tuple(getattr(self, name) for name in self.controls)
            if settings == self._drawn:
                return
            summary = self.summary()
            self.picture.value = _png(self.draw())
            self._words.value = summary.html
            self._accessibility.description = " ".join(summary.lines)
            self._drawn = settings

    def _still(self) -> StillFigure:
        with _DRAWING:
            lines = self.summary().lines
            return StillFigure(self.draw(lines), " ".join(lines), self.inputs)

    def as_figure(self) -> Figure:
        """The picture for the present settings, with its words, as a figure."""
        return self._still().as_figure()

    def __repr__(self) -> str:
        return " ".join(self.summary().lines)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and a picture for pages on which widgets do not run."""
        bundle = super()._repr_mimebundle_(**kwargs)
        with _DRAWING:
            picture, metadata = self._still()._repr_mimebundle_()
        # ipywidgets cut a plain text off after 110 characters; this one is whole.
        return bundle | picture, metadata


class Sheet:
    """A figure with places in inches, counted from its top left corner.

    What is drawn keeps its place while a slider moves, and the words of a still picture
    make the figure longer at the bottom.

    Args:
        height: Inches of the picture.
        words: Sentences below it.
    """

    def __init__(self, height: float, words: Sequence[str] = ()) -> None:
        lines = [
            line for text in words for line in textwrap.wrap(text, LINE_CHARACTERS)
        ]
        self.height = height + (0.1 + LINE_HEIGHT * len(lines) if lines else 0)
        self.figure = LiteralFigure(figsize=(WIDTH, self.height), facecolor="white")
        style = {"fontsize": TEXT_SIZE, "color": INK}
        self.figure.text(0.012, 0.08 / self.height, "\n".join(lines), **style)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """New axes at a place of the sheet."""
        bottom = 1 - (top + height) / self.height
        place = left / WIDTH, bottom, width / WIDTH, height / self.height
        return self.figure.add_axes(place)


def _png(figure: Figure) -> bytes:
    """The figure as a PNG, uncropped: so its size does not change with a slider."""
    buffer = io.BytesIO()
    # Level 1 takes half the time of the default, and a tenth more bytes.
    figure.savefig(buffer, format="png", dpi=LIVE_DPI, pil_kwargs={"compress_level": 1})
    return buffer.getvalue()


def slider(name: str, low: int, high: int) -> ipywidgets.IntSlider:
    """A slider over whole numbers, with a field to type into."""
    style = {"description_width": "auto"}
    return ipywidgets.IntSlider(low, min=low, max=high, description=name, style=style)


def dropdown(name: str, options: Sequence[Any]) -> ipywidgets.Dropdown:
    """A list to choose from."""
    return ipywidgets.Dropdown(options=tuple(options), description=name)
