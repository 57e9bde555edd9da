"""What stands above a question, before a result, and cells that run again."""

import ast
import re
import symtable
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

from tutorial_lib.exercises import Choice

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def cells_of(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells


def code_of(name):
    return [cell.source for cell in cells_of(name) if cell.cell_type == "code"]


def read_and_given(code):
    """Names that a cell reads before it gives them a value, and names that it gives."""
    read, given = set(), set()
    for statement in ast.parse(code).body:
        table = symtable.symtable(ast.unparse(statement), "cell", "exec")
        symbols = table.get_symbols()
        own = {one.get_name() for one in symbols if one.is_assigned()}
        own |= {one.get_name() for one in symbols if one.is_imported()}
        used = {one.get_name() for one in symbols if one.is_referenced()}
        read |= used - given - (own if isinstance(statement, ast.For) else set())
        given |= own
    return read, given


def renamed(codes):
    """Names that a cell reads, and to which a later cell gives another value."""
    pairs = [read_and_given(code) for code in codes]
    found = set()
    for number, (read, _) in enumerate(pairs):
        before = set().union(*(given for _, given in pairs[:number]))
        after = set().union(*(given for _, given in pairs[number + 1 :]))
        found |= read & before & after
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_can_run_again_after_the_later_ones(name):
    assert renamed(code_of(name)) == set()


def test_a_name_that_a_later_cell_gives_another_value_is_found():
    codes = [
        "network = 1\nlines = []",
        "print(network)\nlines = [0]",
        "for network in (2, 3):\n    print(network, lines)",
    ]
    assert renamed(codes) == {"network"}
    assert renamed(codes[:2]) == set()


@pytest.mark.parametrize("name", NAMES)
def test_no_line_leads_to_a_result_that_waits(name):
    waiting = [code for code in code_of(name) if ".reveal(" in code]
    assert [code for code in waiting if re.search(r':"\)$', code, re.MULTILINE)] == []


def clauses(text):
    """Parts of a sentence of three words or more, without the word that joins them."""
    parts = re.split(r"[,:.;]", re.sub(r"[`*]|\]\([^)]*\)|\[", "", text.lower()))
    bare = (re.sub(r"^\s*(?:because|so|and|or|but) ", "", part) for part in parts)
    return {" ".join(part.split()) for part in bare if len(part.split()) > 2}


def choices_with_text_above(name):
    """Each question with options, and all that the notebook says before it."""
    number = name.partition("_")[0]
    folder = Path(import_module("tutorial_lib.exercises").__file__).parent
    (module,) = (path.stem for path in folder.glob(f"nb{number}_*.py"))
    exercises = import_module(f"tutorial_lib.exercises.{module}")
    above = ""
    for cell in cells_of(name):
        if cell.cell_type == "markdown" and not cell.id.endswith("-question"):
            above += f" {cell.source}"
        asked = re.search(r"ex\.(\w+)\.check\(answer\)", cell.source)
        question = getattr(exercises, asked[1]) if asked else None
        if isinstance(question, Choice):
            plain = re.sub(r"[`*|]|\]\([^)]*\)|\[", " ", above.lower())
            yield question, " ".join(plain.split())


@pytest.mark.parametrize("name", NAMES)
def test_only_the_right_option_never_stands_above_its_question(name):
    for question, above in choices_with_text_above(name):
        said = [
            any(f" {part} " in re.sub(r"[,:.;]", " ", f"{above} ") for part in parts)
            for parts in (clauses(option.text) for option in question.options)
        ]
        right = question.letters.index(question.right_answer)
        assert not said[right] or sum(said) > 1, question.name
