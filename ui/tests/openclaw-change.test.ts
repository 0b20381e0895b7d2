/** "Also use this for the openclaw command": seen first, written on a click. */
import { screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { FakeBackend, openclawChangeView, settingsView } from "../src/ipc/fake";
import { all, find, get, open, testids, textOf } from "./window";

async function openSettings(backend: FakeBackend) {
  const opened = await open(backend);
  backend.tellPage("settings");
  await find(testids.settingsPage);
  return opened;
}

describe("the connection for the openclaw command", () => {
  it("is shown line by line and written by one click", async () => {
    const backend = new FakeBackend({
      showOpenclawChange: () => ({ status: "ok", data: openclawChangeView({ number: 4 }) }),
    });
    const { user } = await openSettings(backend);

    await user.click(get(testids.openclawChangeShow));
    const lines = await screen.findAllByTestId(testids.openclawChangeLine);
    const shown = lines.filter((line) => line.dataset["kind"] === "removed").map(textOf);
    expect(shown).toEqual(['− Removed: mode: "local", // until the box came']);
    expect(backend.callsOf("writeOpenclawChange")).toEqual([]);

    await user.click(get(testids.openclawChangeWrite));
    expect(backend.callsOf("writeOpenclawChange")).toEqual([[4]]);
    expect(all(testids.dialog)).toEqual([]);
    expect(textOf(get(testids.openclawChangeState))).toContain("Written.");
  });

  it("says that somebody else was faster, and can be looked at again", async () => {
    const error = { code: "openclawConflict", message: "It was changed meanwhile.", action: null };
    const backend = new FakeBackend({
      writeOpenclawChange: () => ({ status: "error", error }),
    });
    const { user } = await openSettings(backend);
    await user.click(get(testids.openclawChangeShow));
    await user.click(await find(testids.openclawChangeWrite));

    expect(await screen.findByText("It was changed meanwhile.")).toBeTruthy();
    expect(all(testids.openclawChangeWrite)).toEqual([]);
    await user.click(get(testids.openclawChangeAgain));
    expect(await find(testids.openclawChangeWrite)).toBeTruthy();
    expect(backend.callsOf("showOpenclawChange")).toHaveLength(2);
  });

  it("writes nothing where the file says it all", async () => {
    const backend = new FakeBackend({
      showOpenclawChange: () => ({
        status: "ok",
        data: openclawChangeView({ isNone: true, lines: [] }),
      }),
    });
    const { user } = await openSettings(backend);
    await user.click(get(testids.openclawChangeShow));

    expect(await screen.findByText(/There is nothing to write/)).toBeTruthy();
    expect(all(testids.openclawChangeWrite)).toEqual([]);
  });

  it("is not offered for a gateway on this computer, and waits for a form to be saved", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);
    await user.click(get(testids.connectOnLaunch));
    expect(get(testids.openclawChangeShow).hasAttribute("disabled")).toBe(true);

    const here = new FakeBackend();
    here.settings = settingsView({ runs: "thisComputer" });
    document.body.replaceChildren();
    await openSettings(here);
    expect(all(testids.openclawChange)).toEqual([]);
  });
});
