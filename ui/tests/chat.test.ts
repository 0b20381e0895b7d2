import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ChatDraft, ChatHistoryView, ChatMessageView, Commands } from "../src/ipc";
import {
  FakeBackend,
  connectionView,
  downView,
  message,
  settingsView,
  tool,
} from "../src/ipc/fake";
import { all, find, get, input, open, testids, textOf } from "./window";

type Answers = ConstructorParameters<typeof FakeBackend>[0];

const told = (
  asOf: number,
  ...messages: ChatMessageView[]
): { status: "ok"; data: ChatHistoryView } => ({
  status: "ok",
  data: { sessionKey: "main", asOf, messages, inFlight: null, earlier: null, keptAtMs: null },
});

async function openChat(answers: Answers = {}, change: (backend: FakeBackend) => void = () => {}) {
  const backend = new FakeBackend(answers);
  change(backend);
  const opened = await open(backend);
  backend.tellPage("chat");
  await find(testids.chatPage);
  return { backend, ...opened };
}

const drafts = (backend: FakeBackend) =>
  backend.callsOf("sendChat").map(([draft]) => draft as ChatDraft);
const users = () => all(testids.chatUser).map((row) => [row.dataset["state"], textOf(row)]);

afterEach(() => vi.useRealTimers());

describe("a disk that keeps nothing", () => {
  it("is told above the field, and no more once it keeps again", async () => {
    const backend = new FakeBackend();
    await open(backend);
    backend.tellSettings({ ...settingsView(), notKept: "diskFull" });
    expect(await find(testids.notKept)).toHaveProperty("dataset.why", "diskFull");

    backend.tellSettings(settingsView());
    await waitFor(() => expect(all(testids.notKept)).toEqual([]));
  });
});

