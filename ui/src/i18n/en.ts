/**
 * Every word of the window, in English. Its shape is the shape every other language has to have.
 */
import type {
  Cause,
  CheckStepId,
  DecisionView,
  FetchedKind,
  Finding,
  HealthFault,
  HealthState,
  LetInBy,
  LogLevel,
  NotificationSwitches,
  NotKept,
  Phase,
  QuestionKind,
  ShortcutProblem,
  RepairKind,
  RepairStep,
  SignInKeyStep,
  SignInMethod,
  SignedInBy,
  Stage,
  Then,
  UserAction,
  Why,
} from "../ipc";
import type { NotAttachable } from "../lib/attachments";
import type { Standing } from "../lib/day";
import type { Span } from "../lib/duration";
import { voiceInEnglish } from "./voice.en";

function span({ days, hours, minutes, seconds }: Span): string {
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min`;
  return `${seconds} s`;
}

const phase: Record<Phase, string> = {
  off: "Not connected",
  resolving: "Connecting… (finding the server)",
  connecting: "Connecting… (reaching the server)",
  host_key: "Needs you",
  authenticating: "Connecting… (signing in)",
  auth_prompt: "Needs you",
  forwarding: "Connecting… (opening the tunnel)",
  gateway_check: "Connecting… (asking the gateway)",
  up: "Connected",
  suspect: "Checking the connection…",
  up_gateway_down: "Server reachable, gateway not answering",
  retry_wait: "Reconnecting",
  paused: "Needs you",
  stopped: "Stopped",
};

/** Said when the app gives no sentence of its own. */
const cause: Record<Cause, string> = {
  hostKeyUnknown: "You have not said yet whether this server's key is the right one.",
  hostKeyChanged: "The server shows another key than the one you trust.",
  hostKeyRevoked: "The server shows a key that is marked as revoked.",
  authRefused: "The server refused every way of signing in.",
  promptCancelled: "The question was closed without an answer.",
  badTarget: "The address cannot be used as it stands.",
  unsupportedOption: "The address needs an SSH option that is not supported.",
  forwardProhibited: "The server lets you sign in but forbids port forwarding.",
  tlsPin: "The gateway's certificate is not one you trust.",
  token: "The gateway did not accept the token.",
  pairing: "The gateway wants this computer approved first.",
  protocol: "The gateway speaks another version of the protocol.",
  network: "The server cannot be reached.",
  timeout: "The server took too long to answer.",
  closed: "The other side closed the connection.",
  portTaken: "No local port could be opened.",
};

const action: Record<UserAction, string> = {
  editAddress: "Change the address",
  editSignIn: "Change how to sign in",
  enterToken: "Enter the token",
  editPorts: "Change the ports",
  tryAgain: "Try again",
  signIn: "Sign in",
  reviewHostKey: "Review the server's key",
  checkServer: "Check my server",
  showSettingsFile: "Show the fault",
  startGateway: "Start the gateway",
  approveDevice: "Approve this device",
  openLog: "Open log",
};

const step: Record<CheckStepId, string> = {
  address: "Address",
  resolve: "Name",
  tcp: "SSH port",
  hostKey: "Server key",
  login: "Sign-in",
  forward: "Tunnel",
  gateway: "Gateway",
  access: "Token",
  health: "Health",
};

/** By the gateway's URL there is no SSH. */
const stepDirect: Record<CheckStepId, string> = {
  ...step,
  tcp: "Port",
  hostKey: "Certificate",
};

/** How far two clocks are apart, in whole minutes. */
const minutes = (seconds: number) => Math.ceil(Math.abs(seconds) / 60);

const signInMethod: Record<SignInMethod, string> = {
  ownKey: "this app's own key",
  agentKey: "agent key",
  keyFile: "key file",
  certificate: "certificate",
  answers: "answers to the server's questions",
  password: "password",
  nothing: "no proof",
};

const letInBy: Record<LetInBy, string> = {
  deviceToken: "this device's own token",
  gatewayToken: "the gateway token",
  gatewayPassword: "the gateway password",
  nothing: "no credential at all",
};

function clock(seconds: number): string {
  const count = minutes(seconds);
  const side = seconds > 0 ? "ahead of" : "behind";
  return ` Its clock is ${count} ${count === 1 ? "minute" : "minutes"} ${side} this computer's: set the one that is wrong.`;
}

/** A step of the check in one sentence; `message` is the app's own, for problems. */
function finding(found: Finding, message: string): string {
  switch (found.code) {
    case "addressRead":
      return `The address is ${found.address}.`;
    case "wayLed":
      return `The SSH configuration leads ${found.way}.`;
    case "nameResolved":
      return found.count === 1
        ? `The name has the address ${found.address}.`
        : `The name has ${found.count} addresses, first ${found.address}.`;
    case "portAnswers":
      return `Port ${found.port} answers.`;
    case "hostKeyTrusted":
      return `The server's key is the trusted one, ${found.fingerprint}.`;
    case "certificatePinned":
      return "The certificate is the pinned one.";
    case "certificateVouched":
      return "An authority that this computer trusts vouches for the certificate.";
    case "signedIn":
      return `The server let us in with: ${[signInMethod[found.method], found.which].filter(Boolean).join(" ")}.`;
    case "forwardingAllowed":
      return "The server allows port forwarding.";
    case "forwardOpen":
      return `The server forwards to its port ${found.port}.`;
    case "gatewayAnswers":
      return `An OpenClaw gateway answers on port ${found.port}.`;
    case "letIn":
      return `Gateway ${found.version} let us in with: ${letInBy[found.by]}.${found.clockAheadS === null ? "" : clock(found.clockAheadS)}`;
    case "gatewayWell":
      return found.channels === 0
        ? "The gateway is well; no channels are set up."
        : `The gateway is well, with ${found.channels} ${found.channels === 1 ? "channel" : "channels"}.`;
    case "problem":
      return message;
  }
}

