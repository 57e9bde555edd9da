"""The rooms of the library: imports go down only, and never in a circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[1] / "tutorial_lib"

# From the ground up. A room may import what stands before it, and itself.
ROOMS = (
    *(
        "quiet_start",
        "kinds",
        "freed_memory",
        "notices",
        "display",
        "arguments",
        "placement",
        "grids",
        "rasters",
    ),
    *("testing", "machine"),
    *("patches", "fields", "networks", "proof", "inference", "training", "distortion"),
    *("recorded", "viewers", "exercises", "compat", "commands", "__main__"),
)


def imported(node):
    """Names that code imports from the library, except inside `plot` methods."""
    if isinstance(node, ast.FunctionDef) and node.name == "plot":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        assert not node.level, "The library imports by full names only."
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from imported(child)


@pytest.fixture(scope="module")
def imports():
    """The modules of the library that each of them imports, by dotted names."""
    found = {}
    for path in LIBRARY.rglob("*.py"):
        parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
        names = set(imported(ast.parse(path.read_text())))
        # `from a.b import c` imports the module a.b.c, or c from the module a.b.
        names |= {name.rpartition(".")[0] for name in names}
        found[".".join(parts).removesuffix(".__init__")] = names
    del found["tutorial_lib"]
    assert len(found) > 50
    return {one: names & found.keys() - {one} for one, names in found.items()}


def room(module):
    return module.split(".")[1]


def test_every_room_is_listed(imports):
    assert {room(module) for module in imports} <= set(ROOMS)


def test_imports_go_down(imports):
    upward = [
        f"{module} imports {other}"
        for module, others in imports.items()
        for other in sorted(others)
        if ROOMS.index(room(other)) > ROOMS.index(room(module))
    ]
    assert not upward


def test_no_module_imports_itself_through_others(imports):
    # Raises CycleError with the modules of a circle.
    assert len(list(TopologicalSorter(imports).static_order())) == len(imports)


def test_modules_are_short_enough_to_read_at_once():
    # Modules of exercises are long lists of questions, hints and wrong answers.
    lines = {
        str(path.relative_to(LIBRARY)): len(path.read_text().splitlines())
        for path in LIBRARY.rglob("*.py")
        if path.parent.name != "exercises"
    }
    assert len(lines) > 50
    assert {name: count for name, count in lines.items() if count > 350} == {}
