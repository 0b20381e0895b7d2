/** The page's own way to the gateway, against frames that real gateways were recorded saying. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import badDeviceToken from "../../tests/fixtures/captures/connect-bad-device-token.jsonl?raw";
import badToken from "../../tests/fixtures/captures/connect-bad-token.jsonl?raw";
import starting from "../../tests/fixtures/captures/connect-during-startup.jsonl?raw";
import noToken from "../../tests/fixtures/captures/connect-no-token.jsonl?raw";
import foreignPage from "../../tests/fixtures/captures/connect-origin-evil.jsonl?raw";
import otherProtocol from "../../tests/fixtures/captures/connect-protocol-v5-only.jsonl?raw";
import unpaired from "../../tests/fixtures/captures/pairing-required-not-paired.jsonl?raw";
import abort from "../../tests/fixtures/captures/chat-abort.jsonl?raw";
import turn from "../../tests/fixtures/captures/chat-turn-streamed.jsonl?raw";
import App from "../src/App.svelte";
import { en } from "../src/i18n/en";
import { Conversations } from "../src/ipc/browser/conversations";
import { NoIdentity, signedText } from "../src/ipc/browser/identity";
import { RetryDelays } from "../src/ipc/browser/retry";
import { SCOPES } from "../src/ipc/browser/session";
import { emptyTimeline, reduce, rows } from "../src/state/chat-timeline";
import { at, listAt, numberAt, textAt, textsAt } from "../src/ipc/browser/json";
import { type Frame, Page, recorded, request, said, soon } from "./browser-gateway";
import { testids } from "./window";

/** The error of a recorded answer, as an answer to `id`. */
function refusalIn(text: string, id: unknown): Frame {
  const refusal = said(text).find((frame) => frame["ok"] === false);
  if (refusal === undefined) throw new Error("no refusal was recorded");
  return { ...refusal, id: String(id) };
}

const chatEvents = (text: string) => said(text).filter((frame) => frame["event"] === "chat");
const authOf = (frame: Frame) => at(frame, "params", "auth");
const bytes = (text: string) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) =>
    letter.charCodeAt(0),
  );

async function isSignedBy(publicKey: string, signature: string, text: string): Promise<boolean> {
  const ed25519 = { name: "Ed25519" };
  const key = await crypto.subtle.importKey("raw", bytes(publicKey), ed25519, true, ["verify"]);
  const signed = new TextEncoder().encode(text);
  return crypto.subtle.verify(ed25519, key, bytes(signature), signed);
}

/** What a connect request says was signed, and by whom. */
function statementIn(frame: Frame): { text: string; publicKey: string; signature: string } {
  const params = frame["params"];
  const device = (name: string) => textAt(params, "device", name) ?? "";
  const text = signedText(
    device("id"),
    { nonce: device("nonce"), ts: numberAt(params, "device", "signedAt") ?? 0 },
    {
      clientId: textAt(params, "client", "id") ?? "",
      clientMode: textAt(params, "client", "mode") ?? "",
      platform: textAt(params, "client", "platform") ?? "",
      role: textAt(params, "role") ?? "",
      scopes: textsAt(params, "scopes"),
      token: textAt(params, "auth", "token") ?? textAt(params, "auth", "bootstrapToken") ?? "",
    },
  );
  return { text, publicKey: device("publicKey"), signature: device("signature") };
}

vi.setConfig({ testTimeout: 30_000 });
afterEach(() => vi.useRealTimers());

