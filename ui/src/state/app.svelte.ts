/** Wires the states to the app and decides which page is shown. */
import { getContext, setContext } from "svelte";
import type { Catalogue } from "../i18n";
import type { Backend, Page, SignInPort, UserAction } from "../ipc";
import { AgentRequestsState } from "./agent-requests.svelte";
import { ChatState } from "./chat.svelte";
import { CheckState } from "./check.svelte";
import { Clock } from "./clock.svelte";
import { ConnectionState } from "./connection.svelte";
import { DayState } from "./day.svelte";
import { GatewayReportState } from "./gateway-report.svelte";
import { HistoryState } from "./history.svelte";
import { KeptConversationsState } from "./kept-conversations.svelte";
import { LinksState } from "./links.svelte";
import { InvitationState } from "./invitation.svelte";
import { OpenclawChangeState } from "./openclaw-change.svelte";
import { RepairState } from "./repair.svelte";
import { PrivacyState } from "./privacy.svelte";
import { ReportState } from "./report.svelte";
import { SessionsState } from "./sessions.svelte";
import { SettingsState } from "./settings.svelte";
import { TextSizeState } from "./text-size.svelte";
import { SignInKeyState } from "./sign-in-key.svelte";
import { VoiceState } from "./voice.svelte";

/** A place on the settings page that a button elsewhere leads to. */
export type Place = "address" | "signIn" | "token" | "ports" | "fileProblem" | "about";

/** The conversation everybody has, until the app has said which is shown. */
const MAIN_SESSION = "main";

export class App {
  readonly text: Catalogue;
  readonly connection: ConnectionState;
  readonly check: CheckState;
  readonly history: HistoryState;
  readonly day: DayState;
  readonly gatewayReport = new GatewayReportState();
  readonly report: ReportState;
  readonly openclawChange: OpenclawChangeState;
  readonly keptConversations: KeptConversationsState;
  readonly settings: SettingsState;
  readonly chat: ChatState;
  readonly links: LinksState;
  readonly sessions: SessionsState;
  readonly requests: AgentRequestsState;
  readonly signInKey: SignInKeyState;
  readonly repair: RepairState;
  readonly invitation: InvitationState;
  readonly privacy: PrivacyState;
  readonly voice: VoiceState;
  readonly clock = new Clock();
  /** How to sign in, in a browser; `null` in the app's window, which does that by itself. */
  readonly signIn: SignInPort | null;

  /** The page a person or the tray asked for; `null` follows the connection. */
  #chosen = $state<Page | null>(null);
  /** Whether the list of keys is shown. */
  showsShortcuts = $state(false);
  /** Whether somebody wants to look for a conversation; taken by the list once it is drawn. */
  searchesSessions = $state(false);
  /** Where on the settings page to go; taken by the page once it is drawn. */
  place = $state<Place | null>(null);

  /** The page that a person was on before everything was drawn anew. */
  readonly #begunAt: Page | null;
  /** Whether the app has asked for any page. */
  #asked = false;

  readonly textSize = new TextSizeState();
  readonly #backend: Backend;

  /** `page` is where to begin; without one, where the connection says. */
  constructor(backend: Backend, text: Catalogue, page: Page | null = null) {
    this.#backend = backend;
    this.#chosen = page;
    this.#begunAt = page;
    this.text = text;
    this.signIn = backend.signIn ?? null;
    this.connection = new ConnectionState(backend);
    this.check = new CheckState(backend);
    this.history = new HistoryState(backend);
    this.day = new DayState(backend);
    this.report = new ReportState(backend);
    this.openclawChange = new OpenclawChangeState(backend);
    this.keptConversations = new KeptConversationsState(backend);
    this.settings = new SettingsState(backend, text.settings);
    this.chat = new ChatState(backend, text.common.failed);
    this.links = new LinksState(backend, text.common.failed);
    this.sessions = new SessionsState(backend, text.common.failed);
    this.requests = new AgentRequestsState(backend, text.common.failed);
    this.signInKey = new SignInKeyState(backend);
    this.repair = new RepairState(backend);
    this.invitation = new InvitationState(backend);
    this.privacy = new PrivacyState(backend);
    this.voice = new VoiceState(backend);
  }

