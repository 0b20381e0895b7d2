/**
 * The app's side of the seam, played in the browser: the gateway is spoken to from here, and the
 * screen gets the same views as in the window. What only the desktop has is not offered.
 */
import type { Backend, Commands, Listeners, SettingsView, SignInPort, UiError } from "..";
import { filesOf } from "../../lib/attachments";
import { linkAddress } from "../../lib/markdown/address";
import { AgentRequests, wordOf } from "./agent-requests";
import { Check } from "./check";
import { Conversations } from "./conversations";
import type { FileKeep } from "./file-keep";
import { Link, type Surroundings } from "./link";
import { Outbox } from "./outbox";
import { NoAnswer, Refusal, problemOf } from "./refusal";
import type { Session } from "./session";
import { Sessions } from "./sessions";

/** How much of a conversation is fetched. */
const HISTORY_MESSAGES = 200;

/** How much of one message is fetched: the most that gateways tell. */
const WHOLE_MESSAGE = 2_000_000;

/**
 * How often what agents wait for is read again while something waits: gateways do not tell of
 * everything that ends by itself.
 */
const LIST_AGAIN_MS = 15_000;

/** What a gateway answers about a request that waits no more. */
const GONE: readonly (string | null)[] = [
  "APPROVAL_ALREADY_RESOLVED",
  "APPROVAL_NOT_FOUND",
  "QUESTION_ALREADY_RESOLVED",
  "QUESTION_NOT_FOUND",
];

/** What is said where a message cannot be taken back any more. */
const UNDER_WAY = {
  code: "underWay",
  message: "This message is on its way already.",
  action: null,
};

/** What the backend is made of, beside the link's surroundings. */
export interface BrowserParts extends Surroundings {
  /** The code from the page's address, if it was opened with one. */
  readonly code: string | null;
  readonly storage: Pick<Storage, "getItem" | "setItem">;
  /** Where the files of messages that wait outlive a reload. */
  readonly files: FileKeep;
  lives(signal: AbortSignal): Promise<boolean>;
}

export class BrowserBackend implements Backend {
  readonly commands: Commands;
  readonly signIn: SignInPort;
  readonly #link: Link;
  readonly #check: Check;
  readonly #outbox: Outbox;
  readonly #conversations = new Conversations();
  readonly #requests = new AgentRequests();
  readonly #sessions: Sessions;
  #listAgain: ReturnType<typeof setTimeout> | undefined;
  #listeners: Listeners | null = null;
  #isConnecting = false;

