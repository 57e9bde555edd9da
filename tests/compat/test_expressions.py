"""Expressions of BandMathX: each operator and function against loops over pixels."""

import math
import statistics as plain

import numpy as np
import pytest

from tests.compat.expression_pixels import by_loops
from tutorial_lib.compat.expressions import Statistic, parse
from tutorial_lib.compat.expressions.functions import FUNCTIONS
from tutorial_lib.compat.expressions.operators import OPERATORS

# Bands of im1 (0.1 to 0.9), im2 (-5 to 5), im3 (classes 0 to 3), im4 (large integers).
BANDS = [3, 3, 1, 4]


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(7)
    height, width = 7, 9
    return [
        rng.uniform(0.1, 0.9, (height, width, 3)),
        rng.uniform(-5, 5, (height, width, 3)).astype(np.float32),
        rng.integers(0, 4, (height, width, 1)).astype(np.uint8),
        rng.integers(0, 65_000, (height, width, 4)).astype(np.uint16),
    ]


def check(text, compute, images):
    expression = parse(text, bands=BANDS)
    result = expression(images)
    expected = by_loops(compute, images, expression.margin)
    assert result.dtype == np.float64
    assert result.shape == (*expected.shape[:2], expression.bands)
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


def each(function, *lists):
    return [function(*values) for values in zip(*lists, strict=True)]


def dot(first, second):
    return math.fsum(each(lambda a, b: a * b, first, second))


