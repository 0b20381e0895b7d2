/**
 * Every recorded conversation with a real gateway, played to the page's side of the seam and the
 * timeline: the rows that people see after each ending, and again once the history was read.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Conversations } from "../src/ipc/browser/conversations";
import { isObject, textAt, at } from "../src/ipc/browser/json";
import { emptyTimeline, reduce, rows, type Row } from "../src/state/chat-timeline";

const CAPTURES = join(import.meta.dirname, "../../tests/fixtures/captures");
const files = readdirSync(CAPTURES).filter((name) => /^(?:v3-)?chat-.*\.jsonl$/.test(name));

function line(row: Row): string {
  switch (row.kind) {
    case "user":
      return `user ${row.state}: ${row.text}`;
    case "assistant": {
      const ending = row.ending === null ? "" : ` ${row.ending.kind}`;
      const reason = row.ending?.kind === "failed" ? ` (${row.ending.reason.slice(0, 60)})` : "";
      return `agent${ending}: ${row.text}${reason}`;
    }
    case "running": {
      const retry = row.retry === null ? "" : ` retry ${row.retry.attempt} of ${row.retry.most}`;
      return `running ${row.phase ?? "-"}${retry}: ${row.text}`;
    }
    case "work":
      return row.steps
        .map((step) =>
          step.kind === "thought"
            ? `thought: ${step.text}`
            : `tool ${step.tool.name} ${step.tool.state} ${step.tool.arguments.replace(/\s+/g, " ")} -> ${(step.tool.result ?? "-").slice(0, 80)}`,
        )
        .join("\n  ");
    case "note":
      return `note: ${row.text}`;
  }
}

interface Frame {
  dir: string;
  frame?: unknown;
}

/** Plays a recording and tells what is on the screen at every end of a run and every history. */
function play(name: string): string {
  const recorded = readFileSync(join(CAPTURES, name), "utf8")
    .split("\n")
    .filter((text) => text !== "")
    .map((text) => JSON.parse(text) as Frame);
  const conversations = new Conversations();
  const asked = new Map<string, { method: string; params: unknown }>();
  let timeline = emptyTimeline("none");
  const screens: string[] = [];
  const show = (when: string) => {
    screens.push(`--- ${when}`, ...rows(timeline).map(line));
  };
  for (const { dir, frame } of recorded) {
    if (!isObject(frame)) continue;
    const method = textAt(frame, "method");
    if (dir === "c2s" && method !== null) {
      asked.set(textAt(frame, "id") ?? "", { method, params: frame["params"] });
      if (method !== "chat.send") continue;
      const sessionKey = textAt(frame, "params", "sessionKey") ?? "main";
      if (timeline.sessionKey !== sessionKey) {
        timeline = emptyTimeline(sessionKey);
        const view = {
          sessionKey,
          asOf: 0,
          messages: [],
          inFlight: null,
          earlier: null,
          keptAtMs: null,
        };
        timeline = reduce(timeline, { type: "history", view: { ...view, asOf: told } });
      }
      const key = textAt(frame, "params", "idempotencyKey") ?? "";
      const text = textAt(frame, "params", "message") ?? "";
      timeline = reduce(timeline, { type: "send", key, text, atMs: 1 });
    }
    if (dir !== "s2c") continue;
    const call = asked.get(textAt(frame, "id") ?? "");
    if (frame["type"] === "res" && call?.method === "chat.send" && frame["ok"] === true) {
      const [key, session] = ["idempotencyKey", "sessionKey"].map(
        (member) => textAt(call.params, member) ?? "",
      );
      const update = conversations.accepted(session ?? "", key ?? "");
      told = update.number;
      timeline = reduce(timeline, { type: "update", update });
    }
    if (frame["type"] === "res" && call?.method === "chat.history" && frame["ok"] === true) {
      const sessionKey = textAt(call.params, "sessionKey") ?? "main";
      if (timeline.sessionKey !== sessionKey) timeline = emptyTimeline(sessionKey);
      const view = conversations.history(sessionKey, frame["payload"]);
      timeline = reduce(timeline, { type: "history", view });
      show("history");
    }
    if (frame["type"] !== "event") continue;
    const payload = frame["payload"];
    const update =
      frame["event"] === "chat"
        ? conversations.event(payload)
        : frame["event"] === "agent"
          ? conversations.detail(payload, 0)
          : null;
    if (update === null) continue;
    told = update.number;
    timeline = reduce(timeline, { type: "update", update });
    const { kind } = update.change;
    if (["final", "aborted", "failed", "retrying"].includes(kind)) show(kind);
    if (kind === "tool" && at(payload, "data", "phase") === "start") show("tool begins");
  }
  show("end");
  return `${screens.join("\n")}\n`;
}

let told = 0;

describe("a recorded conversation", () => {
  it("is there in every kind", () => expect(files.length).toBeGreaterThanOrEqual(15));

  it.each(files)("%s shows the expected rows", async (name) => {
    told = 0;
    await expect(play(name)).toMatchFileSnapshot(`recorded-chats/${name}.txt`);
  });
});
