"""The explorers in a real JupyterLab: keys, pictures, and the traits in Python."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from browser.lab import (
    COMMAND_KEYS,
    cells,
    open_notebook,
    run_cells,
    run_code,
    write_notebook,
)

FIELDS = """\
import tutorial_lib as tl

network = tl.architectures.pan_xs_unet(4)
fields = tl.explore_fields(network, chunk=128, crop=30)
fields"""
STOPPING = """\
curves = {"loss": [5, 4, 3, 2, 1, 1], "val_loss": [5, 3, 4, 3.5, 4, 2]}
stopping = tl.explore_stopping({"one": curves, "two": {"loss": [3, 1, 2]}}, patience=1)
stopping"""

# Patches of class 1 are darker than those of class 4.
PATCHES = """\
import numpy as np

labels = np.repeat([1, 4, 6], [5, 2, 8]).reshape(-1, 1, 1, 1)
given = {"input": np.ones((15, 6, 6, 1)) * labels, "labels": labels}
patches = tl.browse_patches(given, count=2)
patches"""
MANY = """\
labels = np.repeat([0, 1], [118, 124])
many = tl.browse_patches({"a": np.ones((242, 6, 6, 1)), "labels": labels}, count=1)
many"""
CODES = {"fields": FIELDS, "stopping": STOPPING, "patches": PATCHES}
CONTROLS = "input, select, button, [tabindex], [contenteditable]"


@pytest.fixture(scope="module")
def page(lab, open_shared_tab):
    """A notebook of the three explorers in a tab, with its cells run."""
    address, notebooks = lab
    cells = (*CODES.values(), MANY, "'the next cell'")
    write_notebook(notebooks / "explore.ipynb", *cells)
    page = open_shared_tab()
    open_notebook(page, address, "explore.ipynb")
    assert run_cells(page) == []
    return page


def explorer(page, name):
    """The element of an explorer, in the active cell."""
    number = [*CODES, "many"].index(name)
    root = page.locator(".kit-explorer").nth(number)
    root.and_(page.locator("[data-ready=true]")).wait_for()
    # JupyterLab makes the cell of the focused element the active one.
    page.evaluate(
        "(n) => jupyterapp.shell.currentWidget.content.activeCellIndex = n", number
    )
    return root


def picture(root):
    """The picture that the browser shows, as pixels."""
    data = root.locator("img").evaluate(
        """async (image) => {
            const blob = await (await fetch(image.src)).blob();
            const bytes = new Uint8Array(await blob.arrayBuffer());
            return btoa(bytes.reduce((text, b) => text + String.fromCharCode(b), ""));
        }"""
    )
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def drawn_by(page, new_explorer):
    """The picture that a new explorer draws in Python."""
    code = f"""