OPERATOR_CASES = {
    "+": [
        ("im1b1 + im2b2", lambda p: p.band(1, 1) + p.band(2, 2)),
        ("im1 + im2", lambda p: each(lambda a, b: a + b, p.bands(1), p.bands(2))),
        ("im1 + {1,2,3}", lambda p: each(lambda a, b: a + b, p.bands(1), (1, 2, 3))),
        ("+im1b1", lambda p: p.band(1, 1)),
    ],
    "-": [
        ("im1b1 - 0.5", lambda p: p.band(1, 1) - 0.5),
        ("im1 - im2", lambda p: each(lambda a, b: a - b, p.bands(1), p.bands(2))),
        ("-im2", lambda p: [-one for one in p.bands(2)]),
    ],
    "*": [
        ("im1b1 * im2b3", lambda p: p.band(1, 1) * p.band(2, 3)),
        ("im1 * 3", lambda p: [3 * one for one in p.bands(1)]),
        ("im2b1 * im1", lambda p: [p.band(2, 1) * one for one in p.bands(1)]),
        ("im1 * im2'", lambda p: dot(p.bands(1), p.bands(2))),
        ("im1 * {1,1,1}'", lambda p: sum(p.bands(1))),
        # 3 by 1 times 1 by 3, and back to a row.
        (
            "{1,2,3} * (im1' * im2)",
            lambda p: [dot(p.bands(1), (1, 2, 3)) * one for one in p.bands(2)],
        ),
        (
            "im1 * im4b1N1x3",
            lambda p: dot(p.bands(1), p.around(4, 1, 1, 3)),
        ),
    ],
    "/": [("im2b1 / im1b1", lambda p: p.band(2, 1) / p.band(1, 1))],
    "^": [
        ("im2b1 ^ 2", lambda p: p.band(2, 1) ** 2),
        ("im1b1 ^ im2b1", lambda p: p.band(1, 1) ** p.band(2, 1)),
        ("im1b1 ^ 0.5", lambda p: math.sqrt(p.band(1, 1))),
    ],
    "mult": [("im1 mult im2", lambda p: each(lambda a, b: a * b, *two(p)))],
    "div": [
        ("im2 div im1", lambda p: each(lambda a, b: b / a, *two(p))),
        (
            "mean(im4b1N3x1) div {2}",
            lambda p: plain.fmean(p.around(4, 1, 3, 1)) / 2,
        ),
    ],
    "pow": [("im1 pow im2", lambda p: each(lambda a, b: a**b, *two(p)))],
    "mlt": [
        ("im1 mlt 2.5", lambda p: [2.5 * one for one in p.bands(1)]),
        ("im1 mlt {2.5}", lambda p: [2.5 * one for one in p.bands(1)]),
    ],
    "dv": [("im1 dv im2b1", lambda p: [one / p.band(2, 1) for one in p.bands(1)])],
    "pw": [
        ("im1 pw 1.5", lambda p: [one**1.5 for one in p.bands(1)]),
        ("im2 pw 2", lambda p: [one * one for one in p.bands(2)]),
        ("im1 pw im2b1", lambda p: [one ** p.band(2, 1) for one in p.bands(1)]),
    ],
    "==": [("im3b1 == 2 ? 1 : 0", lambda p: p.band(3, 1) == 2)],
    "!=": [
        ("im3b1 != 2 ? 1 : 0", lambda p: p.band(3, 1) != 2),
        (
            "(im3b1 > 1) != (im2b1 > 0) ? 1 : 0",
            lambda p: (p.band(3, 1) > 1) != (p.band(2, 1) > 0),
        ),
    ],
    "<": [("im3b1 < 2 ? 1 : 0", lambda p: p.band(3, 1) < 2)],
    "<=": [("im3b1 <= 2 ? 1 : 0", lambda p: p.band(3, 1) <= 2)],
    ">": [("im3b1 > 2 ? 1 : 0", lambda p: p.band(3, 1) > 2)],
    ">=": [("im3b1 >= 2 ? 1 : 0", lambda p: p.band(3, 1) >= 2)],
    "&&": [("im3b1 > 0 && im2b1 > 0 ? 1 : 0", lambda p: min(*signs(p)))],
    "and": [("im3b1 > 0 and im2b1 > 0 ? 1 : 0", lambda p: min(*signs(p)))],
    "||": [("im3b1 > 0 || im2b1 > 0 ? 1 : 0", lambda p: max(*signs(p)))],
    "or": [("im3b1 > 0 or im2b1 > 0 ? 1 : 0", lambda p: max(*signs(p)))],
    "not": [("not im3b1 > 0 ? 1 : 0", lambda p: p.band(3, 1) == 0)],
    "'": [
        ("im1''", lambda p: p.bands(1)),
        ("im1b1'", lambda p: p.band(1, 1)),
        ("im1b2N1x3'", lambda p: p.around(1, 2, 1, 3)),
    ],
    "?": [
        ("im2b1 > 0 ? im1 : im2", lambda p: p.bands(1 if p.band(2, 1) > 0 else 2)),
        ("im2b1 > 0 ? {1} : {0}", lambda p: p.band(2, 1) > 0),
        (
            "im3b1==0 ? 10 : im3b1==1 ? 20 : im3b1==2 ? im2b1>0 ? 30 : 31 : 40",
            lambda p: (10, 20, 30 if p.band(2, 1) > 0 else 31, 40)[int(p.band(3, 1))],
        ),
    ],
}


def two(pixel):
    return pixel.bands(1), pixel.bands(2)


def signs(pixel):
    return pixel.band(3, 1) > 0, pixel.band(2, 1) > 0


def test_each_operator_has_a_case():
    assert set(OPERATOR_CASES) == {*OPERATORS, "not", "'", "?"}


@pytest.mark.parametrize(
    ("text", "compute"), [case for cases in OPERATOR_CASES.values() for case in cases]
)
def test_operators_compute_what_loops_compute(text, compute, images):
    check(text, compute, images)


def half_away(value):
    return math.copysign(math.floor(abs(value) + 0.5), value)


ONE_NUMBER = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "asinh": math.asinh,
    "atanh": math.atanh,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sqrt": math.sqrt,
    "cbrt": math.cbrt,
    "abs": abs,
    "rint": round,
    "round": half_away,
    "trunc": math.trunc,
    "floor": math.floor,
    "ceil": math.ceil,
}

# Functions that are also tried with numbers below zero.
WITH_SIGN = ("abs", "rint", "round", "trunc", "floor", "ceil", "cbrt", "atan", "exp")

FOR_ROWS = (
    *("vcos", "vacos", "vsin", "vasin", "vtan", "vatan", "vtanh", "vsinh", "vcosh"),
    *("vlog", "vlog10", "vabs", "vexp", "vsqrt"),
)


