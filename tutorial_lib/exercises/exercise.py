"""An exercise: an object that holds a question, its code, its check and its hints.

*given values*: values of the notebook that a check and a solution need. They are passed
by name, and are the keyword-only arguments of the judge. *judge*: function that decides
whether an answer is right. *mistake*: a common wrong answer, with its own hint.
"""

import inspect
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from textwrap import dedent
from typing import Any

from tutorial_lib.exercises.attempts import (
    NothingReturnedError,
    as_function,
    comes_from_blank,
    file_of,
    fingerprint,
    has_blank,
    has_blank_in_code,
    run_code,
    stop_at_blanks,
    wrong_kind,
)
from tutorial_lib.exercises.errors import describe_error
from tutorial_lib.exercises.findings import CallFailedError, Finding
from tutorial_lib.exercises.judging import (
    OTHER,
    as_needed,
    is_unusual,
    is_whole_float,
    plain,
)
from tutorial_lib.exercises.notes import Note

ATTEMPTS_BEFORE_SOLUTION = 3

_BLANK = (
    "Replace the `...` by your own code, then run the cell again. "
    "`ex.{0}.hint()` gives a hint."
)
_OTHER = "This is not it yet. Read the question again; `ex.{0}.hint()` helps."
_ONE_ANSWER = "Give one answer, as in `{0}`. Several values are a tuple, `(…, …)`."
_NOTHING_GIVEN = object()
_OPEN = "The solution is open now: `ex.{0}.solution()`."


@dataclass(frozen=True)
class Mistake:
    """A common wrong answer.

    Attributes:
        code: Code that gives this answer; it replaces the solution in the tests.
        hint: What the learner reads. It never contains the right answer.
    """

    code: str
    hint: str

    def __post_init__(self) -> None:
        _unindent(self, code=("code",), prose=("hint",))


