/** Cuts `SHA256:…` into its name and groups of four characters, which people can compare aloud. */
export function fingerprintGroups(fingerprint: string): { name: string; groups: string[] } {
  const colon = fingerprint.indexOf(":");
  const name = colon < 0 ? "" : fingerprint.slice(0, colon);
  return { name, groups: fingerprint.slice(colon + 1).match(/.{1,4}/g) ?? [] };
}