@pytest.mark.parametrize("name", ONE_NUMBER)
def test_functions_of_a_number(name, images):
    image = 2 if name in WITH_SIGN else 1
    check(f"{name}(im{image}b2)", lambda p: ONE_NUMBER[name](p.band(image, 2)), images)


def test_acosh_is_for_numbers_from_1(images):
    check("acosh(im1b1 + 1)", lambda p: math.acosh(p.band(1, 1) + 1), images)


@pytest.mark.parametrize("name", FOR_ROWS)
def test_functions_of_each_value_of_a_row(name, images):
    image = 2 if name[1:] in WITH_SIGN else 1

    def compute(pixel):
        return [ONE_NUMBER[name[1:]](value) for value in pixel.bands(image)]

    check(f"{name}(im{image})", compute, images)


def test_functions_of_each_value_take_a_neighbourhood(images):
    def compute(pixel):
        return plain.fmean(math.sqrt(one) for one in pixel.around(4, 1, 3, 3))

    check("mean(vsqrt(im4b1N3x3))", compute, images)


@pytest.mark.parametrize(
    ("value", "rounded", "even", "cut"),
    [
        (2.5, 3, 2, 2),
        (-2.5, -3, -2, -2),
        (0.49999999999999994, 0, 0, 0),
        (-1.7, -2, -2, -1),
    ],
)
def test_halves_are_rounded_away_from_zero_or_to_even_numbers(
    value, rounded, even, cut
):
    expression = parse(f"round({value}); rint({value}); trunc({value})", bands=[1])
    assert expression([np.zeros((1, 1, 1))])[0, 0].tolist() == [rounded, even, cut]


def most_frequent(values):
    """The smallest of the most frequent values."""
    return min(values, key=lambda one: (-values.count(one), one))


def correlation(first, second):
    return plain.correlation(first, second)


FUNCTION_CASES = {
    "ndvi": [
        (
            "ndvi(im4b1, im4b2)",
            lambda p: (p.band(4, 2) - p.band(4, 1)) / (p.band(4, 2) + p.band(4, 1)),
        ),
        ("ndvi(im1b1, -im1b1)", lambda p: 0),
        (
            "ndvi(im1b1 / 9, im1b2 / 9)",
            lambda p: (p.band(1, 2) - p.band(1, 1)) / (p.band(1, 2) + p.band(1, 1)),
        ),
    ],
    "atan2": [("atan2(im2b1, im2b2)", lambda p: math.atan2(*p.bands(2)[:2]))],
    "hypot": [("hypot(im2b1, im2b2)", lambda p: math.hypot(*p.bands(2)[:2]))],
    "fmod": [("fmod(im2b1, im1b1)", lambda p: math.fmod(p.band(2, 1), p.band(1, 1)))],
    "min": [
        ("min(im2b1, 0.5, im2b3)", lambda p: min(p.band(2, 1), 0.5, p.band(2, 3))),
        ("min(im2b1)", lambda p: p.band(2, 1)),
    ],
    "max": [("max(im2b1, 0, im2b3)", lambda p: max(p.band(2, 1), 0, p.band(2, 3)))],
    "sum": [("sum(im2b1, 2, im2b3)", lambda p: p.band(2, 1) + 2 + p.band(2, 3))],
    "bands": [
        ("bands(im4, {1,4,1,1})", lambda p: [p.band(4, one) for one in (1, 4, 1, 1)]),
        ("bands(im1 + im2, {1+1})", lambda p: p.band(1, 2) + p.band(2, 2)),
    ],
    "cat": [
        (
            "cat(im2b1, im1, 5, {6, im3b1})",
            lambda p: [p.band(2, 1), *p.bands(1), 5, 6, p.band(3, 1)],
        )
    ],
    "dotpr": [
        (
            "dotpr(im4b1N3x1, im4b2N3x1, im4b3N3x1)",
            lambda p: [
                dot(p.around(4, 1, 3, 1), p.around(4, band, 3, 1)) for band in (2, 3)
            ],
        )
    ],
    "corr": [
        (
            "corr(im4b1N3x3, im4b2N3x3)",
            lambda p: correlation(p.around(4, 1, 3, 3), p.around(4, 2, 3, 3)),
        )
    ],
    "mean": [
        (
            "mean(im4b1N3x5, im2, im1b2)",
            lambda p: [
                plain.fmean(p.around(4, 1, 3, 5)),
                plain.fmean(p.bands(2)),
                p.band(1, 2),
            ],
        )
    ],
    "var": [
        (
            "var(im2b1N3x5, im1b2)",
            lambda p: [plain.pvariance(p.around(2, 1, 3, 5)), 0],
        )
    ],
    "median": [
        (
            "median(im2b1N3x5, im1b2)",
            lambda p: [plain.median(p.around(2, 1, 3, 5)), p.band(1, 2)],
        ),
        ("median(im4)", lambda p: plain.median_high(p.bands(4))),
    ],
    "maj": [
        ("maj(im3b1N3x5)", lambda p: most_frequent(p.around(3, 1, 3, 5))),
        ("maj(im3b1N1x1)", lambda p: p.band(3, 1)),
        ("maj(im3b1N3x3 - im3b1N3x3)", lambda p: 0),
    ],
    "vmin": [("vmin(im2b1N3x5)", lambda p: min(p.around(2, 1, 3, 5)))],
    "vmax": [("vmax(im2)", lambda p: max(p.bands(2)))],
    "vnorm": [("vnorm(im2)", lambda p: math.hypot(*p.bands(2)))],
    "vect2scal": [("vect2scal(vmax(im2)) + 1", lambda p: max(p.bands(2)) + 1)],
}


