/**
 * An app that plays what it is told: for the tests and for looking at every screen in a browser.
 * Nothing that ships imports it.
 */
import type { Backend, Commands, Listeners } from ".";
import type {
  AgentRequestsView,
  ApprovalView,
  ChatChange,
  ChatHistoryView,
  ChatMessageView,
  CheckStatus,
  CheckStepId,
  CheckStepView,
  CheckView,
  ConnectionView,
  GatewayEntry,
  GatewayReportView,
  InvitationView,
  InvitedView,
  OpenclawChangeView,
  Page,
  PairingView,
  PrivacyView,
  RepairView,
  ReportView,
  SessionView,
  SessionsView,
  SettingsView,
  SignInKeyView,
  ToolView,
  VoiceForm,
  VoiceModelView,
  VoiceOverlayView,
  VoiceView,
} from "./bindings";

/** The nine steps, in order. */
export const CHECK_STEPS: readonly CheckStepId[] = [
  "address",
  "resolve",
  "tcp",
  "hostKey",
  "login",
  "forward",
  "gateway",
  "access",
  "health",
];

/** A connection that is up, except for what is given. */
export function connectionView(over: Partial<ConnectionView> = {}): ConnectionView {
  return {
    phase: "up",
    cause: null,
    gatewayId: "home",
    serverName: "home-server",
    target: "me@home-server:22",
    way: null,
    attempt: 0,
    nextAttemptAtMs: null,
    upSinceMs: Date.now() - 3 * 3600_000 - 12 * 60_000,
    pingMs: 41,
    localPort: { port: 18789, wanted: null, holder: null },
    gatewayVersion: "2026.9.6",
    gatewaySinceMs: Date.now() - 9 * 24 * 3600_000 - 4 * 3600_000,
    gatewayHere: null,
    credential: "deviceToken",
    problem: null,
    question: null,
    ...over,
  };
}

/** A connection that is down: nothing of the gateway is known. */
export function downView(over: Partial<ConnectionView> = {}): ConnectionView {
  return connectionView({
    phase: "off",
    upSinceMs: null,
    pingMs: null,
    gatewayVersion: null,
    gatewaySinceMs: null,
    credential: null,
    ...over,
  });
}

/** A gateway of the list, except for what is given. */
export function gatewayEntry(over: Partial<GatewayEntry> = {}): GatewayEntry {
  return {
    id: "home",
    name: "",
    server: "home-server",
    runs: "anotherComputer",
    transport: "ssh",
    waiting: 0,
    ...over,
  };
}

/** Settings that reach another computer, except for what is given. */
export function settingsView(over: Partial<SettingsView> = {}): SettingsView {
  return {
    profile: "home",
    gateways: [gatewayEntry()],
    firstRunDone: true,
    runs: "anotherComputer",
    transport: "ssh",
    url: "",
    tlsFingerprint: "",
    address: "me@home-server",
    signIn: "automatic",
    identityFile: "",
    hostKeyPolicy: "strict",
    hasGatewayToken: true,
    localPort: 18789,
    remotePort: 18789,
    connectOnLaunch: true,
    listenerEnabled: true,
    alsoRunHere: false,
    notifications: {
      needsYou: true,
      lost: true,
      restored: true,
      requests: true,
      replies: true,
    },
    shortcuts: {
      possible: true,
      quickChat: { keys: "Ctrl+Alt+Space", problem: null },
      pushToTalk: { keys: "", problem: null },
    },
    startAtLogin: false,
    language: "system",
    systemLanguage: null,
    theme: "system",
    logLevel: "info",
    logLevelFixed: false,
    keychain: { kind: "available" },
    notKept: null,
    found: null,
    fileProblem: null,
    ...over,
  };
}

