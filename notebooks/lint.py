"""Rules for the notebooks: short cells, no absolute paths, known tags, a clear end.

`find_problems` checks the form of the cells, `find_course_problems` what every notebook
of the course has: what it needs, an open task, further reading, links to the glossary.
"""

import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from nbformat import NotebookNode
from website.texts import anchor_of

# Tag of the cells whose outputs nbval compares.
CHECKED = "nbval-check-output"
# Tag of the cells that only the solved notebook has: what its text claims must hold.
CLAIM = "claim"
# Tag of the answer cells of questions that have buttons.
QUESTION = "question"
# Tag of the cells of the learner's notebooks that ask whether a section was clear.
CLEAR = "clear"
TAGS = {CHECKED, CLAIM, CLEAR, QUESTION, "nbval-ignore-output", "parameters"}

MAX_LINES = 20
CELL_COUNTS = range(25, 46)
# Notebooks of 20 minutes may have fewer cells.
SHORT_NOTEBOOKS = {"00_start_here.py", "01b_networks_in_brief.py"}

# Words that may follow a question before the cell ends: "Guess, then run the cell."
MAX_WORDS_AFTER_QUESTION = 20
MIN_LINKS = 2
OPEN_TASK = "## Open task"
NEEDS = (
    "**Needs** about 45 minutes of your time, 1 minute of computing and 1.0 GB of "
    "memory; no internet."
)
_NEEDS_PATTERN = (
    r"\*\*Needs\*\* about \d+ minutes of your time, "
    r"(seconds|½ minute|1 minute|1½ minutes) of computing and \d\.\d GB of memory; "
    r"no internet\."
)

_CODE_RULES = {
    r";\s*$": "a line ends with `;`. nbval compares the value anyway. Write `_ = …`",
    r"^\s*[%!]": "a magic or a shell command. Write it in Python",
    r"""["'](/\w|~/|[A-Za-z]:\\)""": "an absolute path. Start from `find_data`",
    # The stub of an exercise has dots there.
    r"(predict_raster|\.write)\((?!\.\.\.)(?![\s\S]*progress=)": "a map is written "
    "with a progress bar, which stays in the notebook. Write `progress=False`",
}
_TEXT_RULES = {
    r"[`( ](/(home|root|tmp|Users|mnt|opt)/|~/|[A-Za-z]:\\)": "an absolute path. Name "
    "the folder relative to the kit's folder",
    r"!\[[^\]]*\]\(https?:|<img[^>]+https?:": "a picture from the internet. Put the "
    "file into the kit",
}


def find_problems(
    notebook: NotebookNode, name: str, notebooks: set[str], exercises: set[str]
) -> list[str]:
    """Find the places where a built notebook breaks a rule.

    Args:
        notebook: The notebook.
        name: File name of its source, for the messages.
        notebooks: Names of all notebooks, without ending: the targets of links.
        exercises: Names of the exercises that the notebook must contain.

    Returns:
        One line for each place: source, cell (from 1), the problem, and its cure.
    """
    places = [
        f"{name}, cell {number} ({_start(cell)!r}): {problem}."
        for number, cell in enumerate(notebook.cells, start=1)
        for problem in _problems_of(cell, notebooks)
    ]
    whole = [_size_problem, _title_problem, _end_problem]
    found = [rule(notebook, name) for rule in whole]
    found.append(_exercise_problem(notebook, exercises))
    return places + [f"{name}: {problem}." for problem in found if problem]


def find_course_problems(
    notebook: NotebookNode, name: str, terms: Collection[str]
) -> list[str]:
    """Find the places where a built notebook lacks what all notebooks have.

    Args:
        notebook: The notebook.
        name: File name of its source, for the messages.
        terms: Anchors of the glossary: see `glossary_terms`.

    Returns:
        One line for each place: source, cell (from 1), the problem, and its cure.
    """
    places = [
        f"{name}, cell {number} ({_start(cell)!r}): {problem}."
        for number, cell in enumerate(notebook.cells, start=1)
        for problem in _course_problems_of(cell, terms)
    ]
    return places + [f"{name}: {problem}." for problem in _missing_parts(notebook)]


def glossary_terms(text: str) -> list[str]:
    r"""Anchors of a glossary: one for each heading of the third level, in order.

    Example:
        >>> glossary_terms("### receptive field\n\nSide of a block.")
        ['receptive-field']
    """
    headings = re.findall(r"^### (.+)$", text, re.MULTILINE)
    return [anchor_of(heading) for heading in headings]


