/** Which slash commands a message that is being written may become; pure. */
import type { CommandView } from "../ipc";

/** As many are offered at a time. */
const MOST_OFFERED = 50;

/**
 * Returns the commands that begin with what is written before the caret, those that merely hold it
 * after them; nothing once something follows the command.
 */
export function completionsOf(
  text: string,
  caret: number,
  commands: readonly CommandView[],
): CommandView[] {
  const written = text.slice(0, caret).toLowerCase();
  if (!/^\/\S*$/.test(written) || /^\S/.test(text.slice(caret))) return [];
  const names = (command: CommandView) =>
    [command.text, ...command.aliases].map((name) => name.toLowerCase());
  const begin = commands.filter((command) =>
    names(command).some((name) => name.startsWith(written)),
  );
  const word = written.slice(1);
  const hold = commands.filter(
    (command) => !begin.includes(command) && names(command).some((name) => name.includes(word)),
  );
  return [...begin, ...hold].slice(0, MOST_OFFERED);
}

/** What the field holds once a command was chosen. */
export function completed(command: CommandView, rest: string): string {
  return `${command.text} ${rest.trimStart()}`;
}