describe("the conversation", () => {
  it("shows the history and streams a reply to what is sent", async () => {
    const { backend, user } = await openChat({
      chatHistory: () => told(0, message({ id: "1", text: "Good morning." })),
    });
    await screen.findByText("Good morning.");
    await user.type(get(testids.chatInput), "hi{Enter}");

    const [draft] = drafts(backend);
    expect(draft).toMatchObject({ sessionKey: "main", text: "hi" });
    expect(users()).toEqual([["sending", "You: hi Sending…"]]);
    expect(input(testids.chatInput).value).toBe("");

    const key = draft?.key ?? "";
    backend.tellChat({ kind: "queued", key, text: "hi", files: [] });
    backend.tellChat({ kind: "accepted", key });
    await waitFor(() => expect(textOf(get(testids.chatRunning))).toBe("Agent: Preparing…"));
    backend.tellChat({ kind: "status", runId: key, phase: "starting_model" });
    await waitFor(() =>
      expect(textOf(get(testids.chatRunning))).toBe("Agent: Starting the model…"),
    );
    backend.tellChat({ kind: "delta", runId: key, text: "Hel" });
    await waitFor(() => expect(textOf(get(testids.chatRunning))).toBe("Agent: Hel Writing…"));
    const final = message({ text: "Hello.", runId: key });
    backend.tellChat({ kind: "final", runId: key, message: final });
    await screen.findByText("Hello.");
    expect(all(testids.chatRunning)).toEqual([]);
    expect(all(testids.chatAssistant)).toHaveLength(2);
  });

  it("keeps for a later window what was not sent, and takes over what an earlier one left", async () => {
    const problem = { code: "gatewayRefused", message: "No room.", action: null };
    const text = "still on its way";
    const left = { sessionKey: "main", key: "k", text, attachments: [], problem: null };
    const { backend, user } = await openChat({
      unsent: () => ({
        status: "ok",
        data: { draft: "half a", messages: [left, { ...left, key: "r", text: "no", problem }] },
      }),
    });
    const field = get(testids.chatInput);
    expect(input(testids.chatInput).value).toBe("half a");
    expect(users().map(([state]) => state)).toEqual(["queued", "refused"]);

    await user.type(field, "!");
    expect(backend.callsOf("keepDraft").at(-1)).toEqual(["home", "main", "half a!"]);
    await user.clear(field);
    await user.click(get(testids.chatEdit));
    expect(backend.callsOf("forgetMessage")).toEqual([["r"]]);
    expect(backend.callsOf("keepDraft").at(-1)).toEqual(["home", "main", "no"]);
    expect(users().map(([state]) => state)).toEqual(["queued"]);
  });

  it("starts a new line with Shift+Enter, and sends nothing that is empty or being composed", async () => {
    const { backend, user } = await openChat();
    const field = get(testids.chatInput);
    await user.type(field, "  {Enter}");
    await user.clear(field);
    await user.type(field, "one{Shift>}{Enter}{/Shift}two");
    await fireEvent.keyDown(field, { key: "Enter", isComposing: true });
    expect(drafts(backend)).toEqual([]);
    await user.click(get(testids.chatSend));
    expect(drafts(backend)[0]?.text).toBe("one\ntwo");
  });

  it("stops the reply that runs", async () => {
    const { backend, user } = await openChat();
    await waitFor(() => expect(backend.callsOf("chatHistory")).toHaveLength(1));
    expect(all(testids.chatStop)).toEqual([]);
    backend.tellChat({ kind: "delta", runId: "r", text: "Once upon" });
    await user.click(await find(testids.chatStop));
    expect(backend.callsOf("abortChat")).toEqual([["main", "r"]]);
    backend.tellChat({ kind: "aborted", runId: "r", text: "Once upon a" });
    await waitFor(() =>
      expect(textOf(get(testids.chatAssistant))).toBe("Agent: Once upon a Stopped"),
    );
    expect(all(testids.chatStop)).toEqual([]);
  });

  it("keeps what is written offline in sight, and shows it once after the connection is back", async () => {
    let history = told(0);
    const { backend, user } = await openChat({ chatHistory: () => history });
    await find(testids.chatEmpty);
    backend.tellConnection(downView({ phase: "retry_wait", attempt: 1, nextAttemptAtMs: 9e15 }));
    await user.type(get(testids.chatInput), "are you there?{Enter}");
    const key = drafts(backend)[0]?.key ?? "";
    backend.tellChat({ kind: "queued", key, text: "are you there?", files: [] });
    await waitFor(() =>
      expect(users()).toEqual([["queued", "You: are you there? Waits for the connection Cancel"]]),
    );
    expect(textOf(get(testids.navChat))).toContain("1 message waits");

    history = told(
      3,
      message({ role: "user", text: "are you there?", key: `${key}:user` }),
      message({ text: "Always.", runId: key }),
    );
    backend.tellConnection(connectionView());
    backend.tellChat({ kind: "accepted", key });
    backend.tellChat({ kind: "refetch" });
    await screen.findByText("Always.");
    expect(users().map(([state]) => state)).toEqual(["delivered"]);
  });

  it("shows why a message was refused, sends it again under a new key, or gives it back", async () => {
    const { backend, user } = await openChat();
    await user.type(get(testids.chatInput), "big{Enter}");
    const problem = { code: "tooLarge", message: "It is too large.", action: null };
    backend.tellChat({ kind: "refused", key: drafts(backend)[0]?.key ?? "", problem });
    await waitFor(() => expect(users()[0]?.[1]).toContain("Not sent. It is too large."));

    await user.click(get(testids.chatRetry));
    const [first, second] = drafts(backend);
    expect(second?.text).toBe("big");
    expect(second?.key).not.toBe(first?.key);
    expect(users()).toEqual([["sending", "You: big Sending…"]]);

    backend.tellChat({ kind: "refused", key: second?.key ?? "", problem });
    await user.click(await find(testids.chatEdit));
    expect(input(testids.chatInput).value).toBe("big");
    expect(users()).toEqual([]);
  });

  it("says when the app did not take a message at all", async () => {
    const { user } = await openChat({
      sendChat: () => Promise.reject(new Error("the app is gone")),
    });
    await user.type(get(testids.chatInput), "hi{Enter}");
    await waitFor(() => expect(users()[0]?.[1]).toContain("Not sent. That did not work."));
  });

  it("asks a failed reply's question again", async () => {
    const { backend, user } = await openChat({
      chatHistory: () => told(0, message({ role: "user", text: "why?", key: "k:user" })),
    });
    await screen.findByText("why?");
    backend.tellChat({ kind: "failed", runId: "k", message: "No model." });
    await user.click(await find(testids.chatRetry));
    expect(drafts(backend)[0]).toMatchObject({ text: "why?" });
    expect(all(testids.chatAssistant)).toEqual([]);
  });

  it("reads the history again when something was missed", async () => {
    const backend = new FakeBackend();
    let reads = 0;
    const { commands } = backend;
    commands.chatHistory = () => {
      reads += 1;
      return Promise.resolve(
        told(reads === 1 ? 0 : 5, message({ id: "1", text: `read ${reads}` })),
      );
    };
    await open(backend);
    await screen.findByText("read 1");
    backend.skipChat(4);
    backend.tellChat({ kind: "delta", runId: "r", text: "late" });
    await screen.findByText("read 2");
    expect(reads).toBe(2);
  });

  it("says when the conversation cannot be read, and tries again", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const problem = { code: "timeout", message: "The gateway did not answer.", action: null };
    let fails = true;
    await openChat({
      chatHistory: () =>
        fails ? { status: "error", error: problem } : told(0, message({ text: "Here." })),
    });
    await find(testids.chatProblem);
    expect(textOf(get(testids.problem))).toBe("The gateway did not answer.");
    fails = false;
    await vi.advanceTimersByTimeAsync(3_000);
    await screen.findByText("Here.");
    expect(all(testids.chatProblem)).toEqual([]);
  });

  it("draws code as code and markup as text", async () => {
    await openChat({
      chatHistory: () =>
        told(
          0,
          message({ text: "Look:\n\n```html\n<b>bold</b>\n```\n\n<img src=x onerror=alert(1)>" }),
        ),
    });
    const row = await find(testids.chatAssistant);
    expect(row.querySelector("pre")?.textContent).toBe("<b>bold</b>");
    expect(row.querySelector("img, b")).toBeNull();
    expect(textOf(row)).toContain("<img src=x onerror=alert(1)>");
  });

  it("folds the results of tools into one line", async () => {
    await openChat({
      chatHistory: () =>
        told(0, message({ role: "tool", text: "a" }), message({ role: "tool", text: "b" })),
    });
    expect(textOf(await find(testids.chatTools))).toContain("Used 2 tools");
    expect((get(testids.chatTools) as HTMLDetailsElement).open).toBe(false);
  });

  it("shows what a tool was called with and what it answered, once it is opened", async () => {
    const { user } = await openChat({
      chatHistory: () =>
        told(
          0,
          message({
            reasoning: "Let me **look**.",
            tools: [tool({ id: "1", state: "called", result: null })],
            runId: "k",
          }),
          message({
            role: "tool",
            text: "623G free",
            answers: { callId: "1", name: "exec", failed: true },
          }),
        ),
    });
    const work = await find(testids.chatTools);
    expect(textOf(work)).toBe("exec df -h failed");
    await user.click(work.querySelector("summary") as HTMLElement);
    expect(textOf(await find(testids.chatThought))).toBe("Let me look.");
    expect(get(testids.chatTool).dataset["state"]).toBe("failed");
    expect(textOf(get(testids.chatTool))).toContain("623G free");
    expect(textOf(get(testids.chatTool))).toContain('"command": "df -h"');
  });

  it("shows where a link leads before it is opened, and opens it once", async () => {
    const { backend, user } = await openChat({
      chatHistory: () =>
        told(0, message({ text: "[my bank](https://bank.example@evil.example/x)" })),
    });
    const link = await find(testids.chatLink);
    expect(link.closest("a")).toBeNull();
    await user.click(link);
    expect(textOf(get(testids.linkHost))).toBe("evil.example");
    expect(textOf(get(testids.linkAddress))).toBe("https://bank.example@evil.example/x");
    expect(backend.callsOf("openLink")).toEqual([]);
    await user.click(get(testids.linkOpen));
    expect(backend.callsOf("openLink")).toHaveLength(1);
    await waitFor(() => expect(all(testids.linkHost)).toEqual([]));
  });

  it("fetches a message whole that the gateway told only a part of", async () => {
    const { user } = await openChat({
      chatHistory: () => told(0, message({ id: "m", text: "The beginn", truncated: true })),
      chatMessage: () => ({
        status: "ok" as const,
        data: message({ text: "The beginning and the end" }),
      }),
    });
    await user.click(await find(testids.chatWhole));
    await waitFor(() =>
      expect(textOf(get(testids.chatAssistant))).toContain("The beginning and the end"),
    );
    expect(all(testids.chatWhole)).toEqual([]);
  });

  it("quotes a message into the composer", async () => {
    const { user } = await openChat({
      chatHistory: () => told(0, message({ text: "One\n\n**Two**" })),
    });
    await user.type(get(testids.chatInput), "Why?");
    await user.click(await find(testids.chatQuote));
    expect(input(testids.chatInput).value).toBe("> One\n> \n> **Two**\n\nWhy?");
    expect(document.activeElement).toBe(get(testids.chatInput));
  });

  it("finds words in the conversation, across pieces of a line, and goes through them", async () => {
    const { user } = await openChat({
      chatHistory: () =>
        told(
          0,
          message({ id: "1", text: "A disk and a *di*sk" }),
          message({ id: "2", text: "no DISK" }),
        ),
    });
    await screen.findByText("no DISK");
    await user.keyboard("{Control>}f{/Control}");
    expect(document.activeElement).toBe(get(testids.findField));
    await user.keyboard("disk");
    expect(textOf(get(testids.findCount))).toBe("3 of 3");
    await user.keyboard("{Enter}");
    expect(textOf(get(testids.findCount))).toBe("2 of 3");
    await user.click(get(testids.findNext));
    await user.click(get(testids.findNext));
    expect(textOf(get(testids.findCount))).toBe("1 of 3");
    await user.type(get(testids.findField), "x");
    expect(textOf(get(testids.findCount))).toBe("Not found");
    await user.keyboard("{Escape}");
    expect(all(testids.findBar)).toEqual([]);
    expect(document.activeElement).toBe(get(testids.chatInput));
  });

  it("keeps what is being written while another page is shown", async () => {
    const { user } = await openChat();
    await user.type(get(testids.chatInput), "half a");
    await user.click(get(testids.navServer));
    await user.click(get(testids.navChat));
    expect(input(testids.chatInput).value).toBe("half a");
    expect(document.activeElement).toBe(get(testids.chatInput));
  });
});

