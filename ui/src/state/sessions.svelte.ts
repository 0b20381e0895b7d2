/** The conversations as the app lists them, what is looked for among them, and what is done with them. */
import type { Backend, SessionEdit, SessionView, SessionsView, UiError } from "../ipc";
import { isSameSession } from "../lib/session-keys";

/** How long something that was put away can be taken back from here. */
const UNDO_MS = 10_000;

export class SessionsState {
  view = $state.raw<SessionsView | null>(null);
  /** What is looked for. */
  query = $state("");
  /** Why the last thing that was asked for was not done. */
  problem = $state.raw<UiError | null>(null);
  /** The one whose name is being written. */
  renaming = $state<string | null>(null);
  /** The one that is about to be removed, until a person has said yes. */
  removing = $state.raw<SessionView | null>(null);
  /** The one that was put away just now. */
  putAway = $state.raw<SessionView | null>(null);
  /** Whether one is being begun. */
  creating = $state(false);
  /** Whether one is being summed up. */
  compacting = $state(false);

  #undo: ReturnType<typeof setTimeout> | undefined;
  /** The one that was marked as read last, as it was then. */
  #read = "";
  readonly #backend: Backend;
  readonly #failed: string;

  /** `failed` is said when the app could not be asked at all. */
  constructor(backend: Backend, failed: string) {
    this.#backend = backend;
    this.#failed = failed;
  }

  readonly rows = $derived<readonly SessionView[]>(this.view?.rows ?? []);
  readonly active = $derived.by(() => {
    const { view } = this;
    return view?.rows.find((row) => isSameSession(view.active, row.key)) ?? null;
  });

  /** How many conversations beside the one that is shown have something new. */
  readonly othersUnread = $derived(
    this.rows.filter((row) => row.unread && !row.archived && row.key !== this.active?.key).length,
  );

  receive(view: SessionsView): void {
    if (view.gateway !== this.view?.gateway) this.#forget();
    this.view = view;
  }

  /** The conversation of a gateway that is shown; `null` while its conversations are not known. */
  activeOf(gateway: string): string | null {
    return this.view?.gateway === gateway ? this.view.active : null;
  }

  choose(key: string): void {
    this.problem = null;
    void this.#backend.commands.chooseSession(key);
  }

  /** Begins one, with an agent other than the default one where named. */
  async create(agent: string | null = null): Promise<void> {
    if (this.creating) return;
    this.creating = true;
    this.problem = await this.#ask(() => this.#backend.commands.createSession(agent));
    this.creating = false;
  }

  async edit(row: SessionView, edit: SessionEdit): Promise<boolean> {
    const gateway = this.view?.gateway ?? "";
    this.problem = await this.#ask(() =>
      this.#backend.commands.editSession(gateway, row.key, edit),
    );
    return this.problem === null;
  }

  /** Calls one so; nothing goes back to a name made up from its content. */
  rename(row: SessionView, typed: string): void {
    this.renaming = null;
    const title = typed.trim() === "" ? null : typed.trim();
    const before = row.isNamed ? row.title : null;
    if (title !== before) void this.edit(row, { kind: "rename", title });
  }

  /** Puts one away; for a while it can be taken back at once. */
  async archive(row: SessionView): Promise<void> {
    if (!(await this.edit(row, { kind: "archive", archived: true }))) return;
    clearTimeout(this.#undo);
    this.putAway = row;
    this.#undo = setTimeout(() => (this.putAway = null), UNDO_MS);
  }

  /** Takes back what was put away last, and shows it. */
  undoArchive(): void {
    const row = this.putAway;
    clearTimeout(this.#undo);
    this.putAway = null;
    if (row === null) return;
    void this.edit(row, { kind: "archive", archived: false }).then(
      (done) => done && this.choose(row.key),
    );
  }

  /** Removes the one that was asked about. */
  remove(): void {
    const row = this.removing;
    this.removing = null;
    if (row !== null) void this.edit(row, { kind: "delete" });
  }

  async compact(row: SessionView): Promise<void> {
    this.compacting = true;
    await this.edit(row, { kind: "compact" });
    this.compacting = false;
  }

  /** Somebody sees the conversation that is shown: what is new in it is read. */
  seen(): void {
    const row = this.active;
    if (row === null || !row.unread || this.view?.can.sort !== "yes") return;
    const now = `${row.key} ${row.updatedAtMs}`;
    if (now === this.#read) return;
    this.#read = now;
    const gateway = this.view.gateway;
    // Nobody asked for it, so nobody is told when it cannot be done.
    void this.#ask(() =>
      this.#backend.commands.editSession(gateway, row.key, { kind: "markUnread", unread: false }),
    );
  }

  #forget(): void {
    clearTimeout(this.#undo);
    this.query = "";
    this.problem = null;
    this.renaming = null;
    this.removing = null;
    this.putAway = null;
    this.#read = "";
  }

  async #ask(
    command: () => Promise<{ status: "ok" } | { status: "error"; error: UiError }>,
  ): Promise<UiError | null> {
    try {
      const answer = await command();
      return answer.status === "ok" ? null : answer.error;
    } catch {
      return { code: "ipc", message: this.#failed, action: null };
    }
  }
}
