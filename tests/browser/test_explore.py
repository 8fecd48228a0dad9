"""Questions to the whole fleet: proposals while typing, a graph to look closer at, and what is unusual in it."""

import re
import time
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Sites
from tests.browser.dashboard import Dashboard, Theme, tab
from tests.flows.hubs import OneProcess
from tests.servers.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("sites")]


def choose(page: Page, name: str) -> None:
    """Take a proposal with the keyboard. For a moment after the list opens keys pass it by, for those who type fast."""
    wanted = page.get_by_role("option", name=re.compile(f"^{name}")).first

    def reached() -> bool:
        page.keyboard.press("ArrowDown")
        return wanted.get_attribute("aria-selected") == "true"

    until(reached, what=f"the proposal {name} is the chosen one")
    page.keyboard.press("Enter")


def test_metrics_and_labels_of_the_fleet_are_proposed(dashboard: Dashboard) -> None:
    page = dashboard.sign_in("/explore")
    editor = page.get_by_role("textbox", name="PromQL")
    editor.click()
    page.keyboard.type("node_cpu")
    expect(page.get_by_role("option", name="node_cpu_seconds_total").first).to_be_visible()
    choose(page, "node_cpu_seconds_total")
    expect(editor).to_have_text("node_cpu_seconds_total")
    page.keyboard.type("{mo")
    expect(page.get_by_role("option", name="mode").first).to_be_visible()
    dashboard.picture("explore-proposals-1280-light")


def test_a_query_that_is_none_is_told_in_the_members_words(dashboard: Dashboard) -> None:
    page = dashboard.sign_in("/explore?query=sum(")
    expect(page.get_by_role("heading", name=re.compile("INVALID_PROMQL"))).to_be_visible()
    expect(page.get_by_text("parse error", exact=False).first).to_be_visible()


def test_what_is_unusual_is_marked_explained_and_can_be_looked_at_closely(dashboard: Dashboard) -> None:
    began = int(time.time()) - 60
    query = f"vector(1) + 50 * (vector(time()) > bool vector({began}))"
    page = dashboard.sign_in(f"/explore?query={quote(query)}&from=now-15m&step=5s&anomalies=MEDIUM")
    found = page.get_by_role("list", name="Anomalies, newest first")
    expect(found.get_by_text("constant at 1").first).to_be_visible()
    found.get_by_role("button", name="Show the band").first.click()
    dashboard.picture("explore-anomalies-1280-light")
    assert dashboard.serious() == []

    plot = page.get_by_role("img", name=re.compile("Graph of 1 series")).locator(".u-over")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=\d{4}-"))
    page.go_back()
    expect(page).to_have_url(re.compile("from=now-15m"))


def test_one_of_many_series_can_be_looked_at_alone(dashboard: Dashboard, sites: Sites) -> None:
    query = quote('up{job="prometheus"}')
    page = dashboard.sign_in(f"/explore?query={query}&from=now-15m&step=5s")
    expect(page.get_by_role("list", name="Series").get_by_role("listitem")).to_have_count(len(sites))
    page.get_by_role("button", name=re.compile("Only .*east")).click()
    expect(page.get_by_role("button", name=re.compile("^west")).first).to_have_attribute("aria-pressed", "false")


def test_the_same_question_is_copied_for_a_shell(browser: Browser, hub: OneProcess) -> None:
    with tab(browser, hub.url, permissions=["clipboard-read", "clipboard-write"]) as dashboard:
        page = dashboard.sign_in("/explore?query=count(up)&kind=instant&clusters=east")
        expect(page.get_by_text("1 series from 1 of 1 clusters")).to_be_visible()
        page.get_by_role("button", name="Copy as").click()
        page.get_by_role("menuitem", name="aiops query").click()
        expect(page.get_by_role("button", name="Copied: aiops query")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == "aiops query 'count(up)' --cluster east"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["wide", "narrow"])
def test_how_a_query_is_asked_is_shown_word_for_word(
    browser: Browser, hub: OneProcess, *, phone: bool, theme: Theme
) -> None:
    query = quote('avg by (job) (rate(process_cpu_seconds_total{cluster=~"east|west"}[1m]))')
    with tab(browser, hub.url, phone=phone, theme=theme) as dashboard:
        page = dashboard.sign_in(f"/explore?query={query}")
        page.get_by_role("button", name="How it was asked exact").click()
        expect(page.get_by_text("Finished by the hub")).to_be_visible()
        expect(page.get_by_text("asked of both clusters").first).to_be_visible()
        expect(page.get_by_text("sum by (job) (rate(process_cpu_seconds_total[1m]))")).to_be_visible()
        dashboard.picture(f"explore-plan-{'390' if phone else '1280'}-{theme}")
        assert dashboard.serious() == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_each_cluster_can_be_asked_for_itself(dashboard: Dashboard) -> None:
    page = dashboard.sign_in(f"/explore?kind=instant&query={quote('count(up)')}")
    results = page.get_by_role("grid", name="Results of the query")
    expect(results.get_by_role("row")).to_have_count(2)
    expect(results).to_contain_text("all clusters")
    page.get_by_role("button", name="Each cluster").click()
    expect(page).to_have_url(re.compile("mode=per_cluster"))
    expect(results.get_by_role("row")).to_have_count(3)
    expect(results).to_contain_text("east")
    page.get_by_role("button", name="How it was asked").click()
    expect(page.get_by_text("nothing was computed across clusters")).to_be_visible()
