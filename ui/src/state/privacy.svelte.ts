/** What this app keeps on this computer, and what of it is about to be forgotten. */
import type { Backend, OwnFolder, PrivacyView, StoredItemView, UiError } from "../ipc";

/** What a person is asked about before it is forgotten. */
export type Forgetting =
  { what: "item"; item: StoredItemView } | { what: "history" } | { what: "everything" };

export class PrivacyState {
  /** `null` until it was asked for. */
  view = $state.raw<PrivacyView | null>(null);
  asked = $state.raw<Forgetting | null>(null);
  problem = $state.raw<UiError | null>(null);
  busy = $state(false);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  load = async (): Promise<void> => {
    const answer = await this.#backend.commands.privacy();
    if (answer.status === "ok") this.view = answer.data;
    else this.problem = answer.error;
  };

  open = async (folder: OwnFolder): Promise<void> => {
    const answer = await this.#backend.commands.openOwnFolder(folder);
    this.problem = answer.status === "ok" ? null : answer.error;
  };

  ask = (asked: Forgetting) => {
    this.problem = null;
    this.asked = asked;
  };

  cancel = () => {
    this.asked = null;
    this.problem = null;
  };

  confirm = async (): Promise<void> => {
    if (this.asked === null || this.busy) return;
    this.busy = true;
    const { commands } = this.#backend;
    try {
      const answer = await (this.asked.what === "item"
        ? commands.deleteStored(this.asked.item.owner, this.asked.item.kind)
        : this.asked.what === "history"
          ? commands.forgetHistory()
          : commands.resetApp());
      this.problem = answer.status === "ok" ? null : answer.error;
      if (answer.status === "ok") this.asked = null;
    } finally {
      this.busy = false;
    }
    await this.load();
  };
}
