/** What is kept of conversations on this computer, and that it was forgotten. */
import type { Backend, UiError } from "../ipc";

export class KeptConversationsState {
  /** Whether the last thing that happened to them is that they were forgotten. */
  forgotten = $state(false);
  problem = $state.raw<UiError | null>(null);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async forget(): Promise<void> {
    this.forgotten = false;
    const answer = await this.#backend.commands.forgetHistories();
    this.problem = answer.status === "ok" ? null : answer.error;
    this.forgotten = answer.status === "ok";
  }
}
