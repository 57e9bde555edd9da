"""Exercises of notebook 01b: loss, gradient steps, batches, overfitting, convolution."""

from collections.abc import Callable
from math import ceil
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


def _cross_entropy(probabilities: Any, label: int) -> float:
    return float(-np.log(probabilities[label]))


def _judge_cross_entropy(
    answer: Callable[[Any, int], float],
) -> str | Finding | None:
    rng = np.random.default_rng()
    cases = [
        (np.array([0.5, 0.5]), 0),
        (np.array([0.8, 0.2]), 0),
        (np.array([0.8, 0.2]), 1),
        (np.array([0.1, 0.6, 0.3]), 2),
        (np.array([0.1, 0.6, 0.3]), 0),
    ]
    for count in (4, 6):
        drawn = rng.dirichlet(np.ones(count)) * 0.9 + 0.1 / count
        cases += [(drawn, label) for label in range(count)]
    return try_cases(answer, cases, _cross_entropy, _CROSS_ENTROPY_LIKELY)


_CROSS_ENTROPY_LIKELY = {
    "no minus": lambda p, k: np.log(p[k]),
    "decimal": lambda p, k: -np.log10(p[k]),
    "binary": lambda p, k: -np.log2(p[k]),
    "probability": lambda p, k: p[k],
    "one minus": lambda p, k: 1 - p[k],
    "of the others": lambda p, k: -np.log(1 - p[k]),
    "both sides": lambda p, k: -np.log(p[k]) - np.log(np.delete(1 - p, k)).sum(),
    "largest": lambda p, k: -np.log(p.max()),
    "all classes": lambda p, k: -np.log(p),
    "sum": lambda p, k: -np.log(p).sum(),
    "mean": lambda p, k: -np.log(p).mean(),
    "entropy": lambda p, k: -(p * np.log(p)).sum(),
    "weighted": lambda p, k: -p[k] * np.log(p[k]),
    "next class": lambda p, k: -np.log(p[k - 1]),
    "first class": lambda p, k: -np.log(p[0]),
    "squared": lambda p, k: (1 - p[k]) ** 2,
    "inverse": lambda p, k: 1 / p[k],
    "exponential": lambda p, k: np.exp(-p[k]),
    "softmax again": lambda p, k: -np.log(np.exp(p[k]) / np.exp(p).sum()),
}


def _cross_entropy_code(line: str) -> str:
    return f"""
        def cross_entropy(probabilities, label):
            return {line}
        """


