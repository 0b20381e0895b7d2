/** A timeline as rows to draw, each with an id that stays the same from the echo over the stream to the history. */
import type {
  AttachmentView,
  ChatMessageView,
  FileView,
  ImageView,
  ToolView,
  UiError,
} from "../../ipc";
import { filesOf, picturesOf } from "../../lib/attachments";
import { keyOf } from "./in-history";
import type { Retry, SendState, Timeline } from "./timeline";

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
