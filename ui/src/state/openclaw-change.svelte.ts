/** "Also use this for the openclaw command": what would be written is shown, and written on a click. */
import type { Backend, OpenclawChangeView, UiError } from "../ipc";

export class OpenclawChangeState {
  /** What is shown; `null` while nothing is. */
  view = $state.raw<OpenclawChangeView | null>(null);
  /** Whether the last thing that happened to it is that it was written. */
  written = $state(false);
  works = $state(false);
  problem = $state.raw<UiError | null>(null);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Has the app work out what would be written. */
  async show(): Promise<void> {
    this.written = false;
    this.problem = null;
    const answer = await this.#backend.commands.showOpenclawChange();
    this.view = answer.status === "ok" ? answer.data : null;
    if (answer.status === "error") this.problem = answer.error;
  }

  /** Writes what is shown; why it was not written stands beside it. */
  async write(): Promise<void> {
    if (this.view === null || this.works) return;
    this.works = true;
    try {
      const answer = await this.#backend.commands.writeOpenclawChange(this.view.number);
      this.written = answer.status === "ok";
      if (answer.status === "ok") this.close();
      else this.problem = answer.error;
    } finally {
      this.works = false;
    }
  }

  close(): void {
    this.view = null;
    this.problem = null;
  }
}
