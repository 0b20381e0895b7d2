/**
 * How a conversation becomes rows: a pure reducer over the gateway's history, the numbered updates
 * that follow it, and what was sent from this window. No clock, no I/O.
 *
 * The history is the truth. What has happened since it was read is kept in `tail`, in the order in
 * which it was seen, and is dropped as soon as a newer history says it. Updates are numbered
 * without holes over all sessions; a hole means that something was missed, and the history is asked
 * for again. Until it comes, updates wait, except news about our own sends, which is keyed and may
 * be applied twice.
 */
import type {
  AttachmentView,
  ChatHistoryView,
  ChatMessageView,
  ChatPageView,
  ChatUpdate,
  FileView,
  ImageView,
  ToolView,
  UiError,
  UnsentMessageView,
} from "../ipc";
import { filesOf, isPicture, picturesOf } from "../lib/attachments";
import { isSameSession } from "../lib/session-keys";

/** How far a message of ours has come. */
export type SendState = "sending" | "queued" | "accepted" | "refused";

interface SendEntry {
  readonly kind: "send";
  readonly key: string;
  readonly text: string;
  /** Its files, where it was sent from this window. */
  readonly attachments: readonly AttachmentView[];
  /** Its files by name, where it was sent from another. */
  readonly files: readonly FileView[];
  readonly atMs: number;
  readonly state: SendState;
  readonly problem: UiError | null;
  /**
   * How many messages with this text and without a key the history held when it was sent; `null`
   * when no history had been read. Gateways of wire version 3 store no key, so that there a message
   * of ours is recognised by its text and order alone.
   */
  readonly sameTextBefore: number | null;
}

/** What a run did beside its text, as far as we have heard. */
interface Work {
  readonly reasoning: string | null;
  readonly tools: readonly ToolView[];
}

interface RunEntry extends Work {
  readonly kind: "run";
  readonly runId: string;
  readonly text: string;
  readonly phase: string | null;
  readonly retry: Retry | null;
}

interface MessageEntry extends Work {
  readonly kind: "message";
  readonly message: ChatMessageView;
}

interface EndedEntry extends Work {
  readonly kind: "stopped" | "failed";
  readonly runId: string;
  readonly text: string;
  readonly reason: string;
}

type TailEntry = SendEntry | RunEntry | MessageEntry | EndedEntry;

/** A conversation as known here. */
export interface Timeline {
  readonly sessionKey: string;
  /** The number of the last update that is shown, by the history or by itself. */
  readonly asOf: number;
  /** Whether any history has been read. */
  readonly loaded: boolean;
  /** When the gateway said what is shown, where it was kept on this computer and not asked for since. */
  readonly keptAtMs: number | null;
  /** Whether the history must be asked for (again). */
  readonly needsHistory: boolean;
  readonly waiting: readonly ChatUpdate[];
  readonly history: readonly ChatMessageView[];
  /** What leads to the messages before the history; `null` where there are none, or none can be had. */
  readonly earlier: number | null;
  /** Whether messages were put before what a history tells; they stay for as long as they touch it. */
  readonly paged: boolean;
  readonly tail: readonly TailEntry[];
  /** Runs whose first terminal update was seen on this connection; what follows is ignored. */
  readonly ended: readonly string[];
}

/** What changes a timeline. */
export type TimelineInput =
  | { type: "history"; view: ChatHistoryView }
  /** `before` is the id of the message that stood first when the page was asked for. */
  | { type: "earlier"; page: ChatPageView; before: string | null }
  | { type: "update"; update: ChatUpdate }
  | {
      type: "send";
      key: string;
      text: string;
      atMs: number;
      attachments?: readonly AttachmentView[];
    }
  | { type: "sendFailed"; key: string; problem: UiError }
  | { type: "restore"; message: UnsentMessageView }
  | { type: "forgetSend"; key: string }
  | { type: "forgetRun"; runId: string };

