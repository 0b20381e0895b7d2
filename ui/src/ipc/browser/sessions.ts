/**
 * The conversations of the page's gateway: the list, kept current by what the gateway tells, which of
 * them is shown, and what is done with them. The same rules as in the desktop app.
 */
import type { SessionEdit, SessionView, SessionsView, UiError } from "..";
import { USUAL_LIMITS } from "../../lib/attachments";
import { isSameSession } from "../../lib/session-keys";
import { type Json, at, listAt, textAt } from "./json";
import { NoAnswer, Refusal, problemOf } from "./refusal";
import {
  abilities,
  abilityFor,
  agentsIn,
  applied,
  commandsIn,
  modelsIn,
  sessionView,
  takenOver,
  unlisted,
} from "./session-rows";
import type { Offers } from "./session";

/** How long to wait for more news before reading the list: they come in bursts. */
const SETTLES_MS = 400;
/** The list is read no more often than this, however much is told. */
const AT_MOST_EVERY_MS = 2_000;
/** How many conversations are asked for at once, and in all. */
const PAGE = 200;
const MOST = 1_000;
/** How long the model may take to sum a conversation up. */
const SUMMARY_MS = 180_000;
const KEPT_AS = "openclaw.session";
const MAIN_SESSION = "main";
/** A page knows one gateway. */
const GATEWAY = "page";

/** The part of a session that is used. */
export interface SessionCalls {
  readonly offers: Offers;
  call(method: string, params: Json, limitMs?: number): Promise<unknown>;
}

type Answer = { status: "ok"; data: null } | { status: "error"; error: UiError };

export class Sessions {
  #session: SessionCalls | null = null;
  #view: SessionsView;
  #pending: { key: string; edit: SessionEdit }[] = [];
  /** An answer to an older question counts for nothing. */
  #asked = 0;
  #askedAtMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The conversation that was begun last and in which nothing was said yet. */
  #fresh: string | null = null;
  readonly #changed: (view: SessionsView) => void;
  readonly #storage: Pick<Storage, "getItem" | "setItem">;

