/** What of the things that happened a history holds already: by key, by run, and by text and order where there are no keys. */
import type { ChatMessageView } from "../../ipc";
import type { EndedEntry, SendEntry, TailEntry, Timeline } from "./timeline";

/**
 * Whether the history holds this text as this run's reply, perhaps does, holds another text of the
 * run, or nothing of it. In doubt nothing is shown twice, and the history is asked.
 */
export function isInHistory(
  timeline: Timeline,
  runId: string,
  text: string,
): "same" | "perhaps" | "other" | "none" {
  const isSame = (message: ChatMessageView) => message.text.trim() === text.trim();
  const replies = timeline.history.filter(
    (message) => message.role === "assistant" && isSpoken(message),
  );
  const ofRun = replies.filter((message) => message.runId === runId);
  if (ofRun.some(isSame)) return "same";
  if (ofRun.length > 0) return "other";
  // Gateways of wire version 3 store no run: there it is known by its words, unless its question
  // is still on its way.
  const asks = timeline.tail.some((entry) => entry.kind === "send" && entry.key === runId);
  if (asks) return "none";
  const alike = replies.filter((message) => message.runId === null && isSame(message)).at(-1);
  if (alike === undefined) return "none";
  return timeline.history.filter(isSpoken).at(-1) === alike ? "same" : "perhaps";
}

/**
 * Leaves out the sends that the history holds, by key, or by text and order where it has no keys;
 * and those the gateway took but does not keep, such as commands, once it holds a later one.
 */
export function openEntries(
  tail: readonly TailEntry[],
  history: readonly ChatMessageView[],
): TailEntry[] {
  const keys = new Set(history.map(keyOf));
  const taken = new Map<string, number>();
  const open: TailEntry[] = [];
  for (const entry of tail) {
    if (entry.kind !== "send") {
      open.push(entry);
      continue;
    }
    const match = keys.has(entry.key) ? -1 : matchByText(entry, history, taken);
    if (!keys.has(entry.key) && match === null) {
      // None of those that are there is this one, so that only a later one can be.
      open.push({ ...entry, sameTextBefore: unkeyed(history, entry.text).length });
      continue;
    }
    if (match !== null && match >= 0) taken.set(entry.text, match + 1);
    const kept = open.filter((other) => other.kind !== "send" || other.state !== "accepted");
    open.splice(0, open.length, ...kept);
  }
  return open;
}

/** A server's clock may be off by this much when a message without a key is recognised by time. */
const CLOCK_TOLERANCE_MS = 120_000;

/** The place of a send among the messages of its text that carry no key; `null` when it has none. */
function matchByText(
  entry: SendEntry,
  history: readonly ChatMessageView[],
  taken: ReadonlyMap<string, number>,
): number | null {
  if (entry.state === "refused") return null;
  const first = Math.max(entry.sameTextBefore ?? 0, taken.get(entry.text) ?? 0);
  const match = unkeyed(history, entry.text).findIndex((message, index) => {
    if (index < first) return false;
    if (entry.sameTextBefore !== null) return true;
    return message.atMs !== null && message.atMs >= entry.atMs - CLOCK_TOLERANCE_MS;
  });
  return match < 0 ? null : match;
}

/** Whether a stopped or failed reply is still the latest thing, and not in the history itself. */
export function isLastWord(
  entry: EndedEntry,
  history: readonly ChatMessageView[],
  open: readonly TailEntry[],
): boolean {
  if (history.some(({ role, runId }) => role === "assistant" && runId === entry.runId))
    return false;
  if (open.some((other) => other.kind === "send" && other.key === entry.runId)) return true;
  const last = history.filter(isSpoken).at(-1);
  if (last?.role !== "user") return false;
  const key = keyOf(last);
  return key === null || key === entry.runId;
}

/** The messages of a history with this text that no key tells apart. */
export function unkeyed(history: readonly ChatMessageView[], text: string): ChatMessageView[] {
  return history.filter(
    (message) => message.role === "user" && message.key === null && message.text === text,
  );
}

/** The gateway stores a user message under `<key>:user`. */
export function keyOf(message: ChatMessageView): string | null {
  if (message.role !== "user" || message.key === null) return null;
  return message.key.endsWith(":user") ? message.key.slice(0, -":user".length) : message.key;
}

/** Whether words were said; an answer may be nothing but the call of a tool. */
function isSpoken({ role, text }: ChatMessageView): boolean {
  return role === "user" || (role === "assistant" && text.trim() !== "");
}
