/**
 * The conversation on the screen: feeds the reducer, fetches the history when it asks for it, and
 * sends. The composer's text lives here, so that leaving the page loses nothing; the app keeps it
 * too, because a closed window is taken down. Conversations that were shown lately are kept current,
 * so that going back to one shows it at once.
 */
import type { Backend, ChatUpdate, UiError } from "../ipc";
import { isSameSession } from "../lib/session-keys";
import { randomUuid } from "../lib/uuid";
import {
  activeRuns,
  emptyTimeline,
  queuedCount,
  reduce,
  rows,
  type Timeline,
  type TimelineInput,
} from "./chat-timeline";

/** How long to wait before a history that could not be read is asked for again. */
const READ_AGAIN_MS = 3_000;

/** How long to wait when more was missed while the history was on its way. */
const NEWER_MS = 200;

/** As many conversations are kept current beside the one that is shown. */
const MOST_KEPT = 8;

/** The conversation everybody has, until the app has said which is shown. */
const MAIN_SESSION = "main";

/** A conversation that was shown before. */
interface Kept {
  timeline: Timeline;
  draft: string;
}

export class ChatState {
  /** Why the history could not be read. */
  problem = $state.raw<UiError | null>(null);

  /** Whose conversation it is; empty until the app has told. */
  #gateway = "";
  #draft = $state("");
  #timeline = $state.raw(emptyTimeline(MAIN_SESSION));
  /** Grows when another conversation is shown: what was asked about the one before is nobody's any more. */
  #place = 0;
  /** The one that was shown last at the end. */
  #kept: Kept[] = [];
  #online = false;
  #reading = false;
  #again: ReturnType<typeof setTimeout> | undefined;
  readonly #backend: Backend;
  readonly #failed: string;

  /** `failed` is said when the app could not be asked at all. */
  constructor(backend: Backend, failed: string) {
    this.#backend = backend;
    this.#failed = failed;
  }

