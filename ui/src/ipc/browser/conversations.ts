/**
 * Conversations on their way to the screen: what the gateway tells becomes the numbered updates and
 * the histories that the timeline is made of. The same rules as in the desktop app; no I/O here.
 */
import type {
  ChatChange,
  ChatHistoryView,
  ChatMessageView,
  ChatPageView,
  ChatRole,
  ChatUpdate,
  FileView,
  InFlightView,
  ToolView,
  UiError,
} from "..";
import { isSameSession } from "../../lib/session-keys";
import { boundPictures, detailOf, heldBy, updatedTool } from "./content";
import { at, isObject, listAt, numberAt, textAt } from "./json";

const MAIN_SESSION = "main";
/** A second ending of a run follows the first within a second or two. */
const ENDINGS_KEPT = 256;
/** What the gateway appends to a run's id to make the key of the message that started it. */
const USER_SUFFIX = ":user";

interface Run {
  readonly sessionKey: string;
  text: string;
  reasoning: string | null;
  tools: ToolView[];
}

export class Conversations {
  #number = 0;
  readonly #shown = new Set<string>();
  readonly #goingOn = new Map<string, Run>();
  #ended: string[] = [];

  /** Takes the payload of a chat event; `null` when it says nothing new. */
  event(payload: unknown): ChatUpdate | null {
    const runId = textAt(payload, "runId");
    // Nothing follows the first ending of a run.
    if (runId === null || this.#ended.includes(runId)) return null;
    let run = this.#goingOn.get(runId);
    if (run === undefined) {
      // One that names no conversation is dropped: guessing could show it in the wrong place.
      const sessionKey = textAt(payload, "sessionKey");
      if (sessionKey === null) return null;
      run = { sessionKey, text: "", reasoning: null, tools: [] };
      this.#goingOn.set(runId, run);
    }
    const change = changeOf(payload, runId, run);
    if (change === null) return null;
    if (["final", "aborted", "failed"].includes(change.kind)) this.#end(runId);
    return this.#update(run.sessionKey, change);
  }

  /** Takes the payload of an agent event; `null` when it says nothing that is shown. */
  detail(payload: unknown, nowMs: number): ChatUpdate | null {
    const runId = textAt(payload, "runId");
    // Runs that the chat events have not begun say nothing about a conversation.
    const run = runId === null ? undefined : this.#goingOn.get(runId);
    const detail = detailOf(payload);
    if (runId === null || run === undefined || detail === null) return null;
    switch (detail.kind) {
      case "reasoning":
        run.reasoning = detail.text;
        return this.#update(run.sessionKey, { kind: "reasoning", runId, text: detail.text });
      case "retrying": {
        const { attempt, most, delayMs } = detail;
        const atMs = nowMs + delayMs;
        return this.#update(run.sessionKey, { kind: "retrying", runId, attempt, most, atMs });
      }
      case "tool": {
        const known = run.tools.find(({ id }) => id === detail.tool.id);
        const tool = known === undefined ? detail.tool : updatedTool(known, detail.tool);
        if (known !== undefined && JSON.stringify(known) === JSON.stringify(tool)) return null;
        run.tools =
          known === undefined
            ? [...run.tools, tool]
            : run.tools.map((other) => (other === known ? tool : other));
        return this.#update(run.sessionKey, { kind: "tool", runId, tool });
      }
    }
  }

  /** Returns an answer to `chat.message.get` as shown; `null` where the gateway does not have it. */
  message(payload: unknown): ChatMessageView | null {
    const message = isObject(payload) ? payload["message"] : undefined;
    return isObject(message) ? messageView(message) : null;
  }

  queued = (sessionKey: string, key: string, text: string, files: FileView[]) =>
    this.#update(sessionKey, { kind: "queued", key, text, files });

  accepted = (sessionKey: string, key: string) =>
    this.#update(sessionKey, { kind: "accepted", key });

  refused = (sessionKey: string, key: string, problem: UiError) =>
    this.#update(sessionKey, { kind: "refused", key, problem });

  /** Says that what is shown may be stale: events were missed. */
  missed(): ChatUpdate[] {
    const shown = this.#shown.size === 0 ? [MAIN_SESSION] : [...this.#shown];
    return shown.map((sessionKey) => this.#update(sessionKey, { kind: "refetch" }));
  }

  /** Says that the connection was replaced: nothing streamed on the old one goes on. */
  reconnected(): ChatUpdate[] {
    this.#goingOn.clear();
    return this.missed();
  }

  /** Returns an answer to `chat.history` as shown. */
  history(sessionKey: string, payload: unknown): ChatHistoryView {
    const messages = boundPictures(listAt(payload, "messages").map(messageView));
    const keys = new Set(messages.map(({ key }) => key));
    for (const item of listAt(payload, "pendingInputs", "items")) {
      if (!isObject(item) || !isObject(item["message"])) continue;
      const waiting = messageView(item["message"]);
      const key = waiting.key ?? textAt(item, "runId");
      if (!keys.has(key)) messages.push({ ...waiting, key });
    }
    this.#shown.add(sessionKey);
    const inFlight = this.#inFlight(sessionKey, payload);
    const earlier = earlierOf(payload);
    return { sessionKey, asOf: this.#number, messages, inFlight, earlier, keptAtMs: null };
  }

  /** Returns the messages before those of a history, as shown. */
  page(payload: unknown): ChatPageView {
    const messages = boundPictures(listAt(payload, "messages").map(messageView));
    return { messages, earlier: earlierOf(payload) };
  }

  #inFlight(sessionKey: string, payload: unknown): InFlightView | null {
    const told = textAt(payload, "inFlightRun", "runId");
    if (told !== null && !this.#ended.includes(told) && !this.#goingOn.has(told)) {
      const text = textAt(payload, "inFlightRun", "text") ?? "";
      this.#goingOn.set(told, { sessionKey, text, reasoning: null, tools: [] });
    }
    for (const [runId, run] of this.#goingOn) {
      if (!isSameSession(sessionKey, run.sessionKey)) continue;
      return { runId, text: run.text, reasoning: run.reasoning, tools: run.tools };
    }
    return null;
  }

  #end(runId: string): void {
    this.#goingOn.delete(runId);
    this.#ended = [...this.#ended, runId].slice(-ENDINGS_KEPT);
  }

  #update(sessionKey: string, change: ChatChange): ChatUpdate {
    this.#number += 1;
    return { number: this.#number, sessionKey, change };
  }
}

/** Whether a history holds, or will hold, the message that was sent with this key. */
export function holdsMessage(payload: unknown, key: string): boolean {
  return (
    textAt(payload, "inFlightRun", "runId") === key ||
    listAt(payload, "messages").some((message) => sentAs(message) === key) ||
    listAt(payload, "pendingInputs", "items").some((item) => textAt(item, "runId") === key)
  );
}

function changeOf(payload: unknown, runId: string, run: Run): ChatChange | null {
  const message = isObject(payload) ? payload["message"] : undefined;
  const whole = isObject(message) ? textOf(message) : null;
  const last = () => (whole ?? "") || run.text || null;
  switch (textAt(payload, "state")) {
    case "status":
      return { kind: "status", runId, phase: textAt(payload, "phase") ?? "" };
    case "delta": {
      const growth = textAt(payload, "deltaText") ?? "";
      const replaces = isObject(payload) && payload["replace"] === true;
      const text = whole ?? (replaces ? growth : run.text + growth);
      if (text === run.text) return null;
      run.text = text;
      return { kind: "delta", runId, text };
    }
    case "final": {
      const text = last();
      if (text === null) return { kind: "final", runId, message: null };
      const stored = isObject(message) ? messageView(message) : null;
      const [id, atMs] = [stored?.id ?? null, stored?.atMs ?? null];
      const held = stored ?? heldBy(undefined);
      const said = { ...held, id, role: "assistant" as const, text, atMs, key: null, runId };
      return { kind: "final", runId, message: said };
    }
    case "aborted":
      return { kind: "aborted", runId, text: last() };
    case "error":
      return { kind: "failed", runId, message: textAt(payload, "errorMessage") ?? "" };
    default:
      return null;
  }
}

function messageView(message: unknown): ChatMessageView {
  const key = sentAs(message);
  return {
    id: textAt(message, "__openclaw", "id"),
    role: roleOf(textAt(message, "role")),
    text: textOf(message),
    atMs: numberAt(message, "timestamp"),
    key,
    runId: key ?? textAt(message, "__openclaw", "runId"),
    ...heldBy(message),
  };
}

/** Where the messages before these are. */
function earlierOf(payload: unknown): number | null {
  return at(payload, "hasMore") === true ? numberAt(payload, "nextOffset") : null;
}

function roleOf(role: string | null): ChatRole {
  switch (role) {
    case "user":
    case "assistant":
      return role;
    case "toolResult":
    case "tool":
      return "tool";
    default:
      return "system";
  }
}

/** The text of a message, whether it was stored as text or as parts. */
function textOf(message: unknown): string {
  const whole = textAt(message, "content");
  if (whole !== null) return whole;
  return listAt(message, "content")
    .filter((part) => textAt(part, "type") === "text")
    .map((part) => textAt(part, "text") ?? "")
    .join("");
}

/** The key a stored message was sent with. */
function sentAs(message: unknown): string | null {
  const key = textAt(message, "idempotencyKey") ?? textAt(message, "__openclaw", "idempotencyKey");
  return key?.endsWith(USER_SUFFIX) === true ? key.slice(0, -USER_SUFFIX.length) : null;
}
