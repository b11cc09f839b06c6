"""A real browser for the tests of pages."""

import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
PATIENCE = 180_000  # milliseconds, on a machine that is busy with trainings


@pytest.fixture(scope="module")
def browser():
    """An installed Chromium, without a window."""
    pytest.importorskip("plotly")
    api = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser is installed: {', '.join(BROWSERS)}")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=FLAGS, timeout=PATIENCE)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser):
    """Opens a page; at the end nothing was asked of a network, and nothing was complained of."""
    wrong, contexts = [], []

    def opened(file, scheme="light", wide=1280):
        contexts.append(browser.new_context(viewport={"width": wide, "height": 1000}, color_scheme=scheme))
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith(("data:", file.as_uri())) or wrong.append(asked.url))
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
