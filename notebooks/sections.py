"""The sections of a notebook's source, with the time that each takes a person.

The time is an estimate: reading, a look at each result, and the exercises with the
minutes that they state.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from nbformat import NotebookNode

from tutorial_lib.exercises import Exercise, Question

AnyExercise: TypeAlias = Exercise | Question

# Words that a person reads in a minute, of a technical text in a foreign language.
WORDS_A_MINUTE = 160
# Minutes to run a cell, to look at its result and at its code.
MINUTES_A_CELL = 0.3
OPTIONAL = "Optional:"

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass
class Section:
    """A part of a notebook under one heading.

    Attributes:
        title: The heading; empty for what stands above the first one.
        text: The text, without the questions of the exercises.
        code_cells: Number of code cells that are not exercises.
        exercises: The exercises, in their order.
        late: What a teacher does with the section when time is short; empty if it is
            needed.
    """

    title: str
    text: str = ""
    code_cells: int = 0
    exercises: list[AnyExercise] = field(default_factory=list)
    late: str = ""

    @property
    def is_optional(self) -> bool:
        """Whether the section counts for the time of the notebook."""
        return self.title.startswith(OPTIONAL)

    @property
    def minutes(self) -> float:
        """Minutes of a person who works through the section."""
        reading = len(self.text.split()) / WORDS_A_MINUTE
        looking = self.code_cells * MINUTES_A_CELL
        return reading + looking + sum(one.minutes for one in self.exercises)


def sections_of(
    cells: Iterable[NotebookNode], exercises: Mapping[str, AnyExercise]
) -> list[Section]:
    """The sections of a source.

    Args:
        cells: Cells of the source.
        exercises: Its exercises by name.

    Returns:
        The sections, in their order. The first one is what stands above all headings.
    """
    sections = [Section("")]
    for cell in cells:
        name = cell.metadata.get("exercise")
        if name is not None:
            sections[-1].exercises.append(exercises[name])
        elif cell.cell_type == "markdown":
            for title, text in _parts(cell.source):
                if title:
                    sections.append(Section(title))
                sections[-1].text += f"{text}\n\n"
            sections[-1].late = cell.metadata.get("late", sections[-1].late)
        elif "claim" not in cell.metadata.get("tags", []):
            sections[-1].code_cells += 1
    return sections


def needed_minutes(sections: Iterable[Section]) -> float:
    """Minutes of the sections that are not optional."""
    return sum(one.minutes for one in sections if not one.is_optional)


def split_at_headings(text: str) -> list[str]:
    r"""A Markdown text in parts, each of which begins with a heading of level 2.

    Example:
        >>> split_at_headings("One.\n\n## Two\n\nThree.\n\n## Four")
        ['One.', '## Two\n\nThree.', '## Four']
    """
    starts = [match.start() for match in _HEADING.finditer(text)]
    places = sorted({0, *starts, len(text)})
    parts = [text[a:b].strip() for a, b in pairwise(places)]
    return [part for part in parts if part]


def title_of(text: str) -> str:
    """The heading of level 2 that begins a text, or an empty text."""
    found = _HEADING.match(text)
    return found[1] if found else ""


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Heading and text of each part; the heading of the first may be empty."""
    for part in split_at_headings(text):
        title = title_of(part)
        yield title, part.removeprefix(f"## {title}") if title else part
