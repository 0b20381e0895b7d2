import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { CommandView, SessionEdit, SessionView } from "../src/ipc";
import {
  FakeBackend,
  connectionView,
  downView,
  message,
  sessionView,
  sessionsView,
} from "../src/ipc/fake";
import { completed, completionsOf } from "../src/lib/commands";
import { contextShare, groupsOf, matches } from "../src/lib/sessions";
import { all, find, get, input, open, testids, textOf } from "./window";

type Answers = ConstructorParameters<typeof FakeBackend>[0];

const HOUR = 3600_000;
const DAY = 24 * HOUR;
const MAIN = sessionView({ isMain: true });
const DISKS = sessionView({ key: "agent:main:dashboard:1", title: "Disks", isNamed: true });
const TAXES = sessionView({
  key: "agent:main:dashboard:2",
  title: "Taxes",
  preview: "The form is due in May.",
  unread: true,
});

async function openWith(
  rows: SessionView[] = [MAIN, DISKS, TAXES],
  answers: Answers = {},
  change: (backend: FakeBackend) => void = () => undefined,
) {
  const backend = new FakeBackend(answers);
  backend.sessions = sessionsView({ active: MAIN.key, rows });
  change(backend);
  const opened = await open(backend);
  backend.tellPage("chat");
  await find(testids.chatPage);
  return { backend, ...opened };
}

const names = () => all(testids.sessionOpen).map((row) => textOf(row));
const rowOf = (key: string) => {
  const row = all(testids.session).find(({ dataset }) => dataset["key"] === key);
  if (row === undefined) throw new Error(`no row ${key}`);
  return within(row);
};
const edits = (backend: FakeBackend) =>
  backend.callsOf("editSession").map(([, key, edit]) => [key, edit as SessionEdit]);
const told = (text: string) => ({
  status: "ok" as const,
  data: {
    sessionKey: "",
    asOf: 0,
    messages: [message({ id: text, text, runId: text })],
    inFlight: null,
    earlier: null,
    keptAtMs: null,
  },
});

describe("groups", () => {
  const now = new Date(2026, 10, 30, 15).getTime();
  const at = (ago: number, over: Partial<SessionView> = {}) =>
    sessionView({ key: `agent:main:${ago}`, updatedAtMs: now - ago, ...over });

  it("go by the day, with what is kept on top first and what was put away last", () => {
    const rows = [
      at(40 * DAY),
      at(HOUR),
      at(3 * DAY),
      at(20 * HOUR),
      at(2 * HOUR, { archived: true }),
      at(50 * DAY, { pinned: true }),
      at(60 * DAY, { isMain: true }),
      at(10 * HOUR, { isBackground: true }),
    ];
    const groups = groupsOf(rows, now).map(({ group, rows: found }) => [
      group,
      found.map((row) => row.key.split(":")[2]),
    ]);
    expect(groups).toEqual([
      ["pinned", [`${60 * DAY}`, `${50 * DAY}`]],
      ["today", [`${HOUR}`]],
      ["yesterday", [`${20 * HOUR}`]],
      ["week", [`${3 * DAY}`]],
      ["older", [`${40 * DAY}`]],
      ["background", [`${10 * HOUR}`]],
      ["archived", [`${2 * HOUR}`]],
    ]);
  });

  it("find every word, in the name and in what was said last", () => {
    expect(matches(TAXES, "Taxes", "tax MAY")).toBe(true);
    expect(matches(TAXES, "Taxes", "tax june")).toBe(false);
  });

  it("say how full a conversation is only where that is known", () => {
    expect(contextShare(sessionView({ tokensUsed: 16, contextTokens: 64 }))).toBe(0.25);
    expect(contextShare(sessionView({ tokensUsed: 80, contextTokens: 64 }))).toBe(1);
    expect(contextShare(sessionView({ tokensUsed: null }))).toBeNull();
    expect(contextShare(sessionView({ contextTokens: 0 }))).toBeNull();
  });
});

