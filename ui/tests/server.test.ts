import { screen, waitFor } from "@testing-library/svelte";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Cause, ConnectionView, DayView, HappenedView, Phase } from "../src/ipc";
import {
  FakeBackend,
  checkView,
  connectionView,
  downView,
  gatewayReport,
  pairing,
  settingsView,
} from "../src/ipc/fake";
import { all, find, get, open, testids, textOf } from "./window";

const PHASES: [Phase, string, string][] = [
  ["off", "ring", "Not connected"],
  ["resolving", "turning", "Connecting… (finding the server)"],
  ["connecting", "turning", "Connecting… (reaching the server)"],
  ["host_key", "triangle", "Needs you"],
  ["authenticating", "turning", "Connecting… (signing in)"],
  ["auth_prompt", "triangle", "Needs you"],
  ["forwarding", "turning", "Connecting… (opening the tunnel)"],
  ["gateway_check", "turning", "Connecting… (asking the gateway)"],
  ["up", "disc", "Connected"],
  ["suspect", "pulsing", "Checking the connection…"],
  ["up_gateway_down", "half", "Server reachable, gateway not answering"],
  ["retry_wait", "pie", "Reconnecting (try 2)"],
  ["paused", "triangle", "Needs you"],
  ["stopped", "square", "Stopped"],
];

async function openServer(
  view: ConnectionView,
  answers: ConstructorParameters<typeof FakeBackend>[0] = {},
) {
  const backend = new FakeBackend(answers);
  backend.connection = view;
  const opened = await open(backend);
  backend.tellPage("server");
  await find(testids.serverPage);
  return { backend, ...opened };
}

afterEach(() => vi.useRealTimers());

describe("the state of the connection", () => {
  it.each(PHASES)("%s is a %s and says %s, everywhere", async (phase, shape, word) => {
    await openServer(downView({ phase, attempt: 2 }));

    expect(textOf(get(testids.stateWord))).toBe(word);
    for (const mark of all(testids.stateMark)) expect(mark.dataset["shape"]).toBe(shape);
    expect(textOf(get(testids.railState))).toBe(`home-server ${word}`);
    expect(textOf(get(testids.liveState))).toBe(`home-server: ${word}`);
  });

  it("counts down to the next attempt, silently", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true, now: 1_000_000 });
    await openServer(downView({ phase: "retry_wait", attempt: 3, nextAttemptAtMs: 1_008_000 }));
    expect(textOf(get(testids.stateWord))).toMatch(/^Reconnecting in [78] s \(try 3\)$/);

    await vi.advanceTimersByTimeAsync(5_000);
    expect(textOf(get(testids.stateWord))).toMatch(/^Reconnecting in [23] s \(try 3\)$/);
    expect(textOf(get(testids.liveState))).toBe("home-server: Reconnecting (try 3)");

    await vi.advanceTimersByTimeAsync(5_000);
    expect(textOf(get(testids.stateWord))).toBe("Reconnecting now (try 3)");
  });

  it.each<[Phase, Cause | null, string, boolean]>([
    ["off", null, "connect", true],
    ["paused", "network", "connect", true],
    ["retry_wait", "network", "reconnect-now", true],
    ["up", null, "connect", false],
  ])("offers in %s the one thing to do", async (phase, cause, id, offered) => {
    await openServer(downView({ phase, cause, attempt: 1 }));
    expect(screen.queryByTestId(id) !== null).toBe(offered);
    expect(document.querySelectorAll("main .button.primary")).toHaveLength(1);
  });

  it("says what stands in the way, and its button does something about it", async () => {
    const { user } = await openServer(
      downView({
        phase: "paused",
        cause: "token",
        problem: { code: "tokenRefused", message: "The token was refused.", action: "enterToken" },
      }),
    );
    expect(textOf(get(testids.problem))).toContain("The token was refused.");

    await user.click(get(testids.problemAction));

    await find(testids.settingsPage);
    await waitFor(() => expect(document.activeElement?.id).toBe("gateway-token"));
  });

  it("connects, disconnects and tries now when asked", async () => {
    const { backend, user } = await openServer(downView());
    await user.click(get(testids.connect));
    backend.tellConnection(downView({ phase: "retry_wait", attempt: 1, nextAttemptAtMs: 9e15 }));
    await user.click(await find(testids.reconnectNow));
    await user.click(get(testids.disconnect));
    const orders = backend.calls
      .map((call) => call.name)
      .filter((name) => /connect$|^reconnect/.test(name));
    expect(orders).toEqual(["connect", "reconnectNow", "disconnect"]);
  });

  it("asks for the set-up where nothing is set up", async () => {
    const backend = new FakeBackend();
    backend.connection = downView({ serverName: "", target: null });
    backend.settings = settingsView({ runs: "notConfigured", address: "" });
    const { user } = await open(backend);
    expect(textOf(get(testids.stateWord))).toBe("Not set up");
    await user.click(get(testids.setUp));
    await find(testids.settingsPage);
  });
});

