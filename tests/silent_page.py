"""A page in a real browser that must ask for nothing and complain of nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page


@contextmanager
def opened(browser: Browser, file: Path) -> Iterator[Page]:
    """Opens the page; at the end fails if it has requested anything but itself, or written to the console."""
    requests: set[str] = set()
    complaints: list[str] = []
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.on("request", lambda request: requests.add(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        yield page
    assert {url for url in requests if not url.startswith("data:")} == {file.as_uri()}
    assert complaints == []
