/**
 * The seam between the window and the app: what may be asked, and what is told.
 *
 * Views and states are handed a `Backend`; only this folder knows how it is carried. Events are
 * subscribed to first and everything is asked for again afterwards, so that nothing is missed.
 */
import { commands, events } from "./bindings";
import type { ChatUpdate, CheckView, ConnectionView, Page, SettingsView } from "./bindings";

export type * from "./bindings";

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
  page(page: Page): void;
}

/** The app, as the window sees it. */
export interface Backend {
  readonly commands: Commands;
  /** Subscribes to everything; resolves once nothing can be missed any more. */
  listen(listeners: Listeners): Promise<() => void>;
}

/** The real app behind this window. */
export function tauriBackend(): Backend {
  return {
    commands,
    async listen(listeners) {
      const stops = await Promise.all([
        events.connectionChanged.listen((event) => listeners.connection(event.payload)),
        events.checkChanged.listen((event) => listeners.check(event.payload)),
        events.settingsChanged.listen((event) => listeners.settings(event.payload)),
        events.chatChanged.listen((event) => listeners.chat(event.payload)),
        events.pageRequested.listen((event) => listeners.page(event.payload)),
      ]);
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}
