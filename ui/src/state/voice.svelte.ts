/** Voice as the app tells of it, and what a person asks of it. The window has no microphone of its own. */
import type { Backend, UiError, VoiceAct, VoiceForm, VoiceModelEdit, VoiceView } from "../ipc";

export class VoiceState {
  /** `null` where there is no voice: in a browser. */
  view = $state.raw<VoiceView | null>(null);
  /** How loud it is, from 0 to 1. */
  level = $state(0);
  /** Why the last thing that was asked was not done. */
  problem = $state.raw<UiError | null>(null);
  /** Whether the tester is wanted. */
  testing = $state(false);

  readonly #backend: Backend;
  #page = false;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  receive(view: VoiceView): void {
    this.view = view;
    if (view.microphone === null) this.level = 0;
  }

  /** Sets what is given; the rest stays as it is. */
  async set(over: Partial<VoiceForm>): Promise<void> {
    if (this.view === null) return;
    const answer = await this.#backend.commands.setVoice({ ...this.view.form, ...over });
    this.problem = answer.status === "ok" ? null : answer.error;
  }

  /** Has the gateway listen for these words; returns whether it does. */
  async setTriggers(words: string[]): Promise<boolean> {
    const answer = await this.#backend.commands.setVoiceTriggers(words);
    this.problem = answer.status === "ok" ? null : answer.error;
    return answer.status === "ok";
  }

  async editModels(edit: VoiceModelEdit): Promise<void> {
    const answer = await this.#backend.commands.editVoiceModels(edit);
    this.problem = answer.status === "ok" ? null : answer.error;
  }

  act = (act: VoiceAct): void => {
    void this.#backend.commands.voiceAct(act);
  };

  /** Says whether the page is open; what it shows is told only meanwhile. */
  look(page: boolean): void {
    this.#page = page;
    if (!page) {
      this.testing = false;
      this.problem = null;
    }
    this.#tell();
  }

  test(on: boolean): void {
    this.testing = on;
    this.#tell();
  }

  #tell(): void {
    void this.#backend.commands.lookAtVoice({ page: this.#page, tester: this.testing });
  }
}
