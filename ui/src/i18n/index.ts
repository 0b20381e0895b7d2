/** Which language the window speaks. */
import type { Catalogue } from "./catalogue";
import { da } from "./da";
import { en } from "./en";

export type { Catalogue, Words } from "./catalogue";

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
