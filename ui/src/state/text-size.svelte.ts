/**
 * How large text is drawn. Kept on this device and not with the settings: it is about a screen and a pair of
 * eyes, and a page in a browser has no settings.
 */

export const TEXT_SIZES = ["small", "usual", "large", "larger", "largest"] as const;

export type TextSize = (typeof TEXT_SIZES)[number];

const KEPT_AS = "openclaw.text-size";

export class TextSizeState {
  #size = $state<TextSize>("usual");
  readonly #storage: Pick<Storage, "getItem" | "setItem"> | null;

  /** Without storage, as in some private windows, a size lasts as long as the page. */
  constructor(storage: Pick<Storage, "getItem" | "setItem"> | null = own()) {
    this.#storage = storage;
    const kept = storage?.getItem(KEPT_AS);
    this.#size = TEXT_SIZES.find((size) => size === kept) ?? "usual";
    this.#apply();
  }

  get size(): TextSize {
    return this.#size;
  }

  set size(size: TextSize) {
    this.#size = size;
    this.#apply();
    try {
      this.#storage?.setItem(KEPT_AS, size);
    } catch {
      // Storage may be full or forbidden.
    }
  }

  /** One step larger or smaller, as far as it goes. */
  step(by: 1 | -1): void {
    const at = TEXT_SIZES.indexOf(this.#size) + by;
    this.size = TEXT_SIZES[Math.min(Math.max(at, 0), TEXT_SIZES.length - 1)] ?? "usual";
  }

  #apply(): void {
    document.documentElement.dataset["textSize"] = this.#size;
  }
}

function own(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
