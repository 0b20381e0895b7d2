import { fireEvent, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { FakeBackend, settingsView } from "../src/ipc/fake";
import { pressed } from "../src/lib/shortcut";
import { all, find, get, open, testids } from "./window";

describe("what was pressed", () => {
  const event = (over: Partial<KeyboardEvent>) => ({
    key: "",
    code: "",
    ctrlKey: false,
    altKey: false,
    shiftKey: false,
    metaKey: false,
    ...over,
  });
  const ctrlAlt = { ctrlKey: true, altKey: true };

  it.each([
    [{ ...ctrlAlt, key: " ", code: "Space" }, "Ctrl+Alt+Space"],
    [{ ctrlKey: true, shiftKey: true, key: "C", code: "KeyC" }, "Ctrl+Shift+C"],
    // A French keyboard has its A where others have their Q.
    [{ ctrlKey: true, key: "a", code: "KeyQ" }, "Ctrl+A"],
    // With the third level the key writes a sign of its own.
    [{ ...ctrlAlt, key: "©", code: "KeyC" }, "Ctrl+Alt+C"],
    [{ metaKey: true, key: "F7", code: "F7" }, "Super+F7"],
    [{ key: "Pause", code: "Pause" }, "Pause"],
    [{ shiftKey: true, altKey: true, key: "!", code: "Digit1" }, "Alt+Shift+1"],
  ])("is written as the settings file does: %o", (over, keys) => {
    expect(pressed(event(over))).toBe(keys);
  });

  it.each([
    [{ ctrlKey: true, key: "Control", code: "ControlLeft" }],
    [{ key: "ArrowUp", code: "ArrowUp" }],
    [{ ctrlKey: true, key: "æ", code: "Semicolon" }],
  ])("is nothing yet, or nothing that can be had: %o", (over) => {
    expect(pressed(event(over))).toBeNull();
  });
});

async function openShortcuts(backend: FakeBackend) {
  const opened = await open(backend);
  backend.tellPage("settings");
  await find(testids.settingsPage);
  return opened;
}

describe("the field", () => {
  it("listens once it is clicked, and sets what is pressed", async () => {
    const backend = new FakeBackend();
    const { user } = await openShortcuts(backend);
    const button = get(testids.shortcutKeys);
    expect(button.textContent).toContain("Ctrl + Alt + Space");

    await fireEvent.keyDown(button, { key: "F7", code: "F7", metaKey: true });
    expect(backend.callsOf("setShortcut")).toEqual([]);

    await user.click(button);
    await fireEvent.keyDown(button, { key: "Meta", code: "MetaLeft", metaKey: true });
    await fireEvent.keyDown(button, { key: "F7", code: "F7", metaKey: true });

    expect(backend.callsOf("setShortcut")).toEqual([["quickChat", "Super+F7"]]);
  });

  it("is left by Esc, and emptied by its cross", async () => {
    const backend = new FakeBackend();
    const { user } = await openShortcuts(backend);
    const button = get(testids.shortcutKeys);
    await user.click(button);
    await fireEvent.keyDown(button, { key: "Escape", code: "Escape" });
    await fireEvent.keyDown(button, { key: "F7", code: "F7" });
    expect(backend.callsOf("setShortcut")).toEqual([]);

    await user.click(get(testids.shortcutRemove));

    expect(backend.callsOf("setShortcut")).toEqual([["quickChat", ""]]);
  });

  it("says why keys are refused, and why they do not work", async () => {
    const message = "These keys cannot be used: F is needed for writing: add Ctrl or Alt.";
    const backend = new FakeBackend({
      setShortcut: () => ({
        status: "error",
        error: { code: "noShortcut", message, action: null },
      }),
    });
    const { user } = await openShortcuts(backend);
    const button = get(testids.shortcutKeys);
    await user.click(button);
    await fireEvent.keyDown(button, { key: "f", code: "KeyF" });
    await waitFor(() =>
      expect(within(get(testids.shortcut)).getByTestId(testids.problem).dataset["code"]).toBe(
        "noShortcut",
      ),
    );

    const view = settingsView();
    view.shortcuts.quickChat.problem = "taken";
    backend.tellSettings(view);

    await find(testids.shortcutProblem);
  });

  it("is not there where the system gives no such keys", async () => {
    const backend = new FakeBackend();
    backend.settings = settingsView();
    backend.settings.shortcuts.possible = false;
    await openShortcuts(backend);

    expect(all(testids.shortcuts)).toEqual([]);
  });
});
