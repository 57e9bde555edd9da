"""The notebooks: their build, their rules, and the network that is turned off."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

TESTS = Path(__file__).resolve().parent
FOLDER = TESTS.parent / "notebooks"

sys.path.insert(0, str(FOLDER))

build = import_module("build")
lint = import_module("lint")

SOURCES = [pytest.param(path, id=path.stem) for path in build.list_sources()]


def read_notebook(source, *, solved):
    return nbformat.read(build.notebook_path(source, solved=solved), as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# The notebooks of the repository


def test_there_are_notebooks():
    assert SOURCES


def test_notebooks_are_built_from_their_sources():
    assert build.find_differences() == []


@pytest.mark.parametrize("source", SOURCES)
def test_solved_notebook_has_only_the_outputs_that_are_compared(source):
    cells = code_cells(read_notebook(source, solved=True))
    checked = [cell for cell in cells if build.is_checked(cell)]
    empty = [cell.id for cell in checked if not (cell.outputs and cell.execution_count)]
    assert len(checked) > 0
    assert empty == [], "run `make outputs`"
    assert not any(cell.outputs for cell in cells if not build.is_checked(cell))


@pytest.mark.parametrize("source", SOURCES)
def test_learners_notebook_has_no_outputs_and_no_solutions(source):
    notebook = read_notebook(source, solved=False)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert not any(x.outputs or x.execution_count for x in code_cells(notebook))
    assert not any(map(build.is_checked, notebook.cells))
    exercises = build.exercises_of(source).values()
    assert exercises
    for exercise in exercises:
        assert exercise.cell() in text
        solution = getattr(exercise, "solution_code", exercise.cell(solved=True))
        assert solution not in text


@pytest.mark.parametrize("source", SOURCES)
def test_only_the_solved_notebook_has_the_claims(source):
    learners, solved = (read_notebook(source, solved=x) for x in (False, True))
    claims = {cell.id for cell in solved.cells if is_claim(cell)}
    assert not any(map(is_claim, learners.cells))
    assert not claims & {cell.id for cell in learners.cells}


def is_claim(cell):
    return lint.CLAIM in cell.metadata.get("tags", [])


def test_each_module_of_exercises_has_a_notebook():
    modules = {path.stem for path in FOLDER.parent.glob("tutorial_lib/exercises/nb*")}
    used = {build.exercises_module(path) for path in build.list_sources()}
    assert modules
    assert modules - used == set()


# The build, on a small notebook

# The other exercises of its module; a notebook must have them all.
OTHERS = "".join(
    f'# %% exercise="{name}"\n\n'
    for name in build.exercises_of(build.list_sources(starts=["00"])[0])
    if name not in ("ground_size", "mean_reflectance")
)

SMALL = f"""# %% [markdown]
# # Small
#
# {lint.NEEDS}

# %%
from tutorial_lib.exercises import nb00_start as ex

# %% tags=["nbval-check-output"]
1 + 1

# %%
1 + 1

# %%
1 + 1

# %% exercise="ground_size"

# %% exercise="mean_reflectance"

{OTHERS}
# %% [markdown]
# ## Open task
#
# Read [one](https://a.org/1) and [two](https://a.org/2).

# %% [markdown]
# Shut down the kernel.
"""


def small_folder(tmp_path, text=SMALL):
    folder = tmp_path / "source"
    folder.mkdir(exist_ok=True)
    # The only name for which a few cells are enough.
    (folder / "00_start_here.py").write_text(text)
    return tmp_path


def small_source(tmp_path, text=SMALL):
    return small_folder(tmp_path, text) / "source" / "00_start_here.py"


def test_the_same_source_gives_the_same_bytes(tmp_path):
    paths = build.write_notebooks(small_folder(tmp_path))
    before = [path.read_bytes() for path in paths]
    assert build.write_notebooks(tmp_path) == paths
    assert [path.read_bytes() for path in paths] == before


def test_ids_are_unique_and_a_new_cell_does_not_change_them(tmp_path):
    before = build.build_notebook(small_source(tmp_path), solved=False)
    text = SMALL.replace("# %%\nfrom", "# %%\n2 + 2\n\n# %%\nfrom")
    after = build.build_notebook(small_source(tmp_path, text), solved=False)
    ids = [cell.id for cell in after.cells]
    assert len(set(ids)) == len(ids) == len(before.cells) + 1
    assert {cell.id for cell in before.cells} < set(ids)


def test_an_exercise_becomes_a_question_and_an_answer_cell(tmp_path):
    source = small_source(tmp_path)
    for solved in (False, True):
        cells = build.build_notebook(source, solved=solved).cells
        question, answer = cells[5:7]
        assert question.source.startswith("### Exercise: How large is the scene?\n")
        assert ("size_km = (..., ...)" in answer.source) is not solved
        assert answer.source.endswith("ex.ground_size.check(size_km, grid=grid)")
        assert build.is_checked(answer) is solved


SECTIONS = """\
# %% [markdown]
# What you see.
#
# ## One: `a` "b"
#
# Text.
#
# ## Two
#
# More text.

