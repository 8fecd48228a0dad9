// The tab's one socket to the hub: says where it stands, gives events out once each, and comes back by itself with
// everything that it missed. It knows the protocol of `/ws` and nothing of what an event means.

/** Connecting for the first time; live; asking for what was missed; without a connection. */
export type LiveState = "connecting" | "live" | "catching-up" | "offline";

export interface LiveEvent {
  event_id: string;
  event_type: string;
  cluster_id: string | null;
  cluster_name: string | null;
  timestamp: string;
  payload: Record<string, unknown>;
}

type ServerMessage =
  | ({ type: "event"; epoch: string; offset: string } & LiveEvent)
  | { type: "subscribed"; epoch: string; offset: string; recovered: boolean | null }
  | { type: "auth_response"; success: boolean }
  | { type: "error"; code: string; message: string }
  | { type: "disconnect"; reason: string; reconnect_after_ms: number }
  | { type: "dropped"; count: number }
  | { type: "pong" };

export interface Listener {
  onEvent: (event: LiveEvent) => void;
  /** Events may have been missed for good: whatever was read before may be old. */
  onGap: () => void;
  onState: (state: LiveState) => void;
  /** The session has ended. */
  onSignedOut: () => void;
}

/** What of the browser the socket needs; a test gives its own. */
export interface Surroundings {
  open: () => WebSocket;
  setTimer: (run: () => void, ms: number) => number;
  clearTimer: (timer: number) => void;
  random: () => number;
}

const PING_EVERY_MS = 20_000;
const ANSWER_MS = 8_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
const REMEMBERED_EVENTS = 5_000;
const SIGNED_OUT_CODE = 4401;

const BROWSER: Surroundings = {
  open: () => new WebSocket(new URL("/ws", window.location.href.replace(/^http/, "ws"))),
  setTimer: (run, ms) => window.setTimeout(run, ms),
  clearTimer: (timer) => {
    window.clearTimeout(timer);
  },
  random: Math.random,
};

export class LiveSocket {
  private socket: WebSocket | null = null;
  private position: { epoch: string; offset: string } | null = null;
  private readonly seen = new Set<string>();
  private state: LiveState = "connecting";
  private failures = 0;
  private retryAfterMs: number | null = null;
  private timer: number | null = null;
  private stopped = true;

  private readonly listener: Listener;
  private readonly around: Surroundings;

  constructor(listener: Listener, around: Surroundings = BROWSER) {
    this.listener = listener;
    this.around = around;
  }

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
  }

  /** The computer woke up, the network came back or the page is looked at again: find out now. */
  check(): void {
    if (this.stopped) return;
    if (this.socket === null) {
      this.failures = 0;
      this.connect();
    } else {
      this.ping();
    }
  }

  private connect(): void {
    this.drop();
    this.tell(this.position === null ? "connecting" : "catching-up");
    const socket = this.around.open();
    this.socket = socket;
    this.expectAnswer();
    socket.onopen = () => {
      const since = this.position;
      socket.send(JSON.stringify({ type: "subscribe", subscription: {}, ...(since && { since }) }));
    };
    socket.onmessage = (message: MessageEvent<unknown>) => {
      if (this.socket === socket && typeof message.data === "string") this.hear(message.data);
    };
    socket.onclose = ({ code }) => {
      if (this.socket === socket) this.lost(code);
    };
  }

  private hear(text: string): void {
    const message = JSON.parse(text) as ServerMessage;
    this.expectQuiet();
    switch (message.type) {
      case "subscribed":
        this.position = { epoch: message.epoch, offset: message.offset };
        this.failures = 0;
        if (message.recovered === false) this.listener.onGap();
        this.tell("live");
        break;
      case "event":
        this.position = { epoch: message.epoch, offset: message.offset };
        this.giveOut(message);
        break;
      case "dropped":
        this.listener.onGap();
        break;
      case "disconnect":
        this.retryAfterMs = message.reconnect_after_ms;
        break;
      case "error":
        if (message.code.startsWith("AUTH_")) this.listener.onSignedOut();
        break;
      case "auth_response":
        if (!message.success) this.listener.onSignedOut();
        break;
      case "pong":
        break;
    }
  }

  /** Delivery is at least once: an event that came before, by its id, is not told again. */
  private giveOut(event: LiveEvent): void {
    if (this.seen.has(event.event_id)) return;
    this.seen.add(event.event_id);
    if (this.seen.size > REMEMBERED_EVENTS) {
      for (const oldest of this.seen) {
        this.seen.delete(oldest);
        break;
      }
    }
    this.listener.onEvent(event);
  }

  private lost(code: number): void {
    this.drop();
    this.tell("offline");
    if (code === SIGNED_OUT_CODE) {
      this.stopped = true;
      this.listener.onSignedOut();
    }
    if (this.stopped) return;
    const backOffMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.failures, 10));
    const waitMs = this.retryAfterMs ?? backOffMs * (0.5 + this.around.random() / 2);
    this.failures += 1;
    this.retryAfterMs = null;
    this.setTimer(() => {
      this.connect();
    }, waitMs);
  }

  /** A socket whose computer slept looks open for minutes; only an answer shows that it is. */
  private ping(): void {
    if (this.socket?.readyState !== 1) return;
    this.socket.send('{"type":"ping"}');
    this.expectAnswer();
  }

  private expectAnswer(): void {
    this.setTimer(() => {
      this.socket?.close();
      this.lost(0);
    }, ANSWER_MS);
  }

  private expectQuiet(): void {
    this.setTimer(() => {
      this.ping();
    }, PING_EVERY_MS);
  }

  private setTimer(run: () => void, ms: number): void {
    if (this.timer !== null) this.around.clearTimer(this.timer);
    this.timer = this.around.setTimer(run, ms);
  }

  private drop(): void {
    if (this.timer !== null) this.around.clearTimer(this.timer);
    this.timer = null;
    const socket = this.socket;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private tell(state: LiveState): void {
    if (state === this.state) return;
    this.state = state;
    this.listener.onState(state);
  }
}
