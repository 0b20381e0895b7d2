/**
 * What a message can consist of once its Markdown was read: a closed list of plain data.
 *
 * Whoever draws it makes one element for each entry and puts text into it as text. There is no
 * entry for markup, so nothing that an agent writes can become a part of the page.
 */

/** A piece of a line. */
export type Inline =
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "code"; readonly value: string }
  | { readonly kind: "strong" | "emphasis" | "deleted"; readonly children: readonly Inline[] }
  /** `address` has passed `linkAddress`. */
  | { readonly kind: "link"; readonly address: string; readonly children: readonly Inline[] }
  /** A picture elsewhere, which is not fetched. `address` has passed `linkAddress`. */
  | { readonly kind: "remoteImage"; readonly address: string; readonly alt: string }
  /** A picture that came along. `source` has passed `imageSource`. */
  | { readonly kind: "image"; readonly source: string; readonly alt: string }
  | { readonly kind: "break" }
  /** A reference to a footnote of the message. */
  | { readonly kind: "note"; readonly id: string };

export interface ListItem {
  /** `null` where it is no task. */
  readonly checked: boolean | null;
  readonly children: readonly Block[];
}

export type Alignment = "left" | "right" | "center" | null;

export type Cell = readonly Inline[];

/** A piece of a message. */
export type Block =
  | { readonly kind: "paragraph"; readonly children: readonly Inline[] }
  | { readonly kind: "heading"; readonly level: number; readonly children: readonly Inline[] }
  | { readonly kind: "code"; readonly language: string; readonly value: string }
  | { readonly kind: "quote"; readonly children: readonly Block[] }
  | {
      readonly kind: "list";
      /** The first number; `null` for bullets. */
      readonly start: number | null;
      readonly tight: boolean;
      readonly items: readonly ListItem[];
    }
  | {
      readonly kind: "table";
      readonly align: readonly Alignment[];
      readonly head: readonly Cell[];
      readonly rows: readonly (readonly Cell[])[];
    }
  | { readonly kind: "rule" };

/** A footnote, in the order in which they are first referred to. */
export interface Note {
  readonly id: string;
  readonly number: number;
  readonly children: readonly Block[];
}