cross_entropy = Exercise(
    name="cross_entropy",
    title="The loss of one sample",
    question="""
        Write a function that gives the cross-entropy of one sample. `probabilities` has
        one number for each class, and `label` is the number of the right class.

        The cross-entropy is *minus* the natural logarithm of the probability of the
        right class. `np.log` is the natural logarithm. For help, run
        `ex.cross_entropy.hint()` in a new cell.
        """,
    answer_name="cross_entropy",
    stub='''
        def cross_entropy(probabilities, label):
            """Minus the logarithm of the probability of the right class."""
            return ...
        ''',
    solution_code='''
        def cross_entropy(probabilities, label):
            """Minus the logarithm of the probability of the right class."""
            probability = probabilities[label]
            logarithm = np.log(probability)
            return -logarithm
        ''',
    judge=_judge_cross_entropy,
    imports="import numpy as np",
    mistakes={
        "no minus": Mistake(
            code=_cross_entropy_code("np.log(probabilities[label])"),
            hint="The logarithm of a probability is negative. With a minus sign the loss "
            "is large where the network is wrong.",
        ),
        "decimal": Mistake(
            code=_cross_entropy_code("-np.log10(probabilities[label])"),
            hint="This is the logarithm with base 10. The natural logarithm is `np.log`.",
        ),
        "binary": Mistake(
            code=_cross_entropy_code("-np.log2(probabilities[label])"),
            hint="This is the logarithm with base 2. The natural logarithm is `np.log`.",
        ),
        "probability": Mistake(
            code=_cross_entropy_code("probabilities[label]"),
            hint="This is the probability of the right class. It is large where the "
            "network is right; the loss must be small there.",
        ),
        "one minus": Mistake(
            code=_cross_entropy_code("1 - probabilities[label]"),
            hint="This is small where the network is right, as a loss should be. But it "
            "has no logarithm, so it never exceeds 1.",
        ),
        "of the others": Mistake(
            code=_cross_entropy_code("-np.log(1 - probabilities[label])"),
            hint="This is small where the right class is improbable. Take the "
            "logarithm of the probability itself.",
        ),
        "both sides": Mistake(
            code="""
                def cross_entropy(probabilities, label):
                    others = np.delete(probabilities, label)
                    return -np.log(probabilities[label]) - np.log(1 - others).sum()
                """,
            hint="The first part is right. The other classes do not count; their "
            "probabilities are small if that of the right class is large.",
        ),
        "largest": Mistake(
            code=_cross_entropy_code("-np.log(probabilities.max())"),
            hint="This is about the class that the network prefers. The loss is about "
            "the right class, `label`.",
        ),
        "all classes": Mistake(
            code=_cross_entropy_code("-np.log(probabilities)"),
            hint="This is one number for each class. Only that of the right class "
            "counts.",
        ),
        "sum": Mistake(
            code=_cross_entropy_code("-np.log(probabilities).sum()"),
            hint="You added up the logarithms of all classes. Only that of the right "
            "class counts.",
        ),
        "mean": Mistake(
            code=_cross_entropy_code("-np.log(probabilities).mean()"),
            hint="This is the mean over all classes. Only the right class counts.",
        ),
        "entropy": Mistake(
            code=_cross_entropy_code("-(probabilities * np.log(probabilities)).sum()"),
            hint="This is the entropy: how undecided the network is. It does not depend "
            "on the right class.",
        ),
        "weighted": Mistake(
            code=_cross_entropy_code(
                "-probabilities[label] * np.log(probabilities[label])"
            ),
            hint="The logarithm must not be multiplied by the probability. With it, the "
            "loss is small where the network is quite wrong.",
        ),
        "next class": Mistake(
            code=_cross_entropy_code("-np.log(probabilities[label - 1])"),
            hint="This is the loss for another class. Classes are numbered from 0, as "
            "Python counts.",
        ),
        "first class": Mistake(
            code=_cross_entropy_code("-np.log(probabilities[0])"),
            hint="This is always the first class. Which one is the right class?",
        ),
        "squared": Mistake(
            code=_cross_entropy_code("(1 - probabilities[label]) ** 2"),
            hint="This is a squared error. The cross-entropy uses a logarithm.",
        ),
        "inverse": Mistake(
            code=_cross_entropy_code("1 / probabilities[label]"),
            hint="This grows where the network is wrong, as a loss should. But for a "
            "probability of 1 it is not 0. Use the logarithm.",
        ),
        "exponential": Mistake(
            code=_cross_entropy_code("np.exp(-probabilities[label])"),
            hint="`np.exp` is the exponential function. The logarithm is `np.log`.",
        ),
        "softmax again": Mistake(
            code="""
                def cross_entropy(probabilities, label):
                    powers = np.exp(probabilities)
                    return -np.log(powers[label] / powers.sum())
                """,
            hint="You applied softmax to the probabilities. Softmax turns *scores* into "
            "probabilities; these are probabilities already.",
        ),
    },
    hints=(
        "Which of the probabilities belongs to the right class?",
        "`probabilities[label]` is the probability of the right class. Take its "
        "logarithm.",
        "`np.log(probabilities[label])` is right up to the sign.",
    ),
    explanation="Only the probability of the right class counts. If it is 1, the loss "
    "is 0; the closer it is to 0, the larger the loss.",
    minutes=3,
)


def _gradient_step(weight: float, gradient: float, learning_rate: float) -> float:
    return weight - learning_rate * gradient


