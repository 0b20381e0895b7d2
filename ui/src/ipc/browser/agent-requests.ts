/**
 * What agents wait for a person to decide, kept as the gateway lists it. The same rules as in the
 * desktop app: the list counts, events keep it current, and what they said while a list was on its
 * way is put over it. No I/O here.
 */
import type { AgentQuestionsView, AgentRequestsView, ApprovalView, DecisionView } from "..";
import { isObject, listAt, numberAt, textAt, textsAt } from "./json";

const DECISIONS: Readonly<Record<string, DecisionView>> = {
  "allow-once": "allowOnce",
  "allow-always": "allowAlways",
  deny: "deny",
};

/** What may be decided where nothing is said: the two that every gateway takes. */
const USUAL: readonly DecisionView[] = ["allowOnce", "deny"];

type Change = (view: AgentRequestsView) => AgentRequestsView;

export class AgentRequests {
  view: AgentRequestsView = { approvals: [], questions: [], pairings: [] };
  /** What was told since a list was asked for; `null` while none is on its way. */
  #sinceAsked: Change[] | null = null;

  get count(): number {
    return this.view.approvals.length + this.view.questions.length;
  }

  /** Takes an event; returns whether it is about what agents wait for. */
  event(name: string, payload: unknown): boolean {
    const id = textAt(payload, "id");
    if (id === null) return false;
    switch (name) {
      case "exec.approval.requested":
        this.#take(put("approvals", approvalView(id, payload)));
        return true;
      case "exec.approval.resolved":
        this.settled(id);
        return true;
      case "question.requested":
        this.#take(put("questions", questionsView(id, payload)));
        return true;
      case "question.resolved":
        this.settled(id);
        return true;
      default:
        return false;
    }
  }

  /** Notes that a request was decided about. */
  settled(id: string): void {
    this.#take(({ approvals, questions, pairings }) => ({
      pairings,
      approvals: approvals.filter((one) => one.id !== id),
      questions: questions.filter((one) => one.id !== id),
    }));
  }

  /** Notes that a list is being asked for. */
  listing(): void {
    this.#sinceAsked = [];
  }

  /** Takes the answers to `exec.approval.list` and `question.list`. */
  listed(approvals: unknown, questions: unknown): void {
    this.view = {
      // A page's rights do not reach so far.
      pairings: [],
      approvals: read(Array.isArray(approvals) ? approvals : [], approvalView),
      questions: read(listAt(questions, "questions"), questionsView),
    };
    for (const change of this.#sinceAsked ?? []) this.view = change(this.view);
    this.#sinceAsked = null;
  }

  #take(change: Change): void {
    this.#sinceAsked?.push(change);
    this.view = change(this.view);
  }
}

/** The word of a decision on the wire. */
export function wordOf(decision: DecisionView): string {
  return Object.keys(DECISIONS).find((word) => DECISIONS[word] === decision) ?? "deny";
}

function put<Kind extends keyof AgentRequestsView>(
  kind: Kind,
  request: AgentRequestsView[Kind][number],
): Change {
  return (view) => ({
    ...view,
    [kind]: [...view[kind].filter((one) => one.id !== request.id), request],
  });
}

function read<T>(list: readonly unknown[], one: (id: string, value: unknown) => T): T[] {
  return list.flatMap((value) => {
    const id = textAt(value, "id");
    return id === null ? [] : [one(id, value)];
  });
}

function approvalView(id: string, asked: unknown): ApprovalView {
  const request = isObject(asked) ? asked["request"] : undefined;
  const host = textAt(request, "host");
  const isTold = isObject(request) && Array.isArray(request["allowedDecisions"]);
  const told = textsAt(request, "allowedDecisions").flatMap((word) => DECISIONS[word] ?? []);
  return {
    id,
    command: textAt(request, "command") ?? "",
    words: textsAt(request, "commandArgv"),
    folder: textAt(request, "cwd"),
    node: textAt(request, "nodeId") ?? (host === "node" ? host : null),
    agent: textAt(request, "agentId"),
    warning: textAt(request, "warningText") || null,
    decisions: isTold ? told : [...USUAL],
    expiresAtMs: numberAt(asked, "expiresAtMs"),
  };
}

function questionsView(id: string, set: unknown): AgentQuestionsView {
  return {
    id,
    questions: listAt(set, "questions").map((question) => ({
      id: textAt(question, "questionId") ?? "",
      about: textAt(question, "header") ?? "",
      question: textAt(question, "question") ?? "",
      options: listAt(question, "options").map((option) => ({
        label: textAt(option, "label") ?? "",
        description: textAt(option, "description"),
      })),
      several: isObject(question) && question["multiSelect"] === true,
    })),
    expiresAtMs: numberAt(set, "expiresAtMs"),
  };
}
