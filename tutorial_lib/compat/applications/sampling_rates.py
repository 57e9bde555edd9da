"""How many of the pixels of each class are taken, by OTB's strategies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tutorial_lib import arguments
from tutorial_lib.notices import warn

# What may stand between the columns of a file, in the order in which OTB tries it.
_SEPARATORS = ("\t", ";", ",", " ")

__all__ = ["Rate", "rates_as_text", "rates_of"]


class Rate(NamedTuple):
    """How many pixels of a class are asked for, and how many it has."""

    required: int
    total: int

    @property
    def taken(self) -> int:
        """How many are taken."""
        return min(self.required, self.total)


def rates_of(counts: Mapping[str, int], values: Mapping[str, Any]) -> dict[str, Rate]:
    """Rates of all classes.

    Args:
        counts: Number of pixels of each class.
        values: Values of the parameters `strategy` and `strategy.…`.

    Raises:
        ValueError: If the strategy lacks a number, or no pixel would be taken.
        OSError: If the file of `strategy.byclass.in` cannot be read.

    Example:
        >>> counts = {"1": 60, "7": 940}
        >>> rates_of(counts, {"strategy": "total", "strategy.total.v": 100})
        {'1': Rate(required=6, total=60), '7': Rate(required=94, total=940)}
    """
    strategies = {
        "smallest": _smallest,
        "constant": _constant,
        "byclass": _by_class,
        "percent": _percent,
        "total": _total,
        "all": lambda counts, values: dict(counts),
    }
    wanted = strategies[values["strategy"]](counts, values)
    rates = {name: Rate(wanted[name], counts[name]) for name in sorted(counts)}
    if short := {n: rate for n, rate in rates.items() if rate.taken < rate.required}:
        words = (f"{name} has {rate.total}" for name, rate in short.items())
        warn(
            f"Classes have fewer pixels than the strategy {values['strategy']} asks "
            f"for ({max(short.values()).required}), so all are taken: "
            f"{', '.join(words)}."
        )
    if not any(rate.taken for rate in rates.values()):
        raise ValueError(
            f"The strategy '{values['strategy']}' takes no pixel of the classes "
            f"{', '.join(counts)}. Give a larger number, or another strategy."
        )
    return rates


def rates_as_text(rates: Mapping[str, Rate]) -> str:
    r"""The rates as OTB writes them.

    Example:
        >>> rates_as_text({"1": Rate(6, 60)}).splitlines()
        ['#className requiredSamples totalSamples rate', '1\t6\t60\t0.1']
    """
    lines = ["#className requiredSamples totalSamples rate"]
    for name, (required, total) in rates.items():
        rate = min(required / total, 1) if total else 0
        lines.append(f"{name}\t{required}\t{total}\t{rate:.6g}")
    return "\n".join(lines) + "\n"


def _smallest(counts: Mapping[str, int], values: Mapping[str, Any]) -> dict[str, int]:
    rarest = min(counts, key=counts.get)
    if not counts[rarest]:
        raise ValueError(
            f"Class {rarest} has no pixel, so the strategy smallest takes none of any "
            "class. Leave the class out of the vector file, or take another strategy."
        )
    return dict.fromkeys(counts, counts[rarest])


def _constant(counts: Mapping[str, int], values: Mapping[str, Any]) -> dict[str, int]:
    return dict.fromkeys(counts, _given(values, "strategy.constant.nb"))


def _percent(counts: Mapping[str, int], values: Mapping[str, Any]) -> dict[str, int]:
    # Numbers are rounded, halves up, as OTB does.
    share = arguments.number(
        "strategy_percent_p", values["strategy.percent.p"], least=0, most=1
    )
    return {name: int(count * share + 0.5) for name, count in counts.items()}


def _total(counts: Mapping[str, int], values: Mapping[str, Any]) -> dict[str, int]:
    asked, there = _given(values, "strategy.total.v"), sum(counts.values())
    # In whole numbers: floor(count * asked / there + 1/2).
    return {
        name: (2 * count * asked + there) // (2 * there) if there else 0
        for name, count in counts.items()
    }


def _by_class(counts: Mapping[str, int], values: Mapping[str, Any]) -> dict[str, int]:
    path = _given(values, "strategy.byclass.in")
    required = _read_required(path)
    if unknown := required.keys() - counts.keys():
        warn(
            f"'{path}' names the classes {', '.join(sorted(unknown))}, which have no "
            "pixel. They will be left out."
        )
    if absent := [name for name in counts if name not in required]:
        warn(
            f"'{path}' does not name the classes {', '.join(absent)}, so no pixel of "
            "them is taken."
        )
    return {name: required.get(name, 0) for name in counts}


def _given(values: Mapping[str, Any], key: str) -> Any:
    if values[key] is None:
        raise ValueError(
            f"The strategy {values['strategy']} needs `{key.replace('.', '_')}`, which "
            "is not given."
        )
    return values[key]


def _read_required(path: str) -> dict[str, int]:
    """Numbers in the second column of a file, by the names in the first one."""
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"There is no file at '{path}'. Give a file with the name of a class and a "
            "number in each line: `strategy_byclass_in=…`."
        )
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [one.strip() for one in lines if one.strip() and one.strip()[0] != "#"]
    separator = next((s for s in _SEPARATORS if lines and s in lines[0]), " ")
    required: dict[str, int] = {}
    for line in lines:
        # Several blanks are one separator, as people write them.
        words = line.split(None if separator == " " else separator)
        if len(words) < 2 or not words[1].strip().isdecimal():
            raise ValueError(
                f"'{path}' holds the line '{line}'. Write the name of a class and a "
                "whole number in each line, with a tab between them."
            )
        required[words[0].strip()] = int(words[1])
    return required
