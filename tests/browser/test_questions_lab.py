"""Questions with buttons in a real JupyterLab: mouse, keyboard, and what waits."""

import pytest
from playwright.sync_api import expect

from browser.lab import (
    COMMAND_KEYS,
    cells,
    open_notebook,
    run_cells,
    run_code,
    write_notebook,
)

SETUP = """\
from tutorial_lib.exercises import Choice, LineOrder, Option, Rule
choice = Choice(
    name="side", title="Which side?", question="?", explanation="Because.",
    options=(Option("16 <b>m</b>", hint="How large is `one` pixel?"), Option("160 m")),
)
order = LineOrder(
    name="steps", title="Which order?", question="?", explanation="Build, then fit.",
    lines=("model = build()", "model.fit()"), shown=(1, 0),
    rules=(Rule(0, 1, hint="It must exist."),),
)"""
CODES = (SETUP, "choice.check(...)", "choice.reveal('the result')", "order.check(...)")


@pytest.fixture(scope="module")
def shared(lab, open_shared_tab):
    """A notebook with a choice, a result that waits for it, and lines to order."""
    address, notebooks = lab
    write_notebook(notebooks / "questions.ipynb", *CODES)
    page = open_shared_tab()
    open_notebook(page, address, "questions.ipynb")
    return page


@pytest.fixture
def page(shared):
    """The notebook with its cells run anew, so that nothing was answered."""
    assert run_cells(shared) == []
    shared.locator(".kit-answer").nth(1).wait_for()
    return shared


def group(page, title):
    return page.get_by_role("group", name=f"Your answer: {title}")


def test_a_click_is_judged_and_shows_what_waited(page):
    choice = group(page, "Which side?")
    waits = page.get_by_text("Answer the question above first.")
    expect(waits).to_be_visible()
    choice.get_by_role("button", name="a: 16 <b>m</b>").click()
    expect(choice.get_by_text("How large is one pixel?")).to_be_visible()
    expect(choice.locator("code").first).to_have_text("one")
    expect(waits).to_have_count(0)
    expect(page.get_by_text("the result", exact=True)).to_be_visible()
    expect(choice.get_by_role("button", pressed=True)).to_have_text("a")
    choice.get_by_role("button", name="b: 160 m").click()
    expect(choice.get_by_text("✔ Right")).to_be_visible()
    assert run_code(page, "print(choice.solution().kind)").strip() == "solution"


def test_lines_are_moved_with_the_keyboard_and_the_focus_stays(page):
    order = group(page, "Which order?")
    lines = order.locator("li code")
    expect(lines).to_have_text(["model.fit()", "model = build()"])
    order.get_by_role("button", name="Check the order").click()
    expect(order.get_by_text("It must exist.")).to_be_visible()
    up = order.get_by_role("button", name="Move up: model = build()")
    up.focus()
    page.keyboard.press("Enter")
    expect(lines).to_have_text(["model = build()", "model.fit()"])
    expect(up).to_be_focused()
    expect(up).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Enter")  # there is no place above
    expect(lines).to_have_text(["model = build()", "model.fit()"])
    order.get_by_role("button", name="Check the order").press("Space")
    expect(order.get_by_text("Build, then fit.")).to_be_visible()


def test_tab_reaches_every_button_and_no_key_changes_a_cell(page):
    for title, count in (("Which side?", 2), ("Which order?", 5)):
        buttons = group(page, title).get_by_role("button")
        expect(buttons).to_have_count(count)
        buttons.first.focus()
        *_, before = cells(page)
        for number in range(count):
            expect(buttons.nth(number)).to_be_focused()
            for key in COMMAND_KEYS:
                page.keyboard.press(key)
            buttons.nth(number).focus()
            page.keyboard.press("Tab")
        expect(buttons.last).not_to_be_focused()
        # The active cell is that of the focus.
        assert cells(page)[-1] == before


def test_notes_are_announced_by_a_node_that_stays(page):
    for title in ("Which side?", "Which order?"):
        note = group(page, title).locator("[aria-live=polite]")
        expect(note).to_have_count(1)
        note.evaluate("(node) => (window.kept = node)")
        group(page, title).get_by_role("button").last.click()
        expect(note).not_to_be_empty()
        assert note.evaluate("(node) => node === window.kept")
