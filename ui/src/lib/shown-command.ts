/**
 * A command as it is shown to the person who decides about it: what could hide in it, or turn its
 * text around, is written out.
 */

/**
 * Control and formatting characters except the line feed and the tab, line and paragraph
 * separators, and everything that takes no room: direction marks, zero-width spaces, tags.
 */
const UNSEEN = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Words of only these need no quotes. */
const PLAIN = /^[A-Za-z0-9_./:=@%+,-]+$/;

/** Returns the words as one line, or the command line where no words are told. */
export function shownCommand(words: readonly string[], command: string): string {
  return visible(words.length === 0 ? command : words.map(quoted).join(" "));
}

/** Writes out what nobody could see. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (unseen) => {
    const code = unseen.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

function quoted(word: string): string {
  if (PLAIN.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