def _judge_gradient_step(
    answer: Callable[[float, float, float], float],
) -> str | Finding | None:
    rng = np.random.default_rng()
    cases = [(1.0, 2.0, 0.1), (1.0, -2.0, 0.1), (-3.0, 0.5, 2.0), (0.0, 4.0, 0.25)]
    drawn = np.round(rng.uniform([-3, -5, 0.01], [3, 5, 2], (6, 3)), 3)
    return try_cases(
        answer,
        [*cases, *map(tuple, drawn.tolist())],
        _gradient_step,
        {
            "uphill": lambda w, g, r: w + r * g,
            "no rate": lambda w, g, r: w - g,
            "no rate, uphill": lambda w, g, r: w + g,
            "only the step": lambda w, g, r: -r * g,
            "only the product": lambda w, g, r: r * g,
            "no gradient": lambda w, g, r: w - r,
            "direction": lambda w, g, r: w - r * np.sign(g),
            "of the weight": lambda w, g, r: w - r * w * g,
            "divided": lambda w, g, r: w - g / r,
            "reversed": lambda w, g, r: r * g - w,
            "brackets": lambda w, g, r: (w - g) * r,
            "shrunk": lambda w, g, r: w * r - g,
            "squared": lambda w, g, r: w - r * g**2,
            "size": lambda w, g, r: w - r * abs(g),
            "unchanged": lambda w, g, r: w,
        },
    )


def _step_code(line: str) -> str:
    return f"""
        def gradient_step(weight, gradient, learning_rate):
            return {line}
        """


gradient_step = Exercise(
    name="gradient_step",
    title="One gradient step",
    question="""
        Write a function that makes one gradient step: it gives the new weight.

        A positive gradient means: the loss grows if the weight grows. The weight has to
        go in the *opposite* direction. The size of the step is the gradient times the
        learning rate.
        """,
    answer_name="gradient_step",
    stub='''
        def gradient_step(weight, gradient, learning_rate):
            """The weight after one step against the gradient."""
            return ...
        ''',
    solution_code='''
        def gradient_step(weight, gradient, learning_rate):
            """The weight after one step against the gradient."""
            return weight - learning_rate * gradient
        ''',
    judge=_judge_gradient_step,
    imports="import numpy as np",
    mistakes={
        "uphill": Mistake(
            code=_step_code("weight + learning_rate * gradient"),
            hint="This step goes *with* the gradient, so the loss grows. It must go in "
            "the opposite direction.",
        ),
        "no rate": Mistake(
            code=_step_code("weight - gradient"),
            hint="The direction is right. The learning rate is missing: it says how "
            "large the step is.",
        ),
        "no rate, uphill": Mistake(
            code=_step_code("weight + gradient"),
            hint="The step must go *against* the gradient, and its size is the gradient "
            "times the learning rate.",
        ),
        "only the step": Mistake(
            code=_step_code("-learning_rate * gradient"),
            hint="This is the step. The function gives the new weight: the old one plus "
            "the step.",
        ),
        "only the product": Mistake(
            code=_step_code("learning_rate * gradient"),
            hint="This is the size of the step. The function gives the new weight, which "
            "depends on the old one.",
        ),
        "no gradient": Mistake(
            code=_step_code("weight - learning_rate"),
            hint="The gradient is missing. It gives the direction, and a steep loss "
            "makes the step larger.",
        ),
        "direction": Mistake(
            code=_step_code("weight - learning_rate * np.sign(gradient)"),
            hint="Only the sign of the gradient is used here. Its size counts too.",
        ),
        "of the weight": Mistake(
            code=_step_code("weight - learning_rate * weight * gradient"),
            hint="The step must not depend on the weight itself: it is the gradient "
            "times the learning rate.",
        ),
        "divided": Mistake(
            code=_step_code("weight - gradient / learning_rate"),
            hint="A larger learning rate must make the step larger. Here it makes the "
            "step smaller.",
        ),
        "reversed": Mistake(
            code=_step_code("learning_rate * gradient - weight"),
            hint="The order is reversed: subtract the step from the weight.",
        ),
        "brackets": Mistake(
            code=_step_code("(weight - gradient) * learning_rate"),
            hint="The brackets make the learning rate shrink the weight too. It belongs "
            "to the gradient only.",
        ),
        "shrunk": Mistake(
            code=_step_code("weight * learning_rate - gradient"),
            hint="The learning rate belongs to the gradient, not to the weight.",
        ),
        "squared": Mistake(
            code=_step_code("weight - learning_rate * gradient**2"),
            hint="A square is never negative, so this weight can only become smaller. "
            "Use the gradient itself.",
        ),
        "size": Mistake(
            code=_step_code("weight - learning_rate * abs(gradient)"),
            hint="Without its sign, the gradient has no direction. A negative gradient "
            "must make the weight larger.",
        ),
        "unchanged": Mistake(
            code=_step_code("weight"),
            hint="This is the old weight. The step is missing.",
        ),
    },
    hints=(
        "In which direction must the weight go if the gradient is positive?",
        "It must become smaller. The step is `learning_rate * gradient`.",
        "Subtract `learning_rate * gradient` from the weight.",
    ),
    explanation="The step goes against the gradient. Close to the minimum the gradient "
    "is small, and so are the steps.",
    minutes=2,
)


