/** A gateway as a page in a browser meets it: it plays recorded frames, or what a test hands it. */
import { BrowserBackend, type BrowserParts } from "../src/ipc/browser/backend";
import { identity } from "../src/ipc/browser/identity";
import type { FileKeep } from "../src/ipc/browser/file-keep";
import { memoryKeep } from "../src/ipc/browser/keep";
import type { Socket } from "../src/ipc/browser/session";
import type {
  AgentRequestsView,
  AttachmentView,
  ChatUpdate,
  CheckView,
  ConnectionView,
  SessionsView,
} from "../src/ipc";

export type Frame = Record<string, unknown> & { id?: string; payload?: unknown };

interface Line {
  dir: string;
  frame?: Frame;
}

/** The frames of a recording, in order. */
export function recorded(text: string): Line[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

/** What a gateway said, without the requests. */
export const said = (text: string): Frame[] =>
  recorded(text).flatMap(({ dir, frame }) => (dir === "s2c" && frame !== undefined ? [frame] : []));

export const CHALLENGE: Frame = {
  type: "event",
  event: "connect.challenge",
  payload: { nonce: "a nonce", ts: 1_700_000_000_000 },
};

export const hello = (auth: object = {}): object => ({
  type: "hello-ok",
  protocol: 4,
  server: { version: "1.2.3", connId: "c" },
  policy: { tickIntervalMs: 30_000 },
  auth: { role: "operator", scopes: ["operator.read"], method: "token", ...auth },
});

type Listener = (event: unknown) => void;

/** One socket that the page opened. */
export class PlayedSocket implements Socket {
  readonly sent: Frame[] = [];
  readonly #listeners: [string, Listener][] = [];
  closed = false;

  addEventListener = (name: string, listener: unknown) => {
    this.#listeners.push([name, listener as Listener]);
  };

  send(text: unknown): void {
    this.sent.push(JSON.parse(String(text)) as Frame);
  }

  close(): void {
    this.closed = true;
  }

  /** Says one frame. */
  say(frame: object): void {
    this.#tell("message", { data: JSON.stringify(frame) });
  }

  /** Goes away. */
  end(): void {
    this.#tell("close", {});
  }

  /** The requests of a method. */
  asked = (method: string) => this.sent.filter((frame) => frame["method"] === method);

  #tell(name: string, event: unknown): void {
    for (const [wanted, listener] of this.#listeners) if (wanted === name) listener(event);
  }
}

/** Files in place of a browser's own: what is read back is a copy. */
export class MemoryFiles implements FileKeep {
  readonly kept = new Map<string, string>();
  put = async (key: string, attachments: readonly AttachmentView[]) =>
    void this.kept.set(key, JSON.stringify(attachments));
  get = async (key: string) => {
    const found = this.kept.get(key);
    return found === undefined ? null : (JSON.parse(found) as AttachmentView[]);
  };
  remove = async (key: string) => void this.kept.delete(key);
}

/** A page with everything it told its screen. */
export class Page {
  readonly sockets: PlayedSocket[] = [];
  readonly views: ConnectionView[] = [];
  readonly updates: ChatUpdate[] = [];
  readonly checks: CheckView[] = [];
  readonly requests: AgentRequestsView[] = [];
  readonly sessions: SessionsView[] = [];
  readonly keep = memoryKeep();
  readonly stored = new Map<string, string>();
  readonly files = new MemoryFiles();
  readonly backend: BrowserBackend;

  constructor(over: Partial<BrowserParts> = {}) {
    this.backend = new BrowserBackend({
      host: "127.0.0.1:18789",
      version: "0.0.0",
      code: null,
      storage: {
        getItem: (name) => this.stored.get(name) ?? null,
        setItem: (name, value) => void this.stored.set(name, value),
      },
      files: this.files,
      openSocket: () => {
        const socket = new PlayedSocket();
        this.sockets.push(socket);
        return socket;
      },
      openKeep: () => Promise.resolve(this.keep),
      identity,
      random: () => 0,
      lives: () => Promise.resolve(true),
      ...over,
    });
  }

  /** Opens the page: it listens and asks for everything. */
  async open(): Promise<void> {
    await this.backend.listen({
      connection: (view) => this.views.push(view),
      chat: (update) => this.updates.push(update),
      check: (view) => this.checks.push(view),
      settings: () => undefined,
      requests: (view) => this.requests.push(view),
      signInKey: () => undefined,
      gatewayReport: () => undefined,
      repair: () => undefined,
      sessions: (view) => this.sessions.push(view),
      invitation: () => undefined,
      voice: () => undefined,
      voiceLevel: () => undefined,
      page: () => undefined,
    });
    await this.backend.commands.resendAll();
  }

  get view(): ConnectionView {
    const view = this.views.at(-1);
    if (view === undefined) throw new Error("nothing was told");
    return view;
  }

  get changes() {
    return this.updates.map(({ change }) => change);
  }

  /** The socket that was opened as the n-th, once it is. */
  socket(number: number): Promise<PlayedSocket> {
    return soon(() => this.sockets[number - 1]);
  }

  /** Challenges the n-th socket and returns its connect request. */
  async challenged(number = 1, challenge: Frame = CHALLENGE): Promise<[PlayedSocket, Frame]> {
    const socket = await this.socket(number);
    await soon(() => true);
    socket.say(challenge);
    return [socket, await request(socket, "connect")];
  }

  /** Lets the n-th socket in. */
  async letIn(number = 1, auth: object = {}, over: object = {}): Promise<PlayedSocket> {
    const [socket, { id }] = await this.challenged(number);
    socket.say({ type: "res", id, ok: true, payload: { ...hello(auth), ...over } });
    await soon(() => this.view.phase === "up");
    return socket;
  }
}

/** The n-th request of a method, once it was sent. */
export const request = (socket: PlayedSocket, method: string, number = 1): Promise<Frame> =>
  soon(() => socket.asked(method)[number - 1]);

/** Keys are made and used on other threads: on a loaded machine that takes its time. */
const PATIENCE_MS = 15_000;

/** Waits until something is there. The clock of a test may stand still; this one does not. */
export async function soon<T>(look: () => T | undefined | false): Promise<T> {
  const began = performance.now();
  while (performance.now() - began < PATIENCE_MS) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`it did not come about: ${look.toString()}`);
}
