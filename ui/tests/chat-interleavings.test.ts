/**
 * The timeline against a model of a gateway: twenty thousand conversations in which what is told is lost, doubled,
 * late or out of turn, the line is cut anywhere, other clients write too, and the conversation is reset, compacted and
 * read page by page. In the end it shows what the gateway has, each once and in order.
 *
 * A failure names its seed and the fewest steps that still fail.
 */
import { describe, expect, it } from "vitest";
import type {
  ChatChange,
  ChatHistoryView,
  ChatMessageView,
  ChatPageView,
  UiError,
} from "../src/ipc";
import { message } from "../src/ipc/fake";
import {
  emptyTimeline,
  reduce,
  rows,
  type Row,
  type TimelineInput,
} from "../src/state/chat-timeline";

/** How many conversations are played with each kind of gateway. */
const CONVERSATIONS = 10_000;
const LONGEST = 110;
/** How many messages a history tells; the rest is read page by page. */
const PAGE = 5;
/**
 * Without keys a reply is known by its words and its question, so that a history has to hold both: real ones tell two
 * hundred messages.
 */
const PAGE_WITHOUT_KEYS = 60;

const KINDS = [
  "send",
  "sendTwice",
  "deliver",
  "refuse",
  "elsewhere",
  "otherSession",
  "delta",
  "replaced",
  "store",
  "final",
  "bareFinal",
  "abort",
  "fail",
  "cut",
  "reset",
  "compact",
  "ask",
  "answer",
  "askEarlier",
  "answerEarlier",
] as const;
type Kind = (typeof KINDS)[number];
/** What becomes of what is told. */
type Fate = "told" | "lost" | "twice" | "late";
interface Step {
  readonly kind: Kind;
  readonly fate: Fate;
}

/** How often each kind is drawn, against the others. */
const WEIGHTS: Readonly<Record<Kind, number>> = {
  send: 12,
  sendTwice: 2,
  deliver: 14,
  refuse: 2,
  elsewhere: 4,
  otherSession: 3,
  delta: 12,
  replaced: 3,
  store: 10,
  final: 8,
  bareFinal: 8,
  abort: 4,
  fail: 4,
  cut: 5,
  reset: 2,
  compact: 4,
  ask: 10,
  answer: 10,
  askEarlier: 10,
  answerEarlier: 8,
};
const URN: readonly Kind[] = KINDS.flatMap((kind) => Array<Kind>(WEIGHTS[kind]).fill(kind));
const FATES: readonly Fate[] = [...Array<Fate>(7).fill("told"), "lost", "twice", "late"];

/** Numbers from 0 to 1 that a seed draws again (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function drawn(seed: number): Step[] {
  const next = numbers(seed);
  const among = <T>(all: readonly T[]) => all[Math.floor(next() * all.length)] as T;
  return Array.from({ length: 1 + Math.floor(next() * LONGEST) }, () => ({
    kind: among(URN),
    fate: among(FATES),
  }));
}

const tooLarge: UiError = { code: "tooLarge", message: "Too large.", action: null };

interface Run {
  readonly key: string;
  text: string;
}

/** A gateway, the line to it, and the window. */
class World {
  timeline = emptyTimeline("main");
  /** What was sent from here, in order. */
  readonly sent: string[] = [];
  readonly refused = new Set<string>();
  /** What actually happened, by kind: a step may find nothing to do. */
  readonly happened = new Map<Kind | Fate, number>();
  readonly keyed: boolean;
  readonly #atOnce: number;
  #told = 0;
  #ids = 0;
  #online = true;
  #outbox: string[] = [];
  #started: string[] = [];
  #running: Run[] = [];
  #stored: Run[] = [];
  #held: TimelineInput[] = [];
  #last: TimelineInput | null = null;
  #history: ChatHistoryView | null = null;
  #page: { page: ChatPageView; before: string | null } | null = null;
  transcript: ChatMessageView[] = [];
  /** What a reset took away from under the window, which may show it until something newer arrives. */
  readonly swept = new Set<string>();

  /** `before` is how much was said before the window was opened. */
  constructor(keyed: boolean, before: number) {
    this.keyed = keyed;
    this.#atOnce = keyed ? PAGE : PAGE_WITHOUT_KEYS;
    for (let at = 0; at < before; at += 1)
      this.#store({ role: "user", text: `long ago ${at}`, key: keyed ? `b${at}:user` : null });
  }

