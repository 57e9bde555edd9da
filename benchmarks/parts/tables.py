"""Results as Markdown tables, and the places in texts that hold them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from parts.goals import Goal

# What stands between these two comments of a Markdown file is written by `fill_texts`.
PLACE = re.compile(
    r"(?P<start><!-- bench:(?P<key>\w+) -->)(?P<text>.*?)(?P<end><!-- /bench -->)",
    re.DOTALL,
)

# Megapixels of a tile of Sentinel-2 at 10 m.
TILE_MEGAPIXELS = 10.98**2

__all__ = [
    "fill_texts",
    "goal_table",
    "markdown",
    "stale_texts",
    "texts",
    "thousand_tiles",
]


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as a table, with the keys of the first as its head.

    Example:
        >>> print(markdown([{"way": "a", "s": 0.12345}, {"way": "b", "s": None}]))
        | way | s |
        |---|---|
        | a | 0.123 |
        | b | - |
    """
    lines = [[*rows[0]], *([_shown(row.get(name)) for name in rows[0]] for row in rows)]
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, f"|{'---|' * len(rows[0])}", *body])


def _shown(value: Any) -> str:
    """A value in a cell; numbers with three digits.

    Example:
        >>> [_shown(value) for value in (1234.5, 12.345, 2.0, 0.01234, 7, True)]
        ['1234', '12.3', '2.00', '0.012', '7', 'yes']
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    if not value or abs(value) >= 100:
        return f"{value:.0f}"
    decimals = 2 if abs(value) >= 1 else 3
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.{decimals}f}"


def goal_table(goals: Sequence[Goal]) -> str:
    """The goals with what was measured and the verdict."""
    return markdown(
        [
            {
                "goal": goal.text,
                "limit": f"{goal.kind} {goal.limit:g}",
                "measured": f"{goal.value:.2f}",
                "verdict": "met" if goal.met else "**missed**",
            }
            for goal in goals
        ]
    )


def thousand_tiles(rate: float) -> list[dict[str, Any]]:
    """Hours for 1 000 Sentinel-2 tiles, at the rate of two Dask workers and at others.

    Args:
        rate: Seconds for a megapixel on two cores.

    Example:
        >>> round(thousand_tiles(0.25)[0]["core hours"], 2)
        16.74
    """
    hours = {r: 1000 * TILE_MEGAPIXELS * r * 2 / 3600 for r in (rate, 1, 10)}
    return [
        {
            "r, s/Mpx on 2 cores": r,
            "core hours": spent,
            "hours on 32 cores": spent / 32,
            "hours on 128 cores": spent / 128,
        }
        for r, spent in hours.items()
    ]


def texts(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], goals: Sequence[Goal]
) -> dict[str, str]:
    """What texts may quote by a key: tables of parts and goals, a goal's number.

    Args:
        tables: Rows by the name of the part.
        goals: The goals of all parts.
    """
    shown = {name: markdown(rows) for name, rows in tables.items() if rows}
    if goals:
        shown["goals"] = goal_table(goals)
    # Markdown needs an empty line before a table, and after it.
    for row in tables.get("workers", ()):
        if row.get("way") == "Dask, 2 workers":
            shown["thousand_tiles"] = markdown(thousand_tiles(row["s/Mpx"]))
    found = {name: f"\n\n{table}\n\n" for name, table in shown.items()}
    return found | {goal.key: f"{goal.value:.2f}" for goal in goals}


def stale_texts(repository: Path, known: Mapping[str, str]) -> list[str]:
    """A sentence for each place of a text that does not hold what was measured.

    Args:
        repository: Its README.md, CONTRIBUTING.md and docs/*.md are read.
        known: What `texts` gave.
    """
    return [
        f"{path.relative_to(repository)}: the text of `bench:{place['key']}` "
        + (
            f"is not what was measured: {known[place['key']].strip()}"
            if place["key"] in known
            else f"is not known. It is one of {', '.join(sorted(known))}."
        )
        for path in _pages(repository)
        for place in PLACE.finditer(path.read_text(encoding="utf-8"))
        if place["text"] != known.get(place["key"])
    ]


def fill_texts(repository: Path, known: Mapping[str, str]) -> None:
    """Write what was measured into the texts; an unknown key keeps its text."""

    def filled(place: re.Match) -> str:
        return place["start"] + known.get(place["key"], place["text"]) + place["end"]

    for path in _pages(repository):
        before = path.read_text(encoding="utf-8")
        after = PLACE.sub(filled, before)
        if after != before:
            path.write_text(after, encoding="utf-8")


def _pages(repository: Path) -> Iterator[Path]:
    yield from (repository / "README.md", repository / "CONTRIBUTING.md")
    yield from sorted((repository / "docs").glob("*.md"))