/** One row as drawn. Its `id` stays the same from the echo over the stream to the history. */
export type Row =
  | {
      kind: "user";
      id: string;
      text: string;
      atMs: number | null;
      key: string | null;
      images: readonly ImageView[];
      files: readonly FileView[];
      /** Its files with their bytes, as long as it is to be seen whether it arrives. */
      attachments: readonly AttachmentView[];
      state: SendState | "delivered";
      problem: UiError | null;
    }
  | {
      kind: "assistant";
      id: string;
      text: string;
      atMs: number | null;
      images: readonly ImageView[];
      /** The message's id, where the gateway left out a part of it. */
      cutId: string | null;
      ending: Ending | null;
    }
  | {
      kind: "running";
      id: string;
      runId: string;
      text: string;
      phase: string | null;
      retry: Retry | null;
      /** Whether a tool is at work. */
      working: boolean;
    }
  /** What the agent did before it said something: thoughts and tools, in order. */
  | { kind: "work"; id: string; steps: readonly Step[]; live: boolean }
  | { kind: "note"; id: string; text: string; atMs: number | null };

/** A step of an agent's work. */
export type Step = { kind: "thought"; text: string } | { kind: "tool"; tool: ToolView };

/** A provider that did not answer and is asked again. */
export interface Retry {
  readonly attempt: number;
  /** 0 where that is not said. */
  readonly most: number;
  readonly atMs: number;
}

/** How a reply ended when it did not end well. */
export type Ending =
  | { kind: "stopped" }
  | {
      kind: "failed";
      runId: string;
      reason: string;
      retryText: string | null;
      retryFiles: readonly AttachmentView[];
    };

/** A late duplicate comes within a few runs; the list must not grow for ever. */
const ENDED_RUNS_KEPT = 64;

/** A server's clock may be off by this much when a message without a key is recognised by time. */
const CLOCK_TOLERANCE_MS = 120_000;

/** Returns a conversation of which nothing is known yet. */
export function emptyTimeline(sessionKey: string): Timeline {
  return {
    sessionKey,
    asOf: 0,
    loaded: false,
    keptAtMs: null,
    needsHistory: true,
    waiting: [],
    history: [],
    earlier: null,
    paged: false,
    tail: [],
    ended: [],
  };
}

/** Returns what `input` makes of `timeline`. */
export function reduce(timeline: Timeline, input: TimelineInput): Timeline {
  switch (input.type) {
    case "history":
      return input.view.keptAtMs === null
        ? replay(adopt(timeline, input.view))
        : adoptKept(timeline, input.view);
    case "earlier":
      return putBefore(timeline, input.page, input.before);
    case "update":
      return receive(timeline, input.update);
    case "send":
      return withSend(timeline, input.key, input.text, "sending", input.atMs, {
        attachments: input.attachments ?? [],
        files: [],
      });
    case "sendFailed":
      return setSendState(timeline, input.key, "refused", input.problem);
    case "restore": {
      const { key, text, attachments, problem } = input.message;
      const next = withSend(timeline, key, text, "queued", null, { attachments, files: [] });
      return problem === null ? next : setSendState(next, key, "refused", problem);
    }
    case "forgetSend":
      return {
        ...timeline,
        tail: timeline.tail.filter((entry) => !(entry.kind === "send" && entry.key === input.key)),
      };
    case "forgetRun":
      return {
        ...timeline,
        tail: timeline.tail.filter(
          (entry) => !("runId" in entry && entry.runId === input.runId && entry.kind !== "run"),
        ),
      };
  }
}

function receive(timeline: Timeline, update: ChatUpdate): Timeline {
  if (update.number <= timeline.asOf) return timeline;
  if (timeline.needsHistory) return wait(timeline, update);
  if (update.number > timeline.asOf + 1) {
    return wait({ ...timeline, needsHistory: true }, update);
  }
  return apply(timeline, update);
}

function wait(timeline: Timeline, update: ChatUpdate): Timeline {
  if (timeline.waiting.some((waiting) => waiting.number === update.number)) return timeline;
  const waiting = [...timeline.waiting, update].sort((a, b) => a.number - b.number);
  return applySendNews({ ...timeline, waiting }, update);
}

function replay(timeline: Timeline): Timeline {
  if (timeline.needsHistory) return timeline;
  let next = timeline;
  let waiting = timeline.waiting.filter((update) => update.number > timeline.asOf);
  while (waiting[0] !== undefined && waiting[0].number === next.asOf + 1 && !next.needsHistory) {
    next = apply(next, waiting[0]);
    waiting = waiting.slice(1);
  }
  return { ...next, waiting, needsHistory: next.needsHistory || waiting.length > 0 };
}

