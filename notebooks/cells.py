"""Make the cells of a notebook: texts, exercises, and "was this section clear?"."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lint import CHECKED, CLAIM, CLEAR, QUESTION
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from sections import AnyExercise, split_at_headings, title_of

from tutorial_lib.exercises import Question


def built_cells(
    cell: NotebookNode,
    exercises: Mapping[str, AnyExercise],
    *,
    solved: bool,
    source: Path,
) -> Iterator[NotebookNode]:
    """The cells that a cell of a source becomes.

    Args:
        cell: Cell of the source.
        exercises: The exercises of the source, by name.
        solved: Whether they are for the solved notebook.
        source: Path of the source, for the message.

    Raises:
        ValueError: If it is marked as an exercise that is unknown, or is not empty.
    """
    name = cell.metadata.get("exercise")
    if CLAIM in cell.metadata.get("tags", []) and not solved:
        return
    if name is None:
        yield _plain_cell(cell, solved=solved)
    elif name in exercises and not cell.source.strip():
        yield from _exercise_cells(exercises[name], solved=solved)
    else:
        raise ValueError(
            f"{source.name}: the cell marked exercise={name!r} must be empty. Its name "
            f"must be one of: {', '.join(exercises) or '(no exercises are imported)'}."
        )


def _plain_cell(cell: NotebookNode, *, solved: bool) -> NotebookNode:
    new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
    # A learner's notebook has no outputs, so there is nothing to compare.
    tags = [x for x in cell.metadata.get("tags", []) if solved or x != CHECKED]
    return new(cell.source, metadata=_metadata_with(tags), id=_id_of(cell.source))


def _exercise_cells(exercise: AnyExercise, *, solved: bool) -> Iterator[NotebookNode]:
    is_click = isinstance(exercise, Question)
    heading = f"### {'Question' if is_click else 'Exercise'}: {exercise.title}"
    text = exercise.text if is_click else exercise.question
    yield new_markdown_cell(
        f"{heading}\n\n{text}\n\n*{_effort(exercise)}*", id=f"{exercise.name}-question"
    )
    tags = [CHECKED] * solved + [QUESTION] * is_click
    yield new_code_cell(
        exercise.cell(solved=solved),
        metadata=_metadata_with(tags),
        id=f"{exercise.name}-answer",
    )


def _effort(exercise: AnyExercise) -> str:
    """How long an exercise takes, and whether two people do it, as a sentence."""
    minutes = f"{exercise.minutes:g} minute{'s' * (exercise.minutes != 1)}"
    return f"About {minutes}{', in pairs' * exercise.pairs}."


def with_clear_strips(
    cells: Iterable[NotebookNode], notebook: str
) -> Iterator[NotebookNode]:
    """Ask after each section with code whether it was clear.

    A text cell that holds a heading is divided there, because the question belongs
    before it.
    """
    section, has_code = "", False
    for cell in cells:
        if cell.cell_type == "code":
            has_code = True
            yield cell
            continue
        parts = split_at_headings(cell.source)
        for part in parts:
            if title_of(part):
                if section and has_code:
                    yield _clear_strip(notebook, section)
                section, has_code = title_of(part), False
            yield cell if len(parts) == 1 else new_markdown_cell(part, id=_id_of(part))
    if section and has_code:
        yield _clear_strip(notebook, section)


def _clear_strip(notebook: str, section: str) -> NotebookNode:
    arguments = (json.dumps(x, ensure_ascii=False) for x in (notebook, section))
    source = f"tl.exercises.was_clear({', '.join(arguments)})"
    # The buttons say all; the code would only be in the way.
    metadata = {"tags": [CLEAR], "jupyter": {"source_hidden": True}}
    return new_code_cell(source, metadata=metadata, id=_id_of(source))


def _metadata_with(tags: Sequence[str]) -> dict[str, Any]:
    return {"tags": list(tags)} if tags else {}


def _id_of(text: str) -> str:
    """A cell id that does not change when other cells are added or removed."""
    # From the text, because nbformat's random ids would change at every build.
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def link_one_folder_up(cells: Sequence[NotebookNode]) -> None:
    """Lead the links to the glossary out of the folder of the solved notebooks."""
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("](glossary.md", "](../glossary.md")


def number_equal_ids(cells: Sequence[NotebookNode]) -> None:
    """Give cells with the same text different ids: nbformat requires it."""
    seen = Counter()
    for cell in cells:
        seen[cell.id] += 1
        if seen[cell.id] > 1:
            cell.id += f"-{seen[cell.id]}"
