"""Exercises of notebook 09: a scene of one's own, few labels, the card of a map."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from tutorial_lib.exercises import (
    Choice,
    Exercise,
    Finding,
    Mistake,
    Option,
    try_cases,
)
from tutorial_lib.exercises.attempts import BlankError, NothingReturnedError
from tutorial_lib.exercises.findings import CallFailedError, and_joined
from tutorial_lib.kinds import kind_of

# What the scene classification of Sentinel-2 says of a pixel that is not the ground.
_MASKED = (0, 1, 3, 8, 9, 10)
_SCL_CLASSES = 12

# Codes of WorldCover, and the class of those that the kit uses.
_CLASS_OF = MappingProxyType({80: 0, 90: 1, 20: 1, 30: 2, 50: 3, 10: 4, 40: 5})
_CODES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100)


# Which day?


best_day = Choice(
    name="best_day",
    title="Which day would you take?",
    question="""
        You want a map of your whole place. A search gives these days:

        | day | clouds, % of the image | coverage, % of your place |
        |---|---|---|
        | 2 May | 1 | 40 |
        | 7 May | 30 | 100 |
        | 12 May | 4 | 100 |
        | 17 May | 3 | 85 |
        """,
    options=(
        Option(
            "2 May",
            hint="This day has the fewest clouds. How much of your place does it show?",
        ),
        Option(
            "7 May",
            hint="It covers the place. Compare its clouds with those of the other days.",
        ),
        Option("12 May"),
        Option(
            "17 May",
            hint="A little is missing here, and that part would have no map. Is there a "
            "day with nearly as few clouds that shows everything?",
        ),
    ),
    explanation="Of the days that cover the place, it has the fewest clouds. They are "
    "counted in the whole product, 110 km wide: your place may be clearer, or all under "
    "the one cloud of the image.",
    minutes=1,
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
            "all kept": lambda scl: np.full(scl.shape, True),
            "all dropped": lambda scl: np.full(scl.shape, False),
            "clouds and shadow": lambda scl: ~np.isin(scl, (3, 8, 9, 10)),
            "sure cloud and shadow": lambda scl: ~np.isin(scl, (3, 9)),
        },
    )
    if found is not None:
        return found
    # 1 and 0 equal True and False. But `~` makes -2 and -1 of them, which are both true.
    if np.asarray(result := answer(drawn)).dtype != bool:
        return "one and zero"
    return _no_array(result)


def _no_array(result: Any) -> Finding | None:
    """A finding if a right result is no array: the notebook compares and selects in it."""
    if isinstance(result, np.ndarray):
        return None
    return Finding(
        f"But the result is {kind_of(result)}, and the notebook needs an array: "
        "`np.array(…)` makes one.",
        right="The values are right.",
    )


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
        "all kept": Mistake(
            code="""
                def shows_ground(scl):
                    return ~np.isin(scl, {0, 1, 3, 8, 9, 10})
                """,
            hint="This keeps every pixel. `np.isin` needs a list or a tuple, in square "
            "or round brackets. Conditions such as `scl != 0` are joined by `&`.",
        ),
        "all dropped": Mistake(
            code="""
                def shows_ground(scl):
                    return (scl == 2) & (scl == 4) & (scl == 5) & (scl == 6)
                """,
            hint="This drops every pixel: no pixel has two classes. `|` means *or*.",
        ),
        "clouds and shadow": Mistake(
            code=_shows_ground_code("(3, 8, 9, 10)"),
            hint="All clouds and shadows are dropped. The first line of the list names "
            "two more classes.",
        ),
        "sure cloud and shadow": Mistake(
            code=_shows_ground_code("(3, 9)"),
            hint="There are more kinds of clouds than the surest one, and the first line "
            "of the list names two more classes.",
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
            hint="That is one class too many. Dark ground is still ground, and so is the "
            "shadow of a hill, which is there on every clear day.",
        ),
        "unclassified": Mistake(
            code=_shows_ground_code("(0, 1, 3, 7, 8, 9, 10)"),
            hint="That is one class too many. Unclassified means that no kind of ground "
            "was recognised. It does not mean that a cloud is there.",
        ),
        "snow": Mistake(
            code=_shows_ground_code("(0, 1, 3, 8, 9, 10, 11)"),
            hint="That is one class too many. Snow lies on the ground. Whether you want a "
            "winter image is a question of the date.",
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


# Is the offset inside?


offset_inside = Choice(
    name="offset_inside",
    title="What do the darkest pixels tell?",
    question="""
        Water reflects nearly nothing in B12, the [shortwave
        infrared](glossary.md#shortwave-infrared). The metadata of an image names no
        offset. In its file, the darkest 5 % of B12 lie between 1003 and 1032. What is
        likely?
        """,
    options=(
        Option("The offset is inside the numbers, and the metadata is wrong."),
        Option(
            "The image was taken in winter, so everything is dark.",
            hint="How large is a reflectance of 1003, as a share of the light? Is that "
            "dark for water?",
        ),
        Option(
            "There is no offset: the metadata says so.",
            hint="The metadata was written by a program too. Which value would water "
            "have, if there were no offset?",
        ),
        Option(
            "The darkest pixels are shadows of clouds, so they tell nothing.",
            hint="A shadow is dark. What is the smallest number that a dark pixel could "
            "have here, and which one does it have?",
        ),
    ),
    explanation="Items sometimes say the wrong thing about it. 1003 would be a reflectance of 0.1: too bright for water, and also for "
    "a shadow. With 1000 taken away, the darkest pixels are nearly 0, as they must be.",
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
    found = try_cases(
        answer,
        cases,
        right=_to_classes,
        likely={
            "water": lambda codes, class_of: _filled(codes, class_of, 0),
            "kept": lambda codes, class_of: _filled(codes, class_of, codes),
            "one by one": _one_by_one,
            "in place": _in_place,
            "exchanged": _exchanged,
            "codes again": lambda codes, class_of: np.where(
                np.isin(codes, list(class_of)), codes, 255
            ),
            "first only": lambda codes, class_of: _to_classes(
                codes, dict(list(class_of.items())[:1])
            ),
            "renumbered": lambda codes, class_of: np.unique(codes, return_inverse=True)[
                1
            ].reshape(codes.shape),
            "missing as -1": lambda codes, class_of: _filled(codes, class_of, -1),
            "other class": lambda codes, class_of: _filled(codes, class_of, 6),
            "never": lambda codes, class_of: np.full(codes.shape, 255),
            "only six": lambda codes, class_of: _to_classes(codes, _CLASS_OF),
        },
    )
    return found or _no_array(answer(drawn.copy(), known))


def _filled(codes: np.ndarray, class_of: Mapping[int, int], rest: Any) -> np.ndarray:
    """Classes of codes; other codes get the value `rest`."""
    classes = np.array(np.broadcast_to(rest, codes.shape), float)
    for code, number in class_of.items():
        classes[codes == code] = number
    return classes


def _to_classes(codes: np.ndarray, class_of: Mapping[int, int]) -> np.ndarray:
    return _filled(codes, class_of, 255).astype("uint8")


def _in_place(codes: np.ndarray, class_of: Mapping[int, int]) -> np.ndarray:
    """As `_filled`, but in the codes themselves, which the loop also searches."""
    classes = codes.astype(int)
    for code, number in class_of.items():
        classes[classes == code] = number
    return classes


def _exchanged(codes: np.ndarray, class_of: Mapping[int, int]) -> np.ndarray:
    """Codes where the array has the number of a class."""
    return _to_classes(codes, {number: code for code, number in class_of.items()})


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
        "in place": Mistake(
            code=_TO_CLASSES.replace('np.full(codes.shape, 255, "uint8")', "codes"),
            hint="`classes` is not a new array here: it is `codes` itself. So the loop "
            "changes what it searches, and other codes stay as they are. Begin with a "
            "new array.",
        ),
        "exchanged": Mistake(
            code="""
                def to_classes(codes, class_of):
                    classes = np.full(codes.shape, 255, "uint8")
                    for code, number in class_of.items():
                        classes[codes == number] = code
                    return classes
                """,
            hint="`code` and `number` are exchanged: the array holds codes, and the "
            "result must hold the numbers of classes.",
        ),
        "codes again": Mistake(
            code=_TO_CLASSES.replace("] = number", "] = code"),
            hint="The right pixels are found. But they get their code again. What does "
            "the dictionary have for this code?",
        ),
        "first only": Mistake(
            code="""
                def to_classes(codes, class_of):
                    classes = np.full(codes.shape, 255, "uint8")
                    for code, number in class_of.items():
                        classes[codes == code] = number
                        return classes
                """,
            hint="Only the first code of the dictionary gets its class. A `return` "
            "inside the loop ends it after one turn.",
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


# A trained network, and few labels


helps_most = Choice(
    name="helps_most",
    title="Where does a trained network help most?",
    question="""
        Somebody has 20 labels of each class, and the kit's network of the Havel. It was
        trained on an image of a winter day. On which scene will its weights help most,
        compared with a network from random weights?
        """,
    options=(
        Option(
            "On all scenes alike: edges and textures are the same everywhere.",
            hint="A layer also learns which *colours* belong together. Are these the "
            "same in another season, and in another country?",
        ),
        Option(
            "On none: 120 patches cannot change so many weights.",
            hint="A training need not change them all. How good would each of the two "
            "networks be before it?",
        ),
        Option(
            "On a place in another climate: there is most to gain.",
            hint="There the network from random weights knows nothing, that is true. "
            "But what does the other one know of this place?",
        ),
        Option("On the Havel lakes, on another day: the ground is the same."),
    ),
    explanation="The nearer the new scene is to the old one, the more of the weights "
    "can stay as they are. How near is near enough? Only a test area can tell.",
    vote=True,
)


_OLD_RATE, _OLD_LOSS = 0.125, {"estimated": "mean_squared_error"}


def _judge_freeze(answer: Callable[[Any, float], Any]) -> Any:
    rate = float(np.random.default_rng().uniform(2e-3, 2e-2))
    model, inputs, targets = _compiled_network()
    weights = model.get_weights()
    try:
        model = answer(model, rate)
        found = _flags_mistake(model, rate) or _rate_mistake(model, rate)
        found = found or _weights_mistake(model, weights)
        return found or _training_mistake(model, inputs, targets)
    except (BlankError, NothingReturnedError):
        raise
    # Any exception: the function is the learner's own code.
    except Exception as err:
        raise CallFailedError("freeze(model, 0.01)") from err


def _compiled_network() -> tuple[Any, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A network that is compiled, and a batch for it."""
    import keras

    keras.utils.set_random_seed(4)
    net = start = keras.Input((None, None, 2), name="input")
    for name in ("stem", "conv2", "feats"):
        net = keras.layers.Conv2D(4, 1, activation="tanh", name=name)(net)
    layer = keras.layers.Conv2D(3, 1, activation="softmax", name="softmax")
    model = keras.Model({"input": start}, {"estimated": layer(net)})
    # Another loss and rate than the question's: they stay if nothing is compiled.
    model.compile(optimizer=keras.optimizers.Adam(_OLD_RATE), loss=_OLD_LOSS)
    rng = np.random.default_rng(7)
    pixels = rng.uniform(-1, 1, (12, 1, 1, 2)).astype("float32")
    classes = np.eye(3, dtype="float32")[np.arange(12) % 3]
    return model, {"input": pixels}, {"estimated": classes[:, np.newaxis, np.newaxis]}


def _flags_mistake(model: Any, rate: float) -> str | Finding | None:
    """The mistake in the layers that are to be trained."""
    names = [layer.name for layer in model.layers if layer.weights]
    trained = [x.name for x in model.layers if x.weights and x.trainable_weights]
    if trained == ["softmax"]:
        return None
    if trained == names:
        return "only the rate" if _has_rate(model, rate) else "nothing frozen"
    if not trained:
        return "all frozen"
    if "softmax" not in trained:
        return "inverted"
    return Finding(
        f"`freeze` leaves the layers {and_joined([f'`{x}`' for x in trained])} to be "
        "trained. Only the classifier must be left.",
    )


def _has_rate(model: Any, rate: float) -> bool:
    return bool(np.isclose(_rate_of(model), rate, rtol=1e-3))


def _rate_of(model: Any) -> float:
    return float(np.asarray(model.optimizer.learning_rate))


def _rate_mistake(model: Any, rate: float) -> str | Finding | None:
    """The mistake in the learning rate, which also tells a model that is not compiled."""
    got = _rate_of(model)
    kind = type(model.optimizer).__name__
    if kind != "Adam":
        return Finding(
            f"The optimizer is `{kind}`. Which one does the text name?",
            right="Only the classifier is left to be trained.",
        )
    if _has_rate(model, rate):
        return None
    if got == _OLD_RATE:
        return "not compiled"
    if np.isclose(got, 1e-3):
        return "no rate"
    return Finding(
        f"With `rate={rate:.3g}` the optimizer has the learning rate {got:.3g}.",
        right="Only the classifier is left to be trained.",
    )


def _weights_mistake(model: Any, before: list[np.ndarray]) -> Finding | None:
    """The mistake of a copy, which begins with random weights."""
    after = model.get_weights()
    pairs = zip(before, after, strict=False)
    if len(before) == len(after) and all(np.array_equal(*pair) for pair in pairs):
        return None
    return Finding(
        "The model that `freeze` gives back has other weights, so it has lost what it "
        "learnt. Give back the model that the function gets, and no copy of it.",
        right="Only the classifier is left to be trained.",
    )


def _training_mistake(model: Any, inputs: Any, targets: Any) -> str | Finding | None:
    """The mistake that shows in one step of training."""
    # Keras has no readable error for labels of the other kind.
    if "sparse" in str(model.loss):
        return "sparse"
    # A compiled step would take seconds to prepare.
    model.run_eagerly = True
    estimated = np.asarray(model(inputs)["estimated"])
    wanted = -np.log(estimated[targets["estimated"] == 1]).mean()
    loss = float(np.ravel(model.train_on_batch(inputs, targets))[0])
    if np.isclose(loss, wanted, rtol=1e-3):
        return None
    return Finding(
        f"The first batch has the loss {loss:.3g}, and its cross-entropy is "
        f"{wanted:.3g}. Which loss does the text name?",
        right="Only the classifier is left to be trained.",
    )


_FREEZE = """
    def freeze(model, rate):
        for layer in model.layers:
            layer.trainable = CHOSEN
        model.compile(
            optimizer=keras.optimizers.Adam(RATE),
            loss={"estimated": "categorical_crossentropy"},
        )
        return model
    """


def _freeze_code(chosen: str = 'layer.name == "softmax"', rate: str = "rate") -> str:
    return _FREEZE.replace("CHOSEN", chosen).replace("RATE", rate)


freeze = Exercise(
    name="freeze",
    title="Freeze the layers of a network",
    question="""
        Each layer of Keras has the attribute `trainable`. If it is `False`, training
        does not change the weights of this layer: it is
        [frozen](glossary.md#frozen-layer).

        Write a function that freezes **all layers but the one with the name
        `"softmax"`**, the classifier. Then it **compiles the model again**, with the
        optimizer Adam and the learning rate `rate`. The loss of the output
        `"estimated"` is the `"categorical_crossentropy"`. Give the model back.

        A name of a layer is in `layer.name`.
        """,
    answer_name="freeze",
    stub="""
        def freeze(model, rate):
            for layer in model.layers:
                layer.trainable = ...
            ...
            return model
        """,
    solution_code=_freeze_code(),
    judge=_judge_freeze,
    mistakes={
        "not compiled": Mistake(
            code="""
                def freeze(model, rate):
                    for layer in model.layers:
                        layer.trainable = layer.name == "softmax"
                    return model
                """,
            hint="The right layers are chosen. But the model still trains as it was "
            "compiled before: a change of `trainable` counts from the next "
            "`model.compile(…)` on.",
        ),
        "inverted": Mistake(
            code=_freeze_code('layer.name != "softmax"'),
            hint="Here the classifier is frozen, and the layers before it are trained. "
            "Which of them must fit the new scene?",
        ),
        "all frozen": Mistake(
            code=_freeze_code("False"),
            hint="No layer is left to be trained, so the training would change nothing. "
            "One layer must stay trainable. The name of a layer is `layer.name`.",
        ),
        "only the rate": Mistake(
            code=_freeze_code("True"),
            hint="Only the learning rate was changed. No layer is frozen: all of them are "
            "still trained. Compare the name of each layer.",
        ),
        "nothing frozen": Mistake(
            code="""
                def freeze(model, rate):
                    for layer in model.layers:
                        layer.trainable = True
                    return model
                """,
            hint="No layer is frozen: all of them are still trained. The learning rate is "
            "not `rate` either. Set `layer.trainable` of each layer, then compile.",
        ),
        "sparse": Mistake(
            code=_freeze_code().replace("categorical", "sparse_categorical"),
            hint="The right layers are chosen. But *sparse* is for labels that are "
            "class numbers. Here each label has one number for each class.",
        ),
        "no rate": Mistake(
            code=_freeze_code(rate=""),
            hint="The right layers are chosen. But Adam has its own learning rate here: "
            "where is the argument `rate`?",
        ),
    },
    hints=(
        "`trainable` must be True for one layer, and False for all others. Which "
        "comparison gives this?",
        '`layer.name == "softmax"` is True for the classifier only.',
        "Then `model.compile(optimizer=keras.optimizers.Adam(…), loss={…})`.",
    ),
    explanation="Keras fixes what is trained when a model is compiled and trains for the "
    "first time. Without `compile`, a model that was trained before goes on with all "
    "its layers, and says nothing.",
    imports="import keras",
    minutes=6,
    pairs=True,
)


# The card of the map


on_the_card = Choice(
    name="on_the_card",
    title="Which sentence belongs on the card?",
    question="""
        Somebody who never met you gets your map. Which sentence about its score is
        true, and tells enough?
        """,
    options=(
        Option(
            "So many percent of the pixels of this map have the class that WorldCover "
            "gives them, with an interval over polygons.",
            hint="From which pixels was the score computed? Each class has as many "
            "patches there. Is it so on the map?",
        ),
        Option(
            "So many percent of the patches of area C have the class that WorldCover "
            "gives them, with an interval over polygons."
        ),
        Option(
            "So many percent of the patches of area B have the class that WorldCover "
            "gives them, with an interval over polygons.",
            hint="What was B used for during the training? A score of it is too good.",
        ),
        Option(
            "So many percent of the patches of area C have the class that is there on "
            "the ground, with an interval over polygons.",
            hint="With what was the class of each patch compared? Has somebody been "
            "there?",
        ),
    ),
    explanation="It names the patches, the labels and the doubt. Whoever counts "
    "hectares in the map also needs scores that are weighted by the area of each class.",
    minutes=3,
)


# The overlap of tiles, for a network from PyTorch


tile_overlap = Choice(
    name="tile_overlap",
    title="How far must the tiles overlap?",
    question="""
        Your colleague writes: "Cut the image into tiles of 256 x 256 pixels with an
        overlap of 10 %, so 26 pixels. Where two tiles overlap, each of them keeps its
        half." The network was trained on patches of 64 x 64 pixels, all its kernels
        have a side of at most 3, and it pads. Which overlap gives a map without seams?
        """,
    options=(
        Option(
            "2 pixels: a kernel reads one pixel beyond each side of a tile.",
            hint="That is so for one convolution. How many follow each other here? And "
            "how wide on the ground is a pixel after two poolings?",
        ),
        Option(
            "32 pixels: half the side of the patches.",
            hint="A file with the same layers could come from a training on patches of "
            "128 pixels. Would it read other pixels around a tile?",
        ),
        Option(
            "Twice the margin: the pixels at each side of a tile that depend on what "
            "lies around it."
        ),
        Option(
            "10 % will do, if the network is trained for more epochs.",
            hint="More epochs change the weights. Do they change which pixels a "
            "convolution reads, and what it reads where the tile ends?",
        ),
    ),
    explanation="Near the sides of a tile, padding takes the place of pixels, and each "
    "layer carries this further inwards. How far depends on the layers only: not on the "
    "weights, the patches, or the side of the tile. So no share such as 10 % is right "
    "for all networks.",
    minutes=2,
)
