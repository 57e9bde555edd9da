"""Runs scripts that import pyotb, otbtf and mymetrics, without a change of theirs.

Python asks the *finders* of `sys.meta_path`, one after the other, for each module that
is imported. Two more finders give scripts the modules of the kit.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

HERE = "tutorial_lib.compat"
# Modules of the tutorial that are not part of OTBTF: a script may bring its own.
BESIDE_SCRIPTS = ("mymetrics",)
MODULES = ("pyotb", "otbtf")

# What scripts import beside pyotb and otbtf, and what to do without it.
ABSENT = {
    "otbApplication": "OTB's own module otbApplication is not in the kit. Write its "
    "applications as pyotb has them: `pyotb.BandMathX(il=[…], exp=…)`.",
    "osgeo": "GDAL's own module osgeo is not installed. Read rasters with rasterio, or "
    "with `otbtf.read_as_np_arr(otbtf.gdal_open(path), as_patches=False)`.",
}

DESCRIPTION = """\
Run a script that was written for OTBTF. What it imports from pyotb and otbtf comes
from the kit, and so does `from mymetrics import FScore` where no mymetrics.py lies
beside the script. OTBTF need not be installed. Programs that the script starts, such
as another `python`, do not get the modules of the kit."""

EXAMPLE = """\
example:
  python -m tutorial_lib.compat train.py --model fcnn.keras --log_dir logs"""

__all__ = ["main", "run_script"]


def main(words: Sequence[str] | None = None) -> int:
    """Run the script that the command line names.

    Args:
        words: The script and its arguments; None for those of this process.

    Returns:
        Exit code: 0, 1 if the script ends with an error, 2 if it cannot be read.

    Example:
        >>> main(["no_such_script.py"])
        2
    """
    parser = argparse.ArgumentParser(
        prog="python -m tutorial_lib.compat",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("script", help="the script, a Python file")
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="what the script is given"
    )
    words = sys.argv[1:] if words is None else words
    if not words:
        parser.error("give the path of a script, a Python file")
    given = parser.parse_args(words)
    try:
        source = Path(given.script).read_bytes()
    except OSError as err:
        print(
            f"The script '{given.script}' cannot be read: {err.strerror}. Give the "
            "path of a Python file.",
            file=sys.stderr,
        )
        return 2
    return run_script(given.script, source, given.arguments)


def run_script(script: str, source: bytes, words: Sequence[str]) -> int:
    """Run a script as `python script.py …` does, with the modules of the kit.

    This process belongs to the script afterwards: its arguments, its places of modules
    and its main module are those of the script.

    Args:
        script: Path of the script.
        source: What is in it.
        words: Its arguments.

    Returns:
        Exit code: 0, or 1 if it ends with an error.
    """
    sys.argv = [script, *words]
    if not sys.flags.safe_path:
        # Python put the working directory there, because of `-m`.
        del sys.path[0]
    sys.path.insert(0, str(Path(script).resolve().parent))
    sys.meta_path.insert(0, _KitFinder(MODULES))
    sys.meta_path.append(_KitFinder(BESIDE_SCRIPTS))
    module = ModuleType("__main__")
    module.__file__ = script
    sys.modules["__main__"] = module
    try:
        exec(compile(source, script, "exec", dont_inherit=True), vars(module))
    except Exception as err:
        # The first frame is this function. A syntax error has no other one.
        frames = err.__traceback__ and err.__traceback__.tb_next
        sys.excepthook(type(err), err.with_traceback(frames), frames)
        if isinstance(err, ImportError) and (advice := _advice(err)):
            print(advice, file=sys.stderr)
        return 1
    return 0


def _advice(err: ImportError) -> str | None:
    """What to do without a name that a script cannot import; None if unknown."""
    name = (err.name or "").removeprefix(f"{HERE}.")
    top = name.partition(".")[0]
    if top not in MODULES:
        return ABSENT.get(top)
    # The module is there, but not a name in it.
    if not isinstance(err, ModuleNotFoundError):
        names = ", ".join(import_module(f"{HERE}.{name}").__all__)
        return f"The kit's {name} has no such name. There are: {names}."
    inside = (
        "Import from pyotb itself, such as `from pyotb import App`"
        if top == "pyotb"
        else "It has: dataset, layers, model, ops, tfrecords and utils. Copy what you "
        "need of other modules into a file beside the script"
    )
    return f"The kit's {top} has no module '{name}'. {inside}."


class _KitFinder(MetaPathFinder):
    """Finds modules of the kit under the names that scripts import them by."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._said: set[str] = set()

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """Where Python finds a module; None for those that are not of the kit."""
        top = name.partition(".")[0]
        if top not in self._names or find_spec(f"{HERE}.{name}") is None:
            return None
        self._say_if_hidden(top)
        return spec_from_loader(name, _KitLoader())

    def _say_if_hidden(self, top: str) -> None:
        """Say it, once, if a module of the same name is installed."""
        hidden = None if top in self._said else PathFinder.find_spec(top)
        self._said.add(top)
        if hidden is not None:
            print(
                f"The script uses the kit's {top}, and not the one in "
                f"'{hidden.origin or next(iter(hidden.submodule_search_locations))}'.",
                file=sys.stderr,
            )


class _KitLoader(Loader):
    """Gives the module of the kit itself: a second copy would have other classes."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(f"{HERE}.{spec.name}")
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # It ran already. Python gave it the spec of the other name.
        module.__spec__ = self._own_spec
