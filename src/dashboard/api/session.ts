import { read, send } from "./http";
import type { Me } from "./types";

const SESSION = "/api/v1/session";

export function fetchMe(signal: AbortSignal): Promise<Me> {
  return read<Me>("/api/v1/me", signal);
}

export function signIn(token: string): Promise<void> {
  return send(SESSION, { method: "POST", body: { token } });
}

export function signOut(csrfToken: string | null): Promise<void> {
  return send(SESSION, { method: "DELETE", csrfToken });
}
