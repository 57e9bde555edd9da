"""The notebooks of the course, as their sources and README.md describe them."""

import re
from dataclasses import dataclass

from website.places import REPOSITORY

# The notebooks of a short course; a full day has all of them.
SHORT_ROUTE = ("00", "01", "03", "05")

_NEEDS = re.compile(
    r"\*\*Needs\*\* about (?P<minutes>\d+) minutes of your time, (?P<computing>[^,]+?) "
    r"of computing and (?P<memory>[\d.]+ GB) of memory"
)


@dataclass(frozen=True)
class Notebook:
    """A notebook of the course.

    Attributes:
        name: Name of its file, without the ending.
        title: Its title.
        promise: What happens in it, in a few words.
        minutes: How long a person needs.
        computing: How long the machine computes, in words.
        memory: Memory that it needs, with its unit.
    """

    name: str
    title: str
    promise: str
    minutes: int
    computing: str
    memory: str

    @property
    def number(self) -> str:
        """What its name starts with, like "01b"."""
        return self.name.partition("_")[0]

    @property
    def page(self) -> str:
        """Name of its page."""
        return f"{self.name}.html"


def notebooks() -> list[Notebook]:
    """All notebooks, in the order of their numbers.

    Raises:
        ValueError: If a source or README.md lacks what the pages tell of a notebook.
    """
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return [_notebook(name, readme) for name in notebook_names()]


def notebook_names() -> list[str]:
    """Names of all notebooks, without the ending, in the order of their numbers."""
    sources = (REPOSITORY / "notebooks" / "source").glob("[0-9][0-9]*_*.py")
    return sorted(path.stem for path in sources)


def title_of(name: str) -> str:
    """The title of a notebook: the first heading of its source."""
    path = REPOSITORY / "notebooks" / "source" / f"{name}.py"
    found = re.search(r"^# # (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else name


def _notebook(name: str, readme: str) -> Notebook:
    path = REPOSITORY / "notebooks" / "source" / f"{name}.py"
    # Lines of text are comments in a source.
    text = re.sub(r"\n# ?", " ", path.read_text(encoding="utf-8"))
    needs = _NEEDS.search(text)
    row = re.search(
        rf"^\| \[[^]]+\]\(notebooks/{name}\.ipynb\) \| ([^|]+) \|", readme, re.M
    )
    if not (needs and row):
        raise ValueError(
            f"{name} cannot be a page, because its source lacks the line **Needs**, "
            "or the table of README.md lacks its row. Add what is missing."
        )
    return Notebook(
        name=name,
        title=title_of(name),
        promise=row[1],
        minutes=int(needs["minutes"]),
        computing=needs["computing"],
        memory=needs["memory"],
    )