/** A check: each step pending, except for what is given. */
export function checkView(
  steps: Partial<Record<CheckStepId, Partial<CheckStepView> & { status: CheckStatus }>> = {},
  over: Partial<CheckView> = {},
): CheckView {
  return {
    running: false,
    finishedAtMs: null,
    ok: null,
    steps: CHECK_STEPS.map((id) => ({
      id,
      status: "pending",
      ms: null,
      summary: "",
      finding: null,
      action: null,
      ...steps[id],
    })),
    ...over,
  };
}

/** A conversation of the list, except for what is given. */
export function sessionView(over: Partial<SessionView> = {}): SessionView {
  return {
    key: "agent:main:main",
    title: null,
    isNamed: false,
    preview: null,
    updatedAtMs: Date.now() - 40 * 60_000,
    isMain: false,
    pinned: false,
    unread: false,
    archived: false,
    isBackground: false,
    hasActiveRun: false,
    lastRunError: null,
    agent: "main",
    model: "ollama/qwen3:14b",
    modelIsChosen: false,
    thinkingLevel: null,
    thinkingOptions: ["off"],
    thinkingDefault: "off",
    tokensUsed: 12_400,
    contextTokens: 64_000,
    ...over,
  };
}

/** The conversations of a gateway that lets everything be done, except for what is given. */
export function sessionsView(over: Partial<SessionsView> = {}): SessionsView {
  return {
    gateway: "home",
    active: "main",
    asOfMs: Date.now() - 5_000,
    rows: [sessionView({ isMain: true })],
    hasMore: false,
    problem: null,
    can: {
      create: "yes",
      change: "yes",
      sort: "yes",
      delete: "yes",
      fork: "yes",
      compact: "yes",
      reset: "needsAdmin",
    },
    limits: { file: 19_464_192, picture: 6_291_456, together: 19_464_192 },
    agents: [{ id: "main", name: "Main" }],
    models: [
      { id: "ollama/qwen3:14b", name: "qwen3:14b", isAvailable: true },
      { id: "ollama/llama3.3", name: "llama3.3", isAvailable: true },
    ],
    commands: [
      { text: "/help", aliases: [], description: "Show available commands.", takesMore: false },
      { text: "/stop", aliases: [], description: "Stop the current run.", takesMore: false },
      {
        text: "/status",
        aliases: [],
        description: "Show how the agent is doing.",
        takesMore: false,
      },
      { text: "/model", aliases: ["/m"], description: "Choose a model.", takesMore: true },
    ],
    ...over,
  };
}

/** A message of the agent, except for what is given. */
export function message(over: Partial<ChatMessageView> = {}): ChatMessageView {
  return {
    id: null,
    role: "assistant",
    text: "",
    atMs: null,
    key: null,
    runId: null,
    reasoning: null,
    tools: [],
    answers: null,
    images: [],
    files: [],
    truncated: false,
    ...over,
  };
}

/** A tool that answered, except for what is given. */
export function tool(over: Partial<ToolView> = {}): ToolView {
  return {
    id: "call",
    name: "exec",
    arguments: '{\n  "command": "df -h"\n}',
    state: "done",
    result: "ok",
    images: [],
    ...over,
  };
}

/** A command that waits for approval, except for what is given. */
export function approval(over: Partial<ApprovalView> = {}): ApprovalView {
  return {
    id: "approval",
    command: "df --output=pcent /srv/backup",
    words: ["df", "--output=pcent", "/srv/backup"],
    folder: "/home/me/.openclaw/workspace",
    node: null,
    agent: "main",
    warning: null,
    decisions: ["allowOnce", "deny"],
    expiresAtMs: Date.now() + 25 * 60_000,
    ...over,
  };
}

/** A telephone that wants in, except for what is given. */
export function pairing(over: Partial<PairingView> = {}): PairingView {
  return {
    id: "pairing",
    kind: "device",
    name: "Anna's phone",
    fingerprint: "23be7decaafd",
    platform: "android",
    address: "192.168.1.34",
    asksFor: ["operator.read", "operator.write"],
    knownBefore: false,
    askedAtMs: Date.now() - 2 * 60_000,
    ...over,
  };
}

