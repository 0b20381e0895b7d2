/** Names of conversations: a short one and the full one it stands for. */

/** Returns what follows the agent in a full key (`agent:<agent>:<rest>`); `null` for a short one. */
function restOf(key: string): string | null {
  const [word, agent, ...rest] = key.split(":");
  if (word !== "agent" || agent === undefined || agent === "" || rest.length === 0) return null;
  return rest.join(":") || null;
}

/**
 * Returns whether two keys name the same conversation. A short one stands for that of the default
 * agent, whose name it does not say; two full ones say everything.
 */
export function isSameSession(one: string, other: string): boolean {
  if (one === other) return true;
  const [rest, otherRest] = [restOf(one), restOf(other)];
  if (rest !== null && otherRest !== null) return false;
  if (rest !== null) return rest === other;
  if (otherRest !== null) return otherRest === one;
  return [one, other].sort().join() === "global,main";
}
