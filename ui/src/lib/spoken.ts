/** A message that was said and not written: its first line is for the agent, and people read the rest. */

/** What was said, and on which computer. */
export interface Spoken {
  readonly machine: string;
  readonly words: string;
}

/** As every app of the gateway writes it, to the byte; a gateway may put its note of the time before it. */
const LINE =
  /^(?:\[[^\]\n]*\] )?User talked via voice recognition on (.+) - repeat prompt first \+ remember some words might be incorrectly transcribed\.\n\n([\s\S]+)$/;

/** Returns what was said; `null` for a message that was written. */
export function spokenIn(text: string): Spoken | null {
  const [, machine, words] = LINE.exec(text) ?? [];
  return machine === undefined || words === undefined ? null : { machine, words };
}