describe("while there is nothing to show", () => {
  it("says that nothing was said yet", async () => {
    await openChat();
    await find(testids.chatEmpty);
  });

  it("says that it reads", async () => {
    await openChat({ chatHistory: () => new Promise(() => {}) });
    await find(testids.chatLoading);
  });

  it("says that it is offline, and takes messages", async () => {
    const { user, backend } = await openChat({}, (backend) => {
      backend.connection = downView({ phase: "connecting", attempt: 1 });
    });
    await find(testids.chatOffline);
    // What is kept is asked for, and there is nothing.
    expect(backend.callsOf("chatHistory")).toHaveLength(1);
    await user.type(get(testids.chatInput), "later{Enter}");
    expect(drafts(backend)).toHaveLength(1);
  });
});

/** happy-dom lays nothing out, so that a layout is played: every row is 100 px high. */
function layOut(scroller: HTMLElement, rowsAbove: () => number) {
  let top = 0;
  const height = () => rowsAbove() * 100;
  Object.defineProperties(scroller, {
    scrollHeight: { get: height },
    clientHeight: { get: () => 300 },
    scrollTop: {
      get: () => top,
      set: (value: number) => (top = Math.max(0, Math.min(value, height() - 300))),
    },
  });
  scroller.getBoundingClientRect = () => new DOMRect(0, 0, 500, 300);
  const original = HTMLElement.prototype.getBoundingClientRect;
  vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockImplementation(function (
    this: HTMLElement,
  ) {
    if (this.dataset["row"] === undefined) return original.call(this);
    const index = [...(this.parentElement?.children ?? [])].indexOf(this);
    return new DOMRect(0, index * 100 - top, 500, 100);
  });
}

