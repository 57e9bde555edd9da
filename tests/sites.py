"""The site of `make html`, with the texts of the notebooks but without their code."""

import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"

sys.path.insert(0, str(NOTEBOOKS))
export = import_module("export")
sys.path.remove(str(NOTEBOOKS))


def write_texts(folder):
    """Write the whole site as `make html` does; nothing is executed."""

    def texts_only(path, kept, *, again=False):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [x for x in notebook.cells if x.cell_type == "markdown"]
        return notebook

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "executed", texts_only)
        patch.setattr(export, "BUILD", folder)
        assert export.main([]) == 0
    return folder / "html"
