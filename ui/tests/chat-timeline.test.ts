import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatChange, ChatHistoryView, ChatMessageView, UiError } from "../src/ipc";
import { message, tool } from "../src/ipc/fake";
import {
  activeRuns,
  emptyTimeline,
  queuedCount,
  reduce,
  rows,
  type Row,
  type Step as WorkStep,
  type Timeline,
  type TimelineInput,
} from "../src/state/chat-timeline";
import { isSameSession } from "../src/lib/session-keys";

const user = (text: string, key: string | null) =>
  message({ role: "user", text, key: key === null ? null : `${key}:user` });
const reply = (text: string, runId: string | null) => message({ text, runId });
const history = (asOf: number, ...messages: ChatMessageView[]): TimelineInput => ({
  type: "history",
  view: { sessionKey: "main", asOf, messages, inFlight: null, earlier: null, keptAtMs: null },
});
const update = (number: number, change: ChatChange): TimelineInput => ({
  type: "update",
  update: { number, sessionKey: "agent:main:main", change },
});
const send = (key: string, text: string): TimelineInput => ({
  type: "send",
  key,
  text,
  atMs: 1_000,
});
const refused: UiError = { code: "tooLarge", message: "Too large.", action: null };

function play(...inputs: TimelineInput[]): Timeline {
  return inputs.reduce(reduce, emptyTimeline("main"));
}

/** A step of work in a few words. */
function told(step: WorkStep): string {
  if (step.kind === "thought") return `thought ${step.text}`;
  const { name, state, result } = step.tool;
  return `${name} ${state} ${result ?? "-"}`;
}

/** A row in one line. */
function line(row: Row): string {
  switch (row.kind) {
    case "user":
      return `user ${row.state}: ${row.text}`;
    case "assistant":
      return `agent${row.ending === null ? "" : ` ${row.ending.kind}`}: ${row.text}`;
    case "running":
      return `running ${row.phase ?? "-"}: ${row.text}`;
    case "work":
      return `work${row.live ? " live" : ""}: ${row.steps.map(told).join(", ")}`;
    case "note":
      return `note: ${row.text}`;
  }
}

const lines = (timeline: Timeline) => rows(timeline).map(line);

