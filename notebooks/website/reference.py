"""The reference: the public names of the library, from their docstrings, by pdoc."""

import inspect
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import ModuleType

from pdoc.doc import Class, Doc, Function, Module, Variable

import tutorial_lib as tl
from tutorial_lib.display import escaped
from website.docstrings import docstring_html, first_sentence
from website.places import REFERENCE, code_link
from website.signatures import signature
from website.texts import Heading, Text, anchor_of, colored, render

# Title and modules of each page. The public names of `tutorial_lib` that a module
# defines are on its page; `tl.training` and its like are public as a whole.
ROOMS = {
    "rasters": ("Rasters", ("tutorial_lib.rasters", "tutorial_lib.grids")),
    "patches": ("Positions, patches, datasets", ("tutorial_lib.patches",)),
    "networks": (
        "Networks",
        ("tutorial_lib.networks", "tutorial_lib.networks.architectures"),
    ),
    "training": ("Scores and curves of trainings", ("tutorial_lib.training",)),
    "fields": ("What an output depends on", ("tutorial_lib.fields",)),
    "proof": ("Proof that tiles are exact", ("tutorial_lib.proof",)),
    "inference": ("Maps of scenes", ("tutorial_lib.inference",)),
    "distortion": ("Distortion and seams", ("tutorial_lib.distortion",)),
    "viewers": ("Figures, maps and widgets", ("tutorial_lib.viewers",)),
    "testing": ("Tiny scenes and networks", ("tutorial_lib.testing",)),
    "data_fetch": ("The sample scenes", ("data_fetch",)),
}
# Modules whose own names are public too, with what users write before the name.
_PUBLIC = {
    "tutorial_lib.rasters": "rasters",
    "tutorial_lib.networks.architectures": "tl.architectures",
    "tutorial_lib.training": "tl.training",
    "tutorial_lib.testing": "tl.testing",
    "data_fetch": "data_fetch",
}
# Of the rasters' module, users need what reads and writes arrays; the rest is for files
# of unusual kinds, and for the library itself.
_FOR_USERS = {
    "tutorial_lib.rasters": ("read_array", "read_legend", "read_nodata", "write_array")
}
_ATTRIBUTES = re.compile(r"^Attributes:\n(?:[ \t]+.*\n?|\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A public name.

    Attributes:
        name: As users write it, such as "tl.rmse".
        doc: What pdoc knows of it.
        room: Key of its page in `ROOMS`.
        is_result: Whether users do not make it, but get it from a function.
    """

    name: str
    doc: Doc
    room: str
    is_result: bool = False

    @property
    def anchor(self) -> str:
        """Its anchor on the page of its room."""
        return self.name.rpartition(".")[2]


def page_names() -> list[str]:
    """Names of the pages of the reference; nothing is imported for them."""
    return [REFERENCE, *(f"reference/{room}.html" for room in ROOMS)]


def public_names() -> list[Entry]:
    """Everything that is public, and the classes of what it returns."""
    entries = [*_exported(), *_of_public_modules()]
    # What can be reached in two ways has the shorter name.
    entries = list({one.doc.taken_from: one for one in reversed(entries)}.values())
    entries += _results(entries)
    return sorted(entries, key=_rank)


def _rank(entry: Entry) -> tuple[bool, bool, str]:
    """Its place: names of `tl`, names of modules, then what functions return."""
    of_module = entry.name.removeprefix("tl.").count(".") > 0
    return entry.is_result, of_module, entry.anchor.lower()


def reference_pages(entries: Sequence[Entry]) -> dict[str, Text]:
    """The pages of the reference, by their names."""
    addresses = addresses_of(entries)
    pages = {REFERENCE: _overview(entries)}
    for room in ROOMS:
        own = [entry for entry in entries if entry.room == room]
        pages[f"reference/{room}.html"] = _room_page(room, own, addresses)
    return pages


def addresses_of(entries: Sequence[Entry]) -> dict[str, str]:
    """Page and anchor of each entry, by the names that texts give it."""
    found = {}
    for entry in entries:
        place = f"reference/{entry.room}.html#{entry.anchor}"
        found |= dict.fromkeys((entry.anchor, entry.name), place)
    return found


def _exported() -> Iterator[Entry]:
    """The names of `tutorial_lib`, which load on first use."""
    modules = {one: room for room, (_, names) in ROOMS.items() for one in names}
    for name in tl.__all__:
        value = getattr(tl, name)
        home = getattr(value, "__module__", None)
        if home is None:  # a module: `_of_public_modules` has its names
            continue
        room = modules[".".join(home.split(".")[:2])]
        yield Entry(f"tl.{name}", _documented(name, value), room)


def _documented(name: str, value: object) -> Doc:
    taken_from = value.__module__, value.__qualname__
    kind = Class if isinstance(value, type) else Function
    return kind(value.__module__, name, value, taken_from)


def _of_public_modules() -> Iterator[Entry]:
    rooms = {one: room for room, (_, names) in ROOMS.items() for one in names}
    for module, prefix in _PUBLIC.items():
        for name, value in _public_values(import_module(module)):
            yield Entry(f"{prefix}.{name}", _documented(name, value), rooms[module])


def _public_values(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Names and values of the functions and classes of a module that are public."""
    # pdoc finds what a module has, but not what it loads on first use.
    chosen = _FOR_USERS.get(module.__name__, getattr(module, "__all__", None))
    names = chosen or [
        name for name in Module(module).members if not name.startswith("_")
    ]
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            yield name, value


def _results(entries: Sequence[Entry]) -> list[Entry]:
    """Classes of the library whose objects public functions and methods return."""
    known = {entry.doc.taken_from for entry in entries}
    waiting, found = list(entries), []
    while waiting:
        for value in _returned(waiting.pop().doc):
            place = value.__module__, value.__qualname__
            if place in known or value.__name__.startswith("_"):
                continue
            known.add(place)
            room = value.__module__.split(".")[1]
            entry = Entry(
                value.__name__, _documented(value.__name__, value), room, True
            )
            found.append(entry)
            waiting.append(entry)
    return [entry for entry in found if entry.room in ROOMS]


def _returned(doc: Doc) -> Iterator[type]:
    """Classes of the library that a function, or a method of a class, returns."""
    for function in [doc, *(_members(doc) if isinstance(doc, Class) else ())]:
        if not isinstance(function, Function):
            continue
        with warnings.catch_warnings():
            # pdoc does not know names that a module imports for types only.
            warnings.simplefilter("ignore", UserWarning)
            text = str(function.signature.return_annotation)
        if "Callable" in text:
            continue
        for module, name in re.findall(r"\b(tutorial_lib(?:\.\w+)+)\.([A-Z]\w*)", text):
            value = getattr(import_module(module), name)
            if isinstance(value, type):
                yield value


def _members(cls: Class) -> list[Doc]:
    """Methods and properties with a docstring that the library itself defines."""
    return [
        member
        for name, member in cls.members.items()
        if not name.startswith("_")
        and member.docstring
        and member.taken_from[0].startswith("tutorial_lib")
    ]


def _overview(entries: Sequence[Entry]) -> Text:
    parts = [
        "# Reference",
        "The public functions and classes, by what they are about. `tl` stands for "
        "`tutorial_lib`: `import tutorial_lib as tl`. In a notebook, `tl.rmse?` shows "
        "the same text.",
    ]
    for room, (title, _) in ROOMS.items():
        own = [entry for entry in entries if entry.room == room]
        rows = [
            f"| [`{entry.name}`]({room}.html#{entry.anchor}) | {_cell(entry)} |"
            for entry in own
            if not entry.is_result
        ]
        table = "\n".join(["| Name | What it is |", "|---|---|", *rows])
        parts += [f"## [{title}]({room}.html)", table]
    return render("\n\n".join(parts), str)


def _cell(entry: Entry) -> str:
    return first_sentence(entry.doc.docstring).replace("|", r"\|")


def _room_page(
    room: str, entries: Sequence[Entry], addresses: Mapping[str, str]
) -> Text:
    title, modules = ROOMS[room]
    page = f"reference/{room}.html"
    linked = partial(code_link, page=page, addresses=addresses)
    headings = [Heading(1, anchor_of(title), title)]
    intro = import_module(modules[0]).__doc__ or ""
    parts = [
        f'<h1 id="{headings[0].anchor}">{escaped(title)}</h1>',
        docstring_html(intro, str, linked),
    ]
    for entry in entries:
        headings.append(Heading(2, entry.anchor, entry.name))
        parts += _entry_html(entry, linked)
    return Text("\n".join(parts), tuple(headings))


def _entry_html(entry: Entry, linked: partial) -> Iterator[str]:
    doc = entry.doc
    kind = "class" if isinstance(doc, Class) else "function"
    note = ", which functions return" if entry.is_result else ""
    yield f'<h2 id="{entry.anchor}"><code>{escaped(entry.name)}</code></h2>'
    yield f'<p class="doc-kind">{kind}{note}</p>'
    if not entry.is_result:
        yield _signature_html(signature(doc))
    yield docstring_html(doc.docstring + _inherited(doc), str, linked)
    for member in _members(doc) if isinstance(doc, Class) else ():
        yield from _member_html(entry, member, linked)


def _inherited(doc: Doc) -> str:
    """The attributes that a class has from others of the library, as in a docstring."""
    if not isinstance(doc, Class):
        return ""
    bases = [
        inspect.getdoc(one) or ""
        for one in inspect.getmro(doc.obj)[1:]
        if one.__module__.startswith("tutorial_lib")
    ]
    found = (_ATTRIBUTES.search(text) for text in bases)
    return "".join(f"\n\n{one[0]}" for one in found if one)


def _member_html(entry: Entry, member: Doc, linked: partial) -> Iterator[str]:
    anchor = f"{entry.anchor}.{member.name}"
    yield '<div class="doc-member">'
    yield f'<h3 id="{anchor}"><code>{escaped(anchor)}</code></h3>'
    if isinstance(member, Function):
        yield _signature_html(signature(member))
    elif isinstance(member, Variable):
        yield '<p class="doc-kind">attribute</p>'
    yield docstring_html(member.docstring, str, linked)
    yield "</div>"


def _signature_html(text: str) -> str:
    # Without `def` and a colon the colours are the same.
    code = colored(text, "python")
    return f'<pre class="doc-call" tabindex="0"><code>{code}</code></pre>'
