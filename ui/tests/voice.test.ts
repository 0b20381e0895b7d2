/** Voice in the window: the page, what lies above everything, push-to-talk, and none of it in a browser. */
import { fireEvent, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import {
  FakeBackend,
  message,
  voiceForm,
  voiceModels,
  voiceOverlay,
  voiceView,
} from "../src/ipc/fake";
import { da } from "../src/i18n/da";
import { spokenIn } from "../src/lib/spoken";
import type { VoiceView } from "../src/ipc";
import { all, find, get, input, open, testids, textOf } from "./window";

async function openPage(
  over: Partial<VoiceView> = {},
  backend = new FakeBackend(),
  text?: typeof da,
) {
  backend.voice = voiceView(over);
  const drawn = await open(backend, ...(text === undefined ? [] : [text as never]));
  await drawn.user.click(get(testids.navVoice));
  await find(testids.voicePage);
  return { backend, ...drawn };
}

const acts = (backend: FakeBackend) => backend.callsOf("voiceAct").map(([act]) => act);

describe("the page about voice", () => {
  it("says how it stands, and is told more only while it is open", async () => {
    const { backend, user } = await openPage();
    expect(get(testids.voiceState).dataset["state"]).toBe("listening");
    expect(backend.callsOf("lookAtVoice")).toEqual([[{ page: true, tester: false }]]);
    backend.tellVoiceLevel(0.42);
    await waitFor(() => expect(get(testids.voiceLevel).getAttribute("aria-valuenow")).toBe("42"));
    await user.click(get(testids.navServer));
    expect(backend.callsOf("lookAtVoice").at(-1)).toEqual([{ page: false, tester: false }]);
  });

  it("sets one thing at a time, and shows what is so and not what was clicked", async () => {
    const { backend, user } = await openPage({ form: voiceForm({ wake: false }) });
    await user.click(get(testids.voiceWake));
    expect(backend.callsOf("setVoice")).toEqual([[voiceForm({ wake: true })]]);
    expect(input(testids.voiceWake).checked).toBe(false);
    backend.tellVoice({ form: voiceForm() });
    await waitFor(() => expect(input(testids.voiceWake).checked).toBe(true));
    await user.selectOptions(get(testids.voiceMicrophone), "alsa:head");
    const microphone = { microphone: "alsa:head", microphoneName: "Headset" };
    expect(backend.callsOf("setVoice").at(-1)).toEqual([voiceForm(microphone)]);
  });

  it("greys the switch where nothing can listen, and says why, in both languages", async () => {
    const hindrance = {
      kind: "noLibrary",
      library: "libpocketsphinx.so.3",
      package: "libpocketsphinx3",
    } as const;
    const cannot = { canListen: false, state: "off", form: voiceForm({ wake: false }) } as const;
    const { unmount } = await openPage({ ...cannot, hindrance });
    expect(input(testids.voiceWake).disabled).toBe(true);
    expect(textOf(get(testids.voiceHindrance))).toContain("apt install libpocketsphinx3");
    unmount();
    await openPage({ ...cannot, hindrance }, new FakeBackend(), da as never);
    expect(textOf(get(testids.voiceHindrance))).toContain("ikke installeret");
  });

  it("can always be turned off", async () => {
    await openPage({ canListen: false, hindrance: { kind: "noModel" }, state: "hindered" });
    expect(input(testids.voiceWake).disabled).toBe(false);
  });

  it("remembers a microphone that is not there", async () => {
    const form = voiceForm({ microphone: "alsa:old", microphoneName: "Old one" });
    await openPage({ form, microphone: { name: "Desk microphone", isFallback: true } });
    expect(input(testids.voiceMicrophone).value).toBe("alsa:old");
    expect(textOf(get(testids.voiceMicrophone))).toContain("Old one (not connected)");
    expect(textOf(get(testids.voicePage))).toContain("Desk microphone is used until");
  });

  it("edits the gateway's triggers as a list, and marks what the engine cannot recognise", async () => {
    const { backend, user } = await openPage({
      triggers: [
        { words: "computer", isUnknown: false },
        { words: "zyxomma", isUnknown: true },
      ],
    });
    expect(all(testids.voiceTriggerUnknown)).toHaveLength(1);
    await user.click(all(testids.voiceTriggerRemove)[1] ?? document.body);
    await user.click(get(testids.voiceTriggerAdd));
    await user.type(all(testids.voiceTrigger)[1] ?? document.body, " hey claw ");
    expect(backend.callsOf("setVoiceTriggers")).toEqual([]);
    await user.click(get(testids.voiceTriggersSave));
    expect(backend.callsOf("setVoiceTriggers")).toEqual([[["computer", "hey claw"]]]);
    await user.click(await find(testids.voiceTriggersUsual));
    expect(backend.callsOf("setVoiceTriggers").at(-1)).toEqual([[]]);
  });

  it("keeps what was written where the gateway refuses it", async () => {
    const problem = { code: "gatewayRefused", message: "The gateway refused: no", action: null };
    const backend = new FakeBackend({
      setVoiceTriggers: () => ({ status: "error", error: problem }),
    });
    const { user } = await openPage({}, backend);
    await user.type(all(testids.voiceTrigger)[0] ?? document.body, "s");
    await user.click(get(testids.voiceTriggersSave));
    expect(textOf(await find(testids.problem))).toContain("refused");
    expect((all(testids.voiceTrigger)[0] as HTMLInputElement).value).toBe("hey openclaws");
  });

  it("cannot edit triggers without the gateway, and shows its routes", async () => {
    await openPage({
      canEditTriggers: false,
      routes: [
        { trigger: "computer", target: "work" },
        { trigger: null, target: null },
      ],
    });
    expect((all(testids.voiceTrigger)[0] as HTMLInputElement).disabled).toBe(true);
    const routes = [...get(testids.voiceRoutes).children].map((route) => textOf(route));
    expect(routes).toEqual(["computer work", "Everything else the conversation you look at"]);
  });

  it("gets a model only on a click, shows how far it is, and goes on with what is here", async () => {
    const whisper = voiceForm({ engine: "whisper" });
    const { backend, user } = await openPage({
      form: whisper,
      models: voiceModels({ base: { begunMib: 40 } }),
    });
    expect(backend.callsOf("editVoiceModels")).toEqual([]);
    const gets = all(testids.voiceModelGet).map((button) => textOf(button));
    expect(gets).toEqual(["Download", "Download", "Download", "Go on", "Download"]);
    await user.click(all(testids.voiceModelGet)[2] ?? document.body);
    expect(backend.callsOf("editVoiceModels")).toEqual([[{ kind: "get", id: "base.en" }]]);
    backend.tellVoice({ models: voiceModels({ "base.en": { progress: 0.25 } }) });
    await waitFor(() => expect(input(testids.voiceModelProgress).value).toBe(0.25));
    await user.click(get(testids.voiceModelStop));
    expect(backend.callsOf("editVoiceModels").at(-1)).toEqual([{ kind: "stop" }]);
    backend.tellVoice({ models: voiceModels({ "base.en": { isInstalled: true } }) });
    await user.click(await find(testids.voiceModelUse));
    expect(backend.callsOf("setVoice")).toEqual([[{ ...whisper, model: "base.en" }]]);
    await user.click(get(testids.voiceModelChoose));
    expect(backend.callsOf("editVoiceModels").at(-1)).toEqual([{ kind: "chooseFile" }]);
  });

  it("tries it out, and stops when one goes elsewhere", async () => {
    const { backend, user } = await openPage();
    await user.click(get(testids.voiceTest));
    expect(backend.callsOf("lookAtVoice").at(-1)).toEqual([{ page: true, tester: true }]);
    backend.tellVoice({ tester: { hears: "what ti", understood: null, trigger: null } });
    await waitFor(() => expect(textOf(get(testids.voiceTester))).toBe("Hears: what ti"));
    backend.tellVoice({
      tester: { hears: null, understood: "what time is it", trigger: "computer" },
    });
    await waitFor(() =>
      expect(textOf(get(testids.voiceTester))).toBe("Understood: what time is it after “computer”"),
    );
    await user.click(get(testids.navChat));
    expect(backend.callsOf("lookAtVoice").at(-1)).toEqual([{ page: false, tester: false }]);
  });
});

describe("what is being said", () => {
  async function say(over = {}) {
    const backend = new FakeBackend();
    backend.voice = voiceView({ overlay: voiceOverlay(over) });
    return { backend, ...(await open(backend)) };
  }

  it("lies above every page, and is sent or thrown away", async () => {
    const { backend, user } = await say({ endsAtMs: Date.now() + 1_900 });
    const overlay = get(testids.voiceOverlay);
    expect(textOf(overlay)).toContain("Sent in 2 s");
    await user.click(get(testids.voiceSend));
    await user.click(get(testids.voiceCancel));
    expect(acts(backend)).toEqual([{ kind: "send" }, { kind: "cancel" }]);
    backend.tellVoice({ overlay: null });
    await waitFor(() => expect(all(testids.voiceOverlay)).toEqual([]));
  });

  it("is not sent by itself once somebody is about to change it", async () => {
    const { backend, user } = await say();
    await user.click(get(testids.voiceOverlayText));
    expect(acts(backend)).toEqual([{ kind: "edit", text: "what's on today" }]);
    backend.tellVoice({ overlay: voiceOverlay({ state: { kind: "editing", why: "edited" } }) });
    await user.type(get(testids.voiceOverlayText), " at home");
    expect(acts(backend).at(-1)).toEqual({ kind: "edit", text: "what's on today at home" });
    // What the app echoes late does not take back what was typed since.
    backend.tellVoice({
      overlay: voiceOverlay({ text: "what's on", state: { kind: "editing", why: "edited" } }),
    });
    expect(input(testids.voiceOverlayText).value).toBe("what's on today at home");
    await user.keyboard("{Enter}");
    expect(acts(backend).at(-1)).toEqual({ kind: "send" });
  });

  it("is thrown away with Escape while it is being changed", async () => {
    const { backend, user } = await say();
    await user.click(get(testids.voiceOverlayText));
    await user.keyboard("{Escape}");
    expect(acts(backend).at(-1)).toEqual({ kind: "cancel" });
  });

  it("counts down while the connection is away, and tells it aloud once", async () => {
    await say({ state: { kind: "waiting" }, endsAtMs: Date.now() + 41_500 });
    expect(textOf(get(testids.voiceOverlaySays))).toBe("Waiting for the connection: 42 s left");
    expect(textOf(get(testids.voiceOverlaySpoken))).toContain("60 s left");
  });

  it("keeps what was not sent until a person decides", async () => {
    const { backend, user } = await say({
      id: 7,
      state: { kind: "kept", why: "outage", detail: null },
      behind: 2,
    });
    expect(textOf(get(testids.voiceOverlay))).toContain("2 more wait");
    await user.click(get(testids.voiceRetry));
    await user.click(get(testids.voiceDiscard));
    expect(acts(backend)).toEqual([
      { kind: "retry", id: 7 },
      { kind: "discard", id: 7 },
    ]);
  });

  it("is never offered to another gateway", async () => {
    await say({ state: { kind: "kept", why: "otherGateway", detail: null } });
    expect(all(testids.voiceRetry)).toEqual([]);
    expect(get(testids.voiceDiscard)).toBeTruthy();
  });

  it("says what the gateway says where it refuses", async () => {
    await say({ state: { kind: "kept", why: "refused", detail: "no such session" } });
    expect(textOf(get(testids.voiceOverlaySays))).toBe("Not sent: no such session");
  });
});

describe("push-to-talk", () => {
  it("is beside the message field where it is on, and is held by mouse and by key", async () => {
    const backend = new FakeBackend();
    backend.voice = voiceView({ canTalk: true });
    await open(backend);
    const button = await find(testids.voiceTalk);
    await fireEvent.pointerDown(button, { button: 0 });
    expect(acts(backend)).toEqual([{ kind: "hold" }]);
    // What is shown meanwhile does not take the button away.
    backend.tellVoice({ overlay: voiceOverlay({ text: "", trigger: null }) });
    await find(testids.voiceOverlay);
    expect(acts(backend)).toEqual([{ kind: "hold" }]);
    await fireEvent.pointerUp(button);
    await fireEvent.keyDown(button, { key: " " });
    await fireEvent.keyDown(button, { key: " ", repeat: true });
    await fireEvent.keyUp(button, { key: " " });
    const kinds = ["hold", "release", "hold", "release"];
    expect(acts(backend)).toEqual(kinds.map((kind) => ({ kind })));
  });

  it("is released when its button goes away", async () => {
    const backend = new FakeBackend();
    backend.voice = voiceView({ canTalk: true });
    const { user } = await open(backend);
    await fireEvent.pointerDown(await find(testids.voiceTalk), { button: 0 });
    await user.click(get(testids.navServer));
    expect(acts(backend)).toEqual([{ kind: "hold" }, { kind: "release" }]);
  });
});

describe("what was said, in its conversation", () => {
  const line =
    "User talked via voice recognition on laptop - repeat prompt first + remember some words might be incorrectly transcribed.";

  it("stands before its answer also where it is told after the run has begun", async () => {
    const backend = new FakeBackend();
    await open(backend);
    backend.tellChat({ kind: "status", runId: "key", phase: "preparing_context" });
    backend.tellChat({
      kind: "queued",
      key: "key",
      text: `${line}\n\nturn on the light`,
      files: [],
    });
    backend.tellChat({ kind: "accepted", key: "key" });
    const said = await find(testids.chatUser);
    expect(said.dataset["state"]).toBe("accepted");
    expect(textOf(said)).toContain("turn on the light");
    expect(textOf(said)).not.toContain("repeat prompt first");
    expect(textOf(get(testids.chatSpoken))).toBe("said on laptop");
    const page = textOf(get(testids.chatPage));
    expect(page.indexOf("Reading up")).toBeGreaterThan(page.indexOf("turn on the light"));
  });

  it("stands below the day of its answer", async () => {
    const backend = new FakeBackend();
    await open(backend);
    backend.tellChat({
      kind: "queued",
      key: "key",
      text: `${line}\n\nturn on the light`,
      files: [],
    });
    backend.tellChat({ kind: "accepted", key: "key" });
    const answer = message({ text: "It is on.", atMs: Date.now(), runId: "key" });
    backend.tellChat({ kind: "final", runId: "key", message: answer });
    await waitFor(() => expect(textOf(get(testids.chatPage))).toContain("It is on."));
    const page = textOf(get(testids.chatPage));
    expect(page.indexOf("Today")).toBeLessThan(page.indexOf("turn on the light"));
    expect(page.indexOf("Today")).not.toBe(-1);
  });

  it("is told from a message that only speaks of it", () => {
    expect(spokenIn(`[Mon 2026-11-30 22:00 UTC] ${line}\n\nhello\nyou`)).toEqual({
      machine: "laptop",
      words: "hello\nyou",
    });
    expect(spokenIn(line)).toBeNull();
    expect(spokenIn(`See: ${line}\n\nhello`)).toBeNull();
  });
});

describe("in a browser", () => {
  it("there is no voice", async () => {
    const backend = new FakeBackend();
    backend.voice = null;
    await open(backend);
    for (const id of [testids.navVoice, testids.voiceOverlay, testids.voiceTalk]) {
      expect(all(id)).toEqual([]);
    }
  });
});
