"""The start page: what the course is, its notebooks, two routes, further pages."""

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from website.course import SHORT_ROUTE, Notebook
from website.pages import NAME
from website.places import GLOSSARY, REFERENCE, REPOSITORY, START, link_of
from website.texts import Text, render

_FURTHER = (
    (GLOSSARY, "the words of the course, each in one or two sentences"),
    ("teaching.html", "the course for teachers, notebook by notebook"),
    ("docs/teaching.html", "what to prepare for a group"),
    ("docs/your_own_scene.html", "a scene of your own town"),
    ("docs/large_maps.html", "whole Sentinel-2 tiles, and faster models"),
    ("docs/dask.html", "maps on several machines"),
    ("docs/from_otbtf.html", "scripts for OTBTF, side by side"),
    (REFERENCE, "every public function and class, with an example"),
    ("readme.html", "how to install and start the kit"),
)


def start_page(
    notebooks: Sequence[Notebook], titles: dict[str, str], known: Collection[str]
) -> Text:
    """The start page.

    Args:
        notebooks: All notebooks, in their order.
        titles: Title of each page, by its name.
        known: Names of all pages.
    """
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    about = re.search(r"^# .+?\n(.+?)^## ", readme, re.MULTILINE | re.DOTALL)
    parts = [
        f"# {NAME}",
        about[1] if about else "",
        "These pages show the solved notebooks with their results. They need neither "
        "internet nor Python. Maps and comparisons in them react to mouse and keys.",
        "## Notebooks",
        _table(notebooks),
        "## Two routes",
        _routes(notebooks),
        "## Everything else",
        "\n".join(
            f"- [{titles[name]}]({name}): {what}"
            for name, what in _FURTHER
            if name in known
        ),
    ]
    return render("\n\n".join(parts), lambda address: _address(address, known))


def _address(address: str, known: Collection[str]) -> str | None:
    """Links of README.md, and those that are the name of a page already."""
    if address.partition("#")[0] in known:
        return address
    return link_of(address, PurePosixPath("README.md"), START, known)


def _table(notebooks: Sequence[Notebook]) -> str:
    rows = [
        f"| [{one.number} {one.title}]({one.page}) | {one.promise} | {one.minutes} min "
        f"| {one.computing} | {one.memory} |"
        for one in notebooks
    ]
    # A number and its unit stay in one line.
    rows = [re.sub(r"(?<=\d) (?=min|GB)", "\N{NO-BREAK SPACE}", row) for row in rows]
    head = "| Notebook | What happens | Your time | Computing | Memory |"
    return "\n".join([head, "|---|---|---|---|---|", *rows])


def _routes(notebooks: Sequence[Notebook]) -> str:
    short = [one for one in notebooks if one.number in SHORT_ROUTE]
    return (
        f"- **Three hours**: {_sequence(short)}. They take {_duration(short)} of work. "
        "They go from the first patch to the map of a whole scene.\n"
        f"- **A full day**: all notebooks in their order, {_duration(notebooks)} of "
        "work. Add breaks."
    )


def _sequence(notebooks: Sequence[Notebook]) -> str:
    return ", ".join(f"[{one.number}]({one.page})" for one in notebooks)


def _duration(notebooks: Sequence[Notebook]) -> str:
    hours, minutes = divmod(sum(one.minutes for one in notebooks), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} hours"
