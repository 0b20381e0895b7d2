/**
 * Keeps one session with the gateway up: which credential is tried, when to try again, and when
 * only a person can move it on.
 */
import type { Cause, ConnectionView, CredentialView, Phase, UiError } from "..";
import { type Identity, NoIdentity } from "./identity";
import type { Keep } from "./keep";
import { Refusal, judge } from "./refusal";
import { RetryDelays } from "./retry";
import { type Credential, Session, type SessionEvents, type Socket } from "./session";

/** What a link is made of; a test hands in its own. */
export interface Surroundings {
  /** What people call this gateway: the host of the page's address. */
  readonly host: string;
  readonly version: string;
  openSocket(): Socket;
  openKeep(): Promise<Keep>;
  identity(keep: Keep): Promise<Identity>;
  random(): number;
}

export interface LinkEvents {
  changed(view: ConnectionView): void;
  up(session: Session): void;
  down(): void;
  event(name: string, payload: unknown): void;
  gap(): void;
}

export class Link {
  readonly #surroundings: Surroundings;
  readonly #events: LinkEvents;
  readonly #delays = new RetryDelays();
  /** The code from the address this page was opened with; tried once. */
  #code: string | null;
  /** What was typed, until the gateway has issued a token for it. Never kept. */
  #typed: string | null = null;
  #opened: Promise<{ keep: Keep; identity: Identity }> | null = null;
  #session: Session | null = null;
  #upSinceMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** News of an attempt that was given up does nothing. */
  #generation = 0;
  #view: ConnectionView;

  constructor(surroundings: Surroundings, events: LinkEvents, code: string | null) {
    this.#surroundings = surroundings;
    this.#events = events;
    this.#code = code;
    this.#view = viewOf("off", surroundings.host);
  }

  get view(): ConnectionView {
    return this.#view;
  }

  get session(): Session | null {
    return this.#session;
  }

  connect(): void {
    this.#delays.reset();
    void this.#attempt();
  }

  disconnect(): void {
    this.#giveUp();
    this.#show("off");
  }

  /** The network is back, or somebody looks again. */
  tryNow(): void {
    if (this.#view.phase === "retry_wait" && this.#delays.takeShortcut(Date.now())) {
      void this.#attempt();
    }
  }

  /** Signs in with the gateway's token or password, which is kept in memory only. */
  signInWith(typed: string): void {
    this.#typed = typed;
    this.connect();
  }

  /** Forgets the token that this browser was issued. */
  async signOut(): Promise<void> {
    this.#giveUp();
    this.#typed = null;
    this.#code = null;
    const { keep } = await this.#open();
    await keep.keepToken(null);
    this.#show("paused", { cause: "token" });
  }

