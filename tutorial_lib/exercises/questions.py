"""What `Choice` and `LineOrder` share: questions that need no code.

They are answered with a click or with a short text. The cell that shows the result
calls `reveal`, which shows it after the first answer, right or wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tutorial_lib.exercises.attempts import has_blank
from tutorial_lib.exercises.notes import Note

if TYPE_CHECKING:
    from tutorial_lib.exercises.buttons import AnswerWidget

_WAITING = "Answer the question above first. Any answer will do."
_CLICK = "Press a button below, or write {0} into the cell."
_UNKNOWN = "This is not one of the answers. Write {0}."
_HINT = "Choose one. If it is not right, you learn what to look at."
_OPEN = "The solution is open now: `ex.{0}.solution()`."


@dataclass
class Answers:
    """What one learner has answered to one question.

    Attributes:
        wrong: The wrong answers, without repetitions.
        passed: Whether an answer was right.
        waiting: What to call when the first answer comes.
    """

    wrong: set[str] = field(default_factory=set)
    passed: bool = False
    waiting: list[Callable[[], None]] = field(default_factory=list)

    @property
    def has_any(self) -> bool:
        """Whether there was an answer, right or wrong."""
        return self.passed or bool(self.wrong)

    def add(self, answer: str, *, is_right: bool) -> None:
        """Keep an answer, and show what waited for it."""
        if is_right:
            self.passed = True
        else:
            self.wrong.add(answer)
        waiting, self.waiting = self.waiting, []
        for show in waiting:
            show()


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question that is answered with a click or a short text: the base class.

    Attributes:
        name: Name in its module, and in the notebook's `ex.name.check(answer)`.
        title: Heading of the question.
        question: The question, in Markdown.
        explanation: Why the right answer is right; shown with it.
        minutes: Time that a person needs.
        pairs: Whether it is made for two people.
        vote: Whether a whole room should vote on it.
    """

    name: str
    title: str
    question: str
    explanation: str
    minutes: float = 2
    pairs: bool = False
    vote: bool = False
    _answers: Answers = field(
        default_factory=Answers, init=False, repr=False, compare=False
    )

    @property
    def text(self) -> str:
        """The question with all that can be answered, in Markdown."""
        raise NotImplementedError

    @property
    def form(self) -> str:
        """How an answer is written, as a part of a sentence."""
        raise NotImplementedError

    @property
    def right_answer(self) -> str:
        """The right answer as it is written in the cell."""
        raise NotImplementedError

    @property
    def attempts_before_solution(self) -> int:
        """Different wrong answers after which the solution opens."""
        raise NotImplementedError

    def read(self, answer: Any) -> str | None:
        """The answer in one form; None if it is not one of the possible answers."""
        raise NotImplementedError

    def objection(self, answer: str) -> str:
        """The hint for a wrong answer; empty for a right one."""
        raise NotImplementedError

    def buttons(self) -> "AnswerWidget":
        """A widget to answer with the mouse or the keyboard."""
        raise NotImplementedError

    def check(self, answer: Any = ..., *further: Any) -> "Note | AnswerWidget":
        """Check an answer.

        Args:
            answer: The learner's answer. A blank, `...`, shows buttons to click.
            *further: Further letters, where the answer has several.

        Returns:
            A note of kind "right", "wrong" or "not attempted"; the buttons for a blank.
        """
        answer = [answer, *further] if further else answer
        if has_blank(answer):
            return self.buttons()
        read = self.read(answer)
        if read is None:
            text = _UNKNOWN.format(self.form)
            return Note("not attempted", self.title, text)
        return self.judge(read)

    def judge(self, answer: str) -> Note:
        """Keep an answer that was read, and say whether it is right."""
        objection = self.objection(answer)
        self._answers.add(answer, is_right=not objection)
        if not objection:
            return Note("right", self.title, self.explanation)
        note = Note("wrong", self.title, objection)
        if self._missing_attempts <= 0:
            note = replace(note, text=f"{note.text}\n{_OPEN.format(self.name)}")
        return note

    def reveal(self, thing: Any) -> Any:
        """Show a result after the question was answered, rightly or not.

        Args:
            thing: A figure, a table or a text.

        Returns:
            The thing itself if there was an answer; a text is shown without quotes.
            Otherwise something that says what it waits for, and shows the thing when
            the answer comes.
        """
        from tutorial_lib.exercises.waiting import Plain, Waiting

        thing = Plain(thing) if isinstance(thing, str) else thing
        if self._answers.has_any:
            return thing
        note = Note("waiting", self.title, _WAITING)
        return Waiting(note, thing, self._answers.waiting.append)

    def invitation(self) -> Note:
        """The note that stands for the buttons where there are none."""
        return Note("not attempted", self.title, _CLICK.format(self.form))

    def hint(self) -> Note:
        """Say how to get on; each wrong answer has a hint of its own."""
        return Note("hint", self.title, _HINT)

    def solution(self) -> Note:
        """Give the solution, after the right answer or some wrong ones."""
        missing = self._missing_attempts
        if missing <= 0 or self._answers.passed:
            code = f'answer = "{self.right_answer}"'
            return Note("solution", self.title, self.explanation, code)
        attempts = "answer" if missing == 1 else "different answers"
        text = f"It opens when you are right, or after {missing} more wrong {attempts}."
        return Note("locked", self.title, text)

    def cell(self, *, solved: bool = False) -> str:
        """Code of the notebook's cell: the answer, and the line that checks it."""
        if solved:
            first = f'answer = "{self.right_answer}"'
        else:
            first = f"answer = ...  # {self.form}, or press a button below"
        return f"{first}\n\nex.{self.name}.check(answer)"

    @property
    def _missing_attempts(self) -> int:
        return self.attempts_before_solution - len(self._answers.wrong)
