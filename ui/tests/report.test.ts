/** The report: everything that is saved is shown first. */
import { screen } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { FakeBackend, reportView, settingsView } from "../src/ipc/fake";
import { all, find, get, input, open, testids, textOf } from "./window";

const files = [
  { name: "about.json", text: "{}\n", bytes: 3 },
  { name: "log.txt", text: "first line\n  second line\n", bytes: 26 },
];

async function openSettings(backend: FakeBackend) {
  const opened = await open(backend);
  backend.tellPage("settings");
  await find(testids.diagnostics);
  return opened;
}

describe("the report", () => {
  it("shows every file word by word, and saves what it shows", async () => {
    const view = reportView({ number: 7, files, bytes: 29 });
    const backend = new FakeBackend({ prepareReport: () => ({ status: "ok", data: view }) });
    const { user } = await openSettings(backend);

    await user.click(get(testids.reportMake));
    expect((await find(testids.reportText)).textContent).toBe("{}\n");
    await user.click(screen.getByRole("tab", { name: /log\.txt/ }));
    expect(get(testids.reportText).textContent).toBe("first line\n  second line\n");
    expect(all(testids.reportFile)).toHaveLength(2);

    await user.click(get(testids.reportSave));
    expect(backend.callsOf("saveReport")).toEqual([[7]]);
    expect(textOf(get(testids.reportSaved))).toContain("/home/me/Downloads/openclaw-report");
    await user.click(await find(testids.reportOpenFolder));
    expect(backend.callsOf("openReportFolder")).toHaveLength(1);
    await user.click(screen.getByRole("button", { name: "Close" }));
    expect(all(testids.dialog)).toEqual([]);
  });

  it("says why it could not be made or saved, and can be tried again", async () => {
    const error = { code: "reportNotSaved", message: "The disk is full.", action: null };
    let full = true;
    const backend = new FakeBackend({
      saveReport: () =>
        full ? { status: "error", error } : { status: "ok", data: { path: "/r.zip" } },
    });
    const { user } = await openSettings(backend);
    await user.click(get(testids.reportMake));
    await user.click(await find(testids.reportSave));

    expect(await screen.findByText("The disk is full.")).toBeTruthy();
    full = false;
    await user.click(get(testids.reportSave));
    expect(textOf(get(testids.reportSaved))).toContain("/r.zip");
    expect(screen.queryByText("The disk is full.")).toBeNull();
  });
});

describe("how much is logged", () => {
  it("is a choice that is saved with the others", async () => {
    const backend = new FakeBackend();
    const { user } = await openSettings(backend);

    await user.click(get(testids.logLevelDebug));
    await user.click(get(testids.save));

    expect(backend.callsOf("saveSettings")).toMatchObject([[{ logLevel: "debug" }]]);
  });

  it("is no choice where the environment decides", async () => {
    const backend = new FakeBackend();
    backend.settings = settingsView({ logLevelFixed: true });
    await openSettings(backend);

    expect(all(testids.logLevelInfo)).toEqual([]);
    expect(textOf(get(testids.diagnostics))).toContain("OPENCLAW_TRAY_LOG");
  });

  it("is the usual one where nothing was chosen", async () => {
    await openSettings(new FakeBackend());
    expect(input(testids.logLevelInfo).checked).toBe(true);
  });
});