describe("scrolling", () => {
  const many = (count: number, from = 0) =>
    Array.from({ length: count }, (_, index) =>
      message({ id: String(from + index), text: `line ${from + index}` }),
    );

  async function openLong() {
    let history = told(0, ...many(10));
    const opened = await openChat({ chatHistory: () => history });
    const scroller = get(testids.chatScroller);
    layOut(scroller, () => scroller.querySelectorAll("[data-row]").length);
    await screen.findByText("line 9");
    const scrollTo = async (top: number) => {
      scroller.scrollTop = top;
      await fireEvent.scroll(scroller);
    };
    await scrollTo(1_000);
    return { ...opened, scroller, scrollTo, tell: (next: typeof history) => (history = next) };
  }

  it("follows a reply from the bottom", async () => {
    const { backend, scroller } = await openLong();
    expect(all(testids.chatLatest)).toEqual([]);
    backend.tellChat({ kind: "delta", runId: "r", text: "new" });
    await screen.findByText("new");
    await waitFor(() => expect(scroller.scrollTop).toBe(800));
  });

  it("never moves what is being read, and jumps to the latest when asked", async () => {
    const { backend, scroller, scrollTo, user } = await openLong();
    await scrollTo(200);
    backend.tellChat({ kind: "delta", runId: "r", text: "new" });
    await screen.findByText("new");
    expect(scroller.scrollTop).toBe(200);

    await user.click(get(testids.chatLatest));
    expect(scroller.scrollTop).toBe(800);
    await waitFor(() => expect(all(testids.chatLatest)).toEqual([]));
  });

  it("stays with the row that is being read when a new history puts more above it", async () => {
    const { backend, scroller, scrollTo, tell } = await openLong();
    await scrollTo(250);
    tell(told(1, ...many(3, 100), ...many(10)));
    backend.tellChat({ kind: "refetch" });
    await screen.findByText("line 102");
    // "line 2" was at the top edge, half of it hidden; three rows came above it.
    await waitFor(() => expect(scroller.scrollTop).toBe(550));
  });
});