  constructor(parts: BrowserParts) {
    const tell = (updates: ReturnType<Conversations["missed"]>) => {
      for (const update of updates) this.#listeners?.chat(update);
    };
    const conversations = this.#conversations;
    this.#link = new Link(
      parts,
      {
        changed: (view) => this.#listeners?.connection(view),
        up: (session) => {
          this.#sessions.up(session);
          tell(conversations.reconnected());
          this.#outbox.sessionUp(session);
          void this.#listRequests(session);
        },
        down: () => {
          this.#outbox.sessionDown();
          this.#sessions.down();
        },
        event: (name, payload) => {
          if (this.#requests.event(name, payload)) this.#requestsChanged();
          this.#sessions.event(name, payload);
          const update =
            name === "chat"
              ? conversations.event(payload)
              : name === "agent"
                ? conversations.detail(payload, Date.now())
                : null;
          if (update !== null) tell([update]);
        },
        gap: () => {
          tell(conversations.missed());
          this.#sessions.readSoon();
          void this.#listRequests(this.#link.session);
        },
      },
      parts.code,
    );
    this.#outbox = new Outbox(
      {
        accepted: ({ sessionKey, key }) => tell([conversations.accepted(sessionKey, key)]),
        refused: ({ sessionKey, key }, problem) =>
          tell([conversations.refused(sessionKey, key, problem)]),
      },
      parts.storage,
      parts.files,
    );
    this.#sessions = new Sessions((view) => this.#listeners?.sessions(view), parts.storage);
    this.#check = new Check({ lives: parts.lives, session: () => this.#link.session }, (view) =>
      this.#listeners?.check(view),
    );
    this.signIn = {
      withToken: (token) => this.#link.signInWith(token),
      signOut: () => this.#link.signOut(),
    };
    this.commands = this.#commands(tell);
  }

  listen(listeners: Listeners): Promise<() => void> {
    this.#listeners = listeners;
    const tryNow = () => {
      if (document.visibilityState !== "hidden") this.#link.tryNow();
    };
    window.addEventListener("online", tryNow);
    document.addEventListener("visibilitychange", tryNow);
    return Promise.resolve(() => {
      this.#listeners = null;
      window.removeEventListener("online", tryNow);
      document.removeEventListener("visibilitychange", tryNow);
      this.#link.disconnect();
    });
  }

  #commands(tell: (updates: ReturnType<Conversations["missed"]>) => void): Commands {
    const link = this.#link;
    const done = () => Promise.resolve();
    const onlyInTheApp = () => Promise.reject(new Error("only the desktop app can do this"));
    return {
      resendAll: () => {
        this.#listeners?.sessions(this.#sessions.view);
        this.#listeners?.connection(link.view);
        this.#listeners?.settings(SETTINGS);
        this.#listeners?.check(this.#check.view);
        this.#listeners?.requests(this.#requests.view);
        // The first question is the page's start.
        if (!this.#isConnecting) link.connect();
        this.#isConnecting = true;
        return done();
      },
      connect: () => done().then(() => link.connect()),
      disconnect: () => done().then(() => link.disconnect()),
      reconnectNow: () => done().then(() => link.connect()),
      runCheck: () => done().then(() => void this.#check.run()),
      cancelCheck: () => done().then(() => this.#check.cancel()),
      // A page keeps no history of its connection, and shows none.
      connectionDay: () =>
        Promise.resolve({ status: "ok", data: { untilMs: 0, spanMinutes: 5, spans: [] } }),
      connectionHistory: () => Promise.resolve({ status: "ok", data: [] }),
      chatHistory: (sessionKey) =>
        this.#ask(async (call) => {
          const params = { sessionKey, limit: HISTORY_MESSAGES };
          return this.#conversations.history(sessionKey, await call("chat.history", params));
        }),
      chatEarlier: (sessionKey, offset) =>
        this.#ask(async (call) => {
          const params = { sessionKey, limit: HISTORY_MESSAGES, offset };
          return this.#conversations.page(await call("chat.history", params));
        }),
      chatMessage: async (sessionKey, messageId) => {
        const answer = await this.#ask(async (call) => {
          const params = { sessionKey, messageId, maxChars: WHOLE_MESSAGE };
          return this.#conversations.message(await call("chat.message.get", params));
        });
        if (answer.status === "error") return answer;
        return answer.data === null
          ? { status: "error", error: NOT_WHOLE }
          : { status: "ok", data: answer.data };
      },
      sendChat: (draft) => {
        const { sessionKey, key, text, attachments } = draft;
        const problem = this.#outbox.send(draft);
        tell([
          problem === null
            ? this.#conversations.queued(sessionKey, key, text, filesOf(attachments))
            : this.#conversations.refused(sessionKey, key, problem),
        ]);
        return Promise.resolve({ status: "ok", data: null });
      },
      abortChat: (sessionKey, runId) =>
        this.#ask(async (call) => {
          await call("chat.abort", { sessionKey, ...(runId === null ? {} : { runId }) });
          return null;
        }),
      decideApproval: (id, decision) =>
        this.#decide(id, "exec.approval.resolve", { id, decision: wordOf(decision) }),
      answerAgent: (id, answers) => {
        const chosen = answers?.map(({ questionId, labels }) => [questionId, labels] as const);
        return this.#decide(id, "question.resolve", {
          id,
          ...(chosen === undefined
            ? { cancel: true }
            : { answers: { answers: Object.fromEntries(chosen) } }),
        });
      },
      chooseSession: (key) => done().then(() => this.#sessions.choose(key)),
      createSession: (agent) => this.#sessions.create(agent),
      editSession: (gateway, key, edit) => this.#sessions.edit(gateway, key, edit),
      // A browser asks nobody before a page goes, and the page has few settings.
      noteUnsaved: done,
      keepDraft: (_gateway, sessionKey, text) =>
        done().then(() => this.#outbox.keepDraft(sessionKey, text)),
      unsent: async (sessionKey) => ({
        status: "ok",
        data: await this.#outbox.unsent(sessionKey),
      }),
      cancelMessage: (key) =>
        Promise.resolve(
          this.#outbox.withdraw(key)
            ? { status: "ok", data: null }
            : { status: "error", error: UNDER_WAY },
        ),
      // A page keeps no conversation.
      forgetHistories: () => Promise.resolve({ status: "ok", data: null }),
      forgetMessage: (key) => done().then(() => this.#outbox.forget(key)),
      // A page has no microphone: it is told nothing of voice, and shows none.
      setShortcut: onlyInTheApp,
      setVoice: onlyInTheApp,
      setVoiceTriggers: onlyInTheApp,
      voiceAct: onlyInTheApp,
      lookAtVoice: onlyInTheApp,
      editVoiceModels: onlyInTheApp,
      resendQuickChat: onlyInTheApp,
      leaveQuickChat: onlyInTheApp,
      closeQuickChat: onlyInTheApp,
      resendSpoken: onlyInTheApp,
      closeSpoken: onlyInTheApp,
      saveSettings: onlyInTheApp,
      editGateways: onlyInTheApp,
      checkAddress: onlyInTheApp,
      trustHostKey: onlyInTheApp,
      answerQuestion: onlyInTheApp,
      cancelQuestion: onlyInTheApp,
      decidePairing: onlyInTheApp,
      useFoundConfig: onlyInTheApp,
      finishFirstRun: onlyInTheApp,
      chooseIdentityFile: onlyInTheApp,
      fetchGatewaySecret: onlyInTheApp,
      addSignInKey: onlyInTheApp,
      undoSignInKey: onlyInTheApp,
      closeSignInKey: onlyInTheApp,
      privacy: onlyInTheApp,
      deleteStored: onlyInTheApp,
      forgetHistory: onlyInTheApp,
      openOwnFolder: onlyInTheApp,
      resetApp: onlyInTheApp,
      readInvitation: onlyInTheApp,
      acceptInvitation: onlyInTheApp,
      forgetInvitation: onlyInTheApp,
      offerRepair: onlyInTheApp,
      runRepair: onlyInTheApp,
      stopRepair: onlyInTheApp,
      gatewayLog: onlyInTheApp,
      prepareReport: onlyInTheApp,
      saveReport: onlyInTheApp,
      openReportFolder: onlyInTheApp,
      openLink: (address) => Promise.resolve(openOutside(address)),
      showOpenclawChange: onlyInTheApp,
      writeOpenclawChange: onlyInTheApp,
    };
  }

  /** Reads what agents wait for; a gateway that does not tell has nothing to decide. */
  async #listRequests(session: Session | null): Promise<void> {
    if (session === null) return;
    const list = (method: string) =>
      session.call(method, {}).catch((error: unknown) => {
        if (error instanceof Refusal) return null;
        throw error;
      });
    this.#requests.listing();
    try {
      const [approvals, questions] = await Promise.all([
        list("exec.approval.list"),
        list("question.list"),
      ]);
      if (session !== this.#link.session) return;
      this.#requests.listed(approvals, questions);
      this.#requestsChanged();
    } catch {
      // The connection has ended; the next one lists again.
    }
  }

  #requestsChanged(): void {
    this.#listeners?.requests(this.#requests.view);
    clearTimeout(this.#listAgain);
    if (this.#requests.count === 0) return;
    this.#listAgain = setTimeout(() => void this.#listRequests(this.#link.session), LIST_AGAIN_MS);
  }

  async #decide(
    id: string,
    method: string,
    params: Record<string, unknown>,
  ): Promise<{ status: "ok"; data: null } | { status: "error"; error: UiError }> {
    const answer = await this.#ask(async (call) => {
      try {
        await call(method, params);
        return null;
      } catch (error) {
        if (error instanceof Refusal && GONE.includes(error.reason)) return GONE_ELSEWHERE;
        throw error;
      }
    });
    if (answer.status === "error") return answer;
    this.#requests.settled(id);
    this.#requestsChanged();
    return answer.data === null
      ? { status: "ok", data: null }
      : { status: "error", error: answer.data };
  }

  async #ask<T>(
    work: (
      call: (method: string, params: Record<string, unknown>) => Promise<unknown>,
    ) => Promise<T>,
  ): Promise<{ status: "ok"; data: T } | { status: "error"; error: UiError }> {
    try {
      const session = this.#link.session;
      if (session === null) throw new NoAnswer("not connected");
      const data = await work((method, params) => session.call(method, params));
      return { status: "ok", data };
    } catch (error) {
      return { status: "error", error: problemOf(error) };
    }
  }
}

