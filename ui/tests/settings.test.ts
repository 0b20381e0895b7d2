import { fireEvent, render, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import Root from "../src/Root.svelte";
import type { SettingsForm } from "../src/ipc";
import { FakeBackend, downView, settingsView } from "../src/ipc/fake";
import { all, find, get, input, open, testids, textOf } from "./window";

async function openSettings(backend: FakeBackend) {
  const opened = await open(backend);
  backend.tellPage("settings");
  await find(testids.settingsPage);
  return opened;
}

const saved = (backend: FakeBackend) => backend.callsOf("saveSettings").at(-1)?.[0] as SettingsForm;

describe("the form", () => {
  it("takes a URL that lands in the address for the other way", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.clear(get(testids.address));
    await user.click(get(testids.address));
    await user.paste("https://box.example/");

    await waitFor(() => expect(document.activeElement).toBe(get(testids.url)));
    expect(get(testids.transportDirect)).toHaveProperty("checked", true);
    expect(all(testids.address)).toEqual([]);
    expect(all(testids.signInAutomatic)).toEqual([]);

    await user.click(get(testids.save));
    expect(saved(backend)).toMatchObject({
      transport: "direct",
      url: "https://box.example/",
      address: "me@home-server",
    });
  });

  it("sends what was edited while an earlier draft was on its way, once that has arrived", async () => {
    const arrived: (() => void)[] = [];
    const backend = new FakeBackend({
      saveSettings: () =>
        new Promise((done) => arrived.push(() => done({ status: "ok", data: null }))),
    });
    const { user } = await openSettings(backend);
    const type = async (address: string) => {
      await user.clear(get(testids.address));
      await user.type(get(testids.address), address);
      await user.click(get(testids.save));
    };

    await type("me@first");
    await type("me@second");
    expect(backend.callsOf("saveSettings")).toHaveLength(1);
    arrived[0]?.();

    await waitFor(() => expect(backend.callsOf("saveSettings")).toHaveLength(2));
    expect(saved(backend)).toMatchObject({ address: "me@second" });
    arrived[1]?.();
    await waitFor(() => expect(textOf(get(testids.save))).toBe("Save"));
    expect(backend.callsOf("saveSettings")).toHaveLength(2);
  });

  it("forgets the conversations that are kept here, and says so", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.click(get(testids.forgetConversations));

    await waitFor(() => expect(textOf(get(testids.keptConversations))).toContain("Forgotten here"));
    expect(backend.callsOf("forgetHistories")).toHaveLength(1);
  });

  it("leaves unknown keys to the SSH configuration where that is chosen", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.click(get(testids.advanced).querySelector("summary") ?? document.body);
    expect(input(testids.hostKeyPolicyStrict).checked).toBe(true);

    await user.click(get(testids.hostKeyPolicyOpenssh));
    await user.click(get(testids.save));
    expect(saved(backend)).toMatchObject({ hostKeyPolicy: "openssh" });
  });

  it("wants a URL where the gateway is reached directly, and nothing of SSH", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.click(get(testids.transportDirect));
    await user.click(get(testids.save));

    expect(backend.callsOf("saveSettings")).toEqual([]);
    expect(textOf(get(testids.urlError))).toContain("wss://");
    await user.type(get(testids.url), "wss://box.example");
    await user.click(get(testids.advanced).querySelector("summary") ?? document.body);
    await user.type(get(testids.tlsFingerprint), "ab:cd");
    await user.click(get(testids.save));
    expect(saved(backend)).toMatchObject({ url: "wss://box.example", tlsFingerprint: "ab:cd" });
  });

  it("asks to be started at login, and says why it will not be", async () => {
    const message = "The start entry was not written.";
    const backend = new FakeBackend({
      saveSettings: () => ({ status: "error", error: [{ field: "startAtLogin", message }] }),
    });
    const { user } = await openSettings(backend);
    expect(input(testids.startAtLogin).checked).toBe(false);

    await user.click(get(testids.startAtLogin));
    await user.click(get(testids.save));

    expect(saved(backend).startAtLogin).toBe(true);
    expect(textOf(get(testids.startAtLoginError))).toBe(message);
  });

  it("has a switch for each notification", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    const ids = [
      testids.notifyNeedsYou,
      testids.notifyLost,
      testids.notifyRestored,
      testids.notifyRequests,
      testids.notifyReplies,
    ];
    expect(ids.map((id) => input(id).checked)).toEqual([true, true, true, true, true]);

    await user.click(get(testids.notifyReplies));
    await user.click(get(testids.save));

    const { notifications } = saved(backend);
    expect(notifications).toMatchObject({ needsYou: true, replies: false });
  });

  it("sends nothing before Save, and everything then", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    expect(get(testids.save)).toHaveProperty("disabled", true);

    await user.clear(get(testids.address));
    await user.type(get(testids.address), "ssh -p 2222 me@box");
    await user.click(get(testids.signInPassword));
    expect(backend.callsOf("saveSettings")).toEqual([]);

    await user.click(get(testids.save));
    expect(saved(backend)).toEqual({
      profile: "home",
      runs: "anotherComputer",
      transport: "ssh",
      url: "",
      tlsFingerprint: "",
      address: "ssh -p 2222 me@box",
      signIn: "password",
      identityFile: "",
      hostKeyPolicy: "strict",
      gatewayToken: null,
      localPort: 18789,
      remotePort: 18789,
      connectOnLaunch: true,
      listenerEnabled: true,
      logLevel: "info",
      alsoRunHere: false,
      notifications: {
        needsYou: true,
        lost: true,
        restored: true,
        requests: true,
        replies: true,
      },
      startAtLogin: false,
      language: "system",
      theme: "system",
    });
    await waitFor(() => expect(textOf(get(testids.saveState))).toBe("Saved"));
  });

  it("owns its draft: news touches no field that was edited", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.clear(get(testids.address));
    await user.type(get(testids.address), "me@ty");

    backend.tellSettings(settingsView({ address: "other@elsewhere", connectOnLaunch: false }));

    await waitFor(() => expect(input(testids.connectOnLaunch).checked).toBe(false));
    expect(input(testids.address).value).toBe("me@ty");
    await user.type(get(testids.address), "ping");
    expect(input(testids.address).value).toBe("me@typing");

    await user.click(get(testids.discard));
    expect(input(testids.address).value).toBe("other@elsewhere");
    expect(textOf(get(testids.saveState))).toBe("");
  });

  it("keeps the draft while another page is shown", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.type(get(testids.address), "2");
    await user.click(get(testids.navServer));
    await user.click(get(testids.navSettings));
    expect(input(testids.address).value).toBe("me@home-server2");
  });

  it("says under the address what is wrong with it as it is left, and how it is dialled", async () => {
    const backend = new FakeBackend({
      checkAddress: (text) =>
        text.includes("99999")
          ? { status: "error", error: { field: "address", message: "No such port." } }
          : { status: "ok", data: "me@box:2222" },
    });
    const { user } = await openSettings(backend);
    const address = get(testids.address);
    await user.clear(address);
    await user.type(address, "box:99999");
    expect(all(testids.addressError)).toEqual([]);
    await user.tab();
    expect(textOf(await find(testids.addressError))).toBe("No such port.");
    expect(address.getAttribute("aria-invalid")).toBe("true");
    const noteId = address.getAttribute("aria-describedby") ?? "";
    expect(textOf(document.getElementById(noteId) ?? document.body)).toBe("No such port.");

    await user.clear(address);
    await user.type(address, "ssh -p 2222 me@box");
    expect(all(testids.addressError)).toEqual([]);
    await user.tab();
    expect(textOf(await find(testids.addressDialled))).toBe("Connects to me@box:2222");
  });

  it("ignores the answer about an address that was edited meanwhile", async () => {
    let answer: (value: unknown) => void = () => {};
    const backend = new FakeBackend({
      checkAddress: () => new Promise((resolve) => (answer = resolve)),
    });
    const { user } = await openSettings(backend);
    await user.type(get(testids.address), "!");
    await user.tab();
    await user.type(get(testids.address), "2");
    answer({ status: "error", error: { field: "address", message: "Stale." } });
    await new Promise((resolve) => setTimeout(resolve));
    expect(all(testids.addressError)).toEqual([]);
  });

  it("shows what the app says against a field, and goes there", async () => {
    const backend = new FakeBackend({
      saveSettings: () => ({
        status: "error",
        error: [{ field: "identityFile", message: "There is no such file." }],
      }),
    });
    const { user } = await openSettings(backend);
    await user.click(get(testids.signInKeyFile));
    await user.type(get(testids.identityFile), "/nowhere");
    await user.click(get(testids.save));
    expect(textOf(await find(testids.identityFileError))).toBe("There is no such file.");
    await waitFor(() => expect(document.activeElement).toBe(get(testids.identityFile)));
    expect(input(testids.identityFile).value).toBe("/nowhere");
  });

  it("saves no address that is empty and no port that is none", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.clear(get(testids.address));
    await user.clear(get(testids.remotePort));
    await user.type(get(testids.remotePort), "99999");
    await user.click(get(testids.save));
    expect(textOf(await find(testids.addressError))).toContain("Enter the address");
    expect(textOf(get(testids.remotePortError))).toBe("Enter a number from 1 to 65535.");
    expect((get(testids.advanced) as HTMLDetailsElement).open).toBe(true);
    expect(backend.callsOf("saveSettings")).toEqual([]);
  });

  it("asks for the port that counts: this computer's own has no other end", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.click(get(testids.listener));
    await user.click(get(testids.alsoRunHere));
    expect(all(testids.remotePort).length).toBe(1);
    expect(all(testids.localPort).length).toBe(1);
    await user.click(get(testids.alsoRunHere));
    expect(all(testids.localPort)).toEqual([]);
    await user.click(get(testids.runsThisComputer));
    expect(all(testids.remotePort)).toEqual([]);
    expect(all(testids.localPort).length).toBe(1);
  });

  it("takes the key file that was chosen, and keeps the field when none was", async () => {
    const files = ["/home/me/.ssh/id_box", null];
    const backend = new FakeBackend({
      chooseIdentityFile: () => ({ status: "ok", data: files.shift() }),
    });
    const { user } = await openSettings(backend);
    await user.click(get(testids.signInKeyFile));
    await user.click(get(testids.identityFileChoose));
    await waitFor(() => expect(input(testids.identityFile).value).toBe("/home/me/.ssh/id_box"));
    await user.click(get(testids.identityFileChoose));
    expect(input(testids.identityFile).value).toBe("/home/me/.ssh/id_box");
  });

  it("hides what this computer does not need", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.click(get(testids.runsThisComputer));
    expect(all(testids.address)).toEqual([]);
    expect(all(testids.signInAutomatic)).toEqual([]);
    expect(all(testids.tokenState)).toHaveLength(1);
  });
});

