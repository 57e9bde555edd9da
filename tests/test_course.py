"""The course as a whole: its time, its kinds of exercise, the page for teachers."""

import sys
from importlib import import_module
from itertools import pairwise

import jupytext
import pytest

from tutorial_lib.exercises import Exercise, Question

# Six and a half hours, in minutes.
WHOLE_DAY = 390
SHORT_ROUTE = ("00", "01", "03", "05")


@pytest.fixture(scope="module")
def build(repository):
    sys.path.insert(0, str(repository / "notebooks"))
    yield import_module("build")
    sys.path.remove(str(repository / "notebooks"))


@pytest.fixture(scope="module")
def lessons(build):
    return build.read_lessons()


@pytest.fixture(scope="module")
def needed_minutes(build):
    return import_module("sections").needed_minutes


def test_each_notebook_takes_the_minutes_that_it_says(lessons, needed_minutes):
    for lesson in lessons:
        assert lesson.minutes % 5 == 0
        assert abs(needed_minutes(lesson.sections) - lesson.minutes) <= 4, lesson.stem


def test_the_course_takes_six_and_a_half_hours_and_the_short_route_three(lessons):
    minutes = {lesson.number: lesson.minutes for lesson in lessons}
    assert sum(minutes.values()) <= WHOLE_DAY
    assert sum(minutes[number] for number in SHORT_ROUTE) <= 180


def test_each_notebook_has_sections_to_leave_out_when_it_is_late(lessons):
    for lesson in lessons:
        late = [x for x in lesson.sections if x.late or x.is_optional]
        assert 1 <= len(late) < len(lesson.sections) / 2, lesson.stem
        assert all(x.late.endswith(".") for x in late if x.late)


def test_a_third_of_the_exercises_are_questions_or_real_calls(lessons):
    exercises = [one for lesson in lessons for one in lesson.exercises]
    questions = [one for one in exercises if isinstance(one, Question)]
    calls = [
        one
        for one in exercises
        if isinstance(one, Exercise)
        and any(x in one.solution_code for x in ("tl.", "keras.", "model."))
    ]
    assert len(questions) + len(calls) >= len(exercises) / 3
    assert len(questions) >= 25


def test_some_exercises_of_the_course_are_for_pairs(lessons):
    in_pairs = [one for lesson in lessons for one in lesson.exercises if one.pairs]
    assert len(in_pairs) >= len(lessons) / 2


# The page for teachers


def test_the_page_for_teachers_has_every_notebook_section_and_mistake(build, lessons):
    page = build.build_teaching_page()
    assert "{{" not in page
    for lesson in lessons:
        assert len(lesson.objectives) >= 3
        assert f"({lesson.stem}.ipynb)" in page
        for text in [*lesson.objectives, *(x.title for x in lesson.exercises)]:
            assert text in page
        for one in lesson.exercises:
            mistakes = one.mistakes if isinstance(one, Exercise) else {}
            for mistake in mistakes.values():
                assert " ".join(mistake.hint.split()) in page


def test_the_page_for_teachers_is_of_these_sources(build, repository):
    written = (repository / "notebooks" / "TEACHING.md").read_text(encoding="utf-8")
    assert written == build.build_teaching_page()


def test_there_is_a_break_after_each_hour_but_the_last():
    breaks = import_module("teaching")._breaks
    assert [breaks(x) for x in (60, 61, 120, 160, 180, 390)] == [0, 10, 10, 20, 20, 60]


def test_headings_of_the_page_for_teachers_are_in_order(build):
    levels = [0]
    levels += [
        len(line) - len(line.lstrip("#"))
        for line in build.build_teaching_page().splitlines()
        if line.startswith("#")
    ]
    assert levels[1] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


# How sections are read


SOURCE = """\
# %% [markdown]
# # Title
#
# **Afterwards you can**
#
# - say
#   this,
# - do that.
#
# **Needs** about 15 minutes of your time, seconds of computing.

# %% [markdown] late="Skip it."
# ## One
#
# Four words of text.

# %%
1 + 1

# %% exercise="first"

# %% tags=["claim"]
assert True

# %% [markdown]
# What you see.
#
# ## Optional: two
#
# More.
"""


@pytest.fixture
def sections(build):
    class First:
        minutes = 5

    cells = jupytext.reads(SOURCE, fmt="py:percent").cells
    return import_module("sections").sections_of(cells, {"first": First()})


def test_sections_have_their_texts_cells_and_exercises(sections):
    first, one, two = sections
    assert (first.title, one.title, two.title) == ("", "One", "Optional: two")
    assert one.text.split() == ["Four", "words", "of", "text.", "What", "you", "see."]
    assert (one.code_cells, len(one.exercises), one.late) == (1, 1, "Skip it.")
    assert two.is_optional
    assert (two.code_cells, two.exercises, two.late) == (0, [], "")


def test_minutes_are_reading_looking_and_exercises(sections, needed_minutes):
    first, one, two = sections
    assert one.minutes == pytest.approx(7 / 160 + 0.3 + 5)
    assert needed_minutes(sections) == pytest.approx(first.minutes + one.minutes)
    assert two.minutes > 0


def test_a_lesson_knows_its_number_time_and_objectives(build, sections):
    lesson = build.Lesson("01b_small", "Small", sections)
    assert (lesson.number, lesson.minutes) == ("01b", 15)
    assert lesson.objectives == ["say this", "do that"]


def test_a_frame_with_an_unknown_place_is_refused(build, tmp_path):
    (tmp_path / "teaching.md").write_text("# Page\n\n{{weather}}\n")
    with pytest.raises(ValueError, match=r"\['weather'\]. Use: lessons, rubric"):
        import_module("teaching").teaching_page([], tmp_path)
