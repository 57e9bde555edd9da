"""Results that wait for an answer: shown as soon as the question was answered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tutorial_lib.exercises.notes import Note


@dataclass(frozen=True)
class Plain:
    """A text that a notebook shows without quotes."""

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Waiting:
    """The value of a cell whose result is not shown yet.

    Attributes:
        note: What is shown until then.
        thing: The result.
        wait: Keeps a function to call when the answer comes.
    """

    note: Note
    thing: Any
    wait: Callable[[Callable[[], None]], None]

    def __repr__(self) -> str:
        return repr(self.note)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        # The answer comes while another cell runs, or none. A display with an id can
        # be replaced from there.
        place = display(self.note, display_id=True)
        self.wait(lambda: place.update(self.thing))
