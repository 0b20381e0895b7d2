/** Starts the page in a browser, on the gateway that served it. */
import { browserBackend } from "./ipc/browser/page";
import { start } from "./start";

start(browserBackend());