describe("what was said before", () => {
  const said = (n: number): ChatMessageView => ({ ...user(`message ${n}`, null), id: `m${n}` });
  const told = (asOf: number, from: number, to: number, earlier: number | null): TimelineInput => ({
    type: "history",
    view: {
      sessionKey: "main",
      asOf,
      messages: Array.from({ length: to - from + 1 }, (_, at) => said(from + at)),
      inFlight: null,
      earlier,
      keptAtMs: null,
    },
  });
  /** A page that was asked for while the message of that number stood first. */
  const page = (
    from: number,
    to: number,
    earlier: number | null,
    first: number,
  ): TimelineInput => ({
    type: "earlier",
    page: { messages: Array.from({ length: to - from + 1 }, (_, at) => said(from + at)), earlier },
    before: `m${first}`,
  });
  const numbers = (timeline: Timeline) =>
    rows(timeline).map((row) => (row.kind === "user" ? Number(row.text.split(" ")[1]) : -1));

  it("is put above, also where pages overlap because more was said meanwhile", () => {
    const timeline = play(told(1, 5, 6, 2), page(3, 5, 5, 5), page(1, 2, null, 3));

    expect(numbers(timeline)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(timeline.earlier).toBeNull();
  });

  it("is left where it is newer than what is shown, or of a conversation that has begun anew", () => {
    const shown = play(told(1, 5, 6, 2));
    expect(numbers(reduce(shown, page(6, 8, 3, 5)))).toEqual([5, 6]);

    const anew = reduce(shown, told(2, 20, 21, 2));
    expect(reduce(anew, page(3, 4, 4, 5))).toBe(anew);
  });

  it("stays above a history that touches it, and goes with one that does not", () => {
    const before = play(told(1, 5, 6, 2), page(3, 4, 4, 5));
    const touching = reduce(before, told(2, 6, 8, 3));
    expect(numbers(touching)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(touching.earlier).toBe(4);

    const anew = reduce(touching, told(3, 20, 21, 2));
    expect(numbers(anew)).toEqual([20, 21]);
    expect(anew).toMatchObject({ earlier: 2, paged: false });
  });
});

describe("files of a message", () => {
  const picture = { name: "dot.png", mediaType: "image/png", data: "aGk=" };
  const notes = { name: "notes.txt", mediaType: "text/plain", data: "aGVsbG8=" };
  const shown = (timeline: Timeline) => {
    const row = rows(timeline)[0];
    return row?.kind === "user"
      ? { images: row.images, files: row.files.map(({ name }) => name) }
      : null;
  };

  it("are shown from the echo on, and pictures stay when the gateway names them only", () => {
    const sent: TimelineInput = {
      type: "send",
      key: "k",
      text: "see",
      atMs: 1,
      attachments: [picture, notes],
    };
    const images = [{ mediaType: "image/png", data: "aGk=" }];
    expect(shown(play(history(0), sent))).toEqual({ images, files: ["notes.txt"] });

    const files = [
      { name: "dot.png", mediaType: "image/png", size: 2 },
      { name: "notes.txt", mediaType: "text/plain", size: 5 },
    ];
    const stored = { ...user("see", "k"), files };
    const told = play(history(0), sent, history(1, stored));
    expect(shown(told)).toEqual({ images, files: ["notes.txt"] });
    // Also in every later history.
    expect(shown(reduce(told, history(2, stored)))).toEqual({ images, files: ["notes.txt"] });
    // Another window knows the names.
    expect(shown(play(history(1, stored)))?.files).toEqual(["dot.png", "notes.txt"]);
  });
});

describe("a conversation that was kept", () => {
  const kept = (...messages: ChatMessageView[]): TimelineInput => ({
    type: "history",
    view: { sessionKey: "main", asOf: 3, messages, inFlight: null, earlier: null, keptAtMs: 1_000 },
  });

  it("is shown until its gateway can be asked, which it still has to be", () => {
    const waiting = play(
      {
        type: "restore",
        message: { sessionKey: "main", key: "b", text: "two", attachments: [], problem: null },
      },
      kept(user("one", "a"), reply("1", "a")),
    );
    expect(lines(waiting)).toEqual(["user delivered: one", "agent: 1", "user queued: two"]);
    expect(waiting).toMatchObject({ needsHistory: true, keptAtMs: 1_000 });

    const asked = reduce(waiting, history(4, user("one", "a"), reply("1", "a"), user("two", "b")));
    expect(lines(asked)).toEqual(["user delivered: one", "agent: 1", "user delivered: two"]);
    expect(asked).toMatchObject({ needsHistory: false, keptAtMs: null });
  });

  it("shows a message once that arrived and is not known to have", () => {
    const timeline = play(
      {
        type: "restore",
        message: { sessionKey: "main", key: "a", text: "one", attachments: [], problem: null },
      },
      kept(user("one", "a")),
    );
    expect(lines(timeline)).toEqual(["user delivered: one"]);
  });

  it("takes nothing from what was read later", () => {
    const read = play(history(5, user("one", "a"), reply("1", "a")));
    expect(reduce(read, kept(user("old", "z")))).toBe(read);
  });
});

describe("a conversation", () => {
  it("goes from the echo over the stream to the history, with the same row ids", () => {
    const sent = play(history(0), send("k", "hi"));
    const steps: [Timeline, string[]][] = [[sent, ["user sending: hi"]]];
    let timeline = sent;
    const then = (input: TimelineInput, expected: string[]) => {
      timeline = reduce(timeline, input);
      steps.push([timeline, expected]);
    };
    then(update(1, { kind: "queued", key: "k", text: "hi", files: [] }), ["user queued: hi"]);
    then(update(2, { kind: "accepted", key: "k" }), ["user accepted: hi", "running -: "]);
    then(update(3, { kind: "status", runId: "k", phase: "starting_model" }), [
      "user accepted: hi",
      "running starting_model: ",
    ]);
    then(update(4, { kind: "delta", runId: "k", text: "Hel" }), [
      "user accepted: hi",
      "running -: Hel",
    ]);
    then(update(5, { kind: "delta", runId: "k", text: "Hello" }), [
      "user accepted: hi",
      "running -: Hello",
    ]);
    then(update(6, { kind: "final", runId: "k", message: reply("Hello.", "k") }), [
      "user accepted: hi",
      "agent: Hello.",
    ]);
    then(update(7, { kind: "refetch" }), ["user accepted: hi", "agent: Hello."]);
    then(history(7, user("hi", "k"), reply("Hello.", "k")), [
      "user delivered: hi",
      "agent: Hello.",
    ]);

    for (const [at, expected] of steps) expect(lines(at)).toEqual(expected);
    expect(rows(steps[1]?.[0] ?? sent).map((row) => row.id)).toEqual(["send:k"]);
    expect(rows(timeline).map((row) => row.id)).toEqual(["send:k", "run:k"]);
  });

  it("asks for the history at a hole, and shows nothing past it before it comes", () => {
    const holed = play(
      history(4, user("hi", "k")),
      update(6, { kind: "delta", runId: "k", text: "late" }),
    );
    expect(holed.needsHistory).toBe(true);
    expect(lines(holed)).toEqual(["user delivered: hi"]);

    const mended = reduce(holed, history(5, user("hi", "k")));
    expect(mended.needsHistory).toBe(false);
    expect(lines(mended)).toEqual(["user delivered: hi", "running -: late"]);
  });

  it("asks again when the history that came leaves a hole", () => {
    const holed = play(history(4), update(7, { kind: "delta", runId: "k", text: "late" }));
    expect(reduce(holed, history(5)).needsHistory).toBe(true);
  });

  it("ignores an update it has seen and a history older than what it shows", () => {
    const shown = play(
      history(1, user("hi", "k")),
      update(2, { kind: "final", runId: "k", message: reply("Hello.", "k") }),
    );
    expect(reduce(shown, update(2, { kind: "delta", runId: "x", text: "again" }))).toBe(shown);
    expect(reduce(shown, history(1, user("hi", "k")))).toEqual(shown);
  });

  it("counts updates of other sessions without showing them", () => {
    const other: TimelineInput = {
      type: "update",
      update: {
        number: 1,
        sessionKey: "agent:main:other",
        change: { kind: "delta", runId: "x", text: "not here" },
      },
    };
    const timeline = play(
      history(0),
      other,
      update(2, { kind: "delta", runId: "k", text: "here" }),
    );
    expect(lines(timeline)).toEqual(["running -: here"]);
  });

  it("adopts a reply that is in flight", () => {
    const timeline = play({
      type: "history",
      view: {
        sessionKey: "main",
        asOf: 9,
        messages: [user("hi", "k")],
        earlier: null,
        keptAtMs: null,
        inFlight: { runId: "k", text: "Hel", reasoning: null, tools: [] },
      },
    });
    expect(lines(timeline)).toEqual(["user delivered: hi", "running -: Hel"]);
    expect(activeRuns(timeline)).toEqual(["k"]);
  });

  it("keeps what was said when a run ends without a message, until the history tells", () => {
    const timeline = play(
      history(0, user("hi", "k")),
      update(1, { kind: "delta", runId: "k", text: "Half a" }),
      update(2, { kind: "final", runId: "k", message: null }),
    );
    expect(lines(timeline)).toEqual(["user delivered: hi", "agent: Half a"]);
    expect(timeline.needsHistory).toBe(true);
  });

  it("lets a message that was steered into another run end without a trace", () => {
    const timeline = play(
      history(0),
      send("k", "and also"),
      update(1, { kind: "accepted", key: "k" }),
      update(2, { kind: "final", runId: "k", message: null }),
    );
    expect(lines(timeline)).toEqual(["user accepted: and also"]);
  });

  it("keeps the partial text of a stopped run and ignores a second end", () => {
    const timeline = play(
      history(0, user("hi", "k")),
      update(1, { kind: "delta", runId: "k", text: "Once upon" }),
      update(2, { kind: "aborted", runId: "k", text: null }),
      update(3, { kind: "final", runId: "k", message: null }),
      update(4, { kind: "failed", runId: "k", message: "stopped" }),
      update(5, { kind: "delta", runId: "k", text: "Once upon a" }),
    );
    expect(lines(timeline)).toEqual(["user delivered: hi", "agent stopped: Once upon"]);
    expect(timeline.needsHistory).toBe(false);
  });

  it("offers the text of a failed run again, and forgets the failure once that is asked", () => {
    const failed = play(
      history(0, user("hi", "k")),
      update(1, { kind: "failed", runId: "k", message: "No answer." }),
    );
    const [, row] = rows(failed);
    expect(row).toMatchObject({
      ending: { kind: "failed", reason: "No answer.", retryText: "hi" },
    });
    expect(lines(reduce(failed, { type: "forgetRun", runId: "k" }))).toEqual([
      "user delivered: hi",
    ]);
  });

  it("keeps a failure over a new history only while it is the last word", () => {
    const failed = play(
      history(0, user("hi", "k")),
      update(1, { kind: "failed", runId: "k", message: "No answer." }),
      update(2, { kind: "refetch" }),
    );
    expect(lines(reduce(failed, history(2, user("hi", "k"))))).toEqual([
      "user delivered: hi",
      "agent failed: ",
    ]);
    const answered = history(2, user("hi", "k"), user("hi?", "l"), reply("Yes.", "l"));
    expect(lines(reduce(failed, answered))).toEqual([
      "user delivered: hi",
      "user delivered: hi?",
      "agent: Yes.",
    ]);
  });

  it("shows a refused message with its reason, and forgets it when it is taken back", () => {
    const timeline = play(
      history(0),
      send("k", "big"),
      update(1, { kind: "refused", key: "k", problem: refused }),
    );
    expect(rows(timeline)[0]).toMatchObject({ state: "refused", problem: refused });
    expect(lines(reduce(timeline, { type: "forgetSend", key: "k" }))).toEqual([]);
  });

  it("shows what is queued before any history was read", () => {
    const timeline = play(
      send("k", "hi"),
      update(1, { kind: "queued", key: "k", text: "hi", files: [] }),
      update(2, { kind: "queued", key: "l", text: "there", files: [] }),
    );
    expect(lines(timeline)).toEqual(["user queued: hi", "user queued: there"]);
    expect(queuedCount(timeline)).toBe(2);
  });

  it("does not show a reply twice that the history told before its end did", () => {
    const keyed = play(
      history(1, user("hi", "k"), reply("Hello.", "k")),
      update(2, { kind: "delta", runId: "k", text: "Hello." }),
      update(3, { kind: "final", runId: "k", message: reply("Hello.", "k") }),
    );
    expect(lines(keyed)).toEqual(["user delivered: hi", "agent: Hello."]);
    const unkeyed = play(
      history(1, user("hi", null), reply("Hello.", null)),
      update(2, { kind: "delta", runId: "k", text: "Hello." }),
      update(3, { kind: "final", runId: "k", message: reply("Hello.", "k") }),
    );
    expect(lines(unkeyed)).toEqual(["user delivered: hi", "agent: Hello."]);
  });

  it("asks the history when a reply may be one that it holds", () => {
    const timeline = play(
      history(1, user("hi", null), reply("Done.", null), user("and that", null)),
      update(2, { kind: "final", runId: "k", message: reply("Done.", "k") }),
    );
    expect(lines(timeline).filter((line) => line === "agent: Done.")).toHaveLength(1);
    expect(timeline.needsHistory).toBe(true);
  });

  it("starts no reply for a message that is known as sent, nor for /stop", () => {
    const known = play(
      history(1, user("hi", "k"), reply("Hello.", "k")),
      update(2, { kind: "accepted", key: "k" }),
    );
    expect(activeRuns(known)).toEqual([]);
    const stop = play(history(0), send("s", "/stop"), update(1, { kind: "accepted", key: "s" }));
    expect(activeRuns(stop)).toEqual([]);
  });

  it("shows no message as waiting that the history holds", () => {
    const timeline = play(
      history(1, user("hi", "k")),
      update(2, { kind: "queued", key: "k", text: "hi", files: [] }),
    );
    expect(lines(timeline)).toEqual(["user delivered: hi"]);
  });

  it("drops a command the gateway does not keep once it holds a later message", () => {
    const timeline = play(
      history(0),
      send("s", "/stop"),
      update(1, { kind: "accepted", key: "s" }),
      send("k", "hi"),
      update(2, { kind: "accepted", key: "k" }),
      update(3, { kind: "refetch" }),
      history(3, user("hi", "k")),
    );
    expect(lines(timeline)).toEqual(["user delivered: hi"]);
  });

  it("folds results of tools and leaves out turns that say nothing", () => {
    const timeline = play(
      history(
        0,
        user("hi", "k"),
        reply("  ", "k"),
        message({ role: "tool", text: "a" }),
        message({ role: "tool", text: "b" }),
        reply("Done.", "k"),
        message({ role: "system", text: "New session" }),
      ),
    );
    expect(lines(timeline)).toEqual([
      "user delivered: hi",
      "work:  done a,  done b",
      "agent: Done.",
      "note: New session",
    ]);
  });

  it("puts answers to their calls and folds thoughts and tools between what is said", () => {
    const called = message({
      reasoning: "Let me look.",
      text: "I look.",
      tools: [tool({ id: "1", state: "called", result: null })],
      runId: "k",
    });
    const timeline = play(
      history(
        0,
        user("hi", "k"),
        called,
        message({
          role: "tool",
          text: "out",
          answers: { callId: "1", name: "exec", failed: false },
        }),
        message({
          reasoning: "Again.",
          tools: [tool({ id: "2", name: "read", state: "called", result: null })],
          runId: "k",
        }),
        message({ role: "tool", text: "no", answers: { callId: "2", name: "read", failed: true } }),
        reply("Done.", "k"),
      ),
    );
    expect(lines(timeline)).toEqual([
      "user delivered: hi",
      "work: thought Let me look.",
      "agent: I look.",
      "work: exec done out, thought Again., read failed no",
      "agent: Done.",
    ]);
  });

  it("shows what a run thinks and which tools it uses, before, while and after it speaks", () => {
    const running = tool({ state: "running", result: null });
    const begun = play(
      history(0, user("hi", "k")),
      update(1, { kind: "reasoning", runId: "k", text: "Hm" }),
      update(2, { kind: "tool", runId: "k", tool: running }),
    );
    expect(lines(begun)).toEqual([
      "user delivered: hi",
      "work live: thought Hm, exec running -",
      "running -: ",
    ]);

    const spoken = reduce(
      reduce(begun, update(3, { kind: "tool", runId: "k", tool: tool() })),
      update(4, { kind: "delta", runId: "k", text: "Ok" }),
    );
    expect(lines(spoken).slice(1)).toEqual([
      "work live: thought Hm, exec done ok",
      "running -: Ok",
    ]);

    const ended = reduce(
      spoken,
      update(5, { kind: "final", runId: "k", message: reply("Ok.", "k") }),
    );
    expect(lines(ended).slice(1)).toEqual(["work: thought Hm, exec done ok", "agent: Ok."]);
    expect(rows(ended).map(({ id }) => id)).toEqual(rows(spoken).map(({ id }) => id));

    // The history says the same, and nothing is there twice.
    const read = reduce(
      ended,
      history(
        5,
        user("hi", "k"),
        message({ reasoning: "Hm", tools: [tool({ state: "called", result: null })], runId: "k" }),
        message({
          role: "tool",
          text: "ok",
          answers: { callId: "call", name: "exec", failed: false },
        }),
        reply("Ok.", "k"),
      ),
    );
    expect(lines(read)).toEqual(lines(ended));
    expect(rows(read).map(({ id }) => id)).toEqual(rows(ended).map(({ id }) => id));
  });

  it("says when a provider is asked again, until it answers", () => {
    const retry = { attempt: 2, most: 8, atMs: 5_000 };
    const waits = play(
      history(0, user("hi", "k")),
      update(1, { kind: "retrying", runId: "k", ...retry }),
    );
    expect(rows(waits).at(-1)).toMatchObject({ kind: "running", retry });
    const answered = reduce(waits, update(2, { kind: "delta", runId: "k", text: "Hi" }));
    expect(rows(answered).at(-1)).toMatchObject({ kind: "running", retry: null });
  });

  it("keeps what a stopped reply had done", () => {
    const stopped = play(
      history(0, user("hi", "k")),
      update(1, { kind: "tool", runId: "k", tool: tool() }),
      update(2, { kind: "aborted", runId: "k", text: null }),
    );
    expect(lines(stopped).slice(1)).toEqual(["work: exec done ok", "agent stopped: "]);
  });

  it("draws the rows of a history once, whatever is streamed after it", () => {
    const begun = play(history(0, user("hi", "k"), reply("Hello", "k")));
    const more = reduce(begun, update(1, { kind: "delta", runId: "l", text: "x" }));
    expect(rows(more)[0]).toBe(rows(begun)[0]);
    expect(rows(more)[1]).toBe(rows(begun)[1]);
  });

  it("recognises the session under its canonical name", () => {
    expect(isSameSession("main", "main")).toBe(true);
    expect(isSameSession("main", "agent:home:main")).toBe(true);
    expect(isSameSession("main", "global")).toBe(true);
    expect(isSameSession("main", "agent:home:main:thread:1")).toBe(false);
    expect(isSameSession("main", "agent:home:other")).toBe(false);
  });
});

describe("on a gateway that stores no keys", () => {
  const cut = (number: number) => update(number, { kind: "refetch" });

  it("recognises a message by its text and order", () => {
    const timeline = play(
      history(0, user("ok", null), reply("Fine.", null)),
      send("k", "ok"),
      update(1, { kind: "accepted", key: "k" }),
      cut(2),
    );
    const unsent = reduce(timeline, history(2, user("ok", null), reply("Fine.", null)));
    expect(lines(unsent)).toEqual(["user delivered: ok", "agent: Fine.", "user accepted: ok"]);

    const stored = history(2, user("ok", null), reply("Fine.", null), user("ok", null));
    expect(lines(reduce(timeline, stored))).toEqual([
      "user delivered: ok",
      "agent: Fine.",
      "user delivered: ok",
    ]);
  });

  it("takes no older message for one that was written before any history was read", () => {
    const old = { ...user("hi", null), atMs: 1 };
    const later = { ...user("hi", null), atMs: 2_000_000 };
    const queued = play({ type: "send", key: "k", text: "hi", atMs: 1_000_000 });
    expect(lines(reduce(queued, history(0, old)))).toEqual([
      "user delivered: hi",
      "user sending: hi",
    ]);
    expect(lines(reduce(queued, history(0, old, later)))).toEqual([
      "user delivered: hi",
      "user delivered: hi",
    ]);
  });
});

const textOf = (key: string) => `text ${Number(key.slice(1)) % 3}`;

/**
 * A gateway, the app's outbox before it, and a window that loses, repeats and delays what it is
 * told. Every reply has words of its own; a few texts of the user are said again and again.
 */
class World {
  timeline = emptyTimeline("main");
  readonly sent: string[] = [];
  #told = 0;
  #clock = 0;
  #online = true;
  #outbox: string[] = [];
  #started: string[] = [];
  #streaming: { key: string; text: string }[] = [];
  #untold: { key: string; text: string }[] = [];
  #transcript: ChatMessageView[] = [];
  #answer: ChatHistoryView | null = null;

  constructor(readonly keyed: boolean) {}

  play(step: Step): void {
    switch (step.kind) {
      case "send": {
        const key = `k${this.sent.length}`;
        this.sent.push(key);
        this.#input({ type: "send", key, text: textOf(key), atMs: (this.#clock += 1) });
        this.#outbox.push(key);
        this.#tell({ kind: "queued", key, text: textOf(key), files: [] }, step.lost);
        return;
      }
      case "deliver": {
        const key = this.#online ? this.#outbox.shift() : undefined;
        if (key === undefined) return;
        this.#transcript.push({
          ...user(textOf(key), this.keyed ? key : null),
          atMs: (this.#clock += 1),
        });
        this.#tell({ kind: "accepted", key }, step.lost);
        this.#started.push(key);
        return;
      }
      case "stream": {
        const key = this.#started.shift();
        if (key !== undefined) this.#streaming.push({ key, text: "" });
        const run = this.#streaming[0];
        if (run === undefined) return;
        run.text += "word ";
        this.#tell({ kind: "delta", runId: run.key, text: run.text }, step.lost);
        return;
      }
      case "store": {
        // The reply is stored first and told afterwards; a history may be read in between.
        const run = this.#streaming.shift();
        if (run === undefined) return;
        const text = `reply to ${run.key}`;
        this.#transcript.push(reply(text, this.keyed ? run.key : null));
        this.#untold.push({ key: run.key, text });
        return;
      }
      case "finish": {
        const run = this.#untold.shift();
        if (run === undefined) return;
        const end = { kind: "final", runId: run.key, message: reply(run.text, run.key) } as const;
        this.#tell(end, step.lost);
        if (step.twice) this.#tell({ kind: "final", runId: run.key, message: null }, false);
        return;
      }
      case "elsewhere":
        // Two updates about another session: when the first is lost, there is a hole.
        this.#tell({ kind: "status", runId: "x", phase: "p" }, step.lost, "agent:main:other");
        this.#tell({ kind: "status", runId: "x", phase: "q" }, false, "agent:main:other");
        return;
      case "cut":
        // What runs ends unseen, and is told by the history alone.
        this.#online = !this.#online;
        if (!this.#online) return;
        this.play({ kind: "store" });
        this.#untold = [];
        this.#tell({ kind: "refetch" }, step.lost);
        return;
      case "read":
        if (!this.timeline.needsHistory || this.#answer !== null) return;
        this.#answer = this.#history();
        return;
      case "answer":
        if (this.#answer === null) return;
        this.#input({ type: "history", view: this.#answer });
        this.#answer = null;
    }
  }

  /** Lets everything that is under way arrive. */
  settle(): void {
    this.#online = true;
    for (let turn = 0; turn < this.sent.length; turn += 1) {
      this.play({ kind: "deliver", lost: false });
      this.play({ kind: "stream", lost: false });
      this.play({ kind: "store" });
      this.play({ kind: "finish", lost: false, twice: false });
    }
    while (this.#untold.length > 0) this.play({ kind: "finish", lost: false, twice: false });
    this.#tell({ kind: "refetch" }, false);
    this.play({ kind: "answer" });
    this.#input({ type: "history", view: this.#history() });
  }

  #history(): ChatHistoryView {
    const run = this.keyed ? this.#streaming[0] : undefined;
    return {
      sessionKey: "main",
      asOf: this.#told,
      messages: [...this.#transcript],
      earlier: null,
      keptAtMs: null,
      inFlight:
        run === undefined ? null : { runId: run.key, text: run.text, reasoning: null, tools: [] },
    };
  }

  #tell(change: ChatChange, lost: boolean, sessionKey = "agent:main:main"): void {
    this.#told += 1;
    const told = { number: this.#told, sessionKey, change };
    if (!lost) this.#input({ type: "update", update: told });
  }

  #input(input: TimelineInput): void {
    deepFreeze(this.timeline);
    this.timeline = reduce(this.timeline, input);
  }
}

type Step =
  | { kind: "send" | "deliver" | "stream" | "cut" | "elsewhere"; lost: boolean }
  | { kind: "finish"; lost: boolean; twice: boolean }
  | { kind: "store" | "read" | "answer" };

function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
}

const lost = fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("send", "deliver", "stream" as const), lost }),
  fc.record({ kind: fc.constantFrom("cut", "elsewhere" as const), lost: fc.boolean() }),
  fc.record({ kind: fc.constant("finish" as const), lost, twice: fc.boolean() }),
  fc.record({ kind: fc.constantFrom("store", "read", "answer" as const) }),
);

describe.each([
  ["keys", true],
  ["no keys", false],
])("whatever is lost, repeated or late, with %s in the history", (_name, keyed) => {
  it("every message and reply is shown once", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
        const world = new World(keyed);
        for (const step of steps) {
          world.play(step);
          const shown = rows(world.timeline);
          const ids = shown.map((row) => row.id);
          expect(new Set(ids).size).toBe(ids.length);
          const said = shown.flatMap((row) => (row.kind === "user" ? [row.text] : []));
          expect([...said].sort()).toEqual(world.sent.map(textOf).sort());
          const replies = shown.flatMap((row) => (row.kind === "assistant" ? [row.text] : []));
          const whole = replies.filter((text) => text.startsWith("reply"));
          expect(new Set(whole).size).toBe(whole.length);
        }
        world.settle();
        expect(world.timeline.needsHistory).toBe(false);
        expect(lines(world.timeline).sort()).toEqual(
          world.sent
            .flatMap((key) => [`user delivered: ${textOf(key)}`, `agent: reply to ${key}`])
            .sort(),
        );
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});