describe("the pages", () => {
  it("is the server until it was up, and the conversation from then on", async () => {
    const backend = new FakeBackend();
    backend.connection = downView({ phase: "connecting", attempt: 1 });
    await open(backend);
    expect(all(testids.serverPage)).toHaveLength(1);
    backend.tellConnection(connectionView());
    await find(testids.chatPage);
    backend.tellConnection(downView({ phase: "retry_wait", attempt: 1, nextAttemptAtMs: 9e15 }));
    await waitFor(() => expect(textOf(get(testids.railState))).toContain("Reconnecting"));
    expect(all(testids.chatPage)).toHaveLength(1);
  });

  it("follows what is asked for, here and in the tray", async () => {
    const { backend, user } = await openChat();
    await user.click(get(testids.navSettings));
    expect(get(testids.navSettings).getAttribute("aria-current")).toBe("page");
    backend.tellPage("server");
    await find(testids.serverPage);
    await user.click(get(testids.navChat));
    await find(testids.chatPage);
  });

  it("leads to the set-up where nothing is set up", async () => {
    const { user } = await openChat({}, (backend) => {
      backend.connection = downView();
      backend.settings = settingsView({ runs: "notConfigured" });
    });
    await user.click(screen.getByRole("button", { name: "Set up the connection" }));
    await find(testids.settingsPage);
  });

  it("shows what was kept, and from when, until the gateway can be asked", async () => {
    const kept = told(0, message({ id: "1", text: "What is on today?" }));
    let online = false;
    const backend = new FakeBackend({
      chatHistory: () =>
        online
          ? told(0, message({ id: "1", text: "What is on today?" }), message({ text: "Nothing." }))
          : { ...kept, data: { ...kept.data, keptAtMs: Date.UTC(2026, 0, 2, 12) } },
    });
    backend.connection = downView();
    await open(backend);
    backend.tellPage("chat");

    await screen.findByText("What is on today?");
    expect(textOf(get(testids.chatPage))).toMatch(/as of Jan 2, 2026/);
    expect(backend.callsOf("chatHistory")).toHaveLength(1);

    online = true;
    backend.tellConnection(connectionView());
    await screen.findByText("Nothing.");
    expect(textOf(get(testids.chatPage))).not.toContain("as of");
  });

  it("takes a message back that waits, and its words go into the empty composer", async () => {
    let answer: Awaited<ReturnType<Commands["cancelMessage"]>> = { status: "ok", data: null };
    const { backend, user } = await openChat({ cancelMessage: () => answer });
    const say = async (text: string) => {
      await user.type(get(testids.chatInput), `${text}{Enter}`);
      const key = drafts(backend).at(-1)?.key ?? "";
      backend.tellChat({ kind: "queued", key, text, files: [] });
      await waitFor(() => expect(all(testids.chatCancel)).toHaveLength(1));
      return key;
    };
    const key = await say("first");
    await user.click(get(testids.chatCancel));
    await waitFor(() => expect(users()).toEqual([]));
    expect(backend.callsOf("cancelMessage")).toEqual([[key]]);
    expect(input(testids.chatInput).value).toBe("first");

    await user.clear(get(testids.chatInput));
    answer = { status: "error", error: { code: "underWay", message: "", action: null } };
    await say("second");
    await user.click(get(testids.chatCancel));
    await waitFor(() => expect(backend.callsOf("cancelMessage")).toHaveLength(2));
    expect(users()).toHaveLength(1);
  });

  it("listens before it asks, and stops listening when it is closed", async () => {
    const backend = new FakeBackend();
    const order: string[] = [];
    const listen = backend.listen.bind(backend);
    const stop = vi.fn();
    backend.listen = async (listeners) => {
      order.push("listen");
      await listen(listeners);
      return stop;
    };
    const { resendAll } = backend.commands;
    backend.commands.resendAll = () => {
      order.push("resendAll");
      return resendAll();
    };
    const { unmount } = await open(backend);
    expect(order).toEqual(["listen", "resendAll"]);
    unmount();
    await waitFor(() => expect(stop).toHaveBeenCalledOnce());
  });
});