/** A key in place of the password that is on offer, except for what is given. */
export function signInKeyView(over: Partial<SignInKeyView> = {}): SignInKeyView {
  return {
    step: "offered",
    server: "home-server",
    line: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJm0qVb7h3kLw2yUeP4cD8sTnR1xZ6aGfE9oQvHjMtK5 openclaw-tray@laptop",
    problem: null,
    ...over,
  };
}

/** What is kept after a while of use, except for what is given. */
export function privacyView(over: Partial<PrivacyView> = {}): PrivacyView {
  return {
    items: [
      { owner: "home", name: "home-server", kind: "gatewayToken" },
      { owner: "home", name: "home-server", kind: "deviceToken" },
      { owner: null, name: "", kind: "deviceKey" },
    ],
    settingsFolder: "/home/me/.config/openclaw-tray",
    dataFolder: "/home/me/.local/share/openclaw-tray",
    logFolder: "/home/me/.local/share/openclaw-tray/logs",
    version: "0.1.0",
    ...over,
  };
}

/** A setup code or link that waits for a word, except for what is given. */
export function invitedView(over: Partial<InvitedView> = {}): InvitationView {
  return {
    state: "asked",
    id: 1,
    name: "Home",
    way: "encrypted",
    host: "gateway.example.com",
    port: 443,
    user: null,
    address: "wss://gateway.example.com:443",
    tlsFingerprint: null,
    brings: "setupCode",
    listed: null,
    ...over,
  };
}

/** A gateway's start that is on offer, except for what is given. */
export function repairView(over: Partial<RepairView> = {}): RepairView {
  const programs = [
    "openclaw",
    "./.local/bin/openclaw",
    "./.npm-global/bin/openclaw",
    "./.openclaw/bin/openclaw",
    "/usr/local/bin/openclaw",
  ];
  return {
    kind: "startGateway",
    step: "offered",
    server: "home-server",
    commands: [
      ...programs.map((program) => `${program} gateway start`),
      "systemctl --user start openclaw-gateway.service",
    ],
    command: null,
    output: "",
    sinceMs: null,
    problem: null,
    ...over,
  };
}

/** What a gateway that is well says of itself, except for what is given. */
export function gatewayReport(over: Partial<GatewayReportView> = {}): GatewayReportView {
  return {
    atMs: Date.now() - 20_000,
    health: { state: "well", faults: [] },
    channels: [],
    memoryBytes: 1_063_464_960,
    model: "ollama/qwen3:14b",
    conversations: 8,
    nodes: [],
    present: [{ name: "laptop", mode: "ui" }],
    problem: null,
    ...over,
  };
}

/** A report that waits to be saved, except for what is given. */
export function reportView(over: Partial<ReportView> = {}): ReportView {
  const texts: [string, string][] = [
    ["README.txt", "A report of OpenClaw Tray. It was made on your computer and sent nowhere.\n"],
    ["about.json", '{\n  "program": "openclaw-tray 0.1.0",\n  "webview": "2.44.3"\n}\n'],
    ["connection.json", '{\n  "phase": "up",\n  "target": "user-1@host-1:22"\n}\n'],
    ["timeline.jsonl", '{"number":1,"at":1764000000000,"kind":"connected","attempt":1}\n'],
    [
      "log.txt",
      "2026-11-24T02:30:00Z  INFO gateway_core::tunnel: signed in host=host-1\n".repeat(60),
    ],
  ];
  const files = texts.map(([name, text]) => ({ name, text, bytes: text.length }));
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { number: 1, files, bytes, ...over };
}