describe("the gateway token", () => {
  it("is never shown, only that it is stored", async () => {
    const backend = new FakeBackend();
    await openSettings(backend);
    expect(textOf(get(testids.tokenState))).toBe("Stored in the keychain");
    expect(all(testids.token)).toEqual([]);
  });

  it("is replaced only by a text, and removed only by Remove", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.click(get(testids.tokenReplace));
    expect(input(testids.token).type).toBe("password");
    await user.type(get(testids.token), "new");
    await user.clear(get(testids.token));
    expect(get(testids.save)).toHaveProperty("disabled", true);

    await user.type(get(testids.token), " new-token ");
    await user.click(get(testids.save));
    expect(saved(backend).gatewayToken).toBe("new-token");
    // Handed over and forgotten.
    await waitFor(() => expect(all(testids.token)).toEqual([]));

    await user.click(get(testids.tokenRemove));
    expect(textOf(get(testids.tokenState))).toBe("Removed when you save");
    await user.click(get(testids.tokenKeep));
    expect(textOf(get(testids.tokenState))).toBe("Stored in the keychain");
    await user.click(get(testids.tokenRemove));
    await user.click(get(testids.save));
    expect(saved(backend).gatewayToken).toBe("");
  });

  it("says that it lasts until the app quits where there is no keychain", async () => {
    const backend = new FakeBackend();
    backend.settings = settingsView({
      keychain: { kind: "sessionOnly", reason: "No keychain service answers." },
    });
    await openSettings(backend);
    expect(textOf(get(testids.keychainBadge))).toBe(
      "Secrets last until you quit No keychain service answers.",
    );
    expect(textOf(get(testids.tokenState))).toBe("Kept until you quit");
  });
});