learning_rates = Choice(
    name="learning_rates",
    title="Which learning rate?",
    question="""
        The next cells make 12 steps with each of three learning rates. Which one comes
        closest to the best weight?
        """,
    options=(
        Option(
            "0.3",
            hint="Small steps do not miss the minimum. Run the next cells: where on the "
            "first curve is the weight after 12 of them?",
        ),
        Option("10"),
        Option(
            "40",
            hint="Large steps go far. Run the next cells, and look at the first step on "
            "the third curve: on which side of the minimum does it end?",
        ),
    ),
    explanation="Too small, and the training takes too long. Too large, and a step jumps "
    "beyond the minimum.",
    minutes=1,
)


count_steps = Choice(
    name="count_steps",
    title="How many steps?",
    question="""
        We train on 3000 samples for 10 epochs, with 32 samples in a batch. The last
        batch of an epoch may be smaller. How often do the weights change?
        """,
    options=(
        Option(
            "10",
            value=10,
            hint="This would be one step for each epoch. The weights change after each "
            "batch.",
        ),
        Option(
            "94",
            value=94,
            hint="These are the steps of one epoch.",
        ),
        Option(
            "930",
            value=930,
            hint="This leaves out the samples after the last full batch of an epoch. "
            "They make a smaller batch.",
        ),
        Option("940", value=940),
        Option(
            "30 000",
            value=30_000,
            hint="This would be one step for each sample. How many samples share a "
            "step?",
        ),
    ),
    explanation="Batches of one epoch, rounded up, times the number of epochs.",
    minutes=1.5,
    key=lambda: ceil(3000 / 32) * 10,
)


two_curves = Choice(
    name="two_curves",
    title="What will the two losses do?",
    question="""
        The network trains for 100 epochs on very few samples. What happens to the loss
        on its samples, and on area B?
        """,
    options=(
        Option(
            "Both fall until the end. The one on B is always a little larger.",
            hint="The network sees the same 60 samples in each epoch. Run the next cell: "
            "does the curve of area B follow the other one?",
        ),
        Option("On its samples it falls until the end. On B it falls, and then rises."),
        Option(
            "On its samples it falls, and then rises. On B it falls until the end.",
            hint="Which of the two does a step make smaller? Run the next cell, and look "
            "at the curve of the training.",
        ),
        Option(
            "Both fall in the first epochs. Then they stay as they are.",
            hint="Run the next cell. Do the two curves stay where they are in the last "
            "epochs?",
        ),
    ),
    explanation="The network learns the few samples by heart. That makes it worse on "
    "other samples.",
    minutes=2,
    vote=True,
)


def _weighted_sum(
    image: np.ndarray, kernel: np.ndarray, row: int, column: int
) -> float:
    height, width = kernel.shape
    block = image[row : row + height, column : column + width]
    return (block * kernel).sum()