import base64
again = {new_explorer}
print(base64.b64encode(again.picture.value).decode())"""
    data = base64.b64decode(run_code(page, code))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def wait_for_alternative_text(page, root, text):
    image = root.locator("img")
    for _ in range(250):
        if text in image.get_attribute("alt"):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"after 5 s the picture is still about {image.get_attribute('alt')}")


def usable_controls(root):
    """The controls that can have the focus."""
    found = root.locator(CONTROLS)
    numbered = [found.nth(number) for number in range(found.count())]
    return [one for one in numbered if one.is_visible() and one.is_enabled()]


def test_the_field_explorer_follows_its_sliders(page):
    root = explorer(page, "fields")
    # Nothing was moved yet: the browser shows the first picture of Python.
    expected = drawn_by(page, "tl.explore_fields(network, chunk=128, crop=30)")
    np.testing.assert_array_equal(picture(root), expected)
    root.get_by_role("slider", name="crop").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    wait_for_alternative_text(page, root, "Exact: tiles of 64 x 64 px")
    expected = drawn_by(page, "tl.explore_fields(network, chunk=128, crop=32)")
    np.testing.assert_array_equal(picture(root), expected)
    seen = run_code(page, "print(fields.chunk, fields.crop, fields.verdict.exact)")
    assert seen.split() == ["128", "32", "True"]
    # The slider moves by the total stride: each of its places can run.
    root.get_by_role("slider", name="chunk").focus()
    page.keyboard.press("ArrowLeft")
    wait_for_alternative_text(page, root, "Exact: tiles of 48 x 48 px")
    assert run_code(page, "print(fields.chunk)").strip() == "112"


def test_any_chunk_can_be_typed_or_set_in_python(page):
    root = explorer(page, "fields")
    field = root.locator(".widget-readout").first
    field.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("127")
    page.keyboard.press("Enter")
    wait_for_alternative_text(page, root, "cannot run on chunks of 127 px")
    assert "Take a multiple of 16 px" in root.locator(".kit-words").inner_text()
    run_code(page, "fields.chunk = 7")
    wait_for_alternative_text(page, root, "cannot run on chunks of 7 px")
    run_code(page, "fields.chunk = 128")
    wait_for_alternative_text(page, root, "Exact: tiles of 64 x 64 px")


def test_the_field_explorer_fits_on_a_screen_with_its_verdict_on_top(page):
    run_code(page, "fields.chunk, fields.crop = 128, 24")
    root = explorer(page, "fields")
    wait_for_alternative_text(page, root, "a crop of 24 px")
    assert root.bounding_box()["height"] <= 560
    words, image = root.locator(".kit-words"), root.locator("img")
    assert words.bounding_box()["y"] < image.bounding_box()["y"]


def test_the_stopping_explorer_follows_its_controls(page):
    root = explorer(page, "stopping")
    root.get_by_role("slider", name="patience").focus()
    page.keyboard.press("ArrowRight")
    # 4 and 3.5 are waited for.
    text = "Stopped after epoch 4 of 6: 2 epochs saved."
    wait_for_alternative_text(page, root, text)
    root.get_by_label("training").select_option("two")
    wait_for_alternative_text(page, root, "all 3 epochs run")
    code = "import json; print(json.dumps([stopping.patience, stopping.monitor]))"
    assert json.loads(run_code(page, code)) == [2, "loss"]
    root.get_by_role("checkbox", name="restore_best_weights", exact=True).uncheck()
    wait_for_alternative_text(page, root, "keeps the weights of epoch 3")


def test_the_patch_browser_turns_pages(page):
    root, new = explorer(page, "patches"), "tl.browse_patches(given, count=2)"
    np.testing.assert_array_equal(picture(root), drawn_by(page, new))
    root.get_by_role("slider", name="page").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    wait_for_alternative_text(page, root, "page 3 of 3")
    root.get_by_label("class").select_option("class 4: 2")
    wait_for_alternative_text(page, root, "page 1 of 1")
    expected = drawn_by(page, f"{new}; again.label = 4")
    np.testing.assert_array_equal(picture(root), expected)
    shown = json.loads(run_code(page, "print(patches.indices)"))
    assert sorted(shown) == [5, 6]


def test_the_end_key_opens_the_last_page_of_another_class(page):
    root = explorer(page, "patches")
    root.get_by_label("class").select_option("class 6: 8")
    wait_for_alternative_text(page, root, "page 1 of 4")
    root.get_by_role("slider", name="page").focus()
    page.keyboard.press("End")
    wait_for_alternative_text(page, root, "page 4 of 4")
    assert run_code(page, "print(patches.page)").strip() == "4"
    page.keyboard.press("Home")
    wait_for_alternative_text(page, root, "page 1 of 4")


def test_the_end_key_reaches_the_last_of_many_pages(page):
    root = explorer(page, "many")
    wait_for_alternative_text(page, root, "page 1 of 118")
    root.get_by_label("class").select_option("class 1: 124")
    wait_for_alternative_text(page, root, "page 1 of 124")
    root.get_by_role("slider", name="page").focus()
    page.keyboard.press("End")
    wait_for_alternative_text(page, root, "page 124 of 124")
    assert run_code(page, "print(many.page)").strip() == "124"


def test_the_arrow_of_a_list_is_light_on_dark_ground(page):
    def arrow():
        return monitor.evaluate("(list) => getComputedStyle(list).backgroundImage")

    monitor = explorer(page, "stopping").get_by_label("monitor")
    light = arrow()
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert arrow() != light
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    assert arrow() == light


@pytest.mark.sampled(daily=2)
@pytest.mark.parametrize("leave", ["Tab", "Enter", "click"])
@pytest.mark.parametrize(("typed", "side"), [("160", 160), ("abc", 144)])
def test_a_typed_number_is_set_and_changes_no_cell(page, typed, side, leave):
    run_code(page, "fields.chunk, fields.crop = 144, 32")
    root, before = explorer(page, "fields"), cells(page)
    wait_for_alternative_text(page, root, "tiles of 80 x 80 px")
    field = root.locator(".widget-readout").first
    field.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(typed)
    assert field.inner_text() == typed
    if leave == "click":
        root.locator("img").click()
    else:
        page.keyboard.press(leave)
    if leave == "Tab":
        assert root.get_by_role("slider", name="crop").evaluate(
            "(slider) => slider === document.activeElement"
        )
        # JupyterLab's shortcut for "cut this cell".
        page.keyboard.press("x")
    wait_for_alternative_text(page, root, f"tiles of {side - 64} x {side - 64} px")
    assert field.inner_text() == str(side)
    assert run_code(page, "print(fields.chunk)").strip() == str(side)
    assert cells(page)[2] == before[2]


def test_a_number_typed_after_tab_replaces_the_old_one(page):
    run_code(page, "fields.chunk, fields.crop = 144, 32")
    root = explorer(page, "fields")
    wait_for_alternative_text(page, root, "tiles of 80 x 80 px")
    root.get_by_role("slider", name="chunk").focus()
    page.keyboard.press("Tab")
    page.keyboard.type("160")
    page.keyboard.press("Tab")
    wait_for_alternative_text(page, root, "tiles of 96 x 96 px")
    assert run_code(page, "print(fields.chunk)").strip() == "160"
    # A click chooses the place of the caret instead.
    root.locator(".widget-readout").first.click()
    assert page.evaluate("getSelection().toString()") == ""


@pytest.mark.parametrize("name", CODES)
def test_tab_reaches_every_control_and_leaves_the_explorer(page, name):
    root = explorer(page, name)
    controls = usable_controls(root)
    assert len(controls) >= 3
    controls[0].focus()
    reached = []
    for _ in range(len(controls) + 1):
        reached.append(
            [c.evaluate("(c) => c === document.activeElement") for c in controls]
        )
        page.keyboard.press("Tab")
    assert sum(map(any, reached)) == len(controls)
    assert all(any(seen) for seen in zip(*reached, strict=True))
    assert not any(reached[-1])


@pytest.mark.sampled(daily=1)
@pytest.mark.parametrize("name", CODES)
def test_keys_change_the_focused_control_and_no_cell(page, name):
    root = explorer(page, name)
    before, controls = cells(page), usable_controls(root)
    assert len(controls) >= 3
    for control in controls:
        control.focus()
        for key in COMMAND_KEYS:
            page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert cells(page) == before


@pytest.mark.parametrize("name", CODES)
def test_what_is_typed_before_and_after_tab_changes_no_cell(page, name):
    root = explorer(page, name)
    before, controls = cells(page), usable_controls(root)
    for control in controls[:-1]:
        control.focus()
        page.keyboard.type("12")
        page.keyboard.press("Tab")
        page.keyboard.type("xdd")
    page.wait_for_timeout(300)
    assert cells(page) == before


@pytest.mark.parametrize("name", CODES)
def test_the_verdict_is_announced_by_an_element_that_stays(page, name):
    root = explorer(page, name)
    # Other tests have moved the controls.
    begin = {
        "fields": "fields.chunk, fields.crop = 128, 0",
        "stopping": "stopping.training = 'one'; stopping.patience = 0",
        "patches": "patches.label = 6; patches.page = 1",
    }
    words = run_code(page, f"{begin[name]}\nprint(repr({name}))").strip()
    # The text of the picture is sent behind the verdict.
    wait_for_alternative_text(page, root, words)
    region = root.locator("[aria-live=polite]")
    assert region.count() == 1
    before = region.inner_text()
    region.evaluate("(node) => { window.announcer = node; }")
    slider = {"fields": "crop", "stopping": "patience", "patches": "page"}[name]
    root.get_by_role("slider", name=slider).focus()
    page.keyboard.press("End")
    for _ in range(250):
        if region.inner_text() != before:
            break
        page.wait_for_timeout(20)
    assert region.inner_text() != before
    assert region.evaluate("(node) => node === window.announcer && node.isConnected")


def test_a_number_field_is_a_spin_button(page):
    run_code(page, "fields.chunk, fields.crop = 144, 32")
    root = explorer(page, "fields")
    wait_for_alternative_text(page, root, "tiles of 80 x 80 px")
    field = root.get_by_role("spinbutton", name="chunk")
    expect(field).to_have_attribute("aria-valuenow", "144")
    assert int(field.get_attribute("aria-valuemin")) <= 144
    assert int(field.get_attribute("aria-valuemax")) >= 144
    field.focus()
    # The chunk moves by the total stride, as with the slider.
    for key, side in (("ArrowUp", 160), ("ArrowDown", 144), ("ArrowDown", 128)):
        page.keyboard.press(key)
        wait_for_alternative_text(page, root, f"tiles of {side - 64} x {side - 64} px")
        expect(field).to_have_attribute("aria-valuenow", str(side))
    assert run_code(page, "print(fields.chunk)").strip() == "128"


@pytest.mark.parametrize("name", CODES)
def test_the_text_of_a_picture_is_readable_in_a_narrow_window(page, name):
    root = explorer(page, name)
    page.set_viewport_size({"width": 700, "height": 900})
    page.wait_for_timeout(300)
    image = root.locator("img")
    scale = image.evaluate("(one) => one.clientWidth / one.naturalWidth")
    room, controls = root.bounding_box(), root.locator(".kit-controls").bounding_box()
    hidden = root.evaluate("(one) => one.scrollWidth - one.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    # Its text is 9.5 points at 104 dots per inch: 9 px or more.
    assert scale * 9.5 * 104 / 72 >= 9
    # What does not fit can be scrolled to; the controls fit.
    assert hidden > 0
    assert controls["x"] + controls["width"] <= room["x"] + room["width"] + 1