  constructor(
    changed: (view: SessionsView) => void,
    storage: Pick<Storage, "getItem" | "setItem">,
  ) {
    this.#changed = changed;
    this.#storage = storage;
    this.#view = {
      gateway: GATEWAY,
      active: storage.getItem(KEPT_AS) ?? MAIN_SESSION,
      asOfMs: null,
      rows: [],
      hasMore: false,
      problem: null,
      can: abilities({
        protocol: 0,
        methods: new Set(),
        scopes: [],
        mainSession: null,
        attachments: USUAL_LIMITS,
      }),
      limits: USUAL_LIMITS,
      agents: [],
      models: [],
      commands: [],
    };
  }

  /** The conversations with what was asked for and is not done yet; the shown one is among them. */
  get view(): SessionsView {
    const { active } = this.#view;
    let rows = this.#view.rows;
    // The one everybody has is always at hand, also before anybody wrote in it.
    for (const key of [this.#main(), active]) {
      if (!rows.some((row) => isSameSession(key, row.key))) rows = [...rows, unlisted(key)];
    }
    for (const { key, edit } of this.#pending) {
      rows = rows.map((row) => (isSameSession(key, row.key) ? applied(row, edit) : row));
    }
    return { ...this.#view, rows };
  }

  /** A session began: everything may be different. */
  up(session: SessionCalls): void {
    this.#session = session;
    const { offers } = session;
    if (this.#view.active === MAIN_SESSION && offers.mainSession !== null) {
      this.#choose(offers.mainSession);
    }
    this.#set({ can: abilities(offers), limits: offers.attachments });
    if (!offers.methods.has("sessions.list")) return;
    // A gateway that does not tell of changes is listed when something is done.
    void session.call("sessions.subscribe", {}).catch(() => undefined);
    void this.#readChoices(session);
    void this.#read(session);
  }

  down(): void {
    this.#session = null;
    this.#asked += 1;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Takes an event of the gateway. */
  event(name: string, payload: unknown): void {
    if (name !== "sessions.changed") return;
    const key = textAt(payload, "sessionKey");
    if (textAt(payload, "reason") === "delete" && key !== null) this.#gone(key);
    const told = sessionView(at(payload, "session"));
    if (told !== null && this.#rowOf(told.key) !== undefined) {
      this.#set({
        rows: this.#view.rows.map((row) => (row.key === told.key ? takenOver(row, told) : row)),
      });
    }
    this.readSoon();
  }

  /** Something was told and did not arrive, or may have changed otherwise. */
  readSoon(): void {
    if (this.#timer !== undefined || this.#session === null) return;
    const wait = Math.max(SETTLES_MS, this.#askedAtMs + AT_MOST_EVERY_MS - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#session !== null) void this.#read(this.#session);
    }, wait);
  }

  /** Shows another one from now on. */
  choose(key: string): void {
    this.#choose(key);
    this.#tell();
  }

  /** Begins one and shows it; an empty one that was begun before does as well. */
  async create(agent: string | null): Promise<Answer> {
    const fresh = this.#fresh === null ? undefined : this.#rowOf(this.#fresh);
    const isEmpty = fresh !== undefined && fresh.title === null && fresh.preview === null;
    if (isEmpty && !fresh.archived && (agent === null || fresh.agent === agent)) {
      this.choose(fresh.key);
      return DONE;
    }
    return this.#do(async (session) => {
      if (this.#view.can.create !== "yes") throw notServed();
      const made = await session.call("sessions.create", agent === null ? {} : { agentId: agent });
      this.#fresh = this.#begun(made);
    });
  }

  /** Changes, copies or removes one. */
  edit(gateway: string, key: string, edit: SessionEdit): Promise<Answer> {
    return this.#do(async (session) => {
      if (gateway !== GATEWAY) throw new NoAnswer("another gateway");
      const ability = abilityFor(edit, this.#view.can);
      if (ability !== "yes") throw ability === "no" ? notServed() : needsAdmin();
      const pending = { key, edit };
      this.#pending.push(pending);
      this.#tell();
      try {
        await this.#carryOut(session, key, edit);
        this.#set({
          rows: this.#view.rows.map((row) =>
            isSameSession(key, row.key) ? applied(row, edit) : row,
          ),
        });
      } finally {
        this.#pending = this.#pending.filter((one) => one !== pending);
        this.#tell();
      }
      const leaves = edit.kind === "archive" && edit.archived;
      if (edit.kind === "delete") this.#gone(key);
      else if (leaves && isSameSession(key, this.#view.active)) this.choose(this.#main());
    });
  }

  async #carryOut(session: SessionCalls, key: string, edit: SessionEdit): Promise<void> {
    const patch = (change: Json) => session.call("sessions.patch", { key, ...change });
    switch (edit.kind) {
      case "rename":
        return void (await patch({ label: edit.title }));
      case "pin":
        return void (await patch({ pinned: edit.pinned }));
      case "archive":
        return void (await patch({ archived: edit.archived, ...(await idOf(session, key)) }));
      case "markUnread":
        return void (await patch({ unread: edit.unread }));
      case "model":
        return void (await patch({ model: edit.model }));
      case "thinking":
        return void (await patch({ thinkingLevel: edit.level }));
      case "delete": {
        // By way of the archive it takes fewer rights.
        const now = await idOf(session, key);
        await patch({ archived: true, ...now });
        return void (await session.call("sessions.delete", { key, archivedOnly: true, ...now }));
      }
      case "reset":
        return void (await session.call("sessions.reset", { key }));
      case "compact": {
        const told = await session.call("sessions.compact", { key }, SUMMARY_MS);
        if (at(told, "compacted") === false) throw new Told(nothingToCompact(told));
        return;
      }
      case "fork": {
        const params = { parentSessionKey: key, fork: true, forkFrom: "last-completed" };
        this.#begun(await session.call("sessions.create", params));
      }
    }
  }

  async #do(work: (session: SessionCalls) => Promise<void>): Promise<Answer> {
    try {
      if (this.#session === null) throw new NoAnswer("not connected");
      await work(this.#session);
      return DONE;
    } catch (error) {
      return { status: "error", error: errorOf(error) };
    } finally {
      // A list that is on its way may be older than this.
      this.#asked += 1;
      if (this.#session !== null) void this.#read(this.#session);
    }
  }

  #begun(made: unknown): string | null {
    const key = textAt(made, "key");
    if (key === null) return null;
    if (this.#rowOf(key) === undefined) {
      this.#set({ rows: [{ ...unlisted(key), updatedAtMs: Date.now() }, ...this.#view.rows] });
    }
    this.choose(key);
    return key;
  }

  #gone(key: string): void {
    this.#set({ rows: this.#view.rows.filter((row) => !isSameSession(key, row.key)) });
    if (isSameSession(key, this.#view.active)) this.choose(this.#main());
  }

  #main(): string {
    return this.#session?.offers.mainSession ?? MAIN_SESSION;
  }

  #rowOf(key: string): SessionView | undefined {
    return this.#view.rows.find((row) => isSameSession(key, row.key));
  }

  async #read(session: SessionCalls): Promise<void> {
    if (!session.offers.methods.has("sessions.list")) return;
    this.#asked += 1;
    this.#askedAtMs = Date.now();
    const number = this.#asked;
    const isOurs = () => number === this.#asked && session === this.#session;
    try {
      const { rows, hasMore } = await list(session);
      if (isOurs()) this.#set({ rows, hasMore, asOfMs: Date.now(), problem: null });
    } catch (error) {
      // A session that ended is said by the connection.
      if (isOurs() && error instanceof Refusal) this.#set({ problem: problemOf(error) });
    }
  }

  async #readChoices(session: SessionCalls): Promise<void> {
    const ask = (method: string) => session.call(method, {}).catch(() => null);
    const [agents, models, commands] = await Promise.all([
      ask("agents.list"),
      ask("models.list"),
      ask("commands.list"),
    ]);
    if (session !== this.#session) return;
    this.#set({
      agents: agentsIn(agents),
      models: modelsIn(models),
      commands: commandsIn(commands),
    });
  }

  #choose(key: string): void {
    this.#view = { ...this.#view, active: key };
    try {
      this.#storage.setItem(KEPT_AS, key);
    } catch {
      // Storage may be full or forbidden: then a reload shows the one everybody has.
    }
  }

  #set(over: Partial<SessionsView>): void {
    this.#view = { ...this.#view, ...over };
    this.#tell();
  }

  #tell(): void {
    this.#changed(this.view);
  }
}