/** A change of `openclaw.json` that waits to be written, except for what is given. */
export function openclawChangeView(over: Partial<OpenclawChangeView> = {}): OpenclawChangeView {
  return {
    number: 1,
    path: "/home/me/.openclaw/openclaw.json",
    isNone: false,
    lines: [
      { kind: "leftOut", text: "" },
      { kind: "kept", text: "  gateway: {" },
      { kind: "removed", text: '    mode: "local", // until the box came' },
      { kind: "added", text: '    mode: "remote", // until the box came' },
      { kind: "added", text: "    remote: {" },
      { kind: "added", text: '      url: "ws://127.0.0.1:18789",' },
      { kind: "added", text: '      sshTarget: "me@home-server",' },
      { kind: "added", text: "    }," },
      { kind: "kept", text: "  }," },
      { kind: "leftOut", text: "" },
    ],
    ...over,
  };
}

/** How voice is set, except for what is given. */
export function voiceForm(over: Partial<VoiceForm> = {}): VoiceForm {
  return {
    wake: true,
    pushToTalk: false,
    engine: "pocketSphinx",
    model: "",
    language: "",
    microphone: "",
    microphoneName: "",
    chimes: true,
    ...over,
  };
}

/** The models there are, except for what is given about each. */
export function voiceModels(over: Record<string, Partial<VoiceModelView>> = {}): VoiceModelView[] {
  const all: [string, number][] = [
    ["tiny.en", 75],
    ["tiny", 75],
    ["base.en", 142],
    ["base", 142],
    ["small", 466],
  ];
  return all.map(([id, mib]) => ({
    id,
    mib,
    englishOnly: id.endsWith(".en"),
    licence: "MIT",
    isInstalled: false,
    begunMib: 0,
    progress: null,
    problem: null,
    ...over[id],
  }));
}

/** Voice that listens, except for what is given. */
export function voiceView(over: Partial<VoiceView> = {}): VoiceView {
  return {
    state: "listening",
    hindrance: null,
    canListen: true,
    canTalk: false,
    form: voiceForm(),
    microphone: { name: "Desk microphone", isFallback: false },
    microphones: [
      { id: "alsa:default", name: "Desk microphone", isDefault: true },
      { id: "alsa:head", name: "Headset", isDefault: false },
    ],
    triggers: [
      { words: "hey openclaw", isUnknown: false },
      { words: "computer", isUnknown: false },
    ],
    canEditTriggers: true,
    routes: [{ trigger: null, target: null }],
    models: voiceModels(),
    overlay: null,
    tester: null,
    ...over,
  };
}

/** Something that is being said, except for what is given. */
export function voiceOverlay(over: Partial<VoiceOverlayView> = {}): VoiceOverlayView {
  return {
    id: 1,
    text: "what's on today",
    trigger: "hey openclaw",
    state: { kind: "listening" },
    endsAtMs: null,
    behind: 0,
    ...over,
  };
}

/** A call the window made. */
export interface Call {
  name: keyof Commands;
  args: unknown[];
}

type Answers = { [Name in keyof Commands]?: (...args: Parameters<Commands[Name]>) => unknown };