describe("signing in", () => {
  it("signs what a recorded client signed", async () => {
    const connect = recorded(turn).find(({ frame }) => frame?.["method"] === "connect")?.frame;
    const { text, publicKey, signature } = statementIn(connect ?? {});

    expect(await isSignedBy(publicKey, signature, text)).toBe(true);
    expect(await isSignedBy(publicKey, signature, `${text}x`)).toBe(false);
  });

  it("answers the challenge with a key of its own and the code it was opened with", async () => {
    const page = new Page({ code: "the-code" });
    await page.open();
    const challenge = said(turn)[0] ?? {};
    const [, connect] = await page.challenged(1, challenge);

    expect(at(connect, "params")).toMatchObject({
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: "webchat-ui", mode: "webchat" },
      role: "operator",
      scopes: SCOPES,
      auth: { bootstrapToken: "the-code" },
      device: { nonce: textAt(challenge, "payload", "nonce") },
    });
    const { text, publicKey, signature } = statementIn(connect);
    expect(await isSignedBy(publicKey, signature, text)).toBe(true);
    const pair = await page.keep.key();
    expect(pair?.privateKey.extractable).toBe(false);
  });

  it("uses the token it was issued from then on, and the code never again", async () => {
    const page = new Page({ code: "the-code" });
    await page.open();
    const first = await page.letIn(1, { deviceToken: "issued", method: "bootstrap-token" });
    expect(page.view).toMatchObject({ gatewayVersion: "1.2.3", credential: "deviceToken" });
    expect(await page.keep.token()).toEqual({ token: "issued", scopes: ["operator.read"] });

    first.end();
    await page.backend.commands.reconnectNow();
    const [, again] = await page.challenged(2);
    expect(authOf(again)).toEqual({ token: "issued", deviceToken: "issued" });
    expect(at(again, "params", "scopes")).toEqual(["operator.read"]);
  });

  it("forgets a token that is worth nothing any more, and takes the code instead", async () => {
    const page = new Page({ code: "the-code" });
    await page.keep.keepToken({ token: "old", scopes: ["operator.read"] });
    await page.open();
    const [socket, { id, ...connect }] = await page.challenged();
    expect(authOf(connect)).toEqual({ token: "old", deviceToken: "old" });
    socket.say(refusalIn(badDeviceToken, id));

    const [, again] = await page.challenged(2);
    expect(authOf(again)).toEqual({ bootstrapToken: "the-code" });
    expect(await page.keep.token()).toBeNull();
  });

  it.each([
    ["nothing to show", noToken, "token", null],
    ["a wrong token", badToken, "token", "browserTokenRefused"],
    ["a page of somebody else", foreignPage, "badTarget", "browserOrigin"],
    ["another version", otherProtocol, "protocol", "browserProtocol"],
    ["nobody's approval", unpaired, "pairing", "browserPairing"],
  ])("stops and says why: %s", async (_name, recording, cause, code) => {
    const page = new Page();
    await page.open();
    const [socket, { id }] = await page.challenged();
    const refusal = refusalIn(recording, id);
    socket.say(refusal);

    const view = await soon(() => page.view.phase === "paused" && page.view);
    expect([view.cause, view.problem?.code ?? null]).toEqual([cause, code]);
    const requestId = textAt(refusal, "error", "details", "requestId");
    expect(view.problem?.message ?? "").toContain(requestId ?? "");
    expect(page.sockets).toHaveLength(1);
  });

  it.each([
    ["bootstrap_token_used", "browserCodeUsed"],
    ["bootstrap_token_expired", "browserCodeExpired"],
    ["bootstrap_token_unknown", "browserCodeUnknown"],
    ["bootstrap_token_not_local", "browserCodeElsewhere"],
  ])("words a refused code with the next step: %s", async (authReason, code) => {
    const page = new Page({ code: "the-code" });
    await page.open();
    const [socket, { id }] = await page.challenged();
    const details = { code: "AUTH_BOOTSTRAP_TOKEN_INVALID", authReason };
    const error = { code: "INVALID_REQUEST", message: "unauthorized", details };
    socket.say({ type: "res", id, ok: false, error });

    const view = await soon(() => page.view.phase === "paused" && page.view);
    expect(view.problem?.code).toBe(code);
    expect(view.problem?.message).toMatch(/openclaw dashboard|gateway token/);
    // A refused code is not shown again.
    await page.backend.commands.connect();
    const [, again] = await page.challenged(2);
    expect(authOf(again)).toBeUndefined();
  });

  it("waits as long as a starting gateway asks for", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const page = new Page();
    await page.open();
    const [socket, { id }] = await page.challenged();
    socket.say(refusalIn(starting, id));
    await soon(() => page.view.phase === "retry_wait");
    expect((page.view.nextAttemptAtMs ?? 0) - Date.now()).toBe(500);

    await vi.advanceTimersByTimeAsync(500);
    await page.letIn(2);
  });

  it("says so where a browser cannot make keys", async () => {
    const page = new Page({ identity: () => Promise.reject(new NoIdentity("unsupported")) });
    await page.open();
    const view = await soon(() => page.view.phase === "stopped" && page.view);
    expect(view.problem?.message).toContain("Ed25519");
    expect(page.sockets).toEqual([]);
  });

  it("keeps what was typed nowhere", async () => {
    const page = new Page();
    await page.open();
    const [socket, { id }] = await page.challenged();
    socket.say(refusalIn(noToken, id));
    await soon(() => page.view.phase === "paused");
    page.backend.signIn.withToken("the-gateway-token");
    const [second, connect] = await page.challenged(2);
    expect(authOf(connect)).toEqual({ token: "the-gateway-token" });
    second.say({ type: "res", id: connect.id, ok: false, error: { details: {} } });

    const kept = JSON.stringify([await page.keep.token(), [...page.stored]]);
    expect(kept).not.toContain("the-gateway-token");
    expect(JSON.stringify(page.views)).not.toContain("the-gateway-token");
  });

  it("forgets its token when it is signed out", async () => {
    const page = new Page();
    await page.keep.keepToken({ token: "issued", scopes: [] });
    await page.open();
    const socket = await page.letIn();
    await page.backend.signIn.signOut();

    expect(socket.closed).toBe(true);
    expect(await page.keep.token()).toBeNull();
    expect(page.view).toMatchObject({ phase: "paused", cause: "token", problem: null });
  });
});