  #open(): Promise<{ keep: Keep; identity: Identity }> {
    const { openKeep, identity } = this.#surroundings;
    this.#opened ??= openKeep().then(async (keep) => ({ keep, identity: await identity(keep) }));
    return this.#opened;
  }

  async #attempt(): Promise<void> {
    this.#giveUp();
    const generation = this.#generation;
    const isOurs = () => generation === this.#generation;
    this.#show("gateway_check", { attempt: this.#delays.attempt });
    let credential: Credential = { kind: "none" };
    try {
      const { keep, identity } = await this.#open();
      credential = await this.#credential(keep);
      if (!isOurs()) return;
      const session = await Session.open({
        open: () => this.#surroundings.openSocket(),
        identity,
        credential,
        version: this.#surroundings.version,
        events: this.#sessionEvents(isOurs),
      });
      if (!isOurs()) return session.close();
      // What has signed in has done its work, and there is a token now.
      this.#typed = null;
      this.#code = null;
      if (session.hello.issued !== null) await keep.keepToken(session.hello.issued);
      if (!isOurs()) return session.close();
      this.#isUp(session);
    } catch (error) {
      if (isOurs()) await this.#failed(error, credential, isOurs);
    }
  }

  /** What was typed first; then this browser's own token; then the code it was opened with. */
  async #credential(keep: Keep): Promise<Credential> {
    if (this.#typed !== null) return { kind: "shared", token: this.#typed };
    const kept = await keep.token();
    if (kept !== null) return { kind: "deviceToken", ...kept };
    return this.#code === null ? { kind: "none" } : { kind: "code", code: this.#code };
  }

  #sessionEvents(isOurs: () => boolean): SessionEvents {
    return {
      event: (name, payload) => isOurs() && this.#events.event(name, payload),
      gap: () => isOurs() && this.#events.gap(),
      ended: () => isOurs() && this.#lost(),
    };
  }

  #isUp(session: Session): void {
    this.#session = session;
    this.#upSinceMs = Date.now();
    const { version, method } = session.hello;
    this.#show("up", {
      upSinceMs: this.#upSinceMs,
      gatewayVersion: version,
      credential: credentialOf(method),
    });
    this.#events.up(session);
    void this.#measure(session);
  }

  async #measure(session: Session): Promise<void> {
    const asked = performance.now();
    try {
      await session.call("health", {});
    } catch {
      return;
    }
    if (session !== this.#session) return;
    this.#tell({ ...this.#view, pingMs: performance.now() - asked });
  }

  #lost(): void {
    const wasUpMs = Date.now() - this.#upSinceMs;
    this.#giveUp();
    this.#wait(this.#delays.lost(wasUpMs, this.#surroundings.random()), "closed");
  }

  async #failed(error: unknown, credential: Credential, isOurs: () => boolean): Promise<void> {
    if (error instanceof NoIdentity) return this.#show("stopped", { problem: noIdentity(error) });
    if (!(error instanceof Refusal)) {
      return this.#wait(this.#delays.failed(this.#surroundings.random()), "network");
    }
    const verdict = judge(error);
    switch (verdict.kind) {
      case "retry":
        return this.#wait(
          verdict.afterMs ?? this.#delays.failed(this.#surroundings.random()),
          "closed",
        );
      case "forgetToken": {
        if (credential.kind !== "deviceToken") return this.#show("paused", { cause: "token" });
        const { keep } = await this.#open();
        await keep.keepToken(null);
        return isOurs() ? this.#attempt() : undefined;
      }
      case "pause": {
        // What was refused is not tried again by itself.
        this.#typed = null;
        this.#code = null;
        const { cause, problem } = verdict;
        return this.#show("paused", { cause, problem });
      }
    }
  }

  #wait(ms: number, cause: Cause): void {
    this.#show("retry_wait", {
      cause,
      attempt: this.#delays.attempt,
      nextAttemptAtMs: Date.now() + ms,
    });
    this.#timer = setTimeout(() => void this.#attempt(), ms);
  }

  #giveUp(): void {
    this.#generation += 1;
    clearTimeout(this.#timer);
    const session = this.#session;
    this.#session = null;
    if (session === null) return;
    session.close();
    this.#events.down();
  }

  #show(phase: Phase, over: Partial<ConnectionView> = {}): void {
    this.#tell({ ...viewOf(phase, this.#surroundings.host), ...over });
  }

  #tell(view: ConnectionView): void {
    this.#view = view;
    this.#events.changed(view);
  }
}

function viewOf(phase: Phase, serverName: string): ConnectionView {
  return {
    phase,
    cause: null,
    gatewayId: "page",
    serverName,
    target: null,
    way: null,
    attempt: 0,
    nextAttemptAtMs: null,
    upSinceMs: null,
    pingMs: null,
    localPort: null,
    gatewayVersion: null,
    gatewaySinceMs: null,
    credential: null,
    problem: null,
    question: null,
    gatewayHere: null,
  };
}

function credentialOf(method: string): CredentialView {
  switch (method) {
    case "token":
      return "gatewayToken";
    case "password":
      return "gatewayPassword";
    case "none":
      return "none";
    default:
      return "deviceToken";
  }
}

function noIdentity({ why }: NoIdentity): UiError {
  return why === "insecure"
    ? {
        code: "browserInsecure",
        message:
          "Browsers give pages over plain HTTP from another computer no keys to sign in with. " +
          "Open this page on the gateway's own computer, or through an SSH tunnel to it.",
        action: null,
      }
    : {
        code: "browserTooOld",
        message:
          "This browser cannot make Ed25519 keys, which the gateway knows a browser by. " +
          "Use Chrome 137, Firefox 129, Safari 17 or newer.",
        action: null,
      };
}
