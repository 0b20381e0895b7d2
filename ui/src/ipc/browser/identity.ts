/** Who this browser is to the gateway: an Ed25519 key, and its signature over the challenge. */
import type { Keep } from "./keep";

/** What is signed beside the challenge; the words of the connect request. */
export interface Statement {
  readonly clientId: string;
  readonly clientMode: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly platform: string;
  /** The credential that is sent, empty where there is none; a password is no part of it. */
  readonly token: string;
}

/** The gateway's challenge. */
export interface Challenge {
  readonly nonce: string;
  readonly ts: number;
}

/** The `device` member of a connect request. */
export interface DeviceProof {
  readonly id: string;
  readonly publicKey: string;
  readonly signature: string;
  readonly signedAt: number;
  readonly nonce: string;
}

export interface Identity {
  prove(challenge: Challenge, statement: Statement): Promise<DeviceProof>;
}

/** Why this browser cannot be told from another one. */
export class NoIdentity extends Error {
  readonly why: "insecure" | "unsupported";

  constructor(why: "insecure" | "unsupported") {
    super(why);
    this.why = why;
  }
}

const ED25519 = { name: "Ed25519" };

/** Returns this browser's identity, made on first use. Its private half never leaves the browser. */
export async function identity(keep: Keep): Promise<Identity> {
  // Browsers hide it on pages that came over plain HTTP from another computer.
  if ((globalThis.crypto as Crypto | undefined)?.subtle === undefined) {
    throw new NoIdentity("insecure");
  }
  let pair = await keep.key();
  if (pair === null) {
    try {
      pair = (await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"])) as CryptoKeyPair;
    } catch {
      throw new NoIdentity("unsupported");
    }
    await keep.keepKey(pair);
  }
  const { privateKey, publicKey } = pair;
  const raw = await crypto.subtle.exportKey("raw", publicKey);
  const id = hex(await crypto.subtle.digest("SHA-256", raw));
  return {
    async prove(challenge, statement) {
      const payload = new TextEncoder().encode(signedText(id, challenge, statement));
      const signature = await crypto.subtle.sign(ED25519, privateKey, payload);
      return {
        id,
        publicKey: base64url(raw),
        signature: base64url(signature),
        signedAt: challenge.ts,
        nonce: challenge.nonce,
      };
    },
  };
}

/** What is signed (version 3): each field as it is sent, no kind of machine at the end. */
export function signedText(id: string, { nonce, ts }: Challenge, statement: Statement): string {
  const { clientId, clientMode, role, scopes, token, platform } = statement;
  const fields = [clientId, clientMode, role, scopes.join(","), ts, token, nonce, platform, ""];
  return ["v3", id, ...fields].join("|");
}

function hex(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function base64url(bytes: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
