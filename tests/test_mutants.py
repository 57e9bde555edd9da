"""Machine-made wrong answers: none passes, and nearly all hear what is wrong."""

import functools
import inspect

import pytest

from tests import mutants
from tests.equal_mutants import EQUAL
from tutorial_lib.exercises import Exercise, Finding, Mistake

EXERCISES = mutants.all_exercises()
# Mutants of an exercise come in turn of the kinds of their changes, so the first half
# has nearly all kinds. `make test` tries these, `make test-slow` tries all.
HOW_MANY = pytest.mark.parametrize(
    "most",
    [
        pytest.param(mutants.MOST // 2, marks=pytest.mark.thorough),
        pytest.param(mutants.MOST, marks=pytest.mark.slow),
    ],
)


@functools.cache
def results(name, most):
    """Results of the mutants of an exercise, except those that are known as equal."""
    return [
        one
        for one in mutants.results_of(EXERCISES[name], most)
        if one.verdict != "passed" or not mutants.is_equal(name, one.mutant)
    ]


def shown(found):
    return "\n".join(f"{one.verdict}: {one.mutant.change}\n{one.note}" for one in found)


@pytest.mark.sampled(daily=4)
@HOW_MANY
@pytest.mark.parametrize("name", EXERCISES)
def test_no_mutant_passes_and_nine_of_ten_hear_what_is_wrong(name, most):
    found = results(name, most)
    passed = [one for one in found if one.verdict == "passed"]
    assert not passed, shown(passed)
    unnamed = [one for one in found if one.verdict in ("generic", "raw")]
    assert mutants.share_named(found) >= 0.9, shown(unnamed)


@pytest.mark.sampled(daily=4)
@pytest.mark.thorough
@pytest.mark.parametrize("name", EXERCISES)
def test_there_are_enough_mutants(name):
    exercise = EXERCISES[name]
    assert len(mutants.mutants_of(exercise)) >= (20 if mutants.is_code(exercise) else 8)


@pytest.mark.slow
@HOW_MANY
def test_of_all_mutants_19_in_20_hear_what_is_wrong(most):
    everything = [one for name in EXERCISES for one in results(name, most)]
    for name in EXERCISES:
        found = results(name, most)
        share = mutants.share_named(found)
        print(f"{name}: {len(found)} wrong answers, {share:.0%} named")
    share = mutants.share_named(everything)
    print(f"all: {len(everything)} wrong answers, {share:.1%} named")
    assert share >= 0.95


@pytest.mark.slow
def test_every_mutant_that_is_said_to_be_equal_exists_and_passes():
    for name, changes in EQUAL.items():
        made = {one.change: one for one in mutants.mutants_of(EXERCISES[name], 10_000)}
        for change, reason in changes.items():
            assert reason
            assert change in made, f"{name}: {change}"
            assert mutants.try_mutant(EXERCISES[name], made[change]).verdict == "passed"


# The machine itself


def is_solution(answer):
    source = inspect.getsource(inspect.unwrap(answer))
    return source.strip() == "def half(size, step=1):\n    return size // 2 * step"


def half(judge):
    """An exercise with a check of its own, except for the solution."""
    return Exercise(
        name="half",
        title="Half",
        question="?",
        answer_name="half",
        stub="half = ...",
        solution_code="def half(size, step=1):\n    return size // 2 * step",
        judge=lambda answer: None if is_solution(answer) else judge(answer),
        mistakes={"other": Mistake("half = 1", "A function.")},
        hints=("a", "b"),
    )


def test_changes_are_made_once_and_their_names_are_unique():
    made = mutants.mutants_of(half(lambda answer: None), most=1000)
    assert len(made) > 20
    for values in ([one.change for one in made], [one.code for one in made]):
        assert len(set(values)) == len(made)
    assert made == mutants.mutants_of(half(lambda answer: None), most=1000)


def test_a_check_that_looks_at_nothing_lets_all_mutants_pass():
    found = mutants.results_of(half(lambda answer: None))
    assert {one.verdict for one in found} == {"passed"}


def test_a_check_without_hints_is_generic():
    def judge(answer):
        return None if answer(7, 1) == 3 and answer(8, 2) == 8 else "other"

    verdicts = [one.verdict for one in mutants.results_of(half(judge))]
    assert verdicts.count("generic") > 10
    assert "named" in verdicts  # errors


def test_counter_examples_and_errors_are_named():
    def judge(answer):
        got = answer(7, 3)
        return None if got == 9 else Finding(f"`half(7, 3)` gave {got}.")

    assert mutants.share_named(mutants.results_of(half(judge))) == 1


def test_a_mutant_that_never_ends_is_stopped():
    def judge(answer):
        while True:
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mutants, "LONGEST", 0.1)
        found = mutants.results_of(half(judge), most=2)
    assert [one.verdict for one in found] == ["endless"] * 2


def test_an_error_without_a_sentence_is_raw_and_one_of_the_kit_is_not():
    class UnheardError(Exception):
        pass

    def raises(error):
        def judge(answer):
            raise error

        return judge

    from tutorial_lib.patches.selection import select_positions

    def kit(answer):
        select_positions(3)

    one = mutants.results_of(half(raises(UnheardError("?"))), most=1)
    other = mutants.results_of(half(kit), most=1)
    assert [one[0].verdict, other[0].verdict] == ["raw", "named"]


@pytest.mark.parametrize("value", [3, 2.5, True, (16, 8), {"a": 16, "b": 8}, "same"])
def test_values_are_changed_into_other_values(value):
    made = mutants.mutants_of_value(value)
    assert len({one.change for one in made}) == len(made) >= 1
    assert all(one.value != value or type(one.value) is str for one in made)
