"""What the measured numbers have to fulfil."""

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Goal", "at_least", "at_most"]


@dataclass(frozen=True)
class Goal:
    """A number that was measured, and its limit.

    Attributes:
        key: A short name, by which texts refer to the number.
        text: What was measured.
        value: The number.
        limit: The most, or the least, that it may be.
        kind: "at most" or "at least".
    """

    key: str
    text: str
    value: float
    limit: float
    kind: str

    @property
    def met(self) -> bool:
        """Whether the number is within its limit.

        Example:
            >>> at_most("a", "time", 1.04, 1.1).met, at_least("b", "rate", 1, 2).met
            (True, False)
        """
        if self.kind == "at most":
            return self.value <= self.limit
        return self.value >= self.limit

    def row(self) -> dict[str, Any]:
        """The goal as a row of a table and of the file of results."""
        return {**asdict(self), "met": self.met}


def at_most(key: str, text: str, value: float, limit: float) -> Goal:
    """A goal for a number that should be small."""
    return Goal(key, text, value, limit, "at most")


def at_least(key: str, text: str, value: float, limit: float) -> Goal:
    """A goal for a number that should be large."""
    return Goal(key, text, value, limit, "at least")
