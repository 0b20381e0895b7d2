/** What happened to the connection lately; asked for only while somebody looks. */
import type { Backend, HappenedView } from "../ipc";

export class HistoryState {
  /** The latest last; `null` until it was asked for. */
  events = $state.raw<readonly HappenedView[] | null>(null);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  load = async (): Promise<void> => {
    const answer = await this.#backend.commands.connectionHistory();
    // An app that cannot say is quitting.
    if (answer.status === "ok") this.events = answer.data;
  };
}
