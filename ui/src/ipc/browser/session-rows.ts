/**
 * What a gateway tells of its conversations, as the screen lists them. The same rules as in the desktop
 * app; no I/O here.
 */
import type {
  Ability,
  AgentView,
  CommandView,
  ModelView,
  SessionAbilities,
  SessionEdit,
  SessionView,
} from "..";
import { at, listAt, numberAt, textAt, textsAt } from "./json";
import type { Offers } from "./session";

/** The first wire version on which conversations are pinned and put away, by whoever may write. */
const SORTED_SINCE = 4;

const ADMIN = "operator.admin";
const WRITE = "operator.write";

/** Returns a conversation as it is listed; `null` for one without a key. */
export function sessionView(row: unknown): SessionView | null {
  const key = textAt(row, "key");
  if (key === null) return null;
  const label = textAt(row, "label");
  const title = label ?? withoutTime(textAt(row, "derivedTitle")) ?? textAt(row, "displayName");
  const model = textAt(row, "model");
  const fresh = at(row, "totalTokensFresh") !== false;
  return {
    ...unlisted(key),
    title: title || null,
    isNamed: label !== null,
    preview: textAt(row, "lastMessagePreview"),
    updatedAtMs: numberAt(row, "updatedAt"),
    isMain: is(row, "isMain") ?? isMain(key),
    pinned: is(row, "pinned") === true,
    unread: is(row, "unread") === true,
    archived: is(row, "archived") === true,
    isBackground: is(row, "isBackground") === true,
    hasActiveRun: is(row, "hasActiveRun") === true,
    lastRunError: textAt(row, "lastRunError") ?? textAt(row, "lastRunError", "message"),
    agent: textAt(row, "agentId"),
    model: model === null ? null : withProvider(textAt(row, "modelProvider"), model),
    modelIsChosen: textAt(row, "modelOverrideSource") !== null,
    thinkingLevel: textAt(row, "thinkingLevel"),
    thinkingOptions: textsAt(row, "thinkingOptions"),
    thinkingDefault: textAt(row, "thinkingDefault"),
    tokensUsed: fresh ? numberAt(row, "totalTokens") : null,
    contextTokens: numberAt(row, "contextTokens"),
  };
}

/** Returns a conversation that no list has, such as one nobody has written in. */
export function unlisted(key: string): SessionView {
  return {
    key,
    title: null,
    isNamed: false,
    preview: null,
    updatedAtMs: null,
    isMain: isMain(key),
    pinned: false,
    unread: false,
    archived: false,
    isBackground: false,
    hasActiveRun: false,
    lastRunError: null,
    agent: null,
    model: null,
    modelIsChosen: false,
    thinkingLevel: null,
    thinkingOptions: [],
    thinkingDefault: null,
    tokensUsed: null,
    contextTokens: null,
  };
}

/** Takes over what an event says of a conversation; what events leave out stays as the list had it. */
export function takenOver(known: SessionView, told: SessionView): SessionView {
  return { ...told, title: told.title ?? known.title, preview: told.preview ?? known.preview };
}

/** Returns what can be done over a session with these offers. */
export function abilities({ protocol, methods, scopes }: Offers): SessionAbilities {
  const sorts = protocol >= SORTED_SINCE;
  const administers = scopes.includes(ADMIN);
  const writes = administers || scopes.includes(WRITE);
  const changes = administers || (sorts && writes);
  const served = (method: string, allowed: boolean): Ability =>
    !methods.has(method) ? "no" : allowed ? "yes" : "needsAdmin";
  return {
    create: writes ? served("sessions.create", true) : "no",
    change: served("sessions.patch", changes),
    sort: sorts ? served("sessions.patch", changes) : "no",
    delete: served("sessions.delete", changes),
    fork: writes ? served("sessions.fork", true) : "no",
    compact: served("sessions.compact", administers),
    reset: served("sessions.reset", administers),
  };
}

/** Returns what an edit needs. */
export function abilityFor(edit: SessionEdit, can: SessionAbilities): Ability {
  switch (edit.kind) {
    case "rename":
    case "model":
    case "thinking":
      return can.change;
    case "pin":
    case "archive":
    case "markUnread":
      return can.sort;
    case "delete":
    case "reset":
    case "compact":
    case "fork":
      return can[edit.kind];
  }
}

/** Shows an edit before the gateway has carried it out. */
export function applied(row: SessionView, edit: SessionEdit): SessionView {
  switch (edit.kind) {
    case "rename":
      return { ...row, title: edit.title, isNamed: edit.title !== null };
    case "pin":
      return { ...row, pinned: edit.pinned };
    case "archive":
      return { ...row, archived: edit.archived };
    case "markUnread":
      return { ...row, unread: edit.unread };
    case "model":
      return { ...row, model: edit.model ?? row.model, modelIsChosen: edit.model !== null };
    case "thinking":
      return { ...row, thinkingLevel: edit.level };
    case "delete":
    case "reset":
    case "compact":
    case "fork":
      return row;
  }
}

/** Returns the agents, the default one first. */
export function agentsIn(payload: unknown): AgentView[] {
  const first = textAt(payload, "defaultId");
  return listAt(payload, "agents")
    .flatMap((agent): AgentView[] => {
      const id = textAt(agent, "id");
      const name = textAt(agent, "identity", "name") ?? textAt(agent, "name") ?? id;
      return id === null || name === null ? [] : [{ id, name }];
    })
    .sort((a, b) => Number(b.id === first) - Number(a.id === first));
}

/** Returns the models. */
export function modelsIn(payload: unknown): ModelView[] {
  return listAt(payload, "models").flatMap((model): ModelView[] => {
    const id = textAt(model, "id");
    if (id === null) return [];
    return [
      {
        id: withProvider(textAt(model, "provider"), id),
        name: textAt(model, "name") ?? id,
        isAvailable: is(model, "available") !== false,
      },
    ];
  });
}

/** Returns what a message may begin with. */
export function commandsIn(payload: unknown): CommandView[] {
  return listAt(payload, "commands").flatMap((command): CommandView[] => {
    const name = textAt(command, "name");
    if (name === null) return [];
    const written = textsAt(command, "textAliases");
    // Some are written otherwise than they are called.
    const text = written.includes(`/${name}`) ? `/${name}` : (written[0] ?? `/${name}`);
    return [
      {
        text,
        aliases: written.filter((alias) => alias !== text),
        description: textAt(command, "description") ?? "",
        takesMore: is(command, "acceptsArgs") === true,
      },
    ];
  });
}

/** Takes off the time that older gateways put before what was said. */
function withoutTime(title: string | null): string | null {
  return title?.replace(/^\[\S+ \d{4}-\d\d-\d\d \S+ \S+\] /, "") ?? null;
}

function is(value: unknown, name: string): boolean | null {
  const found = at(value, name);
  return typeof found === "boolean" ? found : null;
}

function isMain(key: string): boolean {
  return key === "main" || /^agent:[^:]+:main$/.test(key);
}

function withProvider(provider: string | null, model: string): string {
  return provider === null || model.startsWith(`${provider}/`) ? model : `${provider}/${model}`;
}
