"""The glossary: its order, its form, and the notebook that it names for each term."""

import re
import sys
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"

sys.path.insert(0, str(FOLDER))

build = import_module("build")
lint = import_module("lint")

TEXT = (FOLDER / "glossary.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^### (.+)\n\n((?:.+\n)+)", TEXT, re.MULTILINE))
NAMED = re.compile(r"First\s+in\s+\[(\w+)\]\((\w+)\.ipynb\)\.\n$")


def first_links():
    """The first notebook that links to each term."""
    first = {}
    for source in build.list_sources():
        notebook = build.build_notebook(source, solved=False)
        for cell in notebook.cells:
            for term in re.findall(r"\]\(glossary\.md#([^)]+)\)", cell.source):
                first.setdefault(term, source.stem)
    return first


def test_terms_are_in_order_and_each_is_there_once():
    headings = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)
    assert len(headings) == len(ENTRIES) > 100
    assert headings == sorted(headings)
    letters = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert letters == sorted({heading[0].upper() for heading in headings})


def test_headings_are_anchors_in_jupyterlab_too():
    # JupyterLab keeps capitals in anchors, GitHub does not.
    for heading in ENTRIES:
        assert heading == heading.lower()
    assert lint.glossary_terms(TEXT) == build.read_terms()


def test_entries_are_short_and_most_name_a_notebook():
    names = {source.stem for source in build.list_sources()}
    named = 0
    for heading, entry in ENTRIES.items():
        definition, *rest = NAMED.split(entry)
        assert 4 <= len(definition.split()) <= 45, heading
        if rest:
            number, name, _ = rest
            assert name in names, heading
            assert name.startswith(f"{number}_"), heading
            named += 1
    assert named > 0.8 * len(ENTRIES)


def test_the_notebook_that_is_named_is_the_first_one_with_a_link():
    first = first_links()
    assert len(first) > 50
    for heading, entry in ENTRIES.items():
        (anchor,) = lint.glossary_terms(f"### {heading}")
        if anchor in first:
            assert NAMED.search(entry)[2] == first[anchor], heading