describe("files", () => {
  it("shows where the settings file is broken", async () => {
    const backend = new FakeBackend();
    backend.settings = settingsView({
      fileProblem: {
        path: "/home/me/settings.json5",
        line: 12,
        column: 17,
        key: "profiles[0].localPort",
        message: "A port is a number.",
      },
    });
    await openSettings(backend);
    const card = textOf(get(testids.fileProblem));
    for (const part of ["/home/me/settings.json5", "line 12, column 17", "profiles[0].localPort"]) {
      expect(card).toContain(part);
    }
  });

  it("takes an existing configuration only after it was reviewed", async () => {
    const backend = new FakeBackend();
    backend.settings = settingsView({
      found: {
        path: "/home/me/.openclaw/openclaw.json",
        runs: "anotherComputer",
        url: null,
        address: "me@found",
        identityFile: null,
        remotePort: null,
        hasToken: true,
      },
    });
    const { user } = await openSettings(backend);
    const review = document.getElementById("found-review");
    expect(review?.hidden).toBe(true);
    await user.click(get(testids.foundReview));
    expect(review?.hidden).toBe(false);
    expect(textOf(get(testids.foundCard))).toContain("me@found");
    await user.click(get(testids.foundUse));
    expect(backend.callsOf("useFoundConfig")).toHaveLength(1);
    backend.tellSettings(settingsView({ address: "me@found" }));
    await waitFor(() => expect(input(testids.address).value).toBe("me@found"));
  });
});

