"""Questions with buttons: choices, lines to bring into order, results that wait."""

import dataclasses
import itertools
import json
import re
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)
from test_exercises import MODULES

from tutorial_lib.exercises import Choice, LineOrder, Note, Option, Question, Rule
from tutorial_lib.exercises.buttons import ChoiceButtons, LineMover

ALL = [
    pytest.param(name, value, id=f"{module.__name__.rsplit('.', 1)[1]}.{name}")
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Question)
]
CHOICES = [case for case in ALL if isinstance(case.values[1], Choice)]
ORDERS = [case for case in ALL if isinstance(case.values[1], LineOrder)]


def fresh(question):
    """The same question without any answers."""
    return dataclasses.replace(question)


# Every question of every notebook


@pytest.mark.parametrize(("name", "choice"), CHOICES)
def test_each_wrong_option_has_its_own_hint_and_one_option_is_right(name, choice):
    assert choice.name == name
    notes = [fresh(choice).check(letter) for letter in choice.letters]
    assert [note.kind for note in notes].count("right") == 1
    first_lines = [note.text.split("\n")[0] for note in notes]
    assert all(first_lines)
    assert len(set(first_lines)) == len(notes)
    texts = [option.text for option in choice.options]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(("name", "choice"), CHOICES)
def test_a_number_that_is_the_right_option_is_computed(name, choice):
    values = [option.value for option in choice.options]
    if choice.key is None:
        assert values == [None] * len(values)
        return
    assert None not in values
    right = choice.options[choice.letters.index(choice.right_answer)]
    assert choice.key() == pytest.approx(right.value)
    others = [value for value in values if value != right.value]
    assert len(others) == len(values) - 1
    for option in choice.options:
        assert f"{option.value:g}" in option.text.replace(" ", "")


@pytest.mark.parametrize(("name", "choice"), CHOICES)
def test_no_hint_names_the_right_option(name, choice):
    right = choice.options[choice.letters.index(choice.right_answer)]
    words = right.text.strip(" .").lower()
    for option in choice.options:
        assert len(words) < 4 or words not in option.hint.lower()


@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_each_rule_of_an_order_has_its_own_hint_that_some_order_gets(name, order):
    assert order.name == name
    assert fresh(order).check(order.right_answer).kind == "right"
    hints = [rule.hint for rule in order.rules]
    assert len(set(hints)) == len(hints) >= 2
    found = {order.objection("".join(x)) for x in itertools.permutations(order.letters)}
    assert found == {"", *hints}
    # The order in which the lines are shown is not a right one.
    assert order.objection(order.letters)


@pytest.mark.parametrize(("name", "question"), ALL)
def test_questions_use_the_markup_that_notes_understand(name, question):
    assert 0 < question.minutes <= 12
    texts = [question.explanation]
    if isinstance(question, Choice):
        texts += [option.hint for option in question.options if option.hint]
    else:
        texts += [rule.hint for rule in question.rules]
    shown = [
        re.sub(r"`[^`]+`", "", repr(Note("hint", question.title, text)))
        for text in texts
    ]
    assert not re.search(r"\*\w|\w\*", "\n".join(shown))


def test_the_course_has_the_questions_that_it_promises():
    names = [case.values[1] for case in CHOICES]
    assert len(names) >= 25
    assert len(ORDERS) == 2
    assert 8 <= sum(choice.vote for choice in names) <= 10


# The machinery


def a_choice(**changes):
    settings = {
        "name": "side",
        "title": "A patch on the ground",
        "question": "How long is the side?",
        "options": (
            Option("16 m", hint="How large is one pixel?", value=16),
            Option("**160 m**", value=160),
            Option("2560 m", hint="This is the area in pixels, times 10.", value=2560),
        ),
        "explanation": "16 pixels of 10 m.",
    }
    return Choice(**(settings | changes))


def an_order():
    return LineOrder(
        name="steps",
        title="First things first",
        question="Which order?",
        lines=(
            "model = build()",
            "model.compile()",
            "data = read()",
            "model.fit(data)",
        ),
        shown=(3, 1, 0, 2),
        rules=(
            Rule(0, 1, hint="What is compiled must exist."),
            Rule(1, 3, hint="`fit` needs a loss."),
            Rule(2, 3, hint="`fit` needs data."),
        ),
        explanation="Build, compile, read, fit.",
    )