describe("the list of conversations", () => {
  it("shows each with how it stands, and leads to it", async () => {
    const { backend, user } = await openWith([
      MAIN,
      { ...DISKS, hasActiveRun: true },
      TAXES,
      sessionView({
        key: "agent:main:x",
        title: "Broken",
        updatedAtMs: Date.now() - HOUR,
        lastRunError: "No key.",
      }),
    ]);
    expect(names()).toEqual([
      "Main conversation",
      "Disks The agent is working",
      "Taxes unread",
      "Broken The last run failed: No key.",
    ]);
    await user.click(rowOf(TAXES.key).getByTestId(testids.sessionOpen));
    expect(backend.callsOf("chooseSession")).toEqual([[TAXES.key]]);
    await waitFor(() => expect(textOf(get(testids.chatTitle))).toBe("Taxes"));
    expect(document.activeElement).toBe(get(testids.chatInput));
  });

  it("is searched, and says when nothing is found", async () => {
    const { user } = await openWith([MAIN, DISKS, { ...TAXES, archived: true }]);
    expect(names()).toEqual(["Main conversation", "Disks"]);
    await user.type(get(testids.sessionsSearch), "form");
    await waitFor(() => expect(names()).toEqual(["Taxes unread"]));
    await user.type(get(testids.sessionsSearch), "x");
    await find(testids.sessionsNone);
    await user.keyboard("{Escape}");
    await waitFor(() => expect(names()).toEqual(["Main conversation", "Disks"]));
  });

  it("is gone through with the keyboard", async () => {
    const { backend, user } = await openWith();
    await user.keyboard("{Control>}k{/Control}");
    await waitFor(() => expect(document.activeElement).toBe(get(testids.sessionsSearch)));
    await user.keyboard("{ArrowDown}{ArrowDown}{Enter}");
    expect(backend.callsOf("chooseSession")).toEqual([[DISKS.key]]);

    rowOf(TAXES.key).getByTestId(testids.sessionOpen).focus();
    await user.keyboard("{F2}");
    const field = await find(testids.sessionName);
    expect(input(testids.sessionName).value).toBe("Taxes");
    await user.clear(field);
    await user.type(field, "Tax return{Enter}");
    expect(edits(backend)).toEqual([[TAXES.key, { kind: "rename", title: "Tax return" }]]);

    rowOf(TAXES.key).getByTestId(testids.sessionOpen).focus();
    await user.keyboard("{Delete}");
    expect(textOf(await find(testids.dialogTitle))).toBe("Delete “Taxes”?");
    expect(edits(backend)).toHaveLength(1);
    await user.click(get(testids.dialogConfirm));
    expect(edits(backend)[1]).toEqual([TAXES.key, { kind: "delete" }]);
  });

  it("keeps the main conversation", async () => {
    const { backend, user } = await openWith();
    rowOf(MAIN.key).getByTestId(testids.sessionOpen).focus();
    await user.keyboard("{Delete}");
    expect(all(testids.dialog)).toEqual([]);
    await user.click(rowOf(MAIN.key).getByTestId(testids.sessionActions));
    await find(testids.sessionMenu);
    expect(all(testids.sessionDelete)).toEqual([]);
    expect(all(testids.sessionArchive)).toEqual([]);
    await user.keyboard("{Escape}");
    expect(all(testids.sessionMenu)).toEqual([]);
    expect(backend.callsOf("editSession")).toEqual([]);
  });

  it("puts one away and takes it back", async () => {
    const { backend, user } = await openWith();
    await user.click(rowOf(DISKS.key).getByTestId(testids.sessionActions));
    await user.click(await find(testids.sessionArchive));
    await user.click(await find(testids.sessionsUndo));
    await waitFor(() => expect(backend.callsOf("chooseSession")).toEqual([[DISKS.key]]));
    expect(edits(backend)).toEqual([
      [DISKS.key, { kind: "archive", archived: true }],
      [DISKS.key, { kind: "archive", archived: false }],
    ]);
  });

  it("leaves out what the gateway does not do, and says what takes more rights", async () => {
    const { user } = await openWith([MAIN, DISKS], {}, (backend) => {
      const { can } = backend.sessions;
      backend.sessions.can = { ...can, sort: "no", fork: "no", delete: "needsAdmin" };
    });
    await user.click(rowOf(DISKS.key).getByTestId(testids.sessionActions));
    const menu = await find(testids.sessionMenu);
    const labels = within(menu)
      .getAllByRole("menuitem")
      .map((item) => textOf(item));
    expect(labels).toEqual(["Rename", "Delete… needs administrator rights"]);
  });

  it("says why something was not done", async () => {
    const problem = { code: "needsAdmin", message: "Not allowed.", action: null };
    const { user } = await openWith([MAIN, DISKS], {
      editSession: () => ({ status: "error", error: problem }),
    });
    await user.click(rowOf(DISKS.key).getByTestId(testids.sessionActions));
    await user.click(await find(testids.sessionPin));
    expect(textOf(await find(testids.sessionsProblem))).toBe("Not allowed.");
  });

  it("says what it is of while there is no connection, and takes no orders", async () => {
    const { backend } = await openWith();
    backend.tellConnection(downView());
    await find(testids.sessionsAsOf);
    expect(get(testids.sessionsNew)).toHaveProperty("disabled", true);
    expect(all(testids.sessionActions)).toEqual([]);
    expect(names()).toHaveLength(3);
  });

  it("begins one from the keyboard", async () => {
    const { backend, user } = await openWith();
    await user.keyboard("{Control>}n{/Control}");
    await waitFor(() => expect(backend.callsOf("createSession")).toEqual([[null]]));
  });

  it("marks what is looked at as read, once", async () => {
    const { backend } = await openWith([MAIN, { ...TAXES, updatedAtMs: 5 }]);
    backend.tellSessions({ active: TAXES.key });
    fireEvent.focus(window);
    await waitFor(() =>
      expect(edits(backend)).toEqual([[TAXES.key, { kind: "markUnread", unread: false }]]),
    );
    backend.tellSessions({ rows: [MAIN, { ...TAXES, updatedAtMs: 5 }] });
    await new Promise((resolve) => setTimeout(resolve));
    expect(edits(backend)).toHaveLength(1);
  });
});