  /** While not connected, the page with the one thing to do; the conversation otherwise. */
  readonly page = $derived.by<Page>(
    () => this.#chosen ?? (this.connection.online ? "chat" : "server"),
  );

  /** Whether a person has to sign in on the page before anything else. */
  readonly asksToSignIn = $derived.by(() => {
    const { view } = this.connection;
    return this.signIn !== null && view?.phase === "paused" && view.cause === "token";
  });

  /** Whether enough was told to draw anything. */
  readonly ready = $derived.by(() => this.connection.view !== null && this.settings.view !== null);

  /** Listens first and asks for everything afterwards, so that nothing is missed. */
  async start(): Promise<() => void> {
    const stop = await this.#backend.listen({
      connection: (view) => {
        this.connection.receive(view);
        this.chat.show(view.gatewayId, this.sessions.activeOf(view.gatewayId) ?? MAIN_SESSION);
        this.chat.setOnline(this.connection.online);
        // Once it has been up, losing the connection takes nobody away from the conversation.
        if (this.connection.online) this.#chosen ??= "chat";
      },
      check: (view) => this.check.receive(view),
      settings: (view) => this.settings.receive(view),
      chat: (update) => this.chat.receive(update),
      requests: (view) => this.requests.receive(view),
      signInKey: (view) => this.signInKey.receive(view),
      gatewayReport: (view) => this.gatewayReport.receive(view),
      repair: (view) => this.repair.receive(view),
      invitation: (view) => this.invitation.receive(view),
      sessions: (view) => {
        this.sessions.receive(view);
        this.chat.limits = view.limits;
        this.chat.show(view.gateway, view.active);
      },
      voice: (view) => this.voice.receive(view),
      voiceLevel: (level) => (this.voice.level = level),
      page: (page) => this.#told(page),
    });
    await this.#backend.commands.resendAll();
    return stop;
  }

  /**
   * Goes to the page the app asks for. The first request answers our own question, and "chat" is
   * what it says when nobody asked for anything: while not connected, that is no reason to leave
   * the page with the one thing to do.
   */
  #told(page: Page): void {
    const first = !this.#asked;
    this.#asked = true;
    if (first && this.#begunAt !== null) return;
    if (!(first && page === "chat" && this.#chosen === null && !this.connection.online)) {
      this.go(page);
    }
  }

  /** Begins a conversation and goes there. */
  newSession(): void {
    this.go("chat");
    void this.sessions.create();
  }

  go(page: Page, place: Place | null = null): void {
    // What the app is stands among the settings.
    if (page === "about") return this.go("settings", "about");
    this.#chosen = page;
    this.place = place;
  }

  /** Does what a button beside a problem says. */
  act(action: UserAction): void {
    switch (action) {
      case "editAddress":
        return this.go("settings", "address");
      case "editSignIn":
        return this.go("settings", "signIn");
      case "enterToken":
        return this.go("settings", "token");
      case "editPorts":
        return this.go("settings", "ports");
      case "showSettingsFile":
        return this.go("settings", "fileProblem");
      case "tryAgain":
        return this.connection.tryNow();
      case "signIn":
      case "reviewHostKey":
        return this.connection.connect();
      case "checkServer":
        this.go("server");
        return this.check.run();
      case "startGateway":
      case "approveDevice":
        return this.repair.offer(action);
      case "openLog":
        return void this.repair.openLog();
    }
  }
}

const KEY = Symbol("app");

/** Makes `app` known to every component below. */
export function provideApp(app: App): App {
  return setContext(KEY, app);
}

/** Returns the app that this component is a part of. */
export function useApp(): App {
  return getContext<App>(KEY);
}
