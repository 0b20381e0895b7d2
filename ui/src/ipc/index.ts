/**
 * The seam between the screen and what is behind it: what may be asked, and what is told.
 *
 * Views and states are handed a `Backend`; only this folder knows how it is carried: `tauri` in the
 * app's window, `browser` in a page that a gateway serves. Events are subscribed to first and
 * everything is asked for again afterwards, so that nothing is missed.
 */
import type { commands } from "./bindings";
import type {
  AgentRequestsView,
  ChatUpdate,
  CheckView,
  ConnectionView,
  GatewayReportView,
  InvitationView,
  Page,
  RepairView,
  SessionsView,
  SettingsView,
  SignInKeyView,
  VoiceView,
} from "./bindings";

export type * from "./bindings";

/** The windows of the app: the main one, Quick Chat, and what is being said. */
export type WindowKind = "main" | "quick" | "spoken";

/** Every command of the app, as generated from its Rust side. */
export type Commands = typeof commands;

/** What a command that can fail answers. */
export type Answer<T, E> = { status: "ok"; data: T } | { status: "error"; error: E };

/** Whom to call when the app tells something. */
export interface Listeners {
  connection(view: ConnectionView): void;
  check(view: CheckView): void;
  settings(view: SettingsView): void;
  chat(update: ChatUpdate): void;
  requests(view: AgentRequestsView): void;
  signInKey(view: SignInKeyView | null): void;
  gatewayReport(view: GatewayReportView | null): void;
  repair(view: RepairView | null): void;
  invitation(view: InvitationView | null): void;
  sessions(view: SessionsView): void;
  voice(view: VoiceView): void;
  voiceLevel(level: number): void;
  page(page: Page): void;
}

/** How a page in a browser signs in; the window's app does that by itself. */
export interface SignInPort {
  /** Signs in with the gateway's token or password, which is kept in memory only. */
  withToken(token: string): void;
  /** Forgets the token that this browser was issued. */
  signOut(): Promise<void>;
}

/** The app, as the screen sees it. */
export interface Backend {
  readonly commands: Commands;
  /** Only in a browser: there are no settings there, and people sign in on the page. */
  readonly signIn?: SignInPort;
  /** Subscribes to everything; resolves once nothing can be missed any more. */
  listen(listeners: Listeners): Promise<() => void>;
}