def _judge_weighted_sum(
    answer: Callable[[np.ndarray, np.ndarray, int, int], float],
) -> str | Finding | None:
    rng = np.random.default_rng()
    small = np.array([[1, 2, 3], [4, 5, 6]])
    corners = np.array([[1, 0], [0, 10]])
    cases = [
        (small, corners, 0, 0),
        (small, corners, 0, 1),
        (small, np.array([[0, 1], [0, 0]]), 0, 0),
        (np.arange(12).reshape(3, 4), np.array([[0, -2], [1, 0]]), 1, 2),
    ]
    for size in (1, 2, 3, 3, 5):
        image = rng.integers(-9, 10, (8, 11)).astype(float)
        kernel = rng.integers(-4, 5, (size, size)).astype(float)
        row, column = rng.integers(1, [8 - size + 1, 11 - size + 1]).tolist()
        cases.append((image, kernel, row, column))
    likely = {
        name: _on_block(function) for name, function in _ON_BLOCK_LIKELY.items()
    } | {
        "swapped": lambda im, k, r, c: _weighted_sum(im, k, c, r),
        "top left": lambda im, k, r, c: _weighted_sum(im, k, 0, 0),
        "centred": _centred,
        "one further": lambda im, k, r, c: _weighted_sum(im, k, r + 1, c + 1),
        "always 3": lambda im, k, r, c: (im[r : r + 3, c : c + 3] * k).sum(),
        "one short": lambda im, k, r, c: _one_short(im, k, r, c),
        "ends at size": lambda im, k, r, c: (im[r : len(k), c : len(k)] * k).sum(),
        "small block": _small_block,
        "one pixel": lambda im, k, r, c: im[r, c] * k.sum(),
        "all pixels": lambda im, k, r, c: im.sum() * k.sum(),
    }
    return try_cases(answer, cases, _weighted_sum, likely)


def _on_block(function: Callable[..., Any]) -> Callable[..., Any]:
    """A mistake that reads the right block of the image."""

    def mistake(image: np.ndarray, kernel: np.ndarray, row: int, column: int) -> Any:
        size = len(kernel)
        return function(image[row : row + size, column : column + size], kernel)

    return mistake


def _centred(image: np.ndarray, kernel: np.ndarray, row: int, column: int) -> float:
    half = len(kernel) // 2
    rows = slice(row - half, row + half + 1)
    return (image[rows, column - half : column + half + 1] * kernel).sum()


def _one_short(image: np.ndarray, kernel: np.ndarray, row: int, column: int) -> float:
    size = len(kernel) - 1
    block = image[row : row + size, column : column + size]
    return (block * kernel[:size, :size]).sum()


def _small_block(image: np.ndarray, kernel: np.ndarray, row: int, column: int) -> float:
    size = len(kernel) - 1
    return (image[row : row + size, column : column + size] * kernel).sum()


_ON_BLOCK_LIKELY: dict[str, Callable[..., Any]] = {
    "mean": lambda block, kernel: (block * kernel).mean(),
    "no kernel": lambda block, kernel: block.sum(),
    "only kernel": lambda block, kernel: kernel.sum(),
    "matrix product": lambda block, kernel: (block @ kernel).sum(),
    "matrix": lambda block, kernel: block @ kernel,
    "flipped": lambda block, kernel: (block * kernel[::-1, ::-1]).sum(),
    "transposed": lambda block, kernel: (block * kernel.T).sum(),
    "not summed": lambda block, kernel: block * kernel,
    "rows only": lambda block, kernel: (block * kernel).sum(axis=0),
    "columns only": lambda block, kernel: (block * kernel).sum(axis=1),
    "largest": lambda block, kernel: (block * kernel).max(),
    "first row": lambda block, kernel: block[0] @ kernel[0],
    "first product": lambda block, kernel: block[0, 0] * kernel[0, 0],
    "last product": lambda block, kernel: block[-1, -1] * kernel[-1, -1],
    "last row": lambda block, kernel: block[-1] @ kernel[-1],
    "from 1 on": lambda block, kernel: (block[1:, 1:] * kernel[1:, 1:]).sum(),
    "sums": lambda block, kernel: block.sum() * kernel.sum(),
    "added": lambda block, kernel: (block + kernel).sum(),
    "not negative": lambda block, kernel: max((block * kernel).sum(), 0),
    "absolute": lambda block, kernel: abs((block * kernel).sum()),
}


def _block_code(line: str) -> str:
    return f"""
        def weighted_sum(image, kernel, row, column):
            size = len(kernel)
            block = image[row : row + size, column : column + size]
            return {line}
        """


