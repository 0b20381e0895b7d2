import { screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { FakeBackend, downView, settingsView, signInKeyView } from "../src/ipc/fake";
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
