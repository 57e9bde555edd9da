"""A Chromium without network access, and pages that report errors."""

import os
import shutil
from contextlib import contextmanager
from functools import partial

import pytest
from playwright.sync_api import sync_playwright

from browser import axe_core
from browser.lab import jupyterlab

# Root, as in a container, needs the first; the others keep Chromium off the network.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "Chromium was not found. Install it to run the tests in a browser (Debian: "
    "apt install chromium)"
)
LOCAL = ("http://127.0.0.1:", "ws://127.0.0.1:", "file:", "data:", "blob:", "about:")


# Not for the session: while Playwright runs, other files cannot use asyncio.
@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        if os.environ.get("KIT_NEEDS_CHROMIUM"):
            pytest.fail(f"KIT_NEEDS_CHROMIUM is set. {MISSING}.")
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def tabs(browser):
    """Function that opens a tab; at the end, no tab may have reported an error."""
    contexts, complaints = [], []

    def complain(text):
        # A tab that tests share closes after the last one.
        complaints.append(f"{text} ({os.environ.get('PYTEST_CURRENT_TEST')})")

    def guard(route):
        if route.request.url.startswith(LOCAL):
            route.continue_()
        else:
            complain(f"asked for {route.request.url}")
            route.abort()

    def console(message):
        # Through the server's proxy, TensorBoard has no fonts of its own.
        is_font = "/font-roboto/" in message.location["url"]
        if message.type == "error" and not is_font:
            complain(message.text)

    def tab(width=1280, height=900, **options):
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, **options)
        contexts.append(context)
        context.route("**/*", guard)
        page = context.new_page()
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("console", console)
        return page

    yield tab
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def faults():
    """Function that finds faults of accessibility in parts of a page, with axe-core."""
    script = axe_core.read_script()
    if script is None:
        if os.environ.get("KIT_NEEDS_AXE"):
            pytest.fail(f"KIT_NEEDS_AXE is set. {axe_core.MISSING}.")
        pytest.skip(axe_core.MISSING)
    return partial(axe_core.faults, script=script)


@pytest.fixture
def open_tab(browser):
    """Function that opens a tab for one test."""
    with tabs(browser) as tab:
        yield tab


@pytest.fixture(scope="module")
def open_shared_tab(browser):
    """Function that opens a tab for all tests of a module: a new one takes time."""
    with tabs(browser) as tab:
        yield tab


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab for all tests: its address, and the folder of its notebooks."""
    notebooks, private = (tmp_path_factory.mktemp(n) for n in ("notebooks", "private"))
    with jupyterlab(notebooks, private) as address:
        yield address, notebooks
