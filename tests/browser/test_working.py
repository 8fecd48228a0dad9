"""What a person does with the dashboard, over real clusters that break and come back."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Sites
from tests.browser.dashboard import Dashboard, tab
from tests.flows.hubs import TOKEN, OneProcess
from tests.servers.alertmanager import Alertmanager
from tests.servers.site import FAULT_ALERT

pytestmark = pytest.mark.real

PATIENCE_MS = 60_000


def live(page: Page) -> None:
    expect(page.get_by_role("status", name=re.compile("Live events: Live"))).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.usefixtures("sites")
class TestSignIn:
    def test_a_wrong_token_says_so_and_the_right_one_leads_to_the_page_that_was_asked_for(
        self, dashboard: Dashboard
    ) -> None:
        page = dashboard.open("/alerts?severity=CRITICAL")
        page.get_by_label("API token").fill("aiops_nonsense")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name=re.compile("Not signed in"))).to_be_visible()
        page.get_by_label("API token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Alerts")).to_be_visible()
        assert page.url.endswith("/alerts?severity=CRITICAL")

    def test_signing_out_leaves_nothing_behind(self, dashboard: Dashboard) -> None:
        page = dashboard.sign_in("/")
        expect(page.get_by_role("link", name="east")).to_be_visible()
        page.get_by_role("button", name="Signed in as").click()
        page.get_by_role("menuitem", name="Sign out").click()
        expect(page.get_by_label("API token")).to_be_visible()
        page.reload()
        expect(page.get_by_label("API token")).to_be_visible()
        assert page.get_by_text("east").count() == 0

    def test_a_session_that_ends_asks_above_the_page_and_nothing_typed_is_lost(
        self, dashboard: Dashboard, hub: OneProcess
    ) -> None:
        body = {"name": "short", "role": "viewer", "clusters": {"all": True}, "expires_in": "1h"}
        token = hub.ask("POST", "/api/v1/tokens", body, expect=201)
        page = dashboard.sign_in("/explore", token=token["token"])
        live(page)
        page.get_by_role("textbox", name="PromQL").fill("up == 1")
        hub.ask("DELETE", f"/api/v1/tokens/{token['id']}", expect=204)
        dialog = page.get_by_role("dialog", name="Your session has ended")
        expect(dialog).to_be_visible(timeout=PATIENCE_MS)
        dialog.get_by_label("API token").fill(TOKEN)
        dialog.get_by_role("button", name="Sign in").click()
        expect(dialog).to_be_hidden()
        expect(page.get_by_role("textbox", name="PromQL")).to_have_text("up == 1")
        live(page)


def test_the_keyboard_alone_signs_in_and_asks(dashboard: Dashboard, sites: Sites) -> None:
    page = dashboard.open("/")
    expect(page.get_by_label("API token")).to_be_focused()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="east")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    tab_to(page, "link", "Explore metrics")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Explore metrics")).to_be_visible()
    tab_to(page, "textbox", "PromQL")
    page.keyboard.type("count(up)")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 series from 2 of 2 clusters")).to_be_visible()


def tab_to(page: Page, role: str, name: str) -> None:
    """Press Tab until this has the focus."""
    wanted = page.get_by_role(role, name=name)  # type: ignore[arg-type]
    for _ in range(60):
        if wanted.evaluate("element => element.getRootNode().activeElement === element"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach the {role} {name!r}")


def test_a_cluster_that_dies_shows_by_itself_and_so_does_its_return(
    dashboard: Dashboard, hub: OneProcess, sites: Sites
) -> None:
    page = dashboard.sign_in("/")
    live(page)
    urgent = page.get_by_role("region", name="Needs you now")
    expect(urgent.get_by_text("Nothing: no cluster is offline")).to_be_visible()
    west = sites["west"].site.prometheus
    west.kill()
    try:
        expect(urgent.get_by_role("link", name="west")).to_be_visible(timeout=PATIENCE_MS)
        dashboard.picture("fleet-with-an-offline-cluster-1280-light")
        expect(page.get_by_role("button", name=re.compile("Notifications, [1-9]"))).to_be_visible()
        page.get_by_role("link", name="Explore metrics").click()
        page.get_by_role("textbox", name="PromQL").fill("up")
        page.get_by_role("button", name="Run").click()
        expect(page.get_by_text("Partial answer: west did not answer")).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_role("link", name="Fleet", exact=True).click()
    finally:
        west.start()
    expect(urgent.get_by_text("Nothing: no cluster is offline")).to_be_visible(timeout=PATIENCE_MS)


def test_a_real_alert_appears_opens_by_keyboard_and_resolves_without_a_reload(
    dashboard: Dashboard, sites: Sites, alertmanager: Callable[[str, str], Alertmanager]
) -> None:
    east = sites["east"]
    hook = east.cluster["webhook"]
    east.site.prometheus.send_alerts_to(alertmanager(hook["url"], hook["token"]).address)
    page = dashboard.sign_in("/alerts")
    live(page)
    expect(page.get_by_text("Nothing is firing")).to_be_visible()
    with east.site.fault(service="checkout"):
        opener = page.get_by_role("button", name=FAULT_ALERT)
        expect(opener).to_be_visible(timeout=PATIENCE_MS)
        dashboard.picture("alerts-firing-1280-light")
        opener.focus()
        page.keyboard.press("Enter")
        detail = page.get_by_role("region", name="The alert")
        expect(detail.get_by_text("checkout is failing").first).to_be_visible()
        expect(detail.get_by_text("service=checkout")).to_be_visible()
        expect(detail.get_by_text("Firing").first).to_be_visible()
        assert dashboard.serious() == []
        dashboard.picture("alert-detail-1280-light")
        page.keyboard.press("Escape")
        expect(detail).to_be_hidden()
        expect(opener).to_be_focused()
    expect(page.get_by_text("Nothing is firing")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name=re.compile("Notifications, [1-9]")).click()
    expect(page.get_by_text(f"{FAULT_ALERT} is resolved on east")).to_be_visible()
    dashboard.picture("notifications-1280-light")


def test_what_happened_while_the_hub_was_away_is_caught_up_with(
    browser: Browser, hub: OneProcess, sites: Sites
) -> None:
    with tab(browser, hub.url) as dashboard:
        page = dashboard.sign_in("/")
        live(page)
        expect(page.get_by_role("link", name="east").first).to_be_visible()
        with page.expect_websocket(timeout=PATIENCE_MS):
            hub.crash()
        body = {"name": "newcomer", "endpoints": {"prometheus_url": "http://127.0.0.1:9"}}
        created = hub.ask("POST", "/api/v1/clusters", body, expect=201)
        try:
            live(page)
            expect(page.get_by_role("link", name="newcomer").first).to_be_visible(timeout=PATIENCE_MS)
        finally:
            hub.ask("DELETE", f"/api/v1/clusters/{created['id']}", expect=204)
        expect(page.get_by_role("link", name="newcomer")).to_have_count(0, timeout=PATIENCE_MS)


def test_a_socket_that_sleeps_catches_up_when_it_wakes(browser: Browser, hub: OneProcess, sites: Sites) -> None:
    with tab(browser, hub.url) as dashboard:
        page = dashboard.sign_in("/")
        live(page)
        expect(page.get_by_role("link", name="east").first).to_be_visible()
        dashboard.context.set_offline(True)
        page.evaluate("window.dispatchEvent(new Event('online'))")
        expect(page.get_by_role("status", name=re.compile("Live events: Offline"))).to_be_visible(timeout=PATIENCE_MS)
        dashboard.picture("fleet-offline-1280-light")
        body = {"name": "meanwhile", "endpoints": {"prometheus_url": "http://127.0.0.1:9"}}
        created = hub.ask("POST", "/api/v1/clusters", body, expect=201)
        dashboard.context.set_offline(False)
        try:
            expect(page.get_by_role("link", name="meanwhile").first).to_be_visible(timeout=PATIENCE_MS)
            live(page)
        finally:
            hub.ask("DELETE", f"/api/v1/clusters/{created['id']}", expect=204)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_is_chosen_and_kept(dashboard: Dashboard, sites: Sites, theme: str) -> None:
    page = dashboard.sign_in("/")
    page.get_by_role("button", name="Signed in as").click()
    page.get_by_role("menuitem", name=theme.capitalize()).click()
    dark = "document.documentElement.classList.contains('pf-v6-theme-dark')"
    assert page.evaluate(dark) is (theme == "dark")
    page.reload()
    assert page.evaluate(dark) is (theme == "dark")
