import { fireEvent, render, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { en } from "../src/i18n/en";
import { FakeBackend, voiceOverlay, voiceView } from "../src/ipc/fake";
import Spoken from "../src/views/Spoken.svelte";
import { find, get, testids, textOf } from "./window";

async function openSpoken() {
  const backend = new FakeBackend();
  backend.voice = voiceView({
    state: "capturing",
    overlay: voiceOverlay({ text: "turn on the", endsAtMs: null }),
  });
  render(Spoken, { backend, text: en });
  await waitFor(() => expect(get(testids.spoken).dataset["ready"]).toBe("true"));
  return { backend, user: userEvent.setup() };
}

describe("The small window of what is being said", () => {
  it("shows the words as they are understood, and sends what they were changed to", async () => {
    const { backend, user } = await openSpoken();
    const field = (await find(testids.voiceOverlayText)) as HTMLTextAreaElement;
    expect(field.value).toBe("turn on the");
    await user.clear(field);
    await user.type(field, "turn it off");
    await fireEvent.click(get(testids.voiceSend));

    const acts = backend.callsOf("voiceAct").map(([act]) => act);
    expect(acts.at(-2)).toEqual({ kind: "edit", text: "turn it off" });
    expect(acts.at(-1)).toEqual({ kind: "send" });
  });

  it("is put away by its cross and by Esc outside its field, and what was said goes on", async () => {
    const { backend } = await openSpoken();
    await fireEvent.click(await find(testids.spokenClose));
    await fireEvent.keyDown(window, { key: "Escape" });

    expect(backend.callsOf("closeSpoken")).toHaveLength(2);
    expect(backend.callsOf("voiceAct")).toEqual([]);
  });

  it("says what became of what was not sent, without a field", async () => {
    const { backend } = await openSpoken();
    backend.tellVoice(
      voiceView({
        overlay: voiceOverlay({ state: { kind: "kept", why: "outage", detail: null } }),
      }),
    );
    await waitFor(() => expect(textOf(get(testids.spoken))).toContain("Not sent"));
    await fireEvent.click(await find(testids.voiceRetry));
    expect(backend.callsOf("voiceAct").at(-1)).toEqual([{ kind: "retry", id: 1 }]);
  });
});
