"""axe-core over what the kit shows in a real JupyterLab, in both themes."""

import pytest

from browser import axe_core
from browser.lab import open_notebook, run_cells, run_code, write_notebook
from browser.test_questions_lab import SETUP as MAKE_QUESTIONS

SETUP = """\
import numpy as np
import tutorial_lib as tl

scene = tl.testing.small_scene()
maps = [np.arange(1200).reshape(30, 40) % 3 + n for n in range(3)]
curves = {"loss": [3, 2, 1], "val_loss": [3, 1, 2]}
labels = np.repeat([1, 4, 6], [5, 2, 8]).reshape(-1, 1, 1, 1)
patches = {"input": np.ones((15, 6, 6, 1)) * labels, "labels": labels}
positions = tl.select_positions(scene["labels"], count=5)"""
# The strip saves its answers in the folder of the notebook.
QUESTIONS = (
    """\
from pathlib import Path
from IPython.display import display
from tutorial_lib.exercises import feedback, notes

feedback.find_work_folder = lambda: Path("work")
"""
    + MAKE_QUESTIONS
)
SHOWN = {
    "compare": """\
comparison = tl.compare(*maps, legend=tl.testing.SMALL_LEGEND)
comparison""",
    "map": "tl.show_map(scene['input_10m'], scene['labels'], positions)",
    "fields": "tl.explore_fields(tl.architectures.pan_xs_unet(4), chunk=128, crop=30)",
    "stopping": "tl.explore_stopping(curves)",
    "patches": "tl.browse_patches(patches, count=2)",
    "figure": "tl.show(scene['input_10m'])",
    "choice": f"{QUESTIONS}\nchoice.check(...)",
    "waiting": "choice.reveal('the result')",
    "order": "order.check(...)",
    "clear": "tl.exercises.was_clear('04_early_stopping', 'The rule')",
    "notes": """\
for kind in notes._STYLES:
    display(notes.Note(kind, "Title", "Some `code` and *words*", "a = 1", "Error"))""",
}
READY = {
    "compare": ".compare[data-ready=true]",
    "map": "iframe",
    "figure": "img",
    "choice": ".kit-answer button",
    "waiting": ".jp-OutputArea-output",
    "order": ".kit-answer li",
    "clear": ".kit-clear button",
    "notes": "[role=note]",
}
MODES = ["swipe", "blink", "side_by_side", "difference"]
# The light one is last: JupyterLab keeps it for the tests of other files.
THEMES = ["Dark", "Light"]


@pytest.fixture(scope="module")
def page(lab, open_shared_tab):
    """A notebook of everything in a tab, with its cells run."""
    address, notebooks = lab
    write_notebook(notebooks / "axe.ipynb", SETUP, *SHOWN.values())
    # axe-core judges only text that can be seen: in a window that shows everything, and
    # in a body with a height, which JupyterLab's has not.
    page = open_shared_tab(height=6000)
    open_notebook(page, address, "axe.ipynb")
    page.add_style_tag(content="body { min-height: 100vh; }")
    assert run_cells(page) == []
    for number, name in enumerate(SHOWN, 1):
        ready = READY.get(name, ".kit-explorer[data-ready=true]")
        page.locator(".jp-CodeCell").nth(number).locator(ready).first.wait_for()
    map_frame = page.frame_locator("iframe")
    map_frame.locator(".leaflet-control-scale").wait_for()
    return page


@pytest.fixture(params=THEMES, scope="module")
def themed(request, page):
    """The page in one of JupyterLab's themes."""
    theme = f"JupyterLab {request.param}"
    page.evaluate(
        "(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })",
        theme,
    )
    page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    return page


def outputs(name):
    """CSS selector of the outputs of a cell."""
    number = list(SHOWN).index(name) + 2
    return f".jp-Notebook-cell:nth-child({number} of .jp-Notebook-cell) .jp-OutputArea"


@pytest.mark.sampled(daily=4)
@pytest.mark.parametrize("name", SHOWN)
def test_nothing_that_is_shown_keeps_a_reader_out(themed, faults, name):
    assert faults(themed, places=[outputs(name)]) == []


@pytest.mark.parametrize("mode", MODES[1:])
def test_no_mode_of_a_comparison_keeps_a_reader_out(themed, faults, mode):
    run_code(themed, f"comparison.mode = '{mode}'")
    themed.locator(f".compare[data-mode={mode}]").wait_for()
    assert faults(themed, places=[outputs("compare")]) == []


def test_no_answer_keeps_a_reader_out(themed, faults):
    cells = themed.locator(".jp-CodeCell")
    choice = cells.nth(list(SHOWN).index("choice") + 1)
    for letter in "ab":
        choice.get_by_role("button", name=f"{letter}:").click()
        choice.locator(".kit-answer-note [role=note]").wait_for()
        themed.wait_for_timeout(200)
        places = [outputs(name) for name in ("choice", "waiting")]
        assert faults(themed, places=places) == []


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("compare", ".compare-notes"),
        ("fields", ".kit-words"),
        ("choice", ".kit-answer button"),
        ("clear", ".kit-clear label"),
        ("notes", "[role=note]"),
    ],
)
def test_pale_text_is_found(page, faults, name, element):
    style = (
        f"{element} {{ color: #808080 !important; background: #707070 !important; }}"
    )
    tag = page.add_style_tag(content=style)
    found = faults(page, places=[outputs(name)])
    tag.evaluate("(tag) => tag.remove()")
    assert found
    assert all(fault.startswith("color-contrast") for fault in found)


def test_another_file_is_not_taken_for_axe_core(tmp_path, monkeypatch):
    script = tmp_path / "axe.js"
    monkeypatch.setattr(axe_core, "SCRIPT", script)
    assert axe_core.read_script() is None
    script.write_text("alert(1)")
    with pytest.raises(ValueError, match=r"is not axe-core [\d.]+: its sha256 is"):
        axe_core.read_script()
