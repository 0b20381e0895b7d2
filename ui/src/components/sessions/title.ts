/** What a conversation is called on the screen. */
import type { Catalogue } from "../../i18n";
import type { SessionView, SessionsView } from "../../ipc";

/** Returns the name of a conversation; agents are named where there are several. */
export function titleOf(text: Catalogue, row: SessionView, view: SessionsView | null): string {
  if (row.title !== null) return row.title;
  if (!row.isMain) return text.sessions.untitled;
  const agents = view?.agents ?? [];
  const agent = agents.find(({ id }) => id === row.agent);
  return agents.length > 1 && agent !== undefined
    ? text.sessions.mainOf(agent.name)
    : text.sessions.main;
}
