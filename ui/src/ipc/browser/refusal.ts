/** What a gateway says no with, and what a page does about a refused sign-in. */
import type { Cause, UiError } from "..";
import { type Json, at, numberAt, textAt } from "./json";

/** The gateway answered, and the answer is no. */
export class Refusal extends Error {
  readonly code: string;
  /** `details.code`: what to decide by. */
  readonly detail: string | null;
  readonly authReason: string | null;
  /** `details.reason`: why a method did not do it. */
  readonly reason: string | null;
  readonly requestId: string | null;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;

  constructor(error: unknown) {
    super(textAt(error, "message") ?? "the gateway refused");
    this.code = textAt(error, "code") ?? "";
    this.detail = textAt(error, "details", "code");
    this.authReason = textAt(error, "details", "authReason");
    this.reason = textAt(error, "details", "reason");
    this.requestId = textAt(error, "details", "requestId");
    this.retryable = at(error, "retryable") === true;
    this.retryAfterMs = numberAt(error, "retryAfterMs");
  }
}

/** The connection ended before there was an answer, or the answer took too long. */
export class NoAnswer extends Error {}

/** What becomes of a connection whose sign-in was refused. */
export type Verdict =
  | { kind: "retry"; afterMs: number | null }
  /** The kept token is worth nothing any more: forget it and try what else there is. */
  | { kind: "forgetToken" }
  /** Only a person can move it on. */
  | { kind: "pause"; cause: Cause; problem: UiError | null };

/** Decides what a refused connect request means. */
export function judge(refusal: Refusal): Verdict {
  const pause = (cause: Cause, code: string, message: string): Verdict => ({
    kind: "pause",
    cause,
    problem: { code, message, action: null },
  });
  switch (refusal.detail) {
    case "AUTH_DEVICE_TOKEN_MISMATCH":
    case "AUTH_SCOPE_MISMATCH":
      return { kind: "forgetToken" };
    case "AUTH_TOKEN_MISSING":
    case "AUTH_PASSWORD_MISSING":
      return { kind: "pause", cause: "token", problem: null };
    case "AUTH_TOKEN_MISMATCH":
    case "AUTH_PASSWORD_MISMATCH":
      return pause(
        "token",
        "browserTokenRefused",
        "The gateway did not accept that. Paste the token or password that it was started with.",
      );
    case "AUTH_BOOTSTRAP_TOKEN_INVALID":
      return badCode(refusal, pause);
    case "AUTH_RATE_LIMITED": {
      const minutes = Math.max(1, Math.ceil((refusal.retryAfterMs ?? 60_000) / 60_000));
      return pause(
        "token",
        "browserLocked",
        `Too many sign-ins failed, so the gateway takes none for now. Wait ${minutes} min and try again.`,
      );
    }
    case "PAIRING_REQUIRED":
      return pause(
        "pairing",
        "browserPairing",
        "The gateway wants this browser approved first. On its own computer, run " +
          `openclaw devices approve ${refusal.requestId ?? ""}`.trimEnd() +
          ", and connect again.",
      );
    case "CONTROL_UI_ORIGIN_NOT_ALLOWED":
      return pause(
        "badTarget",
        "browserOrigin",
        "The gateway does not serve pages under this address. Open the address that it printed.",
      );
    case "PROTOCOL_MISMATCH":
      return pause(
        "protocol",
        "browserProtocol",
        "This page is older or newer than the gateway. Load the page again.",
      );
    default:
      if (refusal.retryable || refusal.code === "UNAVAILABLE") {
        return { kind: "retry", afterMs: refusal.retryAfterMs };
      }
      return pause("closed", "browserRefused", `The gateway refused: ${refusal.message}.`);
  }
}

function badCode(
  { authReason }: Refusal,
  pause: (cause: Cause, code: string, message: string) => Verdict,
): Verdict {
  const next =
    "Make a new one with openclaw dashboard on the gateway's computer, or paste the token.";
  switch (authReason) {
    case "bootstrap_token_used":
      return pause("token", "browserCodeUsed", `This link has signed somebody in already. ${next}`);
    case "bootstrap_token_expired":
      return pause("token", "browserCodeExpired", `This link was good for a minute only. ${next}`);
    case "bootstrap_token_not_local":
      return pause(
        "token",
        "browserCodeElsewhere",
        "Links sign in on the gateway's own computer only. Paste the gateway token here.",
      );
    default:
      return pause("token", "browserCodeUnknown", `The gateway does not know this link. ${next}`);
  }
}

/** What a person is told about a call that failed. */
export function problemOf(error: unknown): UiError {
  if (error instanceof Refusal) {
    return {
      code: "gatewayRefused",
      message: `The gateway refused: ${error.message}.`,
      action: null,
    };
  }
  return {
    code: "noAnswer",
    message: "The gateway did not answer in time.",
    action: null,
  };
}

/** The error of an answer that says no. */
export function refusalIn(frame: Json): Refusal {
  return new Refusal(frame["error"]);
}
