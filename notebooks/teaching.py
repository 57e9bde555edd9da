"""Make `TEACHING.md`, the page for teachers, from the sources of the notebooks.

The frame is `source/teaching.md`, written by hand. What can be read from the sources is
put into it: times, sections, objectives, questions to vote on, common mistakes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from sections import AnyExercise, Section, needed_minutes
from website.course import SHORT_ROUTE

from tutorial_lib.exercises import Choice, Exercise, LineOrder

FRAME, RUBRIC, PAGE = "teaching.md", "rubric.md", "TEACHING.md"

# After each hour of work.
MINUTES_OF_BREAK = 10

NOTE = (
    "<!-- Made by `make notebooks` from notebooks/source. Edit the sources, not this "
    "file. -->"
)


@dataclass(frozen=True)
class Lesson:
    """A notebook as its teacher sees it.

    Attributes:
        stem: Name of its file without ending.
        title: Its first heading.
        sections: Its sections; the first is the introduction.
    """

    stem: str
    title: str
    sections: Sequence[Section]

    @property
    def number(self) -> str:
        """The number that its name begins with, like 01b."""
        return self.stem.partition("_")[0]

    @property
    def minutes(self) -> int:
        """The time that the notebook says it takes."""
        text = " ".join(self.sections[0].text.split())
        found = re.search(r"\*\*Needs\*\* about (\d+) minutes", text)
        return int(found[1]) if found else round(needed_minutes(self.sections))

    @property
    def objectives(self) -> list[str]:
        """What a learner can do afterwards."""
        _, _, after = self.sections[0].text.partition("**Afterwards you can**")
        items = re.findall(r"^- (.+(?:\n  .+)*)", after, re.MULTILINE)
        return [" ".join(item.split()).rstrip(",.") for item in items]

    @property
    def exercises(self) -> list[AnyExercise]:
        """All exercises, in their order."""
        return list(chain.from_iterable(x.exercises for x in self.sections))


def teaching_page(lessons: Sequence[Lesson], source: Path) -> str:
    """The page for teachers, in Markdown.

    Args:
        lessons: The notebooks, in their order.
        source: Folder of the sources, with the frame of the page and the rubric.

    Raises:
        ValueError: If the frame names a part that does not exist.
    """
    rubric = source / RUBRIC
    parts = {
        "times": "\n".join(_times(lessons)),
        "votes": "\n".join(_votes(lessons)),
        "lessons": "\n\n".join(map(_lesson_text, lessons)),
        "rubric": rubric.read_text(encoding="utf-8") if rubric.exists() else "",
    }
    frame = (source / FRAME).read_text(encoding="utf-8")
    unknown = sorted(set(re.findall(r"\{\{(\w+)\}\}", frame)) - set(parts))
    if unknown:
        raise ValueError(
            f"{FRAME} has the places {unknown}. Use: {', '.join(sorted(parts))}."
        )
    for name, text in parts.items():
        frame = frame.replace(f"{{{{{name}}}}}", text)
    return f"{NOTE}\n\n{_without_links_to_glossary(frame).strip()}\n"


def _times(lessons: Iterable[Lesson]) -> Iterator[str]:
    """A table of the notebooks with the minutes of both routes."""
    yield "| notebook | full day | three hours |"
    yield "|---|---|---|"
    total = {"full": 0, "short": 0}
    for lesson in lessons:
        total["full"] += lesson.minutes
        in_short = lesson.number in SHORT_ROUTE
        total["short"] += lesson.minutes * in_short
        link = f"[{lesson.number} {lesson.title}]({lesson.stem}.ipynb)"
        time = f"{lesson.minutes} min"
        yield f"| {link} | {time} | {time if in_short else ''} |"
    yield f"| all | {total['full']} min | {total['short']} min |"
    full, short = (total[route] + _breaks(total[route]) for route in ("full", "short"))
    yield f"| all, with the breaks | {full} min | {short} min |"


def _breaks(minutes: int) -> int:
    """Minutes of the breaks: one after each hour, but none at the end."""
    return MINUTES_OF_BREAK * ((minutes - 1) // 60)


def _votes(lessons: Iterable[Lesson]) -> Iterator[str]:
    """The questions for a whole room, with what each answer tells about the voters."""
    for lesson in lessons:
        for one in lesson.exercises:
            if isinstance(one, Choice) and one.vote:
                yield f"### {lesson.number} · {one.title}\n"
                yield f"{one.text}\n"
                yield f"**{one.right_answer}** is right. {_inline(one.explanation)}\n"


def _lesson_text(lesson: Lesson) -> str:
    """Objectives, sections and common mistakes of one notebook."""
    lines = [f"### {lesson.number} {lesson.title}: {lesson.minutes} minutes", ""]
    lines += ["Afterwards, learners can", ""]
    lines += [f"- {objective}" for objective in lesson.objectives]
    lines += ["", "| section | minutes | exercises | when late |", "|---|---|---|---|"]
    for section in lesson.sections[1:]:
        if section.minutes >= 0.5:
            work = ", ".join(map(_work, section.exercises))
            minutes = max(round(section.minutes), 1)
            late = section.late or ("Leave it out." if section.is_optional else "")
            lines.append(f"| {section.title} | {minutes} | {work} | {late} |")
    lines += ["", "<details><summary>What people get wrong</summary>", ""]
    for one in lesson.exercises:
        lines += [f"**{one.title}**", "", *_mistakes(one), ""]
    return "\n".join([*lines, "</details>"])


def _work(one: AnyExercise) -> str:
    """An exercise in a few words: its title, and how it is done."""
    kind = "question" if isinstance(one, Choice | LineOrder) else "code"
    return f"{one.title} ({kind}, {one.minutes:g} min{', in pairs' * one.pairs})"


def _mistakes(one: AnyExercise) -> Iterator[str]:
    """Each common wrong answer, with the hint that learners read."""
    wrong: Mapping[str, str]
    if isinstance(one, Exercise):
        wrong = {f"*{name}*": mistake.hint for name, mistake in one.mistakes.items()}
    elif isinstance(one, Choice):
        wrong = {f"“{x.text}”": x.hint for x in one.options if x.hint}
    else:
        pairs = ((one.lines[x.first], one.lines[x.second], x.hint) for x in one.rules)
        wrong = {f"`{later}` before `{first}`": hint for first, later, hint in pairs}
    for answer, hint in wrong.items():
        yield f"- {_inline(answer)}: {_inline(hint)}"


def _inline(text: str) -> str:
    """A text as one line."""
    return " ".join(text.split())


def _without_links_to_glossary(text: str) -> str:
    """Keep the words of links to the glossary: a teacher knows them."""
    return re.sub(r"\[([^\]]+)\]\(glossary\.md[^)]*\)", r"\1", text)
