"""Wrong expressions: each is refused with a sentence, the cure, and the place."""

import time
import tracemalloc

import numpy as np
import pytest

from tutorial_lib.compat.expressions import ExpressionError, Statistic, parse
from tutorial_lib.compat.expressions.errors import SHOWN_WIDTH


def refused(text, bands=(4, 4)):
    with pytest.raises(ExpressionError) as caught:
        parse(text, bands=list(bands))
    return caught.value


# The caret stands below the character after `@`.
WRONG = [
    # Sizes that do not fit
    ("im1@+1", "row of 4 on its left and a number on its right", "{1, 1, 1, ...}"),
    ("1@-im1", "a number on its left and a row of 4 on its right", "same size"),
    ("im1@+{1,2}", "row of 4 on its left and a row of 2 on its right", "same size"),
    ("im1@*im2", "a row of 4 on its left and a row of 4 on its right", "`mult`"),
    ("im1@*{1,2}'", "row of 4 on its left and a column of 2", "needs 4 rows"),
    ("im1@/2", "a row of 4 on its left and a number on its right", "`dv`"),
    ("2@/im1", "a number on its left and a row of 4 on its right", "`div`"),
    ("im1@/im2", "a row of 4 on its left and a row of 4 on its right", "`div`"),
    ("im1@^2", "a row of 4 on its left and a number on its right", "`pw`"),
    ("im1@^im2", "a row of 4 on its left and a row of 4 on its right", "`pow`"),
    ("im1 @mult {1,2}", "a row of 4 on its left and a row of 2", "same size"),
    ("2 @mult 3", "a number on its left and a number on its right", "Write `*`"),
    ("im1b1 @pow 2", "a number on its left and a number on its right", "Write `^`"),
    ("2 @mlt im1", "a number on its left and a row of 4 on its right", "the row on"),
    ("2 @dv 3", "a number on its left and a number on its right", "Write `/`"),
    ("im1 @pw im2", "a row of 4 on its left and a row of 4", "one number on its right"),
    ("im1@<2", "a row of 4 on its left and a number on its right", "im1b1"),
    ("1<im1b1@<3", "true or false on its left and a number", "a < b && b < c"),
    ("im1b1@&&2>1", "a number on its left and true or false", "a comparison"),
    ("@not im1b1", "a number on its right", "a comparison"),
    ("(im1b1>0)@*2", "true or false on its left", "? 1 : 0"),
    ("@-(im1b1>0)", "true or false on its right", "? 1 : 0"),
    ("im1b1@?1:2", "a number on its left", "a comparison"),
    ("im1b1>0@?im1:2", "a row of 4 or a number", "the same size"),
    # Functions
    ("@sqrt(im1)", "a row of 4", "vsqrt(...)"),
    ("@asinh(im1)", "a row of 4", "im1b1"),
    ("@sqrt(im1b1>0)", "true or false", "? 1 : 0"),
    ("@vsqrt(im1b1)", "a number", "sqrt(...)"),
    ("@max(im1)", "a row of 4", "vmax(...)"),
    ("@sum(im1)", "a row of 4", "{1, 1, 1}'"),
    ("@sin(1,2)", "2 arguments", "Give it 1."),
    ("@ndvi(1,2,3)", "3 arguments", "Give it 2."),
    ("@corr(im1,im1,im1)", "3 arguments", "Give it 2."),
    ("@bands(im1,{1},{2})", "3 arguments", "Give it 2."),
    ("@ndvi(1)", "1 arguments", "Give it 2."),
    ("@dotpr(im1)", "1 arguments", "at least 2"),
    ("@dotpr(im1,im2,{1})", "a row of 4 and a row of 1", "same size"),
    ("@corr(im1,im1')", "a row of 4 and a column of 4", "same size"),
    ("@vect2scal(im1)", "a row of 4", "a row of 1"),
    ("@bands(im1,{1,5})", "Band 5 does not exist in a row of 4", "from 1 to 4"),
    ("@bands(im1,{0})", "Band 0 does not exist", "from 1 to 4"),
    ("@bands(im1,{1.5})", "Band 1.5 does not exist", "from 1 to 4"),
    ("@bands(im1,im2)", "values of pixels", "bands(im1, {1, 2})"),
    ("@bands(im1b1,{1})", "a number", "bands(im1, {1, 2})"),
    ("@cat(im1')", "a column of 4", "numbers and rows"),
    ("@{im1}", "a row of 4", "cat(...)"),
    ("@mean(1>0)", "true or false", "? 1 : 0"),
    # Results
    ("@im1b1>0", "The result is true or false", "? 1 : 0"),
    ("@im1'", "a column of 4", "make it a row"),
    ("im1b1;@im1b1N3x5", "a matrix of 5 by 3", "mean(im1b1N3x3)"),
    # Names
    ("im1+@im3", "there are 2 images", "im1 to im2"),
    ("@im0", "there are 2 images", "im1 to im2"),
    ("@im2b5", "there are 4 bands", "im2b1 to im2b4"),
    ("@im1b0Mean", "there are 4 bands", "im1b1 to im1b4"),
    ("mean(@im1b1N4x3)", "a side of 4 pixels", "odd numbers from 1 to 21"),
    ("mean(@im1b1N3x23)", "a side of 23 pixels", "odd numbers from 1 to 21"),
    ("mean(@im1N3x5)", "of no band", "im1b1N3x5"),
    ("@im1Mean", "of no band", "im1b1Mean"),
    ("@im01", "no value named `im01`", "im1"),
    ("@im1b1N03x3", "no value named `im1b1N03x3`", "im1"),
    ("2*@IM1B2", "no value named `IM1B2`", "im1b2?"),
    ("@imlb2", "no value named `imlb2`", "im1b2"),
    ("@im1b1mean", "no value named `im1b1mean`", "im1b1Mean?"),
    ("@mdian(im1)", "no function named `mdian`", "median"),
    ("@Sqrt(2)", "no function named `Sqrt`", "sqrt?"),
    ("@vsum(im1)", "no function named `vsum`", "{1, 1, 1}'"),
    ("@qqq(2)", "no function named `qqq`", "sqrt"),
    ("@qqq", "no value named `qqq`", "im1b2"),
    ("@i", "no value named `i`", "Complex numbers"),
    ("@sqrt", "`sqrt` is a function", "sqrt(...)"),
    ("@pi(2)", "`pi` is not a function", "`*`"),
    ("im1b1 @xor im1b2", "no operator named `xor`", "`a != b`"),
    # Words in the wrong place
    ("@", "missing at the beginning", "a number, a band"),
    ("@   ", "missing at the beginning", "a number, a band"),
    ("im1+@", "missing after `+`", "a number, a band"),
    ("im1;@", "missing after `;`", "a number, a band"),
    ("sin(@)", "missing after `(`", "a number, a band"),
    ("max(1,@)", "missing after `,`", "a number, a band"),
    ("@*2", "missing at the beginning", "a number, a band"),
    ("2 @im1", "operator is missing before `im1`", "`+`"),
    ("5@t6", "operator is missing before `t6`", "`+`"),
    ("2@(3)", "operator is missing before `(`", "`+`"),
    ("@(im1", "`(` is not closed", "`)`"),
    ("bands(im1,@{1,2", "`{` is not closed", "`}`"),
    ("im1@)", "`)` was not opened", "away"),
    ("(im1@}", "`}` was not opened", "away"),
    ("im1@,im2", "`,` belongs to a bracket", "away"),
    ("1@:2", "`:` belongs to ?", "away"),
    ("1>0?2@", "`:` is missing", "condition ? value"),
    ("{1,2@;3}", "`;` separates", "with commas"),
    ("(im1@;im2)", "`;` separates", "Close the bracket"),
    # Characters of other languages
    ("im1b1 @= 2", "`=` has no meaning", "`==`"),
    ("im1b1@**2", "`**` has no meaning", "`^`"),
    ("im1b1 @& 4", "`&` has no meaning", "`&&`"),
    ("@!(1>0)", "`!` has no meaning", "`not (...)`"),
    ("im1@[0]", "`[` has no meaning", "im1b2"),
    ("1@%2", "`%` has no meaning", "fmod"),
    ("7@//2", "`//` has no meaning", "floor"),
    ("1@<<2", "`<<` has no meaning", "power of 2"),
    ("1 @# one", "`#` has no meaning", "Comments"),
    ("im1@\N{MINUS SIGN}im2", "`\N{MINUS SIGN}` has no meaning", "`-`"),
    ("im1*im2@\N{RIGHT SINGLE QUOTATION MARK}", "has no meaning", "`'`"),
    ("im1b1@\N{MULTIPLICATION SIGN}2", "has no meaning", "`*`"),
    ("@\N{ARABIC-INDIC DIGIT THREE}", "has no meaning", "away"),
    ("1@\N{NO-BREAK SPACE}+1", r"'\xa0' has no meaning", "away"),
    ("1@\x00", r"'\x00' has no meaning", "away"),
    ("2+@1e999", "1e999 is too large", "1e308"),
]


