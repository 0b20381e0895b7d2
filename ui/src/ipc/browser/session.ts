/**
 * One live session with the gateway over a WebSocket: the handshake, calls by their ids, events in
 * order, and the watchdog over the gateway's tick.
 */
import type { AttachmentLimitsView } from "..";
import { USUAL_LIMITS } from "../../lib/attachments";
import { randomUuid } from "../../lib/uuid";
import type { Challenge, Identity } from "./identity";
import { type Json, at, numberAt, objectIn, textAt, textsAt } from "./json";
import { NoAnswer, type Refusal, refusalIn } from "./refusal";

/** The wire version this page speaks. */
const PROTOCOL = 4;
/** How long the gateway may take from the first byte to hello. */
const HELLO_MS = 8_000;
/** How long a call may take; as in the app, longer than an official gateway is busy after its start. */
const ANSWER_MS = 30_000;
const DEFAULT_TICK_MS = 30_000;

const CLIENT = { id: "webchat-ui", mode: "webchat", platform: "web" } as const;
const ROLE = "operator";
/** Everything this page may come to do; administration is no part of it. */
export const SCOPES: readonly string[] = [
  "operator.read",
  "operator.write",
  "operator.approvals",
  "operator.questions",
  "operator.pairing",
];

/** What signs a connection in. */
export type Credential =
  | { kind: "none" }
  | { kind: "deviceToken"; token: string; scopes: readonly string[] }
  /** The gateway's own token or password, as it was typed. */
  | { kind: "shared"; token: string }
  | { kind: "code"; code: string };

/** What the gateway offers on this session. */
export interface Offers {
  readonly protocol: number;
  /** The methods it serves. */
  readonly methods: ReadonlySet<string>;
  /** What this session may do. */
  readonly scopes: readonly string[];
  /** The full key of the conversation that `main` stands for, where the gateway tells. */
  readonly mainSession: string | null;
  /** How large attachments may be. */
  readonly attachments: AttachmentLimitsView;
}

/** What hello said, as far as this page wants to know. */
export interface Hello {
  readonly version: string;
  /** The word for what signed us in. */
  readonly method: string;
  /** A token for this browser, to be used from now on. */
  readonly issued: { token: string; scopes: string[] } | null;
  readonly offers: Offers;
}

export interface SessionEvents {
  event(name: string, payload: unknown): void;
  /** Events were lost on the way. */
  gap(): void;
  /** It ended; nothing follows. */
  ended(): void;
}

/** The part of a WebSocket that is used, so that a test can stand in for it. */
export type Socket = Pick<WebSocket, "send" | "close" | "addEventListener">;

export interface Dial {
  open(): Socket;
  identity: Identity;
  credential: Credential;
  version: string;
  events: SessionEvents;
}

interface Pending {
  resolve(payload: unknown): void;
  reject(error: Refusal | NoAnswer): void;
  timer: ReturnType<typeof setTimeout>;
}

export class Session {
  readonly #socket: Socket;
  readonly #events: SessionEvents;
  readonly #pending = new Map<string, Pending>();
  #hello: Hello | null = null;
  #challenged: ((challenge: Challenge) => void) | null = null;
  #seq = 0;
  #tickMs = DEFAULT_TICK_MS;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #hasEnded = false;