/** What each command answers when nothing else is said. */
const DEFAULTS: Answers = {
  privacy: () => ({ status: "ok", data: privacyView() }),
  deleteStored: () => ({ status: "ok", data: null }),
  forgetHistory: () => ({ status: "ok", data: null }),
  openOwnFolder: () => ({ status: "ok", data: null }),
  resetApp: () => ({ status: "ok", data: null }),
  readInvitation: () => ({ status: "ok", data: null }),
  acceptInvitation: () => ({ status: "ok", data: null }),
  saveSettings: () => ({ status: "ok", data: null }),
  checkAddress: (text) => ({ status: "ok", data: text.trim() }),
  answerQuestion: () => ({ status: "ok", data: null }),
  chatHistory: (sessionKey) => ({
    status: "ok",
    data: {
      sessionKey,
      asOf: 0,
      messages: [],
      inFlight: null,
      earlier: null,
      keptAtMs: null,
    } satisfies ChatHistoryView,
  }),
  sendChat: () => ({ status: "ok", data: null }),
  unsent: () => ({ status: "ok", data: { draft: "", messages: [] } }),
  cancelMessage: () => ({ status: "ok", data: null }),
  forgetHistories: () => ({ status: "ok", data: null }),
  abortChat: () => ({ status: "ok", data: null }),
  createSession: () => ({ status: "ok", data: null }),
  editSession: () => ({ status: "ok", data: null }),
  decideApproval: () => ({ status: "ok", data: null }),
  answerAgent: () => ({ status: "ok", data: null }),
  decidePairing: () => ({ status: "ok", data: null }),
  connectionHistory: () => ({ status: "ok", data: [] }),
  connectionDay: () => ({ status: "ok", data: { untilMs: 0, spanMinutes: 5, spans: [] } }),
  useFoundConfig: () => ({ status: "ok", data: null }),
  fetchGatewaySecret: () => ({
    status: "ok",
    data: { kind: "token", foundAt: "gateway.auth.token in openclaw.json", port: 18789 },
  }),
  gatewayLog: () => ({
    status: "ok",
    data: { file: "/tmp/openclaw/openclaw-2026-11-24.log", text: "" },
  }),
  chooseIdentityFile: () => ({ status: "ok", data: null }),
  prepareReport: () => ({ status: "ok", data: reportView() }),
  saveReport: () => ({
    status: "ok",
    data: { path: "/home/me/Downloads/openclaw-report-2026-11-24-033000.zip" },
  }),
  openReportFolder: () => ({ status: "ok", data: null }),
  chatEarlier: () => ({ status: "ok", data: { messages: [], earlier: null } }),
  chatMessage: () => ({ status: "ok", data: message() }),
  openLink: () => ({ status: "ok", data: null }),
  showOpenclawChange: () => ({ status: "ok", data: openclawChangeView() }),
  writeOpenclawChange: () => ({ status: "ok", data: null }),
  setShortcut: () => ({ status: "ok", data: null }),
  setVoice: () => ({ status: "ok", data: null }),
  setVoiceTriggers: () => ({ status: "ok", data: null }),
  editVoiceModels: () => ({ status: "ok", data: null }),
};

/** The names of the commands, so that the fake has every one of them. */
const NAMES: readonly (keyof Commands)[] = [
  "resendAll",
  "resendQuickChat",
  "leaveQuickChat",
  "closeQuickChat",
  "resendSpoken",
  "closeSpoken",
  "saveSettings",
  "checkAddress",
  "connect",
  "disconnect",
  "reconnectNow",
  "trustHostKey",
  "answerQuestion",
  "cancelQuestion",
  "runCheck",
  "cancelCheck",
  "connectionHistory",
  "connectionDay",
  "chatHistory",
  "chatEarlier",
  "sendChat",
  "keepDraft",
  "noteUnsaved",
  "editGateways",
  "unsent",
  "forgetMessage",
  "cancelMessage",
  "forgetHistories",
  "abortChat",
  "chooseSession",
  "createSession",
  "editSession",
  "decideApproval",
  "answerAgent",
  "decidePairing",
  "useFoundConfig",
  "finishFirstRun",
  "chooseIdentityFile",
  "fetchGatewaySecret",
  "addSignInKey",
  "undoSignInKey",
  "closeSignInKey",
  "privacy",
  "deleteStored",
  "forgetHistory",
  "openOwnFolder",
  "resetApp",
  "readInvitation",
  "acceptInvitation",
  "forgetInvitation",
  "offerRepair",
  "runRepair",
  "stopRepair",
  "gatewayLog",
  "prepareReport",
  "saveReport",
  "openReportFolder",
  "openLink",
  "chatMessage",
  "showOpenclawChange",
  "writeOpenclawChange",
  "setShortcut",
  "setVoice",
  "setVoiceTriggers",
  "voiceAct",
  "lookAtVoice",
  "editVoiceModels",
];