@pytest.mark.parametrize(("marked", "what", "cure"), WRONG)
def test_wrong_expressions_are_refused_with_the_place(marked, what, cure):
    position = marked.index("@")
    error = refused(marked.replace("@", "", 1))
    sentence, _, picture = str(error).partition("\n")
    assert what in sentence
    assert cure in sentence
    assert sentence.endswith((".", "?"))
    assert error.position == position
    shown, caret = picture.split("\n")
    assert caret.index("^") == 4 + position
    assert caret.endswith(f"(character {position + 1})")
    assert len(shown) <= 80


def test_the_caret_stands_below_its_character_in_a_long_expression():
    text = "1 + " * 100 + "x + " + "1 + " * 100 + "1"
    shown, caret = str(refused(text)).split("\n")[1:]
    assert shown[caret.index("^")] == "x"
    assert shown.startswith("    ...")
    assert shown.endswith("...")
    assert len(shown) <= SHOWN_WIDTH + 10


def test_line_breaks_and_wide_characters_do_not_move_the_caret():
    shown, caret = str(refused("1\n+\t\N{CJK UNIFIED IDEOGRAPH-4E2D}")).split("\n")[1:]
    assert shown == "    1 + ?"
    assert caret.index("^") == 8


HOSTILE = {
    "brackets": "(" * 9_999,
    "closed brackets": "(" * 4_999 + "1" + ")" * 4_999,
    "braces": "{" * 9_999,
    "signs": "-" * 9_998 + "1",
    "nots": "not " * 2_000 + "true",
    "powers": "2^" * 4_000 + "2",
    "functions": "abs(" * 2_400,
    "conditions": "true?" * 1_900 + "1",
    "a long name": "a" * 9_999,
    "a long number of an image": "im" + "9" * 9_000,
    "a long number": "9" * 9_999,
    "a long power": "1e" + "9" * 9_000,
    "too long": "1+" * 50_000 + "1",
    "an outer product": "im1b1*{" + "1," * 2_400 + "1}'*{" + "1," * 2_400 + "1}",
    "attributes": "().__class__.__bases__[0]",
    "an import": "__import__('os').system('ls')",
    "a lambda": "lambda: 1",
    "format strings": "{im1.__class__}",
    "directions": "\N{RIGHT-TO-LEFT OVERRIDE}im1",
    "combining": "im1" + "\N{COMBINING ACUTE ACCENT}" * 9_000,
}


