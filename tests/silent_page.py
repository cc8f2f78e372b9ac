"""A page in a real browser that must ask for nothing and complain of nothing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def opened(file: Path) -> Iterator[Page]:
    """Opens the page; at the end fails if it has requested anything but itself, or written to the console."""
    executable = next(filter(None, (os.environ.get("CHROMIUM"), *map(shutil.which, CHROMIUM))), None)
    if executable is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium")
        pytest.skip("no Chromium")
    requests: set[str] = set()
    complaints: list[str] = []
    with sync_playwright() as playwright:
        # A container's root has no sandbox to go into; the page is our own.
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("request", lambda request: requests.add(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        yield page
        browser.close()
    assert {url for url in requests if not url.startswith("data:")} == {file.as_uri()}
    assert complaints == []
