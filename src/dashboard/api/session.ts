import { read, rememberCsrfToken, send } from "./http";
import type { Me } from "./types";

const SESSION = "/api/v1/session";

export async function fetchMe(signal: AbortSignal): Promise<Me> {
  const me = await read<Me>("/api/v1/me", signal);
  rememberCsrfToken(me.csrf_token);
  return me;
}

export function signIn(token: string): Promise<void> {
  return send(SESSION, { method: "POST", body: { token } });
}

export function signOut(): Promise<void> {
  return send(SESSION, { method: "DELETE" });
}
