"""Buttons to answer a question, in a notebook with a running kernel."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from tutorial_lib.exercises.notes import Note

_FOLDER = Path(__file__).parent

__all__ = ["AnswerWidget", "ChoiceButtons", "LineMover"]


class AnswerWidget(anywidget.AnyWidget):
    """A widget that answers a question; its traits follow the browser.

    Attributes:
        chosen: The answer of the last click: the letters. Empty before.
    """

    _css = (_FOLDER / "buttons.css").read_text(encoding="utf-8")

    chosen = traitlets.Unicode().tag(sync=True)
    _label = traitlets.Unicode().tag(sync=True)
    _options = traitlets.List(traitlets.Dict()).tag(sync=True)
    _note = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        texts: Mapping[str, str],
        judge: Callable[[str], Note],
        invitation: Note,
    ) -> None:
        """Make the buttons.

        Args:
            texts: What can be answered, by letter.
            judge: Keeps an answer, and says whether it is right.
            invitation: What stands in the place of the buttons where there are none.
        """
        self._judge, self._invitation = judge, invitation
        super().__init__(
            _label=invitation.title,
            _options=[{"letter": x, "text": text} for x, text in texts.items()],
        )

    @traitlets.observe("chosen")
    def _show_note(self, change: Any) -> None:
        self._note = self._judge(change["new"])._repr_html_()

    @property
    def kind(self) -> str:
        """Kind of the note that stands for the buttons: not attempted."""
        return self._invitation.kind

    def __repr__(self) -> str:
        return repr(self._invitation)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget; where it cannot run, an invitation to answer in the cell."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, about = bundle if isinstance(bundle, tuple) else (bundle, {})
        return data | {"text/plain": repr(self)}, about


class ChoiceButtons(AnswerWidget):
    """A button for each option of a `Choice`."""

    _esm = (_FOLDER / "choice.js").read_text(encoding="utf-8")


class LineMover(AnswerWidget):
    """The lines of a `LineOrder`, with buttons that move each up and down."""

    _esm = (_FOLDER / "line_order.js").read_text(encoding="utf-8")
