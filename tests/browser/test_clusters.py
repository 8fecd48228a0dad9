"""Clusters added, edited by two people at once, and removed, all in the browser."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Sites
from tests.browser.dashboard import Dashboard, tab
from tests.flows.hubs import OneProcess

pytestmark = pytest.mark.real


def test_a_cluster_is_added_and_its_receiver_shown_once(dashboard: Dashboard, hub: OneProcess, sites: Sites) -> None:
    page = dashboard.sign_in("/")
    page.get_by_role("button", name="Add a cluster").click()
    dialog = page.get_by_role("dialog", name="Add a cluster")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_text("Give at least one address")).to_be_visible()
    dialog.get_by_label("Name", exact=False).first.fill("Not A Name")
    expect(dialog.get_by_text("3 to 63 lower-case letters")).to_be_visible()
    dialog.get_by_label("Name", exact=False).first.fill("east")
    dialog.get_by_label("Prometheus", exact=True).fill(sites["east"].site.prometheus.url)
    dialog.get_by_label("Labels").fill("team=checkout")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_text(re.compile("named .*east"))).to_be_visible()
    expect(dialog.get_by_label("Name", exact=False).first).to_be_focused()
    dashboard.picture("add-cluster-1280-light")
    assert dashboard.serious() == []
    dialog.get_by_label("Name", exact=False).first.fill("third")
    dialog.get_by_role("button", name="Add", exact=True).click()
    added = page.get_by_role("dialog", name="third is registered")
    expect(added.get_by_text("credentials: aiops_webhook_")).to_be_visible()
    dashboard.picture("cluster-added-1280-light")
    added.get_by_role("button", name="Open the cluster").click()
    try:
        expect(page.get_by_role("heading", name="third")).to_be_visible()
        expect(page.get_by_text("team=checkout")).to_be_visible()
        expect(page.get_by_text("Answers").first).to_be_visible()
    finally:
        cluster = hub.ask("GET", "/api/v1/clusters/by-name/third")
        hub.ask("DELETE", f"/api/v1/clusters/{cluster['id']}", expect=204)


def test_two_who_edit_at_once_both_see_what_the_other_wrote(
    dashboard: Dashboard, hub: OneProcess, sites: Sites
) -> None:
    body = {"name": "shared", "region": "north", "endpoints": {"prometheus_url": "http://127.0.0.1:9"}}
    cluster = hub.ask("POST", "/api/v1/clusters", body, expect=201)
    page = dashboard.sign_in("/clusters/shared")
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit shared")
    dialog.get_by_label("Region").fill("south")
    # Somebody else is quicker.
    theirs = {**body, "region": "west", "labels": {"by": "another"}}
    del theirs["name"]
    tag = {"If-Match": f'"{hub.ask("GET", "/api/v1/clusters/by-name/shared")["version"]}"'}
    hub.ask("PUT", f"/api/v1/clusters/{cluster['id']}", theirs, headers=tag)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Somebody else changed this cluster meanwhile")).to_be_visible()
    expect(dialog.get_by_role("row").filter(has_text="region")).to_contain_text("westsouth")
    dashboard.picture("edit-conflict-1280-light")
    dialog.get_by_role("button", name="Put mine over it").click()
    expect(dialog).to_be_hidden()
    assert hub.ask("GET", "/api/v1/clusters/by-name/shared")["region"] == "south"

    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Remove").click()
    dialog = page.get_by_role("dialog", name="Remove shared from the hub?")
    expect(dialog.get_by_role("button", name="Remove")).to_be_disabled()
    dialog.get_by_label("Type shared to go on").fill("shared")
    dashboard.picture("remove-cluster-1280-light")
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    hub.ask("GET", "/api/v1/clusters/by-name/shared", expect=404)


def test_a_viewer_is_offered_no_change(browser: Browser, hub: OneProcess, sites: Sites) -> None:
    body = {"name": "reader", "role": "viewer", "clusters": {"ids": [sites["east"].cluster["id"]]}, "expires_in": "1h"}
    token = hub.ask("POST", "/api/v1/tokens", body, expect=201)["token"]
    with tab(browser, hub.url) as dashboard:
        page = dashboard.sign_in("/", token=token)
        expect(page.get_by_role("link", name="east")).to_be_visible()
        assert page.get_by_role("link", name="west").count() == 0
        assert page.get_by_role("button", name="Add a cluster").count() == 0
        dashboard.open("/clusters/east")
        expect(page.get_by_role("button", name="Check now")).to_be_disabled()
        dashboard.open("/clusters/west")
        expect(page.get_by_role("heading", name="There is no cluster west")).to_be_visible()
