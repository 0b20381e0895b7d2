/**
 * Which addresses a message may lead to, and which pictures it may bring along. Pure; the app asks
 * the same questions again, in Rust, before it hands an address to the system.
 */

const SCHEMES: readonly string[] = ["http:", "https:", "mailto:"];
const MAIL_FIELDS: readonly string[] = ["subject", "body", "cc"];
const LONGEST_ADDRESS = 4_096;
/** A picture inside a message, in characters of its `data:` address. */
const LARGEST_IMAGE = 8_500_000;
const IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/;

/**
 * Returns an address in its normal form, or `null` where a message may not lead there: anything
 * but a whole `http`, `https` or `mailto` address, and so nothing within the page or the app.
 */
export function linkAddress(written: string): string | null {
  if (written.length > LONGEST_ADDRESS) return null;
  let url: URL;
  try {
    url = new URL(written);
  } catch {
    return null;
  }
  if (!SCHEMES.includes(url.protocol)) return null;
  if (url.protocol === "mailto:") {
    // Some mail programs attach files of this computer where an address says so.
    for (const field of url.searchParams.keys()) if (!MAIL_FIELDS.includes(field)) return null;
    if (url.pathname === "") return null;
  } else if (url.hostname === "") return null;
  return url.href.length > LONGEST_ADDRESS ? null : url.href;
}

/** Returns where an address leads, for people: the host, or the person for `mailto:`. */
export function destination(address: string): string {
  const url = new URL(address);
  return url.protocol === "mailto:" ? decoded(url.pathname) : url.host;
}

/** Returns a picture that came along with a message, or `null` where it is none or too large. */
export function imageSource(written: string): string | null {
  return written.length <= LARGEST_IMAGE && IMAGE.test(written) ? written : null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
