"""Exercises of notebook 02: strides, recall, size of a coarse map, multiply-adds."""

from collections.abc import Callable, Sequence

import numpy as np

from tutorial_lib.exercises import OTHER, Exercise, Mistake, close, diagnose

Layers = Sequence[tuple[int, int]]


def _judge_field_and_scale(
    answer: Callable[[Layers], tuple[int, int]],
) -> str | None:
    rng = np.random.default_rng()
    networks = [
        [(int(k), int(s)) for k, s in rng.integers((2, 1), (7, 4), (5, 2))]
        for _ in range(12)
    ]
    # Two layers with a stride come first, so that every mistake gives its own result.
    networks = [[(3, 2), (5, 3), *network, (4, 1)] for network in networks]
    got = np.array([answer(network) for network in networks])
    if got.shape != (len(networks), 2):
        return OTHER
    right = np.array([_field_and_scale(network) for network in networks])
    if np.array_equal(got[:, ::-1], right):
        return "swapped"
    strides = [[stride for _, stride in network] for network in networks]
    wrong_scale = diagnose(
        got[:, 1],
        right=right[:, 1],
        likely={"sum": [1 + sum(s) for s in strides], "last": [s[-1] for s in strides]},
    )
    return wrong_scale or diagnose(
        got[:, 0], right=right[:, 0], likely=_likely_fields(networks)
    )


def _field_and_scale(layers: Layers) -> tuple[int, int]:
    field, scale = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * scale
        scale *= stride
    return field, scale


def _likely_fields(networks: Sequence[Layers]) -> dict[str, list[int]]:
    steps = [np.cumprod([stride for _, stride in layers]) for layers in networks]
    kernels = [np.array([kernel for kernel, _ in layers]) for layers in networks]
    pairs = list(zip(kernels, steps, strict=True))
    return {
        "own stride": [int(1 + ((k - 1) * after).sum()) for k, after in pairs],
        "one stride": [
            1 + sum((kernel - 1) * stride for kernel, stride in layers)
            for layers in networks
        ],
        "no stride": [int(1 + (k - 1).sum()) for k, _ in pairs],
        "whole kernel": [int(1 + k[0] + (k[1:] * s[:-1]).sum()) for k, s in pairs],
    }


_FIELD_AND_SCALE = """
    def field_and_scale(layers):
        field, scale = 1, 1
        for kernel, stride in layers:
            field = field + (kernel - 1) * scale
            scale = scale * stride
        return (field, scale)
    """

field_and_scale = Exercise(
    name="field_and_scale",
    title="What does a pixel see, and how far is its neighbour?",
    question="""
        Each layer is a pair `(kernel, stride)`; a pooling of 2 is `(2, 2)`. Write a
        function that goes through the layers and gives two numbers, both in pixels of
        the image and along one axis:

        - `field`: how many pixels one pixel of the result sees,
        - `scale`: how far neighbouring pixels of the result lie apart.

        Without any layer both are 1. A layer sees `kernel - 1` neighbours of each pixel
        that comes in. **How far are those apart?** The stride of a layer comes after it.
        """,
    answer_name="field_and_scale",
    stub="""
        def field_and_scale(layers):
            field, scale = 1, 1
            for kernel, stride in layers:
                field = ...
                scale = ...
            return (field, scale)
        """,
    solution_code=_FIELD_AND_SCALE,
    judge=_judge_field_and_scale,
    mistakes={
        "own stride": Mistake(
            code="""
                def field_and_scale(layers):
                    field, scale = 1, 1
                    for kernel, stride in layers:
                        scale = scale * stride
                        field = field + (kernel - 1) * scale
                    return (field, scale)
                """,
            hint="`scale` is right. A layer looks at what comes *in*; its own stride "
            "only spreads what comes out. Mind the order of the two lines.",
        ),
        "one stride": Mistake(
            code=_FIELD_AND_SCALE.replace(
                "(kernel - 1) * scale", "(kernel - 1) * stride"
            ),
            hint="`scale` is right. How far apart the pixels are that come in, the "
            "strides of *all* layers before have decided, not the layer's own.",
        ),
        "no stride": Mistake(
            code=_FIELD_AND_SCALE.replace("(kernel - 1) * scale", "kernel - 1"),
            hint="`scale` is right. After a pooling, the neighbours that a kernel sees "
            "lie more than one pixel of the image apart.",
        ),
        "whole kernel": Mistake(
            code=_FIELD_AND_SCALE.replace("(kernel - 1) * scale", "kernel * scale"),
            hint="`scale` is right. A kernel of 1 adds nothing to what is seen; with "
            "yours it does.",
        ),
        "sum": Mistake(
            code=_FIELD_AND_SCALE.replace("scale * stride", "scale + stride"),
            hint="A layer without a stride has a stride of 1, and must not change "
            "`scale`. What happens to it behind two strides of 3?",
        ),
        "last": Mistake(
            code=_FIELD_AND_SCALE.replace("= scale * stride", "= stride"),
            hint="Your `scale` forgets the layers before. Strides act on each other.",
        ),
        "swapped": Mistake(
            code=_FIELD_AND_SCALE.replace("(field, scale)", "(scale, field)"),
            hint="Both numbers are there, in the wrong order: first `field`, then "
            "`scale`.",
        ),
    },
    hints=(
        "Take two layers: a pooling, then a kernel of 3. How many pixels of the image "
        "does a result see?",
        "Behind strides of 2 and 2, neighbours lie 4 pixels of the image apart.",
        "`field` grows by `(kernel - 1) * scale`; after that `scale` is multiplied by "
        "the stride.",
    ),
    explanation="A stride multiplies the steps of all layers behind it.",
)