def test_each_function_has_a_case():
    assert {*FUNCTION_CASES, *ONE_NUMBER, *FOR_ROWS, "acosh"} == set(FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "compute"), [case for cases in FUNCTION_CASES.values() for case in cases]
)
def test_functions_compute_what_loops_compute(text, compute, images):
    check(text, compute, images)


VARIABLE_CASES = [
    ("im4", lambda p: p.bands(4)),
    ("im4b3", lambda p: p.band(4, 3)),
    ("cat(mean(im4b2N3x1), mean(im4b2N1x5))", lambda p: means(p)),
    ("{pi, e, log2e, log10e, ln2, ln10, euler}", lambda p: CONSTANTS),
    ("true ? 1 : 0; false ? 1 : 0", lambda p: [1, 0]),
    ("1e2 + 2.5 + .5 + 3.", lambda p: 106),
    ("im1; im2b1 ; {1,2}", lambda p: [*p.bands(1), p.band(2, 1), 1, 2]),
]

CONSTANTS = [
    math.pi,
    math.e,
    1 / math.log(2),
    1 / math.log(10),
    math.log(2),
    math.log(10),
    0.5772156649015329,
]


def means(pixel):
    return [plain.fmean(pixel.around(4, 2, *size)) for size in ((3, 1), (1, 5))]


@pytest.mark.parametrize(("text", "compute"), VARIABLE_CASES)
def test_names_and_numbers(text, compute, images):
    check(text, compute, images)


def test_the_squared_error_of_the_tutorial(images):
    """Two images of 3 bands: the sum of the squared differences, one band."""
    expression = parse("(im1-im2)*(im1-im2)'", bands=[3, 3])
    assert (expression.bands, expression.images, expression.margin) == (
        1,
        (1, 2),
        (0, 0),
    )
    result = expression(images[:2])
    expected = ((images[0] - images[1]) ** 2).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(result, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-3^2", -9),  # a sign binds less than a power since muParserX 3.0
        ("(-3)^2", 9),
        ("2^-1", 0.5),
        ("2^-1^2", 0.5),
        ("2^-1*4", 2),
        ("2^3^2", 512),
        ("-2*3", -6),
        ("2--3", 5),
        ("2-3-4", -5),
        ("12/3/2", 2),
        ("12/3*2", 8),
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("2*3^2", 18),
        ("1+2-3*4/5^6", 3 - 12 / 5**6),
        ("3+4*2/(1-5)^2^3", 3 + 8 / 4**8),
        ("1+1 > 1 ? 1 : 0", 1),
        ("1 < 2 == true ? 1 : 0", 1),
        ("true || false && false ? 1 : 0", 1),
        ("(true || false) && false ? 1 : 0", 0),
        ("false and true or true ? 1 : 0", 1),
        ("not false and false ? 1 : 0", 0),
        ("not 1 > 2 ? 1 : 0", 1),
        ("false == true && false ? 1 : 0", 0),
        ("false ? 1 : 2 + 3", 5),
        ("true ? 1 : false ? 2 : 3", 1),
        ("1 + (true ? 2 : 3) * 2", 5),
        ("{2}*{3}'", 6),
        ("2*{3} pw 2", 36),  # pw binds as a product does, pow as a power
        ("2*{3} pow {2}", 18),
        ("{2} pow {3} pow {2}", 512),
        ("{8} dv 2 dv 2", 2),
        ("({1,2}*{3,4}')^2", 121),
        ("-{1,2}*{3,4}'", -11),
    ],
)
def test_precedence_is_that_of_muparserx(text, value):
    result = parse(text, bands=[1])([np.zeros((2, 3, 1))])
    assert result.shape == (2, 3, 1)
    np.testing.assert_allclose(result, value, rtol=1e-14)


