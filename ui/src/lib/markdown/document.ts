/**
 * A message that may grow, read so that only its end is read again.
 *
 * Blocks at the top of a message do not change any more once a later one has begun with a whole
 * line; they keep their identity, so whoever draws them draws them once. What a later block defines
 * (addresses, footnotes) is the one thing that reaches back: the blocks that may refer to it are
 * then read again.
 */
import { mend } from "./mend";
import { NOTHING_KNOWN, parse, type Known, type Placed } from "./parse";
import type { Block, Note } from "./tree";

/** What is drawn. */
export interface Drawn {
  readonly blocks: readonly Block[];
  readonly notes: readonly Note[];
}

interface Settled extends Placed {
  /** Its lines, for reading it again. */
  readonly source: string;
}

export class MessageDocument {
  #text = "";
  #isWhole = true;
  #settled: Settled[] = [];
  /** How much of the text the settled blocks are made of. */
  #settledLength = 0;
  /** What they define. */
  #known: Known = NOTHING_KNOWN;
  /** How much of the rest was looked at for more to keep. */
  #lookedAt = -1;
  #drawn: Drawn = { blocks: [], notes: [] };

  /** Takes the text as it is now; `growing` while more is to come. */
  update(text: string, growing: boolean): Drawn {
    if (text === this.#text && growing !== this.#isWhole) return this.#drawn;
    const grows = !this.#isWhole && text.startsWith(this.#text.slice(0, this.#settledLength));
    if (!grows) this.#startOver();
    this.#text = text;
    this.#isWhole = !growing;
    const fence = growing ? openFence(text.slice(this.#settledLength)) : null;
    if (fence === null) this.#settle(growing);
    const rest = text.slice(this.#settledLength);
    this.#draw(fence ?? (growing ? parse(mend(rest), this.#known).placed : []));
    return this.#drawn;
  }

  #startOver(): void {
    this.#settled = [];
    this.#settledLength = 0;
    this.#known = NOTHING_KNOWN;
    this.#lookedAt = -1;
  }

  /**
   * Keeps what cannot change any more: everything, once nothing follows. Only whole lines count:
   * half a line may look like the beginning of another block than it becomes.
   */
  #settle(growing: boolean): void {
    const rest = this.#text.slice(this.#settledLength);
    let kept = rest;
    if (growing) {
      const whole = rest.slice(0, rest.lastIndexOf("\n") + 1);
      if (whole.length === this.#lookedAt) return;
      this.#lookedAt = whole.length;
      const lines = whole.split("\n");
      const edge = lastEdge(parse(whole, this.#known).placed, lines);
      if (edge === 0) return;
      kept = lines.slice(0, edge).join("\n") + "\n";
    }
    const { placed, known } = parse(kept, this.#known);
    const lines = kept.split("\n");
    const starts = placed.map(({ line }) => line);
    this.#settled.push(
      ...placed.map((block, index): Settled => {
        const next = starts.slice(index + 1).find((line) => line !== null) ?? lines.length;
        return { ...block, source: lines.slice(block.line ?? 0, next).join("\n") };
      }),
    );
    const before = this.#known;
    this.#known = known;
    this.#readAgain(before, placed.length);
    this.#settledLength += kept.length;
    this.#lookedAt = -1;
  }

  /** Reads blocks again that may refer to what has just become known; `fresh` ones know it. */
  #readAgain(before: Known, fresh: number): void {
    const labels = [
      ...[...this.#known.addresses.keys()].filter((label) => !before.addresses.has(label)),
      ...[...this.#known.notes].filter((label) => !before.notes.has(label)),
    ].map(folded);
    if (labels.length === 0) return;
    const last = this.#settled.length - fresh;
    this.#settled = this.#settled.map((block, index) => {
      if (index >= last || !block.source.includes("[")) return block;
      const source = folded(block.source);
      if (!labels.some((label) => source.includes(label))) return block;
      const { placed } = parse(block.source, this.#known);
      const notes = new Map(placed.flatMap((part) => [...part.notes]));
      const blocks = placed.flatMap((part) => part.blocks);
      const referred = placed.flatMap((part) => part.referred);
      return { ...block, blocks, notes, referred };
    });
  }

  #draw(live: readonly Placed[]): void {
    const all: readonly Placed[] = [...this.#settled, ...live];
    const found = new Map<string, readonly Block[]>();
    for (const { notes } of all) {
      for (const [id, children] of notes) if (!found.has(id)) found.set(id, children);
    }
    const notes: Note[] = [];
    const numbered = new Set<string>();
    for (const id of found.size === 0 ? [] : all.flatMap(({ referred }) => referred)) {
      const children = found.get(id);
      if (children === undefined || numbered.has(id)) continue;
      numbered.add(id);
      const known = this.#drawn.notes[notes.length];
      const isKnown = known?.id === id && known.children === children;
      notes.push(isKnown ? known : { id, number: notes.length + 1, children });
    }
    this.#drawn = { blocks: all.flatMap(({ blocks }) => blocks), notes };
  }
}

/**
 * Returns the line at which the last block begins, if those above it are complete: above it is an
 * empty line, or the end of a block. Right below a definition a line is read as its continuation.
 */
function lastEdge(placed: readonly Placed[], lines: readonly string[]): number {
  for (let index = placed.length - 1; index > 0; index--) {
    const line = placed[index]?.line ?? null;
    const above = placed[index - 1];
    if (line === null || above === undefined) continue;
    if (lines[line - 1]?.trim() === "" || (above.line !== null && above.end >= line)) return line;
  }
  return 0;
}

function folded(text: string): string {
  return text.toLowerCase().toUpperCase().replace(/\s+/g, " ").trim();
}

const PLAIN_FENCE = /^(`{3,}|~{3,}) ?([\w+#.-]*)\n/;

/** Reads a fence that has not ended, without looking at each of its characters; else `null`. */
function openFence(rest: string): Placed[] | null {
  const [opening, marks = "", language = ""] = PLAIN_FENCE.exec(rest) ?? [];
  if (opening === undefined) return null;
  const body = rest.slice(opening.length);
  const closing = new RegExp(`\\n {0,3}${marks}[${marks.charAt(0)}]*[ \\t]*(?:\\n|$)`);
  if (closing.test(`\n${body}`)) return null;
  // A closing fence that is only half there is not shown as code.
  const value = body.replace(/\n {0,3}(?:`{1,2}|~{1,2})$/, "").replace(/\n$/, "");
  const blocks: Block[] = [{ kind: "code", language, value }];
  return [{ line: 0, end: 0, blocks, notes: new Map(), referred: [] }];
}
