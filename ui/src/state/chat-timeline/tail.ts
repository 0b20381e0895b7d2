/** The things that have happened since the history was read: how each comes, changes and ends. */
import type { ToolView, UiError } from "../../ipc";
import { keyOf, unkeyed } from "./in-history";
import type {
  MessageEntry,
  RunEntry,
  SendEntry,
  SendState,
  TailEntry,
  Timeline,
  Work,
} from "./timeline";

/** A late duplicate comes within a few runs; the list must not grow for ever. */
const ENDED_RUNS_KEPT = 64;

/** A message of ours, or of another part of the app, that the history does not hold yet. */
export function withSend(
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

/** How far a message of ours has come; one that is not known changes nothing. */
export function setSendState(
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

/** A run that has not ended, changed; one that is not known begins. */
export function withRun(
  timeline: Timeline,
  runId: string,
  change: (run: RunEntry) => RunEntry,
): Timeline {
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

/** Ends a run, once: `outcome` is what stands in its place. */
export function end(
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

/** What a run had said, as the message that stands until the history tells it. */
export function said({ runId, text, reasoning, tools }: RunEntry): MessageEntry {
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

/** Whether there is anything to keep of a run. */
export function hasSaid({ text, tools }: RunEntry): boolean {
  return text !== "" || tools.length > 0;
}

/** What a run did; nothing where it was never heard of. */
export function workOf(run: RunEntry | null): Work {
  return { reasoning: run?.reasoning ?? null, tools: run?.tools ?? [] };
}

/** The tools with a new one, or a newer state of one. */
export function withTool(tools: readonly ToolView[], tool: ToolView): readonly ToolView[] {
  return tools.some(({ id }) => id === tool.id)
    ? tools.map((known) => (known.id === tool.id ? tool : known))
    : [...tools, tool];
}
