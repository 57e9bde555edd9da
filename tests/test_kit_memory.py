"""Every notebook fits into Binder's memory, with the JupyterLab that runs it."""

import json
import sys
import time

import psutil
import pytest


@pytest.fixture(scope="module")
def bench(repository):
    sys.path.insert(0, str(repository / "benchmarks"))
    import in_jupyterlab

    yield in_jupyterlab
    sys.path.remove(str(repository / "benchmarks"))


def test_every_notebook_fits_beside_the_server(bench, repository):
    measured = json.loads(bench.MEASURED.read_text())
    notebooks = {x.stem for x in (repository / "notebooks").glob("[0-9]*.ipynb")}
    assert set(measured) == notebooks, "Run `make bench`."
    alone = json.loads((repository / "benchmarks" / "notebooks.json").read_text())
    for name, one in measured.items():
        assert 0 < one["server"] < one["gigabytes"] < bench.BUDGET_GB, name
        # The same from the two measurements: the server, and the notebook alone.
        if name in alone:
            assert alone[name]["gigabytes"] + one["server"] < bench.BUDGET_GB, name


@pytest.mark.skipif(sys.platform != "linux", reason="It reads /proc, as Linux has it.")
def test_memory_of_children_is_added_and_a_peak_is_kept(bench):
    hold = "import time; block = bytearray(60_000_000); time.sleep(60)"
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{hold}'])"
    with psutil.Popen([sys.executable, "-c", inner]) as process:
        memory, end = bench.Memory(process), time.monotonic() + 30
        while memory.peak < 0.06 and time.monotonic() < end:
            memory.look()
            time.sleep(0.05)
        for child in process.children(recursive=True):
            child.kill()
    assert memory.peak > 0.06 > memory.alone > 0.001
    before = memory.peak
    memory.look()
    assert memory.peak == before