describe("going to another conversation", () => {
  it("shows its messages and keeps what was being written in each", async () => {
    const { backend, user } = await openWith([MAIN, DISKS], {
      chatHistory: (key) => told(`said in ${key}`),
    });
    await screen.findByText(`said in ${MAIN.key}`);
    await user.type(get(testids.chatInput), "for main");
    expect(backend.callsOf("keepDraft").at(-1)).toEqual(["home", MAIN.key, "for main"]);

    await user.click(rowOf(DISKS.key).getByTestId(testids.sessionOpen));
    await screen.findByText(`said in ${DISKS.key}`);
    expect(screen.queryByText(`said in ${MAIN.key}`)).toBeNull();
    expect(input(testids.chatInput).value).toBe("");
    await user.type(get(testids.chatInput), "about disks{Enter}");
    expect(backend.callsOf("sendChat").at(-1)?.[0]).toMatchObject({
      sessionKey: DISKS.key,
      text: "about disks",
    });

    await user.click(rowOf(MAIN.key).getByTestId(testids.sessionOpen));
    await screen.findByText(`said in ${MAIN.key}`);
    expect(input(testids.chatInput).value).toBe("for main");
    expect(screen.queryByText("about disks")).toBeNull();
  });

  it("keeps one current that is not shown", async () => {
    let reads = 0;
    const { backend, user } = await openWith([MAIN, DISKS], {
      chatHistory: (key) => {
        reads += 1;
        return told(`said in ${key}`);
      },
    });
    await screen.findByText(`said in ${MAIN.key}`);
    await user.click(rowOf(DISKS.key).getByTestId(testids.sessionOpen));
    await screen.findByText(`said in ${DISKS.key}`);
    const final = message({ text: "An answer meanwhile.", runId: "r" });
    backend.tellChat({ kind: "final", runId: "r", message: final }, MAIN.key);

    await user.click(rowOf(MAIN.key).getByTestId(testids.sessionOpen));
    await screen.findByText("An answer meanwhile.");
    expect(reads).toBe(2);
  });

  it("takes the full name of the same conversation for what it is", async () => {
    let reads = 0;
    const { backend, user } = await openWith(
      [MAIN],
      {
        chatHistory: () => {
          reads += 1;
          return told("said");
        },
      },
      (fake) => (fake.sessions.active = "main"),
    );
    await screen.findByText("said");
    await user.type(get(testids.chatInput), "hi");
    backend.tellSessions({ active: MAIN.key });
    await user.type(get(testids.chatInput), "!{Enter}");
    expect(backend.callsOf("sendChat").at(-1)?.[0]).toMatchObject({
      sessionKey: MAIN.key,
      text: "hi!",
    });
    const [draft] = backend.callsOf("sendChat").at(-1) as [{ key: string }];
    // The courier may still call it by its short name.
    backend.tellChat({ kind: "accepted", key: draft.key }, "main");
    await waitFor(() => expect(get(testids.chatUser).dataset["state"]).toBe("accepted"));
    expect(reads).toBe(1);
  });
});

