/**
 * Reads Markdown (CommonMark with tables, task lists, footnotes, strikethrough and bare addresses)
 * into the closed tree of `tree`. markdown-it finds out what is what; its renderer, which writes
 * HTML, is not used. What a message writes as HTML stays text.
 */
import MarkdownIt, { type Env, type Token } from "markdown-it";
import footnotes from "markdown-it-footnote";
import { imageSource, linkAddress } from "./address";
import type { Alignment, Block, Cell, Inline, ListItem } from "./tree";

/** Lists and quotes within one another; a list counts twice. */
const DEEPEST = 48;
/** Longer pieces are shown as written: reading them could take seconds. */
const LONGEST_PIECE = 400_000;

/** What a message defines: addresses by their label, and the labels of footnotes. */
export interface Known {
  readonly addresses: ReadonlyMap<string, string>;
  readonly notes: ReadonlySet<string>;
}

/** A block at the top of a piece. */
export interface Placed {
  /** Its first line, from 0; `null` where that is not known. */
  readonly line: number | null;
  /** The line after its last. */
  readonly end: number;
  /** None for a footnote. */
  readonly blocks: readonly Block[];
  /** Footnotes it defines, by label. */
  readonly notes: ReadonlyMap<string, readonly Block[]>;
  /** Footnotes it refers to, in order. */
  readonly referred: readonly string[];
}

export interface Piece {
  readonly placed: readonly Placed[];
  /** What was known before, and what the piece defines. */
  readonly known: Known;
}

export const NOTHING_KNOWN: Known = { addresses: new Map(), notes: new Set() };

const reader = new MarkdownIt({ html: false, linkify: true, maxNesting: DEEPEST }).use(footnotes);
// Footnotes stay where they are defined, and have a label.
reader.disable(["footnote_tail", "footnote_inline"]);
// Addresses are looked at as they were written.
reader.normalizeLink = (address) => address;
reader.normalizeLinkText = (text) => text;
reader.validateLink = (address) => linkAddress(address) !== null || imageSource(address) !== null;
// A file's name is no address.
reader.linkify.set({ fuzzyLink: false, fuzzyIP: false, fuzzyEmail: true });

/** What the reader keeps between blocks. */
interface Environment extends Env {
  references: Record<string, { href: string; title: string }>;
  footnotes: { refs: Record<string, number> };
}

/** Reads a piece of a message. Never throws: what cannot be read is shown as written. */
export function parse(text: string, known: Known = NOTHING_KNOWN): Piece {
  const asWritten = () => ({ placed: written(text), known });
  if (text.length > LONGEST_PIECE) return asWritten();
  try {
    const environment = environmentOf(known);
    const tokens = reader.parse(text, environment);
    // What is deeper was left out.
    if (tokens.some(({ level }) => level >= DEEPEST - 1)) return asWritten();
    return { placed: place(tokens), known: knownBy(environment) };
  } catch {
    return asWritten();
  }
}

function written(text: string): Placed[] {
  if (text.trim() === "") return [];
  const blocks: Block[] = [{ kind: "paragraph", children: [{ kind: "text", value: text }] }];
  const end = text.split("\n").length;
  return [{ line: 0, end, blocks, notes: new Map(), referred: [] }];
}

function environmentOf({ addresses, notes }: Known): Environment {
  const references = Object.fromEntries(
    [...addresses].map(([label, href]) => [label, { href, title: "" }]),
  );
  return {
    references,
    footnotes: { refs: Object.fromEntries([...notes].map((id) => [`:${id}`, -1])) },
  };
}

function knownBy({ references, footnotes: { refs } }: Environment): Known {
  return {
    addresses: new Map(Object.entries(references).map(([label, { href }]) => [label, href])),
    notes: new Set(Object.keys(refs).map((name) => name.slice(1))),
  };
}

function place(tokens: readonly Token[]): Placed[] {
  const found: Placed[] = [];
  for (let at = 0; at < tokens.length;) {
    const end = closing(tokens, at) + 1;
    const own = tokens.slice(at, end);
    const notes = new Map<string, readonly Block[]>();
    const maker = new Maker(notes);
    const blocks = maker.blocks(own);
    const last = own.reduce((line, { map }) => Math.max(line, map?.[1] ?? 0), 0);
    const map = own[0]?.map ?? null;
    const line = map?.[0] ?? null;
    found.push({ line, end: map?.[1] ?? last, blocks, notes, referred: maker.referred });
    at = end;
  }
  return found;
}

/** Returns where what opens at `at` closes; the same place where nothing opens. */
function closing(tokens: readonly Token[], at: number): number {
  let depth = 0;
  for (let index = at; index < tokens.length; index++) {
    depth += tokens[index]?.nesting ?? 0;
    if (depth <= 0) return index;
  }
  return tokens.length - 1;
}

class Maker {
  readonly referred: string[] = [];
  readonly #notes: Map<string, readonly Block[]>;

  constructor(notes: Map<string, readonly Block[]>) {
    this.#notes = notes;
  }

  blocks(tokens: readonly Token[]): Block[] {
    const made: Block[] = [];
    for (let at = 0; at < tokens.length;) {
      const token = tokens[at];
      const end = closing(tokens, at);
      if (token !== undefined) {
        const block = this.#block(token, tokens.slice(at + 1, end));
        if (block !== null) made.push(block);
      }
      at = end + 1;
    }
    return made;
  }

