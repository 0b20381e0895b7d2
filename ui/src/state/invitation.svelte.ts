/** The setup code or link that waits for a person's word, as last told. */
import type { Backend, InvitationView, UiError } from "../ipc";

export class InvitationState {
  /** `null` while none is open. */
  view = $state.raw<InvitationView | null>(null);
  /** Why the latest one could not be read or used. */
  problem = $state.raw<UiError | null>(null);
  /** While the app does what was asked. */
  busy = $state(false);
  /** Counts those that were used. */
  used = $state(0);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  receive(view: InvitationView | null): void {
    this.view = view;
    if (view !== null) this.problem = null;
  }

  /** Has the app read what was pasted. */
  read = async (text: string) => {
    const answer = await this.#backend.commands.readInvitation(text);
    this.problem = answer.status === "ok" ? null : answer.error;
  };

  /** Has the app use the gateway that is shown, and no other. */
  accept = async () => {
    if (this.view?.state !== "asked" || this.busy) return;
    this.busy = true;
    try {
      const answer = await this.#backend.commands.acceptInvitation(this.view.id);
      this.problem = answer.status === "ok" ? null : answer.error;
      if (answer.status === "ok") this.used += 1;
    } finally {
      this.busy = false;
    }
  };

  forget = () => {
    this.problem = null;
    void this.#backend.commands.forgetInvitation();
  };
}
