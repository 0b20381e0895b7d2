/**
 * The time, for countdowns. It ticks only while something on the screen reads it and the window is
 * visible, so that a window in the background costs nothing.
 */
import { createSubscriber } from "svelte/reactivity";

/** Twice a second, so that no second of a countdown is skipped. */
const TICK_MS = 500;

export class Clock {
  readonly #watch = createSubscriber((update) => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const run = () => {
      clearInterval(timer);
      if (document.visibilityState === "hidden") return;
      update();
      timer = setInterval(update, TICK_MS);
    };
    document.addEventListener("visibilitychange", run);
    if (document.visibilityState !== "hidden") timer = setInterval(update, TICK_MS);
    return () => {
      document.removeEventListener("visibilitychange", run);
      clearInterval(timer);
    };
  });

  /** Milliseconds since the Unix epoch; keeps its reader up to date. */
  get nowMs(): number {
    this.#watch();
    return Date.now();
  }
}
