"""Programs: the steps of a computation, in the order in which they are run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tutorial_lib.compat.expressions.blocks import Block
from tutorial_lib.compat.expressions.operators import Compute, Outcome
from tutorial_lib.compat.expressions.sizes import TRUTH, Size
from tutorial_lib.compat.expressions.variables import Variable


@dataclass(frozen=True)
class Constant:
    """A step that puts a value on the stack which is the same at each pixel."""

    values: np.ndarray

    def run(self, stack: list[np.ndarray], _: Block) -> None:
        """Do the step."""
        stack.append(self.values)


@dataclass(frozen=True)
class Read:
    """A step that puts the value of a variable on the stack."""

    variable: Variable

    def run(self, stack: list[np.ndarray], block: Block) -> None:
        """Do the step."""
        stack.append(block.once(self.variable.name, self.variable.value))


@dataclass(frozen=True)
class Apply:
    """A step that replaces the last values of the stack by what is computed of them."""

    compute: Compute
    count: int

    def run(self, stack: list[np.ndarray], _: Block) -> None:
        """Do the step."""
        values = stack[len(stack) - self.count :]
        del stack[len(stack) - self.count :]
        stack.append(self.compute(*values))


@dataclass(frozen=True)
class Value:
    """What is known of a value before any pixel is read: its size, and a constant."""

    size: Size
    constant: np.ndarray | None = None


# From the values that a function gets to what it does with them.
Rule = Callable[..., Outcome]


class Program:
    """Steps that leave one value on a stack, and the sizes of what is on it.

    A stack needs no recursion, however long an expression is.

    Attributes:
        steps: In the order in which they are run.
        peak: Most values at each pixel that are held at once.

    Example:
        >>> from tutorial_lib.compat.expressions.sizes import NUMBER
        >>> program = Program()
        >>> program.constant(NUMBER, 2)
        >>> program.constant(NUMBER, 3)
        >>> program.apply(2, lambda left, right: Outcome(NUMBER, np.add))
        >>> float(program.run(Block([]))[0, 0, 0, 0])
        5.0
    """

    def __init__(self) -> None:
        self.steps: list[Constant | Read | Apply] = []
        self.peak = 0
        self._values: list[Value] = []
        self._held = 0

    @property
    def size(self) -> Size:
        """Size of the last value."""
        return self._values[-1].size

    @property
    def variables(self) -> Iterator[Variable]:
        """Variables that are read; some of them several times."""
        return (step.variable for step in self.steps if isinstance(step, Read))

    def constant(self, size: Size, value: float) -> None:
        """Add a step for a number, or for true or false."""
        values = np.full((1, 1, 1, 1), value, bool if size == TRUTH else float)
        self.steps.append(Constant(values))
        self._push(Value(size, values))

    def read(self, variable: Variable) -> None:
        """Add a step for a variable."""
        self.steps.append(Read(variable))
        self._push(Value(variable.size))

    def apply(self, count: int, rule: Rule) -> None:
        """Add a step for an operator or a function of the last `count` values.

        Raises:
            MisfitError: If their sizes do not fit.
        """
        values = self._values[len(self._values) - count :]
        size, compute = rule(*values)
        self.peak = max(self.peak, self._held + size.values)
        del self._values[len(self._values) - count :]
        self._held -= sum(value.size.values for value in values)
        if any(value.constant is None for value in values):
            self.steps.append(Apply(compute, count))
            self._push(Value(size))
            return
        # What is the same at each pixel is computed once, here.
        del self.steps[len(self.steps) - count :]
        with np.errstate(all="ignore"):
            result = compute(*(value.constant for value in values))
        self.steps.append(Constant(result))
        self._push(Value(size, result))

    def run(self, block: Block) -> np.ndarray:
        """The value for each pixel of a block, as (h, w, rows, cols).

        An axis on which all values are the same may have the length 1.
        """
        stack: list[np.ndarray] = []
        # 1 / 0 is inf and sqrt(-1) is nan, as everywhere in a raster.
        with np.errstate(all="ignore"):
            for step in self.steps:
                step.run(stack, block)
        return stack.pop()

    def _push(self, value: Value) -> None:
        self._values.append(value)
        self._held += value.size.values
        self.peak = max(self.peak, self._held)
