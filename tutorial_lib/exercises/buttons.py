"""Buttons to answer a question, in a notebook with a running kernel."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from tutorial_lib.exercises.notes import Note

if TYPE_CHECKING:
    from tutorial_lib.exercises.choice import Choice
    from tutorial_lib.exercises.line_order import LineOrder
    from tutorial_lib.exercises.questions import Question

_FOLDER = Path(__file__).parent
_STYLE = (_FOLDER / "buttons.css").read_text(encoding="utf-8")

__all__ = ["AnswerWidget", "ChoiceButtons", "LineMover"]


class AnswerWidget(anywidget.AnyWidget):
    """A widget that answers a question; its traits follow the browser.

    Attributes:
        chosen: The answer of the last click: the letters. Empty before.
    """

    _css = _STYLE

    chosen = traitlets.Unicode().tag(sync=True)
    _label = traitlets.Unicode().tag(sync=True)
    _options = traitlets.List(traitlets.Dict()).tag(sync=True)
    _note = traitlets.Unicode().tag(sync=True)

    def __init__(self, question: "Question", texts: dict[str, str]) -> None:
        self._question = question
        super().__init__(
            _label=question.title,
            _options=[{"letter": x, "text": text} for x, text in texts.items()],
        )

    @traitlets.observe("chosen")
    def _judge(self, change: Any) -> None:
        self._note = self._question.judge(change["new"])._repr_html_()

    @property
    def kind(self) -> str:
        """Kind of the note that stands for the buttons: not attempted."""
        return self._question.invitation().kind

    def __repr__(self) -> str:
        return repr(self._question.invitation())

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget; where it cannot run, an invitation to answer in the cell."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, about = bundle if isinstance(bundle, tuple) else (bundle, {})
        return data | {"text/plain": repr(self)}, about


class ChoiceButtons(AnswerWidget):
    """A button for each option of a `Choice`."""

    _esm = (_FOLDER / "choice.js").read_text(encoding="utf-8")

    def __init__(self, choice: "Choice") -> None:
        texts = (Note("hint", "", option.text) for option in choice.options)
        # Names for screen readers have no markup.
        plain = [repr(text).split("\n", 1)[1].replace("`", "") for text in texts]
        super().__init__(choice, dict(zip(choice.letters, plain, strict=True)))


class LineMover(AnswerWidget):
    """The lines of a `LineOrder`, with buttons that move each up and down."""

    _esm = (_FOLDER / "line_order.js").read_text(encoding="utf-8")

    def __init__(self, order: "LineOrder") -> None:
        super().__init__(order, order.labelled_lines)
