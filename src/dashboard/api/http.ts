// The one place that talks to the hub. Paths are relative: the dashboard only ever speaks to its own origin.
import { decodeFailure, unreachable } from "../utilities/failure";

interface Send {
  method: "POST" | "PUT" | "DELETE";
  body?: unknown;
  csrfToken?: string | null;
  signal?: AbortSignal;
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

export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await request(path, { headers: { Accept: "application/json" }, ...(signal && { signal }) });
  return (await response.json()) as T;
}

async function transmit(path: string, { method, body, csrfToken, signal }: Send): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
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
  const response = await transmit(path, options);
  return (await response.json()) as T;
}
