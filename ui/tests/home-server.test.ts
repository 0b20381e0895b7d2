import { screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import {
  FakeBackend,
  checkView,
  downView,
  repairView,
  settingsView,
  signInKeyView,
} from "../src/ipc/fake";
import { all, find, get, open, testids, textOf } from "./window";

const failed = { code: "somethingElse", message: "The disk is full.", action: null };

describe("a key in place of the password", () => {
  it("is offered with the line it would write, and written by one click", async () => {
    const backend = new FakeBackend();
    backend.signInKey = signInKeyView({ line: "ssh-ed25519 AAAA openclaw-tray@laptop" });
    const { user } = await open(backend);

    expect(textOf(get(testids.signInKeyLine))).toBe("ssh-ed25519 AAAA openclaw-tray@laptop");
    await user.click(screen.getByRole("button", { name: "Add the key" }));
    expect(backend.callsOf("addSignInKey")).toHaveLength(1);

    backend.tellSignInKey(signInKeyView({ step: "adding" }));
    const adding = await screen.findByRole("button", { name: "Adding…" });
    expect(adding.hasAttribute("disabled")).toBe(true);
    backend.tellSignInKey(signInKeyView({ step: "added" }));
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    expect(backend.callsOf("undoSignInKey")).toHaveLength(1);
  });

  it("says why it was not written and can be tried again or put away", async () => {
    const backend = new FakeBackend();
    const { user } = await open(backend);
    expect(all(testids.signInKey)).toEqual([]);

    backend.tellSignInKey(signInKeyView({ problem: failed }));
    expect(textOf(await find(testids.problem))).toContain("The disk is full.");
    await user.click(get(testids.signInKeyClose));
    expect(backend.callsOf("closeSignInKey")).toHaveLength(1);
  });
});

describe("the gateway's token", () => {
  const missing = () =>
    downView({
      phase: "paused",
      cause: "token",
      problem: { code: "tokenMissing", message: "It asks for its token.", action: "enterToken" },
    });

  it("is fetched where it is missing, and where it came from is said", async () => {
    const backend = new FakeBackend();
    backend.connection = missing();
    const { user } = await open(backend);

    expect(textOf(get(testids.fetchSecret))).toContain("nothing is run there");
    await user.click(get(testids.fetchSecretButton));

    expect(backend.callsOf("fetchGatewaySecret")).toHaveLength(1);
    expect(await screen.findByText(/gateway\.auth\.token in openclaw\.json/)).toBeTruthy();
  });

  it("is not offered where there is no server to read it from", async () => {
    const backend = new FakeBackend();
    backend.settings = settingsView({ runs: "thisComputer" });
    backend.connection = missing();
    await open(backend);

    expect(all(testids.fetchSecret)).toEqual([]);
  });

  it("says why it was not found", async () => {
    const backend = new FakeBackend({
      fetchGatewaySecret: () => ({ status: "error", error: failed }),
    });
    backend.connection = missing();
    const { user } = await open(backend);

    await user.click(get(testids.fetchSecretButton));

    expect(await screen.findByText("The disk is full.")).toBeTruthy();
  });
});

describe("a repair", () => {
  const down = () =>
    downView({
      phase: "up_gateway_down",
      cause: "network",
      problem: { code: "gatewayNotRunning", message: "Nothing answers.", action: "startGateway" },
    });

  it("is offered by its button, with every line that may run, and run by another", async () => {
    const backend = new FakeBackend();
    backend.connection = down();
    const { user } = await open(backend);

    await user.click(get(testids.problemAction));
    expect(backend.callsOf("offerRepair")).toEqual([["startGateway"]]);
    backend.tellRepair(repairView());
    expect(textOf(await find(testids.repairCommand))).toBe("openclaw gateway start");
    expect(textOf(get(testids.repairOthers))).toContain(
      "systemctl --user start openclaw-gateway.service",
    );
    expect(backend.callsOf("runRepair")).toEqual([]);
    await user.click(screen.getByRole("button", { name: "Run this on home-server" }));
    expect(backend.callsOf("runRepair")).toHaveLength(1);
  });

  it("shows what it prints, is stopped by its button and not by Escape", async () => {
    const backend = new FakeBackend();
    const { user } = await open(backend);
    backend.tellRepair(
      repairView({
        step: "running",
        command: "openclaw gateway start",
        output: "Starting…\n",
        sinceMs: Date.now() - 14_000,
      }),
    );

    expect(textOf(await find(testids.repairOutput))).toBe("Starting…");
    expect(textOf(get(testids.repairState))).toContain("14 s");
    get(testids.dialog).dispatchEvent(new Event("cancel", { cancelable: true }));
    expect(backend.callsOf("stopRepair")).toEqual([]);
    await user.click(get(testids.repairStop));
    expect(backend.callsOf("stopRepair")).toHaveLength(1);
  });

  it("says in the end what the check found", async () => {
    const backend = new FakeBackend();
    await open(backend);
    const done = repairView({ step: "done", command: "openclaw gateway start" });
    backend.tellCheck(checkView({}, { ok: true, finishedAtMs: Date.now() }));
    backend.tellRepair(done);
    expect(textOf(await find(testids.repairState))).toContain("every step of the check is well");

    const summary = "The gateway refused the gateway token.";
    backend.tellCheck(
      checkView(
        { access: { status: "needsUser", summary } },
        { ok: false, finishedAtMs: Date.now() },
      ),
    );
    expect(await screen.findByText(new RegExp(`stops at Token. ${summary}`))).toBeTruthy();
    expect(get(testids.repair).dataset["well"]).toBe("false");
  });

  it("that failed can be tried again, and leads to the log where that says why", async () => {
    const backend = new FakeBackend();
    const { user } = await open(backend);
    const problem = {
      code: "gatewayNotAnswering",
      message: "No answer.",
      action: "openLog",
    } as const;
    backend.tellRepair(repairView({ step: "failed", problem }));

    await user.click(await find(testids.repairAgain));
    expect(backend.callsOf("offerRepair")).toEqual([["startGateway"]]);
    await user.click(get(testids.problemAction));
    expect(backend.callsOf("stopRepair")).toHaveLength(1);
    expect(backend.callsOf("gatewayLog")).toHaveLength(1);
  });
});

describe("the gateway's log", () => {
  it("is read when it is asked for, and put away again", async () => {
    const log = { file: "/tmp/openclaw/openclaw-2026-11-24.log", text: "INFO  ready\nWARN  slow" };
    const backend = new FakeBackend({ gatewayLog: () => ({ status: "ok", data: log }) });
    const { user } = await open(backend);
    backend.tellPage("server");

    await user.click(await find(testids.openLog));
    expect((await find(testids.logText)).textContent).toBe(log.text);
    expect(screen.getByText(log.file)).toBeTruthy();
    await user.click(get(testids.logClose));
    expect(all(testids.logText)).toEqual([]);
  });

  it("that cannot be read says why", async () => {
    const backend = new FakeBackend({ gatewayLog: () => ({ status: "error", error: failed }) });
    const { user } = await open(backend);
    backend.tellPage("server");

    await user.click(await find(testids.openLog));
    expect(await screen.findByText("The disk is full.")).toBeTruthy();
  });

  it("and a restart are offered over SSH, and a restart nowhere else", async () => {
    const backend = new FakeBackend();
    const { user } = await open(backend);
    backend.tellPage("server");
    await user.click(await find(testids.restartGateway));
    expect(backend.callsOf("offerRepair")).toEqual([["restartGateway"]]);

    backend.tellSettings(settingsView({ transport: "direct" }));
    await waitFor(() => expect(all(testids.restartGateway)).toEqual([]));
    expect(all(testids.openLog)).toHaveLength(1);
  });
});
