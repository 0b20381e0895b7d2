import { waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { AgentQuestionsView } from "../src/ipc";
import { AgentRequests } from "../src/ipc/browser/agent-requests";
import { FakeBackend, approval, downView } from "../src/ipc/fake";
import { shownCommand, visible } from "../src/lib/shown-command";
import { all, find, get, input, open, testids, textOf } from "./window";

type Answers = ConstructorParameters<typeof FakeBackend>[0];

async function openChat(answers: Answers = {}) {
  const backend = new FakeBackend(answers);
  const opened = await open(backend);
  backend.tellPage("chat");
  await find(testids.chatPage);
  return { backend, ...opened };
}

const decisions = () =>
  all(testids.approvalDecision).map((button) => [button.dataset["decision"], textOf(button)]);

const set: AgentQuestionsView = {
  id: "set",
  questions: [
    {
      id: "one",
      about: "Pick",
      question: "Which one?",
      options: [
        { label: "A", description: "first" },
        { label: "B", description: null },
      ],
      several: false,
    },
    {
      id: "more",
      about: "Pick",
      question: "Which ones?",
      options: [
        { label: "C", description: null },
        { label: "D", description: null },
      ],
      several: true,
    },
  ],
  expiresAtMs: null,
};

describe("a command that waits for approval", () => {
  it("shows exactly what would run, where, and only what may be decided", async () => {
    const { backend, user } = await openChat();
    expect(all(testids.approval)).toEqual([]);
    backend.tellRequests({
      approvals: [
        approval({ id: "a", words: ["rm", "-rf", "two words"], node: "laptop", folder: "/srv" }),
      ],
    });

    const card = await find(testids.approval);
    expect(textOf(get(testids.approvalCommand))).toBe("rm -rf 'two words'");
    expect(textOf(card)).toContain("main wants to run a command");
    expect(textOf(card)).toContain("node laptop");
    expect(textOf(card)).toContain("/srv");
    expect(textOf(card)).toMatch(/Refused by itself in 2[45] min/);
    expect(decisions()).toEqual([
      ["deny", "Deny"],
      ["allowOnce", "Allow once"],
    ]);

    await user.click(all(testids.approvalDecision)[1] as HTMLElement);
    expect(backend.callsOf("decideApproval")).toEqual([["a", "allowOnce"]]);
    backend.tellRequests({});
    await waitFor(() => expect(all(testids.approval)).toEqual([]));
  });

  it("says that it waits on the other pages too", async () => {
    const { backend } = await openChat();
    backend.tellPage("server");
    backend.tellRequests({ approvals: [approval()] });
    await waitFor(() => expect(textOf(get(testids.navChat))).toContain("1 request waits for you"));
  });

  it("is decided about once, and says why a decision did not arrive", async () => {
    let answer: (value: unknown) => void = () => undefined;
    const { backend, user } = await openChat({
      decideApproval: () => new Promise((resolve) => (answer = resolve)),
    });
    backend.tellRequests({ approvals: [approval({ id: "a" })] });
    const button = (await find(testids.approval)).querySelector("button") as HTMLButtonElement;
    await user.click(button);
    expect(button.disabled).toBe(true);
    await user.click(button);
    expect(backend.callsOf("decideApproval")).toEqual([["a", "deny"]]);

    const error = { code: "noAnswer", message: "The gateway did not answer.", action: null };
    answer({ status: "error", error });
    await waitFor(() => expect(textOf(get(testids.requestProblem))).toContain("did not answer"));
    expect(button.disabled).toBe(false);
  });

  it("cannot be decided about while nobody would hear it", async () => {
    const { backend } = await openChat();
    backend.tellRequests({ approvals: [approval()] });
    await find(testids.approval);
    backend.tellConnection(downView({ phase: "retry_wait", attempt: 1 }));
    await waitFor(() => {
      for (const button of all(testids.approvalDecision)) {
        expect((button as HTMLButtonElement).disabled).toBe(true);
      }
    });
  });
});

describe("a question of an agent", () => {
  it("is answered once every part of it is", async () => {
    const { backend, user } = await openChat();
    backend.tellRequests({ questions: [set] });
    await find(testids.agentQuestions);
    const [a, , c, d] = all(testids.agentOption) as [HTMLElement, HTMLElement, ...HTMLElement[]];
    expect(input(testids.agentAnswer).disabled).toBe(true);
    for (const option of [a, c, d]) await user.click(option as HTMLElement);
    await user.click(c as HTMLElement);
    await user.click(get(testids.agentAnswer));

    expect(backend.callsOf("answerAgent")).toEqual([
      [
        "set",
        [
          { questionId: "one", labels: ["A"] },
          { questionId: "more", labels: ["D"] },
        ],
      ],
    ]);
  });

  it("can be dismissed", async () => {
    const { backend, user } = await openChat();
    backend.tellRequests({ questions: [set] });
    await user.click(await find(testids.agentDismiss));
    expect(backend.callsOf("answerAgent")).toEqual([["set", null]]);
  });
});

describe("what hides in a command", () => {
  it("is written out", () => {
    expect(visible("a\u202egnp.exe\u200b\r\u0007b")).toBe(
      "a\\u{202e}gnp.exe\\u{200b}\\u{d}\\u{7}b",
    );
    expect(visible("tag \u{e0041}")).toBe("tag \\u{e0041}");
    expect(visible("two\n\tlines, æøå")).toBe("two\n\tlines, æøå");
  });

  it("cannot pass for another word", () => {
    expect(shownCommand(["echo", "a b", "", "it's"], "echo ok")).toBe("echo 'a b' '' 'it'\\''s'");
    expect(shownCommand([], "ls | wc")).toBe("ls | wc");
  });
});

describe("in a browser", () => {
  const asked = (id: string) => ({ id, request: { command: "date", host: "gateway" } });

  it("a list replaces what was known, except for what was told meanwhile", () => {
    const requests = new AgentRequests();
    requests.event("exec.approval.requested", asked("gone"));
    requests.event("exec.approval.requested", asked("decided"));
    requests.listing();
    requests.event("exec.approval.resolved", { id: "decided" });
    requests.event("exec.approval.requested", asked("new"));
    requests.listed([asked("decided"), asked("listed")], { questions: [{ id: "q" }] });

    expect(requests.view.approvals.map(({ id }) => id)).toEqual(["listed", "new"]);
    expect(requests.view.questions.map(({ id }) => id)).toEqual(["q"]);
    expect(requests.view.approvals[0]?.decisions).toEqual(["allowOnce", "deny"]);
    expect(requests.event("chat", { id: "x" })).toBe(false);
  });
});
