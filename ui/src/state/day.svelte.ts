/** The last 24 hours of the connection; asked for only while somebody looks. */
import type { Backend, DayView } from "../ipc";

export class DayState {
  /** `null` until it was asked for. */
  view = $state.raw<DayView | null>(null);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  load = async (): Promise<void> => {
    const answer = await this.#backend.commands.connectionDay();
    // An app that cannot say is quitting.
    if (answer.status === "ok") this.view = answer.data;
  };
}
