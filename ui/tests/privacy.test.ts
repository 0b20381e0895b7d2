/** What is kept: listed, deleted only after it was said what is lost, and put back as a whole. */
import { waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { FakeBackend, settingsView } from "../src/ipc/fake";
import { all, find, get, open, testids, textOf } from "./window";

async function openSettings() {
  const backend = new FakeBackend();
  const { user } = await open(backend);
  backend.tellPage("settings");
  await find(testids.privacy);
  await waitFor(() => expect(all(testids.privacyItem)).toHaveLength(3));
  return { backend, user };
}

describe("privacy and data", () => {
  it("lists what is kept by kind and gateway, and where the rest is", async () => {
    await openSettings();
    const text = textOf(get(testids.privacy));
    for (const part of [
      "system's keychain",
      "Gateway token",
      "home-server",
      "Key of this device",
      "/home/me/.config/openclaw-tray",
    ]) {
      expect(text).toContain(part);
    }
    expect(textOf(get(testids.about))).toContain("OpenClaw Tray 0.1.0");
  });

  it("deletes one only after it was said what is lost", async () => {
    const { backend, user } = await openSettings();
    await user.click(all(testids.privacyDelete)[0] ?? document.body);
    expect(textOf(await find(testids.dialog))).toContain("cannot sign in");
    expect(document.activeElement).toBe(get(testids.dialogCancel));
    expect(backend.callsOf("deleteStored")).toEqual([]);
    await user.click(get(testids.dialogConfirm));
    expect(backend.callsOf("deleteStored")).toEqual([["home", "gatewayToken"]]);
    await waitFor(() => expect(all(testids.dialog)).toEqual([]));
  });

  it("forgets nothing with Cancel", async () => {
    const { backend, user } = await openSettings();
    await user.click(get(testids.privacyForgetHistory));
    await user.click(await find(testids.dialogCancel));
    await user.click(get(testids.privacyReset));
    await user.click(await find(testids.dialogCancel));
    expect(backend.callsOf("forgetHistory")).toEqual([]);
    expect(backend.callsOf("resetApp")).toEqual([]);
  });

  it("puts the app back once that is confirmed", async () => {
    const { backend, user } = await openSettings();
    await user.click(get(testids.privacyReset));
    expect(textOf(await find(testids.dialog))).toContain("on your servers stays");
    await user.click(get(testids.dialogConfirm));
    expect(backend.callsOf("resetApp")).toHaveLength(1);
    backend.tellSettings(settingsView({ firstRunDone: false, runs: "notConfigured" }));
    await find(testids.firstRun);
  });

  it("is where the tray's About leads", async () => {
    const backend = new FakeBackend();
    await open(backend);
    backend.tellPage("about");
    await waitFor(() => expect(document.activeElement).toBe(get(testids.about)));
  });
});
