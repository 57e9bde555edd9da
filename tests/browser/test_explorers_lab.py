"""The explorers in a real JupyterLab: keys, pictures, and the state in Python."""

import base64
import io
import json
import os

import nbformat
import numpy as np
import pytest
from PIL import Image

from browser.lab import cells, jupyterlab, open_notebook, run_cells, run_code

FIELDS = """\
import tutorial_lib as tl
from tutorial_lib.viewers.explorers import explore_fields, explore_stopping

fields = explore_fields(tl.architectures.pan_xs_unet(4), chunk=128, crop=30)
fields"""
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
STOPPING = """\
curves = {"loss": [5, 4, 3, 2, 1, 1], "val_loss": [5, 3, 4, 3.5, 4, 2]}
stopping = explore_stopping({"one": curves, "two": {"loss": [3, 1, 2]}}, patience=1)
stopping"""

# Patches of class 1 are darker than those of class 4.
PATCHES = """\
import numpy as np

labels = np.repeat([1, 4], [5, 2]).reshape(-1, 1, 1, 1)
given = {"input": np.ones((7, 6, 6, 1)) * labels, "labels": labels}
patches = tl.browse_patches(given, count=2)
patches"""


@pytest.fixture
def lab(tmp_path, repository, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(repository), prepend=os.pathsep)
    notebooks, private = tmp_path / "notebooks", tmp_path / "private"
    notebooks.mkdir()
    codes = (FIELDS, STOPPING, PATCHES, "'the next cell'")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in codes],
        metadata={"kernelspec": KERNEL},
    )
    nbformat.write(notebook, notebooks / "explore.ipynb")
    with jupyterlab(notebooks, private) as address:
        yield address


def picture(root):
    """What the browser shows, as pixels."""
    data = root.locator("img").first.evaluate(
        """async (image) => {
            const blob = await (await fetch(image.src)).blob();
            const bytes = new Uint8Array(await blob.arrayBuffer());
            return btoa(bytes.reduce((text, b) => text + String.fromCharCode(b), ""));
        }"""
    )
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def drawn_for(page, explorer):
    """The picture that a fresh explorer draws."""
    code = f"""
import base64
again = {explorer}
print(base64.b64encode(again._picture.value).decode())"""
    data = base64.b64decode(run_code(page, code))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def alternative_text(page, root, text):
    image = root.locator("img").first
    for _ in range(250):
        if text in image.get_attribute("alt"):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"after 5 s the picture is still about {image.get_attribute('alt')}")


def press_everything(page, root):
    """Give the focus to each control, and press keys; gives the number of controls."""
    controls = root.locator("input, select, button, [tabindex], [contenteditable]")
    tried = 0
    for number in range(controls.count()):
        control = controls.nth(number)
        if not control.is_visible() or control.is_disabled():
            continue
        control.focus()
        # What JupyterLab has for a cell: below, insert, cut, delete, run, Markdown.
        for key in ("ArrowDown", "b", "a", "x", "d", "d", "m", "ArrowUp"):
            page.keyboard.press(key)
        tried += 1
    return tried


def follow_fields(page, root):
    # Nothing was moved yet: the browser shows what was drawn in Python.
    expected = drawn_for(page, "explore_fields(fields.analysis, chunk=128, crop=30)")
    np.testing.assert_array_equal(picture(root), expected)
    root.get_by_role("slider", name="crop").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    alternative_text(page, root, "Exact: tiles of 64 x 64 px")
    expected = drawn_for(page, "explore_fields(fields.analysis, chunk=128, crop=32)")
    np.testing.assert_array_equal(picture(root), expected)
    seen = run_code(page, "print(fields.chunk, fields.crop, fields.verdict.exact)")
    assert seen.split() == ["128", "32", "True"]
    # A larger chunk by a click, and one that is no fit by a key.
    root.get_by_role("button", name="chunk 144, crop 32").click()
    alternative_text(page, root, "tiles of 80 x 80 px")
    root.get_by_role("slider", name="chunk").focus()
    page.keyboard.press("ArrowLeft")
    alternative_text(page, root, "cannot run on chunks of 143 px")
    assert "Take a multiple of 16 px" in root.inner_text()
    follow_typing(page, root)


def follow_typing(page, root):
    """A number counts also without Enter, and what is none is taken back."""
    readout = root.locator(".widget-readout").first
    for typed, seen in (("160", "160"), ("abc", "160")):
        readout.click()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(typed)
        assert readout.inner_text() == typed
        root.locator("img").first.click()
        alternative_text(page, root, "tiles of 96 x 96 px")
        assert readout.inner_text() == seen
        assert run_code(page, "print(fields.chunk)").strip() == seen


def follow_stopping(page, root):
    root.get_by_role("slider", name="patience").focus()
    page.keyboard.press("ArrowRight")
    # 4 and 3.5 are waited for.
    alternative_text(page, root, "Stopped after epoch 4 of 6: 2 epochs saved.")
    root.get_by_label("training").select_option("two")
    alternative_text(page, root, "all 3 epochs run")
    code = "import json; print(json.dumps([stopping.patience, stopping.monitor]))"
    assert json.loads(run_code(page, code)) == [2, "loss"]
    root.get_by_role("checkbox", name="restore_best_weights", exact=True).uncheck()
    alternative_text(page, root, "keeps the weights of epoch 3")
    follow_theme(page, root)


def follow_theme(page, root):
    """The arrow of a list is seen on a dark ground too."""

    def arrow():
        return root.get_by_label("monitor").evaluate(
            "(list) => getComputedStyle(list).backgroundImage"
        )

    light = arrow()
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert arrow() != light
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    assert arrow() == light


def follow_patches(page, root):
    fresh = "tl.browse_patches(given, count=2)"
    expected = drawn_for(page, fresh)
    np.testing.assert_array_equal(picture(root), expected)
    root.get_by_role("slider", name="page").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    alternative_text(page, root, "page 3 of 3")
    root.get_by_label("class").select_option("class 4: 2")
    alternative_text(page, root, "page 1 of 1")
    expected = drawn_for(page, f"{fresh}; again.label = 4")
    np.testing.assert_array_equal(picture(root), expected)
    shown = json.loads(run_code(page, "print(patches.indices)"))
    assert sorted(shown) == [5, 6]


FOLLOWED = (follow_fields, follow_stopping, follow_patches)


def test_keys_move_what_has_the_focus_and_nothing_else(lab, open_tab):
    page = open_tab()
    open_notebook(page, lab, "explore.ipynb")
    assert run_cells(page) == []
    for number, follow in enumerate(FOLLOWED):
        root = page.locator(".kit-explorer").nth(number)
        root.and_(page.locator("[data-ready=true]")).wait_for()
        # The notebook makes the cell of what has the focus the active one.
        page.evaluate(
            "(n) => jupyterapp.shell.currentWidget.content.activeCellIndex = n", number
        )
        before = cells(page)
        follow(page, root)
        assert press_everything(page, root) >= 2
        page.wait_for_timeout(300)
        assert cells(page) == before