describe("the gateway", () => {
  it("shows version, uptime, ping, credential and address", async () => {
    await openServer(connectionView({ upSinceMs: Date.now() - 3_723_000 }));
    expect(textOf(get(testids.gatewayVersion))).toBe("2026.9.6");
    expect(textOf(get(testids.uptime))).toBe("1 h 2 min");
    expect(textOf(get(testids.ping))).toBe("41 ms");
    expect(textOf(get(testids.credential))).toBe("this device's token");
    expect(textOf(get(testids.localAddress))).toBe("ws://127.0.0.1:18789");
    expect(all(testids.localPortNote)).toEqual([]);
  });

  it("shows what it says of itself, with what is the matter", async () => {
    const { backend } = await openServer(connectionView());
    backend.tellGatewayReport(
      gatewayReport({
        atMs: Date.now() - 180_000,
        health: { state: "loginNeeded", faults: [{ kind: "channelLoggedOut", channel: "Signal" }] },
        channels: [{ name: "Signal", state: "loggedOut" }],
        nodes: [{ name: "studio", connected: false, waitsForApproval: true }],
      }),
    );

    const health = await find(testids.gatewayHealth);
    expect(health.dataset["state"]).toBe("loginNeeded");
    expect(textOf(health)).toContain("told 3 min ago");
    expect(textOf(health)).toContain("Nobody is logged in to Signal.");
    expect(textOf(get(testids.gatewayMemory))).toBe("1063 MB");
    expect(textOf(get(testids.gatewayChannels))).toBe("Signal (nobody is logged in)");
    expect(textOf(get(testids.gatewayNodes))).toBe("studio (waits for approval)");
    expect(textOf(get(testids.gatewayPresent))).toBe("laptop (ui)");
  });

  it("keeps what it said while it is away, as something old", async () => {
    const { backend } = await openServer(connectionView());
    backend.tellGatewayReport(gatewayReport({ atMs: Date.now() - 180_000 }));
    backend.tellConnection(downView({ phase: "retry_wait" }));

    await vi.waitFor(() => expect(textOf(get(testids.gatewayHealth))).toContain("as of 3 min ago"));
    expect(all(testids.gatewayPresent)).toEqual([]);
  });

  it("says who holds the port that was asked for", async () => {
    await openServer(
      connectionView({ localPort: { port: 18809, wanted: 18789, holder: "node (pid 812)" } }),
    );
    expect(textOf(get(testids.localPortNote))).toBe(
      "Port 18789 is taken by node (pid 812), so this one is used for now.",
    );
  });
});

describe("a gateway on this computer", () => {
  it("is said to be ours, or to have run already", async () => {
    await openServer(connectionView({ gatewayHere: { state: "found", port: 18789 } }));
    expect(textOf(get(testids.gatewayHere))).toBe(
      "Was running already (port 18789); used as it is",
    );
  });

  it("explains the other port when both run", async () => {
    await openServer(
      connectionView({
        localPort: { port: 18809, wanted: 18789, holder: "openclaw-tray (pid 7)" },
        gatewayHere: { state: "ours", port: 18789 },
      }),
    );
    expect(textOf(get(testids.gatewayHere))).toBe("Runs in OpenClaw Tray (port 18789)");
    expect(textOf(get(testids.localAddress))).toBe("ws://127.0.0.1:18809");
    expect(all(testids.localPortNote)).toEqual([]);
  });

  it("says why it does not run", async () => {
    const problem = { code: "localPortTaken", message: "Port 18789 is held.", action: null };
    await openServer(connectionView({ gatewayHere: { state: "failed", problem } }));
    expect(textOf(get(testids.gatewayHere))).toBe("Port 18789 is held.");
  });
});

