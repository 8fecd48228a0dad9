// One shape for everything that can go wrong with a request, with the hub's own words where it spoke.

interface FailureParts {
  status: number;
  code: string;
  message: string;
  traceId: string | null;
  retryAfterS: number | null;
}

/** `status` is 0 when no answer came at all. */
export class Failure extends Error {
  readonly status: number;
  readonly code: string;
  readonly traceId: string | null;
  readonly retryAfterS: number | null;

  constructor({ status, code, message, traceId, retryAfterS }: FailureParts) {
    super(message);
    this.name = "Failure";
    this.status = status;
    this.code = code;
    this.traceId = traceId;
    this.retryAfterS = retryAfterS;
  }

  get forbidden(): boolean {
    return this.status === 403;
  }

  get signedOut(): boolean {
    return this.status === 401;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Reads the contract's error envelope; what is not one (a proxy's page, an empty body) is told as such. */
export function decodeFailure(status: number, body: string, headers: Headers): Failure {
  let error: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (isRecord(parsed) && isRecord(parsed["error"])) error = parsed["error"];
  } catch {
    error = {};
  }
  const seconds = Number.parseInt(headers.get("Retry-After") ?? "", 10);
  return new Failure({
    status,
    code: text(error["code"]) ?? `HTTP_${status}`,
    message: text(error["message"]) ?? `The hub, or something in front of it, answered ${status} without an explanation.`,
    traceId: text(error["trace_id"]),
    retryAfterS: Number.isNaN(seconds) ? null : seconds,
  });
}

/** Anything thrown, as a Failure. */
export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Failure({ status: 0, code: "UNEXPECTED", message, traceId: null, retryAfterS: null });
}

export function unreachable(): Failure {
  return new Failure({
    status: 0,
    code: "HUB_UNREACHABLE",
    message: "The hub does not answer. Check that it is running and that this computer is connected.",
    traceId: null,
    retryAfterS: null,
  });
}
