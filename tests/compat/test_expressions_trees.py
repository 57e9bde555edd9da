"""Random expressions: printed with few brackets, they mean what their tree computes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compat.expression_pixels import by_loops
from tutorial_lib.compat.expressions import ExpressionError, parse

# How tightly the signs bind, as the source of muParserX lists them.
CONDITIONAL, OR, AND, NOT, EQUAL, COMPARE, SUM, PRODUCT, POWER, PRIMARY = range(10)


@dataclass
class Tree:
    """An expression as text, and what it is at a pixel."""

    text: str
    level: int
    value: Callable[[Any], Any]

    def within(self, level):
        """Its text as a part of something that binds with a level."""
        return self.text if self.level >= level else f"({self.text})"


def binary(sign, level, compute, from_right=False):
    def make(left, right, space):
        left_level, right_level = (
            (level + 1, level) if from_right else (level, level + 1)
        )
        # A sign at the beginning of the right side needs no brackets.
        text = (
            f"{left.within(left_level)}{space}{sign}{space}{right.within(right_level)}"
        )
        return Tree(text, level, lambda p: compute(left.value(p), right.value(p)))

    return make


def spaces(word):
    return st.sampled_from([" ", "  "] if word.isalpha() else ["", " "])


def joined(left, right, sign, level, compute, from_right=False):
    return st.builds(
        binary(sign, level, compute, from_right), left, right, spaces(sign)
    )


def negative(tree):
    def value(pixel):
        return -np.asarray(tree.value(pixel))

    return Tree(f"-{tree.within(POWER)}", PRODUCT, value)


def choice(condition, yes, no):
    text = f"{condition.within(OR)} ? {yes.text} : {no.text}"

    def value(pixel):
        return yes.value(pixel) if condition.value(pixel) else no.value(pixel)

    return Tree(text, CONDITIONAL, value)


def called(name, *trees, compute):
    text = f"{name}({', '.join(tree.text for tree in trees)})"
    return Tree(text, PRIMARY, lambda p: compute(*(tree.value(p) for tree in trees)))


def constant(number):
    return Tree(str(number), PRIMARY, lambda p: np.float64(number))


def band(number):
    image, place = divmod(number, 3)
    text = f"im{image + 1}b{place + 1}"
    return Tree(text, PRIMARY, lambda p: np.float64(p.band(image + 1, place + 1)))


def pixel_of(image):
    return Tree(f"im{image}", PRIMARY, lambda p: np.array(p.bands(image)))


def braces(*trees):
    text = "{" + ",".join(tree.text for tree in trees) + "}"
    return Tree(text, PRIMARY, lambda p: np.array([tree.value(p) for tree in trees]))


# Nothing is divided by 0: whether that is inf or -inf depends on the sign of the 0.
DIVISORS = st.builds(constant, st.sampled_from([1, 2, 3, 0.5])) | st.builds(
    band, st.integers(3, 5)
)

LEAVES = st.builds(constant, st.sampled_from([0, 1, 2, 3, 0.5, "1e1"])) | st.builds(
    band, st.integers(0, 5)
)


@cache
def exponents():
    """Of 0, 1 and 2: these powers are exact, so that no comparison depends on them."""
    small = st.builds(constant, st.sampled_from([0, 1]))
    first = small | st.just(constant(2))
    return first | joined(first, small, "^", POWER, np.power, True)


@cache
def numbers(depth):
    if depth == 0:
        return LEAVES
    less = numbers(depth - 1)
    rows_ = rows(depth - 1)
    return (
        LEAVES
        | joined(less, less, "+", SUM, np.add)
        | joined(less, less, "-", SUM, np.subtract)
        | joined(less, less, "*", PRODUCT, np.multiply)
        | joined(less, DIVISORS, "/", PRODUCT, np.divide)
        | joined(less, exponents(), "^", POWER, np.power, True)
        | st.builds(negative, less)
        | st.builds(choice, truths(depth - 1), less, less)
        | st.builds(lambda a, b: called("max", a, b, compute=np.fmax), less, less)
        | st.builds(lambda a: called("abs", a, compute=abs), less)
        | st.builds(lambda a: called("vect2scal", maximum(a), compute=np.sum), rows_)
        | joined(rows_, st.builds(column, rows_), "*", PRODUCT, np.dot)
    )


def maximum(row):
    return called("vmax", row, compute=np.fmax.reduce)


def column(row):
    # Transposition binds most tightly of all.
    return Tree(f"{row.within(PRIMARY)}'", PRIMARY, row.value)


@cache
def rows(depth):
    leaves = st.builds(pixel_of, st.sampled_from([1, 2])) | st.builds(
        braces, LEAVES, LEAVES, LEAVES
    )
    if depth == 0:
        return leaves
    less, number = rows(depth - 1), numbers(depth - 1)
    return (
        leaves
        | joined(less, less, "+", SUM, np.add)
        | joined(less, less, "-", SUM, np.subtract)
        | joined(less, less, "mult", PRODUCT, np.multiply)
        | joined(less, st.builds(pixel_of, st.just(2)), "div", PRODUCT, np.divide)
        | joined(number, less, "*", PRODUCT, np.multiply)
        | joined(less, number, "mlt", PRODUCT, np.multiply)
        | joined(less, DIVISORS, "dv", PRODUCT, np.divide)
        | joined(less, exponents(), "pw", PRODUCT, np.power)
        | st.builds(negative, less)
        | st.builds(choice, truths(depth - 1), less, less)
        | st.builds(
            lambda a: Tree(
                f"bands({a.text}, {{3,1,1}})", PRIMARY, lambda p: a.value(p)[[2, 0, 0]]
            ),
            less,
        )
    )


@cache
def truths(depth):
    # Sums of leaves are exact: a comparison of them has one right answer.
    sums = LEAVES | joined(LEAVES, LEAVES, "-", SUM, np.subtract)
    signs = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
    comparisons = [joined(sums, sums, *one(signs, sign)) for sign in signs]
    comparisons.append(joined(sums, sums, "==", EQUAL, np.equal))
    comparisons.append(joined(sums, sums, "!=", EQUAL, np.not_equal))
    words = st.sampled_from(
        [Tree("true", PRIMARY, lambda p: True), Tree("false", PRIMARY, lambda p: False)]
    )
    leaves = st.one_of(*comparisons, words)
    if depth == 0:
        return leaves
    less = truths(depth - 1)
    return (
        leaves
        | joined(less, less, "&&", AND, np.logical_and)
        | joined(less, less, "and", AND, np.logical_and)
        | joined(less, less, "||", OR, np.logical_or)
        | joined(less, less, "or", OR, np.logical_or)
        | joined(less, less, "==", EQUAL, np.equal)
        | st.builds(opposite, less)
    )


def one(signs, sign):
    return sign, COMPARE, signs[sign]


def opposite(tree):
    return Tree(f"not {tree.within(NOT)}", NOT, lambda p: not tree.value(p))


@pytest.fixture(scope="module")
def images():
    # Eighths are exact in binary, and so are their sums; im2 has no 0.
    rng = np.random.default_rng(3)
    first, second = rng.integers(-12, 12, (2, 2, 3, 3))
    return [first / 4, (2 * second + 1) / 8]


def check(tree, images):
    result = parse(tree.text, bands=[3, 3])(images)
    expected = by_loops(tree.value, images)
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(tree=numbers(3))
def test_numbers_mean_what_their_tree_computes(tree, images):
    check(tree, images)


@settings(deadline=None, max_examples=40)
@given(tree=rows(3))
def test_rows_mean_what_their_tree_computes(tree, images):
    check(tree, images)


@settings(deadline=None, max_examples=40)
@given(tree=truths(4))
def test_truths_mean_what_their_tree_computes(tree, images):
    tree = Tree(f"{tree.within(OR)} ? 1 : 0", CONDITIONAL, tree.value)
    check(tree, images)


@pytest.mark.slow
@settings(deadline=None, max_examples=600)
@given(tree=numbers(5) | rows(5))
def test_deep_expressions_mean_what_their_tree_computes(tree, images):
    check(tree, images)


WORDS = (
    *("im1", "im2", "im1b1", "im2b3", "im3", "im1b1N3x3", "im1b2Mean", "idxX"),
    *("2", ".5", "1e3", "pi", "true", "sqrt", "vsqrt", "mean", "bands", "cat", "max"),
    *("(", ")", "{", "}", ",", ";", "?", ":", "+", "-", "*", "/", "^", "'", "foo"),
    *("mult", "mlt", "pow", "pw", "==", "<", "&&", "or", "not"),
)


@settings(deadline=None, max_examples=200)
@given(words=st.lists(st.sampled_from(WORDS), max_size=12))
def test_any_order_of_words_is_read_or_refused(words):
    expression = read(" ".join(words))
    if expression is None:
        return
    margin = expression.margin
    shape = (3 + 2 * margin[0], 4 + 2 * margin[1])
    arrays = [np.ones((*shape, 2)), np.ones((*shape, 3))]
    statistics = dict.fromkeys(expression.statistics, 1.0)
    result = expression(arrays, statistics=statistics)
    assert result.shape == (3, 4, expression.bands)


@settings(deadline=None, max_examples=200)
@given(text=st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    read(text)


def read(text):
    """The expression of a text, or None if it is refused as it should be."""
    try:
        return parse(text, bands=[2, 3])
    except ExpressionError as error:
        place, message = error.position, str(error)
    assert 0 <= place <= len(text)
    assert message.replace("\n", "").isprintable()
    return None