describe("check my server", () => {
  const steps = () => all(testids.checkStep).map((step) => step.dataset["status"]);

  it("fills in live and can be stopped", async () => {
    const { backend, user } = await openServer(connectionView());
    expect(all(testids.checkStep).map((step) => step.dataset["step"])).toEqual([
      "address",
      "resolve",
      "tcp",
      "hostKey",
      "login",
      "forward",
      "gateway",
      "access",
      "health",
    ]);
    await user.click(get(testids.runCheck));
    expect(backend.callsOf("runCheck")).toHaveLength(1);

    backend.tellCheck(
      checkView(
        { address: { status: "ok", ms: 1, summary: "Fine." }, resolve: { status: "running" } },
        { running: true },
      ),
    );
    await waitFor(() => expect(textOf(get(testids.checkSummary))).toBe("Checking: Name…"));
    expect(steps().slice(0, 3)).toEqual(["ok", "running", "pending"]);
    expect(textOf(all(testids.checkStep)[0] ?? document.body)).toContain("1 ms");

    await user.click(get(testids.cancelCheck));
    expect(backend.callsOf("cancelCheck")).toHaveLength(1);
  });

  it("opens the failing step with its sentence and one button, and says what was not reached", async () => {
    const { backend, user } = await openServer(downView({ phase: "paused", cause: "authRefused" }));
    backend.tellCheck(
      checkView(
        {
          address: { status: "ok", ms: 1, summary: "Fine." },
          login: { status: "failed", ms: 80, summary: "Refused.", action: "editSignIn" },
          forward: { status: "notReached" },
        },
        { ok: false, finishedAtMs: Date.now() },
      ),
    );
    await waitFor(() =>
      expect(textOf(get(testids.checkSummary))).toBe("Stopped at: Sign-in · checked just now"),
    );
    expect(all(testids.checkStepAction)).toHaveLength(1);
    expect(textOf(screen.getByText("Refused."))).toBe("Refused.");
    const forward = all(testids.checkStep)[5];
    expect(textOf(forward ?? document.body)).toContain("not reached");

    await user.click(get(testids.checkStepAction));
    await find(testids.settingsPage);
    await waitFor(() => expect(document.activeElement).toBe(get(testids.signInAutomatic)));
  });

  it("checks again where the step says to try again", async () => {
    const { backend, user } = await openServer(connectionView());
    backend.tellCheck(
      checkView(
        { tcp: { status: "failed", summary: "Closed.", action: "tryAgain" } },
        { ok: false, finishedAtMs: Date.now() },
      ),
    );
    await user.click(await find(testids.checkStepAction));
    expect(backend.callsOf("runCheck")).toHaveLength(1);
    expect(backend.callsOf("connect")).toEqual([]);
  });
});

describe("the history", () => {
  const happened: HappenedView[] = [
    {
      number: 1,
      atMs: Date.now() - 5_000,
      tookMs: null,
      what: { kind: "attemptBegan", attempt: 1, why: "woke", keepsPath: false },
    },
    {
      number: 2,
      atMs: Date.now() - 4_000,
      tookMs: 71.2,
      what: { kind: "signedIn", hop: 1, by: "agentKey" },
    },
    {
      number: 3,
      atMs: Date.now() - 3_000,
      tookMs: 63_000,
      what: { kind: "pathLost", code: "pathDead" },
    },
  ];

  async function openHistory() {
    const backend = new FakeBackend({
      connectionHistory: () => ({ status: "ok", data: happened }),
    });
    const opened = await open(backend);
    backend.tellPage("server");
    await find(testids.serverPage);
    return { backend, ...opened };
  }

  it("is asked for only once it is unfolded, and again with each change", async () => {
    const { backend, user } = await openHistory();
    expect(backend.callsOf("connectionHistory")).toEqual([]);

    await user.click(get(testids.history).querySelector("summary") ?? document.body);
    await find(testids.history);
    await waitFor(() => expect(backend.callsOf("connectionHistory")).toHaveLength(1));
    backend.tellConnection(connectionView({ phase: "suspect" }));
    await waitFor(() => expect(backend.callsOf("connectionHistory")).toHaveLength(2));
  });

  it("says the latest first, with how long it took", async () => {
    const { user } = await openHistory();
    await user.click(get(testids.history).querySelector("summary") ?? document.body);
    await waitFor(() => expect(all(testids.historyEvent)).toHaveLength(3));

    const [lost, signedIn, began] = all(testids.historyEvent).map(textOf);
    expect(lost).toMatch(/The way to the server was lost\s*pathDead\s*1 min$/);
    expect(signedIn).toMatch(/Signed in with a key of the agent \(jump host 1\)\s*71 ms$/);
    expect(began).toMatch(/Trying again: this computer woke up$/);
  });
});

