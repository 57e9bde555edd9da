"""Build the notebooks from their sources.

    python notebooks/build.py               write the learner's and the solved notebooks
    python notebooks/build.py outputs       write them, then execute the solved ones
    python notebooks/build.py outputs 03    the same, only for names that start with 03

A source is a Python script in `notebooks/source`, in jupytext's percent format. An
empty cell with the marker `exercise="name"` becomes the question and the answer cell of
that exercise. A cell with the tag `claim` checks what the text says: only the solved
notebook has it, so it must not define a name that a later cell needs. A marker
`late="…"` says what a teacher does with this section when time is short.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from cells import (
    built_cells,
    link_one_folder_up,
    number_equal_ids,
    with_clear_strips,
)
from lint import CHECKED, find_course_problems, find_problems, glossary_terms
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from sections import AnyExercise, sections_of
from teaching import FRAME, PAGE, Lesson, teaching_page

from tutorial_lib.exercises import Exercise, Question

FOLDER = Path(__file__).resolve().parent

_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
_SOLVED_NOTE = (
    "\n\n*This is the solved version. Work through the learner's version first: it has "
    "the same name, one folder up.*"
)


def list_sources(folder: Path = FOLDER, starts: Sequence[str] = ("",)) -> list[Path]:
    """Paths of the notebook sources, in the order of their numbers.

    Args:
        folder: Folder of the notebooks.
        starts: Only names that start with one of these.
    """
    paths = sorted((folder / "source").glob("[0-9][0-9]*_*.py"))
    return [path for path in paths if path.name.startswith(tuple(starts))]


def notebook_path(source: Path, *, solved: bool) -> Path:
    """Path of the notebook that is built from a source."""
    folder = source.parent.parent
    return (folder / "solutions" if solved else folder) / f"{source.stem}.ipynb"


def build_notebook(source: Path, *, solved: bool) -> NotebookNode:
    """Build a notebook without outputs.

    The same source always gives the same bytes.

    Args:
        source: Path of the source.
        solved: Build the version with the solutions instead of the learner's version.

    Returns:
        The notebook.

    Raises:
        ValueError: If the source breaks a rule. The message has a line for each place.
    """
    exercises = exercises_of(source)
    folder = source.parent.parent
    built = [
        new
        for cell in jupytext.read(source, fmt="py:percent").cells
        for new in built_cells(cell, exercises, solved=solved, source=source)
    ]
    if solved:
        built[0].source += _SOLVED_NOTE
        link_one_folder_up(built)
    else:
        built = list(with_clear_strips(built, source.stem))
    number_equal_ids(built)
    notebook = new_notebook(cells=built, metadata=_METADATA)
    stems = {path.stem for path in list_sources(folder)}
    problems = find_problems(notebook, source.name, stems, set(exercises))
    problems += find_course_problems(notebook, source.name, read_terms(folder))
    if problems:
        raise ValueError("\n".join(problems))
    return notebook


def read_terms(folder: Path = FOLDER) -> list[str]:
    """Anchors of the glossary in the folder of the notebooks, if it has one."""
    path = folder / "glossary.md"
    return glossary_terms(path.read_text(encoding="utf-8")) if path.exists() else []


def exercises_module(source: Path) -> str | None:
    """Name of the exercises module that a source imports as `ex`, or None."""
    start, end = "from tutorial_lib.exercises import ", " as ex"
    lines = source.read_text(encoding="utf-8").splitlines()
    names = [
        line.removeprefix(start).removesuffix(end)
        for line in lines
        if line.startswith(start)
    ]
    return names[0] if names else None


def exercises_of(source: Path) -> dict[str, AnyExercise]:
    """Exercises of a source, with code or with buttons, by name."""
    name = exercises_module(source)
    if name is None:
        return {}
    module = import_module(f"tutorial_lib.exercises.{name}")
    found = vars(module).items()
    return {k: v for k, v in found if isinstance(v, Exercise | Question)}


def read_lessons(folder: Path = FOLDER) -> list[Lesson]:
    """What the sources say to a teacher: one lesson for each notebook."""
    lessons = []
    for source in list_sources(folder):
        cells = jupytext.read(source, fmt="py:percent").cells
        title = cells[0].source.partition("\n")[0].removeprefix("# ")
        sections = sections_of(cells, exercises_of(source))
        lessons.append(Lesson(source.stem, title, sections))
    return lessons


def build_teaching_page(folder: Path = FOLDER) -> str:
    """The page for teachers, in Markdown; empty if the folder has no frame for it."""
    if not (folder / "source" / FRAME).exists():
        return ""
    return teaching_page(read_lessons(folder), folder / "source")


def write_notebooks(folder: Path = FOLDER, starts: Sequence[str] = ("",)) -> list[Path]:
    """Write both versions of the notebooks; with all of them the page for teachers.

    Cells that did not change keep their outputs.

    Returns:
        Paths of the notebooks.
    """
    paths = []
    for source in list_sources(folder, starts):
        for solved in (False, True):
            path = notebook_path(source, solved=solved)
            notebook = build_notebook(source, solved=solved)
            if solved and path.exists():
                _carry_outputs(nbformat.read(path, as_version=4), notebook)
            _write(notebook, path)
            paths.append(path)
    # It is about all of them.
    page = "" in starts and build_teaching_page(folder)
    if page:
        (folder / PAGE).write_text(page, encoding="utf-8")
    return paths


def _carry_outputs(old: NotebookNode, new: NotebookNode) -> None:
    """Copy the compared outputs of cells that did not change."""
    # The execution count belongs to them: nbval compares only cells that have one.
    before = {(x.id, x.source): x for x in old.cells if x.cell_type == "code"}
    for cell in new.cells:
        old_cell = before.get((cell.id, cell.source))
        if old_cell is not None and is_checked(cell):
            cell.outputs = old_cell.outputs
            cell.execution_count = old_cell.execution_count


def is_checked(cell: NotebookNode) -> bool:
    """Whether the outputs of a cell are stored, and compared by the tests."""
    return CHECKED in cell.metadata.get("tags", [])


def execute_solved(folder: Path = FOLDER, starts: Sequence[str] = ("",)) -> list[Path]:
    """Execute the solved notebooks and store the outputs that the tests compare."""
    sources = list_sources(folder, starts)
    paths = [notebook_path(source, solved=True) for source in sources]
    for path in paths:
        print(f"Executing {path.name}", flush=True)
        notebook = nbformat.read(path, as_version=4)
        resources = {"metadata": {"path": str(path.parent)}}
        NotebookClient(notebook, timeout=600, resources=resources).execute()
        _strip(notebook)
        _write(notebook, path)
    return paths


def _strip(notebook: NotebookNode) -> None:
    """Remove the outputs that are not compared, and all traces of the execution."""
    # Times of execution and versions of Python would differ on every machine.
    notebook.metadata = nbformat.from_dict(_METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code" and not is_checked(cell):
            cell.outputs, cell.execution_count = [], None


def _write(notebook: NotebookNode, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def find_differences(folder: Path = FOLDER) -> list[str]:
    """One line for each notebook that differs from its source in more than outputs.

    The page for teachers is compared too.
    """
    built = {
        notebook_path(source, solved=solved): build_notebook(source, solved=solved)
        for source in list_sources(folder)
        for solved in (False, True)
    }
    written = {*folder.glob("*.ipynb"), *folder.glob("solutions/*.ipynb")}
    without_source = sorted(written - set(built))
    found = [f"{path} has no source. Delete it." for path in without_source]
    found += [
        f"{path} differs from its source. Run `make notebooks`."
        for path, notebook in built.items()
        if not path.exists()
        or _compared_parts(nbformat.read(path, 4)) != _compared_parts(notebook)
    ]
    page, path = build_teaching_page(folder), folder / PAGE
    if page and not (path.exists() and path.read_text(encoding="utf-8") == page):
        found.append(f"{path} differs from its sources. Run `make notebooks`.")
    return found


def _compared_parts(notebook: NotebookNode) -> list[Any]:
    """All parts of a notebook except the outputs."""
    cells = [(x.id, x.cell_type, x.source, dict(x.metadata)) for x in notebook.cells]
    return [*cells, dict(notebook.metadata)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the notebooks; return 1 if a source breaks a rule."""
    parser = argparse.ArgumentParser(description="Build the notebooks.")
    parser.add_argument(
        "starts",
        nargs="*",
        metavar="outputs | START",
        help="'outputs' also executes the solved notebooks; any other word starts "
        "a name, and only these notebooks are built (default: all)",
    )
    starts = parser.parse_args(arguments).starts
    outputs = "outputs" in starts
    starts = [x for x in starts if x != "outputs"] or [""]
    try:
        paths = write_notebooks(starts=starts)
    except ValueError as err:
        print(err, file=sys.stderr)
        return 1
    if outputs:
        execute_solved(starts=starts)
    print(f"{len(paths)} notebooks were built.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
