/**
 * The settings as last told, and the one draft of them that the forms edit.
 *
 * The draft belongs to the person: what the app tells later never touches a field that was edited,
 * and nothing is sent before Save.
 */
import { SvelteSet } from "svelte/reactivity";
import type {
  Backend,
  FieldError,
  GatewayEdit,
  HostKeyPolicy,
  Language,
  LogLevel,
  NotificationSwitches,
  RunsWhere,
  SettingsForm,
  SettingsView,
  ShortcutKind,
  SignInChoice,
  Theme,
  Transport,
  UiError,
} from "../ipc";
import { parsePort } from "../lib/port";

/** What the forms edit; ports stay as typed until they are saved. */
export interface DraftValues {
  runs: RunsWhere;
  transport: Transport;
  url: string;
  /** The certificate that alone is accepted; empty when the system decides. */
  tlsFingerprint: string;
  address: string;
  signIn: SignInChoice;
  identityFile: string;
  hostKeyPolicy: HostKeyPolicy;
  /** A new gateway token; `null` keeps the stored one, empty removes it. */
  gatewayToken: string | null;
  localPort: string;
  remotePort: string;
  connectOnLaunch: boolean;
  listenerEnabled: boolean;
  alsoRunHere: boolean;
  notifyNeedsYou: boolean;
  notifyLost: boolean;
  notifyRestored: boolean;
  notifyRequests: boolean;
  notifyReplies: boolean;
  startAtLogin: boolean;
  language: Language;
  theme: Theme;
  logLevel: LogLevel;
}

/** The switches of notifications, as the draft and as the app call them. */
export const NOTIFICATION_FIELDS = [
  ["notifyNeedsYou", "needsYou"],
  ["notifyLost", "lost"],
  ["notifyRestored", "restored"],
  ["notifyRequests", "requests"],
  ["notifyReplies", "replies"],
] as const satisfies readonly (readonly [keyof DraftValues, keyof NotificationSwitches])[];

/** A field of the draft. */
export type Field = keyof DraftValues;

/** The sentences that the draft says by itself. */
export interface DraftWords {
  readonly portInvalid: string;
  readonly addressMissing: string;
  readonly urlMissing: string;
  readonly identityMissing: string;
}

export class SettingsState {
  /** `null` until the app has told anything. */
  view = $state.raw<SettingsView | null>(null);
  values = $state<DraftValues>(valuesOf(null));
  /** What is wrong with a field, by its name. */
  errors = $state<Partial<Record<string, string>>>({});
  /** The address as it will be dialled, once the app has read it. */
  dialled = $state<string | null>(null);
  saving = $state(false);
  /** Whether the latest thing that happened to the draft is that it was saved. */
  saved = $state(false);
  /** The settings of another gateway, which is in use by now while this one's draft has edits. */
  #next = $state.raw<SettingsView | null>(null);

  readonly #backend: Backend;
  readonly #words: DraftWords;
  readonly #edited = new SvelteSet<Field>();
  /** The draft that is on its way. */
  #saving: Promise<boolean> | null = null;

  constructor(backend: Backend, words: DraftWords) {
    this.#backend = backend;
    this.#words = words;
  }