/** The id of what is in a conversation now, which gateways want to hear before they put it away. */
async function idOf(session: SessionCalls, key: string): Promise<Json> {
  const told = await session.call("sessions.describe", { key });
  const id = textAt(told, "session", "sessionId");
  return id === null ? {} : { expectedSessionId: id };
}

async function list(session: SessionCalls): Promise<{ rows: SessionView[]; hasMore: boolean }> {
  const rows: SessionView[] = [];
  for (;;) {
    const page = await session.call("sessions.list", {
      limit: PAGE,
      ...(rows.length === 0 ? {} : { offset: rows.length }),
      includeDerivedTitles: true,
      includeLastMessage: true,
      archived: "all",
    });
    const found = listAt(page, "sessions").flatMap((row) => sessionView(row) ?? []);
    rows.push(...found);
    const hasMore = at(page, "hasMore") === true;
    if (!hasMore || found.length === 0 || rows.length >= MOST) return { rows, hasMore };
  }
}

/** A problem that is told as it is. */
class Told extends Error {
  readonly problem: UiError;

  constructor(problem: UiError) {
    super(problem.message);
    this.problem = problem;
  }
}

const DONE: Answer = { status: "ok", data: null };

function notServed(): Told {
  return new Told({ code: "notServed", message: "This gateway does not do that.", action: null });
}

function needsAdmin(): Told {
  return new Told({
    code: "needsAdmin",
    message:
      "This takes an administrator's rights on the gateway, which this connection does not have.",
    action: null,
  });
}

function nothingToCompact(told: unknown): UiError {
  const why = textAt(told, "reason");
  const says = why === null ? "" : ` The gateway says: ${why}.`;
  return {
    code: "nothingToCompact",
    message: `There was nothing to shorten in this conversation.${says}`,
    action: null,
  };
}

function errorOf(error: unknown): UiError {
  if (error instanceof Told) return error.problem;
  if (error instanceof Refusal && error.message.includes("missing scope: operator.admin")) {
    return needsAdmin().problem;
  }
  return problemOf(error);
}
