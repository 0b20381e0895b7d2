/** What the plots of the last 24 hours are drawn from, and what they say in words. */
import type { DaySpanView, DayView } from "../ipc";

/** The whole day in a few numbers. */
export interface DaySummary {
  /** Of the time it was wanted, the share it stood, from 0 to 1; `null` when it was never wanted. */
  readonly connected: number | null;
  /** The median of the spans' longest round trips. */
  readonly pingMs: number | null;
  readonly attempts: number;
}

/** How a span was, in one word. */
export type Standing = "connected" | "gatewayDown" | "down" | "unknown";

function seenSeconds(span: DaySpanView): number {
  return span.connectedS + span.gatewayDownS + span.downS;
}

/** Whether anything at all is known of a day. */
export function isEmpty(day: DayView): boolean {
  return day.spans.every((span) => seenSeconds(span) === 0 && span.attempts === 0);
}

/** Sums a day up. */
export function summaryOf(day: DayView): DaySummary {
  const seen = day.spans.reduce((sum, span) => sum + seenSeconds(span), 0);
  const connected = day.spans.reduce((sum, span) => sum + span.connectedS, 0);
  const pings = day.spans.flatMap(({ pingMs }) => (pingMs === null ? [] : [pingMs]));
  pings.sort((a, b) => a - b);
  return {
    connected: seen === 0 ? null : connected / seen,
    pingMs: pings[Math.floor(pings.length / 2)] ?? null,
    attempts: day.spans.reduce((sum, span) => sum + span.attempts, 0),
  };
}

/** The worst that a span held for longer than a moment: a short gap must not hide in five minutes. */
export function standingOf(span: DaySpanView): Standing {
  const MOMENT_S = 5;
  if (span.downS > MOMENT_S) return "down";
  if (span.gatewayDownS > MOMENT_S) return "gatewayDown";
  if (span.connectedS > 0) return "connected";
  return seenSeconds(span) > 0 ? "down" : "unknown";
}

/** Spans in a row that were alike, drawn as one so that no seam shows. */
export interface Run {
  readonly standing: Standing;
  readonly from: number;
  readonly count: number;
}

/** The runs of a day, without those that nothing is known of. */
export function runsOf(day: DayView): Run[] {
  const runs: Run[] = [];
  day.spans.forEach((span, from) => {
    const standing = standingOf(span);
    const last = runs.at(-1);
    if (last?.standing === standing) runs[runs.length - 1] = { ...last, count: last.count + 1 };
    else runs.push({ standing, from, count: 1 });
  });
  return runs.filter(({ standing }) => standing !== "unknown");
}

/** When a span begins, in milliseconds since the Unix epoch. */
export function beginOf(day: DayView, index: number): number {
  return (day.untilMs ?? 0) - (day.spans.length - index) * day.spanMinutes * 60_000;
}

/** The largest value a plot has to hold: a round one, so that the scale rests as values change. */
export function ceilingOf(values: readonly number[], least: number): number {
  let ceiling = least;
  const largest = Math.max(least, ...values);
  const steps = [2, 2.5, 2];
  for (let step = 0; ceiling < largest; step += 1) ceiling *= steps[step % steps.length] ?? 2;
  return ceiling;
}

/**
 * The line through the values, as SVG path data in a box of `values.length` by `height`; it is broken
 * where nothing was measured, and a lone value is a short dash.
 */
export function lineThrough(
  values: readonly (number | null)[],
  height: number,
  ceiling: number,
): string {
  const at = (value: number) => (height - (Math.min(value, ceiling) / ceiling) * height).toFixed(2);
  let path = "";
  values.forEach((value, index) => {
    if (value === null) return;
    const joined = index > 0 && values[index - 1] != null;
    path += joined ? `L${index + 0.5} ${at(value)}` : `M${index} ${at(value)}h.5`;
  });
  return path;
}
