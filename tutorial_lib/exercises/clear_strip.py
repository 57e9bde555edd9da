"""The strip with the buttons "clear" and "unclear" below a section."""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from tutorial_lib.exercises.feedback import (
    FILE,
    LONGEST_NOTE,
    Answer,
    last_answer,
    save_answer,
)

_FOLDER = Path(__file__).parent
# It looks like the buttons of a question.
_STYLE = "".join(
    (_FOLDER / name).read_text(encoding="utf-8")
    for name in ("buttons.css", "clear.css")
)

__all__ = ["ClearStrip"]


class ClearStrip(anywidget.AnyWidget):
    """Two buttons and a field for a note; `was_clear` makes it.

    Attributes:
        notebook: Name of the notebook.
        section: Heading of the section.
        saved: What is saved: "clear", "unclear", or "" before the first press.
        status: What happened to the last press, for the screen and for screen readers.
    """

    _esm = (_FOLDER / "clear.js").read_text(encoding="utf-8")
    _css = _STYLE

    section = traitlets.Unicode().tag(sync=True)
    saved = traitlets.Enum(("", "clear", "unclear"), "").tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    _note = traitlets.Unicode().tag(sync=True)
    _longest = traitlets.Int(LONGEST_NOTE).tag(sync=True)
    # The last press, with a number: the same press twice is a new one. And the number
    # of the last press that has a status.
    _pressed = traitlets.Dict().tag(sync=True)
    _told = traitlets.Int(0).tag(sync=True)

    def __init__(self, notebook: str, section: str) -> None:
        self.notebook = notebook
        last = last_answer(notebook, section)
        known = {}
        if last is not None:
            known = {"saved": "clear" if last.clear else "unclear", "_note": last.note}
        super().__init__(section=section, **known)

    @traitlets.observe("_pressed")
    def _save(self, change: Any) -> None:
        pressed = change.new
        is_clear, note = pressed["answer"] == "clear", pressed["note"]
        try:
            save_answer(Answer(self.notebook, self.section, is_clear, note))
        except OSError as err:
            why = err.strerror or str(err)
            self.status = (
                f"Not saved: {FILE} could not be written ({why}). Tell your "
                "teacher instead."
            )
        else:
            self.saved = pressed["answer"]
            self.status = "Saved, on this machine only."
        self._told = pressed["number"]

    def __repr__(self) -> str:
        return ""

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget; nothing where it cannot run."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, about = bundle if isinstance(bundle, tuple) else (bundle, {})
        return data | {"text/plain": repr(self)}, about
