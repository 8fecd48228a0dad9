"""Every page, light and dark, wide and narrow: seen by axe here, and by people in the artefacts."""

from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Sites
from tests.browser.dashboard import Dashboard, Theme, tab
from tests.flows.hubs import OneProcess

pytestmark = pytest.mark.real

# Name of the picture -> the page, and what shows that it is there.
PAGES: Final = {
    "fleet": ("/", "Clusters"),
    "fleet-cards": ("/?view=cards", "Clusters"),
    "alerts": ("/alerts", "Alerts"),
    "alerts-by-name": ("/alerts?state=any&view=name", "Alerts"),
    "explore": ("/explore?query=up", "Explore metrics"),
    "explore-nothing-asked": ("/explore", "Ask the whole fleet"),
    "explore-no-query": ("/explore?query=sum(", "INVALID_PROMQL"),
    "cluster": ("/clusters/east", "east"),
    "no-such-cluster": ("/clusters/nowhere", "There is no cluster nowhere"),
    "not-found": ("/nowhere", "There is no such page"),
}
# Name of the picture -> the buttons that open it, and what shows that it is there.
OVERLAYS: Final = {
    "add-cluster": (("Add a cluster",), "Add a cluster"),
    "about": (("Signed in as", "About"), "AIOps NextGen"),
    "nothing-notified": (("Notifications",), "Notifications"),
}
FITS: Final = "document.documentElement.scrollWidth <= window.innerWidth"


def settled(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading).first).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)


def seen(dashboard: Dashboard, name: str) -> None:
    """Keep the picture; what is in it is accessible and fits the width."""
    dashboard.picture(name)
    assert dashboard.serious() == [], name
    assert dashboard.page.evaluate(FITS), f"{name} scrolls sideways"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["wide", "narrow"])
def test_pages_are_fit_to_be_seen(
    browser: Browser, hub: OneProcess, sites: Sites, *, phone: bool, theme: Theme
) -> None:
    suffix = f"{'390' if phone else '1280'}-{theme}"
    with tab(browser, hub.url, phone=phone, theme=theme) as dashboard:
        dashboard.open("/")
        expect(dashboard.page.get_by_label("API token")).to_be_visible()
        seen(dashboard, f"sign-in-{suffix}")
        dashboard.sign_in("/")
        for name, (path, heading) in PAGES.items():
            settled(dashboard.open(path), heading)
            seen(dashboard, f"{name}-{suffix}")
        for name, (buttons, heading) in OVERLAYS.items():
            page = dashboard.open("/")
            for button in buttons:
                page.get_by_role("button", name=button).or_(page.get_by_role("menuitem", name=button)).first.click()
            settled(page, heading)
            seen(dashboard, f"{name}-{suffix}")