# %%
2 + 2

# %% [markdown]
# What you see.
#
# ## Three

"""


def test_learners_are_asked_after_each_section_with_code(tmp_path):
    text = SMALL.replace(
        "# %% [markdown]\n# ## Open", SECTIONS + "# %% [markdown]\n# ## Open"
    )
    text = text.replace(
        "# %%\n1 + 1\n\n# %% e", "# %% [markdown]\n# ## Zero\n\n# %% e", 1
    )
    source = small_source(tmp_path, text)
    learners, solved = (build.build_notebook(source, solved=x) for x in (False, True))
    strips = [x for x in learners.cells if "clear" in x.metadata.get("tags", [])]
    assert [strip.source for strip in strips] == [
        'tl.exercises.was_clear("00_start_here", "Zero")',
        'tl.exercises.was_clear("00_start_here", "Two")',
    ]
    places = [learners.cells.index(strip) for strip in strips]
    assert [learners.cells[n - 1].source for n in places] == ["What you see."] * 2
    starts = [learners.cells[n + 1].source.split("\n")[0] for n in places]
    assert starts == ['## One: `a` "b"', "## Three"]
    assert not any("was_clear" in cell.source for cell in solved.cells)


def test_outputs_are_kept_while_their_cell_stays_the_same(tmp_path):
    path = build.write_notebooks(small_folder(tmp_path))[1]
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].outputs = [new_output("stream", text="two")]
    notebook.cells[2].execution_count = 7
    nbformat.write(notebook, path)
    build.write_notebooks(tmp_path)
    kept = nbformat.read(path, as_version=4).cells[2]
    assert (kept.outputs[0].text, kept.execution_count) == ("two", 7)
    small_folder(tmp_path, SMALL.replace("1 + 1", "1 + 2"))
    build.write_notebooks(tmp_path)
    assert nbformat.read(path, as_version=4).cells[2].outputs == []


def test_execution_stores_only_the_outputs_that_are_compared(tmp_path):
    text = SMALL.replace('# %% exercise="mean_reflectance"\n', "").replace(OTHERS, "")
    text = text.replace('# %% exercise="ground_size"\n', "")
    text = text.replace("from tutorial_lib.exercises import nb00_start as ex", "2")
    build.write_notebooks(small_folder(tmp_path, text))
    (path,) = build.execute_solved(tmp_path)
    cells = code_cells(nbformat.read(path, as_version=4))
    assert [len(cell.outputs) for cell in cells] == [0, 1, 0, 0]
    assert [cell.execution_count for cell in cells] == [None, 2, None, None]
    assert build.find_differences(tmp_path) == []


def test_a_claim_is_only_in_the_solved_notebook(tmp_path):
    text = SMALL.replace("# %%\n1 + 1", '# %% tags=["claim"]\nassert 1 < 2', 1)
    source = small_source(tmp_path, text)
    learners, solved = (build.build_notebook(source, solved=x) for x in (False, True))
    (claim,) = filter(is_claim, solved.cells)
    assert claim.source == "assert 1 < 2"
    assert len(learners.cells) == len(solved.cells) - 1
    assert not any("assert" in cell.source for cell in learners.cells)


def test_links_to_the_glossary_lead_out_of_the_folder_of_the_solved(tmp_path):
    (tmp_path / "glossary.md").write_text("# Glossary\n\n### total stride\n\nA.\n")
    link = "# A [stride](glossary.md#total-stride) is\n"
    source = small_source(tmp_path, SMALL.replace("# ## Open", f"{link}#\n# ## Open"))
    for solved, start in ((False, "](glossary.md#"), (True, "](../glossary.md#")):
        notebook = build.build_notebook(source, solved=solved)
        found = [cell for cell in notebook.cells if "glossary" in cell.source]
        assert [start in cell.source for cell in found] == [True]
        terms = build.read_terms(tmp_path)
        assert lint.find_course_problems(notebook, source.name, terms) == []
        (problem,) = lint.find_course_problems(notebook, source.name, ["stride"])
        assert "the term 'total-stride', which glossary.md does not have" in problem


def test_a_folder_without_a_glossary_has_no_terms(tmp_path):
    assert build.read_terms(tmp_path) == []


@pytest.mark.parametrize("change", ["source", "tags", "id", "more", "fewer"])
def test_a_difference_from_the_source_is_found(tmp_path, change):
    path = build.write_notebooks(small_folder(tmp_path))[0]
    notebook = nbformat.read(path, as_version=4)
    cell = notebook.cells[2]
    if change == "source":
        cell.source += " "
    elif change == "tags":
        cell.metadata.tags = ["nbval-ignore-output"]
    elif change == "id":
        cell.id = "other"
    elif change == "more":
        notebook.cells.append(new_code_cell("1", id="more"))
    else:
        notebook.cells.pop()
    nbformat.write(notebook, path)
    (difference,) = build.find_differences(tmp_path)
    assert "00_start_here.ipynb differs from its source" in difference


def test_a_missing_notebook_and_one_without_source_are_found(tmp_path):
    learners, solved = build.write_notebooks(small_folder(tmp_path))
    learners.rename(tmp_path / "12_other.ipynb")
    without_source, missing = build.find_differences(tmp_path)
    assert "12_other.ipynb has no source" in without_source
    assert missing.startswith(str(learners))
    assert solved.exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mean_reflectance", "many", "exercise='many' must"),
        (
            '"mean_reflectance"\n',
            '"mean_reflectance"\n1\n',
            "exercise='mean_reflectance' must",
        ),
        ('# %% exercise="mean_reflectance"', "", r"\['mean_reflectance'\] are missing"),
        ("nbval-check-output", "nbval-check", "00_start_here.py, cell"),
    ],
)
def test_a_source_that_breaks_a_rule_is_refused(tmp_path, old, new, message):
    source = small_source(tmp_path, SMALL.replace(old, new))
    with pytest.raises(ValueError, match=message):
        build.build_notebook(source, solved=False)


# The rules


def a_notebook(*cells):
    title, end = new_markdown_cell("# Title"), new_markdown_cell("Shut down.")
    return new_notebook(cells=[title, *cells, end])


def problems(*cells, name="00_start_here.py"):
    return lint.find_problems(a_notebook(*cells), name, {"01_patches"}, set())


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\n_ = plot(x)",
        "\n".join(["x = 1"] * 20),
        "path = havel / 'a.tif'",
        "half = a / b\nurl = 'https://a.org/b'",
        "plan.write(path, progress=False)",
        "tl.predict_raster(\n    model, path,\n    progress=False,\n)",
        "def make_map():\n    return tl.predict_raster(...)",
    ],
)
def test_good_code_has_no_problems(source):
    assert problems(new_code_cell(source)) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 1\nplot(x);", "cell 2 ('x = 1'): a line ends with `;`"),
        ("%matplotlib inline", "a magic or a shell command"),
        ("  !pip install a", "a magic or a shell command"),
        ("open('/data/a.tif')", "an absolute path"),
        ('open("~/a.tif")', "an absolute path"),
        ("open('C:\\\\a.tif')", "an absolute path"),
        ("plan.write(path)", "a progress bar"),
        ("tl.predict_raster(\n    model, path\n)", "a progress bar"),
        ("\n".join(["x = 1"] * 21), "21 lines of code"),
        (" ", "the cell is empty"),
    ],
)
def test_a_problem_in_code_is_found(source, problem):
    (found,) = problems(new_code_cell(source))
    assert problem in found


def test_good_text_has_no_problems():
    text = "One / two, [next](01_patches.ipynb), <https://a.org>, ![x](a.png)"
    assert problems(new_markdown_cell(text)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("see [this](02_more.ipynb)", "a link to '02_more.ipynb'"),
        ("in `/opt/data`", "an absolute path"),
        ("![map](https://a.org/b.png)", "a picture from the internet"),
        ('<img alt="" src="http://a.org/b.png">', "a picture from the internet"),
        ("# Second title", "2 titles with one `#`"),
    ],
)
def test_a_problem_in_text_is_found(text, problem):
    (found,) = problems(new_markdown_cell(text))
    assert problem in found


def test_a_hash_in_a_code_block_is_not_a_title():
    assert problems(new_markdown_cell("```\n# a comment\n```")) == []


def test_an_unknown_tag_is_found():
    (found,) = problems(new_code_cell("1", metadata={"tags": ["nbval-check-outputs"]}))
    assert "unknown tag ['nbval-check-outputs']" in found


@pytest.mark.parametrize(("count", "fine"), [(22, False), (23, True), (44, False)])
def test_the_number_of_cells_is_limited(count, fine):
    cells = [new_code_cell(str(number)) for number in range(count)]
    found = problems(*cells, name="01_patches.py")
    assert found == [] if fine else f"{count + 2} cells" in found[0]


def test_a_missing_title_and_a_missing_end_are_found():
    notebook = new_notebook(cells=[new_code_cell("1"), new_markdown_cell("Bye.")])
    title, end = lint.find_problems(notebook, "00_start_here.py", set(), set())
    assert "0 titles" in title
    assert "shut down the kernel" in end


# The rules of the course


def course_problems(*cells, terms=()):
    parts = new_markdown_cell(
        f"{lint.NEEDS}\n\n{lint.OPEN_TASK}\n\n[a](https://a.org) [b](https://b.org)"
    )
    return lint.find_course_problems(a_notebook(parts, *cells), "01_a.py", terms)


def test_a_complete_notebook_has_no_problems():
    text = "See [the](glossary.md#patch). **What is it?** Guess, then run the cell."
    claim = new_code_cell("assert 1", metadata={"tags": [lint.CLAIM]})
    cells = [new_markdown_cell(text), claim, new_code_cell("x = 1  # we assert it")]
    assert course_problems(*cells, terms=["patch"]) == []


@pytest.mark.parametrize(
    "source", ["assert x == 1", "for a in b:\n    assert a", "x = 1\nassert(x)"]
)
def test_an_assert_in_a_learners_cell_is_found(source):
    (found,) = course_problems(new_code_cell(source))
    assert "01_a.py, cell 3" in found
    assert "an `assert`. Move it" in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a [patch](glossary.md#patches)", "the term 'patches', which glossary.md"),
        ("a [patch](../glossary.md#tile)", "the term 'tile', which glossary.md"),
        ("**Which is it?** " + "It is this. " * 7, "much text follows a bold question"),
        ("**Which?** " + "a " * 11 + "**Why?** " + "b " * 11, "much text follows"),
    ],
)
def test_a_problem_of_the_course_is_found_in_text(text, problem):
    (found,) = course_problems(new_markdown_cell(text), terms=["patch"])
    assert problem in found


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("about 45 minutes", "about 45 min", "no line that says what it needs"),
        ("1 minute of", "2 minutes of", "no line that says what it needs"),
        ("## Open task", "## A task", "no heading `## Open task`"),
        ("https://b.org", "01_patches.ipynb", "1 links for further reading"),
        ("https://b.org", "https://a.org", "1 links for further reading"),
    ],
)
def test_a_missing_part_of_the_course_is_found(old, new, problem):
    text = f"{lint.NEEDS}\n\n## Open task\n\n[a](https://a.org) [b](https://b.org)"
    notebook = a_notebook(new_markdown_cell(text.replace(old, new)))
    (found,) = lint.find_course_problems(notebook, "01_a.py", [])
    assert problem in found


@pytest.mark.parametrize("computing", ["seconds", "½ minute", "1 minute", "1½ minutes"])
def test_the_line_of_needs_may_be_broken_into_lines(computing):
    line = lint.NEEDS.replace("1 minute", computing).replace(" of ", " of\n")
    text = f"{line}\n\n## Open task\n\n[a](https://a.org) [b](https://b.org)"
    notebook = a_notebook(new_markdown_cell(text))
    assert lint.find_course_problems(notebook, "01_a.py", []) == []


def test_anchors_of_the_glossary_are_those_that_links_use():
    text = "# A\n\n## b\n\n### F-score\n\nx\n\n### top of atmosphere\n\n### no-data\n"
    assert lint.glossary_terms(text) == ["f-score", "top-of-atmosphere", "no-data"]


# The network is off in the tests of the notebooks


def offline(monkeypatch):
    monkeypatch.setenv("KIT_OFFLINE", "1")
    monkeypatch.setenv("PYTHONPATH", str(TESTS / "offline"))


OTHER_MACHINES = (
    "import socket\nsocket.socket().connect(('192.0.2.1', 80))",
    "import socket\nsocket.create_connection(('a.invalid', 80), timeout=1)",
    "import socket\nsocket.socket().connect_ex(('192.0.2.1', 80))",
    "import urllib.request as r\n"
    "r.build_opener(r.ProxyHandler({})).open('http://a.invalid', timeout=1)",
)


@pytest.mark.parametrize("code", OTHER_MACHINES)
def test_python_cannot_connect_to_another_machine(monkeypatch, code):
    offline(monkeypatch)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "The network is off in this test" in done.stderr


def test_gdal_cannot_connect_to_another_machine(monkeypatch):
    offline(monkeypatch)
    code = "import rasterio\nrasterio.open('/vsicurl/http://192.0.2.1/a.tif')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr


def test_python_can_connect_to_its_own_machine(monkeypatch):
    offline(monkeypatch)
    code = (
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(('localhost', server.getsockname()[1])).close()\n"
        "print('reached')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "reached"


def test_a_kernel_cannot_connect_to_another_machine(monkeypatch, tmp_path):
    offline(monkeypatch)
    catch = "try:\n    socket.socket().connect(('192.0.2.1', 80))\n"
    catch += "except OSError as err:\n    print(err)"
    notebook = new_notebook(cells=[new_code_cell(f"import socket\n{catch}")])
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, resources=resources, kernel_name="python3").execute()
    assert "The network is off" in notebook.cells[0].outputs[0].text
    assert "KIT_OFFLINE" in os.environ
