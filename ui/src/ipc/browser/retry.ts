/** When the next attempt comes: the same rules as in the app, without clock or randomness. */

/** A connection that was up this long may come back at once. */
const WORTH_AN_INSTANT_RETRY_MS = 10_000;
/** A connection that was up this long starts the delays over. */
const FORGIVEN_AFTER_MS = 60_000;
const LONGEST_DELAY_MS = 30_000;
/** At most one attempt is brought forward in this time. */
const SHORTCUT_EVERY_MS = 3_000;

export class RetryDelays {
  #failures = 0;
  #lastShortcutMs = Number.NEGATIVE_INFINITY;

  /** The number of the attempt that comes next, from 1. */
  get attempt(): number {
    return this.#failures + 1;
  }

  /** A connection that was up is lost. Returns how long to wait. */
  lost(wasUpMs: number, random: number): number {
    if (wasUpMs >= FORGIVEN_AFTER_MS) this.#failures = 0;
    if (wasUpMs >= WORTH_AN_INSTANT_RETRY_MS) return 0;
    return this.failed(random);
  }

  /** An attempt failed. Returns how long to wait; `random` is from 0 up to 1. */
  failed(random: number): number {
    const longest = Math.min(LONGEST_DELAY_MS, 1000 * 2 ** this.#failures);
    this.#failures += 1;
    return longest * (0.5 + random / 2);
  }

  /** Whether something that happened may bring the next attempt forward. */
  takeShortcut(nowMs: number): boolean {
    if (nowMs - this.#lastShortcutMs < SHORTCUT_EVERY_MS) return false;
    this.#lastShortcutMs = nowMs;
    return true;
  }

  reset(): void {
    this.#failures = 0;
  }
}
