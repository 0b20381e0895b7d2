/** A few words on what a tool was called with, for the one quiet line that stands for it. Pure. */

const LONGEST = 72;
/** The members that say most, in this order; else the first text there is. */
const TELLING: readonly string[] = ["command", "path", "file", "query", "url", "pattern"];

/** Returns the words; empty where the arguments say nothing in few. */
export function toolHint(written: string): string {
  const said = telling(written).replace(/\s+/g, " ").trim();
  return said.length <= LONGEST ? said : `${said.slice(0, LONGEST - 1).trimEnd()}…`;
}

function telling(written: string): string {
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch {
    return written.startsWith("{") || written.startsWith("[") ? "" : written;
  }
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "";
  const members = Object.entries(value);
  for (const name of TELLING) {
    const found = members.find(([member]) => member === name)?.[1];
    if (typeof found === "string") return found;
  }
  const [, first] = members.find(([, member]) => typeof member === "string") ?? [];
  return typeof first === "string" ? first : "";
}
