"""JupyterLab with the kit's settings: the list of files, and links to the glossary."""

import nbformat
import pytest
from playwright.sync_api import expect

from browser.lab import KERNEL, open_notebook

MADE_WITH = (
    *("build.py", "lint.py", "export.py", "export.js", "sections.py", "teaching.py"),
    *("website", "source"),
)


@pytest.fixture(scope="module")
def lesson(lab):
    """A folder like `notebooks`, with a link from a lesson to the glossary."""
    address, folder = lab
    for name in ("lesson/source", "lesson/solutions"):
        (folder / name).mkdir(parents=True)
    for name in MADE_WITH[:-1]:
        (folder / "lesson" / name).write_text("")
    words = "\n\n".join(f"filler {number}" for number in range(60))
    text = f"# Glossary\n\n{words}\n\n### loss\n\nHow wrong the network is.\n\n{words}"
    (folder / "lesson" / "glossary.md").write_text(text)
    cell = nbformat.v4.new_markdown_cell("The [loss](glossary.md#loss) falls.")
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, folder / "lesson" / "00_start_here.ipynb")
    return address


def test_what_makes_the_notebooks_is_not_listed(lesson, open_tab):
    tab = open_tab()
    open_notebook(tab, lesson, "lesson/00_start_here.ipynb")
    names = tab.locator(".jp-DirListing-itemText")
    for shown in ("00_start_here.ipynb", "glossary.md", "solutions"):
        expect(names.get_by_text(shown, exact=True)).to_be_visible()
    for hidden in MADE_WITH:
        expect(names.get_by_text(hidden, exact=True)).to_have_count(0)


def test_a_word_leads_to_its_place_in_the_glossary(lesson, open_tab):
    tab = open_tab()
    open_notebook(tab, lesson, "lesson/00_start_here.ipynb")
    tab.get_by_role("link", name="loss").click()
    page = tab.locator(".jp-MarkdownViewer")
    expect(page.get_by_role("heading", name="loss", level=3)).to_be_in_viewport()
