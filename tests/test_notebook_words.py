"""The length of a notebook's text: a lesson has to be readable in its time."""

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
