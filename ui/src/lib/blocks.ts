/**
 * The little formatting that a message gets: paragraphs, fenced code and code within a line.
 *
 * Everything else stays as written. The result is data for elements, never markup, so that nothing
 * an agent says can become a part of the page.
 */

/** A piece of a paragraph. */
export interface Span {
  readonly kind: "text" | "code";
  readonly text: string;
}

/** A piece of a message. */
export type Block =
  | { readonly kind: "paragraph"; readonly spans: readonly Span[] }
  | { readonly kind: "code"; readonly language: string; readonly text: string };

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;

/** Cuts `text` into blocks. A fence that is still open runs to the end, as while it streams. */
export function blocks(text: string): Block[] {
  const cut: Block[] = [];
  let paragraph: string[] = [];
  let code: { fence: string; language: string; lines: string[] } | null = null;
  const endParagraph = () => {
    const joined = paragraph.join("\n").trimEnd();
    if (joined !== "") cut.push({ kind: "paragraph", spans: spans(joined) });
    paragraph = [];
  };
  for (const line of text.split(/\r?\n/)) {
    const [, fence, language] = FENCE.exec(line) ?? [];
    if (code !== null) {
      const closes = fence !== undefined && language === "" && fence.startsWith(code.fence);
      if (!closes) {
        code.lines.push(line);
        continue;
      }
      cut.push({ kind: "code", language: code.language, text: code.lines.join("\n") });
      code = null;
    } else if (fence !== undefined) {
      endParagraph();
      code = { fence, language: language ?? "", lines: [] };
    } else if (line.trim() === "") {
      endParagraph();
    } else {
      paragraph.push(line);
    }
  }
  endParagraph();
  if (code !== null)
    cut.push({ kind: "code", language: code.language, text: code.lines.join("\n") });
  return cut;
}

function spans(text: string): Span[] {
  const cut: Span[] = [];
  let rest = 0;
  for (const match of text.matchAll(/`([^`\n]+)`/g)) {
    if (match.index > rest) cut.push({ kind: "text", text: text.slice(rest, match.index) });
    cut.push({ kind: "code", text: match[1] ?? "" });
    rest = match.index + match[0].length;
  }
  if (rest < text.length) cut.push({ kind: "text", text: text.slice(rest) });
  return cut;
}