def test_examples_of_the_cookbook_keep_their_sizes():
    bands = [4, 4, 1]
    sizes = {
        "im1 + im2": 4,
        "im3 + {1}": 1,
        "im1b1 + 1": 1,
        "{im1b1} + {1}": 1,
        "{im2b1,im2b2} * {1,2}'": 1,
        "im1 div im2": 4,
        "bands(im1,{1,2,1,1})": 4,
        "mean(im1b1N3x3,im1b2N3x3,im1b3N3x3,im1b4N3x3)": 4,
        "(vmax(im3b1N3x5)+vmin(im3b1N3x5)) div {2.0}": 1,
        "im3b1 ; vmin(im3b1N3x5) ; median(im3b1N3x5) ; vmax(im3b1N3x5)": 4,
        "im1 + im2 ; im1b1*im2b1": 5,
        "cos(im1b1)+im2b1*im3b1-im1b2+ndvi(im1b3, im1b4)": 1,
        "im1 - mean(im1b1N5x5, im1b2N5x5, im1b3N5x5, im1b4N5x5)": 4,
        "vect2scal(vacos({0.5}) + vasin({0.5}) + vatan({0.5})) > 2.0 ?{1}:{0}": 1,
    }
    assert {text: parse(text, bands=bands).bands for text in sizes} == sizes


def test_numbers_that_otb_checks_itself():
    """What otbBandMathXImageFilter of OTB's tests expects, on pixels of our own."""
    pixel = np.array([[[7.0, 14, 21, 28]]])
    text = "corr(bands(im1, {1,2,3,4}), bands(im1, {1,2,4,3})); mean(10, 3.14)"
    np.testing.assert_allclose(parse(text, bands=[4])([pixel])[0, 0], [0.8, 10, 3.14])


def test_an_expression_of_many_operators_keeps_their_order(images):
    text = (
        "vcos(2 * pi * im1) div (2 * pi * (bands(im4,{1,1,1}) pw 2)"
        " + {3.5,3.5,3.5} pow {2,3,4}) mult (vsin(pi * im2) dv 2)"
    )

    def compute(pixel):
        return [
            math.cos(2 * math.pi * one)
            / (2 * math.pi * pixel.band(4, 1) ** 2 + 3.5**power)
            * math.sin(math.pi * other)
            / 2
            for one, other, power in zip(*two(pixel), (2, 3, 4), strict=True)
        ]

    check(text, compute, images)


# What the caller has to give


def test_an_expression_says_what_it_needs():
    expression = parse(
        "im3b1N5x1 * {1,1,1,1,1}' + im1b2Mean + im1b1Var / im2PhyX; idxX",
        bands=[2, 1, 1],
    )
    assert expression.margin == (0, 2)
    assert expression.images == (3,)
    assert expression.spacings == (2,)
    assert expression.statistics == (Statistic(1, 1, "Var"), Statistic(1, 2, "Mean"))
    assert expression.bands == 2
    assert repr(expression) == f"parse({expression.text!r}, bands=[2, 1, 1])"


