/** Histories: a newer one, one that was kept on this computer, and pages of what was said before. */
import type {
  ChatHistoryView,
  ChatMessageView,
  ChatPageView,
  ImageView,
  ToolView,
} from "../../ipc";
import { isPicture, picturesOf } from "../../lib/attachments";
import { isInHistory, isLastWord, keyOf, openEntries } from "./in-history";
import { withRun, withTool } from "./tail";
import type { Timeline } from "./timeline";

/** Replaces the history and drops from the tail what the new one says. */
export function adopt(timeline: Timeline, view: ChatHistoryView): Timeline {
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

/**
 * Shows what was kept of a conversation until its gateway can be asked. It changes nothing once there is
 * anything newer.
 */
export function adoptKept(timeline: Timeline, view: ChatHistoryView): Timeline {
  if (timeline.loaded) return timeline;
  return {
    ...timeline,
    loaded: true,
    keptAtMs: view.keptAtMs,
    history: view.messages,
    tail: openEntries(timeline.tail, view.messages),
  };
}

/** Puts the messages before those that are shown. What was said meanwhile moves the pages, so they may overlap. */
export function putBefore(timeline: Timeline, page: ChatPageView, before: string | null): Timeline {
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