describe("a connection by the gateway's own URL", () => {
  it("has the steps of its own way", async () => {
    const backend = new FakeBackend();
    backend.settings = settingsView({ transport: "direct", url: "wss://box:18789" });
    await open(backend);
    backend.tellPage("server");
    await find(testids.serverPage);

    const names = all(testids.checkStep).map(textOf);
    expect(names[2]).toMatch(/^Port /);
    expect(names[3]).toMatch(/^Certificate /);
  });
});

describe("the way", () => {
  it("is said in the place of the name it leads from", async () => {
    await openServer(connectionView({ target: "box", way: "box → 10.0.0.5 through edge" }));
    expect(textOf(get(testids.way))).toBe("box → 10.0.0.5 through edge");
  });
});

describe("who wants in", () => {
  it("is shown with all that is known, and let in or refused", async () => {
    const { backend, user } = await openServer(connectionView());
    backend.tellRequests({ pairings: [pairing({ name: "phone\u202egnp" })] });

    const card = await find(testids.pairing);
    expect(textOf(card)).toContain("wants to use your gateway");
    // What turns the reading direction round is shown as what it is.
    expect(textOf(card)).not.toContain("\u202e");
    expect(textOf(card)).toContain("23be7decaafd");
    expect(textOf(card)).toContain("operator.write");
    await user.click(get(testids.pairingDeny));
    await user.click(get(testids.pairingApprove));
    expect(backend.callsOf("decidePairing")).toEqual([
      ["pairing", "device", false, false],
      ["pairing", "device", true, false],
    ]);
  });
});

describe("the last 24 hours", () => {
  const untilMs = new Date(2026, 0, 2, 12, 0).getTime();
  const span = { connectedS: 0, gatewayDownS: 0, downS: 0, attempts: 0, pingMs: null };
  const day = (spans: DayView["spans"]) => ({
    connectionDay: () => ({ status: "ok" as const, data: { untilMs, spanMinutes: 5, spans } }),
  });

  it("are summed up, and each moment is told to mouse and keyboard alike", async () => {
    const { user } = await openServer(
      connectionView(),
      day([
        { ...span, connectedS: 300, pingMs: 41 },
        { ...span, connectedS: 100, downS: 200, attempts: 2 },
      ]),
    );
    await vi.waitFor(() =>
      expect(textOf(get(testids.daySummary))).toBe(
        "Connected 66.7% of the time · ping 41 ms · 2 attempts",
      ),
    );

    const plots = get(testids.day).querySelector<HTMLElement>("[role=slider]");
    plots?.focus();
    await user.keyboard("{Home}");
    expect(textOf(get(testids.daySummary))).toBe("11:50 AM–11:55 AM · connected · 41 ms");
    await user.keyboard("{ArrowRight}");
    expect(plots?.getAttribute("aria-valuetext")).toBe(
      "11:55 AM–12:00 PM · not connected · 2 attempts",
    );
  });

  it("say so while nothing is known", async () => {
    await openServer(connectionView(), day([span, span]));
    await vi.waitFor(() =>
      expect(textOf(get(testids.daySummary))).toBe(
        "Nothing is known yet. It fills while the app runs.",
      ),
    );
  });
});
