"""Exercises of notebook 02: patches to a network, its field, recall, a coarse map."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tutorial_lib.exercises import (
    Choice,
    Exercise,
    LineOrder,
    Mistake,
    Option,
    Rule,
    try_cases,
)

Layers = Sequence[tuple[int, int]]

# Kernel and stride of each layer of the notebook's network.
_POOLED_CNN = ((5, 1), (2, 2), (3, 1), (2, 2), (2, 1), (1, 1))


patch_pipeline = LineOrder(
    name="patch_pipeline",
    title="From positions to a training",
    question="""
        Bring the lines into an order in which Python can run them. `sources` and `sizes`
        are dictionaries, as in notebook 01. More than one order is right.
        """,
    lines=(
        "positions = tl.select_positions(labels_path, count=500)",
        "patches = tl.extract_patches(sources, positions, sizes=sizes, out_dir=work)",
        "dataset = tl.patch_dataset(patches.paths, class_count=6)",
        "statistics = tl.band_statistics(patches)",
        'model = PooledCNN(crops=(), statistics=statistics).build({"input": 4})',
        'model.compile("adam", loss={"estimated": "categorical_crossentropy"})',
        "model.fit(dataset, epochs=6)",
    ),
    shown=(4, 1, 6, 3, 0, 5, 2),
    rules=(
        Rule(0, 1, hint="Around what are the patches cut? That must exist before."),
        Rule(1, 2, hint="The dataset reads the files of the patches. Who writes them?"),
        Rule(1, 3, hint="Mean and spread of what? That must exist before."),
        Rule(
            3,
            4,
            hint="The network standardises its inputs. What does it need for this when "
            "it is built?",
        ),
        Rule(4, 5, hint="You compile something that does not exist yet."),
        Rule(
            5,
            6,
            hint="A training needs an optimiser and a loss. Which line sets them?",
        ),
        Rule(2, 6, hint="From what does the network learn? That must exist before."),
    ),
    explanation="Positions, patches, then everything that is made from the patches. The "
    "dataset is needed only in the last line.",
    minutes=3,
    pairs=True,
)


def _side_of_result(size: int) -> int:
    """Pixels that the network makes of `size` pixels, layer by layer."""
    for kernel, stride in _POOLED_CNN:
        size = (size - kernel) // stride + 1
    return size


larger_image = Choice(
    name="larger_image",
    title="What comes out of a larger image?",
    question="""
        An image has 20 pixels in a row, not 16. How many pixels in a row has the result?
        """,
    options=(
        Option(
            "1",
            value=1,
            hint="No layer knows the size of the image. Follow the 20 pixels through "
            "the layers, as the text does with 16.",
        ),
        Option("2", value=2),
        Option(
            "5",
            value=5,
            hint="The poolings divide the size by 4. What do the convolutions do to it?",
        ),
        Option(
            "20",
            value=20,
            hint="Follow the 20 pixels through the layers: what does a pooling do to "
            "their number?",
        ),
    ),
    explanation="16, 8, 6, 3, 2 and 2 pixels: the same layers make a small map of a "
    "larger image.",
    minutes=1.5,
    key=lambda: _side_of_result(20),
)


wider_interval = Choice(
    name="wider_interval",
    title="Which interval is wider?",
    question="""
        Both intervals are about the same score, on the same patches. Which one is wider?
        """,
    options=(
        Option(
            "Over patches: there are many more of them.",
            hint="With more samples, a mean becomes more certain. Do the many patches "
            "make their interval wider or narrower?",
        ),
        Option(
            "Both are the same: so is the score.",
            hint="An interval says how far the score could move with other samples. Is "
            "a second patch of the same field another sample?",
        ),
        Option("Over polygons: there are fewer of them."),
    ),
    explanation="Patches of one polygon are right or wrong together. There are far fewer "
    "polygons than patches.",
    minutes=1.5,
)


larger_recall = Choice(
    name="larger_recall",
    title="Which recall is larger?",
    question="""
        The recall of a class is the share of its patches that are found. Where is it
        larger: at the threshold or by argmax?
        """,
    options=(
        Option(
            "At the threshold it is larger, or the same, for every class.",
            hint="Sure answers are more often right: that is precision. Recall asks how "
            "many patches of the class are found at all.",
        ),
        Option("By argmax it is larger, or the same, for every class."),
        Option(
            "At the threshold it is larger for some classes, by argmax for others.",
            hint="Take a patch whose own class has more than 0.5. Can another class have "
            "a larger probability?",
        ),
    ),
    explanation="What is above 0.5 is also the largest. So argmax finds all that the "
    "threshold finds, and more.",
    minutes=1.5,
)

_SIMPLE_NETWORKS = [
    [(3, 1)],
    [(2, 2)],
    [(3, 1), (3, 1)],
    [(2, 2), (3, 1)],
    [(3, 1), (2, 2), (3, 1)],
    [(2, 2), (2, 2), (3, 1)],
    [(3, 2), (5, 3), (2, 1), (2, 2), (4, 1)],
]


def _judge_field_and_scale(answer: Callable[[Layers], tuple[int, int]]) -> Any:
    rng = np.random.default_rng(0)
    deep = rng.integers((1, 1), (7, 4), (12, 6, 2)).tolist()
    networks = [*_SIMPLE_NETWORKS, *([tuple(layer) for layer in net] for net in deep)]
    return try_cases(
        answer,
        [(network,) for network in networks],
        _field_and_scale,
        _LIKELY_FIELDS,
        names=("field", "scale"),
    )


def _field_and_scale(layers: Layers) -> tuple[int, int]:
    field, scale = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * scale
        scale *= stride
    return field, scale


def _rule(
    grow: Callable[[int, int, int], int], step: Callable[[int, int], int]
) -> Callable[[Layers], tuple[int, int]]:
    """A wrong rule: `grow` of kernel, stride and scale is added, `step` is the scale."""

    def rule(layers: Layers) -> tuple[int, int]:
        field, scale = 1, 1
        for kernel, stride in layers:
            field += grow(kernel, stride, scale)
            scale = step(scale, stride)
        return field, scale

    return rule


def _product(scale: int, stride: int) -> int:
    return scale * stride


def _grown(kernel: int, stride: int, scale: int) -> int:
    return (kernel - 1) * scale


_LIKELY_FIELDS = {
    "swapped": lambda layers: _field_and_scale(layers)[::-1],
    "own stride": _rule(lambda k, s, scale: (k - 1) * scale * s, _product),
    "one stride": _rule(lambda k, s, scale: (k - 1) * s, _product),
    "no stride": _rule(lambda k, s, scale: k - 1, _product),
    "whole kernel": _rule(lambda k, s, scale: k * scale, _product),
    "half kernel": _rule(lambda k, s, scale: k // 2 * scale, _product),
    "sum": _rule(_grown, lambda scale, stride: scale + stride),
    "last": _rule(_grown, lambda scale, stride: stride),
    "largest": _rule(_grown, max),
    "before": lambda layers: (_field_and_scale(layers)[0] - 1, _product_of(layers)),
    "only kernels": lambda layers: (
        _field_and_scale([(k, 1) for k, _ in layers])[0],
        1,
    ),
    "outside the loop": lambda layers: (
        _field_and_scale([(k, 1) for k, _ in layers])[0],
        layers[-1][1],
    ),
    "pairs exchanged": lambda layers: _field_and_scale([(s, k) for k, s in layers]),
    "one network": lambda layers: (16, 4),
    "first layer": lambda layers: _field_and_scale(layers[:1]),
    "last growth": lambda layers: (
        (layers[-1][0] - 1) * _product_of(layers[:-1]),
        _product_of(layers),
    ),
    "last growth and one": lambda layers: (
        1 + (layers[-1][0] - 1) * _product_of(layers[:-1]),
        _product_of(layers),
    ),
    "brackets": _rule(lambda k, s, scale: k - scale, _product),
    "multiplied": lambda layers: (
        math.prod(kernel for kernel, _ in layers),
        _product_of(layers),
    ),
}


def _product_of(layers: Layers) -> int:
    return _field_and_scale(layers)[1]


_FIELD_AND_SCALE = """
    def field_and_scale(layers):
        field, scale = 1, 1
        for kernel, stride in layers:
            field = field + (kernel - 1) * scale
            scale = scale * stride
        return (field, scale)
    """

_GROWTH = "field + (kernel - 1) * scale"

field_and_scale = Exercise(
    name="field_and_scale",
    title="Receptive field and scale factor",
    question="""
        Each layer is a pair `(kernel, stride)`; a pooling of 2 is `(2, 2)`. Go through
        the layers and compute two numbers, in pixels of the image, along one axis:

        - `field`: how many image pixels one result depends on,
        - `scale`: how far apart neighbouring results are.

        Both are 1 before the first layer. A layer adds `kernel - 1` neighbours to the
        field. **How far apart are these?** Its stride takes effect after it.
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
            hint="`scale` is right. A layer reads what comes *in*; its own stride only "
            "spreads what comes out. Check the order of the two lines.",
        ),
        "one stride": Mistake(
            code=_FIELD_AND_SCALE.replace(_GROWTH, "field + (kernel - 1) * stride"),
            hint="`scale` is right. The strides of *all* layers before decide how far "
            "apart the incoming pixels are, not the layer's own stride.",
        ),
        "no stride": Mistake(
            code=_FIELD_AND_SCALE.replace(_GROWTH, "field + kernel - 1"),
            hint="`scale` is right. After a pooling, the neighbours that a kernel reads "
            "are more than one pixel of the image apart.",
        ),
        "whole kernel": Mistake(
            code=_FIELD_AND_SCALE.replace(_GROWTH, "field + kernel * scale"),
            hint="`scale` is right. A kernel of 1 adds nothing to the field; with your "
            "code it does.",
        ),
        "half kernel": Mistake(
            code=_FIELD_AND_SCALE.replace(_GROWTH, "field + kernel // 2 * scale"),
            hint="`scale` is right. You count the neighbours on one side only. A kernel "
            "of 3 has two neighbours: one on each side.",
        ),
        "before": Mistake(
            code=_FIELD_AND_SCALE.replace("field, scale = 1, 1", "field, scale = 0, 1"),
            hint="`scale` is right. Before the first layer, a result depends on one "
            "pixel, not on none.",
        ),
        "only kernels": Mistake(
            code=_FIELD_AND_SCALE.replace("scale * stride", "scale"),
            hint="Without strides this is right. With them, `scale` must change: a "
            "pooling of 2 doubles it.",
        ),
        "sum": Mistake(
            code=_FIELD_AND_SCALE.replace("scale * stride", "scale + stride"),
            hint="A layer with a stride of 1 must not change `scale`. What happens to "
            "it after two strides of 3?",
        ),
        "last": Mistake(
            code=_FIELD_AND_SCALE.replace("= scale * stride", "= stride"),
            hint="Your `scale` forgets the layers before. What is it after two strides "
            "of 2?",
        ),
        "largest": Mistake(
            code=_FIELD_AND_SCALE.replace("scale * stride", "max(scale, stride)"),
            hint="Your `scale` is the largest stride. What is it after two strides of "
            "2?",
        ),
        "outside the loop": Mistake(
            code=_FIELD_AND_SCALE.replace("        scale = scale", "    scale = scale"),
            hint="Your `scale` is the stride of the last layer only, and `field` does "
            "not count the strides. Does the line of `scale` stand inside the loop? "
            "It must multiply in every layer.",
        ),
        "pairs exchanged": Mistake(
            code=_FIELD_AND_SCALE.replace("for kernel, stride", "for stride, kernel"),
            hint="`kernel` and `stride` are exchanged. A layer is the pair `(kernel, "
            "stride)`, the kernel first.",
        ),
        "one network": Mistake(
            code="def field_and_scale(layers):\n    return (16, 4)",
            hint="This is right for the network of this notebook only. The check tries "
            "other layers: compute both numbers from `layers`.",
        ),
        "first layer": Mistake(
            code=_FIELD_AND_SCALE.replace("        return", "            return"),
            hint="With one layer this is right. Your function returns after the first "
            "layer: is the line with `return` inside the loop?",
        ),
        "last growth": Mistake(
            code=_FIELD_AND_SCALE.replace(_GROWTH, "(kernel - 1) * scale"),
            hint="`scale` is right. Your `field` holds the last layer only. Each layer "
            "adds to the field that was there before.",
        ),
        "last growth and one": Mistake(
            code=_FIELD_AND_SCALE.replace(_GROWTH, "1 + (kernel - 1) * scale"),
            hint="`scale` is right. Your `field` begins at 1 again in each layer. A "
            "layer adds to the field that was there before.",
        ),
        "brackets": Mistake(
            code=_FIELD_AND_SCALE.replace(_GROWTH, "field + kernel - scale"),
            hint="`scale` is right. Your `field` grows by `kernel - scale`. `*` is "
            "computed before `-`: are brackets missing?",
        ),
        "multiplied": Mistake(
            code=_FIELD_AND_SCALE.replace(_GROWTH, "field * kernel"),
            hint="`scale` is right. Your `field` is the product of the kernels. A layer "
            "*adds* neighbours: two kernels of 3 see 5 pixels.",
        ),
        "swapped": Mistake(
            code=_FIELD_AND_SCALE.replace("(field, scale)", "(scale, field)"),
            hint="Both numbers are there, in the wrong order: first `field`, then "
            "`scale`.",
        ),
    },
    hints=(
        "Take two layers: a pooling, then a kernel of 3. On how many pixels of the "
        "image does a result depend?",
        "After strides of 2 and 2, neighbours are 4 pixels of the image apart.",
        "`field` grows by `(kernel - 1) * scale`; after that `scale` is multiplied by "
        "the stride.",
    ),
    explanation="A stride multiplies the steps of all layers behind it.",
    minutes=5,
    pairs=True,
)


