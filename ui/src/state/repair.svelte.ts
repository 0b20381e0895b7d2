/** What is done on the home server by a command, as last told, and the end of the gateway's log. */
import type { Backend, LogView, RepairKind, RepairView, UiError } from "../ipc";

/** What is shown of the log. */
export type Log =
  { state: "reading" } | { state: "read"; log: LogView } | { state: "failed"; problem: UiError };

export class RepairState {
  /** `null` while nothing is offered or done. */
  view = $state.raw<RepairView | null>(null);
  /** `null` while the log is not shown. */
  log = $state.raw<Log | null>(null);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  receive(view: RepairView | null): void {
    this.view = view;
  }

  offer = (kind: RepairKind) => void this.#backend.commands.offerRepair(kind);
  run = () => void this.#backend.commands.runRepair();
  stop = () => void this.#backend.commands.stopRepair();

  openLog = async () => {
    const reading: Log = { state: "reading" };
    this.log = reading;
    const answer = await this.#backend.commands.gatewayLog();
    // It may have been closed, or asked for again, meanwhile.
    if (this.log !== reading) return;
    this.log =
      answer.status === "ok"
        ? { state: "read", log: answer.data }
        : { state: "failed", problem: answer.error };
  };

  closeLog = () => (this.log = null);
}
