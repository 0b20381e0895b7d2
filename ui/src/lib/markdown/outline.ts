/** The places of a message's headings in the outline of the page that shows it. Pure. */
import type { Block } from "./tree";

/** The page's title is the first level. */
const TITLE = 1;

/**
 * Returns the level of each heading at the top of a message: below the page's title, and none left
 * out, however they were written. Within quotes and lists headings are only words.
 */
export function outlineOf(blocks: readonly Block[]): ReadonlyMap<Block, number> {
  const found = new Map<Block, number>();
  const above: number[] = [];
  for (const block of blocks) {
    if (block.kind !== "heading") continue;
    while ((above.at(-1) ?? 0) >= block.level) above.pop();
    above.push(block.level);
    found.set(block, Math.min(6, TITLE + above.length));
  }
  return found;
}
