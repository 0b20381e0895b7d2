/**
 * The conversation on the screen: feeds the reducer, fetches the history when it asks for it, and
 * sends. The composer's text lives here, so that leaving the page loses nothing; the app keeps it
 * too, because a closed window is taken down. Conversations that were shown lately are kept current,
 * so that going back to one shows it at once.
 */
import type { AttachmentLimitsView, AttachmentView, Backend, ChatUpdate, UiError } from "../ipc";
import { type NotAttachable, USUAL_LIMITS, read, refusal } from "../lib/attachments";
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

/** Replies come in more pieces a second than a screen shows; each is drawn with those that follow. */
const FRAME_MS = 16;

/** How long to wait when more was missed while the history was on its way. */
const NEWER_MS = 200;

/** A message that was asked for whole. */
export interface WholeMessage {
  readonly reading?: boolean;
  readonly text?: string | undefined;
  readonly problem?: string | undefined;
}

/** As many conversations are kept current beside the one that is shown. */
const MOST_KEPT = 8;

/** The conversation everybody has, until the app has said which is shown. */
const MAIN_SESSION = "main";

/** A conversation that was shown before. */
interface Kept {
  timeline: Timeline;
  draft: string;
  attachments: readonly AttachmentView[];
}

export class ChatState {
  /** Why the history could not be read. */
  problem = $state.raw<UiError | null>(null);

  /** Messages that were asked for whole, by their ids. */
  whole = $state.raw<Readonly<Record<string, WholeMessage>>>({});
  /** Whether the messages before those that are shown are being read. */
  readingEarlier = $state(false);
  /** The files that go along with what is being written. */
  attachments = $state.raw<readonly AttachmentView[]>([]);
  /** Why a file was not taken. */
  attachmentProblem = $state.raw<NotAttachable | null>(null);
  /** How large files may be, as the gateway told. */
  limits: AttachmentLimitsView = USUAL_LIMITS;
  /** Grows when the composer is to have the keyboard. */
  focusWanted = $state(0);

  /** Whose conversation it is; empty until the app has told. */
  #gateway = "";
  #draft = $state("");
  #timeline = emptyTimeline(MAIN_SESSION);
  /** The conversation as it is drawn: pieces of a reply wait for one another here. */
  #shown = $state.raw(this.#timeline);
  #showing: ReturnType<typeof setTimeout> | undefined;
  /** Grows when another conversation is shown: what was asked about the one before is nobody's any more. */
  #place = 0;
  /** The one that was shown last at the end. */
  #kept: Kept[] = [];
  /** Whether the gateway can be asked; unknown until the app has told. */
  #online: boolean | null = null;
  /** The place for which what is kept was asked for last. */
  #keptFor = -1;
  #reading = false;
  #again: ReturnType<typeof setTimeout> | undefined;
  readonly #backend: Backend;
  readonly #failed: string;

  /** `failed` is said when the app could not be asked at all. */
  constructor(backend: Backend, failed: string) {
    this.#backend = backend;
    this.#failed = failed;
  }

