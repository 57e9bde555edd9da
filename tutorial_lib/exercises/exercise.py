"""An exercise: one value that holds the question, the code, the check and the hints.

*given*: values of the notebook that a check and a solution need; they are passed by
name and are the keyword-only arguments of the judge. *judge*: the function that looks
at an answer. *mistake*: a wrong answer that learners give, with a hint of its own.
"""

import inspect
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

from tutorial_lib.exercises.attempts import (
    NothingReturnedError,
    describe_error,
    fingerprint,
    has_blank,
    met_blank,
    run_code,
    watch_blanks,
    wrong_kind,
)
from tutorial_lib.exercises.judging import OTHER
from tutorial_lib.exercises.notes import Note

ATTEMPTS_BEFORE_SOLUTION = 3

_BLANK = (
    "Replace the `...` by your own code, then run the cell again. "
    "`ex.{0}.hint()` gives a hint."
)
_NOTHING = "`{0}` gives nothing back. Does it end with `return …`?"
_OTHER = "This is not it yet. Read the question again; `ex.{0}.hint()` helps."


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners give.

    Attributes:
        code: Code that gives this answer, in the place of the solution's.
        hint: What to say to somebody who gave it. Never the right answer.
    """

    code: str
    hint: str

    def __post_init__(self) -> None:
        _unindent(self, code=("code",), prose=("hint",))


@dataclass
class Progress:
    """How far one learner has come with one exercise."""

    failed: set[Hashable] = field(default_factory=set)
    hints_shown: int = 0
    passed: bool = False
    answer: Any = None


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A question with its code, its check and its hints.

    Attributes:
        name: Name in its module, and in the notebook's `ex.name.check(…)`.
        title: Heading of the question.
        question: The question, in Markdown.
        answer_name: Name that the code gives the answer: a value, function or class.
        stub: Code that the learner starts from, with `...` for the blanks.
        solution_code: Code that answers the question.
        judge: Function of the answer and, as keyword-only arguments, of the given
            values. Returns None if the answer is right, a key of `mistakes` if it
            looks like one of them, "other" if it is wrong in another way. It tries
            functions and classes out, with inputs of its own.
        mistakes: Wrong answers by name.
        hints: From a vague one to nearly the solution.
        explanation: What to say with "Right": why it is.
        imports: Import lines that the code needs; the notebook has them too.
        example: Makes given values to test the exercise with.

    Example:
        >>> side = Exercise(
        ...     name="side",
        ...     title="A patch on the ground",
        ...     question="How many metres is the side of the patch?",
        ...     answer_name="side_m",
        ...     stub="side_m = ...",
        ...     solution_code="side_m = 16 * spacing",
        ...     judge=lambda answer, *, spacing: None if answer == 160 else "other",
        ...     mistakes={},
        ...     hints=("How many metres is one pixel?",),
        ... )
        >>> side.check(..., spacing=10).kind
        'not attempted'
        >>> side.check(160, spacing=10)
        ✔ Right · A patch on the ground
    """

    name: str
    title: str
    question: str
    answer_name: str
    stub: str
    solution_code: str
    judge: Callable[..., str | None]
    mistakes: Mapping[str, Mistake]
    hints: tuple[str, ...]
    explanation: str = ""
    imports: str = ""
    example: Callable[[], Mapping[str, Any]] = dict
    _progress: Progress = field(
        default_factory=Progress, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        _unindent(
            self,
            code=("stub", "solution_code", "imports"),
            prose=("question", "explanation"),
        )

    @property
    def given_names(self) -> tuple[str, ...]:
        """Names of the values that `check` and `answer` need beside the answer."""
        arguments = inspect.signature(self.judge).parameters.values()
        return tuple(x.name for x in arguments if x.kind is x.KEYWORD_ONLY)

    def check(self, answer: Any, **given: Any) -> Note:
        """Say whether an answer is right, and if not, what it looks like.

        Args:
            answer: The learner's value, function or class.
            **given: Values of the notebook, by name.

        Returns:
            A note of kind "not attempted", "raised", "wrong" or "right".

        Raises:
            TypeError: If a given value is missing, or has no place here.
        """
        self._require(given, call="check")
        if has_blank(answer):
            return self._note("not attempted", _BLANK.format(self.name))
        problem = wrong_kind(answer, self.solution_code, self.answer_name)
        if problem:
            return self._wrong(answer, problem)
        try:
            with watch_blanks(answer) as watched:
                mistake = self.judge(watched, **given)
        except NothingReturnedError as err:
            return self._wrong(answer, _NOTHING.format(err))
        except Exception as err:
            return self._raised(answer, err)
        if mistake is not None:
            return self._wrong(answer, self._hint_of(mistake))
        self._progress.passed, self._progress.answer = True, answer
        return self._note("right", self.explanation)

    def _wrong(self, answer: Any, text: str) -> Note:
        self._progress.failed.add(fingerprint(answer))
        return self._note("wrong", text)

    def _raised(self, answer: Any, err: Exception) -> Note:
        if met_blank(err):
            return self._note("not attempted", _BLANK.format(self.name))
        self._progress.failed.add(fingerprint(answer))
        return self._note("raised", describe_error(err))

    def _hint_of(self, mistake: str) -> str:
        return (
            _OTHER.format(self.name)
            if mistake == OTHER
            else self.mistakes[mistake].hint
        )

    def hint(self, number: int | None = None) -> Note:
        """The next hint, or the one with this number.

        Args:
            number: 1 is the vaguest; None gives the next one, the last one again when
                there are no more.

        Returns:
            A note of kind "hint".

        Raises:
            ValueError: If there is no hint of this number.
        """
        count = len(self.hints)
        if number is None:
            number = min(self._progress.hints_shown + 1, count)
            self._progress.hints_shown = number
        if not 1 <= number <= count:
            raise ValueError(
                f"Exercise '{self.name}' has no hint {number}. Ask for 1 to {count}."
            )
        return self._note("hint", f"({number} of {count}) {self.hints[number - 1]}")

    def solution(self) -> Note:
        """The solution, once the answer passed or three different ones did not.

        Returns:
            A note of kind "solution", or "locked" with what is missing.
        """
        missing = ATTEMPTS_BEFORE_SOLUTION - len(self._progress.failed)
        if missing <= 0 or self._progress.passed:
            return self._note("solution", code=self.solution_code)
        attempts = "attempt" if missing == 1 else "different attempts"
        return self._note(
            "locked", f"It opens when you pass, or after {missing} more {attempts}."
        )

    def answer(self, **given: Any) -> Any:
        """What the notebook goes on with: the learner's answer once it passed.

        Until then it is the solution's; a printed line says which of the two.

        Args:
            **given: Values of the notebook, by name.

        Returns:
            A value, a function or a class, as `answer_name` says.

        Raises:
            TypeError: If a given value is missing, or has no place here.
        """
        self._require(given, call="answer")
        if self._progress.passed:
            print(f"{self.answer_name}: your own answer")
            return self._progress.answer
        print(f"{self.answer_name}: the kit's reference, until your answer passes")
        return self.run(self.solution_code, **given)

    def run(self, code: str, **given: Any) -> Any:
        """Run code in the place of the solution's.

        Args:
            code: The stub, the solution, or the code of a mistake.
            **given: Values of the notebook, by name.

        Returns:
            What the code calls `answer_name`.
        """
        imported = run_code(self.imports, {}, title=f"imports of {self.name}")
        names = run_code(code, imported | given, title=f"answer to {self.name}")
        return names[self.answer_name]

    def cell(self, *, solved: bool = False) -> str:
        """Code of the notebook's cell: the answer, and the line that checks it.

        Args:
            solved: Give the solution, not the stub.
        """
        code = self.solution_code if solved else self.stub
        arguments = [self.answer_name, *(f"{x}={x}" for x in self.given_names)]
        return f"{code}\n\nex.{self.name}.check({', '.join(arguments)})"

    def _note(self, kind: str, text: str = "", *, code: str = "") -> Note:
        return Note(kind, self.title, text, code)

    def _require(self, given: Mapping[str, Any], *, call: str) -> None:
        if set(given) == set(self.given_names):
            return
        names = ["…"] if call == "check" else []
        names += [f"{x}={x}" for x in self.given_names]
        raise TypeError(
            f"Exercise '{self.name}' was given {sorted(given) or 'nothing'}. Write "
            f"`ex.{self.name}.{call}({', '.join(names)})`."
        )


def _unindent(value: Any, *, code: tuple[str, ...], prose: tuple[str, ...]) -> None:
    """Take the indentation of the source file out of texts and code."""
    for name in code:
        object.__setattr__(value, name, dedent(getattr(value, name)).strip())
    for name in prose:
        object.__setattr__(value, name, inspect.cleandoc(getattr(value, name)))