function apply(timeline: Timeline, update: ChatUpdate): Timeline {
  const next = { ...timeline, asOf: update.number };
  if (!isSameSession(timeline.sessionKey, update.sessionKey)) return next;
  const { change } = update;
  switch (change.kind) {
    case "queued":
    case "accepted":
    case "refused":
      return applySendNews(next, update);
    case "status":
      return withRun(next, change.runId, (run) => ({ ...run, phase: change.phase, retry: null }));
    case "reasoning":
      return withRun(next, change.runId, (run) => ({
        ...run,
        reasoning: change.text,
        retry: null,
      }));
    case "tool":
      return withRun(next, change.runId, (run) => ({
        ...run,
        tools: withTool(run.tools, change.tool),
        retry: null,
      }));
    case "retrying": {
      const { attempt, most } = change;
      const atMs = change.atMs ?? 0;
      return withRun(next, change.runId, (run) => ({ ...run, retry: { attempt, most, atMs } }));
    }
    case "delta":
      // The gateway may have stored the reply before it tells the last piece of it.
      if (["same", "perhaps"].includes(isInHistory(next, change.runId, change.text))) return next;
      return withRun(next, change.runId, (run) => ({
        ...run,
        text: change.text,
        phase: null,
        retry: null,
      }));
    case "final":
      return finish(next, change.runId, change.message);
    case "aborted":
      return end(next, change.runId, (run) => ({
        kind: "stopped",
        runId: change.runId,
        text: change.text ?? run?.text ?? "",
        reason: "",
        ...workOf(run),
      }));
    case "failed":
      return end(next, change.runId, (run) => ({
        kind: "failed",
        runId: change.runId,
        text: run?.text ?? "",
        reason: change.message,
        ...workOf(run),
      }));
    case "refetch":
      return { ...next, needsHistory: true, ended: [] };
  }
}

function applySendNews(timeline: Timeline, update: ChatUpdate): Timeline {
  if (!isSameSession(timeline.sessionKey, update.sessionKey)) return timeline;
  const { change } = update;
  switch (change.kind) {
    case "queued":
      return withSend(timeline, change.key, change.text, "queued", null, {
        attachments: [],
        files: change.files,
      });
    case "accepted":
      return accept(timeline, change.key);
    case "refused":
      return setSendState(timeline, change.key, "refused", change.problem);
    case "status":
    case "delta":
    case "reasoning":
    case "tool":
    case "retrying":
    case "final":
    case "aborted":
    case "failed":
    case "refetch":
      return timeline;
  }
}

/** The gateway has a send of ours: its run prepares, unless the history knows better. */
function accept(timeline: Timeline, key: string): Timeline {
  const sent = timeline.tail.find((entry) => entry.kind === "send" && entry.key === key);
  const next = setSendState(timeline, key, "accepted", null);
  if (sent?.kind !== "send" || sent.state === "accepted") return next;
  // "/stop" is answered at once and starts no run.
  return sent.text === "/stop" ? next : withRun(next, key, (run) => run);
}

function finish(timeline: Timeline, runId: string, message: ChatMessageView | null): Timeline {
  if (message === null) {
    // Steered into another run, or said without its words: the history tells. Until it comes,
    // nothing that was read disappears.
    return end(timeline, runId, (run) => (run === null || !hasSaid(run) ? null : said(run)), true);
  }
  const stored = isInHistory(timeline, runId, message.text);
  const isShown = stored === "same" || stored === "perhaps";
  return end(
    timeline,
    runId,
    (run) => (isShown ? null : { kind: "message", message, ...workOf(run) }),
    stored === "perhaps" || stored === "other",
  );
}

/**
 * Whether the history holds this text as this run's reply, perhaps does, holds another text of the
 * run, or nothing of it. In doubt nothing is shown twice, and the history is asked.
 */
