"""Times and memory that texts state are those that `make bench` measured."""

import doctest
import sys
from importlib import import_module

import pytest


@pytest.fixture(scope="module")
def bench(repository):
    sys.path.insert(0, str(repository / "benchmarks"))
    yield import_module("notebooks")
    sys.path.remove(str(repository / "benchmarks"))


def test_readme_and_notebooks_state_what_was_measured(bench):
    found = bench.differences(bench.read_measured())
    assert not found, "\n".join(["", *found])


def test_every_notebook_is_within_the_budget(bench, repository):
    measured = bench.read_measured()
    sources = (repository / "notebooks" / "source").glob("*.py")
    notebooks = {path.stem for path in sources}
    assert set(measured) == notebooks, "Run `make bench`."
    for name, one in measured.items():
        assert one["seconds"] <= bench.BUDGET_S, name
        assert one["gigabytes"] <= bench.BUDGET_GB, name


def test_the_examples_of_the_rounding_are_right(bench):
    assert doctest.testmod(bench).failed == 0


def test_the_message_says_what_to_write_where(bench, repository, monkeypatch, tmp_path):
    source = "# %% [markdown]\n# **Needs** about 20 minutes of your time, seconds of "
    source += "computing and 0.4 GB of memory; no\n# internet.\n"
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "03_one.py").write_text(source)
    (tmp_path / "README.md").write_text(
        "| [03 One](notebooks/03_one.ipynb) | what | 20 min | seconds | 0.4 GB |\n"
    )
    monkeypatch.setattr(bench, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(bench, "REPOSITORY", tmp_path)
    right = {"03_one": {"seconds": 12, "gigabytes": 0.42}}
    assert bench.differences(right) == []
    needs, row = bench.differences({"03_one": {"seconds": 50, "gigabytes": 0.42}})
    assert "notebooks/source/03_one.py" in needs
    assert "20 minutes of your time, 1 minute of computing and 0.4 GB" in needs
    assert "| 20 min | 1 min | 0.4 GB |" in row
    assert bench.differences({}) == ["03_one was not measured: run `make bench`."]
