"""Counter-examples, values judged in parts, and comparisons by value."""

import ast
from fractions import Fraction
from functools import partial

import numpy as np
import pandas
import pytest

from tutorial_lib.exercises import (
    Exercise,
    Finding,
    Mistake,
    close,
    diagnose,
    in_parts,
    try_cases,
)
from tutorial_lib.exercises.findings import CallFailedError
from tutorial_lib.exercises.showing import shown_apart


def first_pixel(centre, size):
    return centre - size // 2


CASES = [(8, 16), (2, 5), (20, 7), (33, 12)]


def tried(answer, cases=CASES, right=first_pixel, **options):
    answer.__name__ = "first_pixel"
    return str(try_cases(answer, cases, right, **options))


# Functions


def test_a_right_function_is_right():
    assert try_cases(first_pixel, CASES, first_pixel) is None


def test_the_simplest_case_that_differs_is_shown():
    found = try_cases(lambda centre, size: centre - (size + 1) // 2, CASES, first_pixel)
    assert isinstance(found, Finding)
    assert found.text.endswith("(2, 5)` gave -1; it should be 0.")


def test_a_mistake_must_agree_in_all_cases():
    likely = {
        "one size": lambda centre, size: centre - 8,
        "whole": lambda centre, size: centre - size,
    }
    assert tried(lambda c, s: c - s, likely=likely) == "whole"
    assert tried(lambda c, s: c - 8, likely=likely) == "one size"
    mixed = tried(lambda c, s: c - 8 if s == 16 else c - s, likely=likely)
    assert mixed.startswith("`first_pixel(2, 5)`")


def test_a_mistake_that_raises_is_found_by_its_error():
    likely = {"divided": lambda centre, size: centre // (size - 5)}
    assert tried(lambda c, s: c // (s - 5), likely=likely) == "divided"


@pytest.mark.parametrize(
    ("wrong", "end"),
    [
        (lambda c, s: str(c), 'gave the text "8"; it should be 0.'),
        (lambda c, s: float("nan"), "gave NaN, which is not a number; it should be 0."),
        (lambda c, s: c / 0.0 if c < 0 else np.inf, "gave infinity; it should be 0."),
        (lambda c, s: (c, s), "gave 2 values, (8, 16); it should be one: 0."),
        (lambda c, s: [0], "gave [0]; it should be the number itself: 0."),
        (lambda c, s: print, "gave a function; it should be a number: 0."),
        (lambda c, s: {"x": 0}, 'gave {"x": 0}; it should be 0.'),
        (lambda c, s: 1e-4, "gave 0.0001; it should be 0."),
    ],
)
def test_a_result_of_another_kind_is_named(wrong, end):
    assert tried(wrong) == f"`first_pixel(8, 16)` {end}"


def same(values):
    return values


@pytest.mark.parametrize(
    ("wrong", "argument", "end"),
    [
        (
            lambda a: a[:-1],
            [1, 2, 3],
            "gave 2 values, [1, 2]; there should be 3: [1, 2, 3].",
        ),
        (lambda a: a[:-1], np.arange(50), "gave 49 values; there should be 50."),
        (
            lambda a: a[:, 1:],
            np.zeros((4, 5)),
            "gave an array of shape (4, 4); its shape",
        ),
        (lambda a: a.sum(), np.zeros((4, 5)), "gave one number, 0.0; it should be"),
        (lambda a: a[0], [1, 2, 3], "gave one number, 1; it should be [1, 2, 3]."),
        (lambda a: (x + 1 for x in a), [1, 2], "gave [2, 3]; it should be [1, 2]."),
        (
            lambda a: a + 0.5,
            np.zeros((4, 5)),
            "has 0.5 at [0, 0]; it should be 0.0 there.",
        ),
        (
            lambda a: a * np.nan,
            np.ones((4, 5)),
            "has NaN, which is not a number, at [0, 0]",
        ),
        (lambda a: {"x": 1}, {"x": 2}, 'gave, for "x", 1; it should be 2.'),
        (lambda a: {"y": 2}, {"x": 2}, 'gave a dictionary without "x".'),
        (lambda a: {**a, "y": 2}, {"x": 2}, 'gave a dictionary that also has "y".'),
        (lambda a: 3, {"x": 2}, "gave 3; it should be a dictionary."),
        (lambda a: "same", "valid", 'gave "same"; it should be "valid".'),
    ],
)
def test_several_values_are_compared_in_plain_words(wrong, argument, end):
    assert end in tried(wrong, [(argument,)], same)


def test_small_arrays_are_typed_and_large_ones_described():
    assert tried(lambda a: 1, [(np.array([1.0, 2.0]),)], np.sum) == (
        "`first_pixel(np.array([1.0, 2.0]))` gave 1; it should be 3.0."
    )
    assert "(an array of shape (30,))" in tried(lambda a: 1, [(np.zeros(30),)], np.sum)


def test_a_call_with_objects_is_written_by_the_exercise():
    found = tried(lambda a: 1, [(object(),)], lambda a: 2, show=lambda a: "f(patches)")
    assert found == "`f(patches)` gave 1; it should be 2."


def test_parts_that_are_right_in_all_cases_are_said_to_be_right():
    found = try_cases(
        lambda a: (a, a + 2, 7),
        [(1,), (5,)],
        lambda a: (a, a + 1, 7),
        names=("start", "end", "step"),
    )
    assert found.right == "`start` and `step` are right."
    assert "gave (1, 3, 7); it should be (1, 2, 7)" in found.text
    unnamed = try_cases(lambda a: (a, 0), [(1,), (5,)], lambda a: (a, 1))
    assert unnamed.right == "Value 1 is right."


CHANGES = "changes the list, array or table that it is given"


def test_a_function_that_changes_its_arguments_is_told():
    def smallest(values):
        values.sort()
        return values[0]

    cases = [([3, 1, 2],), ([5, 4],)]
    text = exercise(lambda f: try_cases(f, cases, min)).check(smallest).text
    assert text.startswith(f"The results are right.\n`smallest([3, 1, 2])` {CHANGES}")
    assert cases == [([3, 1, 2],), ([5, 4],)]


def test_the_example_has_the_values_from_before_they_were_changed():
    def increased(values):
        values += 2
        return values

    def judge(answer):
        array = np.zeros(2)
        # A judge may also call the answer itself.
        answer(array)
        return try_cases(answer, [(array,)], lambda values: values + 1)

    note = exercise(judge).check(increased)
    shown = "`increased(np.array([0.0, 0.0]))`"
    wrong = f"{shown} gave [2.0, 2.0]; it should be [1.0, 1.0]."
    assert note.kind == "wrong"
    assert note.text.startswith(f"{wrong}\n{shown} {CHANGES}")


def test_a_table_that_is_given_stays_as_it_is():
    def judge(answer, *, table):
        return None if answer(table) == 3 else "other"

    def added(table):
        table["c"] = table["a"] + table["b"]
        return table["c"].sum()

    table = pandas.DataFrame({"a": [1], "b": [2]})
    note = exercise(judge).check(added, table=table)
    assert CHANGES in note.text
    assert list(table) == ["a", "b"]


def test_values_that_only_look_new_are_not_changed():
    def kept(values):
        values["a"][0] = values["a"][0] + 0
        return 1

    values = {"a": [1.5, np.nan], "b": (np.array([np.nan]), None)}
    one = exercise(lambda answer: None if answer(values) == 1 else "other")
    assert one.check(kept).kind == "right"


def test_an_object_that_is_called_has_the_name_of_the_answer():
    def judge(answer):
        return try_cases(answer, [(8,)], lambda n: n / 2)

    code = "def half(n):\n    return n / 2"
    one = exercise(judge, solution_code=code, stub="def half(n):\n    return ...")
    for third in (partial(lambda by, n: n / by, 3), Third()):
        assert "`half(8)` gave 2.667; it should be 4.0." in one.check(third).text


class Third:
    """An object that can be called, and has no name."""

    def __call__(self, n):
        return n / 3


def test_an_error_on_one_input_shows_the_call():
    with pytest.raises(CallFailedError) as caught:
        try_cases(lambda c, s: c // (s - 5), CASES, lambda c, s: c // 11)
    assert caught.value.call.endswith("(8, 16)") or caught.value.call.endswith("(2, 5)")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_two_values_that_differ_never_look_alike():
    pairs = [(0.1234561, 0.1234562), (1e9, 1e9 + 1), (1 / 3, 0.33333), (8.00004, 8)]
    for got, wanted in [*pairs, (10000.4, 10000.0), ([10.001, 20.002], [10.0, 20.0])]:
        one, other = shown_apart(got, wanted)
        assert np.any(np.array(ast.literal_eval(one)) != ast.literal_eval(other))


# In an exercise


def exercise(judge, **changes):
    settings = {
        "name": "half",
        "title": "Half",
        "question": "?",
        "answer_name": "half",
        "stub": "half = ...",
        "solution_code": "def half(n, m):\n    return n // m",
        "judge": judge,
        "mistakes": {"slash": Mistake("half = 1", "Use `//`.")},
        "hints": ("a", "b"),
    }
    return Exercise(**settings | changes)


def halves():
    return exercise(
        lambda answer: try_cases(
            answer,
            [(4, 2), (5, 2), (5, 5)],
            lambda n, m: n // m,
            {"slash": lambda n, m: n / m},
        )
    )


def test_the_note_has_the_counter_example():
    note = halves().check(lambda n, m: n // m + n % m)
    assert (note.kind, note.text) == ("wrong", "`half(5, 2)` gave 3; it should be 2.")


def test_the_note_has_what_is_right_first():
    note = exercise(lambda answer: Finding("`b` is wrong.", "`a` is right.")).check(len)
    assert note.text == "`a` is right.\n`b` is wrong."


def test_the_note_has_the_call_that_raised():
    note = halves().check(lambda n, m: n // m + 0 // (m - 5) if n == m else n // m)
    assert note.kind == "raised"
    assert note.text.startswith(
        "`half(5, 5)` raised `ZeroDivisionError`: your code divides by zero."
    )


def test_a_function_without_a_name_gets_that_of_the_question():
    assert "`half` gives nothing back" in halves().check(lambda n, m: None).text


def test_each_wrong_note_after_three_tries_says_that_the_solution_is_open():
    half = halves()
    tries = [lambda n, m: n, lambda n, m: n / m, lambda n, m: n // 0]
    notes = [half.check(one) for one in (tries[0], tries[0], tries[1])]
    assert not any("ex.half.solution()" in note.text for note in notes)
    third = half.check(tries[2])
    assert third.kind == "raised"
    assert third.text.endswith("The solution is open now: `ex.half.solution()`.")
    assert half.check(tries[0]).text.endswith("`ex.half.solution()`.")
    assert half.solution().kind == "solution"
    assert "solution()" not in half.check(lambda n, m: n // m).text


def test_a_comment_is_not_another_try():
    half = halves()
    code = "def half(n, m):\n    return n"
    for text in (code, f"# again\n\n{code}", f"{code}  # again"):
        names = {}
        exec(compile(text, "<cell>", "exec"), names)
        half.check(names["half"])
    assert "2 more different attempts" in half.solution().text


def value_exercise():
    return exercise(
        lambda answer: in_parts(answer, {"a": 16, "b": 8}, ["a", "b"]),
        solution_code='half = {"a": 16, "b": 8}',
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"a": 16.0, "b": np.float32(8)},
        {"b": Fraction(8), "a": np.int64(16)},
        {"a": 32 / 2, "b": 8},
    ],
)
def test_the_notebook_gets_whole_numbers_where_the_solution_has_them(answer, capsys):
    sizes = value_exercise()
    assert sizes.check(answer).kind == "right"
    assert sizes.answer() == {"a": 16, "b": 8}
    assert {type(value) for value in sizes.answer().values()} == {int}


def test_a_generator_is_read_once_and_kept_as_a_list(capsys):
    squares = exercise(
        lambda answer: diagnose(answer, [0, 1, 4]), solution_code="half = [0, 1, 4]"
    )
    assert squares.check(n * n for n in range(3)).kind == "right"
    assert squares.answer() == [0, 1, 4]


@pytest.mark.parametrize(
    "answer", [{"a": 0, "b": 1}.values(), {0: "a", 1: "b"}.keys(), range(2)]
)
def test_views_and_ranges_are_what_they_hold(answer):
    counted = exercise(
        lambda answer: diagnose(answer, [0, 1]), solution_code="half = [0, 1]"
    )
    assert counted.check(answer).kind == "right"


def test_a_function_may_return_the_values_of_a_dictionary():
    assert (
        try_cases(lambda n: {"a": n, "b": 2}.values(), [(1,)], lambda n: (n, 2)) is None
    )


# Parts of a value


@pytest.mark.parametrize(
    ("answer", "text", "right"),
    [
        ((16, 9), "`width` is too large.", "`height` is right."),
        ((15, 8), "`height` is too small.", "`width` is right."),
        ((-16, 8), "`height` has the wrong sign.", "`width` is right."),
        ((32, 8), "`height` is too large, by a factor of 2.", "`width` is right."),
        ((8, 16), "The right values are there, but in another order.", ""),
        (("16", 8), "`height` is the text", "`width` is right."),
        ((np.nan, 8), "`height` is NaN", "`width` is right."),
        ((np.inf, 8), "`height` is infinite", "`width` is right."),
        ((print, 8), "it must be a number", "`width` is right."),
        ((16, 8, 3), "The answer has 3 values; 2 values are asked for", ""),
        (16, "The answer is one value; 2 values are asked for", ""),
        ({16, 8}, "The answer is a set, `{…}`, whose values have no order", ""),
        (None, "`print` shows values, but gives nothing back", ""),
        (lambda: (16, 8), "The answer is a function, not its result", ""),
        (((16, 8),), "one pair of brackets too many", ""),
        ("16, 8", "without quotes", ""),
        ({"height": 16}, "The dictionary has no `width`.", ""),
        ({"height": 16, "width": 8, "x": 1}, "`x`, which is not asked for", ""),
    ],
)
def test_parts_are_judged_apart(answer, text, right):
    found = in_parts(answer, (16, 8), ["height", "width"])
    assert text in found.text
    assert found.right == right


def test_parts_with_the_same_fault_share_a_sentence():
    found = in_parts((17, 9), (16, 8), ["height", "width"])
    assert found.text == "`height` and `width` are too large."
    found = in_parts((-16, -8), (16, 8), ["height", "width"])
    assert found.text == "`height` and `width` have the wrong sign."


def test_a_wrong_unit_is_told_by_its_digits():
    found = in_parts(7680, 7.68, ["side_km"])
    assert "too large, though the digits are right" in found.text
    assert "compare the units" in found.text


@pytest.mark.parametrize("answer", [(16, 9), 7.1, "a", {"height": 1}, None])
def test_the_right_value_is_never_shown(answer):
    found = in_parts(answer, (123.25, 456.5), ["height", "width"])
    assert "123" not in str(found)
    assert "456" not in str(found)


def test_mistakes_may_be_whole_answers_or_parts():
    likely = {"swapped": (8, 16), "metres": {"width": 80}}
    assert in_parts((8, 16), (16, 8), ["height", "width"], likely) == "swapped"
    assert in_parts((3, 80), (16, 8), ["height", "width"], likely) == "metres"
    assert in_parts(9, 8, ["side"], {"one more": 9}) == "one more"


# By value


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (3.0, 3),
        (True, 1),
        (1, True),
        (np.bool_(1), 1),
        (Fraction(1, 4), 0.25),
        (np.float32(0.1), 0.1),
        (np.float32(33718), 33718),
        (np.array([3]), 3),
        (np.array([[3.0]]), 3),
        ([Fraction(1, 2), 2], [0.5, 2]),
        ((n for n in (1, 2)), [1, 2]),
        (map(int, "12"), [1, 2]),
        (np.array([1, 2]), (1, 2)),
        ({"a": 1.0}, {"a": 1}),
        ({1, 2}, {2, 1}),
        (np.inf, np.inf),
        ([(1, 2), (3, 4)], np.array([[1, 2], [3, 4]])),
    ],
)
def test_answers_of_one_value_are_the_same(answer, expected):
    assert close(answer, expected)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("3", 3),
        ([3], 3),
        (np.nan, np.nan),
        (1_000_001, 1_000_000),
        (100_000.5, 100_000),
        (0.1001, 0.1),
        (-np.inf, np.inf),
        (b"3", 3),
        (3 + 0j, 3),
        (None, 0),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"b": 1}),
        ([1, 2], {1, 2}),
        (print, 3),
        ("same", "Same"),
    ],
)
def test_other_answers_are_not(answer, expected):
    assert not close(answer, expected)


def test_an_endless_generator_is_not_read_to_its_end():
    def ones():
        while True:
            yield 1

    assert not close(ones(), [1, 1])