@pytest.mark.parametrize(
    "answer",
    [
        *("b", "B", " b) ", "(b)", "b.", "b)", " B ", " B. ", "**160 m**", "160 m."),
        *(160, 160.0, "160", " 160 ", "160.0", "160.", "160)", "+160"),
    ],
)
def test_an_answer_may_be_written_in_several_ways(answer):
    assert a_choice().check(answer).kind == "right"


def test_numpy_numbers_are_answers_too():
    assert a_choice().check(np.float32(16)).text.startswith("How large")


@pytest.mark.parametrize(
    "answer", ["", "d", "ab", "bb", 3, "3", "160 km", "1 6", None, True, ["b"], {}]
)
def test_what_is_not_an_option_is_not_an_attempt(answer):
    choice = a_choice()
    note = choice.check(answer)
    assert note.kind == "not attempted"
    assert '"a", "b" or "c"' in note.text
    assert isinstance(choice.reveal(1), type(a_choice().reveal(1)))
    assert choice.reveal(1) != 1


def test_a_wrong_answer_gets_its_hint_and_two_open_the_solution():
    choice = a_choice()
    assert "2 more wrong different answers" in choice.solution().text
    assert choice.check("a").text == "How large is one pixel?"
    assert choice.check("a").text == "How large is one pixel?"
    assert choice.solution().kind == "locked"
    assert choice.check("c").text.endswith("`ex.side.solution()`.")
    assert choice.solution().code == 'answer = "b"'
    assert choice.check("b").text == "16 pixels of 10 m."


def test_the_only_wrong_option_of_two_opens_the_solution():
    choice = a_choice(options=(Option("yes"), Option("no", hint="Look again.")))
    choice.check("b")
    assert choice.solution().kind == "solution"


@pytest.mark.parametrize(
    "options",
    [
        (Option("yes"),),
        (Option("yes"), Option("no")),
        (Option("yes", hint="x"), Option("no", hint="y")),
        tuple(Option(f"{n}", hint="x" * n) for n in range(6)),
    ],
)
def test_a_choice_without_exactly_one_right_option_is_refused(options):
    with pytest.raises(ValueError, match="options, of which"):
        a_choice(options=options)


def test_lines_that_are_shown_twice_are_refused():
    with pytest.raises(ValueError, match="Give each number from 0 to 3 once"):
        dataclasses.replace(an_order(), shown=(0, 1, 1, 2))


@pytest.mark.parametrize("answer", ["c b d a", "CBDA", "c,d,b,a", ["d", "c", "b", "a"]])
def test_every_order_that_keeps_the_rules_is_right(answer):
    assert an_order().check(answer).kind == "right"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ("b c d a", "What is compiled must exist."),
        ("c a b d", "`fit` needs a loss."),
        ("c b a d", "`fit` needs data."),
        ("a b c d", "What is compiled must exist."),
    ],
)
def test_the_first_broken_rule_gives_the_hint(answer, hint):
    assert an_order().check(answer).text == hint


@pytest.mark.parametrize("answer", ["c b d", "c b d a a", "c b d e", 4, None, [1, 2]])
def test_an_order_names_each_line_once(answer):
    note = an_order().check(answer)
    assert note.kind == "not attempted"
    assert '"a b c d"' in note.text


@pytest.mark.parametrize(
    ("question", "kind"), [(a_choice(), ChoiceButtons), (an_order(), LineMover)]
)
def test_a_blank_shows_buttons_and_is_no_answer(question, kind):
    buttons = question.check(...)
    assert isinstance(buttons, kind)
    assert buttons.kind == "not attempted"
    assert "Not attempted yet" in repr(buttons)
    assert question.reveal("x") != "x"
    assert question._answers.has_any is False


def test_a_check_without_an_answer_says_what_to_give():
    note = a_choice().check()
    assert note.kind == "not attempted"
    assert '"a", "b" or "c"' in repr(note)
    assert '"a b c d"' in repr(an_order().check())


