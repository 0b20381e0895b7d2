/** Finds words in what a page shows. It reads the page and changes nothing in it. */

/** More are not counted: nobody goes through them one by one. */
export const MOST_FOUND = 1_000;

/** Returns where `words` stand in the text of `places`, in order, whichever case they are in. */
export function findIn(places: Iterable<Element>, words: string): Range[] {
  const wanted = words.toLowerCase();
  const found: Range[] = [];
  if (wanted === "") return found;
  for (const place of places) {
    const { text, nodes } = textOf(place);
    const folded = text.toLowerCase();
    // Some letters become two in lower case, and then places would not fit.
    const searched = folded.length === text.length ? folded : text;
    for (let at = searched.indexOf(wanted); at >= 0; at = searched.indexOf(wanted, at + 1)) {
      found.push(rangeOf(nodes, at, at + wanted.length));
      if (found.length >= MOST_FOUND) return found;
      at += wanted.length - 1;
    }
  }
  return found;
}

interface Piece {
  readonly node: Text;
  readonly start: number;
}

/** The text that people see: words may go over several nodes, but not over several blocks. */
function textOf(place: Element): { text: string; nodes: Piece[] } {
  const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement?.closest("button, time, .sr-only, [aria-hidden='true']") == null
      ? NodeFilter.FILTER_ACCEPT
      : NodeFilter.FILTER_REJECT,
  );
  const nodes: Piece[] = [];
  let text = "";
  let block: Element | null = null;
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const within = node.parentElement?.closest("p, li, td, th, pre, summary, [role='heading']");
    if (within !== block && text !== "") text += "\n";
    block = within ?? null;
    nodes.push({ node: node as Text, start: text.length });
    text += (node as Text).data;
  }
  return { text, nodes };
}

function rangeOf(nodes: readonly Piece[], start: number, end: number): Range {
  const range = document.createRange();
  for (const { node, start: begin } of nodes) {
    const close = begin + node.length;
    if (start >= begin && start < close) range.setStart(node, start - begin);
    if (end > begin && end <= close) {
      range.setEnd(node, end - begin);
      break;
    }
  }
  return range;
}
