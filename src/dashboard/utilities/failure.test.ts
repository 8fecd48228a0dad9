import { describe, expect, it } from "vitest";

import { asFailure, decodeFailure, unreachable } from "./failure";

const envelope = (error: object): string => JSON.stringify({ error });

describe("an error answer of the hub", () => {
  it("keeps the hub's own code, words and trace", () => {
    const failure = decodeFailure(400, envelope({ code: "INVALID_PROMQL", message: "1:4: unclosed", trace_id: "ab" }), new Headers());
    expect(failure).toMatchObject({ status: 400, code: "INVALID_PROMQL", message: "1:4: unclosed", traceId: "ab" });
  });

  it("tells when to come back", () => {
    const failure = decodeFailure(429, envelope({ code: "RATE_LIMITED", message: "slow down" }), new Headers({ "Retry-After": "7" }));
    expect(failure.retryAfterS).toBe(7);
  });

  it.each(["", "<html>502 Bad Gateway</html>", "null", "[]", '{"error": "text"}', '{"error": {"code": 5}}'])(
    "that is not an envelope (%j) still has a code and a message",
    (body) => {
      const failure = decodeFailure(502, body, new Headers());
      expect(failure.code).toBe("HTTP_502");
      expect(failure.message).toContain("502");
    },
  );

  it("tells forbidden from signed out", () => {
    expect(decodeFailure(403, "", new Headers())).toMatchObject({ forbidden: true, signedOut: false });
    expect(decodeFailure(401, "", new Headers())).toMatchObject({ forbidden: false, signedOut: true });
  });
});

describe("anything thrown", () => {
  it("becomes a failure, and a failure stays what it is", () => {
    const failure = unreachable();
    expect(asFailure(failure)).toBe(failure);
    expect(asFailure(new TypeError("x is undefined"))).toMatchObject({ code: "UNEXPECTED", message: "x is undefined" });
    expect(asFailure("text")).toMatchObject({ message: "text" });
  });
});