describe("the head of a conversation", () => {
  it("chooses the model and how much it thinks, and takes a refusal back", async () => {
    const problem = { code: "gatewayRefused", message: "Unknown model.", action: null };
    let refuse = false;
    const { backend, user } = await openWith(
      [{ ...MAIN, thinkingOptions: ["off", "low"], model: "ollama/qwen3:14b" }],
      { editSession: () => (refuse ? { status: "error", error: problem } : { status: "ok" }) },
    );
    const model = get(testids.chatModel) as HTMLSelectElement;
    expect(model.value).toBe("");
    expect(textOf(model.options[0] as Element)).toBe("Default (qwen3:14b)");
    await user.selectOptions(model, "ollama/llama3.3");
    await user.selectOptions(get(testids.chatThinking), "low");
    expect(edits(backend)).toEqual([
      [MAIN.key, { kind: "model", model: "ollama/llama3.3" }],
      [MAIN.key, { kind: "thinking", level: "low" }],
    ]);

    refuse = true;
    await user.selectOptions(get(testids.chatThinking), "off");
    await waitFor(() => expect((get(testids.chatThinking) as HTMLSelectElement).value).toBe(""));
  });

  it("says how full it is, in numbers, and makes room", async () => {
    const { backend, user } = await openWith();
    expect(get(testids.chatContext).dataset["percent"]).toBe("19");
    await user.click(get(testids.chatContext));
    expect(textOf(get(testids.chatContextText))).toContain("12,400 of 64,000 tokens");
    await user.click(get(testids.chatCompact));
    expect(edits(backend)).toEqual([[MAIN.key, { kind: "compact" }]]);
  });

  it("offers agents where there are several", async () => {
    const { backend, user } = await openWith([MAIN], {}, (fake) => {
      fake.sessions.agents = [
        { id: "main", name: "Main" },
        { id: "ghost", name: "Boo" },
      ];
    });
    await user.selectOptions(get(testids.chatAgent), "ghost");
    expect(backend.callsOf("chooseSession")).toEqual([["agent:ghost:main"]]);
  });

  it("shows every key that does something", async () => {
    const { user } = await openWith();
    await user.keyboard("{Control>}/{/Control}");
    expect(textOf(await find(testids.dialogTitle))).toBe("Keyboard shortcuts");
    await user.click(get(testids.dialogConfirm));
    expect(all(testids.dialog)).toEqual([]);
  });
});

describe("commands", () => {
  const command = (text: string, over: Partial<CommandView> = {}): CommandView => ({
    text,
    aliases: [],
    description: "",
    takesMore: false,
    ...over,
  });

  it("are offered by their beginning, then by what they hold, at the beginning of a message", () => {
    const known = [command("/compact"), command("/status"), command("/stop", { aliases: ["/s"] })];
    const offered = (text: string, caret = text.length) =>
      completionsOf(text, caret, known).map((one) => one.text);
    expect(offered("/st")).toEqual(["/status", "/stop"]);
    expect(offered("/S")).toEqual(["/status", "/stop"]);
    expect(offered("/act")).toEqual(["/compact"]);
    expect(offered("/")).toHaveLength(3);
    for (const not of ["", "st", "a /st", "/st x", " /st"]) expect(offered(not)).toEqual([]);
    expect(offered("/status", 3)).toEqual([]);
    expect(completed(command("/model"), "  x")).toBe("/model x");
  });

  it("are chosen with the keyboard while the focus stays in the field", async () => {
    const { backend, user } = await openWith();
    const field = get(testids.chatInput);
    await user.type(field, "/st");
    expect(all(testids.command).map((one) => textOf(one))).toEqual([
      "/stop Stop the current run.",
      "/status Show how the agent is doing.",
    ]);
    expect(field.getAttribute("aria-activedescendant")).toBe("commands-0");
    await user.keyboard("{ArrowDown}");
    expect(field.getAttribute("aria-activedescendant")).toBe("commands-1");
    await user.keyboard("{Tab}");
    await waitFor(() => expect(input(testids.chatInput).value).toBe("/status "));
    expect(all(testids.command)).toEqual([]);
    expect(backend.callsOf("sendChat")).toEqual([]);
    await user.keyboard("{Enter}");
    expect(backend.callsOf("sendChat")).toHaveLength(1);
  });

  it("go away with Escape, and a whole one is sent", async () => {
    const { backend, user } = await openWith();
    await user.type(get(testids.chatInput), "/sto");
    await user.keyboard("{Escape}");
    expect(all(testids.commandList)).toEqual([]);
    await user.keyboard("p");
    expect(all(testids.command)).toHaveLength(1);
    await user.keyboard("{Enter}");
    expect(backend.callsOf("sendChat").at(-1)?.[0]).toMatchObject({ text: "/stop" });
  });
});

it("another gateway has other conversations", async () => {
  const { backend } = await openWith();
  backend.tellSessions({ gateway: "office", active: "main", rows: [MAIN] });
  backend.tellConnection(connectionView({ gatewayId: "office" }));
  await waitFor(() => expect(names()).toEqual(["Main conversation"]));
  expect(backend.callsOf("chatHistory").at(-1)).toEqual(["main"]);
});