weighted_sum = Exercise(
    name="weighted_sum",
    title="A convolution by hand",
    question="""
        Write a function that computes the result of a convolution at one place. The top
        left weight of the kernel lies on the pixel `image[row, column]`. Multiply each
        weight by the pixel below it, then add up all products.

        `image` and `kernel` are arrays with two axes. The kernel is a square of any
        size, `len(kernel)`. A part of an array is read by
        `image[first_row:last_row, first_column:last_column]`, without the last ones.
        """,
    answer_name="weighted_sum",
    stub='''
        def weighted_sum(image, kernel, row, column):
            """Result of a kernel whose top left weight lies on image[row, column]."""
            return ...
        ''',
    solution_code='''
        def weighted_sum(image, kernel, row, column):
            """Result of a kernel whose top left weight lies on image[row, column]."""
            size = len(kernel)
            block = image[row : row + size, column : column + size]
            return (block * kernel).sum()
        ''',
    judge=_judge_weighted_sum,
    imports="import numpy as np",
    mistakes={
        "mean": Mistake(
            code=_block_code("(block * kernel).mean()"),
            hint="The products are right. You took their mean; a convolution takes their "
            "sum.",
        ),
        "no kernel": Mistake(
            code=_block_code("block.sum()"),
            hint="This is the sum of the pixels below the kernel. Multiply each pixel by "
            "its weight first.",
        ),
        "only kernel": Mistake(
            code=_block_code("kernel.sum()"),
            hint="This is the sum of the weights. The image is missing.",
        ),
        "matrix product": Mistake(
            code=_block_code("(block @ kernel).sum()"),
            hint="`@` is the product of matrices. Here each weight multiplies only the "
            "pixel below it: use `*`.",
        ),
        "matrix": Mistake(
            code=_block_code("block @ kernel"),
            hint="`@` gives a matrix. Multiply pixel by pixel with `*`, then add up.",
        ),
        "flipped": Mistake(
            code=_block_code("(block * kernel[::-1, ::-1]).sum()"),
            hint="You turned the kernel by half a turn, as the convolution of "
            "mathematics does. Networks do not turn it.",
        ),
        "transposed": Mistake(
            code=_block_code("(block * kernel.T).sum()"),
            hint="Rows and columns of the kernel are exchanged, as `.T` does.",
        ),
        "not summed": Mistake(
            code=_block_code("block * kernel"),
            hint="These are the products. Their sum is missing.",
        ),
        "rows only": Mistake(
            code=_block_code("(block * kernel).sum(axis=0)"),
            hint="You added up the rows only, so one number is left for each column. Add "
            "up everything.",
        ),
        "columns only": Mistake(
            code=_block_code("(block * kernel).sum(axis=1)"),
            hint="You added up the columns only, so one number is left for each row. Add "
            "up everything.",
        ),
        "largest": Mistake(
            code=_block_code("(block * kernel).max()"),
            hint="This is the largest product. A convolution takes the sum of all.",
        ),
        "first row": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    total = 0
                    for i in range(len(kernel)):
                        for j in range(len(kernel)):
                            total += image[row + i, column + j] * kernel[i, j]
                        return total
                """,
            hint="Only the first row of the kernel is counted. Does a `return` stand "
            "inside a loop? It ends the function at once.",
        ),
        "first product": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    for i in range(len(kernel)):
                        for j in range(len(kernel)):
                            return image[row + i, column + j] * kernel[i, j]
                """,
            hint="This is the first product only. Does a `return` stand inside a loop? "
            "It ends the function at once.",
        ),
        "last product": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    for i in range(len(kernel)):
                        for j in range(len(kernel)):
                            total = image[row + i, column + j] * kernel[i, j]
                    return total
                """,
            hint="This is the last product only. Does a loop give the sum a new value? "
            "It must be 0 before both loops, and `+=` adds to it.",
        ),
        "last row": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    for i in range(len(kernel)):
                        total = 0
                        for j in range(len(kernel)):
                            total += image[row + i, column + j] * kernel[i, j]
                    return total
                """,
            hint="Only the last row of the kernel is counted. Does the sum become 0 "
            "again inside a loop? It must be 0 before both loops.",
        ),
        "from 1 on": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    total = 0
                    for i in range(1, len(kernel)):
                        for j in range(1, len(kernel)):
                            total += image[row + i, column + j] * kernel[i, j]
                    return total
                """,
            hint="The first row and the first column of the kernel are missing. Python "
            "counts from 0.",
        ),
        "sums": Mistake(
            code=_block_code("block.sum() * kernel.sum()"),
            hint="You added up first and multiplied then. Multiply each pixel by its own "
            "weight, then add up.",
        ),
        "added": Mistake(
            code=_block_code("(block + kernel).sum()"),
            hint="You added the weights to the pixels. They must be multiplied.",
        ),
        "not negative": Mistake(
            code=_block_code("max((block * kernel).sum(), 0)"),
            hint="Positive results are right, negative ones became 0. That is an "
            "activation (ReLU); it comes after the convolution.",
        ),
        "absolute": Mistake(
            code=_block_code("abs((block * kernel).sum())"),
            hint="Positive results are right. A convolution may also be negative.",
        ),
        "swapped": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    size = len(kernel)
                    block = image[column : column + size, row : row + size]
                    return (block * kernel).sum()
                """,
            hint="Row and column are exchanged. In an array the row comes first.",
        ),
        "top left": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    size = len(kernel)
                    return (image[:size, :size] * kernel).sum()
                """,
            hint="Your block always lies in the top left corner of the image. `row` and "
            "`column` must move it.",
        ),
        "centred": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    half = len(kernel) // 2
                    rows = slice(row - half, row + half + 1)
                    block = image[rows, column - half : column + half + 1]
                    return (block * kernel).sum()
                """,
            hint="Your kernel lies with its centre on the pixel. Here its *top left* "
            "weight lies there.",
        ),
        "one further": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    size = len(kernel)
                    rows = slice(row + 1, row + 1 + size)
                    block = image[rows, column + 1 : column + 1 + size]
                    return (block * kernel).sum()
                """,
            hint="Your block begins one row and one column too far. Python counts from "
            "0.",
        ),
        "always 3": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    block = image[row : row + 3, column : column + 3]
                    return (block * kernel).sum()
                """,
            hint="Your block has 3 x 3 pixels for every kernel. Take its size from "
            "`len(kernel)`.",
        ),
        "one short": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    total = 0
                    for i in range(len(kernel) - 1):
                        for j in range(len(kernel) - 1):
                            total += image[row + i, column + j] * kernel[i, j]
                    return total
                """,
            hint="The last row and the last column of the kernel are missing. "
            "`range(n)` already ends at n - 1.",
        ),
        "ends at size": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    size = len(kernel)
                    return (image[row:size, column:size] * kernel).sum()
                """,
            hint="A part ends at the number behind the colon. `row:size` ends at the row "
            "`size` of the image, not `size` rows after `row`.",
        ),
        "small block": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    size = len(kernel) - 1
                    block = image[row : row + size, column : column + size]
                    return (block * kernel).sum()
                """,
            hint="Your block has one row and one column too few. Python leaves out the "
            "row behind the colon, so do not subtract 1.",
        ),
        "one pixel": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    return image[row, column] * kernel.sum()
                """,
            hint="Only one pixel of the image is used. The kernel covers several pixels, "
            "one for each weight.",
        ),
        "all pixels": Mistake(
            code="""
                def weighted_sum(image, kernel, row, column):
                    return image.sum() * kernel.sum()
                """,
            hint="You used all pixels of the image. Only those below the kernel count, "
            "each with its own weight.",
        ),
    },
    hints=(
        "Which pixels lie below the kernel? They begin at `row` and `column`.",
        "`block = image[row : row + size, column : column + size]`, with "
        "`size = len(kernel)`.",
        "`block * kernel` multiplies pixel by pixel. Then `.sum()` adds up all products.",
    ),
    explanation="A convolution is this weighted sum, at every place where the kernel "
    "fits into the image.",
    minutes=5,
    pairs=True,
)
