/** The real browser behind the page: its address, its socket, its keys. */
import { version } from "../../../package.json";
import { BrowserBackend } from "./backend";
import { identity } from "./identity";
import { fileKeep } from "./file-keep";
import { memoryKeep, openKeep } from "./keep";
import { at } from "./json";

const CODE = /^#code=([\w-]+)$/;

/** Returns the gateway that served this page. */
export function browserBackend(): BrowserBackend {
  const secure = location.protocol === "https:";
  return new BrowserBackend({
    host: location.host,
    version,
    code: takeCode(),
    storage: sessionStorage,
    files: fileKeep(),
    openSocket: () => new WebSocket(`${secure ? "wss" : "ws"}://${location.host}/`),
    // Some browsers refuse in private windows; the page works, and forgets.
    openKeep: () => openKeep().catch(memoryKeep),
    identity,
    random: Math.random,
    lives: async (signal) => {
      const answer = await fetch("/healthz", { signal, cache: "no-store" });
      return answer.ok && at(await answer.json(), "status") === "live";
    },
  });
}

/** Takes the code out of the address, so that it is in no history and no bookmark. */
function takeCode(): string | null {
  const found = CODE.exec(location.hash)?.[1] ?? null;
  if (location.hash !== "") history.replaceState(null, "", location.pathname + location.search);
  return found;
}