def test_the_margin_is_the_widest_of_all_neighbourhoods():
    assert parse("mean(im1b1N3x9, im1b1N7x1)", bands=[1]).margin == (4, 3)


def test_a_block_knows_its_place_spacing_and_statistics(images):
    text = "idxX; idxY; im1PhyX*10; im1PhyY; im1b2Mini; im1b2Maxi - im1b1Sum"
    numbers = {
        Statistic(1, 2, "Mini"): 0.25,
        Statistic(1, 2, "Maxi"): 8,
        Statistic(1, 1, "Sum"): 3,
    }
    result = parse(text, bands=[3])(
        images[:1], origin=(20, 100), statistics=numbers, spacings=[(1.5, -1.5)]
    )
    height, width = images[0].shape[:2]
    assert result[:, :, 0].tolist() == [list(range(100, 100 + width))] * height
    assert result[:, :, 1].tolist() == [[20 + row] * width for row in range(height)]
    assert np.unique(result[:, :, 2:].reshape(-1, 4), axis=0).tolist() == [
        [15, -1.5, 0.25, 5]
    ]


def test_images_that_are_not_used_need_no_array(images):
    expression = parse("im2b1 * 2", bands=BANDS)
    result = expression([None, images[1], None, None])
    assert (result[..., 0] == images[1][..., 0] * 2.0).all()


def test_blocks_with_margins_make_the_whole(images):
    """A block computed on its own equals that part of the whole."""
    text = "median(im1b1N3x5) + mean(im1b2N5x3); idxX * idxY; vnorm(im1)"
    expression = parse(text, bands=[4])
    assert expression.margin == (2, 2)
    padded = np.pad(images[3], ((2, 2), (2, 2), (0, 0)), mode="edge")
    whole = expression([padded])
    block = expression([padded[1:8, 3:9]], origin=(1, 3))
    assert whole.shape == (7, 9, 3)
    assert (whole[1:4, 3:5] == block).all()


def test_arrays_are_not_changed_and_results_are_no_views(images):
    copies = [image.copy() for image in images]
    result = parse("im1; im2", bands=BANDS)(images)
    result[:] = 0
    assert all((one == two).all() for one, two in zip(images, copies, strict=True))


def test_infinite_and_undefined_results_are_no_errors():
    expression = parse("1/im1b1; sqrt(im1b1-1); 0/im1b1; ln(im1b1); -1/0", bands=[1])
    result = expression([np.zeros((1, 1, 1))])[0, 0].tolist()
    assert result[0] == math.inf
    assert math.isnan(result[1])
    assert math.isnan(result[2])
    assert result[3] == result[4] == -math.inf


def test_min_and_max_leave_nan_out():
    pixels = np.array([[[np.nan, 2.0]]])
    text = "min(im1b1, im1b2); max(im1b1, im1b2); vmin(im1); vmax(im1)"
    assert parse(text, bands=[2])([pixels])[0, 0].tolist() == [2, 2, 2, 2]


def test_large_integers_stay_exact():
    """float64 holds what float32 rounds: 2^24 + 1."""
    pixels = np.full((1, 1, 2), 2**24 + 1, np.uint32)
    assert parse("im1 * {1,1}'", bands=[2])([pixels]).item() == 2 * (2**24 + 1)


def test_a_view_with_gaps_is_read_as_any_array(images):
    gaps = images[0][::2, ::-1]
    result = parse("im1b3 - im1b1", bands=[3])([gaps])
    assert (result[..., 0] == gaps[..., 2] - gaps[..., 0]).all()


def test_the_memory_estimate_grows_with_what_is_held():
    few = parse("im1b1 + 1", bands=[8]).values
    more = parse("mean(im1b1N9x9 - im1b2N9x9)", bands=[8]).values
    assert few < 10
    assert 2 * 81 <= more < 5 * 81


def test_memory_is_in_proportion_to_the_estimate():
    import tracemalloc

    expression = parse("mean(im1b1N5x5 mult im1b2N5x5); im1 * im1'", bands=[4])
    pixels = np.random.default_rng(0).random((104, 84, 4))
    tracemalloc.start()
    expression([pixels])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * expression.values * 100 * 80 * 1.2