describe("a conversation", () => {
  it("streams a recorded turn as numbered updates, and the history tells the same", async () => {
    const page = new Page();
    await page.open();
    const socket = await page.letIn();
    const [first] = chatEvents(turn);
    const runId = textAt(first, "payload", "runId") ?? "";
    const text = "hello world one two three four five six seven eight nine";
    await page.backend.commands.sendChat({
      gateway: "page",
      sessionKey: "main",
      text,
      key: runId,
      attachments: [],
    });
    const send = await request(socket, "chat.send");
    expect(send["params"]).toEqual({ sessionKey: "main", message: text, idempotencyKey: runId });
    socket.say({ type: "res", id: send.id, ok: true, payload: { runId, status: "started" } });
    await soon(() => page.changes.some(({ kind }) => kind === "accepted"));
    for (const frame of said(turn)) {
      if (frame["type"] === "event" && frame["event"] !== "connect.challenge") socket.say(frame);
    }

    expect(page.changes.map(({ kind }) => kind)).toEqual([
      "refetch",
      "queued",
      "accepted",
      ...["status", "status", "status"],
      ...["delta", "delta", "delta", "delta", "delta", "delta", "delta"],
      "final",
    ]);
    expect(page.updates.map(({ number }) => number)).toEqual(page.updates.map((_, n) => n + 1));

    const reading = page.backend.commands.chatHistory("main");
    const asked = await request(socket, "chat.history");
    const history = said(turn).find((frame) => listAt(frame, "payload", "messages").length > 0);
    socket.say({ ...history, id: String(asked.id) });
    const answer = await reading;
    if (answer.status === "error") throw new Error(answer.error.message);
    const timeline = reduce(emptyTimeline("main"), { type: "history", view: answer.data });
    const replies = rows(timeline).flatMap((row) => (row.kind === "assistant" ? [row.text] : []));
    const final = page.changes.at(-1);
    const told = final?.kind === "final" ? final.message?.text : undefined;
    expect(told).toContain(text);
    expect(replies.at(-1)?.trim()).toBe(told?.trim());
  });

  it("ends a run once: what follows an abort is ignored", () => {
    const conversations = new Conversations();
    const updates = chatEvents(abort).map(({ payload }) => conversations.event(payload));
    const kinds = updates.flatMap((update) => (update === null ? [] : [update.change.kind]));

    expect(kinds.filter((kind) => kind === "aborted")).toHaveLength(1);
    const [ended] = updates.filter((update) => update?.change.kind === "aborted");
    const again = conversations.event({
      runId: ended?.change.kind === "aborted" ? ended.change.runId : "",
      sessionKey: "agent:main:main",
      state: "final",
    });
    expect(again).toBeNull();
  });

  it("asks for the history again when an event was missed", async () => {
    const page = new Page();
    await page.open();
    const socket = await page.letIn();
    socket.say({ type: "event", event: "tick", payload: {}, seq: 1 });
    socket.say({ type: "event", event: "tick", payload: {}, seq: 2 });
    expect(page.changes.map(({ kind }) => kind)).toEqual(["refetch"]);
    socket.say({ type: "event", event: "tick", payload: {}, seq: 4 });
    expect(page.changes.map(({ kind }) => kind)).toEqual(["refetch", "refetch"]);
  });

  it("reads what agents wait for, and decides about it once", async () => {
    const page = new Page();
    await page.open();
    const socket = await page.letIn();
    const list = await request(socket, "exec.approval.list");
    const waiting = [{ id: "a", request: { command: "date" } }];
    socket.say({ type: "res", id: list.id, ok: true, payload: waiting });
    const questions = await request(socket, "question.list");
    const error = { code: "INVALID_REQUEST", message: "unknown method: question.list" };
    socket.say({ type: "res", id: questions.id, ok: false, error });
    await soon(() => page.requests.at(-1)?.approvals.length === 1);

    const decided = page.backend.commands.decideApproval("a", "allowOnce");
    const sent = await request(socket, "exec.approval.resolve");
    expect(sent["params"]).toEqual({ id: "a", decision: "allow-once" });
    const details = { reason: "APPROVAL_ALREADY_RESOLVED" };
    socket.say({ type: "res", id: sent.id, ok: false, error: { ...error, details } });
    expect(await decided).toMatchObject({ status: "error", error: { code: "requestGone" } });
    expect(page.requests.at(-1)?.approvals).toEqual([]);
  });

  const message = { sessionKey: "main", text: "once", key: "k" };
  const draft = { gateway: "page", ...message, attachments: [] };
  it.each([
    ["sends again what the history does not hold", [], 1],
    [
      "does not send again what the history holds",
      [{ role: "user", content: "once", idempotencyKey: "k:user" }],
      0,
    ],
  ])("%s", async (_name, messages, sent) => {
    const page = new Page();
    await page.open();
    const first = await page.letIn();
    await page.backend.commands.sendChat(draft);
    await request(first, "chat.send");
    // The answer is lost with the connection.
    first.end();
    await page.backend.commands.reconnectNow();
    const second = await page.letIn(2);
    const look = await request(second, "chat.history");
    second.say({ type: "res", id: look.id, ok: true, payload: { messages } });
    if (sent > 0) {
      const again = await request(second, "chat.send");
      expect(at(again, "params", "idempotencyKey")).toBe("k");
      second.say({ type: "res", id: again.id, ok: true, payload: { status: "in_flight" } });
    }
    await soon(() => page.changes.some(({ kind }) => kind === "accepted"));
    expect(second.asked("chat.send")).toHaveLength(sent);
    const left = await page.backend.commands.unsent("main");
    expect(left.status === "ok" && left.data.messages).toEqual([]);
  });

  it("sends files with their message, once, also after a reload", async () => {
    const page = new Page();
    await page.open();
    const attachments = [{ name: "notes.txt", mediaType: "text/plain", data: "aGVsbG8=" }];
    await page.backend.commands.sendChat({ ...draft, attachments });
    expect(page.files.kept.size).toBe(1);
    const later = new Page({
      storage: { getItem: (name) => page.stored.get(name) ?? null, setItem: () => undefined },
      files: page.files,
    });

    const left = await later.backend.commands.unsent("main");
    expect(left).toMatchObject({ data: { messages: [{ attachments }] } });
    await later.open();
    const socket = await later.letIn();
    const look = await request(socket, "chat.history");
    socket.say({ type: "res", id: look.id, ok: true, payload: { messages: [] } });
    const send = await request(socket, "chat.send");
    expect(send["params"]).toMatchObject({
      attachments: [
        { type: "file", mimeType: "text/plain", fileName: "notes.txt", content: "aGVsbG8=" },
      ],
    });
    const payload = { runId: message.key, status: "started" };
    socket.say({ type: "res", id: send.id, ok: true, payload });
    await vi.waitFor(() => expect(page.files.kept.size).toBe(0));
  });

  it("says so where the files of a message did not outlive a reload", async () => {
    const page = new Page();
    await page.open();
    const attachments = [{ name: "notes.txt", mediaType: "text/plain", data: "aGVsbG8=" }];
    await page.backend.commands.sendChat({ ...draft, attachments });
    page.files.kept.clear();
    const later = new Page({
      storage: { getItem: (name) => page.stored.get(name) ?? null, setItem: () => undefined },
      files: page.files,
    });

    const left = await later.backend.commands.unsent("main");
    expect(left).toMatchObject({ data: { messages: [{ problem: { code: "filesLost" } }] } });
  });

  it("keeps what was not sent, and the composer's text, over a reload", async () => {
    const page = new Page();
    await page.open();
    await page.backend.commands.sendChat(draft);
    await page.backend.commands.keepDraft("page", "main", "half a");
    const reloaded = new Page();
    for (const [name, value] of page.stored) reloaded.stored.set(name, value);
    const later = new Page({
      storage: { getItem: (name) => page.stored.get(name) ?? null, setItem: () => undefined },
    });

    const left = await later.backend.commands.unsent("main");
    expect(left).toMatchObject({
      status: "ok",
      data: { draft: "half a", messages: [{ ...message, problem: null }] },
    });
    await later.open();
    const socket = await later.letIn();
    const look = await request(socket, "chat.history");
    socket.say({ type: "res", id: look.id, ok: true, payload: { messages: [] } });
    expect(at(await request(socket, "chat.send"), "params", "message")).toBe("once");
  });

  it("keeps a refused message for its user", async () => {
    const page = new Page();
    await page.open();
    const socket = await page.letIn();
    await page.backend.commands.sendChat(draft);
    const send = await request(socket, "chat.send");
    const error = { code: "INVALID_REQUEST", message: "too long" };
    socket.say({ type: "res", id: send.id, ok: false, error });
    const change = await soon(() => page.changes.find(({ kind }) => kind === "refused"));
    expect(change.kind === "refused" && change.problem.message).toContain("too long");
  });
});

