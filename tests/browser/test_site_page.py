"""The site of `make html` in a browser: opened from a folder, and from a server."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect
from sites import write_texts


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder of the site, below another folder."""
    return write_texts(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def page(open_shared_tab):
    return open_shared_tab()


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a line for each request."""

    def log_message(self, *_):
        pass


@pytest.fixture
def served(site):
    """Address of the site in a subfolder of a server."""
    handler = partial(Quiet, directory=site.parent)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{site.name}"
    server.shutdown()
    thread.join()
    server.server_close()


def find(page, words):
    """Search with the field that every page has."""
    field = page.get_by_role("searchbox", name="Search")
    field.fill(words)
    field.press("Enter")
    expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()


def results(page):
    return page.get_by_role("list").filter(has=page.locator("mark")).locator("li")


def test_a_search_from_any_page_leads_to_the_place(page, site):
    for start in ("index.html", "docs/dask.html", "02_patch_based_cnn.html"):
        page.goto((site / start).as_uri())
        find(page, "receptive field")
        expect(page.get_by_role("status")).to_contain_text("places")
        first = results(page).first
        link = first.get_by_role("link")
        expect(link).to_have_text("receptive field")
        expect(first).to_contain_text("Glossary")
        link.click()
        expect(page).to_have_url(f"{(site / 'glossary.html').as_uri()}#receptive-field")
        expect(page.locator(":target")).to_be_in_viewport()


@pytest.mark.parametrize(
    ("words", "heading"),
    [
        ("tl.select_positions", "tl.select_positions"),
        ("select positions", "tl.select_positions"),
        ("InferencePlan.write", "InferencePlan.write"),
        ("Overfitting", "overfitting"),
        ("margins", "margin"),
        ("NVIDIA cards", "NVIDIA cards"),
    ],
)
def test_whoever_looks_for_a_name_finds_it_first(page, site, words, heading):
    page.goto(f"{(site / 'search.html').as_uri()}?q={words.replace(' ', '+')}")
    expect(results(page).first.get_by_role("link")).to_have_text(heading)


def test_results_follow_the_typing_and_enter_leads_to_them(page, site):
    page.goto((site / "search.html").as_uri())
    field, status = page.get_by_role("searchbox"), page.get_by_role("status")
    expect(field).to_be_focused()
    expect(status).to_have_text("")
    page.keyboard.type("dask")
    expect(status).to_contain_text("place")
    many = results(page).count()
    page.keyboard.type(" scheduler")
    expect(results(page)).not_to_have_count(many)
    assert 0 < results(page).count() < many
    page.keyboard.press("Enter")
    expect(results(page).first.get_by_role("link")).to_be_focused()
    field.fill("dask zzzz")
    expect(status).to_contain_text("Nothing was found")
    expect(results(page)).to_have_count(0)
    field.fill("")
    expect(status).to_have_text("")


def test_all_words_must_occur_and_found_words_are_marked(page, site):
    page.goto(f"{(site / 'search.html').as_uri()}?q=cloud+optimised")
    expect(results(page).first).to_be_visible()
    for result in results(page).all():
        text = result.inner_text().lower()
        marked = " ".join(result.locator("mark").all_inner_texts()).lower()
        assert "cloud" in text or "optimis" in text
        assert marked
        assert all(word.startswith(("cloud", "optimis")) for word in marked.split())


@pytest.mark.parametrize(
    "words", ["<img src=x onerror=alert(1)>", "(", "a\\", "\u0301"]
)
def test_no_query_is_markup_or_an_error(page, site, words):
    page.goto((site / "search.html").as_uri())
    page.get_by_role("searchbox").fill(words)
    page.get_by_role("button", name="Find").click()
    assert page.locator("main img").count() == 0


def test_the_first_key_skips_the_navigation(page, site):
    page.goto((site / "docs" / "dask.html").as_uri())
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the text")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    outline = "(one) => getComputedStyle(one).outlineStyle"
    assert skip.evaluate(outline) == "solid"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    inside = "document.querySelector('main').contains(document.activeElement)"
    assert page.evaluate(inside)


@pytest.mark.slow
def test_one_notebook_leads_to_the_next(page, site):
    page.goto((site / "index.html").as_uri())
    seen = []
    page.get_by_role("link", name="00 Start here").click()
    while True:
        seen.append(page.url.rpartition("/")[2])
        following = page.get_by_role("link", name="Next:").first
        if not following.count():
            break
        following.click()
    notebooks = sorted(path.name for path in site.glob("[0-9]*.html"))
    assert seen == notebooks
    page.get_by_role("link", name="Previous:").first.click()
    assert page.url.endswith(notebooks[-2])


def test_every_page_opens_from_a_folder_and_fits_the_window(page, site):
    fits = "document.documentElement.scrollWidth <= innerWidth"
    for width in (1280, 400):
        page.set_viewport_size({"width": width, "height": 900})
        for path in sorted(site.rglob("*.html")):
            page.goto(path.as_uri())
            assert page.evaluate(fits), (path.name, width)
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("name", ["index.html", "01_patches.html", "docs/dask.html"])
def test_a_page_is_light_or_dark_as_the_reader_wants(page, site, name):
    page.goto((site / name).as_uri())
    brightness = """(part) => [...document.querySelectorAll(part)].map((one) => {
        const { color, backgroundColor } = getComputedStyle(one);
        return [color, backgroundColor].map((text) => text.match(/\\d+/g)
            .slice(0, 3).reduce((sum, number) => sum + +number, 0));
    })[0]"""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        _, ground = page.evaluate(brightness, "body")
        ink, _ = page.evaluate(brightness, "main p")
        head_ink, head = page.evaluate(brightness, ".site-header")
        for dark, bright in ((ground, ink), (head, head_ink)):
            assert (dark < 3 * 128) == (scheme == "dark")
            assert (bright < 3 * 128) == (scheme == "light")


@pytest.mark.sampled(daily=1)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_reader_is_kept_from_the_site(page, site, faults, scheme):
    page.emulate_media(color_scheme=scheme)
    names = ("index", "docs/large_maps", "reference/viewers")
    addresses = [(site / f"{name}.html").as_uri() for name in names]
    for address in [*addresses, f"{(site / 'search.html').as_uri()}?q=tiles"]:
        page.goto(address)
        assert faults(page) == [], address
    page.emulate_media(color_scheme="light")


def test_the_site_works_in_a_subfolder_of_a_server(page, served):
    page.goto(f"{served}/reference/patches.html")
    find(page, "crop")
    assert page.url == f"{served}/search.html?q=crop"
    link = results(page).first.get_by_role("link")
    expect(link).to_be_visible()
    link.click()
    expect(page.locator(":target")).to_be_visible()
    page.get_by_role("link", name="Start").first.click()
    page.wait_for_function("document.querySelector('main img').naturalWidth > 300")