@dataclass
class Progress:
    """What one learner has done in one exercise.

    Attributes:
        failed: Fingerprints of the wrong answers.
        hints_shown: Number of the last hint that was shown.
        passed: Whether an answer was right.
        answer: The last right answer.
    """

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
        answer_name: Name of the answer in the code: a value, function or class.
        stub: Code that the learner starts with; it has `...` for the blanks.
        solution_code: Code that answers the question.
        judge: Function of the answer and, as keyword-only arguments, of the given
            values. It calls functions and classes with its own inputs. It returns None
            if the answer is right, and the key in `mistakes` if it looks like a common
            mistake. If the answer is wrong in another way, it returns a `Finding` with
            a counter-example, or "other".
        mistakes: Common wrong answers by name.
        hints: Hints in order: the first is vague, the last is nearly the solution.
        explanation: Why the right answer is right; shown after a pass.
        imports: Import lines that the code needs; the notebook has them too.
        example: Function that makes given values for the tests.
        minutes: Time that a person needs who does this for the first time.
        pairs: Whether it is made for two people.

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
    judge: Callable[..., str | Finding | None]
    mistakes: Mapping[str, Mistake]
    hints: tuple[str, ...]
    explanation: str = ""
    imports: str = ""
    example: Callable[[], Mapping[str, Any]] = dict
    minutes: float = 4
    pairs: bool = False
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
        """Names of the given values that `check` and `answer` need."""
        arguments = inspect.signature(self.judge).parameters.values()
        return tuple(x.name for x in arguments if x.kind is x.KEYWORD_ONLY)

    def check(self, answer: Any = _NOTHING_GIVEN, *further: Any, **given: Any) -> Note:
        """Check an answer, and choose the hint that fits a wrong one.

        An answer that still contains a blank is not attempted, and not counted as an
        attempt, unless it is right.

        Args:
            answer: The learner's value, function or class.
            *further: Not allowed: several values are one answer, a tuple.
            **given: Given values by name.

        Returns:
            A note of kind "not attempted", "raised", "wrong" or "right".

        Raises:
            TypeError: If a given value is missing or unknown.
        """
        if answer is _NOTHING_GIVEN or further:
            line = self._line("check", self.answer_name)
            return self._note("not attempted", _ONE_ANSWER.format(line))
        self._check_given(given, call="check")
        answer = plain(answer)
        note = self._assess(answer, given)
        if note.kind == "right":
            self._progress.passed, self._progress.answer = True, answer
        elif note.kind == "not attempted" or has_blank_in_code(answer):
            return self._note("not attempted", _BLANK.format(self.name))
        else:
            self._progress.failed.add(fingerprint(answer))
            if self._missing_attempts <= 0:
                return replace(note, text=f"{note.text}\n{_OPEN.format(self.name)}")
        return note

    def _assess(self, answer: Any, given: Mapping[str, Any]) -> Note:
        """The note about an answer."""
        if has_blank(answer):
            return self._note("not attempted")
        problem = wrong_kind(answer, self.solution_code, self.answer_name)
        if problem:
            return self._note("wrong", problem)
        changing: list[str] = []
        try:
            judged = as_function(answer, self.solution_code, self.answer_name)
            judged = stop_at_blanks(judged, self.answer_name, changing.append)
            found = self.judge(judged, **given)
        except NothingReturnedError as err:
            return self._note("wrong", err.advice)
        # Any exception: the answer is the learner's own code.
        except Exception as err:
            if comes_from_blank(err):
                return self._note("not attempted")
            return self._note_on_error(err, file_of(answer))
        if found is None and not changing:
            return self._note("right", self.explanation)
        # The mistake of this name says itself that values are changed.
        told = [] if found == "in place" else changing[:1]
        return self._note("wrong", "\n".join([self._sentence(found), *told]))

    def _sentence(self, found: str | Finding | None) -> str:
        """What the learner reads about a wrong answer."""
        if found is None:
            return "The results are right."
        if isinstance(found, Finding):
            return str(found)
        return _OTHER.format(self.name) if found == OTHER else self.mistakes[found].hint

    def _note_on_error(self, error: Exception, file: str) -> Note:
        call = ""
        if isinstance(error, CallFailedError):
            call, error = error.call, error.__cause__
        text, folded = describe_error(error, call=call, file=file)
        return self._note("raised", text, folded=folded)

    def hint(self, number: int | None = None) -> Note:
        """Give the next hint, or the hint with a number.

        Args:
            number: Number of the hint, from 1 on. None gives the next hint, or the last
                one again after all were shown.

        Returns:
            A note of kind "hint".

        Raises:
            ValueError: If there is no hint with this number.
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
        """Give the solution, after a right answer or three different wrong ones.

        Returns:
            A note of kind "solution"; before that, one of kind "locked" that says how
            many attempts are missing.
        """
        missing = self._missing_attempts
        if missing <= 0 or self._progress.passed:
            return self._note("solution", code=self.solution_code)
        attempts = "attempt" if missing == 1 else "different attempts"
        text = f"It opens when you pass, or after {missing} more {attempts}."
        return self._note("locked", text)

    def answer(self, **given: Any) -> Any:
        """Give the answer that the rest of the notebook uses.

        This is the learner's own answer after it passed, and before that the answer of
        the solution. A printed line says which of the two.

        Args:
            **given: Given values by name.

        Returns:
            The value, function or class that the code calls `answer_name`.

        Raises:
            TypeError: If a given value is missing or unknown.
        """
        self._check_given(given, call="answer")
        if self._progress.passed:
            print(f"{self.answer_name}: your own answer")
            own = self._progress.answer
            if not is_whole_float(own) and not is_unusual(own):
                return own
            # The notebook may count with it, or use it as an index.
            return as_needed(own, self.run(self.solution_code, **given))
        print(f"{self.answer_name}: the kit's reference, until your answer passes")
        return self.run(self.solution_code, **given)

    def run(self, code: str, **given: Any) -> Any:
        """Run code and return the answer that it makes.

        Args:
            code: The stub, the solution, or the code of a mistake.
            **given: Given values by name.

        Returns:
            The value, function or class that the code calls `answer_name`.
        """
        imported = run_code(self.imports, {}, title=f"imports of {self.name}")
        names = run_code(code, imported | given, title=f"answer to {self.name}")
        return names[self.answer_name]

    def cell(self, *, solved: bool = False) -> str:
        """Code of the notebook's cell: the stub, and the line that checks it.

        Args:
            solved: Use the solution instead of the stub.
        """
        code = self.solution_code if solved else self.stub
        return f"{code}\n\n{self._line('check', self.answer_name)}"

    def _line(self, call: str, *first: str) -> str:
        """Code that calls a method with all given values."""
        arguments = ", ".join([*first, *(f"{x}={x}" for x in self.given_names)])
        return f"ex.{self.name}.{call}({arguments})"

    @property
    def _missing_attempts(self) -> int:
        """Different wrong attempts that are missing before the solution opens."""
        return ATTEMPTS_BEFORE_SOLUTION - len(self._progress.failed)

    def _note(
        self, kind: str, text: str = "", code: str = "", folded: str = ""
    ) -> Note:
        return Note(kind, self.title, text, code, folded)

    def _check_given(self, given: Mapping[str, Any], *, call: str) -> None:
        if set(given) == set(self.given_names):
            return
        line = self._line(call, *["…"] * (call == "check"))
        received = ", ".join(sorted(given)) or "none"
        raise TypeError(
            f"Exercise '{self.name}' needs other given values. Received: {received}. "
            f"Write `{line}`."
        )


def _unindent(value: Any, *, code: tuple[str, ...], prose: tuple[str, ...]) -> None:
    """Remove the indentation that code and prose have in the source file."""
    for name in code:
        object.__setattr__(value, name, dedent(getattr(value, name)).strip())
    for name in prose:
        object.__setattr__(value, name, inspect.cleandoc(getattr(value, name)))
