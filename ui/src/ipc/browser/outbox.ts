/**
 * Messages on their way to the gateway: each arrives once, whatever the connection does.
 *
 * A message keeps its key through every attempt, and one whose answer was cut off is looked for in
 * the history before it is sent again. One is under way at a time, which keeps the order. What is
 * not sent yet, and what the composer holds, outlive a reload of the page.
 */
import type { ChatDraft, UiError, UnsentView } from "..";
import { isPicture } from "../../lib/attachments";
import { isSameSession } from "../../lib/session-keys";
import { holdsMessage } from "./conversations";
import type { FileKeep } from "./file-keep";
import { type Json, at, isObject, listAt, textAt } from "./json";
import { NoAnswer, Refusal, problemOf } from "./refusal";

/** Messages that may wait at a time. */
const MOST_QUEUED = 500;
/** How much their files may hold together, in characters of base64: 64 MiB of bytes. */
const MOST_QUEUED_FILES = (64 * 1024 * 1024 * 4) / 3;
/** How long an answer may take, and how much longer for each byte of files: they may go over a slow line. */
const SEND_MS = 30_000;
const MS_A_BYTE = 1 / 32;
/** How much of a history is looked through for a message in doubt. */
const LOOK_BACK = 200;
/** The gateway asked for patience: how long it gets where it does not say. */
const PATIENCE_MS = 1_000;
const KEPT_AS = "openclaw.unsent";

const FILES_WAIT: UiError = {
  code: "filesWait",
  message: "This message was not taken: the files that wait may hold 64 MB together.",
  action: null,
};
const FILES_LOST: UiError = {
  code: "filesLost",
  message: "Its files were lost when the page was loaded again. Attach them once more.",
  action: null,
};

/** A message; a page knows one gateway. */
export type Message = Omit<ChatDraft, "gateway">;

/** The part of a session that is used. */
export interface Calls {
  call(method: string, params: Json, limitMs?: number): Promise<unknown>;
  close(): void;
}

export interface OutboxEvents {
  accepted(draft: Message): void;
  refused(draft: Message, problem: UiError): void;
}

interface Entry {
  draft: Message;
  /** It may have arrived already. */
  inDoubt: boolean;
  /** Its files are still to be read from where they are kept. */
  unread: boolean;
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
  readonly #files: FileKeep;

  constructor(
    events: OutboxEvents,
    storage: Pick<Storage, "getItem" | "setItem">,
    files: FileKeep,
  ) {
    this.#events = events;
    this.#storage = storage;
    this.#files = files;
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
    const { key, attachments } = draft;
    if (attachments.length > 0) {
      const waiting = [...this.#entries.map((entry) => entry.draft), draft];
      const together = waiting.flatMap((one) => one.attachments.map(({ data }) => data.length));
      if (together.reduce((sum, length) => sum + length, 0) > MOST_QUEUED_FILES) return FILES_WAIT;
      // Where the browser refuses, they go out all the same, and only a reload loses them.
      void this.#files.put(key, attachments).catch(() => undefined);
    }
    this.#entries = this.#entries.filter((entry) => entry.draft.key !== key);
    this.#entries.push({ draft, inDoubt: false, unread: false, problem: null });
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
    const gone = this.#entries.find(({ draft }) => draft.key === key);
    this.#entries = this.#entries.filter((entry) => entry !== gone);
    this.#keep();
    if (gone !== undefined && (gone.unread || gone.draft.attachments.length > 0)) {
      void this.#files.remove(key).catch(() => undefined);
    }
  }

  keepDraft(sessionKey: string, text: string): void {
    this.#drafts = this.#drafts.filter(([key]) => !isSameSession(key, sessionKey));
    if (text !== "") this.#drafts.push([sessionKey, text]);
    this.#keep();
  }

  /** What was written in a conversation and the gateway does not have yet. */
  async unsent(sessionKey: string): Promise<UnsentView> {
    const ofSession = this.#entries.filter(({ draft }) =>
      isSameSession(draft.sessionKey, sessionKey),
    );
    for (const entry of ofSession) await this.#read(entry);
    const messages = ofSession.map(({ draft, problem }) => ({ ...draft, problem }));
    const draft = this.#drafts.find(([key]) => isSameSession(key, sessionKey));
    return { draft: draft?.[1] ?? "", messages };
  }

  /** Reads the files of a message that was written before a reload. Without them it is not the same message. */
  async #read(entry: Entry): Promise<void> {
    if (!entry.unread) return;
    const attachments = await this.#files.get(entry.draft.key).catch(() => null);
    if (!entry.unread) return;
    entry.unread = false;
    if (attachments === null) entry.problem ??= FILES_LOST;
    else entry.draft = { ...entry.draft, attachments: [...attachments] };
    this.#keep();
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
    await this.#read(entry);
    if (entry.problem !== null) return this.#events.refused(entry.draft, entry.problem);
    const { sessionKey, text: message, key, attachments } = entry.draft;
    try {
      if (entry.inDoubt) {
        const history = await session.call("chat.history", { sessionKey, limit: LOOK_BACK });
        if (holdsMessage(history, key)) return this.#accepted(entry);
      }
      entry.inDoubt = true;
      this.#keep();
      const files = attachments.map(({ name, mediaType, data }) => ({
        type: isPicture(mediaType) ? "image" : "file",
        mimeType: mediaType,
        fileName: name,
        content: data,
      }));
      const bytes = attachments.reduce((sum, { data }) => sum + data.length, 0);
      const params = { sessionKey, message, idempotencyKey: key };
      await session.call(
        "chat.send",
        files.length === 0 ? params : { ...params, attachments: files },
        SEND_MS + bytes * MS_A_BYTE,
      );
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
    const entries = this.#entries.map(({ draft, unread, problem }) => {
      const { sessionKey, text, key, attachments } = draft;
      const hasFiles = unread || attachments.length > 0;
      return { draft: { sessionKey, text, key }, hasFiles, problem };
    });
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
        draft: { sessionKey, text, key, attachments: [] },
        inDoubt: true,
        unread: at(entry, "hasFiles") === true,
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
