/** The real app behind its window. */
import { getCurrentWindow } from "@tauri-apps/api/window";
import type { Backend } from ".";
import { commands, events } from "./bindings";

/** Returns whether this is the small window; the label is that of the app's configuration. */
export function isQuickChat(): boolean {
  return getCurrentWindow().label === "quick";
}

/** Returns the app that this window belongs to. The small one is told what it draws, and turns no page. */
export function tauriBackend(quick = false): Backend {
  return {
    commands: quick ? { ...commands, resendAll: commands.resendQuickChat } : commands,
    async listen(listeners) {
      const stops = await Promise.all([
        events.connectionChanged.listen((event) => listeners.connection(event.payload)),
        events.checkChanged.listen((event) => listeners.check(event.payload)),
        events.settingsChanged.listen((event) => listeners.settings(event.payload)),
        events.chatChanged.listen((event) => listeners.chat(event.payload)),
        events.agentRequestsChanged.listen((event) => listeners.requests(event.payload)),
        events.gatewayReportChanged.listen((event) => listeners.gatewayReport(event.payload)),
        events.signInKeyChanged.listen((event) => listeners.signInKey(event.payload)),
        events.repairChanged.listen((event) => listeners.repair(event.payload)),
        events.invitationChanged.listen((event) => listeners.invitation(event.payload)),
        events.sessionsChanged.listen((event) => listeners.sessions(event.payload)),
        events.voiceChanged.listen((event) => listeners.voice(event.payload)),
        events.voiceLevelChanged.listen((event) => listeners.voiceLevel(event.payload ?? 0)),
        events.pageRequested.listen((event) => listeners.page(event.payload)),
      ]);
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}
