/** The real app behind its window. */
import { getCurrentWindow } from "@tauri-apps/api/window";
import type { Backend, WindowKind } from ".";
import { commands, events } from "./bindings";

/** Returns which of the app's windows this is; the labels are those of its configuration. */
export function windowKind(): WindowKind {
  const { label } = getCurrentWindow();
  return label === "quick" || label === "spoken" ? label : "main";
}

/** Returns the app that this window belongs to. A small one is told what it draws, and turns no page. */
export function tauriBackend(kind: WindowKind): Backend {
  if (kind === "spoken") return spokenBackend();
  return {
    commands: kind === "quick" ? { ...commands, resendAll: commands.resendQuickChat } : commands,
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

/** The window of what is being said hears of nothing else. */
function spokenBackend(): Backend {
  return {
    commands: { ...commands, resendAll: commands.resendSpoken },
    async listen(listeners) {
      const stops = await Promise.all([
        events.settingsChanged.listen((event) => listeners.settings(event.payload)),
        events.voiceChanged.listen((event) => listeners.voice(event.payload)),
      ]);
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}
