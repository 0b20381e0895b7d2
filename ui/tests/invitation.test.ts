/** Setup codes and links: shown with where they lead, used only when told so, never left in a field. */
import { fireEvent, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { FakeBackend, downView, invitedView, settingsView } from "../src/ipc/fake";
import { looksLikeInvitation } from "../src/lib/invitation";
import { all, find, get, input, open, testids, textOf } from "./window";

const CODE = `eyJ1cmwiOiJ3c3M6Ly9nYXRld2F5LmV4YW1wbGUuY29tIn0`;

async function paste(testid: Parameters<typeof input>[0], text: string) {
  await fireEvent.input(input(testid), { target: { value: text } });
}

function firstRun(answers: ConstructorParameters<typeof FakeBackend>[0] = {}): FakeBackend {
  const backend = new FakeBackend(answers);
  backend.connection = downView();
  backend.settings = settingsView({
    firstRunDone: false,
    runs: "anotherComputer",
    address: "",
    hasGatewayToken: false,
  });
  return backend;
}

describe("a setup code or link", () => {
  it("is told from an address", () => {
    for (const text of [
      CODE,
      `oc-pair://${CODE}`,
      "OpenClaw://gateway?host=a.local",
      ` {"url":"wss://a.example"}`,
      `Setup code: \`${CODE}\``,
    ]) {
      expect(looksLikeInvitation(text), text).toBe(true);
    }
    for (const text of ["me@home-server", "ssh -p 2222 me@eyjafjord", "wss://a.example", ""]) {
      expect(looksLikeInvitation(text), text).toBe(false);
    }
  });

  it("that is pasted for an address is handed over and leaves the field as it was", async () => {
    const backend = firstRun();
    await open(backend);
    await find(testids.address);
    await paste(testids.address, CODE);
    await waitFor(() => expect(backend.callsOf("readInvitation")).toEqual([[CODE]]));
    expect(input(testids.address).value).toBe("");
    expect(backend.callsOf("saveSettings")).toEqual([]);
  });

  it("that is typed is handed over as the field is left", async () => {
    const backend = firstRun();
    const { user } = await open(backend);
    await user.type(await find(testids.address), "openclaw://gateway");
    expect(backend.callsOf("readInvitation")).toEqual([]);
    await user.tab();
    await waitFor(() => expect(backend.callsOf("readInvitation")).toHaveLength(1));
    expect(backend.callsOf("checkAddress")).toEqual([]);
    expect(input(testids.address).value).toBe("");
  });

  it("that cannot be read says why below the field", async () => {
    const error = {
      code: "invitationUnreadable",
      message: "This is no setup code.",
      action: null,
    };
    const backend = firstRun({ readInvitation: () => ({ status: "error", error }) });
    await open(backend);
    await find(testids.address);
    await paste(testids.address, CODE);
    expect(textOf(await find(testids.invitationProblem))).toContain("This is no setup code.");
  });

  it("shows host, account, port and what it brings, and is used only when told so", async () => {
    const backend = new FakeBackend();
    backend.invitation = invitedView({
      id: 4,
      way: "ssh",
      host: "home-server",
      port: 2222,
      user: "me",
      address: "me@home-server:2222",
      brings: "token",
      listed: "Home",
    });
    const { user } = await open(backend);
    await find(testids.dialog);
    const text = textOf(get(testids.dialog));
    for (const part of ["home-server", "2222", "me", "token", "as Home"]) {
      expect(text).toContain(part);
    }
    expect(document.activeElement).toBe(get(testids.dialogCancel));
    expect(backend.callsOf("acceptInvitation")).toEqual([]);
    await user.click(get(testids.invitationAccept));
    expect(backend.callsOf("acceptInvitation")).toEqual([[4]]);
    backend.tellInvitation(null);
    await waitFor(() => expect(all(testids.dialog)).toEqual([]));
  });

  it("is forgotten with Cancel and with Escape", async () => {
    const backend = new FakeBackend();
    backend.invitation = invitedView();
    const { user } = await open(backend);
    await user.click(await find(testids.dialogCancel));
    await fireEvent(get(testids.dialog), new Event("cancel", { cancelable: true }));
    expect(backend.callsOf("forgetInvitation")).toHaveLength(2);
    expect(backend.callsOf("acceptInvitation")).toEqual([]);
  });

  it("leads first run on to its check once it is used", async () => {
    const backend = firstRun();
    const { user } = await open(backend);
    await find(testids.address);
    backend.tellInvitation(invitedView());
    await user.click(await find(testids.invitationAccept));
    await waitFor(() => expect(get(testids.firstRun).dataset["step"]).toBe("check"));
  });

  it("that was opened and cannot be used says so", async () => {
    const backend = new FakeBackend();
    backend.invitation = {
      state: "refused",
      problem: { code: "invitationAnotherLink", message: "It leads elsewhere.", action: null },
    };
    await open(backend);
    expect(textOf(await find(testids.invitationRefused))).toBe("It leads elsewhere.");
  });
});