# A few patches of three classes, which a learner can check by hand.
_SURE_AND_UNSURE = np.array([[0.8, 0.1, 0.1], [0.48, 0.3, 0.22]])
_TWO_SURE = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1]])
_ONE_LOST = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2]])
_EXACTLY_HALF = np.array([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1]])


def _many_patches() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 600)
    odds = np.exp(rng.normal(0, 1, (600, 5)))
    odds[np.arange(600), labels] *= 3
    # Class 2 is estimated more often than it is true. Otherwise precision and recall
    # would be nearly equal.
    odds[:, 2] *= 2
    return odds / odds.sum(1, keepdims=True), labels


def _judge_recalls(
    answer: Callable[[np.ndarray, np.ndarray, int], tuple[float, float]],
) -> Any:
    both_first, different = np.array([0, 0]), np.array([0, 1])
    first = answer(_SURE_AND_UNSURE.copy(), both_first.copy(), 0)
    if isinstance(first, tuple | list) and any(np.ndim(value) for value in first):
        return "each patch"
    cases = [
        (_SURE_AND_UNSURE, both_first, 0),
        (_TWO_SURE, different, 0),
        (_EXACTLY_HALF, both_first, 0),
        (_ONE_LOST, both_first, 0),
    ]
    cases += [(*_many_patches(), number) for number in range(5)]
    names = ("at_threshold", "by_argmax")
    return try_cases(answer, cases, _RIGHT_RECALL, _WRONG_RECALLS, names=names)