  /** When what is shown was said, where it was kept on this computer. */
  readonly keptAtMs = $derived(this.#shown.keptAtMs);
  readonly rows = $derived(rows(this.#shown));
  readonly runs = $derived(activeRuns(this.#shown));
  readonly queued = $derived(queuedCount(this.#shown));
  readonly loaded = $derived(this.#shown.loaded);
  /** Whether the gateway has messages before those that are shown. */
  readonly hasEarlier = $derived(this.#shown.earlier !== null);
  /** The key of the conversation that is shown. */
  readonly sessionKey = $derived(this.#shown.sessionKey);

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
      if (this.sessionKey !== sessionKey) {
        this.#timeline = { ...this.#timeline, sessionKey };
        this.#show();
      }
      return;
    }
    if (gateway !== this.#gateway) this.#kept = [];
    else this.#keep();
    this.#place += 1;
    this.#gateway = gateway;
    clearTimeout(this.#again);
    this.problem = null;
    this.#reading = false;
    this.readingEarlier = false;
    const known = this.#kept.find(({ timeline }) => timeline.sessionKey === sessionKey);
    this.#kept = this.#kept.filter((kept) => kept !== known);
    this.#timeline = known?.timeline ?? emptyTimeline(sessionKey);
    this.#show();
    this.#draft = known?.draft ?? "";
    this.attachments = known?.attachments ?? [];
    this.attachmentProblem = null;
    if (known === undefined) void this.#restore();
    void this.#catchUp();
  }

  #keep(): void {
    const [draft, attachments] = [this.#draft, this.attachments];
    this.#kept.push({ timeline: this.#timeline, draft, attachments });
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

  /** Reads the messages before those that are shown. */
  async readEarlier(): Promise<void> {
    const { earlier, history } = this.#timeline;
    const before = history[0]?.id ?? null;
    if (earlier === null || this.readingEarlier || this.#online !== true) return;
    const place = this.#place;
    this.readingEarlier = true;
    const problem = await this.#ask(async () => {
      const answer = await this.#backend.commands.chatEarlier(this.sessionKey, earlier);
      if (answer.status === "ok" && place === this.#place)
        this.#dispatch({ type: "earlier", page: answer.data, before });
      return answer;
    });
    if (place !== this.#place) return;
    this.readingEarlier = false;
    if (this.#online) this.problem = problem;
  }

  /** Puts words of the conversation into the composer, as a quote to answer. */
  quote(words: string): void {
    const quoted = words.trim().replace(/^/gm, "> ");
    this.draft = `${quoted}\n\n${this.draft}`;
    this.focusWanted += 1;
  }

  /** Fetches a message whole that the history told only a part of. */
  async readWhole(id: string): Promise<void> {
    const place = this.#place;
    this.whole = { ...this.whole, [id]: { reading: true } };
    let text: string | undefined;
    const problem = await this.#ask(async () => {
      const answer = await this.#backend.commands.chatMessage(this.sessionKey, id);
      if (answer.status === "ok") text = answer.data.text;
      return answer;
    });
    if (place !== this.#place) return;
    this.whole = { ...this.whole, [id]: { text, problem: problem?.message } };
  }

  /** Takes files along, as far as the gateway takes them; what is there already stays. */
  async attach(files: Iterable<File>): Promise<void> {
    const place = this.#place;
    this.attachmentProblem = null;
    for (const file of files) {
      let problem = refusal(file, this.attachments, this.limits);
      if (problem === null) {
        try {
          const attachment = await read(file);
          if (place !== this.#place) return;
          // Others may have come while it was read.
          problem = refusal(file, this.attachments, this.limits);
          if (problem === null) this.attachments = [...this.attachments, attachment];
        } catch {
          problem = { code: "attachmentUnreadable", name: file.name, most: 0 };
        }
      }
      if (place === this.#place) this.attachmentProblem ??= problem;
    }
    if (place === this.#place) this.focusWanted += 1;
  }

  detach(index: number): void {
    this.attachments = this.attachments.filter((_, at) => at !== index);
    this.attachmentProblem = null;
  }

  forgetAttachmentProblem(): void {
    this.attachmentProblem = null;
  }

  /** Whether there is anything to send. */
  get hasDraft(): boolean {
    return this.#draft.trim() !== "" || this.attachments.length > 0;
  }

  /** Sends the composer's text and files. */
  sendDraft(): void {
    if (!this.hasDraft) return;
    const [text, attachments] = [this.draft.trim(), this.attachments];
    this.draft = "";
    this.attachments = [];
    this.attachmentProblem = null;
    void this.send(text, attachments);
  }

  async send(text: string, attachments: readonly AttachmentView[] = []): Promise<void> {
    const key = randomUuid();
    this.#dispatch({ type: "send", key, text, attachments, atMs: Date.now() });
    const problem = await this.#ask(() =>
      this.#backend.commands.sendChat({
        gateway: this.#gateway,
        sessionKey: this.sessionKey,
        text,
        key,
        attachments: [...attachments],
      }),
    );
    // It may be told about a conversation that is no longer shown: its key says which.
    if (problem !== null) this.#everywhere({ type: "sendFailed", key, problem });
  }

  /** Sends a refused message again, with a key of its own: the old one may be answered from memory. */
  retrySend(key: string, text: string, attachments: readonly AttachmentView[] = []): void {
    this.#forget(key);
    void this.send(text, attachments);
  }

  /**
   * Takes a message back that waits for the connection. It goes into an empty composer; next to something
   * else it would be in the way.
   */
  async cancelSend(
    key: string,
    text: string,
    attachments: readonly AttachmentView[] = [],
  ): Promise<void> {
    const problem = await this.#ask(() => this.#backend.commands.cancelMessage(key));
    // One that is on its way says so by itself, as delivered.
    if (problem !== null) return;
    this.#everywhere({ type: "forgetSend", key });
    if (this.hasDraft) return;
    this.draft = text;
    this.attachments = attachments;
  }

  /** Puts a refused message back into the composer. */
  editSend(key: string, text: string, attachments: readonly AttachmentView[] = []): void {
    this.#forget(key);
    this.attachments = [...attachments, ...this.attachments];
    this.draft = this.draft.trim() === "" ? text : `${text}\n\n${this.draft}`;
  }

  /** Asks a failed reply's question again. */
  retryRun(runId: string, text: string, attachments: readonly AttachmentView[] = []): void {
    this.#dispatch({ type: "forgetRun", runId });
    void this.send(text, attachments);
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

  /** Reads what was kept, for as long as the gateway cannot be asked. */
  async #readKept(): Promise<void> {
    const place = this.#place;
    const { sessionKey, loaded } = this.#timeline;
    if (loaded || this.#keptFor === place) return;
    this.#keptFor = place;
    await this.#ask(async () => {
      const answer = await this.#backend.commands.chatHistory(sessionKey);
      if (answer.status === "ok" && answer.data.keptAtMs !== null && place === this.#place)
        this.#dispatch({ type: "history", view: answer.data });
      return answer;
    });
  }

  async #catchUp(): Promise<void> {
    if (this.#online === null) return;
    if (!this.#online) return this.#readKept();
    if (this.#reading || !this.#timeline.needsHistory) return;
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
    const kind = input.type === "update" ? input.update.change.kind : null;
    if (kind === "delta" || kind === "reasoning")
      this.#showing ??= setTimeout(this.#show, FRAME_MS);
    else this.#show();
  }

  readonly #show = () => {
    clearTimeout(this.#showing);
    this.#showing = undefined;
    this.#shown = this.#timeline;
  };
}
