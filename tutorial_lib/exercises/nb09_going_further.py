"""Exercises of notebook 09: date, clouds, offset and labels of a scene of one's own."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib.exercises import Exercise, Mistake, try_cases

if TYPE_CHECKING:
    import pandas

# What the scene classification of Sentinel-2 says of a pixel that is not the ground.
_MASKED = (0, 1, 3, 8, 9, 10)
_SCL_CLASSES = 12

# Codes of WorldCover, and the class of those that the kit uses.
_CLASS_OF = MappingProxyType({80: 0, 90: 1, 20: 1, 30: 2, 50: 3, 10: 4, 40: 5})
_CODES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100)


# Which date?


def _judge_best_date(answer: Callable[["pandas.DataFrame"], str]) -> Any:
    import pandas

    rng = np.random.default_rng()
    cases = [
        _dates([30, 10, 20], [100, 100, 90]),
        _dates([30, 1, 20], [100, 40, 100]),
        _dates([12, 3, 8, 5], [100, 98, 99, 97]),
        # Here the first image, the first whole one and the last one differ.
        _dates([20, 25, 10, 30, 40], [99, 100, 100, 99, 98]),
        *(_drawn_dates(rng) for _ in range(8)),
    ]

    def among(table: pandas.DataFrame) -> pandas.DataFrame:
        return table[table["coverage"] >= 99]

    return try_cases(
        answer,
        [(table,) for table in cases],
        right=lambda table: _date_of(among(table), "cloud", np.argmin),
        likely={
            "any coverage": lambda table: _date_of(table, "cloud", np.argmin),
            "most clouds": lambda table: _date_of(among(table), "cloud", np.argmax),
            "most coverage": lambda table: _date_of(table, "coverage", np.argmax),
            "first": lambda table: among(table)["date"].iloc[0],
            "last": lambda table: among(table)["date"].iloc[-1],
            "row": lambda table: among(table)["cloud"].idxmin(),
            "place in the list": lambda table: int(among(table)["cloud"].argmin()),
            "clouds": lambda table: among(table)["cloud"].min(),
            "wrong side": lambda table: _date_of(
                table[table["coverage"] < 99], "cloud", np.argmin
            ),
            "without 99": lambda table: _date_of(
                table[table["coverage"] > 99], "cloud", np.argmin
            ),
        },
        show=_shown_dates,
    )


def _date_of(
    table: "pandas.DataFrame", column: str, choose: Callable[[np.ndarray], int]
) -> str | None:
    if table.empty:
        return None
    return table["date"].iloc[int(choose(table[column].to_numpy()))]


def _dates(clouds: list[int], covered: list[int]) -> "pandas.DataFrame":
    """A table of dates: one every fifth day, as the satellites pass."""
    import pandas

    days = [f"2023-05-{5 * number + 2:02}" for number in range(len(clouds))]
    return pandas.DataFrame({"date": days, "cloud": clouds, "coverage": covered})


def _drawn_dates(rng: np.random.Generator) -> "pandas.DataFrame":
    clouds = rng.choice(60, 5, replace=False) + 1
    covered = rng.choice([100, 99, 98, 60, 20], 5)
    # The least clouds are over an image that covers too little, and one image fits.
    covered[clouds.argmin()], covered[clouds.argsort()[2]] = 55, 100
    return _dates(clouds.tolist(), covered.tolist())


def _shown_dates(table: "pandas.DataFrame") -> str:
    clouds, covered = table["cloud"].tolist(), table["coverage"].tolist()
    return f"best_date(table), where cloud is {clouds} and coverage {covered},"


def _best_date_code(result: str) -> str:
    return (
        "def best_date(table):\n"
        '    whole = table[table["coverage"] >= 99]\n'
        f"    return {result}"
    )


best_date = Exercise(
    name="best_date",
    title="Choose a date",
    question="""
        Write a function that chooses a date from such a table. Take the images that cover
        **at least 99 %** of the place. Of these, take the one with the **fewest clouds**,
        and give back its date, the text in the column `date`.

        The columns `cloud` and `coverage` are in percent. The order of the rows is not
        known.
        """,
    answer_name="best_date",
    stub="def best_date(table):\n    return ...",
    solution_code=_best_date_code('whole.sort_values("cloud")["date"].iloc[0]'),
    judge=_judge_best_date,
    mistakes={
        "any coverage": Mistake(
            code='def best_date(table):\n    return table.sort_values("cloud")["date"].iloc[0]',
            hint="The fewest clouds are right. But this image may cover only a corner of "
            "the place. First keep the rows with enough coverage.",
        ),
        "most clouds": Mistake(
            code=_best_date_code('whole.sort_values("cloud")["date"].iloc[-1]'),
            hint="This image has the *most* clouds of those that cover the place.",
        ),
        "most coverage": Mistake(
            code='def best_date(table):\n    return table.loc[table["coverage"].idxmax(), "date"]',
            hint="This is the first date with the largest coverage. Several may cover the "
            "place: choose by the clouds among them.",
        ),
        "first": Mistake(
            code=_best_date_code('whole["date"].iloc[0]'),
            hint="This image covers the place. But it is only the first in the table: "
            "where are the clouds compared?",
        ),
        "last": Mistake(
            code=_best_date_code('whole["date"].iloc[-1]'),
            hint="This image covers the place. But it is only the last in the table: "
            "where are the clouds compared?",
        ),
        "row": Mistake(
            code=_best_date_code('whole["cloud"].idxmin()'),
            hint="It is the right row of the table. Its number is no date: what is in "
            "the column `date` of this row?",
        ),
        "place in the list": Mistake(
            code=_best_date_code('whole["cloud"].argmin()'),
            hint="This is the place of the right image among those that cover the place. "
            "The question asks for its date.",
        ),
        "clouds": Mistake(
            code=_best_date_code('whole["cloud"].min()'),
            hint="This is how many clouds the right image has. The question asks for its "
            "date.",
        ),
        "wrong side": Mistake(
            code=_best_date_code('table.sort_values("cloud")["date"].iloc[0]').replace(
                'whole = table[table["coverage"] >= 99]',
                'table = table[table["coverage"] < 99]',
            ),
            hint="This keeps the images that cover too little, and drops the others.",
        ),
        "without 99": Mistake(
            code=_best_date_code('whole.sort_values("cloud")["date"].iloc[0]').replace(
                ">= 99", "> 99"
            ),
            hint="This drops an image that covers exactly 99 %. *At least* 99 % includes "
            "it.",
        ),
    },
    hints=(
        'A table is filtered by a condition: `table[table["coverage"] >= 99]`.',
        '`sort_values("cloud")` brings the row with the fewest clouds to the top.',
        'The date of the first row is `["date"].iloc[0]`.',
    ),
    explanation="A cloud share counts the whole product, 110 km wide. Your place may be "
    "clearer, or all under the one cloud of the image.",
    imports="import pandas",
)


# What shows the ground?


def _judge_shows_ground(answer: Callable[[np.ndarray], np.ndarray]) -> Any:
    drawn = np.random.default_rng().integers(0, _SCL_CLASSES, (7, 11))
    cases = [np.array([4, 9]), *_single_classes(), drawn.astype("uint8")]
    found = try_cases(
        answer,
        [(case,) for case in cases],
        right=_shows_ground,
        likely={
            "inverted": lambda scl: np.isin(scl, _MASKED),
            "no shadow": lambda scl: ~np.isin(scl, (0, 1, 8, 9, 10)),
            "no cirrus": lambda scl: ~np.isin(scl, (0, 1, 3, 8, 9)),
            "no medium": lambda scl: ~np.isin(scl, (0, 1, 3, 9, 10)),
            "clouds only": lambda scl: ~np.isin(scl, (8, 9, 10)),
            "thick clouds only": lambda scl: scl != 9,
            "no no-data": lambda scl: ~np.isin(scl, (1, 3, 8, 9, 10)),
            "no saturated": lambda scl: ~np.isin(scl, (0, 3, 8, 9, 10)),
            "dark ground": lambda scl: ~np.isin(scl, (*_MASKED, 2)),
            "unclassified": lambda scl: ~np.isin(scl, (*_MASKED, 7)),
            "snow": lambda scl: ~np.isin(scl, (*_MASKED, 11)),
            "known ground": lambda scl: np.isin(scl, (4, 5, 6)),
            "between": lambda scl: np.isin(scl, (4, 5, 6, 7)),
            "numbers": lambda scl: np.where(_shows_ground(scl), scl, 0),
        },
    )
    # 1 and 0 equal True and False. But `~` makes -2 and -1 of them, which are both true.
    if found is None and np.asarray(answer(drawn)).dtype != bool:
        return "one and zero"
    return found


def _single_classes() -> list[np.ndarray]:
    """One pixel of each class, so that a counter-example names the class."""
    return [np.array([number]) for number in range(_SCL_CLASSES)]


def _shows_ground(scl: np.ndarray) -> np.ndarray:
    return ~np.isin(scl, _MASKED)


def _shows_ground_code(classes: str, sign: str = "~") -> str:
    return f"def shows_ground(scl):\n    return {sign}np.isin(scl, {classes})"


shows_ground = Exercise(
    name="shows_ground",
    title="Which pixels show the ground?",
    question="""
        | class | meaning | class | meaning |
        |---|---|---|---|
        | 0 | no data | 6 | water |
        | 1 | saturated or defective | 7 | unclassified |
        | 2 | dark ground, or shadow of a hill | 8 | cloud, medium probability |
        | 3 | shadow of a cloud | 9 | cloud, high probability |
        | 4 | vegetation | 10 | thin cirrus |
        | 5 | bare ground | 11 | snow or ice |

        Write a function of an array of these classes. It gives `True` for each pixel to
        **keep**, and `False` for a pixel

        - that has no data, or a defective value,
        - that shows a cloud of any kind, or a cloud's shadow.

        Keep everything else. `np.isin(scl, (…))` tells which values of an array are in a
        list, and `~` turns `True` and `False` around.
        """,
    answer_name="shows_ground",
    stub="def shows_ground(scl):\n    return ...",
    solution_code=_shows_ground_code("(0, 1, 3, 8, 9, 10)"),
    judge=_judge_shows_ground,
    mistakes={
        "inverted": Mistake(
            code=_shows_ground_code("(0, 1, 3, 8, 9, 10)", sign=""),
            hint="The classes are the right ones. But `True` must mean that a pixel is "
            "kept, and here it means that it is dropped.",
        ),
        "no shadow": Mistake(
            code=_shows_ground_code("(0, 1, 8, 9, 10)"),
            hint="One class is missing. A cloud darkens the ground beside it, and a dark "
            "field looks like water to a network.",
        ),
        "no cirrus": Mistake(
            code=_shows_ground_code("(0, 1, 3, 8, 9)"),
            hint="One class is missing: cirrus is a cloud too, a thin and high one.",
        ),
        "no medium": Mistake(
            code=_shows_ground_code("(0, 1, 3, 9, 10)"),
            hint="One class is missing: a cloud of medium probability is dropped too.",
        ),
        "clouds only": Mistake(
            code=_shows_ground_code("(8, 9, 10)"),
            hint="All clouds are there. But three more classes are not the ground as it "
            "is: read the list in the question again.",
        ),
        "thick clouds only": Mistake(
            code="def shows_ground(scl):\n    return scl != 9",
            hint="This drops one of six classes: the surest clouds. Read the list in the "
            "question again.",
        ),
        "no no-data": Mistake(
            code=_shows_ground_code("(1, 3, 8, 9, 10)"),
            hint="One class is missing: where nothing was measured, nothing is shown.",
        ),
        "no saturated": Mistake(
            code=_shows_ground_code("(0, 3, 8, 9, 10)"),
            hint="One class is missing: a value that is defective.",
        ),
        "dark ground": Mistake(
            code=_shows_ground_code("(0, 1, 2, 3, 8, 9, 10)"),
            hint="One class too many. Dark ground is still ground, and so is the shadow "
            "of a hill, which is there on every clear day.",
        ),
        "unclassified": Mistake(
            code=_shows_ground_code("(0, 1, 3, 7, 8, 9, 10)"),
            hint="One class too many. Unclassified means that no kind of ground was "
            "recognised. It does not mean that a cloud is there.",
        ),
        "snow": Mistake(
            code=_shows_ground_code("(0, 1, 3, 8, 9, 10, 11)"),
            hint="One class too many. Snow lies on the ground. Whether you want a winter "
            "image is a question of the date.",
        ),
        "known ground": Mistake(
            code=_shows_ground_code("(4, 5, 6)", sign=""),
            hint="This keeps three kinds of ground and drops all others. The question "
            "lists what to drop.",
        ),
        "between": Mistake(
            code="def shows_ground(scl):\n    return (scl > 3) & (scl < 8)",
            hint="This keeps the classes from vegetation to unclassified. Two other "
            "classes show the ground too: the question lists what to drop.",
        ),
        "one and zero": Mistake(
            code=_shows_ground_code("(0, 1, 3, 8, 9, 10)", sign="1 - "),
            hint="The right pixels are found. But the result has the numbers 1 and 0, "
            "and it must have `True` and `False`: the notebook uses `~` on it.",
        ),
        "numbers": Mistake(
            code="""
                def shows_ground(scl):
                    return np.where(np.isin(scl, (0, 1, 3, 8, 9, 10)), 0, scl)
                """,
            hint="The right pixels are found. But the result must be `True` or `False`, "
            "not the number of the class.",
        ),
    },
    hints=(
        "First list the numbers of the classes that are dropped: there are six.",
        "They are no data, defective, shadow of a cloud, and three kinds of clouds.",
        "`~np.isin(scl, (0, 1, 3, …))` is True for all other classes.",
    ),
    explanation="These pixels become no-data, so no patch is cut there, and they get no "
    "class in a map.",
    imports="import numpy as np",
)


# From numbers to reflectance


def _judge_reflectance(
    answer: Callable[[np.ndarray, float, float], np.ndarray],
) -> Any:
    rng = np.random.default_rng()
    cases = [
        (np.array([1500, 3000], "uint16"), 0.0001, -0.1),
        (np.array([500, 3000], "uint16"), 0.0001, 0.0),
        (np.array([0, 950, 2000], "uint16"), 0.0001, -0.1),
        *((_drawn_numbers(rng), 0.0001, offset) for offset in (-0.1, 0.0)),
        (_drawn_numbers(rng), 0.0002, -0.05),
    ]

    def written(values: np.ndarray, dn: np.ndarray) -> np.ndarray:
        return np.where(dn == 0, 0, np.maximum(values, 1))

    def plain(dn: np.ndarray, scale: float, offset: float) -> np.ndarray:
        return 10_000 * (dn * scale + offset)

    return try_cases(
        answer,
        cases,
        right=lambda dn, scale, offset: written(plain(dn, scale, offset), dn),
        likely={
            "no offset": lambda dn, scale, _: written(10_000 * dn * scale, dn),
            "one for no data": lambda dn, scale, offset: np.maximum(
                plain(dn, scale, offset), 1
            ),
            "no lower limit": lambda dn, scale, offset: np.where(
                dn == 0, 0, plain(dn, scale, offset)
            ),
            "neither": plain,
            "dark is no data": lambda dn, scale, offset: np.where(
                dn == 0, 0, np.maximum(plain(dn, scale, offset), 0)
            ),
            "offset first": lambda dn, scale, offset: written(
                10_000 * (dn + offset) * scale, dn
            ),
            "offset in the end": lambda dn, scale, offset: written(
                10_000 * dn * scale + offset, dn
            ),
            "minus": lambda dn, scale, offset: written(plain(dn, scale, -offset), dn),
            "between 0 and 1": lambda dn, scale, offset: written(
                dn * scale + offset, dn
            ),
            "percent": lambda dn, scale, offset: written(
                100 * (dn * scale + offset), dn
            ),
            "always": lambda dn, scale, _: written(plain(dn, scale, -0.1), dn),
            "wrapped": lambda dn, *_: written(dn - np.uint16(1000), dn),
        },
    )


def _drawn_numbers(rng: np.random.Generator) -> np.ndarray:
    """Numbers as a file has them: also zeros, and some below 1000."""
    numbers = rng.integers(1, 6000, (6, 9)).astype("uint16")
    numbers[rng.random(numbers.shape) < 0.2] = 0
    numbers[0, :3] = 0, 900, 1000
    return numbers


_REFLECTANCE = """
    def reflectance(dn, scale, offset):
        values = VALUES
        # 0 is kept for no data.
        values = np.maximum(values, 1)
        return np.where(dn == 0, EMPTY, values)
    """


def _reflectance_code(values: str, empty: str = "0") -> str:
    return _REFLECTANCE.replace("VALUES", values).replace("EMPTY", empty)


reflectance = Exercise(
    name="reflectance",
    title="From the numbers of a file to reflectance",
    question="""
        A file holds whole numbers, `dn`. Its item says how to make
        reflectance of them: **multiply by `scale`, then add
        `offset`**. Write a function that gives what the scenes of the kit hold: the
        reflectance **times 10 000**, and **0 where `dn` is 0**, which means no data.

        The stub keeps every measured value at 1 or more. `dn` is an array of the type
        `uint16`, which has no negative numbers.
        """,
    answer_name="reflectance",
    stub=_reflectance_code("...", "..."),
    solution_code=_reflectance_code("10_000 * (dn * scale + offset)"),
    judge=_judge_reflectance,
    mistakes={
        "no offset": Mistake(
            code=_reflectance_code("10_000 * dn * scale"),
            hint="This is right for images without an offset. In the others, all values "
            "are too large by the same amount.",
        ),
        "one for no data": Mistake(
            code=_reflectance_code("10_000 * (dn * scale + offset)", "1"),
            hint="The measured pixels are right. But a pixel without data becomes 1, and "
            "that is a very dark pixel. It must be 0.",
        ),
        "no lower limit": Mistake(
            code="""
                def reflectance(dn, scale, offset):
                    return np.where(dn == 0, 0, 10_000 * (dn * scale + offset))
                """,
            hint="The bright pixels are right. A dark pixel may come out at 0 or below. "
            "Then it looks like no data, or has no place in the file: keep the line with "
            "`np.maximum`.",
        ),
        "neither": Mistake(
            code="def reflectance(dn, scale, offset):\n"
            "    return 10_000 * (dn * scale + offset)",
            hint="The formula is right. But a 0 in the file is no measured value, and a "
            "measured value must be 1 or more: keep the last two lines of the stub.",
        ),
        "dark is no data": Mistake(
            code=_reflectance_code("10_000 * (dn * scale + offset)").replace(
                "np.maximum(values, 1)", "np.maximum(values, 0)"
            ),
            hint="A dark pixel that was measured becomes 0 here, and 0 means no data. "
            "The smallest measured value is 1.",
        ),
        "offset first": Mistake(
            code=_reflectance_code("10_000 * (dn + offset) * scale"),
            hint="The order matters: first the scale, then the offset. The offset is a "
            "reflectance, and not a number of the file.",
        ),
        "offset in the end": Mistake(
            code=_reflectance_code("10_000 * dn * scale + offset"),
            hint="The offset is a reflectance too: it is also multiplied by 10 000. Where "
            "are brackets missing?",
        ),
        "minus": Mistake(
            code=_reflectance_code("10_000 * (dn * scale - offset)"),
            hint="The offset is *added*. It has its own sign: it is negative or 0.",
        ),
        "between 0 and 1": Mistake(
            code=_reflectance_code("dn * scale + offset"),
            hint="This is the reflectance itself, between 0 and about 1, and the last "
            "lines then make it 1. The scenes hold it times 10 000.",
        ),
        "percent": Mistake(
            code=_reflectance_code("100 * (dn * scale + offset)"),
            hint="This is the reflectance in percent. The scenes hold it times 10 000.",
        ),
        "always": Mistake(
            code=_reflectance_code("10_000 * (dn * scale - 0.1)"),
            hint="This takes the same offset for every image. Older images have another "
            "one: use the argument `offset`.",
        ),
        "wrapped": Mistake(
            code=_reflectance_code("dn - np.uint16(1000)"),
            hint="The type `uint16` has no negative numbers: 950 - 1000 becomes 65486. "
            "Multiply by `scale` first, which makes numbers with decimals, and use the "
            "argument `offset`.",
        ),
    },
    hints=(
        "The line `values = …` needs the scale, the offset, and 10 000.",
        "The reflectance is `dn * scale + offset`. Multiply all of it by 10 000.",
        "In the last line, the missing value is 0.",
    ),
    explanation="An array of `uint16` times a number with decimals has decimals, and may "
    "become negative.",
    imports="import numpy as np",
)


# From WorldCover to classes


def _judge_to_classes(
    answer: Callable[[np.ndarray, Mapping[int, int]], np.ndarray],
) -> Any:
    rng = np.random.default_rng()
    drawn = rng.choice(_CODES, (9, 7)).astype("uint8")
    known = dict(_CLASS_OF)
    cases = [
        (np.array([80, 10, 40], "uint8"), known),
        (np.array([60, 0, 95], "uint8"), known),
        (drawn, known),
        (rng.choice(_CODES, (4, 5)).astype("uint8"), {10: 2, 30: 0, 50: 1, 90: 2}),
        (np.array([1, 2, 3], "uint8"), {1: 2, 2: 3, 3: 1}),
    ]
    return try_cases(
        answer,
        cases,
        right=_to_classes,
        likely={
            "water": lambda codes, class_of: _filled(codes, class_of, 0),
            "kept": lambda codes, class_of: _filled(codes, class_of, codes),
            "one by one": _one_by_one,
            "renumbered": lambda codes, class_of: np.unique(codes, return_inverse=True)[
                1
            ].reshape(codes.shape),
            "missing as -1": lambda codes, class_of: _filled(codes, class_of, -1),
            "other class": lambda codes, class_of: _filled(codes, class_of, 6),
            "never": lambda codes, class_of: np.full(codes.shape, 255),
            "only six": lambda codes, class_of: _to_classes(codes, _CLASS_OF),
        },
    )


def _filled(codes: np.ndarray, class_of: Mapping[int, int], rest: Any) -> np.ndarray:
    """Classes of codes; other codes get the value `rest`."""
    classes = np.array(np.broadcast_to(rest, codes.shape), float)
    for code, number in class_of.items():
        classes[codes == code] = number
    return classes


def _to_classes(codes: np.ndarray, class_of: Mapping[int, int]) -> np.ndarray:
    return _filled(codes, class_of, 255)


def _one_by_one(codes: np.ndarray, class_of: Mapping[int, int]) -> np.ndarray:
    """As `_to_classes`, but in the array that is searched for the next code."""
    classes = codes.astype(float)
    for code, number in class_of.items():
        classes[classes == code] = number
    known = np.isin(codes, list(class_of))
    return np.where(known, classes, 255)


_TO_CLASSES = """
    def to_classes(codes, class_of):
        classes = np.full(codes.shape, 255, "uint8")
        for code, number in class_of.items():
            classes[codes == code] = number
        return classes
    """

to_classes = Exercise(
    name="to_classes",
    title="From codes of WorldCover to classes",
    question="""
        WorldCover has codes from 10 to 100, and 0 for no data. Our networks need the
        classes 0 to 5. The dictionary `class_of` has the class of each code that we use,
        as in `{80: 0, 90: 1, 20: 1, …}`.

        Write a function of an array of codes and of such a dictionary. It gives an array
        of classes. A pixel whose code is **not in the dictionary has no label: 255**.
        """,
    answer_name="to_classes",
    stub="""
        def to_classes(codes, class_of):
            classes = ...
            for code, number in class_of.items():
                classes[codes == code] = ...
            return classes
        """,
    solution_code=_TO_CLASSES,
    judge=_judge_to_classes,
    mistakes={
        "water": Mistake(
            code=_TO_CLASSES.replace('np.full(codes.shape, 255, "uint8")', "0 * codes"),
            hint="The codes of the dictionary are right. But every other pixel gets class "
            "0, and that is water. Bare rock would become a lake.",
        ),
        "kept": Mistake(
            code=_TO_CLASSES.replace(
                'np.full(codes.shape, 255, "uint8")', "codes.copy()"
            ),
            hint="The codes of the dictionary are right. But other codes stay as they "
            "are: 60 is not a class, and 0 would be water.",
        ),
        "one by one": Mistake(
            code="""
                def to_classes(codes, class_of):
                    classes = codes.copy()
                    classes[~np.isin(codes, list(class_of))] = 255
                    for code, number in class_of.items():
                        classes[classes == code] = number
                    return classes
                """,
            hint="This searches the array that it is changing. If a new class number is "
            "also a code, it is changed twice. Search `codes`, and write into another "
            "array.",
        ),
        "renumbered": Mistake(
            code="""
                def to_classes(codes, class_of):
                    return np.unique(codes, return_inverse=True)[1].reshape(codes.shape)
                """,
            hint="This numbers the codes in the order in which they occur. The dictionary "
            "says which class a code has.",
        ),
        "missing as -1": Mistake(
            code=_TO_CLASSES.replace('255, "uint8"', '-1, "int16"'),
            hint="The codes of the dictionary are right. No label is 255 here.",
        ),
        "other class": Mistake(
            code=_TO_CLASSES.replace("255", "6"),
            hint="The codes of the dictionary are right. But 6 would be a seventh class, "
            "which a network would learn. No label is 255.",
        ),
        "never": Mistake(
            code="""
                def to_classes(codes, class_of):
                    return np.full(codes.shape, 255, "uint8")
                """,
            hint="No pixel gets a class. Where does a class replace the 255?",
        ),
        "only six": Mistake(
            code=_TO_CLASSES.replace(
                "class_of.items()",
                "{80: 0, 90: 1, 20: 1, 30: 2, 50: 3, 10: 4, 40: 5}.items()",
            ),
            hint="This is right for this dictionary. Somebody may choose other classes: "
            "use the argument `class_of`.",
        ),
    },
    hints=(
        "Begin with an array in which no pixel has a label, of the shape of `codes`.",
        '`np.full(codes.shape, 255, "uint8")` is such an array.',
        "Inside the loop, write `number` where `codes == code`.",
    ),
    explanation="Pixels without a label are never cut as patches, so the network learns "
    "nothing of them.",
    imports="import numpy as np",
)