def _course_problems_of(cell: NotebookNode, terms: Collection[str]) -> Iterator[str]:
    if cell.cell_type == "code":
        is_claim = CLAIM in cell.metadata.get("tags", [])
        if not is_claim and re.search(r"^\s*assert\b", cell.source, re.MULTILINE):
            yield f"an `assert`. Move it to a cell with the tag `{CLAIM}`, or to a test"
        return
    for term in re.findall(r"\]\((?:\.\./)?glossary\.md#([^)]*)\)", cell.source):
        if term not in terms:
            yield f"a link to the term '{term}', which glossary.md does not have"
    if _words_after_question(cell.source) > MAX_WORDS_AFTER_QUESTION:
        yield (
            "much text follows a bold question. Answer it after the result, in another "
            "cell"
        )


def _words_after_question(text: str) -> int:
    """Count the words after the first bold question, without further questions."""
    question = r"\*\*[^*]+\?\*\*"
    parts = re.split(question, text)
    return len(" ".join(parts[1:]).split())


def _missing_parts(notebook: NotebookNode) -> Iterator[str]:
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    text = "\n\n".join(texts)
    if not re.search(_NEEDS_PATTERN, " ".join(text.split())):
        yield f"no line that says what it needs. Write it in this form: '{NEEDS}'"
    if not re.search(rf"^{OPEN_TASK}\b", text, re.MULTILINE):
        yield f"no heading `{OPEN_TASK}`. Add a task that has no check"
    count = len(set(re.findall(r"\]\((https://[^)]+)\)", text)))
    if count < MIN_LINKS:
        yield f"{count} links for further reading. Add at least {MIN_LINKS}"


def _start(cell: NotebookNode) -> str:
    return cell.source.strip().split("\n")[0][:40]


def _problems_of(cell: NotebookNode, notebooks: set[str]) -> Iterator[str]:
    unknown = sorted(set(cell.metadata.get("tags", [])) - TAGS)
    if unknown:
        yield f"unknown tag {unknown}. Use one of {sorted(TAGS)}"
    if not cell.source.strip():
        yield "the cell is empty. Remove it"
    rules: dict[str, str] = _TEXT_RULES
    if cell.cell_type == "code":
        rules = _CODE_RULES
        yield from _length_problem(cell)
    else:
        yield from _link_problems(cell, notebooks)
    for pattern, problem in rules.items():
        if re.search(pattern, cell.source, re.MULTILINE):
            yield problem


def _length_problem(cell: NotebookNode) -> Iterator[str]:
    count = len(cell.source.splitlines())
    if count > MAX_LINES:
        yield f"{count} lines of code. Split the cell: at most {MAX_LINES} are allowed"


def _link_problems(cell: NotebookNode, notebooks: set[str]) -> Iterator[str]:
    for target in re.findall(r"\]\(([^):#]+)\.ipynb\)", cell.source):
        if target not in notebooks:
            yield f"a link to '{target}.ipynb', which does not exist. Correct it"


def _size_problem(notebook: NotebookNode, name: str) -> str:
    count = _count_cells(notebook)
    if count in CELL_COUNTS or (name in SHORT_NOTEBOOKS and count < CELL_COUNTS.stop):
        return ""
    limits = f"{CELL_COUNTS.start} to {CELL_COUNTS.stop - 1}"
    return f"{count} cells. Join or split some: {limits} are allowed"


def _count_cells(notebook: NotebookNode) -> int:
    """Count the cells as readers see them: without buttons, and joined texts as one."""
    kinds = [
        cell.cell_type
        for cell in notebook.cells
        if not {QUESTION, CLEAR} & set(cell.metadata.get("tags", []))
    ]
    starts = [kind for before, kind in pairwise(["", *kinds]) if kind != before]
    return starts.count("markdown") + kinds.count("code")


def _title_problem(notebook: NotebookNode, _: str) -> str:
    titles = [
        line
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in _without_code(cell.source).splitlines()
        if line.startswith("# ")
    ]
    if len(titles) == 1 and notebook.cells[0].source.startswith("# "):
        return ""
    return f"{len(titles)} titles with one `#`. Write one, in the first line"


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def _end_problem(notebook: NotebookNode, _: str) -> str:
    last = notebook.cells[-1]
    if last.cell_type == "markdown" and "shut down" in last.source.lower():
        return ""
    return "the last cell does not ask to shut down the kernel. Add it there"


def _exercise_problem(notebook: NotebookNode, exercises: set[str]) -> str:
    ids = [cell.id for cell in notebook.cells]
    missing = sorted(x for x in exercises if f"{x}-answer" not in ids)
    if not missing:
        return ""
    return f'the exercises {missing} are missing. Add a cell `# %% exercise="name"`'