describe("files", () => {
  const file = (name: string, type: string, bytes = 5) =>
    new File([new Uint8Array(bytes)], name, { type });
  const names = () =>
    all(testids.attachment).map((chip) => chip.querySelector(".name")?.textContent);

  it("are picked, taken off and sent with the message, or without a word", async () => {
    const { backend, user } = await openChat({ chatHistory: () => told(0) });
    await user.upload(input(testids.attachFile), [
      file("dot.png", "image/png"),
      file("notes.txt", "text/plain"),
    ]);
    await waitFor(() => expect(names()).toEqual(["dot.png", "notes.txt"]));
    await user.click(all(testids.attachmentRemove)[0] as HTMLElement);
    await waitFor(() => expect(names()).toEqual(["notes.txt"]));
    await user.click(get(testids.chatSend));

    expect(drafts(backend)[0]).toMatchObject({
      text: "",
      attachments: [{ name: "notes.txt", mediaType: "text/plain", data: "AAAAAAA=" }],
    });
    await waitFor(() => expect(names()).toEqual([]));
    expect(textOf(get(testids.chatFiles))).toContain("notes.txt");
  });

  it("that are pasted or dropped are taken, and words of a paste stay words", async () => {
    await openChat({ chatHistory: () => told(0) });
    const data = (words: string) => ({
      files: [file("dot.png", "image/png")],
      types: ["Files"],
      getData: () => words,
    });
    await fireEvent.paste(get(testids.chatInput), { clipboardData: data("words") });
    await fireEvent.paste(get(testids.chatInput), { clipboardData: data("") });
    await waitFor(() => expect(names()).toEqual(["dot.png"]));
    await fireEvent.dragOver(get(testids.chatPage), { dataTransfer: data("") });
    await find(testids.chatDrop);
    await fireEvent.drop(get(testids.chatPage), { dataTransfer: data("") });
    await waitFor(() => expect(names()).toEqual(["dot.png", "dot.png"]));
  });

  it.each([
    ["pictureTooLarge", file("dot.png", "image/png", 30)],
    ["attachmentTooLarge", file("notes.txt", "text/plain", 300)],
    ["attachmentEmpty", file("notes.txt", "text/plain", 0)],
    ["attachmentUnsupported", file("dot.svg", "image/svg+xml", 5)],
  ])(
    "that cannot be sent are refused (%s), and nothing of the draft is lost",
    async (code, bad) => {
      const { backend, user } = await openChat({ chatHistory: () => told(0) });
      backend.tellSessions({ limits: { file: 200, picture: 20, together: 400 } });
      await user.type(get(testids.chatInput), "see");
      const picker = input(testids.attachFile);
      await user.upload(picker, file("first.txt", "text/plain"));
      await waitFor(() => expect(names()).toEqual(["first.txt"]));
      await user.upload(picker, bad);

      const said = await find(testids.attachmentProblem);
      expect(said.dataset["code"]).toBe(code);
      expect(textOf(said)).toContain(bad.name);
      expect(names()).toEqual(["first.txt"]);
      expect(input(testids.chatInput).value).toBe("see");
    },
  );

  it("come back into the composer with a message that is refused or taken back", async () => {
    const { backend, user } = await openChat({ chatHistory: () => told(0) });
    await user.upload(input(testids.attachFile), file("notes.txt", "text/plain"));
    await waitFor(() => expect(names()).toEqual(["notes.txt"]));
    await user.type(get(testids.chatInput), "see{Enter}");
    const key = drafts(backend)[0]?.key ?? "";
    const problem = { code: "filesWait", message: "Too much.", action: null };
    backend.tellChat({ kind: "refused", key, problem });
    await user.click(await find(testids.chatEdit));

    await waitFor(() => expect(names()).toEqual(["notes.txt"]));
    expect(input(testids.chatInput).value).toBe("see");
  });
});

