/**
 * Which rows of the conversation are drawn: its last ones at once, those before them a few with each frame
 * until all are. A long conversation stands there as soon as what is looked at does. `Chat` draws them and
 * says when a frame has passed; nothing here knows what a row holds.
 */
import { untrack } from "svelte";

/** So many are drawn at once: more than a window shows of most conversations; the next frames fill a taller one. */
const AT_ONCE = 24;
/** So many more with each frame: few enough not to hold up a letter that is typed meanwhile. */
const EACH_FRAME = 4;

interface Identified {
  readonly id: string;
}

/** From where on the rows of a conversation are drawn. */
interface Begun {
  readonly conversation: string;
  /** The first row that is drawn; `null` while there is none. */
  readonly id: string | null;
  /** How many rows there are from it on, for the time when a new history has no such row any more. */
  readonly count: number;
}

export class DrawnRows<Row extends Identified> {
  readonly #rows: () => readonly Row[];
  readonly #conversation: () => string;
  #begun = $state.raw<Begun>({ conversation: "", id: null, count: AT_ONCE });
  readonly #leftNow = $derived.by(() => this.#left(this.#rows(), this.#begun));
  readonly #drawn = $derived.by(() => this.#rows().slice(this.#leftNow));

  constructor(rows: () => readonly Row[], conversation: () => string) {
    this.#rows = rows;
    this.#conversation = conversation;
  }

  /** How many rows are not drawn yet. */
  get left(): number {
    return this.#leftNow;
  }

  /** The rows to draw. */
  get rows(): readonly Row[] {
    return this.#drawn;
  }

  #left(rows: readonly Row[], begun: Begun): number {
    const at = begun.id === null ? -1 : rows.findIndex(({ id }) => id === begun.id);
    if (at !== -1) return at;
    const isSame = begun.conversation === this.#conversation();
    return Math.max(0, rows.length - (isSame ? Math.max(begun.count, AT_ONCE) : AT_ONCE));
  }

  /** Draws a few more: a frame has passed. */
  more(): void {
    this.#begin(EACH_FRAME);
  }

  /** Draws all of them, for somebody who looks for something. */
  all(): void {
    this.#begin(Infinity);
  }

  /** Keeps what is drawn now as it is, whatever is put before it. */
  keep(): void {
    this.#begin(0);
  }

  #begin(more: number): void {
    untrack(() => {
      const rows = this.#rows();
      const left = Math.max(0, this.left - more);
      const conversation = this.#conversation();
      this.#begun = { conversation, id: rows[left]?.id ?? null, count: rows.length - left };
    });
  }
}
