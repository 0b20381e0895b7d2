/** The shape that every language of the window has to have: that of the English one. */
import type { en } from "./en";

/** The same functions and records for every language, with words of its own. */
export type Words<T> = T extends (...given: infer Given) => string
  ? (...given: Given) => string
  : T extends string
    ? string
    : { readonly [Key in keyof T]: Words<T[Key]> };

/** A whole language. */
export type Catalogue = Words<typeof en>;
