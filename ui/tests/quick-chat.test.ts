import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { en } from "../src/i18n/en";
import type { ChatDraft } from "../src/ipc";
import { FakeBackend, message } from "../src/ipc/fake";
import QuickChat from "../src/views/QuickChat.svelte";
import { all, find, get, testids, textOf } from "./window";

async function openQuickChat() {
  const backend = new FakeBackend({
    chatHistory: (sessionKey: string) => ({
      status: "ok",
      data: {
        sessionKey,
        asOf: 0,
        messages: [message({ id: "1", text: "Said long before." })],
        inFlight: null,
        earlier: null,
        keptAtMs: null,
      },
    }),
  });
  render(QuickChat, { backend, text: en });
  await waitFor(() => expect(get(testids.quickChat).dataset["ready"]).toBe("true"));
  return { backend, user: userEvent.setup() };
}

describe("Quick Chat", () => {
  it("has the keyboard in its field and shows the answer to what is asked, and nothing before it", async () => {
    const { backend, user } = await openQuickChat();
    const field = await find(testids.chatInput);
    await waitFor(() => expect(document.activeElement).toBe(field));
    await user.type(field, "hi{Enter}");
    const [draft] = backend.callsOf("sendChat")[0] as [ChatDraft];
    backend.tellChat({ kind: "accepted", key: draft.key });
    backend.tellChat({ kind: "delta", runId: draft.key, text: "Hello th" });

    await screen.findByText("Hello th");
    expect(all(testids.chatUser)).toHaveLength(1);
    expect(screen.queryByText("Said long before.")).toBeNull();
    backend.tellChat({
      kind: "final",
      runId: draft.key,
      message: message({ text: "Hello there.", runId: draft.key }),
    });
    await screen.findByText("Hello there.");
    expect(textOf(get(testids.quickChat))).not.toContain("Said long before.");
  });

  it("goes away with Esc, unless that closes the list of commands", async () => {
    const { backend, user } = await openQuickChat();
    await user.type(await find(testids.chatInput), "/");
    await waitFor(() => expect(document.getElementById("commands")).not.toBeNull());
    await user.keyboard("{Escape}");
    expect(backend.callsOf("closeQuickChat")).toEqual([]);
    await user.keyboard("{Escape}");
    expect(backend.callsOf("closeQuickChat")).toHaveLength(1);
  });

  it("leads to the same conversation in the main window", async () => {
    const { backend } = await openQuickChat();
    await fireEvent.click(await find(testids.quickChatOpen));
    expect(backend.callsOf("leaveQuickChat")).toHaveLength(1);
  });
});
