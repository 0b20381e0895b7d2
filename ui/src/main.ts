/** Starts the window on the real app. */
import { tauriBackend } from "./ipc/tauri";
import { start } from "./start";

start(tauriBackend());
