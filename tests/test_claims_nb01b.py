"""What notebook 01b says of its trainings holds for other random seeds too."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"

sys.path.insert(0, str(FOLDER))

build = import_module("build")
lint = import_module("lint")

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_claims_hold(seed, tmp_path):
    # The solved notebook's own code runs, with another seed: its cells tagged `claim`
    # stop with an error where the text would be wrong.
    (source,) = build.list_sources(starts=["01b"])
    notebook = build.build_notebook(source, solved=True)
    names, changed, claims = {}, 0, 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        code, count = re.subn(
            r"set_random_seed\(0\)|seed=0",
            lambda x: x[0].replace("0", str(seed)),
            cell.source,
        )
        exec(compile(code, f"cell {cell.id}", "exec"), names)
        changed += count
        claims += lint.CLAIM in cell.metadata.get("tags", [])
        if "parameters" in cell.metadata.get("tags", []):
            names["work"] = tmp_path
    assert (changed, claims) == (3, 1)