  private constructor(socket: Socket, events: SessionEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.addEventListener("message", (message) => this.#heard((message as MessageEvent).data));
    socket.addEventListener("close", () => this.#end());
    socket.addEventListener("error", () => this.#end());
  }

  /**
   * Opens a session. Rejects with a `Refusal` when the gateway says no, and with `NoAnswer` when it
   * says nothing or goes.
   */
  static async open(dial: Dial): Promise<Session> {
    let said = false;
    const told: SessionEvents = {
      ...dial.events,
      event: (name, payload) => dial.events.event(name, payload),
      gap: () => dial.events.gap(),
      // Whoever opens it hears of an end before hello from the rejection.
      ended: () => said && dial.events.ended(),
    };
    const session = new Session(dial.open(), told);
    try {
      await session.#introduce(dial);
      said = true;
      session.#watch();
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  get hello(): Hello {
    if (this.#hello === null) throw new NoAnswer("no hello yet");
    return this.#hello;
  }

  get offers(): Offers {
    return this.hello.offers;
  }

  /** Calls a method. Rejects with a `Refusal`, or with `NoAnswer`. */
  call(method: string, params: Json, limitMs = ANSWER_MS): Promise<unknown> {
    if (this.#hasEnded) return Promise.reject(new NoAnswer("the connection has ended"));
    const id = randomUuid();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new NoAnswer(`no answer to ${method}`));
      }, limitMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  close(): void {
    this.#end();
    this.#socket.close();
  }

  async #introduce({ identity, credential, version }: Dial): Promise<void> {
    const challenge = await new Promise<Challenge>((resolve, reject) => {
      const timer = setTimeout(() => reject(new NoAnswer("no challenge")), HELLO_MS);
      // A connection that ends fails everything that waits, this as well.
      this.#pending.set("challenge", { resolve: () => undefined, reject, timer });
      this.#challenged = (heard) => {
        clearTimeout(timer);
        this.#pending.delete("challenge");
        resolve(heard);
      };
    });
    const scopes = credential.kind === "deviceToken" ? [...credential.scopes] : [...SCOPES];
    const auth = authOf(credential);
    const device = await identity.prove(challenge, {
      clientId: CLIENT.id,
      clientMode: CLIENT.mode,
      role: ROLE,
      scopes,
      platform: CLIENT.platform,
      token: auth?.["token"] ?? auth?.["bootstrapToken"] ?? "",
    });
    const payload = await this.call(
      "connect",
      {
        minProtocol: PROTOCOL,
        maxProtocol: PROTOCOL,
        client: { ...CLIENT, version },
        role: ROLE,
        scopes,
        caps: ["tool-events"],
        device,
        ...(auth === null ? {} : { auth }),
        locale: navigator.language,
        userAgent: navigator.userAgent,
      },
      HELLO_MS,
    );
    this.#tickMs = numberAt(payload, "policy", "tickIntervalMs") ?? DEFAULT_TICK_MS;
    const issued = textAt(payload, "auth", "deviceToken");
    this.#hello = {
      version: textAt(payload, "server", "version") ?? "",
      method: textAt(payload, "auth", "method") ?? "none",
      issued:
        issued === null ? null : { token: issued, scopes: textsAt(payload, "auth", "scopes") },
      offers: {
        protocol: numberAt(payload, "protocol") ?? PROTOCOL,
        methods: new Set(textsAt(payload, "features", "methods")),
        scopes: textsAt(payload, "auth", "scopes"),
        mainSession: textAt(payload, "snapshot", "sessionDefaults", "mainSessionKey"),
        attachments: limitsIn(payload),
      },
    };
  }

  #heard(data: unknown): void {
    const frame = objectIn(data);
    if (frame === null || this.#hasEnded) return;
    if (this.#hello !== null) this.#watch();
    if (frame["type"] === "res") this.#answered(frame);
    if (frame["type"] === "event") this.#told(frame);
  }

  #answered(frame: Json): void {
    const id = textAt(frame, "id") ?? "";
    // A method with two answers first says that it was accepted: the last one counts.
    if (textAt(frame, "payload", "status") === "accepted") return;
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (frame["ok"] === true) pending.resolve(frame["payload"]);
    else pending.reject(refusalIn(frame));
  }

  #told(frame: Json): void {
    const name = textAt(frame, "event") ?? "";
    const payload = frame["payload"];
    if (name === "connect.challenge") {
      const nonce = textAt(payload, "nonce");
      if (nonce === null) return;
      this.#challenged?.({ nonce, ts: numberAt(payload, "ts") ?? Date.now() });
      this.#challenged = null;
      return;
    }
    const seq = numberAt(frame, "seq");
    if (seq !== null) {
      if (seq > this.#seq + 1) this.#events.gap();
      this.#seq = Math.max(this.#seq, seq);
    }
    this.#events.event(name, payload);
  }

  /** Everything that is heard is a sign of life; two ticks without any is none. */
  #watch(): void {
    clearTimeout(this.#watchdog);
    if (this.#hasEnded) return;
    this.#watchdog = setTimeout(() => {
      this.#end();
      this.#socket.close(4000, "tick timeout");
    }, 2 * this.#tickMs);
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#watchdog);
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new NoAnswer("the connection has ended"));
    }
    this.#pending.clear();
    this.#events.ended();
  }
}

function authOf(credential: Credential): Record<string, string> | null {
  switch (credential.kind) {
    case "none":
      return null;
    case "deviceToken":
      return { token: credential.token, deviceToken: credential.token };
    case "shared":
      return { token: credential.token };
    case "code":
      return { bootstrapToken: credential.code };
  }
}

/** Whether a health report says that all is well. */
export function isWell(report: unknown): boolean {
  return at(report, "ok") !== false;
}

/** What a frame needs beside the bytes of its files. */
const FRAME_REST = 256 * 1024;

function limitsIn(payload: unknown): AttachmentLimitsView {
  const frame = numberAt(payload, "policy", "maxPayload");
  const usual = USUAL_LIMITS.together ?? 0;
  const together = frame === null ? usual : Math.max(0, Math.floor((frame - FRAME_REST) / 4) * 3);
  const [file, picture] = [
    numberAt(payload, "policy", "attachments", "maxBytes") ?? together,
    numberAt(payload, "policy", "attachments", "maxImageBytes") ?? USUAL_LIMITS.picture ?? 0,
  ];
  return { file: Math.min(file, together), picture: Math.min(picture, together), together };
}