const NOT_WHOLE: UiError = {
  code: "messageNotWhole",
  message: "The gateway does not have this message any more, or not all of it.",
  action: null,
};

/** Opens a page in a tab of its own that learns nothing of this one. */
function openOutside(
  written: string,
): { status: "ok"; data: null } | { status: "error"; error: UiError } {
  const address = linkAddress(written);
  if (address === null) {
    const message = "This address cannot be opened from here.";
    return { status: "error", error: { code: "linkRefused", message, action: null } };
  }
  window.open(address, "_blank", "noopener,noreferrer");
  return { status: "ok", data: null };
}

const GONE_ELSEWHERE: UiError = {
  code: "requestGone",
  message: "This was decided elsewhere, or its time was up.",
  action: null,
};

/** A page has no settings: it is where its gateway is. */
const SETTINGS: SettingsView = {
  profile: "page",
  gateways: [],
  firstRunDone: true,
  runs: "thisComputer",
  transport: "ssh",
  url: "",
  tlsFingerprint: "",
  address: "",
  signIn: "automatic",
  identityFile: "",
  hostKeyPolicy: "strict",
  hasGatewayToken: false,
  localPort: 18789,
  remotePort: 18789,
  connectOnLaunch: true,
  listenerEnabled: false,
  alsoRunHere: false,
  notifications: {
    needsYou: false,
    lost: false,
    restored: false,
    requests: false,
    replies: false,
  },
  shortcuts: {
    possible: false,
    quickChat: { keys: "", problem: null },
    pushToTalk: { keys: "", problem: null },
  },
  startAtLogin: false,
  language: "system",
  systemLanguage: null,
  theme: "system",
  logLevel: "info",
  logLevelFixed: false,
  keychain: { kind: "available" },
  notKept: null,
  found: null,
  fileProblem: null,
};
