/** Tells setup codes and links from addresses; what they say is read by the app alone. */

/** A link of ours, the object inside a setup code, or one as it is written. */
const INVITATION = /^\s*(openclaw:|oc-pair:\/\/|\{)|(^|\s|[`'"(:/])eyJ[\w+/=-]{21,}/i;

/** So much at once is pasted and not typed. */
const PASTED = 9;

/** Whether a text is meant as a setup code or link. It may hold a secret. */
export function looksLikeInvitation(text: string): boolean {
  return INVITATION.test(text);
}

/** Whether a field has just got such a text in one piece. */
export function pastedInvitation(before: string, now: string): boolean {
  return now.length - before.length >= PASTED && looksLikeInvitation(now);
}
