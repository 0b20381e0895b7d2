/**
 * Links in what an agent wrote: a person sees where one leads before anything is opened, and it is
 * opened outside.
 */
import type { Backend, UiError } from "../ipc";

export class LinksState {
  /** Where a person is asked whether to go; `null` when nobody asks. */
  address = $state.raw<string | null>(null);
  /** Why it could not be opened. */
  problem = $state.raw<UiError | null>(null);

  readonly #backend: Backend;
  readonly #failed: string;

  /** `failed` is said when the app could not be asked at all. */
  constructor(backend: Backend, failed: string) {
    this.#backend = backend;
    this.#failed = failed;
  }

  /** Shows where an address leads; it has passed `linkAddress`. */
  ask = (address: string) => {
    this.problem = null;
    this.address = address;
  };

  close = () => {
    this.address = null;
    this.problem = null;
  };

  /** Opens what is shown. */
  open = async (): Promise<void> => {
    const { address } = this;
    if (address === null) return;
    try {
      const answer = await this.#backend.commands.openLink(address);
      this.problem = answer.status === "ok" ? null : answer.error;
    } catch {
      this.problem = { code: "ipc", message: this.#failed, action: null };
    }
    if (this.problem === null) this.address = null;
  };
}
