// The one place that talks to the hub. Paths are relative: the dashboard only ever speaks to its own origin.
import { decodeFailure, unreachable } from "../utilities/failure";

interface Send {
  method: "POST" | "PUT" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Tagged<T> {
  value: T;
  /** The entity tag that a later write is conditional on. */
  etag: string | null;
}

// A write with the session's cookie proves with it that one of our own pages made it.
let csrfToken: string | null = null;

export function rememberCsrfToken(token: string | null): void {
  csrfToken = token;
}

async function request(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...init });
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "AbortError") throw thrown;
    throw unreachable();
  }
  if (!response.ok) throw decodeFailure(response.status, await response.text(), response.headers);
  return response;
}

async function get(path: string, signal?: AbortSignal): Promise<Response> {
  return request(path, { headers: { Accept: "application/json" }, ...(signal && { signal }) });
}

export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await get(path, signal)).json()) as T;
}

export async function readTagged<T>(path: string, signal?: AbortSignal): Promise<Tagged<T>> {
  const response = await get(path, signal);
  return { value: (await response.json()) as T, etag: response.headers.get("ETag") };
}

async function transmit(path: string, { method, body, headers: more, signal }: Send): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...more };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrfToken) headers["X-CSRF-Token"] = csrfToken;
  return request(path, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
}

export async function send(path: string, options: Send): Promise<void> {
  await transmit(path, options);
}

export async function sendAndRead<T>(path: string, options: Send): Promise<T> {
  return (await (await transmit(path, options)).json()) as T;
}

/** A query string, with its question mark; null, undefined and empty lists are left out. */
export function queryOf(parameters: Record<string, string | number | readonly string[] | null | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || value === undefined) continue;
    if (typeof value === "object") for (const one of value) query.append(name, one);
    else query.set(name, String(value));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}
