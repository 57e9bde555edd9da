"""`Choice`: a question with options. Each wrong one is a misconception with a hint."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Number
from typing import TYPE_CHECKING, Any

from tutorial_lib.exercises.judging import close
from tutorial_lib.exercises.notes import plain_text
from tutorial_lib.exercises.questions import Question

if TYPE_CHECKING:
    from tutorial_lib.exercises.buttons import AnswerWidget

_LETTERS = "abcde"
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Option:
    """One of the answers to a `Choice`.

    Attributes:
        text: The answer, in Markdown.
        hint: What somebody reads who chose this wrong answer: what to look at, without
            the right answer. Empty for the right option.
        value: The number in the text, where a test computes the right one.
    """

    text: str
    hint: str = ""
    value: float | None = None


@dataclass(frozen=True, kw_only=True)
class Choice(Question):
    """A question with options, of which one is right.

    Attributes:
        options: The options, in the order of their letters, from a on.
        key: Where the options are numbers: function without arguments that computes the
            right one. The tests compare it with the `value` of each option.

    Example:
        >>> side = Choice(
        ...     name="side",
        ...     title="A patch on the ground",
        ...     question="How long is the side of 16 pixels of 10 m?",
        ...     options=(
        ...         Option("16 m", hint="How many metres is one pixel?"),
        ...         Option("160 m"),
        ...     ),
        ...     explanation="16 pixels times 10 m.",
        ... )
        >>> side.check("a")
        ✘ Not yet · A patch on the ground
        How many metres is one pixel?
        The solution is open now: `ex.side.solution()`.
        >>> side.check("b")
        ✔ Right · A patch on the ground
        16 pixels times 10 m.
    """

    options: tuple[Option, ...]
    key: Callable[[], float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "question", inspect.cleandoc(self.question))
        object.__setattr__(self, "explanation", inspect.cleandoc(self.explanation))
        right = sum(not option.hint for option in self.options)
        if not 2 <= len(self.options) <= len(_LETTERS) or right != 1:
            raise ValueError(
                f"The choice '{self.name}' has {len(self.options)} options, of which "
                f"{right} have no hint. Give 2 to {len(_LETTERS)} options, and a hint "
                "to each but the right one."
            )

    @property
    def letters(self) -> str:
        """The letters of the options."""
        return _LETTERS[: len(self.options)]

    @property
    def text(self) -> str:
        """The question and its options, in Markdown."""
        pairs = zip(self.letters, self.options, strict=True)
        lines = [f"- **{letter}** · {option.text}" for letter, option in pairs]
        return f"{self.question}\n\n" + "\n".join(lines)

    @property
    def form(self) -> str:
        """How an answer is written, as a part of a sentence."""
        *first, last = (f'"{letter}"' for letter in self.letters)
        return f"{', '.join(first)} or {last}"

    @property
    def right_answer(self) -> str:
        """The letter of the right option."""
        pairs = zip(self.letters, self.options, strict=True)
        return next(letter for letter, option in pairs if not option.hint)

    @property
    def attempts_before_solution(self) -> int:
        """With two options, the first wrong answer leaves nothing to find."""
        return min(2, len(self.options) - 1)

    def read(self, answer: Any) -> str | None:
        """The letter of an answer: a letter, the text of an option, or its number."""
        pairs = list(zip(self.letters, self.options, strict=True))
        if isinstance(answer, str):
            text = answer.strip().strip(".").lower()
            found = re.fullmatch(rf"\W*([{self.letters}])\W*", text)
            same = (letter for letter, one in pairs if text in _forms(one.text))
            letter = found[1] if found else next(same, None)
            # A number in quotes, as in "64" or "64)".
            text = text.strip("()")
            if letter or not _NUMBER.fullmatch(text):
                return letter
            answer = float(text)
        if isinstance(answer, Number) and not isinstance(answer, bool):
            values = {x: one.value for x, one in pairs if one.value is not None}
            return next((x for x in values if close(answer, values[x])), None)
        return None

    def objection(self, answer: str) -> str:
        """The hint for a wrong letter; empty for the right one."""
        return self.options[self.letters.index(answer)].hint

    def buttons(self) -> "AnswerWidget":
        """A row of buttons, one for each option."""
        from tutorial_lib.exercises.buttons import ChoiceButtons

        # Names for screen readers have no markup.
        plain = (plain_text(option.text) for option in self.options)
        texts = dict(zip(self.letters, plain, strict=True))
        return ChoiceButtons(texts, self.judge, self.invitation())


def _forms(text: str) -> set[str]:
    """The text of an option, as it may be written: with and without markup."""
    forms = (text, re.sub("[*`]", "", text))
    return {one.strip().strip(".").lower() for one in forms}
