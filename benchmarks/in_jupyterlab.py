"""Measure the memory of JupyterLab with each notebook in it: `make bench`.

    python benchmarks/in_jupyterlab.py [notebook …]

A browser opens the notebook and runs all its cells. Ten times a second, the memory of
the server, the kernel and all that they start is added up, shared memory once. Binder's
limit of 2 GB counts in the same way. The browser runs on the learner's machine and does
not count. The peaks are kept in in_jupyterlab.json.
"""

import argparse
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from playwright.sync_api import sync_playwright

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

from browser.conftest import FLAGS, MISSING, NAMES  # noqa: E402
from browser.lab import jupyterlab, open_notebook, run_cells  # noqa: E402

MEASURED = Path(__file__).with_name("in_jupyterlab.json")
# What Binder gives to one user.
BUDGET_GB = 2.0
PAUSE_S = 0.1


class Memory:
    """The largest memory so far, in GB, of a process and all below it; Linux only."""

    def __init__(self, process: psutil.Process) -> None:
        self.process, self.peak = process, 0.0
        self.alone = 0.0

    def look(self) -> None:
        """Add up what the processes have now."""
        total, below = 0, []
        with suppress(psutil.NoSuchProcess):
            below = self.process.children(recursive=True)
        for one in (self.process, *below):
            # A process that ends meanwhile has no memory.
            with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                shares = one.memory_full_info().pss
                total += shares
                if one == self.process:
                    self.alone = max(self.alone, shares / 1e9)
        self.peak = max(self.peak, total / 1e9)


@contextmanager
def watched(memory: Memory) -> Iterator[None]:
    """Look at the memory again and again while the block runs."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(PAUSE_S):
            memory.look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def measure(name: str, folder: Path) -> Memory:
    """Run a notebook in JupyterLab.

    Args:
        name: Name of the notebook, such as "05_mapping_a_scene".
        folder: Empty folder for a copy of the notebook and its results.

    Returns:
        The memory that was seen.
    """
    (folder / "data").mkdir()
    (folder / "private").mkdir()
    for scene in ("havel", "town"):
        (folder / "data" / scene).symlink_to(REPOSITORY / "data" / scene)
    shutil.copy2(REPOSITORY / "notebooks" / f"{name}.ipynb", folder)
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        raise OSError(f"{MISSING}.")
    with (
        jupyterlab(folder, folder / "private") as address,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=browser, args=FLAGS) as chromium,
    ):
        children = psutil.Process(os.getpid()).children()
        (server,) = (one for one in children if "jupyterlab" in one.cmdline())
        memory, page = Memory(server), chromium.new_page()
        with watched(memory):
            open_notebook(page, address, f"{name}.ipynb")
            errors = run_cells(page)
    if errors:
        raise RuntimeError(f"'{name}' failed: {errors[0]}")
    return memory


def main() -> int:
    """Measure, print and keep; return 1 if something is over the budget."""
    parser = argparse.ArgumentParser(
        description="Memory of JupyterLab with a notebook."
    )
    parser.add_argument("notebooks", nargs="*", help="names (default: all notebooks)")
    every = sorted(
        path.stem for path in (REPOSITORY / "notebooks").glob("[0-9]*.ipynb")
    )
    kept = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    kept = {name: one for name, one in kept.items() if name in every}
    print(f"{'notebook':<28}{'peak GB':>9}{'server':>9}")
    for name in parser.parse_args().notebooks or every:
        with TemporaryDirectory() as folder:
            memory = measure(name, Path(folder))
        print(f"{name:<28}{memory.peak:>9.2f}{memory.alone:>9.2f}", flush=True)
        kept[name] = {
            "gigabytes": round(memory.peak, 2),
            "server": round(memory.alone, 2),
        }
        text = json.dumps(dict(sorted(kept.items())), indent=2)
        MEASURED.write_text(text + "\n", encoding="utf-8")
    over = sum(one["gigabytes"] > BUDGET_GB for one in kept.values())
    print(f"Budget: {BUDGET_GB} GB. Notebooks over it: {over}.")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
