/** Says in words what happened to a connection. */
import type { Catalogue } from "../i18n";
import type { Happening } from "../ipc";

/** Returns the words for an event, and the app's own code for what failed. */
export function sayHappened(text: Catalogue, what: Happening): { words: string; code?: string } {
  const t = text.history;
  const at = (words: string, hop: number) => (hop === 0 ? words : t.onTheWay(words, hop));
  switch (what.kind) {
    case "attemptBegan":
      return { words: what.keepsPath ? t.asksGateway : t.began[what.why] };
    case "stagePassed":
      return { words: at(t.stage[what.stage], what.hop) };
    case "signedIn":
      return { words: at(t.signedIn[what.by], what.hop) };
    case "hostKeyLearned":
      return { words: at(t.did.hostKeyLearned, what.hop) };
    case "attemptFailed":
      return { words: t.failed[what.then], code: what.code };
    case "pathLost":
    case "sessionLost":
      return { words: t.did[what.kind], code: what.code };
    case "asked":
      return { words: t.asked(t.about[what.question]) };
    case "answered":
      return { words: t.answered(t.about[what.question]) };
    case "questionClosed":
      return { words: t.questionClosed(t.about[what.question]) };
    case "hostKeysRenewed":
      return { words: t.hostKeysRenewed(what.count) };
    case "requestsRefused":
      return { words: t.requestsRefused(what.count) };
    case "listenerOpened":
      return { words: t.listenerOpened(what.port, what.insteadOf) };
    case "listenerClosed":
      return { words: t.listenerClosed(what.port) };
    case "localTunnelOpened":
      return { words: what.again ? t.localTunnelAgain : t.localTunnelOpened };
    case "attemptGivenUp":
    case "connected":
    case "disconnected":
    case "probeSent":
    case "probeOverdue":
    case "probeAnswered":
    case "woke":
    case "networkChanged":
    case "settingsChanged":
    case "localTunnelSilent":
    case "localTunnelShared":
      return { words: t.did[what.kind] };
  }
}