  readonly rows = $derived(rows(this.#timeline));
  readonly runs = $derived(activeRuns(this.#timeline));
  readonly queued = $derived(queuedCount(this.#timeline));
  readonly loaded = $derived(this.#timeline.loaded);
  /** The key of the conversation that is shown. */
  readonly sessionKey = $derived(this.#timeline.sessionKey);

  get draft(): string {
    return this.#draft;
  }

  set draft(text: string) {
    this.#draft = text;
    void this.#backend.commands.keepDraft(this.#gateway, this.sessionKey, text);
  }

  /** Takes over which gateway is in use and which of its conversations is shown. */
  show(gateway: string, sessionKey: string): void {
    if (gateway === this.#gateway && isSameSession(this.sessionKey, sessionKey)) {
      // Its full name is learnt with the connection; it is the same one.
      if (this.sessionKey !== sessionKey) this.#timeline = { ...this.#timeline, sessionKey };
      return;
    }
    if (gateway !== this.#gateway) this.#kept = [];
    else this.#keep();
    this.#place += 1;
    this.#gateway = gateway;
    clearTimeout(this.#again);
    this.problem = null;
    this.#reading = false;
    const known = this.#kept.find(({ timeline }) => timeline.sessionKey === sessionKey);
    this.#kept = this.#kept.filter((kept) => kept !== known);
    this.#timeline = known?.timeline ?? emptyTimeline(sessionKey);
    this.#draft = known?.draft ?? "";
    if (known === undefined) void this.#restore();
    void this.#catchUp();
  }

  #keep(): void {
    this.#kept.push({ timeline: this.#timeline, draft: this.#draft });
    this.#kept = this.#kept.slice(-MOST_KEPT);
  }

  /** Takes over what was written in a window that is gone and has not been sent. */
  async #restore(): Promise<void> {
    const place = this.#place;
    const problem = await this.#ask(async () => {
      const answer = await this.#backend.commands.unsent(this.sessionKey);
      if (answer.status === "ok" && place === this.#place) {
        for (const message of answer.data.messages) this.#dispatch({ type: "restore", message });
        // Somebody may have begun to write meanwhile.
        if (this.#draft === "") this.#draft = answer.data.draft;
      }
      return answer;
    });
    if (problem !== null && place === this.#place) this.problem = problem;
  }

  receive(update: ChatUpdate): void {
    this.#everywhere({ type: "update", update });
    void this.#catchUp();
  }

  /** Takes over whether the gateway can be asked. */
  setOnline(online: boolean): void {
    this.#online = online;
    if (!online) {
      clearTimeout(this.#again);
      this.problem = null;
    }
    void this.#catchUp();
  }

  /** Reads the history again after it could not be read. */
  readAgain = () => void this.#catchUp();

  /** Sends the composer's text. */
  sendDraft(): void {
    const text = this.draft.trim();
    if (text === "") return;
    this.draft = "";
    void this.send(text);
  }

  async send(text: string): Promise<void> {
    const key = randomUuid();
    this.#dispatch({ type: "send", key, text, atMs: Date.now() });
    const problem = await this.#ask(() =>
      this.#backend.commands.sendChat({
        gateway: this.#gateway,
        sessionKey: this.sessionKey,
        text,
        key,
      }),
    );
    // It may be told about a conversation that is no longer shown: its key says which.
    if (problem !== null) this.#everywhere({ type: "sendFailed", key, problem });
  }

  /** Sends a refused message again, with a key of its own: the old one may be answered from memory. */
  retrySend(key: string, text: string): void {
    this.#forget(key);
    void this.send(text);
  }

  /** Puts a refused message back into the composer. */
  editSend(key: string, text: string): void {
    this.#forget(key);
    this.draft = this.draft.trim() === "" ? text : `${text}\n\n${this.draft}`;
  }

  /** Asks a failed reply's question again. */
  retryRun(runId: string, text: string): void {
    this.#dispatch({ type: "forgetRun", runId });
    void this.send(text);
  }

  /** Stops what the agent is doing here. */
  async stop(): Promise<void> {
    const [only, ...others] = this.runs;
    const runId = only !== undefined && others.length === 0 ? only : null;
    this.problem = await this.#ask(() => this.#backend.commands.abortChat(this.sessionKey, runId));
  }

  #forget(key: string): void {
    this.#dispatch({ type: "forgetSend", key });
    void this.#backend.commands.forgetMessage(key);
  }

  async #catchUp(): Promise<void> {
    if (this.#reading || !this.#online || !this.#timeline.needsHistory) return;
    clearTimeout(this.#again);
    this.#reading = true;
    const place = this.#place;
    const problem = await this.#ask(async () => {
      const answer = await this.#backend.commands.chatHistory(this.sessionKey);
      if (answer.status === "ok" && place === this.#place)
        this.#dispatch({ type: "history", view: answer.data });
      return answer;
    });
    if (place !== this.#place) return;
    this.#reading = false;
    this.problem = this.#online ? problem : null;
    if (this.#online && this.#timeline.needsHistory) {
      this.#again = setTimeout(
        () => void this.#catchUp(),
        problem === null ? NEWER_MS : READ_AGAIN_MS,
      );
    }
  }

  async #ask(
    command: () => Promise<{ status: "ok" } | { status: "error"; error: UiError }>,
  ): Promise<UiError | null> {
    try {
      const answer = await command();
      return answer.status === "ok" ? null : answer.error;
    } catch {
      return { code: "ipc", message: this.#failed, action: null };
    }
  }

  /** What is about some conversation, whether it is shown or not. */
  #everywhere(input: TimelineInput): void {
    this.#dispatch(input);
    for (const kept of this.#kept) kept.timeline = reduce(kept.timeline, input);
  }

  #dispatch(input: TimelineInput): void {
    this.#timeline = reduce(this.#timeline, input);
  }
}
