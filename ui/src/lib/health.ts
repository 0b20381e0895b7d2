/** What is the matter with a gateway, in words. */
import type { Catalogue } from "../i18n";
import type { HealthFault } from "../ipc";

/** Says one fault in a sentence. */
export function sayFault(text: Catalogue, fault: HealthFault): string {
  const t = text.server.health.fault;
  switch (fault.kind) {
    case "channelLoggedOut":
    case "channelFails":
      return t[fault.kind](fault.channel);
    case "pluginsFailed":
      return t.pluginsFailed(fault.count);
    case "unexplained":
    case "modelsMissing":
    case "busy":
      return t[fault.kind];
  }
}
