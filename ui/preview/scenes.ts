/** Every screen and every state of it that people can meet, by name. */
import { tick } from "svelte";
import type {
  AgentQuestionsView,
  CheckStepId,
  CheckStepView,
  ChatMessageView,
  DayView,
  HappenedView,
  Happening,
  RepairView,
  SessionView,
  UiError,
  VoiceOverlayView,
  VoiceView,
  WindowKind,
} from "../src/ipc";
import {
  FakeBackend,
  approval,
  checkView,
  connectionView,
  downView,
  gatewayReport,
  invitedView,
  message,
  pairing,
  repairView,
  sessionView,
  sessionsView,
  settingsView,
  signInKeyView,
  tool,
  voiceForm,
  voiceModels,
  voiceOverlay,
  voiceView,
} from "../src/ipc/fake";

interface Scene {
  backend: FakeBackend;
  /** Whether it is the small window. */
  kind?: WindowKind;
  /** What is told after the window has started. */
  play?: () => void;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const conversation = (): ChatMessageView[] => [
  message({
    id: "1",
    role: "user",
    text: "How full is the backup disk?",
    atMs: Date.now() - 26 * HOUR,
    key: "a:user",
  }),
  message({ id: "2", role: "tool", text: "/dev/sdb1  1.8T  1.2T  623G  66% /srv/backup" }),
  message({
    id: "3",
    text: "Two thirds: 1.2 of 1.8 TB. At the pace of the last month it lasts until March.",
    atMs: Date.now() - 26 * HOUR + MINUTE,
    runId: "a",
  }),
  message({
    id: "4",
    role: "user",
    text: "Write me a line that warns me at 90 %.",
    atMs: Date.now() - 40 * MINUTE,
    key: "b:user",
  }),
  message({
    id: "5",
    text:
      "This one runs from `cron` and says something only when it has to:\n\n" +
      "```sh\n#!/bin/sh\nused=$(df --output=pcent /srv/backup | tail -n 1 | tr -dc '0-9')\n" +
      '[ "$used" -ge 90 ] && echo "backup disk at $used %" | mail -s "disk" me@example.org\n```\n\n' +
      "Put it into /etc/cron.daily and make it executable. Shall I?",
    atMs: Date.now() - 39 * MINUTE,
    runId: "b",
  }),
];

/** A picture of a few bars, small enough to stand here. */
const PICTURE =
  "iVBORw0KGgoAAAANSUhEUgAAALQAAABQCAIAAAA/esjxAAAA7ElEQVR42u3SoQ0AIAxFQfZhCrZnGQwJngUQiApoLnn2m/bKmkM6VpxAcAgOwSE4BIfgEByCQ3AIDgkOwSE4BIfi6q1eBgcccAgOwSE4FPRmOOCAQ3B4c+Cb4YADDjjggAMOwSE4BIfgUJY3wwEHHHDAAQcccMDhzXDAAQcccMABhzenfzMccMABBxxwwAEHHHDAAQcc3gwHHHDAYQWH1Sc4nB4OOOCAAw444PBmKzis4LCCwwoOKzis3sLhHFZwWMFhBYcVHFZwWMFhBYcVHFZwOCIcjmgFhxUcVnBYwWEFhxUcVnBYwWGVabUBqM+yWDXfD/QAAAAASUVORK5CYII=";

/** What an agent writes over an hour of work. */
const long = (): ChatMessageView[] => [
  message({
    id: "1",
    role: "user",
    text: "Compare the three backup plans and tell me which one to take. Look at the disk first.",
    atMs: Date.now() - 50 * MINUTE,
    key: "a:user",
  }),
  message({
    id: "2",
    runId: "a",
    reasoning:
      "The user wants a comparison. I should look at how full the disk is, then at how much is added each month.",
    tools: [
      tool({
        id: "1",
        state: "called",
        result: null,
        arguments: '{\n  "command": "df -h /srv/backup"\n}',
      }),
      tool({
        id: "2",
        name: "read",
        state: "called",
        result: null,
        arguments: '{\n  "path": "/etc/restic/plan.toml"\n}',
      }),
    ],
  }),
  message({
    id: "3",
    role: "tool",
    text: "Filesystem  Size  Used Avail Use% Mounted on\n/dev/sdb1   1.8T  1.2T  623G  66% /srv/backup",
    answers: { callId: "1", name: "exec", failed: false },
  }),
  message({
    id: "4",
    role: "tool",
    text: "ENOENT: no such file or directory",
    answers: { callId: "2", name: "read", failed: true },
  }),
  message({
    id: "5",
    runId: "a",
    atMs: Date.now() - 49 * MINUTE,
    text:
      "## Three plans\n\nThe disk holds **1.2 of 1.8 TB**, and about *40 GB* are added each month[^1].\n\n" +
      "| Plan | Keeps | Needs | Lasts until |\n|:--|:--|--:|:--|\n" +
      "| Daily | 30 days | 1.4 TB | March 2028 |\n| Weekly | a year | 1.7 TB | ~~next week~~ May 2027 |\n" +
      "| Both | 30 days + a year | 1.9 TB | does not fit |\n\n" +
      "I would take **Daily**:\n\n1. It fits for longer than the disk will live.\n2. A month is what you asked for the last time:\n   - photos change rarely\n   - the mail is kept elsewhere\n\n" +
      "> Weekly is cheaper in writes, if the disk is old.\n\n" +
      "What is left to do:\n\n- [x] Measure the disk\n- [x] Ask about the photos\n- [ ] Write the timer\n\n" +
      "[^1]: Measured over the last six months; see [the manual](https://restic.readthedocs.io/en/stable/060_forget.html).\n",
  }),
  message({
    id: "6",
    role: "user",
    text: "Daily it is. Show me the timer, and `restic` in *one* line.",
    atMs: Date.now() - 12 * MINUTE,
    key: "b:user",
  }),
  message({
    id: "7",
    runId: "b",
    atMs: Date.now() - 11 * MINUTE,
    text:
      "```ini\n# /etc/systemd/system/backup.timer\n[Timer]\nOnCalendar=daily\nRandomizedDelaySec=20min\nPersistent=true\n```\n\n" +
      '```sh\nrestic -r /srv/backup backup /home --exclude-caches && echo "kept: $(date +%F)" >> /var/log/backup.log # once a day\n```\n\n' +
      'To look at what was kept:\n\n```python\nimport json, subprocess\n\n\ndef snapshots(repo: str) -> list[dict]:\n    """Every snapshot, the oldest first."""\n    told = subprocess.run(["restic", "-r", repo, "snapshots", "--json"], capture_output=True)\n    return sorted(json.loads(told.stdout or b"[]"), key=lambda one: one["time"])\n```\n\n' +
      "The last month in a picture:\n\n![Disk use](https://charts.example.org/disk.png)\n\nمرحبا بالعالم: نص من اليمين إلى اليسار.",
    images: [{ mediaType: "image/png", data: PICTURE }],
  }),
  message({
    id: "8",
    role: "assistant",
    runId: "c",
    atMs: Date.now() - 2 * MINUTE,
    text: "The log of the first night, as it came:\n\n- scanned 182,113 files\n- 1.2 GB added",
    truncated: true,
  }),
];

const MAIN = "agent:main:main";

/** What a few weeks of use leave. */
const conversations = (): SessionView[] => {
  const titles: [string, number, Partial<SessionView>?][] = [
    ["Garden plan for spring", 9 * HOUR, { pinned: true }],
    ["Photos off the old camera", 20 * MINUTE, { hasActiveRun: true }],
    ["Which heat pump?", 2 * HOUR, { unread: true }],
    ["Router firmware", 3 * HOUR, { lastRunError: "The model did not answer." }],
    ["Menu for Saturday, for eight, two of them vegetarian", 26 * HOUR],
    ["Letter to the landlord", 3 * 24 * HOUR],
    ["Python script for the bird camera", 5 * 24 * HOUR],
    ["Insurance, compared", 12 * 24 * HOUR],
    ["Trip to Skagen", 40 * 24 * HOUR],
    ["Old ideas", 60 * 24 * HOUR, { archived: true }],
    ["Nightly backup report", 7 * HOUR, { isBackground: true }],
  ];
  return [
    sessionView({ key: MAIN, isMain: true, tokensUsed: 41_300 }),
    ...titles.map(([title, ago, over], index) =>
      sessionView({
        key: `agent:main:dashboard:${index}`,
        title,
        isNamed: true,
        updatedAtMs: Date.now() - ago,
        ...over,
      }),
    ),
  ];
};

const questions = (): AgentQuestionsView => ({
  id: "questions",
  questions: [
    {
      id: "when",
      about: "When",
      question: "How often shall I look at the disk?",
      options: [
        { label: "Every day", description: "At 6 in the morning, before the backup runs" },
        { label: "Every hour", description: null },
      ],
      several: false,
    },
  ],
  expiresAtMs: Date.now() + 9 * MINUTE,
});

const history = (messages: ChatMessageView[]) => ({
  chatHistory: (sessionKey: string) => ({
    status: "ok" as const,
    data: { sessionKey, asOf: 0, messages, inFlight: null, earlier: null, keptAtMs: null },
  }),
});

/** A day of a laptop: off at night, lost in a train, a gateway that was started again at noon. */
const aDay = (): DayView => ({
  untilMs: Date.now(),
  spanMinutes: 5,
  spans: Array.from({ length: 288 }, (_, index) => {
    const span = { connectedS: 0, gatewayDownS: 0, downS: 0, attempts: 0, pingMs: null };
    if (index > 20 && index < 96) return span;
    if (index > 150 && index < 162) return { ...span, downS: 290, attempts: 5 - (index % 4) };
    if (index > 200 && index < 206) return { ...span, connectedS: 60, gatewayDownS: 240 };
    const pingMs = 38 + (index % 7) * 2 + (index > 162 && index < 180 ? 40 : 0);
    return { ...span, connectedS: 300, attempts: index === 96 ? 1 : 0, pingMs };
  }),
});

const withDay = () => ({
  ...history(conversation()),
  connectionDay: () => ({ status: "ok" as const, data: aDay() }),
});

/** A connection that was lost and is back, the way people will see it most. */
const lately = () => {
  let number = 0;
  let atMs = Date.now() - 20 * MINUTE;
  const event = (what: Happening, tookMs: number | null = null): HappenedView => {
    atMs += tookMs ?? 4;
    return { number: ++number, atMs, tookMs, what };
  };
  const events = [
    event({ kind: "attemptBegan", attempt: 1, why: "start", keepsPath: false }),
    event({ kind: "listenerOpened", port: 18809, insteadOf: 18789 }),
    event({ kind: "stagePassed", stage: "name", hop: 0 }, 3.1),
    event({ kind: "stagePassed", stage: "reached", hop: 1 }, 12.4),
    event({ kind: "stagePassed", stage: "hostKey", hop: 1 }, 38),
    event({ kind: "signedIn", hop: 1, by: "agentKey" }, 71.2),
    event({ kind: "signedIn", hop: 0, by: "agentKey" }, 64.9),
    event({ kind: "stagePassed", stage: "hello", hop: 0 }, 46),
    event({ kind: "connected", attempt: 1 }, 236.2),
    event({ kind: "pathLost", code: "pathDead" }, 15 * MINUTE),
    event({ kind: "attemptBegan", attempt: 1, why: "retry", keepsPath: false }),
    event(
      {
        kind: "attemptFailed",
        attempt: 1,
        during: "connecting",
        then: "retry",
        code: "unreachable",
        nextInMs: 800,
      },
      5_000,
    ),
    event({ kind: "woke" }),
    event({ kind: "attemptBegan", attempt: 2, why: "woke", keepsPath: false }),
    event({ kind: "connected", attempt: 2 }, 198.7),
    event({ kind: "requestsRefused", count: 3 }),
  ];
  return { connectionHistory: () => ({ status: "ok" as const, data: events }) };
};

/** Opens what is folded away, as a person would. */
function unfold(testid: string) {
  void tick().then(() => {
    const folded = document.querySelector<HTMLElement>(`[data-testid="${testid}"]`);
    folded?.querySelector("summary")?.click();
    setTimeout(() => folded?.scrollIntoView(), 100);
  });
}

/** Goes to the settings and asks for a report, as a person would. */
function showReport(backend: FakeBackend) {
  backend.tellPage("settings");
  void tick().then(() =>
    document.querySelector<HTMLElement>('[data-testid="report-make"]')?.click(),
  );
}

const summaries: Record<CheckStepId, [number, string]> = {
  address: [1, "me@home-server, port 22"],
  resolve: [3, "192.168.1.20"],
  tcp: [12, "The SSH port answers."],
  hostKey: [38, "Ed25519, the key you trust"],
  login: [71, "Signed in as me with a key from the agent"],
  forward: [9, "The tunnel to port 18789 opens."],
  gateway: [14, "OpenClaw 2026.9.6"],
  access: [46, "This device's token was accepted."],
  health: [22, "The gateway is healthy."],
};

/** A check that went well up to `last`; the rest is `rest`. */
function steps(
  last: CheckStepId | null,
  at: Partial<CheckStepView> & { status: CheckStepView["status"] } = { status: "ok" },
  rest: CheckStepView["status"] = "notReached",
) {
  const found: Partial<
    Record<CheckStepId, Partial<CheckStepView> & { status: CheckStepView["status"] }>
  > = {};
  let over = false;
  for (const id of Object.keys(summaries) as CheckStepId[]) {
    const [ms, summary] = summaries[id];
    if (over) found[id] = { status: rest };
    else if (id === last) found[id] = at;
    else found[id] = { status: "ok", ms, summary };
    over ||= id === last;
  }
  return found;
}

const well = () => checkView(steps(null), { ok: true, finishedAtMs: Date.now() - 20_000 });

function scene(
  change: (backend: FakeBackend) => void,
  answers: ConstructorParameters<typeof FakeBackend>[0] = history(conversation()),
  play?: (backend: FakeBackend) => void,
): () => Scene {
  return () => {
    const backend = new FakeBackend(answers);
    backend.sessions = sessionsView({ active: MAIN, rows: conversations() });
    change(backend);
    return play === undefined ? { backend } : { backend, play: () => play(backend) };
  };
}

/** Something that is being said over a conversation. */
function saying(
  over: Partial<VoiceOverlayView>,
  view: Partial<VoiceView> = {},
  play?: (backend: FakeBackend) => void,
): () => Scene {
  const change = (backend: FakeBackend) => {
    backend.voice = voiceView({ state: "capturing", ...view, overlay: voiceOverlay(over) });
  };
  return scene(change, undefined, play);
}

/** The same in the small window of Quick Chat. */
function quick(scene: () => Scene): () => Scene {
  return () => ({ ...scene(), kind: "quick" });
}

/** The same in the small window of what is being said. */
function spoken(scene: () => Scene): () => Scene {
  return () => ({ ...scene(), kind: "spoken" });
}

/** A repair as it is shown, over a server whose gateway is down. */
function repairing(
  view: RepairView,
  play: (backend: FakeBackend) => void = () => {},
): Parameters<typeof scene> {
  const change = (backend: FakeBackend) => {
    backend.connection = downView({ phase: "up_gateway_down", cause: "network" });
    backend.repair = view;
  };
  return [change, {}, play];
}

/** A log with the lines that the official gateway writes. */
const gatewayLog = () => {
  const lines = [
    "INFO  gateway  loading configuration…",
    "INFO  gateway  resolving authentication…",
    "INFO  gateway  http server listening (9 plugins; 6.1s)",
    "WARN  gateway/health  channel telegram: no answer within 10 s",
    "INFO  gateway/ws  ⇄ res ✓ config.get 816ms conn=0b18de8e…39bd id=e274b28c…d468",
  ];
  const at = (number: number) =>
    `2026-11-24T09:${String(10 + number).padStart(2, "0")}:09.310+00:00`;
  const text = Array.from({ length: 40 }, (_, n) => `${at(n)}  ${lines[n % lines.length]}`);
  return { file: "/tmp/openclaw/openclaw-2026-11-24.log", text: text.join("\n") };
};

/** Presses a button of the page. */
function press(testid: string) {
  void tick().then(() => {
    document.querySelector<HTMLElement>(`[data-testid="${testid}"]`)?.click();
  });
}

/** Writes into a field of the page. */
function type(testid: string, written: string) {
  void tick().then(() => {
    const field = document.querySelector<HTMLInputElement>(`[data-testid="${testid}"]`);
    if (field === null) return;
    field.value = written;
    field.setSelectionRange(written.length, written.length);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

const problem = (code: string, text: string, action: UiError["action"]): UiError => ({
  code,
  message: text,
  action,
});

const FINGERPRINT = "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDzXQKLMB7nH4wQm7c";
const CERTIFICATE = "SHA256:3FA94C1E7B0D5826E1C9A7F40B6D2385C0E74A19F5832D6B9E1047C8A3D5F26B";
const OLD_CERTIFICATE = "SHA256:9B20D7C4418E63FA05A1D98C7736EB4F52C8019D64FE3A87B15C20E96D4738AF";
const OLD_FINGERPRINT = "SHA256:9fJ2m1cW0qkS3l8pYbT5xR7vZaE4dH6nUoIgKtLsPwQ";

const firstRun = (over = {}) =>
  settingsView({
    firstRunDone: false,
    runs: "notConfigured",
    address: "",
    hasGatewayToken: false,
    ...over,
  });

export const scenes: Readonly<Record<string, () => Scene>> = {
  "first-run-where": scene((backend) => {
    backend.settings = firstRun({
      found: {
        path: "/home/me/.openclaw/openclaw.json",
        runs: "anotherComputer",
        address: "me@home-server",
        identityFile: null,
        remotePort: 18789,
        hasToken: true,
      },
    });
    backend.connection = downView({ serverName: "", target: null, localPort: null });
  }),
  "first-run-how": scene((backend) => {
    backend.settings = firstRun({ runs: "anotherComputer" });
    backend.connection = downView({ serverName: "", target: null, localPort: null });
  }),
  "first-run-check": scene((backend) => {
    backend.settings = firstRun({ runs: "anotherComputer", address: "me@home-server" });
    backend.connection = connectionView();
    backend.check = well();
  }),
  "first-run-check-running": scene((backend) => {
    backend.settings = firstRun({ runs: "anotherComputer", address: "me@home-server" });
    backend.connection = downView({ phase: "authenticating", attempt: 1, localPort: null });
    backend.check = checkView(steps("login", { status: "running" }, "pending"), { running: true });
  }),
  chat: scene(() => {}),
  "chat-streaming": scene(
    () => {},
    history(conversation()),
    (backend) => {
      backend.tellChat({ kind: "queued", key: "c", text: "Yes, please.", files: [] });
      backend.tellChat({ kind: "accepted", key: "c" });
      backend.tellChat({
        kind: "delta",
        runId: "c",
        text: "I am writing the file now. It goes to /etc/cron.daily/backup-disk, and",
      });
    },
  ),
  "quick-chat": quick(scene(() => {}, history(conversation()))),
  "quick-chat-asked": quick(
    scene(
      () => {},
      history(conversation()),
      (backend) => {
        const field = document.querySelector<HTMLTextAreaElement>("#composer");
        if (field === null) return;
        field.value = "How full is the backup disk?";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.form?.requestSubmit();
        const [draft] = backend.callsOf("sendChat")[0] as [{ key: string }];
        backend.tellChat({ kind: "accepted", key: draft.key });
        const text = "Two thirds: 1.2 of 1.8 TB. At the pace of the last";
        backend.tellChat({ kind: "delta", runId: draft.key, text });
      },
    ),
  ),
  "chat-attaching": scene(
    (backend) => {
      backend.sessions = {
        ...backend.sessions,
        limits: { file: 900, picture: 900, together: 900 },
      };
    },
    history(conversation()),
    () => {
      const picked = new DataTransfer();
      const bytes = Uint8Array.from(atob(PICTURE), (letter) => letter.charCodeAt(0));
      picked.items.add(new File([bytes], "backup-disk.png", { type: "image/png" }));
      picked.items.add(new File([new Uint8Array(340)], "report-november-with-a-long-name.csv"));
      picked.items.add(
        new File([new Uint8Array(4_000)], "holiday.mov", { type: "video/quicktime" }),
      );
      const picker = document.querySelector<HTMLInputElement>('[data-testid="attach-file"]');
      if (picker === null) return;
      picker.files = picked.files;
      picker.dispatchEvent(new Event("change", { bubbles: true }));
    },
  ),
  "chat-attached": scene(
    () => {},
    history([
      message({
        role: "user",
        id: "1",
        text: "Is this the disk? The log is with it.",
        key: "a:user",
        images: [{ mediaType: "image/png", data: PICTURE }],
        files: [{ name: "backup-disk.log", mediaType: "text/plain", size: 48_211 }],
        atMs: Date.now() - 60_000,
      }),
      message({ id: "2", text: "Yes, that is the one. The log shows nothing odd.", runId: "a" }),
      message({
        role: "user",
        id: "3",
        text: "",
        key: "b:user",
        files: [
          { name: "photo.jpg", mediaType: "image/jpeg", size: 2_400_000 },
          { name: null, mediaType: "application/pdf", size: null },
        ],
      }),
    ]),
  ),
  "chat-right-to-left": scene(
    () => {},
    history([
      message({ role: "user", id: "1", text: "متى تم آخر نسخ احتياطي؟", key: "a:user" }),
      message({
        id: "2",
        runId: "a",
        text: "آخر نسخة تمت **الساعة 03:00**.\n\n- القرص: `/dev/sdb1`\n- الحجم: 412 GB\n\n> لم تظهر أي أخطاء.\n\nNext one tonight.",
      }),
    ]),
    (backend) => void backend.commands.keepDraft("home", "main", ""),
  ),
  "chat-text-largest": scene(
    () => {},
    history(conversation()),
    () => (document.documentElement.dataset["textSize"] = "largest"),
  ),
  "chat-earlier": scene(() => {}, {
    chatHistory: (sessionKey: string) => ({
      status: "ok" as const,
      data: {
        sessionKey,
        asOf: 0,
        messages: conversation(),
        inFlight: null,
        earlier: 200,
        keptAtMs: null,
      },
    }),
  }),
  "chat-long": scene(() => {}, history(long())),
  "chat-long-top": scene(
    () => {},
    history(long()),
    () => {
      for (const details of document.querySelectorAll("details")) details.open = true;
      document.querySelector('[data-testid="chat-scroller"]')?.scrollTo(0, 0);
    },
  ),
  "chat-long-middle": scene(
    () => {},
    history(long()),
    () => {
      const code = document.querySelectorAll("figure");
      code[code.length - 2]?.scrollIntoView({ block: "center" });
    },
  ),
  "chat-tool-running": scene(
    () => {},
    history(conversation()),
    (backend) => {
      const about = { runId: "c" };
      backend.tellChat({
        kind: "queued",
        key: "c",
        text: "What went wrong last night?",
        files: [],
      });
      backend.tellChat({ kind: "accepted", key: "c" });
      backend.tellChat({ kind: "reasoning", ...about, text: "Which service was it again?" });
      const running = tool({
        id: "c1",
        state: "running",
        result: null,
        arguments: '{"command": "journalctl -u restic --since today"}',
      });
      backend.tellChat({ kind: "tool", ...about, tool: running });
    },
  ),
  "chat-retrying": scene(
    () => {},
    history(conversation()),
    (backend) => {
      backend.tellChat({ kind: "queued", key: "c", text: "Yes, please.", files: [] });
      backend.tellChat({ kind: "accepted", key: "c" });
      const retry = { attempt: 2, most: 8, atMs: Date.now() + 12_000 };
      backend.tellChat({ kind: "retrying", runId: "c", ...retry });
    },
  ),
  "chat-link": scene(
    () => {},
    history(long()),
    () => document.querySelector<HTMLElement>('[data-testid="chat-link"]')?.click(),
  ),
  "chat-preparing": scene(
    () => {},
    history(conversation()),
    (backend) => {
      backend.tellChat({ kind: "queued", key: "c", text: "Yes, please.", files: [] });
      backend.tellChat({ kind: "accepted", key: "c" });
      backend.tellChat({ kind: "status", runId: "c", phase: "starting_model" });
    },
  ),
  "chat-endings": scene(
    () => {},
    history(conversation()),
    (backend) => {
      backend.tellChat({ kind: "queued", key: "c", text: "Tell me a long story.", files: [] });
      backend.tellChat({ kind: "accepted", key: "c" });
      backend.tellChat({ kind: "aborted", runId: "c", text: "Once upon a time there was a" });
      backend.tellChat({ kind: "queued", key: "d", text: "And the weather?", files: [] });
      backend.tellChat({ kind: "accepted", key: "d" });
      backend.tellChat({
        kind: "failed",
        runId: "d",
        message: "The model provider did not answer (502).",
      });
      backend.tellChat({ kind: "queued", key: "e", text: "Hello?", files: [] });
      backend.tellChat({
        kind: "refused",
        key: "e",
        problem: problem("tooLarge", "The message is larger than the gateway takes.", null),
      });
    },
  ),
  "chat-requests": scene(
    () => {},
    history(conversation()),
    (backend) => {
      backend.tellChat({ kind: "queued", key: "c", text: "Yes, please.", files: [] });
      backend.tellChat({ kind: "accepted", key: "c" });
      backend.tellRequests({
        approvals: [
          approval({
            words: ["install", "-m", "755", "disk warning.sh", "/etc/cron.daily/backup-disk"],
            decisions: ["allowOnce", "allowAlways", "deny"],
          }),
        ],
        questions: [questions()],
      });
    },
  ),
  "chat-approval-long": scene(
    () => {},
    history(conversation()),
    (backend) =>
      backend.tellRequests({
        approvals: [
          approval({
            words: [],
            command: 'set -e\nfor f in /srv/backup/*.tar; do\n  tar -tf "$f" > /dev/null\ndone',
            node: "laptop",
            warning: "Runs in a shell: the gateway cannot say what it will touch.",
            expiresAtMs: Date.now() + 40_000,
          }),
        ],
      }),
  ),
  "token-fetch": scene((backend) => {
    backend.settings = settingsView({ hasGatewayToken: false });
    backend.connection = downView({
      phase: "paused",
      cause: "token",
      problem: problem(
        "tokenMissing",
        "The gateway asks for its token. Enter it in the settings.",
        "enterToken",
      ),
    });
  }),
  "key-offered": scene((backend) => {
    backend.signInKey = signInKeyView();
  }),
  "key-failed": scene((backend) => {
    backend.signInKey = signInKeyView({
      problem: problem(
        "serverDiskFull",
        "The server's disk is full, so /home/me/.ssh/authorized_keys was left as it is; free some space there and try again.",
        null,
      ),
    });
  }),
  "key-added": scene((backend) => {
    backend.signInKey = signInKeyView({ step: "added" });
  }),
  "chat-empty": scene(() => {}, history([])),
  "sessions-menu": scene(
    () => {},
    history(conversation()),
    () => press("session-actions"),
  ),
  "sessions-search": scene(
    () => {},
    history(conversation()),
    () => type("sessions-search", "the"),
  ),
  "sessions-search-none": scene(
    () => {},
    history(conversation()),
    () => type("sessions-search", "cathedral"),
  ),
  "sessions-delete": scene(
    () => {},
    history(conversation()),
    (backend) => {
      backend.tellSessions({ active: "agent:main:dashboard:1" });
      void tick().then(() => {
        document
          .querySelector<HTMLElement>("[data-active=true] [data-session-button]")
          ?.dispatchEvent(new KeyboardEvent("keydown", { key: "Delete", bubbles: true }));
      });
    },
  ),
  "sessions-problem": scene(
    (backend) => {
      backend.sessions.can = { ...backend.sessions.can, compact: "needsAdmin" };
    },
    {
      ...history(conversation()),
      editSession: () => ({
        status: "error",
        error: problem(
          "needsAdmin",
          "This takes an administrator's rights on the gateway, which this connection does not have.",
          null,
        ),
      }),
    },
    () => {
      press("chat-context");
      setTimeout(() => press("chat-compact"), 30);
    },
  ),
  "sessions-read-only": scene((backend) => {
    backend.sessions.can = {
      create: "no",
      change: "no",
      sort: "no",
      delete: "no",
      fork: "no",
      compact: "no",
      reset: "no",
    };
  }),
  "sessions-offline": scene(
    () => {},
    history(conversation()),
    (backend) =>
      backend.tellConnection(
        downView({
          phase: "retry_wait",
          cause: "network",
          attempt: 3,
          nextAttemptAtMs: Date.now() + 8_000,
        }),
      ),
  ),
  "sessions-loading": scene((backend) => {
    backend.sessions = sessionsView({ asOfMs: null, rows: [sessionView({ isMain: true })] });
  }, history([])),
  "sessions-agents": scene((backend) => {
    backend.sessions.agents = [
      { id: "main", name: "Main" },
      { id: "ghost", name: "Librarian" },
    ];
    const [first, ...others] = conversations();
    if (first === undefined) return;
    const thinkingOptions = ["off", "minimal", "low", "medium", "high"];
    backend.sessions.rows = [{ ...first, thinkingOptions, tokensUsed: 58_000 }, ...others];
  }),
  "sessions-drawer": scene(
    () => {},
    history(conversation()),
    () => press("nav-sessions"),
  ),
  "chat-commands": scene(
    () => {},
    history(conversation()),
    () => type("chat-input", "/st"),
  ),
  "dialog-shortcuts": scene(
    () => {},
    history(conversation()),
    () => press("chat-shortcuts"),
  ),
  "chat-offline": scene(
    () => {},
    history(conversation()),
    (backend) => {
      backend.tellConnection(
        downView({
          phase: "retry_wait",
          cause: "network",
          attempt: 3,
          nextAttemptAtMs: Date.now() + 8_000,
        }),
      );
      backend.tellChat({ kind: "queued", key: "c", text: "Yes, please.", files: [] });
      backend.tellChat({
        kind: "queued",
        key: "d",
        text: "And tell me when it is done.",
        files: [],
      });
    },
  ),
  "chat-kept": scene(
    (backend) => {
      backend.connection = downView({
        phase: "retry_wait",
        cause: "network",
        attempt: 3,
        nextAttemptAtMs: Date.now() + 8_000,
      });
    },
    {
      chatHistory: (sessionKey) => {
        const { status, data } = history(conversation()).chatHistory(sessionKey);
        return { status, data: { ...data, keptAtMs: Date.now() - 3 * HOUR } };
      },
    },
    (backend) => backend.tellPage("chat"),
  ),
  "chat-never-connected": scene(
    (backend) => {
      backend.connection = downView({ phase: "connecting", attempt: 1 });
    },
    history([]),
    (backend) => backend.tellPage("chat"),
  ),
  "server-up": scene(
    (backend) => {
      backend.check = well();
      backend.gatewayReport = gatewayReport({
        nodes: [{ name: "studio", connected: true, waitsForApproval: false }],
        channels: [{ name: "Telegram", state: "well" }],
      });
    },
    withDay(),
    (backend) => backend.tellPage("server"),
  ),
  "server-history": scene(
    (backend) => {
      backend.connection = connectionView({
        target: "box",
        way: "box → 10.0.0.5 through edge, gate",
      });
      backend.check = well();
    },
    { ...history(conversation()), ...lately() },
    (backend) => {
      backend.tellPage("server");
      unfold("history");
    },
  ),
  "server-pairing": scene(
    (backend) => {
      backend.requests = {
        approvals: [],
        questions: [],
        pairings: [
          pairing(),
          pairing({
            id: "node",
            kind: "node",
            name: "studio",
            platform: "linux",
            address: null,
            asksFor: ["system.run", "system.which", "camera.snap"],
          }),
        ],
      };
    },
    {},
    (backend) => backend.tellPage("server"),
  ),
  "server-day": scene(
    (backend) => {
      backend.check = well();
      backend.gatewayReport = gatewayReport();
    },
    withDay(),
    (backend) => {
      backend.tellPage("server");
      void tick().then(() => {
        setTimeout(() => {
          const page = document.querySelector("[data-testid=server-page]");
          page?.scrollTo(0, page.scrollHeight);
        }, 300);
      });
    },
  ),
  "server-not-well": scene(
    (backend) => {
      backend.check = well();
      backend.gatewayReport = gatewayReport({
        atMs: Date.now() - 3 * MINUTE,
        health: {
          state: "loginNeeded",
          faults: [
            { kind: "channelLoggedOut", channel: "WhatsApp" },
            { kind: "pluginsFailed", count: 2 },
            { kind: "busy" },
          ],
        },
        channels: [
          { name: "WhatsApp", state: "loggedOut" },
          { name: "Telegram", state: "well" },
        ],
        nodes: [
          { name: "studio", connected: true, waitsForApproval: false },
          { name: "phone", connected: false, waitsForApproval: true },
        ],
        present: [],
        problem: {
          code: "noAnswer",
          message: "The gateway did not answer within 15 s.",
          action: null,
        },
      });
    },
    withDay(),
    (backend) => backend.tellPage("server"),
  ),
  "server-direct": scene(
    (backend) => {
      backend.settings = settingsView({ transport: "direct", url: "wss://home-server:18789" });
      backend.connection = connectionView({ target: "wss://home-server:18789", localPort: null });
      backend.check = well();
    },
    history(conversation()),
    (backend) => backend.tellPage("server"),
  ),
  "server-port-moved": scene(
    (backend) => {
      backend.connection = connectionView({
        localPort: { port: 18809, wanted: 18789, holder: "node (pid 812)" },
      });
    },
    {},
    (backend) => backend.tellPage("server"),
  ),
  "server-both": scene(
    (backend) => {
      backend.connection = connectionView({
        localPort: { port: 18809, wanted: 18789, holder: "openclaw-tray (pid 812)" },
        gatewayHere: { state: "ours", port: 18789 },
      });
    },
    {},
    (backend) => backend.tellPage("server"),
  ),
  "server-checking": scene((backend) => {
    backend.connection = downView({ phase: "authenticating", attempt: 1, localPort: null });
    backend.check = checkView(steps("login", { status: "running" }, "pending"), { running: true });
  }, {}),
  "server-forward-prohibited": scene((backend) => {
    backend.connection = downView({
      phase: "paused",
      cause: "forwardProhibited",
      problem: problem(
        "forwardProhibited",
        "The server lets you sign in but forbids port forwarding (AllowTcpForwarding). Ask its owner to allow it.",
        "tryAgain",
      ),
    });
    backend.check = checkView(
      steps("forward", {
        status: "failed",
        ms: 24,
        summary:
          "The server lets you sign in but forbids port forwarding (AllowTcpForwarding). Ask its owner to allow it.",
        action: "tryAgain",
      }),
      { ok: false, finishedAtMs: Date.now() - 4 * MINUTE },
    );
  }, {}),
  "server-retry": scene((backend) => {
    backend.connection = downView({
      phase: "retry_wait",
      cause: "network",
      attempt: 3,
      nextAttemptAtMs: Date.now() + 8_000,
      problem: problem("network", "home-server does not answer on port 22.", null),
    });
  }, {}),
  "server-gateway-down": scene((backend) => {
    backend.connection = downView({
      phase: "up_gateway_down",
      cause: "network",
      pingMs: 39,
      upSinceMs: Date.now() - 5 * MINUTE,
      problem: problem(
        "gatewayNotRunning",
        "The server is reachable, but nothing answers on port 18789. Start the gateway there, or correct the port.",
        "startGateway",
      ),
    });
  }, {}),
  "repair-offered": scene(...repairing(repairView())),
  "repair-others": scene(...repairing(repairView(), () => unfold("dialog"))),
  "repair-running": scene(
    ...repairing(
      repairView({
        step: "running",
        command: "./.local/bin/openclaw gateway start",
        output: "Reading the service…\nStarting openclaw-gateway.service\n",
        sinceMs: Date.now() - 14_000,
      }),
    ),
  ),
  "repair-failed": scene(
    ...repairing(
      repairView({
        step: "failed",
        command: "openclaw gateway start",
        output:
          "Gateway service disabled.\nTip: openclaw gateway install\nTip: openclaw gateway start\nTip: systemctl --user start openclaw-gateway.service\nTip: systemd user services are unavailable; install/enable systemd or run the gateway under your supervisor.\n",
        problem: problem(
          "serverCommandFailed",
          '"openclaw gateway start" ended with code 1; what it printed says why.',
          null,
        ),
      }),
    ),
  ),
  "repair-not-answering": scene(
    ...repairing(
      repairView({
        step: "failed",
        command: "openclaw gateway start",
        output: "Gateway service started.\n",
        problem: problem(
          "gatewayNotAnswering",
          '"openclaw gateway start" did well, and yet no gateway answers on port 18789 after 120 s; its log says why, unless it listens on another port.',
          "openLog",
        ),
      }),
    ),
  ),
  "repair-done": scene(
    ...repairing(
      repairView({ step: "done", command: "openclaw gateway start", output: "Started.\n" }),
      (backend) => backend.tellCheck(well()),
    ),
  ),
  "repair-approve": scene(
    ...repairing(
      repairView({
        kind: "approveDevice",
        commands: [
          "openclaw devices approve cf7f2adb-5db9-4a62-996c-de43c3430a77",
          "./.local/bin/openclaw devices approve cf7f2adb-5db9-4a62-996c-de43c3430a77",
        ],
      }),
    ),
  ),
  "pairing-required": scene((backend) => {
    const message =
      "The gateway wants this device approved first. On the server: openclaw devices approve cf7f2adb-5db9-4a62-996c-de43c3430a77 — then try again.";
    backend.connection = downView({
      phase: "paused",
      cause: "pairing",
      problem: problem("pairingRequired", message, "approveDevice"),
    });
    backend.check = checkView(
      steps("access", { status: "needsUser", ms: 31, summary: message, action: "approveDevice" }),
      { ok: false, finishedAtMs: Date.now() - MINUTE },
    );
  }, {}),
  "check-token": scene((backend) => {
    const message =
      "The gateway refused the gateway token. Enter the one the server uses (gateway.auth.token in its openclaw.json).";
    backend.connection = downView();
    backend.check = checkView(
      steps("access", { status: "needsUser", ms: 31, summary: message, action: "enterToken" }),
      { ok: false, finishedAtMs: Date.now() - MINUTE },
    );
  }, {}),
  "gateway-log": scene(
    () => {},
    { gatewayLog: () => ({ status: "ok" as const, data: gatewayLog() }) },
    (backend) => {
      backend.tellPage("server");
      press("open-log");
    },
  ),
  "server-off": scene((backend) => {
    backend.connection = downView();
  }, {}),
  "server-not-set-up": scene((backend) => {
    backend.connection = downView({ serverName: "", target: null, localPort: null });
    backend.settings = settingsView({ runs: "notConfigured", address: "" });
  }, {}),
  settings: scene(
    () => {},
    {},
    (backend) => backend.tellPage("settings"),
  ),
  "settings-notifications": scene(
    () => {},
    {},
    (backend) => {
      backend.tellPage("settings");
      void tick().then(() =>
        document.querySelector('[data-testid="notifications"]')?.scrollIntoView(),
      );
    },
  ),
  "settings-diagnostics": scene(
    () => {},
    {},
    (backend) => {
      backend.tellPage("settings");
      void tick().then(() =>
        document.querySelector('[data-testid="diagnostics"]')?.scrollIntoView(),
      );
    },
  ),
  "dialog-openclaw-change": scene(
    () => {},
    {},
    (backend) => {
      backend.tellPage("settings");
      void tick().then(() =>
        document.querySelector<HTMLElement>('[data-testid="openclaw-change-show"]')?.click(),
      );
    },
  ),
  "dialog-openclaw-conflict": scene(
    () => {},
    {
      writeOpenclawChange: () => ({
        status: "error",
        error: problem(
          "openclawConflict",
          "Nothing was written: /home/me/.openclaw/openclaw.json was changed by somebody else meanwhile; look at the change again.",
          null,
        ),
      }),
    },
    (backend) => {
      backend.tellPage("settings");
      void tick().then(() =>
        document.querySelector<HTMLElement>('[data-testid="openclaw-change-show"]')?.click(),
      );
      setTimeout(
        () => document.querySelector<HTMLElement>('[data-testid="openclaw-change-write"]')?.click(),
        150,
      );
    },
  ),
  "settings-openclaw-change": scene(
    () => {},
    {},
    (backend) => {
      backend.tellPage("settings");
      void tick().then(() =>
        document.querySelector('[data-testid="openclaw-change"]')?.scrollIntoView(),
      );
    },
  ),
  "dialog-report": scene(() => {}, {}, showReport),
  "dialog-report-saved": scene(
    () => {},
    {},
    (backend) => {
      showReport(backend);
      setTimeout(
        () => document.querySelector<HTMLElement>('[data-testid="report-save"]')?.click(),
        150,
      );
    },
  ),
  "settings-advanced": scene(
    (backend) => {
      backend.settings = settingsView({ hostKeyPolicy: "openssh" });
    },
    {},
    (backend) => {
      backend.tellPage("settings");
      unfold("advanced");
    },
  ),
  "settings-direct": scene(
    (backend) => {
      backend.settings = settingsView({
        transport: "direct",
        url: "wss://home-server.example:443",
        tlsFingerprint: CERTIFICATE,
      });
    },
    {},
    (backend) => backend.tellPage("settings"),
  ),
  "dialog-certificate": scene((backend) => {
    backend.connection = downView({
      phase: "host_key",
      cause: "tlsPin",
      localPort: null,
      question: {
        kind: "certificateUnknown",
        id: "1",
        host: "home-server",
        port: 18789,
        fingerprint: CERTIFICATE,
      },
    });
  }, {}),
  "dialog-certificate-changed": scene((backend) => {
    backend.connection = downView({
      phase: "paused",
      cause: "tlsPin",
      localPort: null,
      question: {
        kind: "certificateChanged",
        id: "1",
        host: "home-server",
        port: 18789,
        knownFingerprint: OLD_CERTIFICATE,
        newFingerprint: CERTIFICATE,
      },
    });
  }, {}),
  "settings-edited": scene(
    (backend) => {
      backend.connection = downView({
        phase: "paused",
        cause: "token",
        problem: problem(
          "tokenRefused",
          "The gateway did not accept the token. Enter the one it uses now.",
          "enterToken",
        ),
      });
      backend.settings = settingsView({
        signIn: "keyFile",
        identityFile: "/home/me/.ssh/id_home",
        hasGatewayToken: false,
        keychain: { kind: "sessionOnly", reason: "No keychain service answers on this computer." },
      });
    },
    {
      checkAddress: () => ({
        status: "error",
        error: {
          field: "address",
          message: "A port is a number from 1 to 65535; this says 99999.",
        },
      }),
    },
    (backend) => backend.tellPage("settings"),
  ),
  "settings-file-problem": scene(
    (backend) => {
      backend.settings = settingsView({
        fileProblem: {
          path: "/home/me/.config/openclaw-tray/settings.json5",
          line: 12,
          column: 17,
          key: "profiles[0].localPort",
          message: "A port is a number from 1 to 65535, but this is a text.",
        },
      });
    },
    {},
    (backend) => backend.tellPage("settings"),
  ),
  "dialog-invitation": scene((backend) => {
    backend.invitation = invitedView();
  }, {}),
  "dialog-invitation-ssh": scene((backend) => {
    backend.invitation = invitedView({
      way: "ssh",
      host: "home-server",
      port: 22,
      user: "me",
      address: "me@home-server",
      brings: "token",
      listed: "home-server",
    });
  }, {}),
  "dialog-invitation-refused": scene((backend) => {
    backend.invitation = {
      state: "refused",
      problem: problem(
        "invitationAnotherLink",
        "This openclaw:// link does not lead to a gateway, so nothing was done.",
        null,
      ),
    };
  }, {}),
  "settings-privacy": scene(
    () => {},
    {},
    (backend) => {
      backend.tellPage("about");
    },
  ),
  "server-clock": scene((backend) => {
    const found = steps(null);
    backend.check = checkView({
      ...found,
      access: {
        status: "ok",
        ms: 31,
        summary: "Gateway 2026.9.6 let us in with: the gateway token.",
        finding: {
          code: "letIn",
          version: "2026.9.6",
          by: "gatewayToken",
          clockAheadS: -600,
        },
      },
    });
  }, {}),
  "dialog-trust": scene((backend) => {
    backend.connection = downView({
      phase: "host_key",
      cause: "hostKeyUnknown",
      localPort: null,
      question: {
        kind: "hostKeyUnknown",
        id: "1",
        host: "home-server",
        port: 22,
        keyType: "Ed25519",
        fingerprint: FINGERPRINT,
      },
    });
  }, {}),
  "dialog-changed": scene((backend) => {
    backend.connection = downView({
      phase: "paused",
      cause: "hostKeyChanged",
      localPort: null,
      question: {
        kind: "hostKeyChanged",
        id: "1",
        host: "home-server",
        port: 22,
        keyType: "Ed25519",
        knownFingerprints: [OLD_FINGERPRINT],
        newFingerprint: FINGERPRINT,
      },
    });
  }, {}),
  "dialog-passphrase": scene((backend) => {
    backend.connection = downView({
      phase: "auth_prompt",
      question: {
        kind: "passphrase",
        id: "1",
        keyFile: "/home/me/.ssh/id_ed25519",
        wasWrong: true,
      },
    });
  }, {}),
  "dialog-password": scene((backend) => {
    backend.connection = downView({
      phase: "auth_prompt",
      question: { kind: "password", id: "1", user: "me", host: "home-server", wasWrong: false },
    });
  }, {}),
  "dialog-prompts": scene((backend) => {
    backend.connection = downView({
      phase: "auth_prompt",
      question: {
        kind: "prompts",
        wasWrong: false,
        id: "1",
        title: "Two-step sign-in",
        instruction: "Enter your account and the code that your phone shows.",
        prompts: [
          { label: "Account:", echo: true },
          { label: "Code:", echo: false },
        ],
      },
    });
  }, {}),
  voice: scene(
    (backend) => {
      backend.voice = voiceView({
        triggers: [
          { words: "hey openclaw", isUnknown: false },
          { words: "computer", isUnknown: false },
          { words: "zyxomma", isUnknown: true },
        ],
        routes: [
          { trigger: "computer", target: "agent:work:main" },
          { trigger: null, target: null },
        ],
      });
    },
    {},
    (backend) => {
      backend.tellPage("voice");
      backend.tellVoiceLevel(0.6);
    },
  ),
  "voice-hindered": scene(
    (backend) => {
      backend.voice = voiceView({
        state: "off",
        canListen: false,
        form: voiceForm({ wake: false }),
        hindrance: {
          kind: "noLibrary",
          library: "libpocketsphinx.so.3",
          package: "libpocketsphinx3",
        },
        microphone: null,
        triggers: null,
        routes: null,
        canEditTriggers: false,
      });
    },
    {},
    (backend) => backend.tellPage("voice"),
  ),
  "voice-models": scene(
    (backend) => {
      const models = voiceModels({
        tiny: { begunMib: 31 },
        "base.en": { progress: 0.42 },
        base: { isInstalled: true },
        small: {
          problem: {
            code: "downloadCut",
            message: "The download was cut off; it goes on from there next time.",
            action: null,
          },
          begunMib: 112,
        },
      });
      const form = voiceForm({ engine: "whisper", model: "base", language: "da" });
      backend.voice = voiceView({ form, models });
    },
    {},
    (backend) => {
      backend.tellPage("voice");
      setTimeout(() => document.querySelector("#voice-language")?.scrollIntoView(), 50);
    },
  ),
  "voice-tester": scene(
    (backend) => {
      const tester = { hears: null, understood: "what time is it", trigger: "computer" };
      backend.voice = voiceView({ tester, state: "paused" });
    },
    {},
    (backend) => {
      backend.tellPage("voice");
      setTimeout(() => document.querySelector("#tester-title")?.scrollIntoView(), 50);
    },
  ),
  "voice-overlay-listening": saying({ text: "", endsAtMs: null }, { canTalk: true }),
  "voice-overlay-hearing": saying({ text: "what's on today and", endsAtMs: null }),
  "voice-overlay-sends": saying({ endsAtMs: Date.now() + 2_000 }, { canTalk: true }),
  "spoken-hearing": spoken(saying({ text: "what's on today and", endsAtMs: null })),
  "spoken-kept": spoken(
    saying({ state: { kind: "kept", why: "outage", detail: null }, endsAtMs: null }),
  ),
  "voice-overlay-settling": saying({ state: { kind: "settling" } }),
  "voice-overlay-editing": saying({ state: { kind: "editing", why: "edited" } }),
  "voice-overlay-lost": saying({ state: { kind: "editing", why: "microphoneLost" } }),
  "voice-overlay-sending": saying({ state: { kind: "sending" } }),
  "voice-overlay-waiting": saying(
    { state: { kind: "waiting" }, endsAtMs: Date.now() + 42_000, behind: 1 },
    {},
    (backend) => backend.tellConnection(downView({ phase: "retry_wait", attempt: 2 })),
  ),
  "voice-overlay-kept": saying({
    text: "turn on the light in the hall, and remind me at seven to take the bread out of the oven",
    state: { kind: "kept", why: "outage", detail: null },
  }),
  "voice-overlay-other": saying({ state: { kind: "kept", why: "otherGateway", detail: null } }),
  "voice-overlay-refused": saying({
    state: { kind: "kept", why: "refused", detail: "the conversation no longer exists" },
  }),
};
