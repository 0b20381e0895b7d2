/** The one word for where the connection stands; every place on the screen takes it from here. */
import type { Catalogue } from "../i18n";
import type { ConnectionView } from "../ipc";
import { secondsUntil } from "../lib/duration";

/** Returns the word as shown, with the countdown at `nowMs`. */
export function stateWord(text: Catalogue, view: ConnectionView, nowMs: () => number): string {
  if (view.phase !== "retry_wait") return text.state.phase[view.phase];
  if (view.nextAttemptAtMs === null) return text.state.retry(view.attempt);
  const seconds = secondsUntil(view.nextAttemptAtMs, nowMs());
  return seconds === 0
    ? text.state.retryNow(view.attempt)
    : text.state.retryIn(seconds, view.attempt);
}

/** Returns the word as spoken: without the countdown, which would be read out at every tick. */
export function spokenState(text: Catalogue, view: ConnectionView): string {
  const word =
    view.phase === "retry_wait" ? text.state.retry(view.attempt) : text.state.phase[view.phase];
  return text.state.announce(view.serverName, word);
}

/** Returns how much of the wait for the next attempt is over, from 0 to 1. */
export function waitedShare(view: ConnectionView, sinceMs: number, nowMs: () => number): number {
  if (view.phase !== "retry_wait" || view.nextAttemptAtMs === null) return 0;
  const whole = view.nextAttemptAtMs - sinceMs;
  return whole <= 0 ? 1 : Math.min(1, Math.max(0, (nowMs() - sinceMs) / whole));
}
