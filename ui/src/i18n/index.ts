/** Which language the window speaks, and the shape that every language has to have. */
import { da } from "./da";
import { en } from "./en";

/** The same functions and records for every language, with words of its own. */
export type Words<T> = T extends (...given: infer Given) => string
  ? (...given: Given) => string
  : T extends string
    ? string
    : { readonly [Key in keyof T]: Words<T[Key]> };

/** A whole language. */
export type Catalogue = Words<typeof en>;

/** Every language, by its tag. */
export const catalogues: Readonly<Record<"en" | "da", Catalogue>> = { en, da };

/** Returns the first language the user reads that is spoken here; English when there is none. */
export function catalogueFor(preferred: readonly string[]): Catalogue {
  for (const tag of preferred) {
    const language = tag.toLowerCase().split("-")[0];
    if (language === "da") return da;
    if (language === "en") return en;
  }
  return en;
}