def _shares(
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_id: int,
    share: Callable[[np.ndarray, np.ndarray], float],
) -> tuple[float, float]:
    """A share of two masks, found and true, for both decisions."""
    found = probabilities[:, class_id] > 0.5, probabilities.argmax(1) == class_id
    first, second = (share(one, labels == class_id) for one in found)
    return float(first), float(second)


def _recall_rule(share: Callable[[np.ndarray, np.ndarray], float]) -> Callable:
    return lambda p, y, c: _shares(p, y, c, share)


_RIGHT_RECALL = _recall_rule(lambda found, true: found[true].mean())


def _precision(found: np.ndarray, true: np.ndarray) -> float:
    return true[found].mean() if found.any() else np.nan


def _any_class(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return float((p[y == c].max(1) > 0.5).mean()), _RIGHT_RECALL(p, y, c)[1]


def _twice(number: int) -> Callable:
    return lambda p, y, c: (_RIGHT_RECALL(p, y, c)[number],) * 2


def _even_too(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return float((p[y == c][:, c] >= 0.5).mean()), _RIGHT_RECALL(p, y, c)[1]


def _probability(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return float(p[y == c][:, c].mean()), _RIGHT_RECALL(p, y, c)[1]


def _all_columns(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return float((p[y == c] > 0.5).mean()), _RIGHT_RECALL(p, y, c)[1]


def _other_axis(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return _RIGHT_RECALL(p, y, c)[0], float((p[y == c].argmax(0) == c).mean())


def _largest_value(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return _RIGHT_RECALL(p, y, c)[0], float((p[y == c].max(1) == c).mean())


def _below(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return float((p[y == c][:, c] < 0.5).mean()), _RIGHT_RECALL(p, y, c)[1]


def _class_0(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    own = p[y == c]
    return float((own[:, 0] > 0.5).mean()), float((own.argmax(1) == 0).mean())


def _own_row(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return float((p[y == c][c] > 0.5).mean()), _RIGHT_RECALL(p, y, c)[1]


def _overall(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return _RIGHT_RECALL(p, y, c)[0], float((p.argmax(1) == y).mean())


def _no_axis(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return _RIGHT_RECALL(p, y, c)[0], float(p[y == c].argmax() == c)


def _class_numbers(p: np.ndarray, y: np.ndarray, c: int) -> tuple[float, float]:
    return _RIGHT_RECALL(p, y, c)[0], float(p[y == c].argmax(1).mean())


_WRONG_RECALLS = {
    "swapped": lambda p, y, c: _RIGHT_RECALL(p, y, c)[::-1],
    "precision": _recall_rule(_precision),
    "count": _recall_rule(lambda found, true: found[true].sum()),
    "of all": _recall_rule(lambda found, true: (found & true).mean()),
    "all found": _recall_rule(lambda found, true: found.mean()),
    "accuracy": _recall_rule(lambda found, true: (found == true).mean()),
    "missed": _recall_rule(lambda found, true: 1 - found[true].mean()),
    "any class": _any_class,
    "even too": _even_too,
    "argmax twice": _twice(1),
    "threshold twice": _twice(0),
    "percent": _recall_rule(lambda found, true: 100 * found[true].mean()),
    "probability": _probability,
    "all columns": _all_columns,
    "own row": _own_row,
    "overall": _overall,
    "no axis": _no_axis,
    "other axis": _other_axis,
    "largest value": _largest_value,
    "below": _below,
    "class 0": _class_0,
    "length": lambda p, y, c: (1.0, 1.0),
    "class numbers": _class_numbers,
}

_RECALLS = """
    def recalls(probabilities, labels, class_id):
        own = probabilities[labels == class_id]
        at_threshold = (own[:, class_id] > 0.5).mean()
        by_argmax = (own.argmax(axis=1) == class_id).mean()
        return (at_threshold, by_argmax)
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
        The **recall** of a class is the share of its patches that were found. Compute it
        twice for the class `class_id`:

        - at the threshold: found means that *its own* probability is above 0.5,
        - by argmax: found means that its probability is the largest.

        `probabilities` has a row for each patch and a column for each class. `labels`
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
            hint="This is the precision: of the patches that *got* the class, the share "
            "that is right. Recall begins with the patches that *are* of the class.",
        ),
        "each patch": Mistake(
            code=_recalls_with("at_threshold[true]", "by_argmax[true]"),
            hint="This is one value for each patch: whether it was found. Which *share* "
            "was found?",
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
        "all found": Mistake(
            code=_recalls_with("at_threshold.mean()", "by_argmax.mean()"),
            hint="You count patches of other classes too. Only the rows in `own` are of "
            "the class.",
        ),
        "accuracy": Mistake(
            code=_recalls_with(
                "(at_threshold == true).mean()", "(by_argmax == true).mean()"
            ),
            hint="This also counts patches of other classes that rightly did not get "
            "the class. Recall leaves them out.",
        ),
        "missed": Mistake(
            code=_RECALLS.replace(".mean()", ".mean() * -1 + 1"),
            hint="This is the share that was *missed*. Recall is the share that was "
            "found.",
        ),
        "any class": Mistake(
            code=_RECALLS.replace("own[:, class_id] > 0.5", "own.max(axis=1) > 0.5"),
            hint="The recall by argmax is right. At the threshold, you count a patch "
            "if *any* class is above 0.5. Look at the column of the class only.",
        ),
        "even too": Mistake(
            code=_RECALLS.replace("> 0.5", ">= 0.5"),
            hint="The recall by argmax is right. At the threshold, a probability of "
            "exactly 0.5 is not *above* 0.5.",
        ),
        "argmax twice": Mistake(
            code=_RECALLS.replace(
                "(at_threshold, by_argmax)", "(by_argmax, by_argmax)"
            ),
            hint="The recall by argmax is right. At the threshold, the largest "
            "probability is not enough: compare it with 0.5.",
        ),
        "threshold twice": Mistake(
            code=_RECALLS.replace(
                "(at_threshold, by_argmax)", "(at_threshold, at_threshold)"
            ),
            hint="The recall at the threshold is right. By argmax, a class can win "
            "with less than 0.5.",
        ),
        "percent": Mistake(
            code=_RECALLS.replace(".mean()", ".mean() * 100"),
            hint="This is right in percent; a share is a number from 0 to 1.",
        ),
        "probability": Mistake(
            code=_RECALLS.replace("(own[:, class_id] > 0.5)", "own[:, class_id]"),
            hint="The recall by argmax is right. At the threshold, this is the mean "
            "probability. Ask of each patch whether its probability is above 0.5.",
        ),
        "all columns": Mistake(
            code=_RECALLS.replace("own[:, class_id] > 0.5", "own > 0.5"),
            hint="The recall by argmax is right. At the threshold, you count the "
            "probabilities of all classes. Look at the column of the class only.",
        ),
        "own row": Mistake(
            code=_RECALLS.replace("own[:, class_id] > 0.5", "own[class_id] > 0.5"),
            hint="The recall by argmax is right. At the threshold, `own[class_id]` is "
            "a row: one patch. The column of the class is `own[:, class_id]`.",
        ),
        "overall": Mistake(
            code=_recalls_with(
                "at_threshold[true].mean()",
                "(probabilities.argmax(axis=1) == labels).mean()",
            ),
            hint="The recall at the threshold is right. By argmax, this is the "
            "accuracy of all classes. Recall looks at the patches of one class.",
        ),
        "no axis": Mistake(
            code=_RECALLS.replace("argmax(axis=1)", "argmax()"),
            hint="The recall at the threshold is right. Without an axis, `argmax` "
            "looks for the largest number of the whole table. The classes are along "
            "axis 1.",
        ),
        "other axis": Mistake(
            code=_RECALLS.replace("argmax(axis=1)", "argmax(axis=0)"),
            hint="The recall at the threshold is right. By argmax, `axis=0` gives one "
            "patch for each class. You need one class for each patch: the classes are "
            "along axis 1.",
        ),
        "largest value": Mistake(
            code=_RECALLS.replace("own.argmax(axis=1)", "own.max(axis=1)"),
            hint="The recall at the threshold is right. `max` gives the largest "
            "probability, and you compare it with the number of a class. Which "
            "function gives the place of the largest?",
        ),
        "below": Mistake(
            code=_RECALLS.replace("> 0.5", "< 0.5"),
            hint="The recall by argmax is right. At the threshold, you count the "
            "probabilities *below* 0.5.",
        ),
        "class 0": Mistake(
            code=_RECALLS.replace("[:, class_id]", "[:, 0]").replace(
                "axis=1) == class_id", "axis=1) == 0"
            ),
            hint="This is right for class 0 only. The check tries other classes: use "
            "`class_id`.",
        ),
        "length": Mistake(
            code="""
                def recalls(probabilities, labels, class_id):
                    own = probabilities[labels == class_id]
                    at_threshold = len(own[:, class_id] > 0.5) / len(own)
                    by_argmax = len(own.argmax(axis=1) == class_id) / len(own)
                    return (at_threshold, by_argmax)
                """,
            hint="Both are 1 for every class. `len` counts all values of a comparison, "
            "also those that are False. Take the mean of the comparison.",
        ),
        "class numbers": Mistake(
            code=_RECALLS.replace(
                "(own.argmax(axis=1) == class_id)", "own.argmax(axis=1)"
            ),
            hint="The recall at the threshold is right. By argmax, this is the mean "
            "of the numbers of the classes. Compare each of them with `class_id` "
            "first.",
        ),
        "swapped": Mistake(
            code=_RECALLS.replace(
                "(at_threshold, by_argmax)", "(by_argmax, at_threshold)"
            ),
            hint="Both numbers are there, in the wrong order: first at the threshold.",
        ),
    },
    hints=(
        "`own` holds the rows of the patches that are of the class. Only they count.",
        "`own[:, class_id]` is their own probability; `own.argmax(axis=1)` is their "
        "most probable class.",
        "Compare either with something in brackets, then take `.mean()` of it: "
        "`(own[:, class_id] > …).mean()`.",
    ),
    explanation="A class above one half is also the most probable one. The reverse is "
    "not true.",
    minutes=5,
)


def _judge_map_pixels(answer: Callable[[int, int, int], int]) -> Any:
    rng = np.random.default_rng(0)
    random = rng.integers((40, 5, 1), (900, 40, 7), (30, 3)).tolist()
    cases = [(20, 16, 4), (16, 16, 4), (19, 16, 4), (100, 16, 4), (100, 16, 1)]
    cases += [(101, 16, 4), (102, 16, 4), (103, 16, 4), *map(tuple, random)]
    return try_cases(
        answer,
        cases,
        lambda n, r, k: (n - r) // k + 1,
        {
            "as the image": lambda n, r, k: n // k,
            "not whole image": lambda n, r, k: n / k,
            "no scale": lambda n, r, k: n - r + 1,
            "places divided": lambda n, r, k: (n - r + 1) // k,
            "one short": lambda n, r, k: (n - r) // k,
            "not whole": lambda n, r, k: (n - r) / k + 1,
            "blocks": lambda n, r, k: n // r,
            "rounded up": lambda n, r, k: -((r - n) // k) + 1,
            "half field": lambda n, r, k: (n - r // 2) // k + 1,
            "exchanged": lambda n, r, k: (n - k) // r + 1,
            "one network": lambda n, r, k: (n - 16) // 4 + 1,
            "borders": lambda n, r, k: -((r - n) // k),
            "begins": lambda n, r, k: -(-n // k),
            "both axes": lambda n, r, k: ((n - r) // k + 1) ** 2,
            "no brackets": lambda n, r, k: n - r // k + 1,
            "subtracted": lambda n, r, k: (n - r) // k - 1,
            "nearest": lambda n, r, k: round((n - r) / k) + 1,
            "only one": lambda n, r, k: 1,
        },
    )


def _map_pixels(expression: str) -> str:
    return f"def map_pixels(size, field, scale):\n    return {expression}"


map_pixels = Exercise(
    name="map_pixels",
    title="How many pixels has the coarse map?",
    question="""
        Along one axis, the image has `size` pixels. The first map pixel depends on the
        image pixels 0 to `field - 1`. Each next one begins `scale` pixels further on.
        All pixels that it depends on must lie in the image. How many map pixels are
        there?
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
            code=_map_pixels("size // scale"),
            hint="That would be a map of the whole image. Near the border a map pixel "
            "would depend on pixels that do not exist.",
        ),
        "not whole image": Mistake(
            code=_map_pixels("size / scale"),
            hint="That would be a map of the whole image, with parts of pixels. Near "
            "the border a map pixel would depend on pixels that do not exist.",
        ),
        "no scale": Mistake(
            code=_map_pixels("size - field + 1"),
            hint="This counts every place where the field fits. The places of a map are "
            "`scale` pixels apart.",
        ),
        "places divided": Mistake(
            code=_map_pixels("(size - field + 1) // scale"),
            hint="This is often right, but not always: the first place needs no step. "
            "An image as large as the field must give one pixel.",
        ),
        "one short": Mistake(
            code=_map_pixels("(size - field) // scale"),
            hint="This counts the steps from pixel to pixel. How many pixels do so many "
            "steps connect?",
        ),
        "not whole": Mistake(
            code=_map_pixels("(size - field) / scale + 1"),
            hint="A map has whole pixels. A step that does not fit in full gives no "
            "pixel.",
        ),
        "blocks": Mistake(
            code=_map_pixels("size // field"),
            hint="This counts fields side by side. Neighbouring fields overlap: they "
            "begin `scale` pixels apart.",
        ),
        "rounded up": Mistake(
            code=_map_pixels("-((field - size) // scale) + 1"),
            hint="You round up. A step that does not fit in full gives no pixel.",
        ),
        "half field": Mistake(
            code=_map_pixels("(size - field // 2) // scale + 1"),
            hint="You let half of the last field lie outside the image. All of it must "
            "lie inside.",
        ),
        "exchanged": Mistake(
            code=_map_pixels("(size - scale) // field + 1"),
            hint="`field` and `scale` are exchanged: the field must fit in the image, "
            "and the steps have the length `scale`.",
        ),
        "one network": Mistake(
            code=_map_pixels("(size - 16) // 4 + 1"),
            hint="This is right for this network only. The result must depend on "
            "`field` and `scale`.",
        ),
        "borders": Mistake(
            code=_map_pixels("len(range(0, size - field, scale))"),
            hint="This is right for some sizes only. The last field may end at the "
            "last pixel of the image: a field as large as the image must give one map "
            "pixel.",
        ),
        "begins": Mistake(
            code=_map_pixels("len(range(0, size, scale))"),
            hint="You count every place where a field can begin. It must also end in "
            "the image.",
        ),
        "no brackets": Mistake(
            code=_map_pixels("size - field // scale + 1"),
            hint="`//` is computed before `-`. Put the difference in brackets.",
        ),
        "subtracted": Mistake(
            code=_map_pixels("(size - field) // scale - 1"),
            hint="The number of steps is right. How many pixels do so many steps "
            "connect: more than steps, or fewer?",
        ),
        "nearest": Mistake(
            code=_map_pixels("round((size - field) / scale) + 1"),
            hint="`round` sometimes goes up. A step that does not fit in full gives no "
            "pixel.",
        ),
        "only one": Mistake(
            code="""
                def map_pixels(size, field, scale):
                    count = 0
                    for start in range(0, size - field + 1, scale):
                        count += 1
                        return count
                """,
            hint="This is 1 for every image. Does a `return` stand inside a loop? It "
            "ends the function at once.",
        ),
        "both axes": Mistake(
            code=_map_pixels("((size - field) // scale + 1) ** 2"),
            hint="This counts the pixels of a square map. The question asks for those "
            "along one axis.",
        ),
    },
    hints=(
        "The last field must end inside the image. By how many pixels can the first one "
        "move at most?",
        "By `size - field`. That is room for so many whole steps of `scale` pixels.",
        "One more than the whole steps; `//` divides into whole ones.",
    ),
    explanation="The first pixel, and one more for each whole step.",
    minutes=3,
)