function isInHistory(
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

function withSend(
  timeline: Timeline,
  key: string,
  text: string,
  state: SendState,
  atMs: number | null,
  files: Pick<SendEntry, "attachments" | "files">,
): Timeline {
  const known = timeline.tail.find((entry) => entry.kind === "send" && entry.key === key);
  if (known !== undefined) return setSendState(timeline, key, state, null);
  if (timeline.history.some((message) => keyOf(message) === key)) return timeline;
  const entry: SendEntry = {
    kind: "send",
    key,
    text,
    ...files,
    atMs: atMs ?? 0,
    state,
    problem: null,
    sameTextBefore:
      timeline.loaded && timeline.keptAtMs === null ? unkeyed(timeline.history, text).length : null,
  };
  // What another part of the app sent may be told after its run has begun: it still comes first.
  const begun = timeline.tail.findIndex(
    (other) =>
      (other.kind === "run" && other.runId === key) ||
      (other.kind === "message" && other.message.runId === key),
  );
  const at = begun === -1 ? timeline.tail.length : begun;
  return { ...timeline, tail: [...timeline.tail.slice(0, at), entry, ...timeline.tail.slice(at)] };
}

function setSendState(
  timeline: Timeline,
  key: string,
  state: SendState,
  problem: UiError | null,
): Timeline {
  return {
    ...timeline,
    tail: timeline.tail.map((entry) => {
      if (entry.kind !== "send" || entry.key !== key) return entry;
      // News may come twice and out of turn; what the gateway has, or has refused, never waits again. (Sent
      // again, a message has a key of its own.)
      if (entry.state === "accepted" && state !== "refused") return entry;
      if (entry.state === "refused" && (state === "queued" || state === "sending")) return entry;
      return { ...entry, state, problem };
    }),
  };
}

function withRun(timeline: Timeline, runId: string, change: (run: RunEntry) => RunEntry): Timeline {
  if (timeline.ended.includes(runId)) return timeline;
  const known = timeline.tail.find((entry) => entry.kind === "run" && entry.runId === runId);
  if (known?.kind === "run") {
    return {
      ...timeline,
      tail: timeline.tail.map((entry) => (entry === known ? change(known) : entry)),
    };
  }
  const nothing = { text: "", phase: null, retry: null, reasoning: null, tools: [] };
  const run = change({ kind: "run", runId, ...nothing });
  return { ...timeline, tail: [...timeline.tail, run] };
}

function end(
  timeline: Timeline,
  runId: string,
  outcome: (run: RunEntry | null) => TailEntry | null,
  needsHistory = false,
): Timeline {
  if (timeline.ended.includes(runId)) return timeline;
  const ended = [...timeline.ended, runId].slice(-ENDED_RUNS_KEPT);
  const index = timeline.tail.findIndex((entry) => entry.kind === "run" && entry.runId === runId);
  const known = timeline.tail[index];
  const entry = outcome(known?.kind === "run" ? known : null);
  const before = index < 0 ? timeline.tail : timeline.tail.slice(0, index);
  const after = index < 0 ? [] : timeline.tail.slice(index + 1);
  const tail = entry === null ? [...before, ...after] : [...before, entry, ...after];
  return { ...timeline, ended, tail, needsHistory: timeline.needsHistory || needsHistory };
}

/** Replaces the history and drops from the tail what the new one says. */
function adopt(timeline: Timeline, view: ChatHistoryView): Timeline {
  // An answer that was on its way while more was told: newer things are shown already.
  if (timeline.loaded && view.asOf < timeline.asOf) return timeline;
  const told = withKnownPictures(view.messages, timeline);
  const before = timeline.paged ? readBefore(timeline.history, told) : [];
  const history = [...before, ...told];
  const open = openEntries(timeline.tail, history);
  const tail = open.filter((entry) => {
    switch (entry.kind) {
      case "send":
        return true;
      case "message":
      case "run":
        return false;
      case "stopped":
      case "failed":
        return isLastWord(entry, history, open);
    }
  });
  const next = {
    ...timeline,
    asOf: view.asOf,
    loaded: true,
    keptAtMs: null,
    needsHistory: false,
    history,
    earlier: before.length > 0 ? timeline.earlier : view.earlier,
    paged: before.length > 0,
    tail,
  };
  const { inFlight } = view;
  if (inFlight === null) return next;
  const known = timeline.tail.find(
    (entry) => entry.kind === "run" && entry.runId === inFlight.runId,
  );
  const run = known?.kind === "run" ? known : null;
  return withRun(next, inFlight.runId, (adopted) => ({
    ...adopted,
    text: inFlight.text,
    reasoning: inFlight.reasoning ?? run?.reasoning ?? null,
    tools: inFlight.tools.reduce<readonly ToolView[]>(withTool, run?.tools ?? []),
  }));
}

/** Puts the messages before those that are shown. What was said meanwhile moves the pages, so they may overlap. */
function putBefore(timeline: Timeline, page: ChatPageView, before: string | null): Timeline {
  if (timeline.keptAtMs !== null || !timeline.loaded) return timeline;
  // Another one stands first since: the conversation may have begun anew, and this be of the one before.
  if ((timeline.history[0]?.id ?? null) !== before) return timeline;
  const fresh = olderThan(timeline.history, page.messages);
  const history = [...fresh, ...timeline.history];
  const open = openEntries(timeline.tail, history);
  const known = { ...timeline, history, tail: open };
  // So much may have been said since that what was told here is first met again up there.
  const tail = open.filter((entry) => {
    switch (entry.kind) {
      case "send":
        return true;
      case "run":
        return isInHistory(known, entry.runId, entry.text) === "none";
      case "message": {
        const { runId, text } = entry.message;
        return runId === null || !["same", "perhaps"].includes(isInHistory(known, runId, text));
      }
      case "stopped":
      case "failed":
        return isLastWord(entry, history, open);
    }
  });
  return {
    ...timeline,
    history,
    tail,
    earlier: page.earlier,
    paged: timeline.paged || fresh.length > 0,
  };
}

/**
 * The messages of a page that come before what is shown. Pages are counted from the end, which moves as more is said:
 * a page may hold what is shown, and even what is newer and not shown yet.
 */
function olderThan(
  shown: readonly ChatMessageView[],
  page: readonly ChatMessageView[],
): readonly ChatMessageView[] {
  const [first] = shown;
  if (first === undefined) return page;
  const at = first.id === null ? -1 : page.findIndex(({ id }) => id === first.id);
  if (at >= 0) return page.slice(0, at);
  const known = new Set(shown.map(({ id }) => id));
  const last = page.at(-1);
  const isNewer = last?.atMs != null && first.atMs !== null && last.atMs > first.atMs;
  return isNewer || page.some(({ id }) => id !== null && known.has(id)) ? [] : page;
}

/** What was read before the messages of a history, where they touch; of another conversation nothing stays. */
function readBefore(
  shown: readonly ChatMessageView[],
  told: readonly ChatMessageView[],
): readonly ChatMessageView[] {
  const first = told[0]?.id ?? null;
  const at = first === null ? -1 : shown.findIndex(({ id }) => id === first);
  return at < 0 ? [] : shown.slice(0, at);
}

/**
 * Newer gateways tell the names of pictures and not their bytes. Those that were sent from here, or shown
 * before, are still at hand.
 */
function withKnownPictures(
  history: readonly ChatMessageView[],
  { tail, history: before }: Timeline,
): readonly ChatMessageView[] {
  const known = new Map<string, readonly ImageView[]>();
  for (const message of before) {
    const key = keyOf(message);
    if (key !== null && message.images.some(({ data }) => data !== null))
      known.set(key, message.images);
  }
  for (const entry of tail) {
    if (entry.kind !== "send" || entry.attachments.length === 0) continue;
    const pictures = picturesOf(entry.attachments);
    if (pictures.length > 0) known.set(entry.key, pictures);
  }
  if (known.size === 0) return history;
  return history.map((message) => {
    const pictures = known.get(keyOf(message) ?? "");
    if (pictures === undefined || message.images.some(({ data }) => data !== null)) return message;
    const files = message.files.filter(({ mediaType }) => !isPicture(mediaType));
    return { ...message, images: [...pictures], files };
  });
}

/**
 * Shows what was kept of a conversation until its gateway can be asked. It changes nothing once there is
 * anything newer.
 */
function adoptKept(timeline: Timeline, view: ChatHistoryView): Timeline {
  if (timeline.loaded) return timeline;
  return {
    ...timeline,
    loaded: true,
    keptAtMs: view.keptAtMs,
    history: view.messages,
    tail: openEntries(timeline.tail, view.messages),
  };
}

/**
 * Leaves out the sends that the history holds, by key, or by text and order where it has no keys;
 * and those the gateway took but does not keep, such as commands, once it holds a later one.
 */
function openEntries(tail: readonly TailEntry[], history: readonly ChatMessageView[]): TailEntry[] {
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
function isLastWord(
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

function unkeyed(history: readonly ChatMessageView[], text: string): ChatMessageView[] {
  return history.filter(
    (message) => message.role === "user" && message.key === null && message.text === text,
  );
}

/** The gateway stores a user message under `<key>:user`. */
function keyOf(message: ChatMessageView): string | null {
  if (message.role !== "user" || message.key === null) return null;
  return message.key.endsWith(":user") ? message.key.slice(0, -":user".length) : message.key;
}

function said({ runId, text, reasoning, tools }: RunEntry): MessageEntry {
  const nothing = {
    reasoning: null,
    tools: [],
    answers: null,
    images: [],
    files: [],
    truncated: false,
  };
  const message = { id: null, role: "assistant", text, atMs: null, key: null, runId } as const;
  return { kind: "message", message: { ...message, ...nothing }, reasoning, tools };
}

function hasSaid({ text, tools }: RunEntry): boolean {
  return text !== "" || tools.length > 0;
}

function workOf(run: RunEntry | null): Work {
  return { reasoning: run?.reasoning ?? null, tools: run?.tools ?? [] };
}

function withTool(tools: readonly ToolView[], tool: ToolView): readonly ToolView[] {
  return tools.some(({ id }) => id === tool.id)
    ? tools.map((known) => (known.id === tool.id ? tool : known))
    : [...tools, tool];
}

/** Whether words were said; an answer may be nothing but the call of a tool. */
function isSpoken({ role, text }: ChatMessageView): boolean {
  return role === "user" || (role === "assistant" && text.trim() !== "");
}

/** Rows under construction. */
class Drawing {
  readonly rows: Row[];
  readonly #used: Map<string, number>;
  /** Where the tools of the history are drawn, by the id of their call. */
  readonly #calls: Map<string, number>;

  constructor(begun?: Drawing) {
    this.rows = [...(begun?.rows ?? [])];
    this.#used = new Map(begun === undefined ? [] : begun.#used);
    this.#calls = new Map(begun === undefined ? [] : begun.#calls);
  }

  unique(id: string): string {
    const count = (this.#used.get(id) ?? 0) + 1;
    this.#used.set(id, count);
    return count === 1 ? id : `${id}#${count}`;
  }

  message(message: ChatMessageView): void {
    const { id, text, atMs, images, files, runId } = message;
    switch (message.role) {
      case "user": {
        const key = keyOf(message);
        const row = this.unique(key === null ? (id ?? "user") : `send:${key}`);
        const sent = { attachments: [], state: "delivered", problem: null } as const;
        this.rows.push({ kind: "user", id: row, text, atMs, key, images, files, ...sent });
        return;
      }
      case "assistant": {
        const name = runId ?? id ?? "reply";
        this.work(name, stepsOf(message.reasoning, []), false);
        if (text.trim() !== "" || images.length > 0) {
          const row = this.unique(runId === null ? (id ?? "reply") : `run:${runId}`);
          const cutId = message.truncated ? id : null;
          this.rows.push({ kind: "assistant", id: row, text, atMs, images, cutId, ending: null });
        }
        this.work(name, stepsOf(null, message.tools), false);
        return;
      }
      case "tool":
        return this.#answer(message);
      case "system":
        this.rows.push({ kind: "note", id: this.unique(id ?? "note"), text, atMs });
    }
  }

  /** Adds steps to the work that stands last, or begins another. */
  work(name: string, steps: readonly Step[], live: boolean): void {
    const fresh = steps.filter((step) => step.kind !== "tool" || !this.#calls.has(step.tool.id));
    if (fresh.length === 0) return;
    const last = this.rows.at(-1);
    const at = last?.kind === "work" ? this.rows.length - 1 : this.rows.length;
    this.rows[at] =
      last?.kind === "work"
        ? { ...last, steps: [...last.steps, ...fresh], live }
        : { kind: "work", id: this.unique(`work:${name}`), steps: fresh, live };
    for (const step of fresh) {
      if (step.kind === "tool" && step.tool.id !== "") this.#calls.set(step.tool.id, at);
    }
  }

  /** Puts a tool's answer to its call. */
  #answer({ id, text, images, answers, runId }: ChatMessageView): void {
    const at = answers === null ? undefined : this.#calls.get(answers.callId);
    const row = at === undefined ? undefined : this.rows[at];
    const state = answers?.failed === true ? "failed" : "done";
    if (at === undefined || row?.kind !== "work") {
      // Its call is not in what was fetched of the history.
      const call = { id: answers?.callId ?? "", name: answers?.name ?? "", arguments: "" };
      const tool: ToolView = { ...call, state, result: text, images };
      return this.work(runId ?? id ?? "tools", [{ kind: "tool", tool }], false);
    }
    const steps = row.steps.map((step): Step =>
      step.kind === "tool" && step.tool.id === answers?.callId
        ? { kind: "tool", tool: { ...step.tool, state, result: text, images } }
        : step,
    );
    this.rows[at] = { ...row, steps };
  }
}

function stepsOf(reasoning: string | null, tools: readonly ToolView[]): Step[] {
  const thought: Step[] = reasoning === null ? [] : [{ kind: "thought", text: reasoning }];
  return [...thought, ...tools.map((tool): Step => ({ kind: "tool", tool }))];
}

/** The rows of a history are made once: a streamed reply changes only what follows them. */
const drawnHistories = new WeakMap<readonly ChatMessageView[], Drawing>();

function drawHistory(history: readonly ChatMessageView[]): Drawing {
  const known = drawnHistories.get(history);
  if (known !== undefined) return known;
  const drawing = new Drawing();
  for (const message of history) drawing.message(message);
  drawnHistories.set(history, drawing);
  return drawing;
}

/** Returns the rows to draw, oldest first, each with an id that is used once. */
export function rows(timeline: Timeline): Row[] {
  const begun = drawHistory(timeline.history);
  if (timeline.tail.length === 0) return begun.rows;
  const drawing = new Drawing(begun);
  for (const entry of timeline.tail) {
    switch (entry.kind) {
      case "message":
        drawing.work(
          entry.message.runId ?? "reply",
          stepsOf(entry.message.reasoning === null ? entry.reasoning : null, entry.tools),
          false,
        );
        drawing.message(entry.message);
        break;
      case "send": {
        const { key, text, attachments, state, problem } = entry;
        const atMs = entry.atMs === 0 ? null : entry.atMs;
        const id = drawing.unique(`send:${key}`);
        const images = picturesOf(attachments);
        const files = [...filesOf(attachments), ...entry.files];
        const sent = { attachments, state, problem };
        drawing.rows.push({ kind: "user", id, text, atMs, key, images, files, ...sent });
        break;
      }
      case "run": {
        const { runId, text, phase, retry, reasoning, tools } = entry;
        drawing.work(runId, stepsOf(reasoning, tools), true);
        const id = drawing.unique(`run:${runId}`);
        const working = tools.some(({ state }) => state === "running");
        drawing.rows.push({ kind: "running", id, runId, text, phase, retry, working });
        break;
      }
      case "stopped":
      case "failed": {
        const { runId, text, reasoning, tools } = entry;
        drawing.work(runId, stepsOf(reasoning, tools), false);
        const ending: Ending =
          entry.kind === "stopped"
            ? { kind: "stopped" }
            : {
                kind: "failed",
                runId,
                reason: entry.reason,
                retryText: textOfRun(timeline, runId),
                retryFiles: filesOfRun(timeline, runId),
              };
        const id = drawing.unique(`run:${runId}`);
        const nothing = { atMs: null, images: [], cutId: null };
        drawing.rows.push({ kind: "assistant", id, text, ...nothing, ending });
      }
    }
  }
  return drawing.rows;
}

/** The message that started a run: a run's id is the key of its message. */
function textOfRun(timeline: Timeline, runId: string): string | null {
  const sent = timeline.tail.find((entry) => entry.kind === "send" && entry.key === runId);
  if (sent?.kind === "send") return sent.text;
  return timeline.history.find((message) => keyOf(message) === runId)?.text ?? null;
}

function filesOfRun(timeline: Timeline, runId: string): readonly AttachmentView[] {
  const sent = timeline.tail.find((entry) => entry.kind === "send" && entry.key === runId);
  return sent?.kind === "send" ? sent.attachments : [];
}

/** Returns the runs that are going on, oldest first. */
export function activeRuns(timeline: Timeline): string[] {
  return timeline.tail.flatMap((entry) => (entry.kind === "run" ? [entry.runId] : []));
}

/** Returns how many messages wait for the connection. */
export function queuedCount(timeline: Timeline): number {
  return timeline.tail.filter((entry) => entry.kind === "send" && entry.state === "queued").length;
}
