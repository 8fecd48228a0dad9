import { beforeEach, describe, expect, it } from "vitest";

import { LiveSocket, type LiveEvent, type LiveState, type Surroundings } from "./live";

/** The server's end of one socket. */
class FakeSocket {
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
  }
  accept(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  say(message: Record<string, unknown>): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  cut(code = 1006): void {
    this.onclose?.({ code });
  }
}

class Stage implements Surroundings {
  sockets: FakeSocket[] = [];
  timers = new Map<number, { run: () => void; ms: number }>();
  private next = 1;
  open = (): WebSocket => {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket as unknown as WebSocket;
  };
  setTimer = (run: () => void, ms: number): number => {
    this.timers.set(this.next, { run, ms });
    return this.next++;
  };
  clearTimer = (timer: number): void => {
    this.timers.delete(timer);
  };
  random = (): number => 1;

  /** Let the one running timer pass; how long it was. */
  pass(): number {
    expect(this.timers.size).toBe(1);
    const [[id, { run, ms }]] = [...this.timers] as [[number, { run: () => void; ms: number }]];
    this.timers.delete(id);
    run();
    return ms;
  }
  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }
}

let stage: Stage;
let events: string[];
let states: LiveState[];
let gaps: number;
let signedOut: number;
let live: LiveSocket;

const event = (id: string, offset: string): Record<string, unknown> => ({
  type: "event",
  event_id: id,
  event_type: "ALERT_FIRED",
  cluster_id: null,
  cluster_name: null,
  timestamp: "2026-01-01T00:00:00Z",
  payload: {},
  epoch: "e",
  offset,
});

beforeEach(() => {
  stage = new Stage();
  events = [];
  states = [];
  gaps = signedOut = 0;
  live = new LiveSocket(
    {
      onEvent: (heard: LiveEvent) => void events.push(heard.event_id),
      onGap: () => void (gaps += 1),
      onState: (state) => void states.push(state),
      onSignedOut: () => void (signedOut += 1),
    },
    stage,
  );
  live.start();
});

function goLive(): void {
  stage.last.accept();
  stage.last.say({ type: "subscribed", epoch: "e", offset: "1-0", recovered: null });
}

describe("LiveSocket", () => {
  it("subscribes to everything and is live once the hub says so", () => {
    stage.last.accept();
    expect(stage.last.sent).toEqual([{ type: "subscribe", subscription: {} }]);
    expect(states).toEqual([]);
    stage.last.say({ type: "subscribed", epoch: "e", offset: "1-0", recovered: null });
    expect(states).toEqual(["live"]);
  });

  it("comes back from where it stopped, and tells no event twice", () => {
    goLive();
    stage.last.say(event("a", "2-0"));
    stage.last.cut();
    expect(states.at(-1)).toBe("offline");
    stage.pass();
    expect(states.at(-1)).toBe("catching-up");
    stage.last.accept();
    expect(stage.last.sent).toEqual([{ type: "subscribe", subscription: {}, since: { epoch: "e", offset: "2-0" } }]);
    stage.last.say({ type: "subscribed", epoch: "e", offset: "2-0", recovered: true });
    stage.last.say(event("a", "2-0"));
    stage.last.say(event("b", "3-0"));
    expect(events).toEqual(["a", "b"]);
    expect(gaps).toBe(0);
  });

  it("tells of a gap when the hub cannot give what was missed", () => {
    goLive();
    stage.last.cut();
    stage.pass();
    stage.last.accept();
    stage.last.say({ type: "subscribed", epoch: "f", offset: "1-0", recovered: false });
    stage.last.say({ type: "dropped", count: 3 });
    expect(gaps).toBe(2);
  });

  it("waits longer after each failure, and anew once it was live", () => {
    const waits: number[] = [];
    for (let failure = 0; failure < 9; failure++) {
      stage.last.cut();
      waits.push(stage.pass());
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    goLive();
    stage.last.cut();
    expect(stage.pass()).toBe(500);
  });

  it("comes back when the hub asked it to", () => {
    goLive();
    stage.last.say({ type: "disconnect", reason: "shutting_down", reconnect_after_ms: 1234 });
    stage.last.cut(1001);
    expect(stage.pass()).toBe(1234);
  });

  it("asks a silent socket, and leaves it when no answer comes", () => {
    goLive();
    expect(stage.pass()).toBe(20_000);
    expect(stage.last.sent.at(-1)).toEqual({ type: "ping" });
    expect(stage.pass()).toBe(8_000);
    expect(stage.sockets[0]?.closed).toBe(true);
    expect(states.at(-1)).toBe("offline");
  });

  it("gives up a socket that never answers the handshake", () => {
    expect(stage.pass()).toBe(8_000);
    expect(states).toEqual(["offline"]);
  });

  it("looks at once when the page is seen again", () => {
    goLive();
    live.check();
    expect(stage.last.sent.at(-1)).toEqual({ type: "ping" });
    stage.last.cut();
    live.check();
    expect(stage.sockets).toHaveLength(2);
  });

  it("stops when the session has ended, and starts again after the next sign-in", () => {
    goLive();
    stage.last.cut(4401);
    expect(signedOut).toBe(1);
    expect(stage.timers.size).toBe(0);
    live.start();
    expect(stage.sockets).toHaveLength(2);
  });

  it("stays silent after it was stopped", () => {
    goLive();
    live.stop();
    expect(stage.last.closed).toBe(true);
    expect(stage.timers.size).toBe(0);
    live.check();
    expect(stage.sockets).toHaveLength(1);
  });
});
