"""The dashboard in a real Chromium, watched: nothing on the console, no request to anywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.flows.hubs import TOKEN

ARTIFACTS: Final = Path(__file__).parents[2] / "artifacts" / "dashboard"
AXE: Final = Path(__file__).parents[2] / "src" / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 844}
# What a browser says of an answer of 4xx or 5xx; the page tells it in its own words, and tests look at those.
NETWORK: Final = ("Failed to load resource", "WebSocket connection to")
Theme = Literal["light", "dark"]


class Dashboard:
    """One tab. `problems` is what must not happen; `close` fails when something did."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.context = context
        self.url = url
        self.problems: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        self.page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(NETWORK):
            self.problems.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        target = urlsplit(request.url)
        if target.scheme in {"data", "blob"}:
            return
        if target.netloc != urlsplit(self.url).netloc:
            self.problems.append(f"a request left the origin: {request.url}")

    def open(self, path: str = "/") -> Page:
        """Go there by its address."""
        self.page.goto(self.url + path)
        return self.page

    def sign_in(self, path: str = "/", token: str = TOKEN) -> Page:
        """Sign in by the form, then go there."""
        page = self.open(path)
        page.get_by_label("API token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Signed in as")).to_be_visible()
        return page

    def serious(self) -> list[str]:
        """What axe finds serious or worse in the page as it is."""
        self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html'][:200]} ({node['failureSummary'][:300]})"
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"]
        ]

    def picture(self, name: str) -> None:
        """Keep what is on the screen among the artefacts."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", animations="disabled")


@contextmanager
def tab(
    browser: Browser, url: str, *, phone: bool = False, theme: Theme = "light", **options: Any
) -> Iterator[Dashboard]:
    """A fresh browser profile with one tab; at its end nothing unseen may have gone wrong."""
    size: Any = PHONE if phone else DESKTOP
    context = browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce", **options)
    context.set_default_timeout(20_000)
    try:
        dashboard = Dashboard(context, url)
        yield dashboard
        assert dashboard.problems == []
    finally:
        context.close()