def test_several_answers_are_the_letters_of_an_order_and_no_choice():
    assert an_order().check("c", "d", "b", "a").kind == "right"
    note = a_choice().check("a", "b")
    assert note.kind == "not attempted"
    assert '"a", "b" or "c"' in note.text


def test_a_click_answers_and_shows_the_note():
    choice = a_choice()
    buttons = choice.check(...)
    # What the browser does.
    buttons.set_state({"chosen": "a"})
    assert "How large is one pixel?" in buttons._note
    assert choice.reveal(3) == 3
    buttons.set_state({"chosen": "b"})
    assert "Right" in buttons._note
    assert choice.solution().kind == "solution"


def test_names_of_buttons_have_no_markup():
    buttons = a_choice(
        options=(Option("*Most* of `n` < 3"), Option("b", hint="x"))
    ).check(...)
    assert buttons._options[0] == {"letter": "a", "text": "Most of n < 3"}


def test_a_text_is_revealed_without_quotes():
    choice = a_choice()
    choice.check("a")
    assert repr(choice.reveal("two\nlines")) == "two\nlines"


# In a kernel


def run_cells(*codes):
    notebook = new_notebook(cells=[new_code_cell(code) for code in codes])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return notebook.cells


SETUP = """\
from tutorial_lib.exercises import Choice, Option
q = Choice(name="q", title="Which?", question="?", explanation="Yes.",
           options=(Option("one"), Option("two", hint="Not two.")))"""


@pytest.mark.thorough
def test_a_result_is_shown_in_its_own_cell_when_the_answer_comes():
    cells = run_cells(SETUP, "q.reveal('the result')", "q.reveal(3)", "q.check('b')")
    for cell, text in zip(cells[1:3], ["the result", "3"], strict=True):
        (output,) = cell.outputs
        assert output.data["text/plain"] == text
    before = run_cells(SETUP, "q.reveal('the result')")[1].outputs
    assert "Answer the question above first" in before[0].data["text/plain"]


@pytest.mark.thorough
def test_a_result_is_shown_at_once_after_an_answer():
    cells = run_cells(SETUP, "q.check('a')", "q.reveal('the result')")
    (output,) = cells[2].outputs
    assert output.output_type == "execute_result"
    assert output.data["text/plain"] == "the result"


# In exported pages


@pytest.fixture(scope="module")
def export(repository):
    sys.path.insert(0, str(repository / "notebooks"))
    yield import_module("export")
    sys.path.remove(str(repository / "notebooks"))


@pytest.mark.parametrize("question", [a_choice(), an_order()])
def test_a_page_folds_the_answer_and_shows_no_code_of_it(export, question):
    answer = question.right_answer
    note = question.check(answer)
    data = {"text/plain": repr(note), "text/html": note._repr_html_()}
    cell = new_code_cell(
        question.cell(solved=True),
        metadata={"tags": ["question"]},
        outputs=[new_output("execute_result", data, execution_count=1)],
    )
    text = export.page_of(new_notebook(cells=[new_markdown_cell("# T"), cell]), "T")
    assert "answer =" not in re.sub(r"<[^>]+>", "", text)
    folded = re.search(r"<details><summary>The answer</summary>(.*?)</details>", text)
    assert f"<strong>{answer}</strong>" in folded[1]
    assert question.explanation in folded[1]


# In the notebooks


@pytest.mark.parametrize(("name", "question"), ALL)
def test_a_question_says_how_long_it_takes_in_its_notebook(
    name, question, repository, request
):
    module = request.node.callspec.id.split(".")[0]
    paths = sorted(Path(repository, "notebooks").glob(f"{module[2:4]}*_*.ipynb"))
    sources = {
        cell.id: cell.source
        for path in paths
        for cell in nbformat.read(path, as_version=4).cells
    }
    text = sources[f"{name}-question"]
    assert text.startswith(f"### Question: {question.title}\n")
    assert f"*About {question.minutes:g} minute" in text
    assert json.dumps(sources[f"{name}-answer"]).count("answer = ...") == 1
