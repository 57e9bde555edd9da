"""What explorers share: controls, a picture that follows them, and its still form.

What is typed or moved in the browser arrives in a thread of its own, also while a cell
runs. So a picture is drawn from the state alone, one at a time, and never by pyplot.
"""

import io
import operator
import threading
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets
from matplotlib.figure import Figure

# Inches; smaller than a still figure, so that its text stays large on small screens.
WIDTH = 8.4

# As many pixels as a notebook has on a screen of 1280: more would cost time.
LIVE_DPI = 104

# Characters of a line of words below a still picture.
LINE = 100

# One picture at a time, of all explorers: matplotlib is not made for several threads.
_DRAWING = threading.RLock()

_FOLDER = Path(__file__).parent

__all__ = [
    "LINE",
    "WIDTH",
    "Attendant",
    "Explorer",
    "controls_row",
    "picture",
    "png",
    "slider",
    "whole_number",
    "words",
]


class Attendant(anywidget.AnyWidget):
    """Not seen itself: it keeps keys from JupyterLab, and names what it stands beside.

    With the focus on a slider, JupyterLab would take the letter x for "cut this cell".

    Attributes:
        description: Alternative text of the picture.
    """

    _esm = (_FOLDER / "attendant.js").read_text()
    _css = (_FOLDER / "explorer.css").read_text()

    description = traitlets.Unicode().tag(sync=True)


class Explorer(ipywidgets.VBox):
    """Controls, a picture, and words about it.

    A subclass has a trait for each setting, and calls `follow` with their names when
    its controls are made. It defines `show_state`, which brings words and buttons up to
    date and gives the picture without the words, and `still`, which gives picture and
    words for where there is no browser or no kernel.
    """

    def __init__(
        self,
        above: Sequence[ipywidgets.Widget],
        below: Sequence[ipywidgets.Widget] = (),
        **state: Any,
    ) -> None:
        self._picture = picture()
        self._attendant = Attendant()
        children = (*above, self._picture, *below, self._attendant)
        super().__init__(children=children, **state)
        self.add_class("kit-explorer")

    def follow(self, *settings: str) -> None:
        """Draw now, and whenever one of the settings changes."""
        self.observe(self._redraw, names=settings)
        self._redraw()

    def _redraw(self, _: Any = None) -> None:
        # Whoever comes last draws last, from what is set by then.
        with _DRAWING:
            still = self.show_state()
            self._picture.value = png(still.as_figure())
            self._attendant.description = still.description

    def as_figure(self) -> Figure:
        """The picture for the present settings, with its words, as a figure."""
        with _DRAWING:
            return self.still().as_figure()

    def __repr__(self) -> str:
        return self.still().description

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and a picture for where no widgets run."""
        bundle = super()._repr_mimebundle_(**kwargs)
        with _DRAWING:
            picture, about = self.still()._repr_mimebundle_()
        # ipywidgets would cut the words off after 110 characters.
        return bundle | picture, about


def picture(figure: Figure | None = None) -> ipywidgets.Image:
    """A place for a picture."""
    image = ipywidgets.Image(format="png")
    if figure is not None:
        image.value = png(figure)
    return image


def png(figure: Figure) -> bytes:
    """The whole figure: cut to what is drawn, it would change its size on the way."""
    buffer = io.BytesIO()
    # Twice as fast, for a tenth more bytes.
    figure.savefig(buffer, format="png", dpi=LIVE_DPI, pil_kwargs={"compress_level": 1})
    return buffer.getvalue()


def controls_row(
    *controls: ipywidgets.Widget, kind: str = "kit-controls"
) -> ipywidgets.Box:
    """Controls beside each other, as many as there is room for."""
    row = ipywidgets.Box(controls)
    row.add_class(kind)
    return row


def slider(name: str, value: int, low: int, high: int) -> ipywidgets.IntSlider:
    """A slider that steps by one, with a number that can be typed into."""
    return ipywidgets.IntSlider(
        value, min=low, max=high, description=name, style={"description_width": "auto"}
    )


def whole_number(name: str, value: Any, unit: str) -> int:
    """The value of an argument, which must be a whole number.

    Raises:
        TypeError: If it is none.

    Example:
        >>> whole_number("chunk", 64, "pixels")
        64
    """
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"`{name}` is a whole number of {unit}, not {value!r}."
        ) from None


def words(good: bool | None, title: str, sentences: Sequence[str]) -> str:
    """A verdict and what it rests on, as HTML; the mark does not rest on colour."""
    kind = {True: "kit-yes", False: "kit-no", None: "kit-plain"}[good]
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    listed = f"<ul>{items}</ul>" if items else ""
    return (
        f'<div class="kit-words" aria-live="polite"><b class="{kind}">'
        f"{escape(title)}</b>{listed}</div>"
    )
