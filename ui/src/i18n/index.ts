/** Which language the window speaks. */
import type { SettingsView } from "../ipc";
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

/**
 * Returns the words of the language that was chosen. Where that is left to the system, the app's word
 * on it decides, so that window, tray and notifications agree; else what the user reads.
 */
export function catalogueIn(
  { language, systemLanguage }: Pick<SettingsView, "language" | "systemLanguage">,
  preferred: readonly string[],
): Catalogue {
  switch (language === "system" ? systemLanguage : language) {
    case "english":
      return en;
    case "danish":
      return da;
    case null:
      return catalogueFor(preferred);
  }
}
