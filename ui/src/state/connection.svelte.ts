/** The connection as last told, and the intents that concern it. */
import type { Backend, ConnectionView, Phase } from "../ipc";

/** Phases in which an attempt runs. */
export function isAttempting(phase: Phase): boolean {
  switch (phase) {
    case "resolving":
    case "connecting":
    case "authenticating":
    case "forwarding":
    case "gateway_check":
      return true;
    case "off":
    case "host_key":
    case "auth_prompt":
    case "up":
    case "suspect":
    case "up_gateway_down":
    case "retry_wait":
    case "paused":
    case "stopped":
      return false;
  }
}

/** Phases in which the gateway can be asked. */
export function isOnline(phase: Phase): boolean {
  return phase === "up" || phase === "suspect";
}

export class ConnectionState {
  /** `null` until the app has told anything. */
  view = $state.raw<ConnectionView | null>(null);
  /** When the wait for the next attempt was first seen, for the share of it that is over. */
  waitSinceMs = $state(0);
  /** When the running attempt was first seen. */
  attemptSinceMs = $state(0);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  readonly online = $derived(this.view !== null && isOnline(this.view.phase));

  /** Takes over what the app tells. */
  receive(view: ConnectionView): void {
    const before = this.view;
    if (view.nextAttemptAtMs !== before?.nextAttemptAtMs) this.waitSinceMs = Date.now();
    if (isAttempting(view.phase) && !(before !== null && isAttempting(before.phase))) {
      this.attemptSinceMs = Date.now();
    }
    this.view = view;
  }

  connect = () => void this.#backend.commands.connect();
  disconnect = () => void this.#backend.commands.disconnect();
  reconnectNow = () => void this.#backend.commands.reconnectNow();
  trust = (id: string) => this.#backend.commands.trustHostKey(id);
  cancelQuestion = (id: string) => void this.#backend.commands.cancelQuestion(id);

  /** Starts an attempt, whether one waits already or none does. */
  tryNow(): void {
    if (this.view?.phase === "retry_wait") this.reconnectNow();
    else this.connect();
  }

  /** Answers a question and returns what stands in the way, or `null`. */
  async answer(id: string, texts: string[], remember: boolean): Promise<string | null> {
    const answer = await this.#backend.commands.answerQuestion({ id, texts, remember });
    return answer.status === "ok" ? null : answer.error.message;
  }
}
