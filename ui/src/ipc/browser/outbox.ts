/**
 * Messages on their way to the gateway: each arrives once, whatever the connection does.
 *
 * A message keeps its key through every attempt, and one whose answer was cut off is looked for in
 * the history before it is sent again. One is under way at a time, which keeps the order. What is
 * not sent yet, and what the composer holds, outlive a reload of the page.
 */
import type { ChatDraft, UiError, UnsentView } from "..";
import { isSameSession } from "../../lib/session-keys";
import { holdsMessage } from "./conversations";
import { type Json, at, isObject, listAt, textAt } from "./json";
import { NoAnswer, Refusal, problemOf } from "./refusal";

/** Messages that may wait at a time. */
const MOST_QUEUED = 500;
/** How much of a history is looked through for a message in doubt. */
const LOOK_BACK = 200;
/** The gateway asked for patience: how long it gets where it does not say. */
const PATIENCE_MS = 1_000;
const KEPT_AS = "openclaw.unsent";

/** A message; a page knows one gateway. */
export type Message = Omit<ChatDraft, "gateway">;

/** The part of a session that is used. */
export interface Calls {
  call(method: string, params: Json): Promise<unknown>;
  close(): void;
}

export interface OutboxEvents {
  accepted(draft: Message): void;
  refused(draft: Message, problem: UiError): void;
}

interface Entry {
  readonly draft: Message;
  /** It may have arrived already. */
  inDoubt: boolean;
  /** Why it was refused; such a message waits for its user. */
  problem: UiError | null;
}

/** What outlives a reload. */
interface Kept {
  drafts: [string, string][];
  entries: Entry[];
}

export class Outbox {
  #entries: Entry[];
  /** What was being written, by the key of the conversation. */
  #drafts: [string, string][];
  #session: Calls | null = null;
  #working = false;
  readonly #events: OutboxEvents;
  readonly #storage: Pick<Storage, "getItem" | "setItem">;

  constructor(events: OutboxEvents, storage: Pick<Storage, "getItem" | "setItem">) {
    this.#events = events;
    this.#storage = storage;
    const kept = read(storage);
    this.#entries = kept.entries;
    this.#drafts = kept.drafts;
  }

  /** Takes a message; returns why not where there is no room. */
  send(draft: Message): UiError | null {
    if (this.#entries.length >= MOST_QUEUED) {
      const message = `This message was not taken: ${MOST_QUEUED} wait already.`;
      return { code: "tooMuchWaits", message, action: null };
    }
    this.#entries = this.#entries.filter(({ draft: { key } }) => key !== draft.key);
    this.#entries.push({ draft, inDoubt: false, problem: null });
    this.#keep();
    void this.#work();
    return null;
  }

  /** A session can be used from now on. */
  sessionUp(session: Calls): void {
    this.#session = session;
    void this.#work();
  }

  sessionDown(): void {
    this.#session = null;
  }

  /** Takes a message back that was never sent; returns whether it was. */
  withdraw(key: string): boolean {
    const entry = this.#entries.find(({ draft }) => draft.key === key);
    if (entry === undefined || entry.inDoubt) return false;
    this.forget(key);
    return true;
  }

  forget(key: string): void {
    this.#entries = this.#entries.filter(({ draft }) => draft.key !== key);
    this.#keep();
  }

  keepDraft(sessionKey: string, text: string): void {
    this.#drafts = this.#drafts.filter(([key]) => !isSameSession(key, sessionKey));
    if (text !== "") this.#drafts.push([sessionKey, text]);
    this.#keep();
  }

  /** What was written in a conversation and the gateway does not have yet. */
  unsent(sessionKey: string): UnsentView {
    const messages = this.#entries
      .filter(({ draft }) => isSameSession(draft.sessionKey, sessionKey))
      .map(({ draft, problem }) => ({ ...draft, problem }));
    const draft = this.#drafts.find(([key]) => isSameSession(key, sessionKey));
    return { draft: draft?.[1] ?? "", messages };
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      for (;;) {
        const session = this.#session;
        const entry = this.#entries.find(({ problem }) => problem === null);
        if (session === null || entry === undefined) return;
        await this.#deliver(session, entry);
      }
    } finally {
      this.#working = false;
    }
  }

  async #deliver(session: Calls, entry: Entry): Promise<void> {
    const { sessionKey, text: message, key } = entry.draft;
    try {
      if (entry.inDoubt) {
        const history = await session.call("chat.history", { sessionKey, limit: LOOK_BACK });
        if (holdsMessage(history, key)) return this.#accepted(entry);
      }
      entry.inDoubt = true;
      this.#keep();
      await session.call("chat.send", { sessionKey, message, idempotencyKey: key });
      this.#accepted(entry);
    } catch (error) {
      // The next session looks for it; this one has had its chance.
      if (error instanceof NoAnswer) {
        this.#session = null;
        return session.close();
      }
      if (error instanceof Refusal && error.retryable) {
        const ms = error.retryAfterMs ?? PATIENCE_MS;
        return new Promise((resolve) => setTimeout(resolve, ms));
      }
      entry.problem = problemOf(error);
      this.#keep();
      this.#events.refused(entry.draft, entry.problem);
    }
  }

  #accepted(entry: Entry): void {
    this.forget(entry.draft.key);
    this.#events.accepted(entry.draft);
  }

  #keep(): void {
    const entries = this.#entries.map(({ draft, problem }) => ({ draft, problem }));
    try {
      this.#storage.setItem(KEPT_AS, JSON.stringify({ drafts: this.#drafts, entries }));
    } catch {
      // Storage may be full or forbidden: then a reload loses what was not sent.
    }
  }
}

function read(storage: Pick<Storage, "getItem">): Kept {
  let kept: unknown = null;
  try {
    kept = JSON.parse(storage.getItem(KEPT_AS) ?? "null");
  } catch {
    // What cannot be read was not written by this version.
  }
  const entries = listAt(kept, "entries").flatMap((entry): Entry[] => {
    const [sessionKey, text, key] = ["sessionKey", "text", "key"].map((name) =>
      textAt(entry, "draft", name),
    );
    if (sessionKey == null || text == null || key == null) return [];
    const problem = at(entry, "problem");
    const message = textAt(problem, "message");
    const code = textAt(problem, "code") ?? "";
    return [
      {
        draft: { sessionKey, text, key },
        inDoubt: true,
        problem: isObject(problem) && message !== null ? { code, message, action: null } : null,
      },
    ];
  });
  const drafts = listAt(kept, "drafts").flatMap((draft): Kept["drafts"] => {
    const [key, text] = Array.isArray(draft) ? (draft as unknown[]) : [];
    return typeof key === "string" && typeof text === "string" ? [[key, text]] : [];
  });
  return { drafts, entries };
}
