"""The lines that learners of notebook 02 bring into order run, in every right order."""

import sys
from importlib import import_module

import pytest

import tutorial_lib as tl
from tutorial_lib import testing
from tutorial_lib.exercises import nb02_patch_based_cnn

pytestmark = pytest.mark.thorough

ORDER = nb02_patch_based_cnn.patch_pipeline


@pytest.fixture(scope="module")
def names(repository, tmp_path_factory):
    """What the lines need: files of a small scene, and the notebook's network."""
    sys.path.insert(0, str(repository / "notebooks"))
    build = import_module("build")
    sys.path.remove(str(repository / "notebooks"))
    (source,) = build.list_sources(starts=["02"])
    cells = build.build_notebook(source, solved=False).cells
    (network,) = (x.source for x in cells if x.source.startswith("class PooledCNN"))
    scene = testing.small_scene(200, 220)
    found = {"tl": tl, "keras": import_module("keras")}
    exec(network, found)
    return found | {
        "labels_path": scene["labels"],
        "sources": {"input": scene["input_10m"]},
        "sizes": {"input": 16},
        "work": tmp_path_factory.mktemp("work"),
    }


def run(names, order):
    """Run the lines with these numbers, with fewer samples and epochs."""
    code = "\n".join(ORDER.lines[number] for number in order)
    code = code.replace("count=500", "count=8").replace(
        "epochs=6", "epochs=1, verbose=0"
    )
    exec(code, dict(names))


def test_the_lines_run_in_their_order_and_with_the_dataset_at_the_end(names):
    run(names, range(7))
    run(names, (0, 1, 3, 4, 5, 2, 6))


@pytest.mark.parametrize("rule", ORDER.rules, ids=lambda x: f"{x.first}-{x.second}")
def test_without_a_rule_python_stops(names, rule):
    order = [number for number in range(7) if number != rule.second]
    order.insert(order.index(rule.first), rule.second)
    assert ORDER.objection("".join(ORDER.letters[ORDER.shown.index(x)] for x in order))
    with pytest.raises((NameError, ValueError)):
        run(names, order)
