/** A key of the app's own in place of the account's password, as last told. */
import type { Backend, SignInKeyView } from "../ipc";

export class SignInKeyState {
  /** `null` while nothing is shown of it. */
  view = $state.raw<SignInKeyView | null>(null);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  receive(view: SignInKeyView | null): void {
    this.view = view;
  }

  add = () => void this.#backend.commands.addSignInKey();
  undo = () => void this.#backend.commands.undoSignInKey();
  close = () => void this.#backend.commands.closeSignInKey();
}