describe("the connection", () => {
  it("comes back by the rules of the app", () => {
    const delays = new RetryDelays();
    expect([1, 2, 3, 4, 5, 6, 7].map(() => delays.failed(1))).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
    expect(delays.failed(0)).toBe(15_000);
    expect(delays.attempt).toBe(9);
    // Up for long enough to try at once, too short to forgive.
    expect(delays.lost(10_000, 1)).toBe(0);
    expect(delays.failed(1)).toBe(30_000);
    expect(delays.lost(60_000, 1)).toBe(0);
    expect(delays.failed(1)).toBe(1_000);
    expect(delays.lost(9_999, 1)).toBe(2_000);
    expect([0, 1_000, 3_000].map((ms) => delays.takeShortcut(ms))).toEqual([true, false, true]);
  });

  it("is given up when the gateway has been silent for two ticks", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const page = new Page();
    await page.open();
    const socket = await page.letIn();
    await vi.advanceTimersByTimeAsync(59_000);
    socket.say({ type: "event", event: "tick", payload: {}, seq: 1 });
    await vi.advanceTimersByTimeAsync(59_000);
    expect(page.view.phase).toBe("up");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(socket.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    await page.letIn(2);
  });

  it("waits for the next attempt when nobody answers, and tries when asked", async () => {
    const page = new Page();
    await page.open();
    (await page.socket(1)).end();
    const view = await soon(() => page.view.phase === "retry_wait" && page.view);
    expect(view).toMatchObject({ cause: "network", attempt: 2 });
    await page.backend.commands.reconnectNow();
    await page.letIn(2);
    await page.backend.commands.disconnect();
    expect(page.view.phase).toBe("off");
  });

  it("is checked as far as a page can see", async () => {
    const page = new Page();
    await page.open();
    const socket = await page.letIn();
    await page.backend.commands.runCheck();
    const probe = await soon(() =>
      socket.asked("health").find((frame) => at(frame, "params", "probe") === true),
    );
    socket.say({ type: "res", id: probe.id, ok: true, payload: { ok: true } });
    const check = await soon(() => page.checks.find(({ finishedAtMs }) => finishedAtMs !== null));
    expect(check.ok).toBe(true);
    expect(check.steps.map(({ id, status }) => [id, status])).toEqual([
      ["gateway", "ok"],
      ["access", "ok"],
      ["health", "ok"],
    ]);
  });

  it("says in a check what is not well", async () => {
    const page = new Page({ lives: () => Promise.reject(new Error("nobody")) });
    await page.open();
    await page.backend.commands.runCheck();
    const check = await soon(() => page.checks.find(({ finishedAtMs }) => finishedAtMs !== null));
    expect(check.steps.map(({ status }) => status)).toEqual(["failed", "notReached", "notReached"]);
  });
});

