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
  ChatPageView,
  ChatUpdate,
  UiError,
  UnsentMessageView,
} from "../../ipc";
import { adopt, adoptKept, putBefore } from "./histories";
import { setSendState, withSend } from "./tail";
import type { Timeline } from "./timeline";
import { receive, replay } from "./updates";

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
