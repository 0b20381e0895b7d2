/** "Check my server" as last told. */
import type { Backend, CheckView } from "../ipc";

export class CheckState {
  view = $state.raw<CheckView | null>(null);
  /** When the running check was first seen. */
  sinceMs = $state(0);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  receive(view: CheckView): void {
    if (view.running && this.view?.running !== true) this.sinceMs = Date.now();
    this.view = view;
  }

  run = () => void this.#backend.commands.runCheck();
  cancel = () => void this.#backend.commands.cancelCheck();
}