describe("the screen", () => {
  it("asks for a token, signs in with it and shows no settings of the desktop", async () => {
    const page = new Page();
    render(App, { backend: page.backend, text: en });
    const user = userEvent.setup();
    const [socket, { id }] = await page.challenged();
    socket.say(refusalIn(noToken, id));
    await screen.findByTestId(testids.signInPage);
    expect(screen.queryByTestId(testids.problem)).toBeNull();

    const field = screen.getByTestId<HTMLInputElement>(testids.signInToken);
    await user.type(field, " secret {Enter}");
    const [second, connect] = await page.challenged(2);
    expect(authOf(connect)).toEqual({ token: "secret" });
    second.say({ type: "res", id: connect.id, ok: false, ...refusalIn(badToken, connect.id) });
    await screen.findByTestId(testids.problem);
    expect(screen.getByTestId<HTMLInputElement>(testids.signInToken).value).toBe("");

    await user.type(screen.getByTestId(testids.signInToken), "right{Enter}");
    const [third, again] = await page.challenged(3);
    third.say({
      type: "res",
      id: again.id,
      ok: true,
      payload: { type: "hello-ok", auth: { method: "token" } },
    });
    await screen.findByTestId(testids.chatPage);
    expect(screen.queryByTestId(testids.navSettings)).toBeNull();
    await user.click(screen.getByTestId(testids.navServer));
    await waitFor(() => expect(screen.getByTestId(testids.signOut)).toBeTruthy());
  });
});