export const en = {
  language: "en",
  product: "OpenClaw Tray",

  nav: {
    label: "Pages",
    chat: "Chat",
    server: "Server",
    settings: "Settings",
    skip: "Skip to the content",
    waiting: (count: number) => (count === 1 ? "1 message waits" : `${count} messages wait`),
    asks: (count: number) =>
      count === 1 ? "1 request waits for you" : `${count} requests wait for you`,
  },

  sessions: {
    title: "Conversations",
    list: "List of conversations",
    open: "Show the conversations",
    close: "Close",
    create: "New conversation",
    createOffline: "A new conversation can be begun once you are connected.",
    createWith: (agent: string) => `New conversation with ${agent}`,
    search: "Search conversations",
    searchNone: (query: string) => `No conversation has “${query}”.`,
    group: {
      pinned: "Pinned",
      today: "Today",
      yesterday: "Yesterday",
      week: "Previous 7 days",
      older: "Older",
      background: "In the background",
      archived: "Archived",
    },
    main: "Main conversation",
    mainOf: (agent: string) => `Main conversation of ${agent}`,
    untitled: "New conversation",
    unread: "unread",
    working: "The agent is working",
    failed: (why: string) => `The last run failed: ${why}`,
    asOf: (when: string) => `As of ${when}`,
    loading: "Reading the conversations…",
    more: "Show more",
    hasMore: "The gateway has more. Search there for older ones.",
    actions: (title: string) => `Actions for ${title}`,
    rename: "Rename",
    renameField: "Name of the conversation",
    pin: "Pin",
    unpin: "Unpin",
    archive: "Archive",
    unarchive: "Take out of the archive",
    markUnread: "Mark as unread",
    fork: "Copy into a new conversation",
    delete: "Delete…",
    needsAdmin: "needs administrator rights",
    deleteTitle: (title: string) => `Delete “${title}”?`,
    deleteText:
      "Every message in it is removed from the gateway, for you and everybody else. This cannot be undone.",
    deleteRunning: "The agent is working in it. It is stopped.",
    deleteConfirm: "Delete the conversation",
    putAway: (title: string) => `“${title}” is archived.`,
    undo: "Undo",
    model: "Model",
    modelDefault: (model: string) => (model === "" ? "Default model" : `Default (${model})`),
    thinking: "Thinking",
    thinkingDefault: (level: string) => (level === "" ? "Default" : `Default (${level})`),
    agent: "Agent",
    context: (percent: number) => `Context: ${percent} % used`,
    contextTitle: "Context",
    contextNumbers: (used: string, most: string) => `${used} of ${most} tokens`,
    contextText:
      "What the model can look at in this conversation. When it is full, the oldest part is no longer seen.",
    compact: "Compact",
    compactText: "Replaces what was said by a summary that the model writes.",
    compacting: "Summing up…",
  },

  commands: {
    list: "Commands",
    count: (count: number) => (count === 1 ? "1 command" : `${count} commands`),
  },

  shortcuts: {
    title: "Keyboard shortcuts",
    open: "Keyboard shortcuts",
    close: "Close",
    groupEverywhere: "Everywhere",
    groupList: "In the list of conversations",
    groupComposer: "While writing",
    newSession: "New conversation",
    search: "Search conversations",
    shortcuts: "Show this list",
    message: "Go to the message field",
    larger: "Larger text",
    smaller: "Smaller text",
    usualSize: "Text in its usual size",
    move: "Move through the conversations",
    openOne: "Show the conversation",
    rename: "Rename it",
    remove: "Delete it",
    menu: "What can be done with it",
    send: "Send",
    newLine: "Begin a new line",
    command: "Choose a command, after typing /",
    or: "or",
  },

  state: {
    phase,
    cause,
    retryIn: (seconds: number, attempt: number) => `Reconnecting in ${seconds} s (try ${attempt})`,
    retryNow: (attempt: number) => `Reconnecting now (try ${attempt})`,
    retry: (attempt: number) => `Reconnecting (try ${attempt})`,
    announce: (server: string, word: string) => `${server}: ${word}`,
    notSetUp: "Not set up",
    thisComputer: "This computer",
  },

  voice: voiceInEnglish,

  action,
  /** The app's sentences are English already. */
  problem: (_code: string, message: string) => message,
  finding,

  common: {
    cancel: "Cancel",
    copy: "Copy",
    copied: "Copied",
    copyFailed: "Copying failed",
    span,
    ms: (ms: number) => `${Math.round(ms)} ms`,
    megabytes: (count: number) => `${Math.round(count)} MB`,
    kilobytes: (bytes: number) => `${Math.max(1, Math.round(bytes / 1000))} kB`,
    close: "Close",
    justNow: "just now",
    ago: (text: string) => `${text} ago`,
    failed: "That did not work. Try again.",
  },

  server: {
    title: "Server",
    connect: "Connect",
    disconnect: "Disconnect",
    reconnectNow: "Reconnect now",
    stopTrying: "Stop trying",
    setUp: "Set up the connection",
    notSetUp: "Nothing is set up yet. Say where OpenClaw runs, and this page shows how it is.",
    offHint: "Nothing runs until you connect.",
    answer: "Answer",
    wayThere: "The way there",
    check: "Check my server",
    checkAgain: "Check again",
    cancelCheck: "Stop the check",
    neverChecked: "Nine steps from the address to the gateway's health. Nothing is changed.",
    neverCheckedHere: "Whether the gateway answers, lets this browser in, and is well.",
    checkRunning: (step: string) => `Checking: ${step}…`,
    checkRunningFor: (step: string, seconds: number) => `Checking: ${step}… (${seconds} s)`,
    checkWell: "Every step is well",
    checkStopped: (step: string) => `Stopped at: ${step}`,
    checkDegraded: (step: string) => `Not quite well: ${step}`,
    checked: (when: string) => `checked ${when}`,
    steps: "Steps of the check",
    step,
    stepDirect,
    way: (way: string) => way,
    status: {
      pending: "waiting",
      running: "running",
      ok: "well",
      degraded: "not quite well",
      failed: "failed",
      needsUser: "needs you",
      notReached: "not reached",
      notNeeded: "not needed",
    },
    gateway: "The gateway",
    gatewayEmpty: "Its version, uptime and address appear here once it answers.",
    version: "Version",
    runningFor: "Running for",
    model: "Model",
    memory: "Memory",
    conversations: "Conversations",
    channels: "Channels",
    noChannels: "none; chat needs none",
    channelState: { loggedOut: "nobody is logged in", fails: "does not answer" },
    nodes: "Nodes",
    noNodes: "none",
    nodeWaits: "waits for approval",
    nodeAway: "not connected",
    present: "Connected to it",
    nobodyElse: "nobody",
    health: {
      word: {
        well: "Well",
        degraded: "Not quite well",
        loginNeeded: "A login is needed",
      } satisfies Record<HealthState, string>,
      fault: {
        unexplained: "The gateway says that something in it does not work. Its log says more.",
        channelLoggedOut: (channel: string) => `Nobody is logged in to ${channel}.`,
        channelFails: (channel: string) => `${channel} does not answer the gateway.`,
        pluginsFailed: (count: number) =>
          count === 1 ? "A plugin did not load." : `${count} plugins did not load.`,
        modelsMissing: "Some agents have no model that can run.",
        busy: "Its computer is very busy at the moment.",
      } satisfies Record<HealthFault["kind"], unknown>,
      told: (when: string) => `told ${when}`,
      asOf: (when: string) => `as of ${when}`,
      askedAgain: "Asked again:",
    },
    uptime: "Connected for",
    ping: "Ping",
    signedInWith: "Signed in with",
    here: "On this computer",
    hereOurs: (port: number) => `Runs in OpenClaw Tray (port ${port})`,
    hereFound: (port: number) => `Was running already (port ${port}); used as it is`,
    credential: {
      deviceToken: "this device's token",
      gatewayToken: "the gateway token",
      gatewayPassword: "the gateway password",
      none: "nothing; the gateway asks for none",
    },
    localAddress: "Local address",
    copyLocalAddress: "Copy local address",
    portMoved: (wanted: number, holder: string | null) =>
      holder === null
        ? `Port ${wanted} is taken by another program, so this one is used for now.`
        : `Port ${wanted} is taken by ${holder}, so this one is used for now.`,
  },

  pairing: {
    wantsIn: {
      device: (name: string) => `${name} wants to use your gateway`,
      node: (name: string) => `${name} offers to run commands`,
    },
    wantsMore: (name: string) => `${name} wants to do more than before`,
    unnamed: { device: "A device without a name", node: "A computer without a name" },
    explain: {
      device: "Let it in only if it is yours and asks just now. It can read what its rights allow.",
      node: "Agents could run these commands there. Allow it only if it is yours and asks just now.",
    },
    id: "Id",
    platform: "System",
    address: "Address",
    asked: "Asked",
    asksFor: { device: "Rights:", node: "Commands:" },
    approve: { device: "Let it in", node: "Allow these commands" },
    needsAdmin:
      "Only an administrator of the gateway may allow this. The app can sign in a second time as one, for this alone, and signs out again.",
    asAdmin: "Allow it as administrator",
    deny: "Refuse",
  },

  day: {
    title: "Last 24 hours",
    empty: "Nothing is known yet. It fills while the app runs.",
    neverWanted: "No connection was wanted",
    connectedShare: (share: string) => `Connected ${share} of the time`,
    medianPing: (ping: string) => `ping ${ping}`,
    attempts: (count: number) => (count === 1 ? "1 attempt" : `${count} attempts`),
    moment: "A moment of the last 24 hours",
    state: "Connection",
    ping: (most: string) => `Ping, up to ${most}`,
    tries: (most: number) => `Attempts, up to ${most}`,
    standing: {
      connected: "connected",
      gatewayDown: "the gateway did not answer",
      down: "not connected",
      unknown: "nothing is known",
    } satisfies Record<Standing, string>,
  },

  history: {
    title: "History",
    empty: "Nothing has happened yet.",
    began: {
      start: "Connecting",
      retry: "Trying again",
      networkChanged: "Trying again: the network changed",
      woke: "Trying again: this computer woke up",
      asked: "Trying again, as you asked",
      answered: "Going on with your answer",
      settings: "Connecting with the new settings",
    } satisfies Record<Why, string>,
    asksGateway: "Asking the gateway again",
    stage: {
      name: "Name found",
      reached: "Server reached",
      hostKey: "The server proved its key",
      certificate: "The gateway proved its certificate",
      gatewayPort: "Gateway's port opened",
      hello: "The gateway said hello",
    } satisfies Record<Stage, string>,
    signedIn: {
      ownKey: "Signed in with this app's own key",
      agentKey: "Signed in with a key of the agent",
      keyFile: "Signed in with the key file",
      certificate: "Signed in with a certificate",
      answers: "Signed in with your answers",
      password: "Signed in with the password",
      nothing: "Signed in; the server asks for no proof",
    } satisfies Record<SignedInBy, string>,
    onTheWay: (words: string, hop: number) => `${words} (jump host ${hop})`,
    failed: {
      retry: "The attempt failed; another follows",
      askGatewayAgain: "The gateway did not let us in; it is asked again",
      askPerson: "The attempt stopped for a question to you",
      pause: "The attempt failed; waiting does not mend it",
      stop: "The attempt failed for good",
    } satisfies Record<Then, string>,
    about: {
      hostKeyUnknown: "the server's key",
      hostKeyChanged: "the server's changed key",
      certificateUnknown: "the gateway's certificate",
      certificateChanged: "the gateway's changed certificate",
      passphrase: "the key file's passphrase",
      password: "the password",
      prompts: "the server's own questions",
    } satisfies Record<QuestionKind, string>,
    asked: (about: string) => `You were asked about ${about}`,
    answered: (about: string) => `You answered about ${about}`,
    questionClosed: (about: string) => `You closed the question about ${about}`,
    hostKeysRenewed: (count: number) =>
      count === 1 ? "The server proved a new key" : `The server proved ${count} new keys`,
    requestsRefused: (count: number) =>
      count === 1
        ? "A request to the local port was refused"
        : `${count} requests to the local port were refused`,
    listenerOpened: (port: number, wanted: number | null) =>
      wanted === null
        ? `Local port ${port} opened`
        : `Local port ${port} opened, as ${wanted} is taken`,
    listenerClosed: (port: number) => `Local port ${port} closed`,
    localTunnelOpened: "Local programs got a connection of their own",
    localTunnelAgain: "Local programs got a new connection",
    did: {
      attemptGivenUp: "The attempt was given up",
      connected: "Connected",
      pathLost: "The way to the server was lost",
      sessionLost: "The session with the gateway ended",
      disconnected: "Disconnected",
      probeSent: "The server was asked whether it lives",
      probeOverdue: "An answer is overdue",
      probeAnswered: "The server answered",
      woke: "This computer woke up",
      networkChanged: "The network changed",
      settingsChanged: "The settings changed",
      hostKeyLearned: "The server's key was stored",
      localTunnelSilent: "The connection of local programs fell silent and was ended",
      localTunnelShared: "Local programs share the app's connection",
    },
  },

  chat: {
    title: "Conversation",
    log: "Messages",
    composer: "Message",
    placeholder: "Message your agent",
    placeholderOffline: "Write now; it goes out once you are connected",
    send: "Send",
    stop: "Stop",
    stopReply: "Stop the reply",
    keyHint: "Enter sends, Shift+Enter starts a new line",
    latest: "Jump to latest",
    earlier: "Load earlier messages",
    readingEarlier: "Loading earlier messages…",
    you: "You",
    agent: "Agent",
    loading: "Reading the conversation…",
    emptyTitle: "Nothing said yet",
    empty: "What you write goes to your own agent, on your own server.",
    offlineTitle: "Not connected",
    offline: "The conversation appears once the server answers. You can write already.",
    notSetUp: "Say where OpenClaw runs, and your conversation appears here.",
    historyFailed: "The conversation could not be read.",
    readAgain: "Read again",
    stale: "You see the conversation as it was before.",
    asOf: (when: string) => `You see the conversation as of ${when}.`,
    sending: "Sending…",
    queued: "Waits for the connection",
    cancelSend: "Cancel",
    refused: "Not sent.",
    retry: "Try again",
    edit: "Edit",
    stopped: "Stopped",
    runFailed: "The reply failed.",
    tools: (count: number) => `Used ${count} tools`,
    tool: "Tool",
    toolRunning: (name: string) => `Using ${name}…`,
    toolWorks: "at work",
    toolFailed: "failed",
    toolNoAnswer: "no answer",
    toolsFailed: (failed: number, of: number) => (of === 1 ? "failed" : `${failed} failed`),
    toolArguments: "Called with",
    toolResult: "Answer",
    thinking: "Thinking…",
    thought: "Thoughts",
    retrying: (seconds: number, attempt: number, most: number) => {
      const which = most === 0 ? `${attempt}` : `${attempt} of ${most}`;
      const when = seconds === 0 ? "Trying again" : `Trying again in ${seconds} s`;
      return `The model did not answer. ${when} (${which})`;
    },
    working: "Working…",
    find: "Find in this conversation",
    found: (at: number, of: number, more: boolean) => `${at} of ${of}${more ? "+" : ""}`,
    foundNothing: "Not found",
    findPrevious: "Previous",
    findNext: "Next",
    imageMissing: "Picture not shown: too large, or not sent along",
    cut: "The gateway sent only the beginning.",
    showWhole: "Show the full message",
    copyMessage: "Copy message",
    quote: "Quote",
    code: "Code",
    copyCode: "Copy code",
    wrap: "Wrap lines",
    image: "Picture",
    table: "Table",
    done: "Done",
    open: "Not done",
    footnotes: "Footnotes",
    footnote: (number: number) => `Footnote ${number}`,
    footnoteBack: (number: number) => `Back to the place of footnote ${number}`,
    openLink: "Open this page?",
    writeTo: "Write to this address?",
    linkPlain: "The way there is not encrypted.",
    openOutside: "Open in the browser",
    openMail: "Open in the mail program",
    copyLink: "Copy address",
    today: "Today",
    yesterday: "Yesterday",
    runPhase: {
      preparing_workspace: "Preparing the workspace…",
      preparing_context: "Reading up on the context…",
      starting_model: "Starting the model…",
      naming_worktree: "Preparing the workspace…",
      creating_worktree: "Preparing the workspace…",
      running_setup: "Running the setup…",
      provisioning_environment: "Preparing the environment…",
      retrying: "The model did not answer, trying again…",
    } as Record<string, string>,
    preparing: "Preparing…",
    writing: "Writing…",
    interrupted: "The connection is lost; the reply is picked up when it is back.",
  },

  quickChat: {
    open: "Open in chat",
    answer: "Answer",
    hint: "Ask something. Esc puts this window away; the conversation stays.",
  },

  globalKeys: {
    title: "Keys from anywhere",
    quickChat: "Quick Chat",
    quickChatHint: "Brings up Quick Chat while you use another program; pressed again, it goes.",
    pushToTalk: "Key for push-to-talk",
    pushToTalkHint: "Hold it anywhere and speak; let it go to send.",
    none: "Choose keys…",
    press: "Press the keys… (Esc: leave)",
    shown: (keys: string) => keys.replaceAll("+", " + "),
    remove: (label: string) => `No keys for ${label}`,
    problem: {
      taken: "Another program has these keys. Choose others.",
      noSuchKey: "This keyboard has no such key. Choose others.",
    } satisfies Record<ShortcutProblem, string>,
  },

  attachments: {
    label: "Attached files",
    add: "Attach files",
    drop: "Drop files to attach them",
    remove: (name: string) => `Take off ${name}`,
    picture: "Picture",
    file: "File",
    problem: {
      attachmentsTooMany: (_name, _size, most) => `A message takes ${most} files at most.`,
      attachmentEmpty: (name) => `${name} is empty, or a folder.`,
      attachmentUnsupported: (name) =>
        `${name} cannot be sent: pictures have to be PNG, JPEG, GIF or WebP.`,
      pictureTooLarge: (name, size) =>
        `${name} is too large. The gateway takes pictures of up to ${size}.`,
      attachmentTooLarge: (name, size) =>
        `${name} is too large. The gateway takes files of up to ${size}.`,
      attachmentsTooLarge: (name, size) =>
        `${name} is too much beside the others. One message takes ${size}.`,
      attachmentUnreadable: (name) => `${name} could not be read.`,
    } as Record<NotAttachable["code"], (name: string, size: string, most: number) => string>,
  },

  fetchSecret: {
    about:
      "Or read it on the server: openclaw.json and .env in ~/.openclaw are read over SSH, nothing is run there, and the token goes straight to your keychain.",
    fetch: "Fetch it over SSH",
    works: "Fetching…",
    found: {
      token: (at: string) => `The token from ${at} is in your keychain now.`,
      password: (at: string) => `The password from ${at} is in your keychain now.`,
      nothing: () => "The gateway there asks for nothing.",
    } satisfies Record<FetchedKind, (at: string) => string>,
  },

  repair: {
    title: {
      startGateway: (server: string) => `Start the gateway on ${server}`,
      restartGateway: (server: string) => `Restart the gateway on ${server}`,
      approveDevice: (server: string) => `Approve this device on ${server}`,
    } satisfies Record<RepairKind, (server: string) => string>,
    lead: {
      startGateway: "This command starts the gateway's service:",
      restartGateway:
        "This command restarts the gateway's service. What your agent is doing is let finish first, or cut off after some minutes:",
      approveDevice: "This command lets this computer in at the gateway, for good:",
    } satisfies Record<RepairKind, string>,
    others: "If that is not there",
    othersLead: "These are tried in this order, up to the first that is there:",
    after:
      "It runs in your account there, over SSH. Before it, the server is asked to repeat a word (echo), to see whether it runs commands; after it, the server is checked again.",
    run: (server: string) => `Run this on ${server}`,
    stop: "Stop it",
    close: "Close",
    again: "Try again",
    restart: "Restart…",
    output: "What the command prints",
    state: {
      signingIn: "Signing in…",
      running: "Running…",
      waiting: "It did well. Waiting for the gateway to answer…",
      checking: "It did well. Checking the server…",
      failed: "It was not done.",
    } satisfies Record<Exclude<RepairStep, "offered" | "done">, string>,
    well: {
      startGateway: "The gateway runs, and every step of the check is well.",
      restartGateway: "The gateway runs again, and every step of the check is well.",
      approveDevice: "This device is approved, and every step of the check is well.",
    } satisfies Record<RepairKind, string>,
    notWell: (step: string, why: string) =>
      `The command did well, and yet the check stops at ${step}. ${why}`,
    unchecked: "The command did well. The check was stopped, so whether it helped is not known.",
  },

  gatewayLog: {
    open: "Open log",
    title: "The gateway's log",
    reading: "Reading it…",
    empty: "There is nothing in it yet.",
    copy: "Copy",
  },

  signInKey: {
    title: {
      offered: "Sign in without the password from now on",
      adding: "Sign in without the password from now on",
      added: "The password is no longer needed",
      removing: "The password is no longer needed",
      removed: "The key was taken back",
    } satisfies Record<SignInKeyStep, string>,
    about: {
      offered: (server: string) =>
        `This computer gets a key of its own for ${server}. It stays in your keychain, and the password is forgotten once the key has signed in.`,
      adding: (server: string) => `Adding the line on ${server} and signing in with the key…`,
      added: (server: string) =>
        `The key has signed in to ${server}, and the password is forgotten.`,
      removing: (server: string) => `Removing the line on ${server} again…`,
      removed: (server: string) =>
        `The line on ${server} and the key are gone. The password is asked for the next time.`,
    } satisfies Record<SignInKeyStep, (server: string) => string>,
    line: {
      before: "This one line is added to ~/.ssh/authorized_keys there:",
      after: "This line is in ~/.ssh/authorized_keys there:",
    },
    add: "Add the key",
    adding: "Adding…",
    undo: "Undo",
    removing: "Removing…",
    notNow: "Not now",
    done: "Done",
  },

  requests: {
    title: "What your agent waits for",
    announce: (count: number) =>
      count === 1 ? "Your agent waits for your decision" : `${count} decisions wait for you`,
    anAgent: "An agent",
    wantsToRun: (agent: string) => `${agent} wants to run a command`,
    where: "On",
    onTheGateway: "the gateway's computer",
    onNode: (node: string) => `node ${node}`,
    folder: "In",
    decision: {
      allowOnce: "Allow once",
      allowAlways: "Always allow",
      deny: "Deny",
    } satisfies Record<DecisionView, string>,
    refusedIn: (span: string | null) =>
      span === null ? "About to be refused by itself" : `Refused by itself in ${span}`,
    withdrawnIn: (span: string | null) =>
      span === null ? "About to be withdrawn" : `Withdrawn by itself in ${span}`,
    asks: "Your agent asks",
    answer: "Answer",
    dismiss: "Dismiss",
  },

  settings: {
    privacy: {
      title: "Privacy & data",
      keychain: {
        available: "Secrets are kept in your system's keychain.",
        sessionOnly: "There is no keychain: secrets last until the app quits.",
      },
      stored: "What is kept",
      nothing: "No secret is kept.",
      thisApp: "this app",
      unnamed: "a gateway without a name",
      kind: {
        gatewayToken: "Gateway token",
        gatewayPassword: "Gateway password",
        deviceKey: "Key of this device",
        deviceToken: "This device's token",
        keyPassphrase: "Passphrase of a key file",
        sshPrivateKey: "Key for the server",
        singleUseCode: "Setup code",
      },
      delete: "Delete",
      deleteItem: (kind: string, owner: string) => `Delete: ${kind}, ${owner}`,
      deleteTitle: (kind: string) => `Delete this from the keychain: ${kind}?`,
      lost: {
        gatewayToken:
          "The app cannot sign in to that gateway with it any more. You can fetch or enter it again.",
        gatewayPassword:
          "The app cannot sign in to that gateway with it any more. You can enter it again.",
        deviceKey:
          "Gateways know this device by it. After the next start the app makes a new one, and gateways may want it approved again.",
        deviceToken:
          "The gateway issues another one at the next connection, if the app still has its token or password.",
        keyPassphrase: "You are asked for it the next time the key file is used.",
        sshPrivateKey:
          "The app signs in to the server another way. The line in the server's authorized_keys stays there.",
        singleUseCode: "It signs nobody in any more. Ask for a new one if you still need it.",
      },
      where: "Where everything is",
      folder: {
        settings: "Settings",
        data: "Data",
        logs: "Logs",
        server: "On the server",
      },
      open: "Open",
      openFolder: (name: string) => `Open the folder: ${name}`,
      onServer:
        "Conversations and everything agents do. Here the app keeps the last of each conversation for reading, until you forget it.",
      forgetHistory: "Forget the history",
      historyTitle: "Forget what happened to the connection?",
      historyLost:
        "The list of events and the last 24 hours of every server are deleted here. Nothing on a server changes.",
      reset: "Reset the app",
      resetTitle: "Put the app back to its first start?",
      resetLost:
        "Settings, gateways on the list, everything in the keychain, trusted server keys, the history and unsent messages are deleted on this computer. What is on your servers stays, and so does what the gateway on this computer keeps.",
      about: "About",
      version: (version: string) => `OpenClaw Tray ${version}`,
      licence: "MIT licence. The licences of the libraries it is made of are in its source.",
      updates: "It does not look for updates: get new releases where you got this one.",
    },
    title: "Settings",
    connection: "Connection",
    runs: "OpenClaw runs",
    runsChoice: {
      anotherComputer: "Another computer",
      thisComputer: "This computer",
      notConfigured: "I'll decide later",
    },
    runsHint: {
      anotherComputer: "A home server, a desktop or a rented machine.",
      thisComputer: "The gateway runs here and is reached directly.",
      notConfigured: "Nothing is connected until you choose.",
    },
    transport: "How",
    transportChoice: { ssh: "Through SSH", direct: "Directly" },
    transportHint: {
      ssh: "Encrypted, with nothing to set up beyond what you sign in with.",
      direct: "By the gateway's own URL: in your network, your tailnet, or behind a proxy.",
    },
    url: "Gateway's URL",
    urlPlaceholder: "wss://home-server.example",
    urlHint: "wss:// anywhere; ws:// only to this computer, private networks and tailnets.",
    urlMissing: "Enter the gateway's URL. It begins with wss:// or ws://.",
    tlsFingerprint: "Certificate's fingerprint",
    tlsFingerprintHint:
      "SHA-256. With it only this certificate is accepted; without it, what your system trusts.",
    address: "Address",
    addressPlaceholder: "me@home-server",
    addressHint: "Paste anything: user@host, host:port, a whole ssh command, or a setup code.",
    addressDialled: (address: string) => `Connects to ${address}`,
    addressMissing: "Enter the address of the computer that OpenClaw runs on.",
    signIn: "Sign in",
    signInChoice: {
      automatic: "Automatic",
      keyFile: "Key file…",
      password: "Password",
    },
    signInHint: {
      automatic: "Your SSH agent and your usual keys, then whatever the server asks.",
      keyFile: "One key file. Its passphrase is asked for when it has one.",
      password: "Asked for when you connect, and never stored.",
    },
    identityFile: "Key file",
    identityMissing: "Choose the key file to sign in with.",
    chooseFile: "Choose…",
    token: "Gateway token",
    tokenOptional: "optional",
    tokenStored: "Stored in the keychain",
    tokenStoredSession: "Kept until you quit",
    tokenRemoved: "Removed when you save",
    tokenReplace: "Replace…",
    tokenRemove: "Remove",
    tokenKeep: "Keep it",
    tokenHint: "Only needed when the gateway asks for one.",
    tokenWhere: "Where do I find it?",
    tokenWhereText:
      "Sign in to the computer that OpenClaw runs on and run this command. It prints the token.",
    tokenCommand: "openclaw config get gateway.auth.token",
    advanced: "Advanced",
    hostKeyPolicy: "Unknown server keys",
    hostKeyPolicyChoice: { strict: "Ask me", openssh: "As in the SSH configuration" },
    hostKeyPolicyHint: {
      strict: "You are shown each new key before anything is sent.",
      openssh: "StrictHostKeyChecking decides. A changed key stops everything either way.",
    },
    localPort: "Local port",
    localPortHint: "Other programs on this computer reach the gateway here.",
    remotePort: "Gateway's port",
    remotePortHint: "On the computer that OpenClaw runs on; usually 18789.",
    portInvalid: "Enter a number from 1 to 65535.",
    alsoRunHere: "Also run a gateway on this computer",
    alsoRunHereHint: "Programs here find it at the local port; the tunnel takes the next free one.",
    listener: "Open a local port for other programs",
    listenerHint: "The command line and the browser use it. This window does not need it.",
    connectOnLaunch: "Connect when the app starts",
    general: "General",
    appearance: {
      language: "Language",
      // Each in its own words, so that everybody finds theirs.
      languages: { system: "As the system", english: "English", danish: "Dansk" },
      textSize: "Text size",
      textSizes: {
        small: "Small",
        usual: "Usual",
        large: "Large",
        larger: "Larger",
        largest: "Largest",
      },
      theme: "Light or dark",
      themes: { system: "As the system", light: "Light", dark: "Dark" },
    },
    gateways: {
      title: "Gateways",
      hint: "One is used at a time. Each keeps its own settings, secrets and messages.",
      unnamed: "New gateway",
      inUse: "in use",
      undecided: "nothing decided yet",
      here: "on this computer",
      overSsh: "through SSH",
      direct: "by its URL",
      waiting: (count: number) => (count === 1 ? "1 message waits" : `${count} messages wait`),
      use: "Use",
      useNamed: (name: string) => `Use ${name}`,
      rename: "Rename",
      renameNamed: (name: string) => `Rename ${name}`,
      remove: "Remove",
      removeNamed: (name: string) => `Remove ${name}`,
      removeAsk: (name: string) => `Remove ${name}?`,
      removeExplain:
        "Its settings go, and what is kept to get in there: token, password, passphrase, and the key that this app signs in with. Nothing is changed on the server.",
      removeWaiting: (count: number) =>
        count === 1
          ? "A message that waits for it will never be sent."
          : `${count} messages that wait for it will never be sent.`,
      name: "Name",
      nameHint: "Empty: as its server is called.",
      add: "Add a gateway",
      duplicate: "Duplicate this one",
    },
    startAtLogin: "Start at login",
    startAtLoginHint: "Without a window; the icon in the panel shows that it runs.",
    notifications: {
      title: "Notifications",
      lead: "None comes while you look at the window, and none repeats what it is about within ten minutes. They name your server, and never what was said.",
      label: {
        needsYou: "The connection needs you",
        lost: "The connection is lost",
        restored: "The connection is back",
        requests: "Somebody waits for your decision",
        replies: "A reply is finished",
      } satisfies Record<keyof NotificationSwitches, string>,
      hint: {
        needsYou: "A server key, a sign-in, a token or an approval of this computer.",
        lost: "When it has been away for half a minute.",
        restored: "When it had been away for that long.",
        requests: "A command to approve, a question to answer, or a device that wants in.",
        replies: "While you do something else.",
      } satisfies Record<keyof NotificationSwitches, string>,
    },
    keptConversations: {
      title: "Conversations on this computer",
      about:
        "The last of each conversation, at most 50 MB in all, is kept in a file that only you can read, so that you can read it while your server is out of reach. What you have written and not sent is kept there too.",
      forget: "Forget the conversations",
      forgotten: "Forgotten here. The server still has them.",
      notKept: "What you write and read now is gone when the app ends.",
      notKeptBecause: {
        diskFull:
          "The disk of this computer is full: free some space, it is tried again by itself.",
        readOnly:
          "The app's folder cannot be written: make it yours again, it is tried again by itself.",
        diskFails: "The disk of this computer fails: look after it before it takes more with it.",
        notOpened: "The file could not be opened when the app started. The log says why.",
      } satisfies Record<NotKept, string>,
    },
    diagnostics: {
      title: "Diagnostics",
      logLevel: "Log",
      logLevelChoice: {
        info: "Usual",
        debug: "Detailed",
        trace: "Everything",
      } satisfies Record<LogLevel, string>,
      logLevelHint: {
        info: "What you would notice yourself.",
        debug: "Each choice the app takes as well. Good while you look for a fault.",
        trace: "A great deal. Neither secrets nor messages are ever among it.",
      } satisfies Record<LogLevel, string>,
      logLevelFixed: "OPENCLAW_TRAY_LOG decides how much is written while it is set.",
      about:
        "A report for whoever helps you: what happened to the connection, versions, settings and the log, without secrets, names or addresses. You see all of it before it is saved, and it is sent nowhere.",
      make: "Save a report…",
      making: "Making the report…",
    },
    save: "Save",
    saving: "Saving…",
    discard: "Discard changes",
    saved: "Saved",
    unsaved: "You have changes that are not saved.",
    unsavedOfAnother:
      "These changes are to the gateway that was in use before. Save or discard them to see the one in use now.",
    keychainSession: "Secrets last until you quit",
    found: "Found an existing OpenClaw configuration",
    foundReview: "Review",
    foundUse: "Use these settings",
    foundHint: "The file is only read, never changed. What you typed here is replaced.",
    foundToken: "Gateway token",
    foundHasToken: "in the file",
    foundRuns: "OpenClaw runs",
    fileProblem: "The settings file cannot be read",
    fileProblemKept: "The last good values stay in force, and the file is left as it is.",
    fileProblemFile: "File",
    fileProblemPlace: "Place",
    fileProblemLine: (line: number, column: number | null) =>
      column === null ? `line ${line}` : `line ${line}, column ${column}`,
    fileProblemKey: "Key",
  },

  report: {
    title: "What is in the report",
    lead: "This is all of it, word by word. Names are replaced by host-1, user-1 and so on; what looks like a secret, by ***.",
    files: "Files of the report",
    size: (size: string) => `${size} in all`,
    save: "Save report",
    saving: "Saving…",
    saved: "Saved as",
    openFolder: "Open folder",
  },

  openclawChange: {
    about:
      "The openclaw command on this computer can use the same connection. Its openclaw.json then says where the gateway is; no token or password is written, and you see the change first.",
    show: "Also use this for the openclaw command…",
    save: "Save your changes first.",
    written: "Written. The openclaw command uses this connection now.",
    title: "What is written to openclaw.json",
    none: "The file says all of this already. There is nothing to write.",
    lines: "Changed lines",
    leftOut: "lines that stay as they are",
    added: "Added:",
    removed: "Removed:",
    write: "Write to openclaw.json",
    writing: "Writing…",
    again: "Look at it again",
  },

  browser: {
    signInTitle: "Sign in to your gateway",
    byLink: "With a link",
    byLinkLead: "Run this on the gateway's own computer and open what it prints, within a minute.",
    linkCommand: "openclaw dashboard",
    copyCommand: "Copy command",
    token: "Or with the gateway token",
    tokenHint: "The token or password that the gateway was started with. It is not kept.",
    signIn: "Sign in",
    thisBrowser: "This browser",
    thisBrowserKeeps: "It keeps a key and a token of its own for this gateway.",
    signOut: "Sign out",
  },

  firstRun: {
    step: (current: number, all: number) => `Step ${current} of ${all}`,
    whereTitle: "Where does OpenClaw run?",
    howTitle: "How do we reach it?",
    howTitleLocal: "Anything it asks for?",
    checkTitle: "Is everything well?",
    back: "Back",
    next: "Continue",
    saveAndCheck: "Save and check",
    later: "Finish",
    skip: "Skip setup",
    openChat: "Open Chat",
    checkLead: "This connects for the first time and checks each step on the way.",
    checkDone: "Everything is well. Your agent is a message away.",
  },

  invitation: {
    title: "Use this gateway?",
    lead: "A setup code or link leads to it. Nothing has been saved and nothing has been sent. Go on only if you know who gave it to you.",
    called: "Its name",
    host: "Host",
    port: "Port",
    user: "Account",
    yourAccount: "The one you have on this computer",
    way: "How",
    ways: {
      ssh: "Through an SSH tunnel",
      encrypted: "Directly, encrypted",
      plain: "Directly and unencrypted, within this computer or your own network",
    },
    address: "Address",
    certificate: "Only with the certificate",
    brings: "It brings",
    brought: {
      token: "The gateway's token. It is kept in the keychain and sent nowhere else.",
      password: "The gateway's password. It is kept in the keychain and sent nowhere else.",
      setupCode: "A code that signs this device in once",
    },
    nothing: "Nothing to sign in with",
    listed: (name: string) =>
      `You know this gateway already, as ${name}. What you get here replaces what is kept for signing in to it.`,
    accept: "Use it and check it",
    refusedTitle: "This link cannot be used",
  },
  dialog: {
    copyFingerprint: "Copy fingerprint",
    server: "Server",
    address: "Address",
    keyType: "Key type",
    fingerprint: "Fingerprint",
    trustTitle: "Is this your server?",
    trustLead:
      "This is the first connection to it. Nothing about you has been sent. Compare the fingerprint before you trust it.",
    trust: "Trust this server",
    howToCompare: "How to compare it",
    howToCompareText:
      "On the server itself, or where you already reach it safely, run this command. One of its lines must show the same characters.",
    compareCommand: 'for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf "$key"; done',
    changedTitle: "The server's key has changed",
    changedLead:
      "The server shows another key than the one you trust. Nothing has been sent to it, and there is no way on from here without you.",
    changedWhy:
      "Either the server was reinstalled or its key was replaced, or another machine answers in its place. Ask whoever looks after it.",
    changedKnown: "The key you trust",
    changedNew: "The key it shows now",
    reinstalled: "I reinstalled this server",
    reinstalledText: (host: string) => `Type ${host} to trust the new key instead of the old one.`,
    reinstalledField: "Host name",
    reinstalledMismatch: (host: string) => `This is not ${host}.`,
    replaceKey: "Trust the new key",
    stayDisconnected: "Stay disconnected",
    certificate: "Certificate",
    certificateTitle: "Is this your gateway?",
    certificateLead:
      "Nobody your system trusts vouches for its certificate. Nothing about you has been sent. Compare the fingerprint before you trust it.",
    certificateTrust: "Trust this certificate",
    certificateCompareText:
      "On the gateway's computer run this command, with the certificate file that the gateway, or the proxy in front of it, uses. It must print the same digits. A gateway that is usually vouched for should not need this: then do not trust it.",
    certificateCommand:
      "openssl x509 -noout -fingerprint -sha256 -in ~/.openclaw/gateway/tls/gateway-cert.pem",
    certificateChangedTitle: "The gateway's certificate has changed",
    certificateChangedLead:
      "The gateway shows another certificate than the one you trust. Nothing has been sent to it, and there is no way on from here without you.",
    certificateChangedWhy:
      "Either the certificate was renewed, or another machine answers in its place. Ask whoever looks after it.",
    certificateChangedKnown: "The certificate you trust",
    certificateChangedNew: "The certificate it shows now",
    renewed: "The certificate was renewed",
    renewedText: (host: string) =>
      `Type ${host} to trust the new certificate instead of the old one.`,
    certificateReplace: "Trust the new certificate",
    passphraseTitle: "Unlock your key",
    passphraseLead: (file: string) => `The key file ${file} is protected by a passphrase.`,
    passphrase: "Passphrase",
    passphraseWrong: "That was not the passphrase of this key. Try again.",
    remember: "Remember it in the keychain",
    unlock: "Unlock and connect",
    passwordTitle: "Sign in to the server",
    passwordLead: (user: string, host: string) => `${host} asks for the password of ${user}.`,
    password: "Password",
    passwordWrong: "The server did not accept that password. Try again.",
    promptsWrong: "The server did not accept those answers. Try again.",
    signIn: "Sign in",
    promptsTitle: "The server asks",
    promptsLead: "These are the server's own words.",
    promptField: (number: number) => `Answer ${number}`,
    send: "Send the answer",
    show: "Show",
    hide: "Hide",
  },
};
