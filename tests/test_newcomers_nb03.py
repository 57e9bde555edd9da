"""Wrong answers that newcomers gave to 03: the note is true, and names the fault."""

import pytest

from tests.test_newcomers import FCNN, noted

pytestmark = pytest.mark.thorough

OVERLAP = "nb03_pixelwise_fcnn.overlap_share"
JITTER = "nb03_pixelwise_fcnn.jitter"
MAP = "nb03_pixelwise_fcnn.land_cover"
RULE = "(down < 16) & (across < 16)"
FACTOR, SHIFT = "(1 - gain, 1 + gain)", "(-offset, offset)"
LABELS = '"estimated_labels"'


@pytest.mark.parametrize(
    "rule",
    [
        "down < 16 & across < 16",
        "down < 16 or across < 16",
        "min(down, across) < 16",
        "max(down, across) < 16",
        "-16 < down < 16",
        "rows < 16 & cols < 16",
    ],
)
def test_arrays_in_the_place_of_one_truth_get_a_note_on_brackets(rule):
    note = noted(OVERLAP, (RULE, rule))
    assert "brackets" in note.text
    assert note.kind == "wrong"


# Piece of the solution, what stands there, words of the note, words that are false.
WRONG_DRAWS = {
    "gain for offset": (SHIFT, "(-gain, gain)", "hardly", "never below"),
    "the end only": (SHIFT, "(offset)", "one number only", "changed places"),
    "the start only": (SHIFT, "(-offset)", "the shift went from -", "never below"),
    "down by little": (SHIFT, "(-0.05 * offset, offset)", "went from", "never below"),
    "darker by little": (
        FACTOR,
        "(1 - 0.05 * gain, 1 + gain)",
        "went from",
        "brighter",
    ),
    "never below 0": (FACTOR, "(0, gain)", "went from", "around 0"),
    "one for each of 4 bands": (FACTOR, "(1 - gain, 1 + gain, 4)", "band", "shape"),
}


@pytest.mark.parametrize("case", WRONG_DRAWS)
def test_a_note_on_jitter_says_what_is_so(case):
    old, new, words, elsewhere = WRONG_DRAWS[case]
    note = noted(JITTER, (old, new))
    assert note.kind == "wrong"
    assert words in note.text
    assert elsewhere not in note.text


def test_shifts_against_the_factors_are_one_draw_too():
    note = noted(
        JITTER, ("rng.uniform(-offset, offset)", "(1 - factor) / gain * offset")
    )
    assert "same draw" in note.text
    assert "larger shift" not in note.text


@pytest.mark.parametrize(
    ("kernel", "swapped"),
    [(10, False), (12, False), (16, True), (17, False), (32, True)],
)
def test_only_kernels_that_are_numbers_of_filters_are_called_swapped(kernel, swapped):
    note = noted(FCNN, ('32, 3, "conv4"', f'32, {kernel}, "conv4"'))
    assert ("swapped" in note.text) is swapped
    assert "kernel" in note.text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (LABELS, '"labels"', "no output 'labels'"),
        (LABELS, "estimated_labels", "quotes"),
        ("legend=legend", "legend=legend.names", "legend"),
        ("        model,", "        {},", "model"),
        ("        image_path,\n", "        model,\n", "no such file|source"),
        ("output=", "outputs=", "`output`"),
    ],
)
def test_a_slip_in_the_call_of_the_map_gets_a_note(old, new, words):
    note = noted(MAP, (old, new))
    assert note.kind == "raised"
    assert any(word in note.text for word in words.split("|"))


def test_a_patch_that_is_changed_is_told():
    line = "return patch * factor + shift"
    note = noted(JITTER, (line, "patch *= factor\n    return patch + shift"))
    assert note.kind == "wrong"
    assert "changes the list, array or table that it is given" in note.text
