/** The numbered updates: in turn, held back while one is missing, and what each does. */
import type { ChatMessageView, ChatUpdate } from "../../ipc";
import { isSameSession } from "../../lib/session-keys";
import { isInHistory } from "./in-history";
import { end, hasSaid, said, setSendState, withRun, withSend, withTool, workOf } from "./tail";
import type { Timeline } from "./timeline";

/** Takes an update: at once where it is the next, else it waits and the history is asked for. */
export function receive(timeline: Timeline, update: ChatUpdate): Timeline {
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

/** Does what waited for the history that has come. */
export function replay(timeline: Timeline): Timeline {
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
