/** Starts a window of the real app: the main one, or the small one of Quick Chat. */
import { isQuickChat, tauriBackend } from "./ipc/tauri";
import { start } from "./start";

const quick = isQuickChat();
start(tauriBackend(quick), quick);
