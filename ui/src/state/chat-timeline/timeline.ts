/** A conversation as known here: what a history told, and what has happened since. */
import type {
  AttachmentView,
  ChatMessageView,
  ChatUpdate,
  FileView,
  ToolView,
  UiError,
} from "../../ipc";

/** How far a message of ours has come. */
export type SendState = "sending" | "queued" | "accepted" | "refused";

/** A message of ours that the history does not hold yet. */
export interface SendEntry {
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
export interface Work {
  readonly reasoning: string | null;
  readonly tools: readonly ToolView[];
}

/** A run that goes on. */
export interface RunEntry extends Work {
  readonly kind: "run";
  readonly runId: string;
  readonly text: string;
  readonly phase: string | null;
  readonly retry: Retry | null;
}

/** A message that was told whole, and is in no history yet. */
export interface MessageEntry extends Work {
  readonly kind: "message";
  readonly message: ChatMessageView;
}

/** A reply that did not end well. */
export interface EndedEntry extends Work {
  readonly kind: "stopped" | "failed";
  readonly runId: string;
  readonly text: string;
  readonly reason: string;
}

/** What has happened since the history was read. */
export type TailEntry = SendEntry | RunEntry | MessageEntry | EndedEntry;

/** A provider that did not answer and is asked again. */
export interface Retry {
  readonly attempt: number;
  /** 0 where that is not said. */
  readonly most: number;
  readonly atMs: number;
}

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

/** Returns the runs that are going on, oldest first. */
export function activeRuns(timeline: Timeline): string[] {
  return timeline.tail.flatMap((entry) => (entry.kind === "run" ? [entry.runId] : []));
}

/** Returns how many messages wait for the connection. */
export function queuedCount(timeline: Timeline): number {
  return timeline.tail.filter((entry) => entry.kind === "send" && entry.state === "queued").length;
}
