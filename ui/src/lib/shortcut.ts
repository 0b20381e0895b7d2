/** What keys a person pressed, as the settings file writes them: `Ctrl+Alt+Space`. Whether they can be used is the app's to say. */

/** Keys that only go along with others. */
const HELD = new Set(["Control", "Alt", "Shift", "Meta", "AltGraph", "OS", "CapsLock", "NumLock"]);

/** Keys with a name of their own, as the browser calls their place. */
const NAMED = new Set(["Space", "Insert", "Pause", "ScrollLock"]);

type Pressed = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "shiftKey" | "metaKey">;

/** Returns the keys, or `null` while only held ones are down or one is pressed that shortcuts cannot have. */
export function pressed(event: Pressed): string | null {
  if (HELD.has(event.key)) return null;
  const key = keyOf(event);
  if (key === null) return null;
  const held = [
    event.ctrlKey && "Ctrl",
    event.altKey && "Alt",
    event.shiftKey && "Shift",
    event.metaKey && "Super",
  ].filter((name) => name !== false);
  return [...held, key].join("+");
}

function keyOf({ key, code }: Pressed): string | null {
  // By what it writes: on another layout the letter is elsewhere. With Alt or Shift it may write another sign.
  if (/^[a-z0-9]$/i.test(key)) return key.toUpperCase();
  const place = /^(?:Key|Digit)([A-Z0-9])$/.exec(code)?.[1];
  if (place !== undefined) return place;
  if (/^F\d{1,2}$/.test(code)) return code;
  return NAMED.has(code) ? code : null;
}
