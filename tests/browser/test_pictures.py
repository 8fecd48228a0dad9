"""Every page, light and dark, wide and narrow: seen by axe here, and by people in the artefacts."""

from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Sites
from tests.browser.dashboard import Theme, tab
from tests.flows.hubs import OneProcess

pytestmark = pytest.mark.real

# Name of the picture -> the page, and what shows that it is there.
PAGES: Final = {
    "fleet": ("/", "Clusters"),
    "fleet-cards": ("/?view=cards", "Clusters"),
    "alerts": ("/alerts", "Alerts"),
    "explore": ("/explore?query=up", "Explore metrics"),
    "cluster": ("/clusters/east", "east"),
    "no-such-cluster": ("/clusters/nowhere", "There is no cluster nowhere"),
    "not-found": ("/nowhere", "There is no such page"),
}
FITS: Final = "document.documentElement.scrollWidth <= window.innerWidth"


def settled(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading).first).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["wide", "narrow"])
def test_pages_are_fit_to_be_seen(
    browser: Browser, hub: OneProcess, sites: Sites, *, phone: bool, theme: Theme
) -> None:
    suffix = f"{'390' if phone else '1280'}-{theme}"
    with tab(browser, hub.url, phone=phone, theme=theme) as dashboard:
        dashboard.open("/")
        expect(dashboard.page.get_by_label("API token")).to_be_visible()
        dashboard.picture(f"sign-in-{suffix}")
        assert dashboard.serious() == []
        dashboard.sign_in("/")
        for name, (path, heading) in PAGES.items():
            page = dashboard.open(path)
            settled(page, heading)
            dashboard.picture(f"{name}-{suffix}")
            assert dashboard.serious() == [], name
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
                f"{name} scrolls sideways"
            )
