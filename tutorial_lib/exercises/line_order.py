"""`LineOrder`: lines of code that have to be brought into their order."""

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tutorial_lib.exercises.questions import Question

if TYPE_CHECKING:
    from tutorial_lib.exercises.buttons import AnswerWidget

_LETTERS = "abcdefgh"


@dataclass(frozen=True)
class Rule:
    """Two lines of which one has to come before the other.

    Attributes:
        first: Number of the line that comes first, from 0, in the right order.
        second: Number of the line that comes later.
        hint: What somebody reads whose order breaks this rule.
    """

    first: int
    second: int
    hint: str


@dataclass(frozen=True, kw_only=True)
class LineOrder(Question):
    """Lines of code to bring into their order (a Parsons problem).

    Every order that keeps all rules is right.

    Attributes:
        lines: The lines in a right order.
        shown: Numbers of the lines in the order in which learners see them.
        rules: What has to come before what. The hint is that of the first broken rule.

    Example:
        >>> order = LineOrder(
        ...     name="order",
        ...     title="First things first",
        ...     question="Bring the lines into their order.",
        ...     lines=("model = build()", "model.compile()", "model.fit()"),
        ...     shown=(2, 0, 1),
        ...     rules=(
        ...         Rule(0, 1, hint="What is compiled must exist."),
        ...         Rule(1, 2, hint="`fit` needs a loss."),
        ...     ),
        ...     explanation="Build, compile, fit.",
        ... )
        >>> order.check("b a c")
        ✘ Not yet · First things first
        `fit` needs a loss.
        >>> order.check("bca").kind
        'right'
    """

    lines: tuple[str, ...]
    shown: tuple[int, ...]
    rules: tuple[Rule, ...]
    minutes: float = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "question", inspect.cleandoc(self.question))
        object.__setattr__(self, "explanation", inspect.cleandoc(self.explanation))
        count = len(self.lines)
        if sorted(self.shown) != list(range(count)) or count > len(_LETTERS):
            raise ValueError(
                f"The lines of '{self.name}' are shown in the order {self.shown}. Give "
                f"each number from 0 to {count - 1} once, and at most "
                f"{len(_LETTERS)} lines."
            )

    @property
    def letters(self) -> str:
        """The letters of the lines, in the order in which they are shown."""
        return _LETTERS[: len(self.lines)]

    @property
    def labelled_lines(self) -> dict[str, str]:
        """The lines by their letters, as they are shown."""
        lines = (self.lines[number] for number in self.shown)
        return dict(zip(self.letters, lines, strict=True))

    @property
    def text(self) -> str:
        """The question and its lines, in Markdown."""
        lines = "\n".join(f"{x}   {line}" for x, line in self.labelled_lines.items())
        return f"{self.question}\n\n```\n{lines}\n```"

    @property
    def form(self) -> str:
        """How an answer is written, as a part of a sentence."""
        return f'the letters in their order, like "{" ".join(self.letters)}"'

    @property
    def right_answer(self) -> str:
        """The letters in a right order."""
        letters = (self.letters[self.shown.index(n)] for n in range(len(self.lines)))
        return " ".join(letters)

    @property
    def attempts_before_solution(self) -> int:
        """As many as for an exercise with code."""
        return 3

    def read(self, answer: Any) -> str | None:
        """The letters of an answer in its order; None unless each is there once."""
        if isinstance(answer, list | tuple):
            answer = " ".join(map(str, answer))
        if not isinstance(answer, str):
            return None
        letters = re.sub(r"[\s,;.>-]", "", answer.lower())
        return letters if sorted(letters) == list(self.letters) else None

    def objection(self, answer: str) -> str:
        """The hint of the first rule that an order breaks; empty for a right order."""
        order = [self.shown[self.letters.index(letter)] for letter in answer]
        broken = (
            rule.hint
            for rule in self.rules
            if order.index(rule.first) > order.index(rule.second)
        )
        return next(broken, "")

    def buttons(self) -> "AnswerWidget":
        """A list of the lines, with buttons that move them."""
        from tutorial_lib.exercises.buttons import LineMover

        return LineMover(self.labelled_lines, self.judge, self.invitation())
