"""The strip "Was this section clear?" in JupyterLab: mouse, keys, names, themes."""

import json

import pytest
from playwright.sync_api import expect

from browser.lab import COMMAND_KEYS, cells, open_notebook, run_cells, write_notebook

CODE = """\
import tutorial_lib as tl
from tutorial_lib.exercises import nb00_start as ex
from tutorial_lib.exercises import feedback
from pathlib import Path

feedback.find_work_folder = lambda: Path("work")"""
ASK = 'tl.exercises.was_clear("04_early_stopping", "The rule")'


@pytest.fixture(scope="module")
def page(lab, open_shared_tab):
    """A notebook with the strip, in a tab."""
    address, folder = lab
    write_notebook(folder / "clear.ipynb", CODE, ASK, "1 + 1")
    tab = open_shared_tab()
    open_notebook(tab, address, "clear.ipynb")
    return tab


@pytest.fixture
def strip(lab, page):
    """The tab, a new strip in it, and the file that it writes."""
    tab, file = page, lab[1] / "work" / "feedback.jsonl"
    found = tab.get_by_role("group", name="Was the section “The rule” clear?")
    tab.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    expect(found).to_have_count(0)
    file.unlink(missing_ok=True)
    assert run_cells(tab) == []
    expect(found).to_be_visible(timeout=60_000)
    return tab, found, file


def answers(file):
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def wait_for_note(tab, file, note):
    for _ in range(200):
        if answers(file)[-1]["note"] == note:
            return
        tab.wait_for_timeout(50)
    raise AssertionError(f"The note {note!r} was not saved.")


def test_a_press_is_saved_and_said(strip):
    tab, found, file = strip
    clear = found.get_by_role("button", name="clear", exact=True)
    unclear = found.get_by_role("button", name="unclear", exact=True)
    expect(clear).to_have_attribute("aria-pressed", "false")
    unclear.click()
    expect(found.get_by_role("status")).to_have_text("Saved, on this machine only.")
    expect(unclear).to_have_attribute("aria-pressed", "true")
    note = found.get_by_role("textbox", name="Note (optional):")
    note.click()
    tab.keyboard.type("Why the best epoch?")
    tab.keyboard.press("Enter")
    expect(note).to_have_value("Why the best epoch?")
    wait_for_note(tab, file, "Why the best epoch?")
    said = [(one["clear"], one["note"]) for one in answers(file)]
    assert said == [(False, ""), (False, "Why the best epoch?")]
    # The cell that runs again shows what is saved.
    assert run_cells(tab) == []
    expect(unclear).to_have_attribute("aria-pressed", "true")
    expect(note).to_have_value("Why the best epoch?")


def test_keys_reach_the_strip_and_not_the_notebook(strip):
    tab, found, file = strip
    found.get_by_role("button", name="clear", exact=True).focus()
    tab.keyboard.press("Space")
    expect(found.get_by_role("status")).to_have_text("Saved, on this machine only.")
    tab.keyboard.press("Tab")
    expect(found.get_by_role("button", name="unclear")).to_be_focused()
    before = cells(tab)[2]
    for key in COMMAND_KEYS:
        if key not in ("Shift+Enter", "Control+Enter", "Alt+Enter", "Escape"):
            tab.keyboard.press(key)
    assert cells(tab)[2] == before
    tab.keyboard.press("Tab")
    tab.keyboard.type("x, dd and a")
    assert cells(tab)[2] == before
    note = found.get_by_role("textbox", name="Note (optional):")
    expect(note).to_have_value("x, dd and a")
    # Nothing may be left to send when the next test makes a new strip.
    tab.keyboard.press("Enter")
    wait_for_note(tab, file, "x, dd and a")


def test_a_note_waits_for_a_button(strip):
    tab, found, file = strip
    found.get_by_role("textbox").click()
    tab.keyboard.type("Why?")
    tab.keyboard.press("Enter")
    status = found.get_by_role("status")
    expect(status).to_have_text("Press “clear” or “unclear” to save the note.")
    assert not file.exists()
    found.get_by_role("button", name="unclear").click()
    expect(status).to_have_text("Saved, on this machine only.")
    assert [(one["clear"], one["note"]) for one in answers(file)] == [(False, "Why?")]


@pytest.mark.slow
def test_without_an_answer_of_the_kernel_nothing_is_called_saved(strip):
    tab, found, _ = strip
    stop = """async () => {
        const session = jupyterapp.shell.currentWidget.sessionContext.session;
        session.kernel.requestExecute({ code: "import time; time.sleep(4)" });
    }"""
    tab.evaluate(stop)
    clear = found.get_by_role("button", name="clear", exact=True)
    clear.click()
    status = found.get_by_role("status")
    expect(status).to_contain_text("Not saved yet. The kernel is busy")
    expect(clear).to_have_attribute("aria-pressed", "false")
    expect(status).to_have_text("Saved, on this machine only.", timeout=20_000)
    expect(clear).to_have_attribute("aria-pressed", "true")


# Other tests share this JupyterLab: it ends in the usual theme.
@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_the_strip_can_be_read_in_both_themes(strip, theme):
    tab, found, _ = strip
    tab.evaluate(
        "(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme})",
        f"JupyterLab {theme}",
    )
    light = str(theme == "Light").lower()
    tab.locator(f"body[data-jp-theme-light='{light}']").wait_for(state="attached")
    for part in (found, found.get_by_role("button").first, found.locator("input")):
        assert part.evaluate(CONTRAST) >= 4.5


# Contrast of text and ground, WCAG 2.2: the ground is the first opaque one upwards.
CONTRAST = """(part) => {
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    let ground = part;
    const colour = (e) => parse(getComputedStyle(e).backgroundColor);
    while (colour(ground).length > 3 && colour(ground)[3] === 0)
        ground = ground.parentElement;
    const light = (rgb) => {
        const [r, g, b] = rgb.slice(0, 3).map((value) => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const pair = [parse(getComputedStyle(part).color), colour(ground)].map(light);
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
}"""