  play({ kind, fate }: Step): void {
    if (this.#does(kind, fate)) this.#count(kind);
  }

  /** Returns whether there was anything to do. */
  #does(kind: Kind, fate: Fate): boolean {
    switch (kind) {
      case "send": {
        const key = `k${this.sent.length}`;
        this.sent.push(key);
        this.#input({ type: "send", key, text: `said ${key}`, atMs: (this.#ids += 1) });
        this.#outbox.push(key);
        this.#tell({ kind: "queued", key, text: `said ${key}`, files: [] }, fate);
        return true;
      }
      case "sendTwice": {
        // The outbox tells again what waits, as after a start of the app.
        const key = this.#outbox.at(-1);
        if (key === undefined) return false;
        this.#tell({ kind: "queued", key, text: `said ${key}`, files: [] }, fate);
        return true;
      }
      case "deliver": {
        const key = this.#online ? this.#outbox.shift() : undefined;
        if (key === undefined) return false;
        this.#store({ role: "user", text: `said ${key}`, key: this.keyed ? `${key}:user` : null });
        this.#tell({ kind: "accepted", key }, fate);
        this.#started.push(key);
        return true;
      }
      case "refuse": {
        const key = this.#online ? this.#outbox.shift() : undefined;
        if (key === undefined) return false;
        this.refused.add(key);
        // Kept until the window has shown it: news of the outbox is told again otherwise.
        this.#tell({ kind: "refused", key, problem: tooLarge }, fate === "lost" ? "told" : fate);
        return true;
      }
      case "elsewhere": {
        // Another client writes: the message comes with the history alone, its reply live.
        const key = `o${(this.#ids += 1)}`;
        this.#store({ role: "user", text: `said ${key}`, key: this.keyed ? `${key}:user` : null });
        this.#tell({ kind: "refetch" }, fate);
        this.#started.push(key);
        return true;
      }
      case "otherSession":
        this.#tell({ kind: "delta", runId: "x", text: "of no concern" }, fate, "agent:main:other");
        return true;
      case "delta":
      case "replaced": {
        const key = this.#started.shift();
        if (key !== undefined) this.#running.push({ key, text: "" });
        const run = this.#running[0];
        if (run === undefined) return false;
        run.text = kind === "delta" ? `${run.text}word ` : "another beginning ";
        this.#tell({ kind: "delta", runId: run.key, text: run.text }, fate);
        return true;
      }
      case "store": {
        // A reply is stored first and told afterwards; a history may be read in between.
        const run = this.#running.shift();
        if (run === undefined) return false;
        run.text = `reply to ${run.key}`;
        this.#store({ role: "assistant", text: run.text, runId: this.keyed ? run.key : null });
        this.#stored.push(run);
        return true;
      }
      case "final": {
        const run = this.#stored.shift();
        if (run === undefined) return false;
        const told = message({ role: "assistant", text: run.text, runId: run.key });
        this.#tell({ kind: "final", runId: run.key, message: told }, fate);
        return true;
      }
      case "bareFinal": {
        const run = this.#stored.shift();
        if (run === undefined) return false;
        this.#tell({ kind: "final", runId: run.key, message: null }, fate);
        return true;
      }
      case "abort": {
        const run = this.#running.shift();
        if (run === undefined) return false;
        // What was said by then is stored, as gateways do.
        if (run.text !== "")
          this.#store({ role: "assistant", text: run.text, runId: this.keyed ? run.key : null });
        this.#tell({ kind: "aborted", runId: run.key, text: run.text || null }, fate);
        return true;
      }
      case "fail": {
        const run = this.#running.shift();
        if (run === undefined) return false;
        const failed = { kind: "failed", runId: run.key, message: "no model" } as const;
        this.#tell(failed, fate);
        // Gateways tell a failure twice.
        this.#tell(failed, fate);
        return true;
      }
      case "cut":
        this.#online = !this.#online;
        if (!this.#online) return true;
        // Whatever ran has ended unseen.
        for (const run of this.#running.splice(0)) {
          this.#store({
            role: "assistant",
            text: `reply to ${run.key}`,
            runId: this.keyed ? run.key : null,
          });
        }
        this.#stored = [];
        this.#tell({ kind: "refetch" }, fate);
        return true;
      case "reset":
        if (this.transcript.length === 0) return false;
        for (const { text } of this.transcript) this.swept.add(text);
        for (const run of [...this.#running, ...this.#stored]) this.swept.add(run.text);
        for (const key of this.#started) this.swept.add(`said ${key}`);
        this.transcript = [];
        this.#started = [];
        this.#running = [];
        this.#stored = [];
        this.#tell({ kind: "refetch" }, fate);
        return true;
      case "compact":
        if (this.transcript.length < 4) return false;
        // Without keys a reply whose question is gone could be anybody's.
        if (!this.keyed && this.#started.length + this.#running.length + this.#stored.length > 0)
          return false;
        // What was read before it stays to be read; only a new look begins with the summary.
        if (this.timeline.paged || this.#page !== null) return false;
        for (const { text } of this.transcript.slice(0, -2)) this.swept.add(text);
        this.transcript = this.transcript.slice(-2);
        this.transcript.unshift(
          message({ id: this.#id(), role: "system", text: `summary ${this.#ids}` }),
        );
        this.#tell({ kind: "refetch" }, fate);
        return true;
      case "ask":
        if (!this.#online || !this.timeline.needsHistory || this.#history !== null) return false;
        this.#history = this.#asTold();
        return true;
      case "answer":
        if (this.#history === null) return false;
        // It comes by the same way as what was told before it was said.
        this.#release();
        this.#input({ type: "history", view: this.#history });
        this.#history = null;
        return true;
      case "askEarlier":
        if (!this.#online || this.timeline.earlier === null || this.#page !== null) return false;
        this.#page = this.#before(this.timeline.earlier);
        return true;
      case "answerEarlier":
        if (this.#page === null) return false;
        this.#input({ type: "earlier", ...this.#page });
        this.#page = null;
        return true;
    }
  }

  /** Lets everything that is under way arrive, and reads all there is. */
  settle(): void {
    const told = { fate: "told" } as const;
    this.#online = true;
    this.#release();
    while (this.#outbox.length > 0) this.play({ kind: "deliver", ...told });
    while (this.#started.length + this.#running.length > 0) {
      this.play({ kind: "delta", ...told });
      this.play({ kind: "store", ...told });
    }
    while (this.#stored.length > 0) this.play({ kind: "final", ...told });
    this.#tell({ kind: "refetch" }, "told");
    this.play({ kind: "answer", ...told });
    this.play({ kind: "answerEarlier", ...told });
    this.#input({ type: "history", view: this.#asTold() });
    for (let page = 0; this.timeline.earlier !== null; page += 1) {
      if (page > this.transcript.length) throw new Error("the pages have no end");
      this.#input({ type: "earlier", ...this.#before(this.timeline.earlier) });
    }
  }

  #store(over: Partial<ChatMessageView>): void {
    this.transcript.push(message({ id: this.#id(), atMs: this.#ids, ...over }));
  }

  #id(): string {
    return `m${(this.#ids += 1)}`;
  }

  #asTold(): ChatHistoryView {
    const run = this.keyed ? this.#running[0] : undefined;
    return {
      sessionKey: "main",
      asOf: this.#told,
      messages: this.transcript.slice(-this.#atOnce),
      earlier: this.transcript.length > this.#atOnce ? this.#atOnce : null,
      keptAtMs: null,
      inFlight:
        run === undefined ? null : { runId: run.key, text: run.text, reasoning: null, tools: [] },
    };
  }

  #before(offset: number): { page: ChatPageView; before: string | null } {
    const end = Math.max(0, this.transcript.length - offset);
    const begin = Math.max(0, end - this.#atOnce);
    return {
      page: {
        messages: this.transcript.slice(begin, end),
        earlier: begin > 0 ? offset + this.#atOnce : null,
      },
      before: this.timeline.history[0]?.id ?? null,
    };
  }

  #tell(change: ChatChange, fate: Fate, sessionKey = "agent:main:main"): void {
    this.#told += 1;
    // Away from the gateway nothing is told but what the outbox of this app says.
    const own = ["queued", "accepted", "refused", "refetch"].includes(change.kind);
    if (!this.#online && !own) return;
    const input: TimelineInput = {
      type: "update",
      update: { number: this.#told, sessionKey, change },
    };
    this.#count(fate);
    switch (fate) {
      case "lost":
        return;
      case "late":
        this.#held.push(input);
        return;
      case "told":
        this.#input(input);
        break;
      case "twice":
        this.#input(input);
        if (this.#last !== null) this.#input(this.#last);
        this.#input(input);
    }
    this.#last = input;
    this.#release();
  }

  /** What was held back comes after what was told later. */
  #release(): void {
    for (const input of this.#held.splice(0)) this.#input(input);
  }

  #input(input: TimelineInput): void {
    this.timeline = reduce(this.timeline, input);
  }

  #count(what: Kind | Fate): void {
    this.happened.set(what, (this.happened.get(what) ?? 0) + 1);
  }
}

/** Returns what is wrong with what is shown at any moment. */
function wrongMeanwhile(world: World, shown: readonly Row[]): string | null {
  const ids = new Set<string>();
  const said: string[] = [];
  const replies = new Set<string>();
  for (const row of shown) {
    if (ids.has(row.id)) return `the id ${row.id} twice`;
    ids.add(row.id);
    // Its own name was taken: the same thing stands there already.
    if (row.kind !== "work" && row.kind !== "note" && row.id.includes("#")) return `${row.id}`;
    if (row.kind === "user" && row.text.startsWith("said k")) said.push(row.text.slice(5));
    if (row.kind !== "assistant" || !row.text.startsWith("reply")) continue;
    if (replies.has(row.text)) return `${row.text} twice`;
    replies.add(row.text);
  }
  if (new Set(said).size < said.length) return `a message twice: ${said.join(" ")}`;
  // What is further up has not been read yet, and may be shown below until it is.
  if (world.timeline.earlier !== null) return null;
  const missing = world.sent.find((key) => !said.includes(key) && !world.swept.has(`said ${key}`));
  if (missing !== undefined) return `${missing} is not shown`;
  const place = (key: string) => Number(key.slice(1));
  const orderly = said.filter((key) => !world.refused.has(key) && !world.swept.has(`said ${key}`));
  const outOfTurn = orderly.find((key, at) => at > 0 && place(key) < place(orderly[at - 1] ?? ""));
  return outOfTurn === undefined ? null : `${outOfTurn} out of turn: ${said.join(" ")}`;
}

/** Returns what is wrong once everything has arrived. */
function wrongInTheEnd(world: World): string | null {
  if (world.timeline.needsHistory) return "the history is asked for again";
  const shown = rows(world.timeline).filter(
    (row) => !(row.kind === "assistant" && row.ending !== null),
  );
  const text = (row: Row) => ("text" in row ? row.text : "");
  const stored = world.transcript.map((told) => told.text);
  const first = shown.slice(0, stored.length).map(text);
  if (first.join("|") !== stored.join("|"))
    return `shown ${first.join("|")} and stored ${stored.join("|")}`;
  // Behind it stands only what the gateway never took, or what it took and was made to forget.
  const rest = shown.slice(stored.length).find((row) => {
    if (row.kind !== "user") return true;
    return !(row.state === "refused" || world.swept.has(row.text));
  });
  return rest === undefined ? null : `${rest.kind} ${text(rest)} is left over`;
}

function wrong(
  steps: readonly Step[],
  keyed: boolean,
  before: number,
  count?: Map<string, number>,
): string | null {
  const world = new World(keyed, before);
  for (const [at, step] of steps.entries()) {
    world.play(step);
    const problem = wrongMeanwhile(world, rows(world.timeline));
    if (problem !== null) return `after step ${at + 1}: ${problem}`;
  }
  world.settle();
  for (const [what, times] of world.happened) count?.set(what, (count.get(what) ?? 0) + times);
  return wrongMeanwhile(world, rows(world.timeline)) ?? wrongInTheEnd(world);
}

/** Takes steps away for as long as it still goes wrong. */
function fewest(steps: readonly Step[], keyed: boolean, before: number): readonly Step[] {
  for (let at = 0; at < steps.length; at += 1) {
    const fewer = [...steps.slice(0, at), ...steps.slice(at + 1)];
    if (wrong(fewer, keyed, before) !== null) return fewest(fewer, keyed, before);
  }
  return steps;
}

describe.each([
  ["keys", true],
  ["no keys", false],
])("a conversation with a gateway that stores %s", (_name, keyed) => {
  it(`shows what the gateway has, once and in order, ${CONVERSATIONS} times over`, () => {
    const count = new Map<string, number>();
    for (let seed = 1; seed <= CONVERSATIONS; seed += 1) {
      const steps = drawn(seed);
      const before = seed % 17;
      const problem = wrong(steps, keyed, before, count);
      if (problem === null) continue;
      const few = fewest(steps, keyed, before);
      const told = few.map(({ kind, fate }) => (fate === "told" ? kind : `${kind} (${fate})`));
      expect.fail(`seed ${seed}: ${told.join(", ")}: ${wrong(few, keyed, before) ?? problem}`);
    }
    // A kind that is drawn no more would prove nothing any more.
    const paging = ["askEarlier", "answerEarlier"];
    for (const what of [...KINDS, "told", "lost", "twice", "late"])
      if (keyed || !paging.includes(what))
        expect([what, (count.get(what) ?? 0) >= 300]).toEqual([what, true]);
  }, 240_000);
});
