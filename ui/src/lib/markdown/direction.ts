/**
 * Which way a block of a message is read. `dir="auto"` does not look into blocks that have a direction of their
 * own, so that a list or a quote, whose marks stand at its beginning, has to be told.
 */
import type { Block, Inline } from "./tree";

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;
const LETTER = /\p{L}/u;

/** Returns the direction of the first letter in these blocks. */
export function directionOf(blocks: readonly Block[]): "ltr" | "rtl" {
  const [first] = lettersIn(blocks);
  return first !== undefined && RIGHT_TO_LEFT.test(first) ? "rtl" : "ltr";
}

function* lettersIn(nodes: readonly (Block | Inline)[]): Generator<string> {
  for (const node of nodes) {
    if (node.kind === "text") {
      const found = LETTER.exec(node.value);
      if (found !== null) yield found[0];
    } else if ("children" in node) {
      yield* lettersIn(node.children);
    } else if ("items" in node) {
      for (const item of node.items) yield* lettersIn(item.children);
    }
  }
}
