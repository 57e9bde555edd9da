"""A notebook is readable in its time, and its numbers and cells mislead nobody."""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def count_words(notebook) -> int:
    """Words in all Markdown cells; the questions count with the exercises' minutes."""
    texts = [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "markdown" and not cell.id.endswith("-question")
    ]
    return len(" ".join(texts).split())


@pytest.mark.parametrize(("name", "most"), [("02_patch_based_cnn", 950)])
def test_a_notebook_has_at_most_so_many_words(name, most):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert 500 < count_words(notebook) <= most


def test_the_sentence_on_the_card_does_not_stand_below_its_question():
    notebook = nbformat.read(NOTEBOOKS / "09_going_further.ipynb", as_version=4)
    places = [cell.id for cell in notebook.cells]
    first = places.index("on_the_card-answer") + 1
    below = [cell.source for cell in notebook.cells[first:]]
    last = next(i for i, text in enumerate(below) if "on_the_card.reveal" in text)
    assert "area C" not in "".join(below[: last + 1])


@pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("source/*.py")), ids=lambda p: p.stem
)
def test_a_difference_that_rounds_to_zero_is_printed_without_a_minus(path):
    # `z` in a format turns -0.00 into 0.00.
    assert not re.findall(r":\+[.\d]+f", path.read_text())