def _judge_recalls(
    answer: Callable[[np.ndarray, np.ndarray, int], tuple[float, float]],
) -> str | None:
    rng = np.random.default_rng()
    labels = rng.integers(0, 5, 600)
    odds = np.exp(rng.normal(0, 1, (600, 5)))
    odds[np.arange(600), labels] *= 3
    # Class 2 is estimated more often than it is true. Otherwise precision and recall
    # would be nearly equal.
    odds[:, 2] *= 2
    probabilities = odds / odds.sum(1, keepdims=True)
    got = [answer(probabilities.copy(), labels.copy(), c) for c in range(5)]
    if any(np.ndim(value) for pair in got for value in np.atleast_1d(pair)):
        return "each patch"
    likely = {
        name: [rule(probabilities, labels, c) for c in range(5)]
        for name, rule in _RECALL_RULES.items()
    }
    right = likely.pop("right")
    return diagnose(got, right=right, likely=likely, tolerance=1e-9)


def _estimated_as(
    probabilities: np.ndarray, class_id: int
) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the patches estimated as a class: at the threshold, and by argmax."""
    return probabilities[:, class_id] > 0.5, probabilities.argmax(1) == class_id


# Rules of the right answer and of each mistake: probabilities, labels and class give the
# two results.
_RECALL_RULES = {
    "right": lambda p, y, c: [found[y == c].mean() for found in _estimated_as(p, c)],
    "swapped": lambda p, y, c: [found[y == c].mean() for found in _estimated_as(p, c)][
        ::-1
    ],
    "precision": lambda p, y, c: [
        (y == c)[found].mean() for found in _estimated_as(p, c)
    ],
    "count": lambda p, y, c: [found[y == c].sum() for found in _estimated_as(p, c)],
    "of all": lambda p, y, c: [
        (found & (y == c)).mean() for found in _estimated_as(p, c)
    ],
    "accuracy": lambda p, y, c: [
        (found == (y == c)).mean() for found in _estimated_as(p, c)
    ],
    "any class": lambda p, y, c: [
        (p[y == c].max(1) > 0.5).mean(),
        _estimated_as(p, c)[1][y == c].mean(),
    ],
}

_RECALLS = """
    def recalls(probabilities, labels, class_id):
        own = probabilities[labels == class_id]
        at_threshold = own[:, class_id] > 0.5
        by_argmax = own.argmax(axis=1) == class_id
        return (at_threshold.mean(), by_argmax.mean())
    """


def _recalls_with(first: str, second: str) -> str:
    """Code of an answer that returns two other expressions of its variables."""
    return f"""
    def recalls(probabilities, labels, class_id):
        true = labels == class_id
        at_threshold = probabilities[:, class_id] > 0.5
        by_argmax = probabilities.argmax(axis=1) == class_id
        return ({first}, {second})
    """


recalls = Exercise(
    name="recalls",
    title="Recall, decided in two ways",
    question="""
        The **recall** of a class is the share of its patches that were found. Write a
        function that gives it twice for the class `class_id`:

        - at the threshold: found means that *its own* probability is above 0.5,
        - by argmax: found means that no other class is more probable.

        `probabilities` has a row for each patch and a column for each class; `labels`
        has the true class of each patch.
        """,
    answer_name="recalls",
    stub="""
        def recalls(probabilities, labels, class_id):
            own = probabilities[labels == class_id]
            at_threshold = ...
            by_argmax = ...
            return (at_threshold, by_argmax)
        """,
    solution_code=_RECALLS,
    judge=_judge_recalls,
    mistakes={
        "precision": Mistake(
            code=_recalls_with("true[at_threshold].mean()", "true[by_argmax].mean()"),
            hint="This is the precision: of those *called* by the name of the class. "
            "Recall looks at those that *are* of the class.",
        ),
        "each patch": Mistake(
            code=_RECALLS.replace(".mean()", ""),
            hint="This says of each patch whether it was found. What is the *share* of "
            "those that were?",
        ),
        "count": Mistake(
            code=_RECALLS.replace(".mean()", ".sum()"),
            hint="This counts the patches that were found. Recall is their share.",
        ),
        "of all": Mistake(
            code=_recalls_with(
                "(at_threshold & true).mean()", "(by_argmax & true).mean()"
            ),
            hint="You divide by the number of all patches. Recall is a share of the "
            "patches of the class.",
        ),
        "accuracy": Mistake(
            code=_recalls_with(
                "(at_threshold == true).mean()", "(by_argmax == true).mean()"
            ),
            hint="Here the patches of other classes count as well, when they are "
            "rightly not called by the name. Recall leaves them out.",
        ),
        "any class": Mistake(
            code=_RECALLS.replace("own[:, class_id] > 0.5", "own.max(axis=1) > 0.5"),
            hint="By argmax is right. At the threshold, *any* class above 0.5 counts "
            "for you; only the patch's own class may.",
        ),
        "swapped": Mistake(
            code=_RECALLS.replace(
                "(at_threshold.mean(), by_argmax.mean())",
                "(by_argmax.mean(), at_threshold.mean())",
            ),
            hint="Both numbers are there, in the wrong order: first at the threshold.",
        ),
    },
    hints=(
        "`own` holds the rows of the patches that are of the class. Only they count.",
        "`own[:, class_id]` is their own probability; `own.argmax(axis=1)` is their "
        "most probable class.",
        "Compare either with something, then take `.mean()` of the comparison.",
    ),
    explanation="Whoever is above one half is also the most probable class. The "
    "reverse is not true.",
)


def _judge_map_pixels(answer: Callable[[int, int, int], int]) -> str | None:
    rng = np.random.default_rng()
    cases = [
        tuple(map(int, x)) for x in rng.integers((90, 5, 2), (900, 40, 7), (30, 3))
    ]
    cases += [(100, 16, 4), (16, 16, 4)]
    got = [answer(size, field, scale) for size, field, scale in cases]
    if close(got, [n / k for n, _, k in cases]):
        return "as the image"
    likely = {
        "as the image": [n // k for n, _, k in cases],
        "no scale": [n - r + 1 for n, r, _ in cases],
        "places divided": [(n - r + 1) // k for n, r, k in cases],
        "one short": [(n - r) // k for n, r, k in cases],
        "not whole": [(n - r) / k + 1 for n, r, k in cases],
    }
    return diagnose(got, right=[(n - r) // k + 1 for n, r, k in cases], likely=likely)


map_pixels = Exercise(
    name="map_pixels",
    title="How many pixels has the coarse map?",
    question="""
        The first pixel of the map sees the pixels 0 to `field - 1` of the image; the next
        one sees as many, `scale` pixels further on; and so forth, as long as all of them
        lie in the image. Write a function that gives how many pixels the map has along an
        axis on which the image has `size`.
        """,
    answer_name="map_pixels",
    stub="""
        def map_pixels(size, field, scale):
            return ...
        """,
    solution_code="""
        def map_pixels(size, field, scale):
            return (size - field) // scale + 1
        """,
    judge=_judge_map_pixels,
    mistakes={
        "as the image": Mistake(
            code="""
                def map_pixels(size, field, scale):
                    return size // scale
                """,
            hint="That would be a map of the whole image. Near the border a pixel would "
            "see what is not there.",
        ),
        "no scale": Mistake(
            code="""
                def map_pixels(size, field, scale):
                    return size - field + 1
                """,
            hint="This counts every place where the field fits. The map takes only "
            "those that are `scale` pixels apart.",
        ),
        "places divided": Mistake(
            code="""
                def map_pixels(size, field, scale):
                    return (size - field + 1) // scale
                """,
            hint="Often right, not always: the first place needs no step. An image as "
            "large as the field must give one pixel.",
        ),
        "one short": Mistake(
            code="""
                def map_pixels(size, field, scale):
                    return (size - field) // scale
                """,
            hint="This counts the steps from pixel to pixel. How many pixels do so many "
            "steps connect?",
        ),
        "not whole": Mistake(
            code="""
                def map_pixels(size, field, scale):
                    return (size - field) / scale + 1
                """,
            hint="A map has whole pixels. What happens to a step that does not fit in "
            "full?",
        ),
    },
    hints=(
        "The last field must end inside the image. By how many pixels can the first one "
        "move at most?",
        "By `size - field`. That is room for so many whole steps of `scale` pixels.",
        "One more than the whole steps; `//` divides into whole ones.",
    ),
    explanation="The first pixel, and one more for each whole step.",
)


def _judge_multiply_adds(answer: Callable[[int, int, int, int], int]) -> str | None:
    rng = np.random.default_rng()
    cases = [tuple(map(int, rng.integers(2, 30, 4))) for _ in range(20)]
    got = [answer(*case) for case in cases]
    likely = {
        "bias": [n * n * (k * k * c + 1) * f for n, k, c, f in cases],
        "one pixel": [k * k * c * f for _, k, c, f in cases],
        "one row": [n * k * k * c * f for n, k, c, f in cases],
        "incoming": [(n + k - 1) ** 2 * k * k * c * f for n, k, c, f in cases],
        "one line": [n * n * k * c * f for n, k, c, f in cases],
        "one channel": [n * n * k * k * f for n, k, _, f in cases],
    }
    right = [n * n * k * k * c * f for n, k, c, f in cases]
    return diagnose(got, right=right, likely=likely)


_MULTIPLY_ADDS = """
    def multiply_adds(side, kernel, channels, filters):
        return side**2 * kernel**2 * channels * filters
    """

multiply_adds = Exercise(
    name="multiply_adds",
    title="How much work is a layer?",
    question="""
        Nearly all the work of a convolution is to multiply a pixel with a weight and to
        add the product up: a *multiply-add*. Write a function that counts them for a
        layer whose **result** has `side` x `side` pixels, with a square kernel of side
        `kernel`, `channels` bands coming in and `filters` bands going out. The bias is
        only added, so it does not count.
        """,
    answer_name="multiply_adds",
    stub="""
        def multiply_adds(side, kernel, channels, filters):
            return ...
        """,
    solution_code=_MULTIPLY_ADDS,
    judge=_judge_multiply_adds,
    mistakes={
        "bias": Mistake(
            code="""
                def multiply_adds(side, kernel, channels, filters):
                    return side**2 * (kernel**2 * channels + 1) * filters
                """,
            hint="You count the bias too. Nothing is multiplied with it.",
        ),
        "one pixel": Mistake(
            code=_MULTIPLY_ADDS.replace("side**2 * ", ""),
            hint="That is the work for one pixel of the result. How many pixels has it?",
        ),
        "one row": Mistake(
            code=_MULTIPLY_ADDS.replace("side**2", "side"),
            hint="That is the work for one row of the result.",
        ),
        "incoming": Mistake(
            code=_MULTIPLY_ADDS.replace("side**2", "(side + kernel - 1) ** 2"),
            hint="You count the pixels that come in. `side` is that of the result, and "
            "a kernel is applied once for each of its pixels.",
        ),
        "one line": Mistake(
            code=_MULTIPLY_ADDS.replace("kernel**2", "kernel"),
            hint="A kernel of side 3 is a square: how many weights has it for one band?",
        ),
        "one channel": Mistake(
            code=_MULTIPLY_ADDS.replace(" * channels", ""),
            hint="A kernel looks at all bands that come in, not at one.",
        ),
    },
    hints=(
        "Begin with one pixel of one band that goes out: how many products are added?",
        "`kernel * kernel` pixels of `channels` bands.",
        "Now for each of `filters` bands, and for each of `side * side` pixels.",
    ),
    explanation="Work grows with the area of the result, weights do not.",
)
