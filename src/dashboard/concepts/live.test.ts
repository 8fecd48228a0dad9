import { describe, expect, it } from "vitest";

import type { LiveEvent } from "../api/live";
import { noticeOf, touchedBy } from "./live";

const event = (event_type: string, payload: Record<string, unknown>): LiveEvent => ({
  event_id: "1",
  event_type,
  cluster_id: "c",
  cluster_name: "east",
  timestamp: "2026-01-01T00:00:00Z",
  payload,
});

describe("noticeOf", () => {
  it("tells of a state with its reason", () => {
    const notice = noticeOf(event("CLUSTER_STATUS_CHANGED", { old_state: "ONLINE", new_state: "OFFLINE", reason: "refused" }));
    expect(notice).toMatchObject({ variant: "danger", title: "east is offline", text: "refused", path: "/clusters/east" });
  });
  it("does not tell that a new cluster is well", () => {
    expect(noticeOf(event("CLUSTER_STATUS_CHANGED", { old_state: "PROVISIONING", new_state: "ONLINE" }))).toBeNull();
  });
  it("tells of an alert and of its end", () => {
    const alert = { id: "a1", alertname: "DiskFull", severity: "CRITICAL", message: "90 %" };
    expect(noticeOf(event("ALERT_FIRED", { alert }))).toMatchObject({
      variant: "danger",
      title: "DiskFull is firing on east",
      path: "/alerts?alert=a1",
    });
    expect(noticeOf(event("ALERT_RESOLVED", { alert }))).toMatchObject({ variant: "success" });
  });
  it("keeps silent on events that only change what is shown, and on those it does not know", () => {
    expect(noticeOf(event("CLUSTER_UPDATED", {}))).toBeNull();
    expect(noticeOf(event("SOMETHING_NEW", {}))).toBeNull();
  });
});

describe("touchedBy", () => {
  it("names the reads that an event makes old", () => {
    expect(touchedBy("ALERT_FIRED")).toContain("alerts");
    expect(touchedBy("CLUSTER_STATUS_CHANGED")).toEqual(["clusters", "fleet"]);
    expect(touchedBy("SOMETHING_NEW")).toEqual([]);
  });
});
