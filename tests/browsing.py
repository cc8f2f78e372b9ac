"""A real browser for the tests of the page."""

from typing import Any

from playwright.sync_api import BrowserContext, Page


class Visit:
    """An open page, and everything that it asked for or complained of."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)

    def order(self) -> list[int]:
        """The codes that are shown, in order."""
        shown = self.page.locator(".codes tbody tr:not([hidden])")
        return [int(code) for code in shown.evaluate_all("rows => rows.map(row => row.dataset.code)")]

    def header(self, key: str) -> Any:
        return self.page.locator(f"th[data-key={key}]")

    def fits(self) -> bool:
        """Whether the page needs no scrolling sideways."""
        script = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        return bool(self.page.evaluate(script))

    def focused(self) -> str:
        """What has the focus: its address if it is a link, else its text."""
        script = "() => document.activeElement.getAttribute('href') ?? document.activeElement.textContent"
        return str(self.page.evaluate(script))
