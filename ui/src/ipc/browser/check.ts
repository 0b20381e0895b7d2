/** "Check my server" as far as a page can see: does the gateway answer, let us in, and is it well? */
import type { CheckStatus, CheckStepId, CheckStepView, CheckView, Finding } from "..";
import { type Session, isWell } from "./session";

const STEPS: readonly CheckStepId[] = ["gateway", "access", "health"];

/** What a check asks. */
export interface Asked {
  /** Fetches a path of the gateway; resolves with whether it said that it lives. */
  lives(signal: AbortSignal): Promise<boolean>;
  session(): Session | null;
}

/** How a step went, the word for it and its English sentence. */
type Found = [status: CheckStatus, code: string, summary: string];

export class Check {
  readonly #asked: Asked;
  readonly #changed: (view: CheckView) => void;
  #stop: AbortController | null = null;
  #view: CheckView = { running: false, finishedAtMs: null, ok: null, steps: STEPS.map(pending) };

  constructor(asked: Asked, changed: (view: CheckView) => void) {
    this.#asked = asked;
    this.#changed = changed;
  }

  get view(): CheckView {
    return this.#view;
  }

  async run(): Promise<void> {
    if (this.#stop !== null) return;
    const stop = new AbortController();
    this.#stop = stop;
    this.#tell({ ...this.#view, running: true, ok: null, steps: STEPS.map(pending) });
    const { lives, session } = this.#asked;
    const steps: Record<string, () => Promise<Found>> = {
      gateway: async () =>
        (await lives(stop.signal))
          ? ["ok", "pageAnswers", "The gateway answers."]
          : ["failed", "pageNoGateway", "What answers here is no gateway."],
      access: async () =>
        session() === null
          ? ["needsUser", "pageNotSignedIn", "This browser is not signed in."]
          : ["ok", "pageSignedIn", "This browser is signed in."],
      health: async () =>
        isWell(await session()?.call("health", { probe: true }))
          ? ["ok", "pageWell", "The gateway is well."]
          : ["degraded", "pageNotWell", "The gateway says that something is not well."],
    };
    let goesOn = true;
    for (const id of STEPS) {
      const step = steps[id];
      if (step === undefined || !goesOn || stop.signal.aborted) {
        this.#set(id, { status: "notReached" });
        continue;
      }
      this.#set(id, { status: "running" });
      const began = performance.now();
      const [status, code, summary] = await step().catch((): Found => [
        "failed",
        "pageNoAnswer",
        "The gateway did not answer.",
      ]);
      goesOn = status === "ok";
      const finding: Finding = { code: "problem", problem: code, facts: {} };
      this.#set(id, { status, summary, finding, ms: performance.now() - began });
    }
    this.#stop = null;
    const ok = this.#view.steps.every(({ status }) => status === "ok");
    this.#tell({ ...this.#view, running: false, finishedAtMs: Date.now(), ok });
  }

  cancel(): void {
    this.#stop?.abort();
  }

  #set(id: CheckStepId, over: Partial<CheckStepView>): void {
    const steps = this.#view.steps.map((step) => (step.id === id ? { ...step, ...over } : step));
    this.#tell({ ...this.#view, steps });
  }

  #tell(view: CheckView): void {
    this.#view = view;
    this.#changed(view);
  }
}

function pending(id: CheckStepId): CheckStepView {
  return { id, status: "pending", ms: null, summary: "", finding: null, action: null };
}
