/** The slash commands that are offered while one is being written, and which of them is marked. */
import type { CommandView } from "../ipc";
import { completed, completionsOf } from "../lib/commands";

export class Completion {
  #text = $state("");
  #caret = $state(0);
  #marked = $state(0);
  /** What was written when somebody wanted no more of it. */
  #dismissed = $state<string | null>(null);
  readonly #commands: () => readonly CommandView[];

  constructor(commands: () => readonly CommandView[]) {
    this.#commands = commands;
  }

  readonly offered = $derived.by(() =>
    this.#text === this.#dismissed ? [] : completionsOf(this.#text, this.#caret, this.#commands()),
  );
  readonly open = $derived(this.offered.length > 0);
  readonly marked = $derived(Math.min(this.#marked, this.offered.length - 1));

  /** Takes over what the field holds and where the caret stands. */
  look(text: string, caret: number): void {
    if (text !== this.#text) {
      this.#marked = 0;
      this.#dismissed = null;
    }
    this.#text = text;
    this.#caret = caret;
  }

  mark(index: number): void {
    this.#marked = index;
  }

  dismiss(): void {
    this.#dismissed = this.#text;
  }

  /** Returns what the field holds with a command in place of its beginning. */
  take(command: CommandView): string {
    const text = completed(command, this.#text.slice(this.#caret));
    this.#text = text;
    this.#dismissed = text;
    return text;
  }

  /**
   * Takes a key; returns what the field is to hold, `true` where the key has done its work, `false`
   * where it is the field's. Enter sends a command that stands there whole already.
   */
  key(event: KeyboardEvent): string | boolean {
    if (!this.open || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) {
      return false;
    }
    const count = this.offered.length;
    switch (event.key) {
      case "ArrowDown":
        this.#marked = (this.marked + 1) % count;
        return true;
      case "ArrowUp":
        this.#marked = (this.marked - 1 + count) % count;
        return true;
      case "Escape":
        this.dismiss();
        return true;
      case "Enter":
      case "Tab": {
        const command = this.offered[this.marked];
        if (event.shiftKey || command === undefined) return false;
        const written = this.#text.trim();
        const isWhole = [command.text, ...command.aliases].includes(written);
        if (event.key === "Enter" && isWhole) return false;
        return this.take(command);
      }
      default:
        return false;
    }
  }
}
