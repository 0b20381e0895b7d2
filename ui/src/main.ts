/** Starts a window of the real app. */
import { tauriBackend, windowKind } from "./ipc/tauri";
import { start } from "./start";

const kind = windowKind();
start(tauriBackend(kind), kind);
