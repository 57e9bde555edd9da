"""The site of `make html`: its pages, their links, the reference, and the search."""

import ast
import dataclasses
import doctest
import inspect
import json
import re
from collections import Counter
from html.parser import HTMLParser
from importlib import import_module
from pathlib import PurePosixPath

import nbformat
import pytest
from sites import NOTEBOOKS, export, write_texts

import tutorial_lib as tl

MODULES = ("course", "docstrings", "links", "places", "search", "signatures", "texts")
building, course, docstrings, links, pages, places, search, signatures, texts = (
    import_module(f"website.{name}")
    for name in ("building", *MODULES[:3], "pages", *MODULES[3:])
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder of the site, made once."""
    return write_texts(tmp_path_factory.mktemp("site"))


def rendered(markdown, link=str):
    return texts.render(markdown, link)


# Texts


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_the_site_run(name):
    module = import_module(f"website.{name}")
    assert doctest.testmod(module).failed == 0


def test_headings_have_the_anchors_that_links_on_github_use():
    given = rendered("# One `two`: three!\n\n## Same\n\n## Same\n\n### *a* [b](c)")
    assert [(x.level, x.anchor, x.title) for x in given.headings] == [
        (1, "one-two-three", "One two: three!"),
        (2, "same", "Same"),
        (2, "same-1", "Same"),
        (3, "a-b", "a b"),
    ]
    for heading in given.headings:
        assert f'id="{heading.anchor}"' in given.html


@pytest.mark.parametrize("where", ["{}", "# {}", "- {}", "[{}](x.md)", "`{}`"])
def test_markup_in_a_text_is_shown_and_not_obeyed(where):
    given = rendered(where.format("<img src=x onerror=y>"))
    assert "<img" not in given.html
    assert "&lt;img src=x onerror=y&gt;" in given.html


def test_a_comment_is_left_out():
    assert rendered("a\n\n<!-- run: otbtf -->\n\nb").html == "<p>a</p>\n<p>b</p>\n"


def test_a_link_to_a_file_without_a_page_keeps_its_words():
    given = rendered("See [the *list*](x.yml).", link=lambda address: None)
    assert given.html == "<p>See the <em>list</em>.</p>\n"


def test_code_in_a_link_is_no_link_of_its_own():
    given = texts.render("[`tl.rmse`](a.md)", str, lambda code: "other.html")
    assert given.html == '<p><a href="a.md"><code>tl.rmse</code></a></p>\n'


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("glossary.md#patch", "../glossary.html#patch"),
        ("01_patches.ipynb", None),
        ("../notebooks/glossary.md", "../glossary.html"),
        ("../docs/dask.md", "dask.html"),
        ("../docs/bench_tiles.png", "bench_tiles.png"),
        ("../environment.yml", None),
        ("https://example.org/a.md", "https://example.org/a.md"),
        ("#here", "#here"),
    ],
)
def test_links_between_files_become_links_between_pages(address, expected):
    source = PurePosixPath("notebooks/x.md")
    known = {"glossary.html", "docs/dask.html"}
    assert places.link_of(address, source, "docs/x.html", known) == expected


def test_texts_that_would_become_the_same_page_are_told_apart():
    files = {"notebooks/TEACHING.md", "docs/teaching.md", "README.md", "docs/readme.md"}
    names = [places.page_name(PurePosixPath(one)).lower() for one in files]
    assert max(Counter(names).values()) == 1


# The frame of a page


def test_the_navigation_links_to_pages_that_exist_and_tells_the_present_one():
    known = {"index.html", "glossary.html", "search.html"}
    given = pages.header("docs/a.html", known)
    assert re.findall('href="([^"#]+)"', given) == ["../index.html", "../glossary.html"]
    assert 'action="../search.html"' in given
    assert "aria-current" not in given
    current = pages.header("glossary.html", known)
    assert '<a href="glossary.html" aria-current="page">' in current
    assert "<form" not in pages.header("a.html", {"index.html"})


def test_steps_lead_to_the_neighbours():
    order = {f"{name}.html": name.upper() for name in "abc"}
    for page, expected in {"a": "b", "b": "ac", "c": "b"}.items():
        given = pages.steps(f"{page}.html", order, "top")
        assert re.findall(r'href="(\w)\.html"', given) == list(expected)
    assert pages.steps("a.html", {"a.html": "A"}, "top") == ""


# Links that lead nowhere


@pytest.mark.parametrize(
    ("markup", "broken"),
    [
        ('<a href="gone.html">', True),
        ('<a href="b/other.html#gone">', True),
        ('<a href="#gone">', True),
        ('<img src="gone.png">', True),
        ('<form action="gone.html">', True),
        ('<a href="b">', True),
        ('<a href="b/other.html#here%20too">', False),
        ('<a href="#own">', False),
        ('<a href="https://example.org/gone.html">', False),
        ('<img src="data:image/png;base64,AA">', False),
    ],
)
def test_broken_links_are_found(tmp_path, markup, broken):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "other.html").write_text(
        '<h2 id="here too"></h2><a href="../a.html#own"></a>'
    )
    (tmp_path / "a.html").write_text(f'<h1 id="own"></h1>{markup}')
    found = links.broken_links(tmp_path, ["a.html", "b/other.html"])
    assert bool(found) == broken
    assert all(one.startswith("a.html: ") for one in found)


# The search


PAGE = """<script>no</script><nav>no</nav><main><h1 id="a">The <em>title</em>
<a class="anchor-link" href="#a">¶</a></h1><p>one<b>two</b> &amp; three</p>
<div class="jp-InputPrompt jp-InputArea-prompt">In [3]:</div><pre>code()</pre>
<script>no</script><nav>no</nav><h2 id="b">Next</h2>
<ul><li>x</li><li>y</li></ul></main><p>no</p>"""


def test_sections_hold_the_words_that_a_reader_sees():
    assert search.sections_of(PAGE) == [
        ("a", "The title", "onetwo & three code()"),
        ("b", "Next", "x y"),
    ]


def test_the_index_is_a_script_whatever_the_texts_say():
    html = '<main><h1 id="a">"quoted" \\ &lt;/script&gt;\u2028</h1>é</main>'
    script = search.index_script({"docs/a.html": html})
    first, second = script.splitlines()
    (page,) = json.loads(first.partition("=")[2].rstrip(";"))
    (section,) = json.loads(second.partition("=")[2].rstrip(";"))
    assert page == ["docs/a.html", '"quoted" \\ </script>', "Text"]
    assert section == [0, "a", '"quoted" \\ </script>', "é"]


# Signatures and docstrings


def example(a: int, /, b: "str | None" = None, *rest: float, c, d: bool = True, **kw):
    """An example."""


def searching(path: str, *, count: int = 3, **unknown: int) -> dict[str, int]:
    """An example."""


@dataclasses.dataclass
class Pair:
    """A pair."""

    left: int
    right: PurePosixPath | None = None


class Made:
    """Made from numbers."""

    def __init__(self, count: int, *, name: str = "x") -> None:
        """Make it."""


def signature_of(value):
    kind = "Class" if inspect.isclass(value) else "Function"
    place = value.__module__, value.__qualname__
    doc = getattr(import_module("pdoc.doc"), kind)(*place, value, place)
    return signatures.signature(doc)


def test_a_signature_says_how_to_call():
    assert signature_of(example) == (
        "example(a: int, b: 'str | None' = None, *rest: float, c, d: bool = True, **kw)"
    )
    short = "searching(path: str, *, count: int = 3) -> dict[str, int]"
    assert signature_of(searching) == short
    assert signature_of(Made) == "Made(count: int, *, name: str = 'x')"


def test_a_signature_of_a_dataclass_has_its_fields():
    given = signature_of(Pair)
    assert given.startswith("Pair(left: int, right: PurePosixPath | None = None")


DOCSTRING = """Do a thing.

More on `tl.rmse`.

Args:
    first: What comes
        first.
    second: The other.

Returns:
    A number of (height, width).

Example:
    >>> do(1) < 2
    True

    >>> do(2)
    3
"""


def test_a_docstring_in_googles_style_becomes_lists_and_code():
    given = docstrings.docstring_html(DOCSTRING, str, {"tl.rmse": "d.html"}.get)
    assert '<p>More on <a href="d.html"><code>tl.rmse</code></a>.</p>' in given
    assert '<p class="doc-part">Arguments</p>' in given
    assert re.search(r"<li><strong>first:</strong>\s+What comes\s+first.</li>", given)
    assert re.search(r'Returns</p>\s*<div class="doc-text">\s*<p>A number of', given)
    assert "<h6" not in given
    (code,) = re.findall("<code>(<span.+?)</code>", given, re.DOTALL)
    plain = re.sub("<[^>]+>", "", code)
    assert plain == "&gt;&gt;&gt; do(1) &lt; 2\nTrue\n\n&gt;&gt;&gt; do(2)\n3"


# The whole site


class Outline(HTMLParser):
    """Levels of the headings, landmarks, and the language of a page."""

    def __init__(self, html):
        super().__init__()
        self.levels, self.landmarks, self.language = [], Counter(), None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag in ("main", "header", "nav", "form"):
            self.landmarks[tag] += 1
        if tag == "html":
            self.language = dict(attrs).get("lang")


def names_of(site):
    return {path.relative_to(site).as_posix() for path in site.rglob("*.html")}


@pytest.mark.thorough
def test_the_folder_holds_all_pages_and_every_link_leads_somewhere(site):
    assert names_of(site) == set(building.all_pages())
    sources = {path.stem for path in (NOTEBOOKS / "source").glob("[0-9]*.py")}
    assert {f"{name}.html" for name in sources} <= names_of(site)
    docs = {
        f"docs/{path.stem}.html" for path in (NOTEBOOKS.parent / "docs").glob("*.md")
    }
    assert docs <= names_of(site)
    assert links.broken_links(site, names_of(site)) == []


@pytest.mark.thorough
def test_pages_load_nothing_from_elsewhere_and_link_to_no_source(site):
    for name in names_of(site):
        text = (site / name).read_text()
        assert export.remote_addresses(text) == [], name
        hrefs = re.findall(r'href="([^"]*)"', text)
        local = [x for x in hrefs if not x.startswith("http")]
        assert [x for x in local if re.search(r"\.(md|ipynb|py)\b", x)] == [], name
    assert {x.suffix for x in site.rglob("*.*")} == {".html", ".js", ".png"}


@pytest.mark.thorough
def test_each_page_has_one_title_headings_in_order_and_landmarks(site):
    for name in names_of(site):
        outline = Outline((site / name).read_text())
        assert outline.language == "en", name
        assert outline.landmarks["main"] == outline.landmarks["header"] == 1, name
        assert outline.landmarks["form"] == 1, name
        assert outline.levels.count(1) == 1, name
        steps = zip(outline.levels, outline.levels[1:], strict=False)
        assert all(after - before <= 1 for before, after in steps), name


def words(html):
    return " ".join(re.sub("<[^>]+>", " ", html).split())


@pytest.mark.thorough
def test_the_start_page_says_of_each_notebook_what_the_notebook_says(site):
    text = (site / "index.html").read_text()
    rows = re.findall(r"<tr>\s*<td>(.+?)</tr>", text, re.DOTALL)
    shown = [words(row).replace("\N{NO-BREAK SPACE}", " ") for row in rows]
    paths = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    assert len(shown) == len(paths)
    readme = (NOTEBOOKS.parent / "README.md").read_text()
    minutes = {}
    for path, row in zip(paths, shown, strict=True):
        first = nbformat.read(path, 4).cells[0].source
        title = re.match("# (.+)", first)[1]
        needs = " ".join(first.partition("**Needs**")[2].split())
        number = path.stem.partition("_")[0]
        minutes[number] = int(re.search(r"about (\d+) minutes", needs)[1])
        memory = re.search(r"([\d.]+ GB) of memory", needs)[1]
        promise = re.search(rf"{path.name}\) \| (.+?) \|", readme)[1]
        assert row.startswith(f"{number} {title} {promise} {minutes[number]} min ")
        assert row.endswith(f" {memory}")
    routes = words(text.partition("Two routes")[2])
    short = sum(minutes[number] for number in course.SHORT_ROUTE)
    for total in (short, sum(minutes.values())):
        hours, rest = divmod(total, 60)
        assert f"{hours} h {rest} min" in routes or f"{hours} hours" in routes
    assert short <= 180


def test_the_short_route_is_the_one_that_the_first_notebook_names():
    text = nbformat.read(NOTEBOOKS / "00_start_here.ipynb", 4)
    found = re.search(
        r"\*\*Three hours\*\*: (.+?)\. ", "".join(x.source for x in text.cells)
    )
    named = re.findall(r"\b\d\db?\b", found[1].replace("this notebook", "00"))
    assert tuple(named) == course.SHORT_ROUTE


@pytest.mark.thorough
def test_the_reference_has_every_public_name_once_with_call_and_example(site):
    modules = ("architectures", "training", "testing")
    headings = Counter()
    for path in (site / "reference").glob("*.html"):
        text = path.read_text()
        headings.update(re.findall(r"<h2 id=\"[^\"]*\"><code>(.+?)</code></h2>", text))
        assert "unknown" not in re.findall(r"\*\*(\w+)", words(text))
    expected = {f"tl.{name}" for name in tl.__all__} - {f"tl.{x}" for x in modules}
    for module in modules[:2]:
        inside = getattr(tl, module).__all__
        expected |= {f"tl.{module}.{name}" for name in inside}
    expected |= {"data_fetch.fetch_sample", "data_fetch.fetch_town"}
    assert expected <= headings.keys()
    assert max(headings.values()) == 1
    assert not [name for name in headings if "._" in name or name.startswith("_")]


@pytest.mark.thorough
def test_what_texts_and_notebooks_call_is_in_the_reference(site):
    shown = " ".join(path.read_text() for path in (site / "reference").glob("*.html"))
    repository = NOTEBOOKS.parent
    files = [repository / "README.md", *(repository / "docs").glob("*.md")]
    files += (NOTEBOOKS / "source").glob("*.py")
    called = {
        name
        for path in files
        for name in re.findall(r"\b((?:tl|rasters)\.(?:\w+\.)?\w+)\(", path.read_text())
    }
    assert len(called) > 30
    headings = set(re.findall(r"<code>([\w.]+)</code></h[23]>", shown))
    # Methods stand below their class, and `rasters` has names of `tl` too.
    headings |= {f"{start}.{name}" for name in headings for start in ("tl", "rasters")}
    headings |= {name.replace("tl.", "rasters.") for name in headings}
    missing = {name for name in called - headings if "exercises" not in name}
    assert missing == set()


@pytest.mark.thorough
def test_methods_of_what_functions_return_are_in_the_reference(site):
    plans = (site / "reference" / "inference.html").read_text()
    for name in ("read", "write", "estimate", "table", "plot"):
        assert f'<h3 id="InferencePlan.{name}">' in plans
    report = plans.partition('<h2 id="Report">')[2]
    assert "Attributes" in words(report)
    # A planned map's attributes are those of its base.
    tiles = plans.partition('<h2 id="InferencePlan">')[2].partition("<h3")[0]
    assert "<strong>tiles:</strong>" in tiles


@pytest.mark.thorough
def test_the_index_knows_every_section_and_every_word_of_the_glossary(site):
    lines = (site / "search_index.js").read_text().splitlines()
    names, sections = (json.loads(x.partition("=")[2].rstrip(";")) for x in lines)
    assert {name for name, *_ in names} == names_of(site) - {"search.html"}
    for number, anchor, *_ in sections:
        page = site / names[number][0]
        assert f'id="{anchor}"' in page.read_text().replace("&#x27;", "'"), anchor
    glossary = (NOTEBOOKS / "glossary.md").read_text()
    terms = set(re.findall("^### (.+)$", glossary, re.MULTILINE))
    found = {x[2] for x in sections if names[x[0]][0] == "glossary.html"}
    assert terms <= found
    size = (site / "search_index.js").stat().st_size
    assert size < 1_500_000


@pytest.mark.thorough
def test_a_single_notebook_is_exported_without_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "BUILD", tmp_path)

    def read(path, *args, **options):
        return nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_markdown_cell("# T\n\n[loss](../glossary.md#loss)")]
        )

    monkeypatch.setattr(export, "executed", read)
    assert export.main(["03"]) == 0
    folder = tmp_path / "html"
    assert names_of(folder) == {"03_pixelwise_fcnn.html", "glossary.html"}
    text = (folder / "03_pixelwise_fcnn.html").read_text()
    assert 'href="glossary.html#loss"' in text
    assert "index.html" not in text
    assert links.broken_links(folder, ["03_pixelwise_fcnn.html", "glossary.html"]) == []


def test_a_link_that_leads_nowhere_ends_the_export(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export, "export", lambda *args, **options: [])

    def broken(folder):
        raise ValueError(
            "The site has links that lead nowhere, such as a.html: b.html."
        )

    monkeypatch.setattr(export, "write_site", broken)
    assert export.main([]) == 1
    assert "a.html: b.html" in capsys.readouterr().err


def test_what_starts_the_export_does_not_need_pdoc():
    source = (NOTEBOOKS / "export.py").read_text()
    imported = {
        node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
    }
    assert "website.reference" not in imported
