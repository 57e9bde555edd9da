"""The rooms of the library: imports go down only, and never in a circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[1] / "tutorial_lib"

# From the ground up. A room may import what stands before it, and itself.
ROOMS = (
    *("notices", "grids", "rasters", "testing", "machine", "patches", "fields"),
    *("networks", "proof", "inference", "training", "distortion", "recorded"),
    *("viewers", "exercises", "compat", "commands", "__main__"),
)


def modules():
    """The code of each module of the library, by its dotted name."""
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY).with_suffix("").parts
        if parts != ("__init__",):
            yield ".".join(part for part in parts if part != "__init__"), path


def imported(path, known):
    """Modules of the library that a file imports, except inside `plot` methods."""

    def visit(node):
        if isinstance(node, ast.FunctionDef) and node.name == "plot":
            return
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}".removeprefix("tutorial_lib.")
                module = node.module.removeprefix("tutorial_lib").lstrip(".")
                yield name if name in known else module
        for child in ast.iter_child_nodes(node):
            yield from visit(child)

    return {name for name in visit(ast.parse(path.read_text())) if name in known}


@pytest.fixture(scope="module")
def imports():
    paths = dict(modules())
    assert len(paths) > 50
    return {name: imported(path, paths) - {name} for name, path in paths.items()}


def test_every_room_is_listed(imports):
    assert {name.split(".")[0] for name in imports} <= set(ROOMS)


def test_imports_go_down(imports):
    level = {room: number for number, room in enumerate(ROOMS)}
    upward = [
        f"{name} imports {other}"
        for name, others in imports.items()
        for other in sorted(others)
        if level[other.split(".")[0]] > level[name.split(".")[0]]
    ]
    assert not upward


def test_no_module_imports_itself_through_others(imports):
    # Raises CycleError with the modules of a circle.
    assert len(list(TopologicalSorter(imports).static_order())) == len(imports)