describe("first run", () => {
  function fresh(over = {}) {
    const backend = new FakeBackend();
    backend.connection = downView({ serverName: "", target: null, localPort: null });
    backend.settings = settingsView({
      firstRunDone: false,
      runs: "notConfigured",
      address: "",
      hasGatewayToken: false,
      ...over,
    });
    return backend;
  }

  it("goes from where over how to the check, and connects on the way", async () => {
    const backend = fresh();
    const { user } = await open(backend);
    expect(get(testids.firstRun).dataset["step"]).toBe("where");
    await user.click(get(testids.runsAnotherComputer));
    await user.click(get(testids.firstRunNext));
    await user.type(await find(testids.address), "me@home-server");
    await user.type(get(testids.token), "secret");
    await user.click(get(testids.firstRunNext));

    await waitFor(() => expect(get(testids.firstRun).dataset["step"]).toBe("check"));
    expect(saved(backend)).toMatchObject({
      runs: "anotherComputer",
      address: "me@home-server",
      gatewayToken: "secret",
    });
    expect(backend.callsOf("connect")).toHaveLength(1);
    expect(backend.callsOf("runCheck")).toHaveLength(1);
    expect(get(testids.firstRunOpenChat)).toHaveProperty("disabled", true);

    // Once the question about the server's key is answered, the check can go all the way.
    backend.tellConnection(downView({ phase: "up" }));
    await waitFor(() => expect(backend.callsOf("runCheck")).toHaveLength(2));
    await user.click(get(testids.startAtLogin));
    await user.click(get(testids.firstRunOpenChat));
    expect(saved(backend).startAtLogin).toBe(true);
    await waitFor(() => expect(backend.callsOf("finishFirstRun")).toHaveLength(1));
    backend.tellSettings(settingsView());
    await find(testids.chatPage);
  });

  it("stays where a field is wrong", async () => {
    const backend = fresh();
    const { user } = await open(backend);
    await user.click(get(testids.firstRunNext));
    await user.click(get(testids.firstRunNext));
    expect(textOf(await find(testids.addressError))).toContain("Enter the address");
    expect(get(testids.firstRun).dataset["step"]).toBe("how");
    expect(backend.callsOf("saveSettings")).toEqual([]);
  });

  it.each([
    [{ runs: "notConfigured" }, "where"],
    [{ runs: "anotherComputer", address: "" }, "how"],
    [{ runs: "anotherComputer", address: "me@box" }, "check"],
    [{ runs: "thisComputer" }, "check"],
  ])("resumes with what is saved: %j at %s", async (settings, step) => {
    await open(fresh(settings));
    expect(get(testids.firstRun).dataset["step"]).toBe(step);
  });

  it("can be skipped, and can be decided later", async () => {
    const skipped = fresh();
    const { user, unmount } = await open(skipped);
    await user.click(get(testids.firstRunSkip));
    expect(skipped.callsOf("finishFirstRun")).toHaveLength(1);
    expect(skipped.callsOf("saveSettings")).toEqual([]);
    unmount();

    const later = fresh();
    const again = await open(later);
    await again.user.click(get(testids.runsNotConfigured));
    await again.user.click(get(testids.firstRunNext));
    await waitFor(() => expect(later.callsOf("finishFirstRun")).toHaveLength(1));
    expect(saved(later).runs).toBe("notConfigured");
  });

  it("leads from a failed step back to the field", async () => {
    const backend = fresh({ runs: "anotherComputer", address: "me@box" });
    const { user } = await open(backend);
    backend.tellConnection(
      downView({
        phase: "paused",
        cause: "badTarget",
        problem: { code: "badTarget", message: "No.", action: "editAddress" },
      }),
    );
    await user.click(await find(testids.problemAction));
    expect(get(testids.firstRun).dataset["step"]).toBe("how");
    await fireEvent.blur(get(testids.address));
  });
});

describe("language and theme", () => {
  it("are saved, and another language draws everything anew on the same page", async () => {
    const backend = new FakeBackend();
    const user = userEvent.setup();
    render(Root, { backend });
    await find(testids.chatPage);
    backend.tellPage("settings");
    await find(testids.settingsPage);
    expect(document.documentElement.lang).toBe("en");

    await user.click(get(testids.languageDanish));
    await user.click(get(testids.themeDark));
    await user.click(get(testids.save));
    expect(saved(backend)).toMatchObject({ language: "danish", theme: "dark" });
    backend.tellSettings(settingsView({ language: "danish", theme: "dark" }));

    await waitFor(() => expect(textOf(get(testids.save))).toBe("Gem"));
    await find(testids.settingsPage);
    expect(document.documentElement.lang).toBe("da");
    expect(input(testids.themeDark).checked).toBe(true);
  });

  it("are right from the first word that is drawn", async () => {
    const backend = new FakeBackend();
    backend.settings = settingsView({ language: "danish" });
    render(Root, { backend });

    await find(testids.chatPage);
    expect(document.documentElement.lang).toBe("da");
    expect(textOf(get(testids.navServer))).toBe("Server");
    expect(document.body.textContent).toContain("Indstillinger");
  });
});