  #block(token: Token, inside: readonly Token[]): Block | null {
    switch (token.type) {
      case "paragraph_open":
        return { kind: "paragraph", children: this.#line(inside) };
      case "inline":
        return { kind: "paragraph", children: this.#line([token]) };
      case "heading_open":
        return { kind: "heading", level: Number(token.tag.slice(1)), children: this.#line(inside) };
      case "fence":
      case "code_block": {
        const language = token.type === "fence" ? (/^\s*(\S+)/.exec(token.info)?.[1] ?? "") : "";
        return { kind: "code", language, value: token.content.replace(/\n$/, "") };
      }
      case "hr":
        return { kind: "rule" };
      case "blockquote_open":
        return { kind: "quote", children: this.blocks(inside) };
      case "bullet_list_open":
        return this.#list(null, inside);
      case "ordered_list_open":
        return this.#list(Number(token.attrGet("start") ?? 1), inside);
      case "table_open":
        return this.#table(inside);
      case "footnote_reference_open": {
        const { label } = token.meta as { label: string };
        const children = this.blocks(inside);
        if (!this.#notes.has(label)) this.#notes.set(label, children);
        return null;
      }
      default: {
        // Something this version of the reader should not find: its words are shown.
        const value = token.content;
        return value === "" ? null : { kind: "paragraph", children: [{ kind: "text", value }] };
      }
    }
  }

  #list(start: number | null, inside: readonly Token[]): Block {
    const items: ListItem[] = [];
    for (let at = 0; at < inside.length;) {
      const end = closing(inside, at);
      items.push(task(this.blocks(inside.slice(at + 1, end))));
      at = end + 1;
    }
    const tight = inside.some(({ type, hidden }) => type === "paragraph_open" && hidden);
    return { kind: "list", start, tight, items };
  }

  #table(inside: readonly Token[]): Block {
    const align: Alignment[] = [];
    const rows: Cell[][] = [];
    for (const [at, token] of inside.entries()) {
      if (token.type === "tr_open") rows.push([]);
      if (token.type !== "th_open" && token.type !== "td_open") continue;
      if (token.type === "th_open") align.push(alignment(String(token.attrGet("style") ?? "")));
      rows.at(-1)?.push(broken(this.#line(inside.slice(at + 1, closing(inside, at)))));
    }
    const [head = [], ...others] = rows;
    return { kind: "table", align, head, rows: others };
  }

  #line(tokens: readonly Token[]): Inline[] {
    return tokens.flatMap((token) => this.#inlines(token.children ?? []));
  }

  #inlines(tokens: readonly Token[]): Inline[] {
    const made: Inline[] = [];
    for (let at = 0; at < tokens.length;) {
      const token = tokens[at];
      const end = closing(tokens, at);
      const next = token === undefined ? null : this.#inline(token, tokens.slice(at + 1, end));
      const last = made.at(-1);
      if (next?.kind === "text" && last?.kind === "text") {
        made[made.length - 1] = { kind: "text", value: last.value + next.value };
      } else if (next !== null) made.push(next);
      at = end + 1;
    }
    return made;
  }

  #inline(token: Token, inside: readonly Token[]): Inline | null {
    switch (token.type) {
      case "text":
        return token.content === "" ? null : { kind: "text", value: token.content };
      case "code_inline":
        return { kind: "code", value: token.content };
      case "strong_open":
        return { kind: "strong", children: this.#inlines(inside) };
      case "em_open":
        return { kind: "emphasis", children: this.#inlines(inside) };
      case "s_open":
        return { kind: "deleted", children: this.#inlines(inside) };
      case "softbreak":
        return { kind: "text", value: "\n" };
      case "hardbreak":
        return { kind: "break" };
      case "link_open": {
        const address = linkAddress(String(token.attrGet("href") ?? ""));
        const children = this.#inlines(inside);
        // A picture's address is none to go to.
        if (address === null) return { kind: "emphasis", children };
        return { kind: "link", address, children };
      }
      case "image": {
        const [written, alt] = [String(token.attrGet("src") ?? ""), token.content];
        const source = imageSource(written);
        if (source !== null) return { kind: "image", source, alt };
        const address = linkAddress(written);
        return address === null
          ? { kind: "text", value: alt }
          : { kind: "remoteImage", address, alt };
      }
      case "footnote_ref": {
        const { label } = token.meta as { label: string };
        this.referred.push(label);
        return { kind: "note", id: label };
      }
      default:
        return token.content === "" ? null : { kind: "text", value: token.content };
    }
  }
}

/** Reads "[x]" at the beginning of an entry as the box that it is. */
function task(children: readonly Block[]): ListItem {
  const [first, ...others] = children;
  const [opening, ...rest] = first?.kind === "paragraph" ? first.children : [];
  const box = opening?.kind === "text" ? /^\[([ xX])\]\s+/.exec(opening.value) : null;
  if (opening?.kind !== "text" || box === null) return { checked: null, children };
  const value = opening.value.slice(box[0].length);
  const line: Inline[] = value === "" ? rest : [{ kind: "text", value }, ...rest];
  return {
    checked: box[1] !== " ",
    children: [{ kind: "paragraph", children: line }, ...others],
  };
}

function alignment(style: string): Alignment {
  const [, side] = /^text-align:(left|right|center)$/.exec(style) ?? [];
  return side === "left" || side === "right" || side === "center" ? side : null;
}

/** A cell has one line of Markdown; agents break it with the one tag that is read, here only. */
function broken(cell: readonly Inline[]): Inline[] {
  return cell.flatMap((item): Inline[] => {
    if (item.kind !== "text") return [item];
    return item.value.split(/<br\s*\/?>/i).flatMap((value, index): Inline[] => {
      const text: Inline[] = value === "" ? [] : [{ kind: "text", value }];
      return index === 0 ? text : [{ kind: "break" }, ...text];
    });
  });
}