describe("what was said before", () => {
  it("is loaded when it is asked for, above what is shown", async () => {
    const { backend, user } = await openChat({
      chatHistory: () => {
        const now = told(0, message({ id: "2", text: "Later." }));
        return { ...now, data: { ...now.data, earlier: 200 } };
      },
      chatEarlier: () => ({
        status: "ok",
        data: { messages: [message({ id: "1", text: "Before." })], earlier: null },
      }),
    });
    await screen.findByText("Later.");
    await user.click(get(testids.chatEarlier));
    await screen.findByText("Before.");

    expect(backend.callsOf("chatEarlier")).toEqual([["main", 200]]);
    const shown = all(testids.chatAssistant).map((row) => textOf(row).split(" ")[1]);
    expect(shown).toEqual(["Before.", "Later."]);
    expect(screen.queryByTestId(testids.chatEarlier)).toBeNull();
  });
});

describe("the size of text", () => {
  afterEach(() => localStorage.clear());

  it("is changed by keys and is there again in the next window", async () => {
    const { unmount } = await openChat();
    const size = () => document.documentElement.dataset["textSize"];
    expect(size()).toBe("usual");
    await fireEvent.keyDown(window, { key: "+", ctrlKey: true });
    await fireEvent.keyDown(window, { key: "=", ctrlKey: true });
    expect(size()).toBe("larger");
    document.documentElement.dataset["textSize"] = "";
    unmount();
    await openChat();
    expect(size()).toBe("larger");
    await fireEvent.keyDown(window, { key: "0", ctrlKey: true });
    await fireEvent.keyDown(window, { key: "-", ctrlKey: true });
    expect(size()).toBe("small");
  });
});
