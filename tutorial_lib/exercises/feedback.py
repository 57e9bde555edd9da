"""Answers to "Was this section clear?": written, read, and summed up.

They are lines of JSON in `feedback.jsonl`, in the folder `work` of `data`, on the
learner's machine. The file holds no name, and nothing is sent. Learners hand it in if
they want to.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tutorial_lib.display import counted, text_table
from tutorial_lib.machine import find_work_folder
from tutorial_lib.notices import warn

FILE = "feedback.jsonl"
# Characters of a note: about two sentences.
LONGEST_NOTE = 200
# Lines of a file that are named if they are damaged.
MOST_NAMED = 10

__all__ = [
    "FILE",
    "LONGEST_NOTE",
    "Answer",
    "Feedback",
    "last_answer",
    "read_feedback",
    "save_answer",
]


@dataclass(frozen=True)
class Answer:
    """What a learner says about a section.

    Attributes:
        notebook: Name of the notebook, such as "04_early_stopping".
        section: Heading of the section.
        clear: Whether it was clear.
        note: A sentence about it; may be empty.
    """

    notebook: str
    section: str
    clear: bool
    note: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """Notebook and section."""
        return self.notebook, self.section


def save_answer(answer: Answer) -> Path:
    """Add an answer to the file of this machine.

    Returns:
        Path of the file.

    Raises:
        OSError: If it cannot be written; earlier answers are kept.
    """
    content = {
        "notebook": answer.notebook,
        "section": answer.section,
        "clear": answer.clear,
        "note": _plain(answer.note)[:LONGEST_NOTE],
        # Local time, to the minute: the zone would tell where somebody is.
        "time": datetime.now().isoformat(timespec="minutes"),
    }
    line = f"{json.dumps(content, ensure_ascii=False)}\n".encode()
    path = find_work_folder() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    # Unbuffered: a full disk is told here, and half a line is taken back.
    with path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        try:
            written = file.write(line)
            if written != len(line):
                raise OSError(f"Only {written} of {len(line)} bytes were written.")
        except OSError:
            file.truncate(before)
            raise
    return path


def _plain(text: str) -> str:
    """A text in one line, without signs that would steer a terminal."""
    return "".join(x if x.isprintable() else " " for x in text).strip()


def last_answer(notebook: str, section: str) -> Answer | None:
    """What was answered for a section on this machine; None if nothing was."""
    path = find_work_folder() / FILE
    try:
        answers = [one for one in _answers(path) if isinstance(one, Answer)]
    except OSError:
        return None
    ours = [one for one in answers if one.place == (notebook, section)]
    return ours[-1] if ours else None


@dataclass(frozen=True)
class Feedback:
    """The answers of several learners, displayed as a table by notebook and section.

    Attributes:
        learners: How many files were read.
        answers: The last answer of each learner to each section.
    """

    learners: int
    answers: tuple[Answer, ...]

    def rows(self) -> list[tuple[str, str, int, int]]:
        """Notebook, section, how many found it clear, and how many did not."""
        # In the order of the answers, which is that of the sections.
        places = dict.fromkeys(one.place for one in self.answers)
        ordered = sorted(places, key=lambda place: place[0])
        said = {
            place: [one.clear for one in self.answers if one.place == place]
            for place in ordered
        }
        return [(*place, sum(x), len(x) - sum(x)) for place, x in said.items()]

    def __repr__(self) -> str:
        files = counted(self.learners, "file")
        if not self.answers:
            return f"There are no answers in {files}."
        rows = [
            (f"{notebook} · {section}", clear, unclear)
            for notebook, section, clear, unclear in self.rows()
        ]
        table = text_table(rows, ("section", "clear", "unclear"))
        notes = [
            f"{one.notebook} · {one.section} ({'' if one.clear else 'un'}clear): "
            f"{one.note}"
            for one in sorted(self.answers, key=lambda one: one.notebook)
            if one.note
        ]
        parts = [
            f"Answers in {files}",
            table,
            *(["\n".join(["Notes", *notes])] if notes else []),
        ]
        return "\n\n".join(parts)


def read_feedback(paths: Iterable[Path]) -> Feedback:
    """Read the files of several learners. Lines that are damaged are named and skipped.

    Args:
        paths: A file for each learner, or folders with such files. In a file, a later
            answer to the same section replaces an earlier one.

    Raises:
        OSError: If a file cannot be read, or a folder holds no such file.

    Example:
        >>> from tutorial_lib.testing import scratch_folder
        >>> path = scratch_folder() / "feedback.jsonl"
        >>> answer = {"notebook": "01", "section": "Patches", "clear": True}
        >>> _ = path.write_text(json.dumps(answer))
        >>> read_feedback([path])
        Answers in 1 file
        <BLANKLINE>
        section       clear  unclear
        01 · Patches      1        0
    """
    # A file that is given twice is still one learner.
    files = {one.resolve(): one for path in paths for one in _files(Path(path))}
    answers = [one for path in files.values() for one in _of_learner(path)]
    return Feedback(len(files), tuple(answers))


def _files(path: Path) -> list[Path]:
    """The files of a folder; a file by itself."""
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.jsonl"))
    if not found:
        raise FileNotFoundError(
            f"'{path}' holds no file that ends in .jsonl. Put the learners' files into "
            "it."
        )
    return found


def _of_learner(path: Path) -> list[Answer]:
    """The last answer to each section; the lines that hold none are named."""
    found, wrong = {}, {}
    for number, one in enumerate(_answers(path), 1):
        if isinstance(one, Answer):
            found[one.place] = one
        elif one:
            wrong[number] = one
    if wrong:
        numbers = ", ".join(map(str, [*wrong][:MOST_NAMED]))
        more = f" and {len(wrong) - MOST_NAMED} more" * (len(wrong) > MOST_NAMED)
        warn(
            f"'{path}': {next(iter(wrong.values()))} in line {next(iter(wrong))}. "
            f"{counted(len(wrong), 'line is', 'lines are')} left out: {numbers}{more}."
        )
    return list(found.values())


def _answers(path: Path) -> Iterator[Answer | str]:
    """The answer in each line of a file, or what is wrong with the line."""
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    except OSError as err:
        raise type(err)(
            f"'{path}' cannot be read: {err.strerror}. Give the file feedback.jsonl "
            "from the folder data/work of a learner."
        ) from err
    for line in lines:
        yield _answer(line) if line.strip() else ""


def _answer(line: bytes) -> Answer | str:
    try:
        content = json.loads(line.decode())
    # RecursionError: JSON of very many brackets.
    except (ValueError, RecursionError):
        return "there is no JSON"
    if not isinstance(content, dict):
        return "there is no answer"
    texts = [content.get(name, "") for name in ("notebook", "section", "note")]
    if not all(isinstance(text, str) for text in texts) or not all(texts[:2]):
        return "`notebook`, `section` or `note` is not a text"
    if not isinstance(content.get("clear"), bool):
        return "`clear` is neither true nor false"
    notebook, section, note = map(_plain, texts)
    return Answer(notebook, section, content["clear"], note[:LONGEST_NOTE])