export class FakeBackend implements Backend {
  connection = connectionView();
  settings = settingsView();
  check = checkView();
  requests: AgentRequestsView = { approvals: [], questions: [], pairings: [] };
  signInKey: SignInKeyView | null = null;
  gatewayReport: GatewayReportView | null = null;
  repair: RepairView | null = null;
  invitation: InvitationView | null = null;
  sessions = sessionsView();
  /** `null` where there is no voice. */
  voice: VoiceView | null = voiceView({ state: "off", form: voiceForm({ wake: false }) });
  /** What the window called, in order. */
  readonly calls: Call[] = [];
  readonly commands: Commands;

  #listeners: Listeners | null = null;
  #number = 0;

  constructor(answers: Answers = {}) {
    const played = { ...DEFAULTS, ...answers };
    const entries = NAMES.map((name) => {
      const command = (...args: unknown[]) => {
        this.calls.push({ name, args });
        if (name === "resendAll") this.resend();
        if (name === "chooseSession") this.tellSessions({ active: String(args[0]) });
        const answer = played[name] as ((...args: unknown[]) => unknown) | undefined;
        return Promise.resolve(answer?.(...args) ?? null);
      };
      return [name, command];
    });
    this.commands = Object.fromEntries(entries) as Commands;
  }

  listen(listeners: Listeners): Promise<() => void> {
    this.#listeners = listeners;
    return Promise.resolve(() => {
      if (this.#listeners === listeners) this.#listeners = null;
    });
  }

  /** How often a command was called, and with what. */
  callsOf(name: keyof Commands): unknown[][] {
    return this.calls.filter((call) => call.name === name).map((call) => call.args);
  }

  resend(): void {
    this.#listeners?.sessions(this.sessions);
    this.#listeners?.connection(this.connection);
    this.#listeners?.settings(this.settings);
    this.#listeners?.check(this.check);
    this.#listeners?.requests(this.requests);
    this.#listeners?.signInKey(this.signInKey);
    this.#listeners?.gatewayReport(this.gatewayReport);
    this.#listeners?.repair(this.repair);
    this.#listeners?.invitation(this.invitation);
    if (this.voice !== null) this.#listeners?.voice(this.voice);
    this.#listeners?.page("chat");
  }

  tellConnection(view: ConnectionView): void {
    this.connection = view;
    this.#listeners?.connection(view);
  }

  tellSettings(view: SettingsView): void {
    this.settings = view;
    this.#listeners?.settings(view);
  }

  tellCheck(view: CheckView): void {
    this.check = view;
    this.#listeners?.check(view);
  }

  tellRequests(over: Partial<AgentRequestsView>): void {
    this.requests = { approvals: [], questions: [], pairings: [], ...over };
    this.#listeners?.requests(this.requests);
  }

  tellSignInKey(view: SignInKeyView | null): void {
    this.signInKey = view;
    this.#listeners?.signInKey(view);
  }

  tellGatewayReport(view: GatewayReportView | null): void {
    this.gatewayReport = view;
    this.#listeners?.gatewayReport(view);
  }

  tellRepair(view: RepairView | null): void {
    this.repair = view;
    this.#listeners?.repair(view);
  }

  /** Tells of a setup code or link. */
  tellInvitation(view: InvitationView | null): void {
    this.invitation = view;
    this.#listeners?.invitation(view);
  }

  /** Tells of the conversations, as they were except for what is given. */
  tellSessions(over: Partial<SessionsView>): void {
    this.sessions = { ...this.sessions, ...over };
    this.#listeners?.sessions(this.sessions);
  }

  /** Tells of voice, as it was except for what is given. */
  tellVoice(over: Partial<VoiceView>): void {
    this.voice = { ...(this.voice ?? voiceView()), ...over };
    this.#listeners?.voice(this.voice);
  }

  tellVoiceLevel(level: number): void {
    this.#listeners?.voiceLevel(level);
  }

  tellChat(change: ChatChange, sessionKey = "agent:main:main"): void {
    this.#number += 1;
    this.#listeners?.chat({ number: this.#number, sessionKey, change });
  }

  /** Loses as many updates. */
  skipChat(count: number): void {
    this.#number += count;
  }

  tellPage(page: Page): void {
    this.#listeners?.page(page);
  }
}
