/**
 * Completes the end of a message that is still being written, so that it looks as it will: a link
 * without its second half, a table of which only the head is there, half a fence. Pure; what is
 * complete is left alone.
 */

/** A line that may yet become something else: a rule, a heading, a list, a fence. */
const UNDECIDED =
  /^ {0,3}(?:-{1,2}|={1,2}|[*+]|\*{2}|_{1,2}|`{1,2}|~{1,2}|#{1,6}|>|\d{1,9}[.)]?) ?$/;
const HALF_LINK = /(!?)\[([^[\]]*)\]\((?:<[^<>\n]*|[^()\s]*)(?:\s+["'(]?[^"')\n]*)?$/;
const HALF_LABEL = /\[\^?[^[\]\n]{0,80}$/;

/** Returns the end of a message, the blocks that may still grow, as it is to be read for now. */
export function mend(piece: string): string {
  if (isOpenFence(piece)) return piece;
  const at = piece.lastIndexOf("\n") + 1;
  const decided = UNDECIDED.test(piece.slice(at)) ? piece.slice(0, at) : piece;
  const paragraph = decided.lastIndexOf("\n\n") + 1;
  const head = decided.slice(0, paragraph);
  return head + mendInline(mendTable(decided.slice(paragraph)));
}

/** Whether a piece ends within a fenced code block. */
function isOpenFence(piece: string): boolean {
  let open: string | null = null;
  for (const line of piece.split("\n")) {
    const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
    const [, marks = "", rest = ""] = fence ?? [];
    if (open === null) {
      if (fence !== null && !(marks.startsWith("`") && rest.includes("`"))) open = marks;
    } else if (marks.startsWith(open) && rest.trim() === "") {
      open = null;
    }
  }
  return open !== null;
}

function mendTable(paragraph: string): string {
  const start = /^\n*/.exec(paragraph)?.[0] ?? "";
  const [head = "", second, ...others] = paragraph.slice(start.length).split("\n");
  if (!head.startsWith("|") || others.length > 0) return paragraph;
  if (second !== undefined && !/^[|:\- ]*$/.test(second)) return paragraph;
  const cells = head.replace(/\\\|/g, "").split("|").slice(1);
  const columns = Math.max(1, (cells.at(-1) ?? "").trim() === "" ? cells.length - 1 : cells.length);
  // The delimiters that are there already keep their alignment.
  const told = (second ?? "").split("|").slice(1, columns + 1);
  const row = Array.from({ length: columns }, (_, index) => {
    const cell = (told[index] ?? "").trim();
    return /^:?-+:?$/.test(cell) ? cell : "---";
  });
  return `${start}${head}\n|${row.join("|")}|`;
}

function mendInline(paragraph: string): string {
  let text = paragraph.replace(HALF_LINK, (_, image: string, label: string) =>
    image === "" ? label : "",
  );
  const ticks = text.split("`").length - 1;
  if (ticks % 2 === 1) {
    if (text.endsWith("`")) return text.slice(0, -1);
    return `${text}\``;
  }
  // Brackets of a link to come would flash up otherwise.
  const half = HALF_LABEL.exec(text);
  if (half !== null && !/[`\\]/.test(half[0])) {
    text = text.slice(0, half.index) + half[0].replace(/^\[\^?/, "");
  }
  for (const marks of ["~~", "**"]) {
    if ((text.split(marks).length - 1) % 2 === 0) continue;
    const last = text.lastIndexOf(marks);
    const after = text.slice(last + marks.length);
    if (after.trim() === "") text = text.slice(0, last);
    else if (!/^\s/.test(after)) text = `${text.trimEnd()}${marks}`;
  }
  return text;
}
