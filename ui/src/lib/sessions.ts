/** How conversations are grouped, found and named; pure. */
import type { SessionView } from "../ipc";

/** What conversations are listed under, in this order. */
export const GROUPS = [
  "pinned",
  "today",
  "yesterday",
  "week",
  "older",
  "background",
  "archived",
] as const;

export type SessionGroup = (typeof GROUPS)[number];

/** One group with its conversations, the latest first. */
export interface Grouped {
  readonly group: SessionGroup;
  readonly rows: readonly SessionView[];
}

const DAY_MS = 24 * 3600_000;

function groupOf(row: SessionView, nowMs: number): SessionGroup {
  if (row.archived) return "archived";
  if (row.isBackground) return "background";
  // The one everybody has is always at hand.
  if (row.pinned || row.isMain) return "pinned";
  const now = new Date(nowMs);
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const at = row.updatedAtMs ?? nowMs;
  if (at >= midnight) return "today";
  if (at >= midnight - DAY_MS) return "yesterday";
  if (at >= midnight - 7 * DAY_MS) return "week";
  return "older";
}

/** Returns the groups that have any conversation, in order. */
export function groupsOf(rows: readonly SessionView[], nowMs: number): Grouped[] {
  const latestFirst = [...rows].sort(
    (a, b) =>
      Number(b.isMain && !b.archived) - Number(a.isMain && !a.archived) ||
      (b.updatedAtMs ?? nowMs) - (a.updatedAtMs ?? nowMs),
  );
  return GROUPS.map((group) => ({
    group,
    rows: latestFirst.filter((row) => groupOf(row, nowMs) === group),
  })).filter(({ rows }) => rows.length > 0);
}

/** Whether a conversation has every word that is looked for, in its name or its last message. */
export function matches(row: SessionView, name: string, query: string): boolean {
  const text = `${name} ${row.preview ?? ""} ${row.agent ?? ""}`.toLocaleLowerCase();
  return query
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** What share of what its model can look at a conversation takes up; `null` while not known. */
export function contextShare(row: SessionView): number | null {
  const { tokensUsed, contextTokens } = row;
  if (tokensUsed === null || contextTokens === null || contextTokens <= 0) return null;
  return Math.min(1, tokensUsed / contextTokens);
}
