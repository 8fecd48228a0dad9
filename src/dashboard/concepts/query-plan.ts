// A plan in words.
import { listed } from "../utilities/formats";

const NAMED = 5;

/** Who is asked a part of a query: everybody in one word, a few by name, and of many the first. */
export function askedOf(asked: readonly string[], answering: number): string {
  if (asked.length === 0) return "nobody";
  if (asked.length === answering && asked.length === 2) return "both clusters";
  if (asked.length === answering && asked.length > 1) return `all ${asked.length} clusters`;
  if (asked.length <= NAMED) return listed(asked);
  return `${asked.slice(0, NAMED).join(", ")} and ${asked.length - NAMED} more clusters`;
}