# The clock counts what this thread computes: a busy machine does not fail it.
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_expressions_are_refused_at_once(text):
    started = time.thread_time()
    tracemalloc.start()
    error = refused(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(str(error)) < 400
    assert peak < 50e6
    assert time.thread_time() - started < 5


def test_half_a_character_is_refused():
    with pytest.raises(ValueError, match="whole characters"):
        parse("\ud800", bands=[1])


@pytest.mark.sampled(daily=1)
@pytest.mark.parametrize(
    "text",
    [
        "1+" * 4_990 + "1",
        "im1b1==1 ? 1 : " * 600 + "0",
        "1;" * 4_999 + "1",
        "bands(im1,{" + "1," * 4_000 + "1})",
        "im1b1" + "'" * 9_000,
        "(" * 40 + "im1b1" + ")" * 40,
        "sum(" + "im1b1," * 1_500 + "1)",
    ],
)
def test_long_expressions_are_computed(text):
    expression = parse(text, bands=[4])
    started = time.thread_time()
    result = expression([np.ones((2, 3, 4))])
    assert result.shape == (2, 3, expression.bands)
    assert np.isfinite(result).all()
    assert time.thread_time() - started < 5


# What a caller gives


def test_wrong_arguments_of_parse():
    with pytest.raises(TypeError, match="`text` is 3"):
        parse(3, bands=[1])
    with pytest.raises(ValueError, match="`bands` is 0"):
        parse("im1", bands=[0])
    with pytest.raises(TypeError, match="`bands`"):
        parse("im1", bands=["4"])


ARRAYS = [
    ("im1 + im2", [np.ones((2, 3, 4))], "1 `arrays`, but 2 images"),
    ("im1 + im2", [np.ones((2, 3, 4)), None], "im2 is None"),
    ("2", [None, None], "All `arrays` are None"),
    ("im1", [np.ones((2, 3)), None], r"\(2, 3\). Give \(height, width, 4\)"),
    ("im1", [np.ones((2, 3, 5)), None], r"\(2, 3, 5\). Give \(height, width, 4\)"),
    ("im1+im2", [np.ones((2, 3, 4)), np.ones((3, 2, 4))], "the same pixels"),
    ("mean(im1b1N3x5)", [np.ones((4, 3, 4)), None], "4 rows and 2 columns"),
    ("im1b2Mean", [np.ones((2, 3, 4)), None], "im1b2Mean is missing"),
    ("im2PhyX", [np.ones((2, 3, 4)), None], "spacing of im2 is missing"),
]


@pytest.mark.parametrize(("text", "arrays", "message"), ARRAYS)
def test_arrays_that_do_not_fit_are_refused(text, arrays, message):
    expression = parse(text, bands=[4, 4])
    with pytest.raises(ValueError, match=message):
        expression(arrays)


def test_a_statistic_is_named_as_in_the_expression():
    assert str(parse("im1b2Var", bands=[2]).statistics[0]) == "im1b2Var"
    assert parse("im1b2Var", bands=[2]).statistics == (Statistic(1, 2, "Var"),)