  /** Whether the draft differs from what is in force. */
  readonly dirty = $derived.by(() => {
    const known = valuesOf(this.view);
    return [...this.#edited].some((field) => this.values[field] !== known[field]);
  });

  /** Whether the draft is of a gateway that is no longer in use. */
  readonly isOfAnother = $derived(this.#next !== null);

  receive(view: SettingsView): void {
    if (this.view !== null && this.view.profile !== view.profile) {
      // What somebody typed about one gateway is never taken for another's.
      if (this.dirty) {
        this.#next = view;
        return;
      }
      this.view = view;
      return this.discard();
    }
    this.#next = null;
    this.view = view;
    const known = valuesOf(view);
    for (const field of FIELDS) {
      if (!this.#edited.has(field)) assign(this.values, known, field);
    }
  }

  /** Takes an edit. An error about the field is stale from now on. */
  edit<Name extends Field>(field: Name, value: DraftValues[Name]): void {
    if (field === "address" && typeof value === "string" && URL_BEGINS.test(value)) {
      // A gateway's URL in the place of an SSH address: that is the other way.
      this.edit("address", this.view?.address ?? "");
      this.edit("transport", "direct");
      this.edit("url", value.trim());
      return;
    }
    this.values[field] = value;
    this.#edited.add(field);
    this.saved = false;
    this.#setError(field, null);
    if (field === "address" || field === "url" || field === "transport") this.dialled = null;
  }

  /** Gives up every edit. */
  discard(): void {
    this.#edited.clear();
    this.#moveOn();
    this.values = valuesOf(this.view);
    this.errors = {};
    this.dialled = null;
    this.saved = false;
  }

  /** Has the app read the address or the gateway's URL, as the field is left. */
  async checkAddress(field: "address" | "url" = "address"): Promise<void> {
    const text = this.values[field];
    if (text.trim() === "") return;
    const answer = await this.#backend.commands.checkAddress(text);
    // It was edited meanwhile: the answer is about something else.
    if (this.values[field] !== text) return;
    if (answer.status === "ok" && field === "url" && !URL_BEGINS.test(text)) {
      // It reads well as an SSH address, which is no URL.
      this.#setError(field, this.#words.urlMissing);
      return;
    }
    this.dialled = answer.status === "ok" ? answer.data : null;
    this.#setError(field, answer.status === "ok" ? null : answer.error.message);
  }

  /** Says under a port whether it is one, as the field is left. */
  checkPort(field: "localPort" | "remotePort"): void {
    const valid = parsePort(this.values[field]) !== null;
    this.#setError(field, valid ? null : this.#words.portInvalid);
  }

  /** Lets a person pick the key file in the system's dialog. */
  async chooseIdentityFile(): Promise<UiError | null> {
    const answer = await this.#backend.commands.chooseIdentityFile();
    if (answer.status === "error") return answer.error;
    if (answer.data !== null) this.edit("identityFile", answer.data);
    return null;
  }

  /**
   * Saves the draft and returns whether it was taken; the errors say why not. What was edited while
   * an earlier draft is on its way is sent after it.
   */
  save(): Promise<boolean> {
    const saved =
      this.#saving === null
        ? this.#save()
        : this.#saving.then(
            (earlier) => (this.dirty ? this.#save() : earlier),
            () => this.#save(),
          );
    this.#saving = saved;
    this.saving = true;
    return saved.finally(() => {
      if (this.#saving !== saved) return;
      this.#saving = null;
      this.saving = false;
    });
  }

  async #save(): Promise<boolean> {
    const sent = { ...this.values };
    const form = this.#form(sent);
    if (form === null) return false;
    const answer = await this.#backend.commands.saveSettings(form);
    if (answer.status === "error") {
      this.#setErrors(answer.error);
      return false;
    }
    for (const field of FIELDS) {
      if (this.values[field] === sent[field]) this.#edited.delete(field);
    }
    // A secret stays no longer than it takes to hand it over.
    if (!this.#edited.has("gatewayToken")) this.values.gatewayToken = null;
    this.errors = {};
    this.saved = this.#edited.size === 0;
    if (this.saved && this.#moveOn()) this.values = valuesOf(this.view);
    return true;
  }

  /** Shows the gateway in use, where the draft was of another; returns whether it was. */
  #moveOn(): boolean {
    if (this.#next === null) return false;
    this.view = this.#next;
    this.#next = null;
    return true;
  }

  /** Uses, adds, renames or removes a gateway of the list. */
  async editGateways(edit: GatewayEdit): Promise<UiError | null> {
    const answer = await this.#backend.commands.editGateways(edit);
    return answer.status === "ok" ? null : answer.error;
  }

  /** Fetches the gateway's token or password from the server's own files. */
  fetchSecret = () => this.#backend.commands.fetchGatewaySecret();

  /** Has other keys work everywhere, at once; empty for none. Returns why not. */
  async setShortcut(kind: ShortcutKind, keys: string): Promise<UiError | null> {
    const answer = await this.#backend.commands.setShortcut(kind, keys);
    return answer.status === "ok" ? null : answer.error;
  }

  /** Takes over what an existing `openclaw.json` says. */
  async useFoundConfig(): Promise<UiError | null> {
    this.discard();
    const answer = await this.#backend.commands.useFoundConfig();
    return answer.status === "ok" ? null : answer.error;
  }

  /** First run is over, finished or skipped. */
  finishFirstRun = () => void this.#backend.commands.finishFirstRun();

  #form(values: DraftValues): SettingsForm | null {
    const { runs, transport, signIn, identityFile, gatewayToken, connectOnLaunch } = values;
    const { hostKeyPolicy, listenerEnabled, alsoRunHere } = values;
    const localPort = parsePort(values.localPort);
    const remotePort = parsePort(values.remotePort);
    const errors: FieldError[] = [];
    const { portInvalid, addressMissing, urlMissing, identityMissing } = this.#words;
    if (localPort === null) errors.push({ field: "localPort", message: portInvalid });
    if (remotePort === null) errors.push({ field: "remotePort", message: portInvalid });
    if (runs === "anotherComputer" && transport === "direct") {
      if (values.url.trim() === "") errors.push({ field: "url", message: urlMissing });
    } else if (runs === "anotherComputer") {
      if (values.address.trim() === "") errors.push({ field: "address", message: addressMissing });
      if (signIn === "keyFile" && identityFile.trim() === "") {
        errors.push({ field: "identityFile", message: identityMissing });
      }
    }
    this.#setErrors(errors);
    if (localPort === null || remotePort === null || errors.length > 0) return null;
    return {
      profile: this.view?.profile ?? "",
      runs,
      transport,
      url: values.url.trim(),
      tlsFingerprint: values.tlsFingerprint.trim(),
      address: values.address.trim(),
      signIn,
      identityFile: identityFile.trim(),
      hostKeyPolicy,
      gatewayToken: tokenToSend(gatewayToken),
      localPort,
      remotePort,
      connectOnLaunch,
      listenerEnabled,
      alsoRunHere,
      notifications: {
        needsYou: values.notifyNeedsYou,
        lost: values.notifyLost,
        restored: values.notifyRestored,
        requests: values.notifyRequests,
        replies: values.notifyReplies,
      },
      startAtLogin: values.startAtLogin,
      language: values.language,
      theme: values.theme,
      logLevel: values.logLevel,
    };
  }

  #setErrors(errors: readonly FieldError[]): void {
    this.errors = Object.fromEntries(errors.map(({ field, message }) => [field, message]));
  }

  #setError(field: string, message: string | null): void {
    const others = Object.entries(this.errors).filter(([name]) => name !== field);
    const errors = message === null ? others : [...others, [field, message] as const];
    this.errors = Object.fromEntries(errors);
  }
}

/** Only an empty text removes the stored token; blanks around a pasted one are no part of it. */
function tokenToSend(typed: string | null): string | null {
  if (typed === null || typed === "") return typed;
  const token = typed.trim();
  return token === "" ? null : token;
}

/** How a gateway's URL begins, as people paste it. */
const URL_BEGINS = /^\s*(wss?|https?):\/\//i;

const FIELDS: readonly Field[] = [
  "runs",
  "transport",
  "url",
  "tlsFingerprint",
  "address",
  "signIn",
  "identityFile",
  "hostKeyPolicy",
  "gatewayToken",
  "localPort",
  "remotePort",
  "connectOnLaunch",
  "listenerEnabled",
  "alsoRunHere",
  ...NOTIFICATION_FIELDS.map(([field]) => field),
  "startAtLogin",
  "language",
  "theme",
  "logLevel",
];

function assign<Name extends Field>(to: DraftValues, from: DraftValues, field: Name): void {
  to[field] = from[field];
}

function valuesOf(view: SettingsView | null): DraftValues {
  return {
    runs: view?.runs ?? "notConfigured",
    transport: view?.transport ?? "ssh",
    url: view?.url ?? "",
    tlsFingerprint: view?.tlsFingerprint ?? "",
    address: view?.address ?? "",
    signIn: view?.signIn ?? "automatic",
    identityFile: view?.identityFile ?? "",
    hostKeyPolicy: view?.hostKeyPolicy ?? "strict",
    gatewayToken: null,
    localPort: String(view?.localPort ?? 18789),
    remotePort: String(view?.remotePort ?? 18789),
    connectOnLaunch: view?.connectOnLaunch ?? true,
    listenerEnabled: view?.listenerEnabled ?? true,
    alsoRunHere: view?.alsoRunHere ?? false,
    notifyNeedsYou: view?.notifications.needsYou ?? true,
    notifyLost: view?.notifications.lost ?? true,
    notifyRestored: view?.notifications.restored ?? true,
    notifyRequests: view?.notifications.requests ?? true,
    notifyReplies: view?.notifications.replies ?? true,
    startAtLogin: view?.startAtLogin ?? false,
    language: view?.language ?? "system",
    theme: view?.theme ?? "system",
    logLevel: view?.logLevel ?? "info",
  };
}
