/** The conversations of a page's gateway, against a gateway that plays what a test says. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { SessionsView } from "../src/ipc";
import { Page, type PlayedSocket, request, soon } from "./browser-gateway";

const MAIN = "agent:main:main";
const OTHER = "agent:main:dashboard:7";
const METHODS = [
  "sessions.list",
  "sessions.create",
  "sessions.patch",
  "sessions.delete",
  "sessions.compact",
];
const row = (key: string, label: string) => ({ key, label, updatedAt: 5 });

afterEach(() => vi.useRealTimers());

async function answer(
  socket: PlayedSocket,
  method: string,
  payload: object,
  number = 1,
): Promise<unknown> {
  const asked = await request(socket, method, number);
  socket.say({ type: "res", id: asked.id, ok: true, payload });
  return asked["params"];
}

async function listed(): Promise<{ page: Page; socket: PlayedSocket; last: () => SessionsView }> {
  const page = new Page();
  await page.open();
  const socket = await page.letIn(
    1,
    { scopes: ["operator.read", "operator.write"] },
    {
      features: { methods: METHODS, events: [] },
      snapshot: { sessionDefaults: { mainSessionKey: MAIN } },
    },
  );
  await answer(socket, "sessions.list", { sessions: [row(OTHER, "Backups"), row(MAIN, "Home")] });
  const last = () => page.sessions.at(-1) as SessionsView;
  await soon(() => last().rows.length === 2);
  return { page, socket, last };
}

describe("the conversations of a page", () => {
  it("are listed with what can be done, and the chosen one outlives a reload", async () => {
    const { page, socket, last } = await listed();
    expect(socket.asked("sessions.subscribe")).toHaveLength(1);
    expect(last()).toMatchObject({ active: MAIN, hasMore: false, problem: null });
    expect(last().can).toMatchObject({ create: "yes", sort: "yes", compact: "needsAdmin" });
    expect(last().can.fork).toBe("no");

    await page.backend.commands.chooseSession(OTHER);
    expect(last().active).toBe(OTHER);
    expect(page.stored.get("openclaw.session")).toBe(OTHER);
  });

  it("show what is told at once and are read again after a burst", async () => {
    const { socket, last } = await listed();
    for (const unread of [true, false, true]) {
      const session = { key: OTHER, unread };
      const payload = { sessionKey: OTHER, reason: "send", session };
      socket.say({ type: "event", event: "sessions.changed", payload });
    }
    await soon(() => last().rows[0]?.unread);
    expect(last().rows[0]?.title).toBe("Backups");
    await answer(socket, "sessions.list", { sessions: [row(MAIN, "Home")] }, 2);
    await soon(() => last().rows.length === 1);
    expect(socket.asked("sessions.list")).toHaveLength(2);
  });

  it("show an edit at once and take it back where it is refused", async () => {
    const { page, socket, last } = await listed();
    const { editSession } = page.backend.commands;
    const done = editSession("page", OTHER, { kind: "rename", title: "Disks" });
    await soon(() => last().rows[0]?.title === "Disks");
    const { id, params } = await request(socket, "sessions.patch");
    expect(params).toEqual({ key: OTHER, label: "Disks" });
    socket.say({ type: "res", id, ok: false, error: { message: "label already in use" } });
    expect(await done).toMatchObject({ status: "error", error: { code: "gatewayRefused" } });
    expect(last().rows[0]?.title).toBe("Backups");
    expect(await editSession("page", OTHER, { kind: "compact" })).toMatchObject({
      error: { code: "needsAdmin" },
    });
    expect(await editSession("page", OTHER, { kind: "fork" })).toMatchObject({
      error: { code: "notServed" },
    });
  });

  it("go by way of the archive when one is removed", async () => {
    const { page, socket, last } = await listed();
    await page.backend.commands.chooseSession(OTHER);
    const done = page.backend.commands.editSession("page", OTHER, { kind: "delete" });
    await answer(socket, "sessions.describe", { session: { key: OTHER, sessionId: "s" } });
    const expectedSessionId = "s";
    expect(await answer(socket, "sessions.patch", {})).toEqual({
      key: OTHER,
      archived: true,
      expectedSessionId,
    });
    expect(await answer(socket, "sessions.delete", { deleted: true })).toEqual({
      key: OTHER,
      archivedOnly: true,
      expectedSessionId,
    });
    expect(await done).toMatchObject({ status: "ok" });
    expect(last().active).toBe(MAIN);
    expect(last().rows.map(({ key }) => key)).toEqual([MAIN]);
  });

  it("show a new one; an empty one does for the next wish", async () => {
    const { page, socket, last } = await listed();
    const key = "agent:main:dashboard:8";
    const begun = page.backend.commands.createSession(null);
    await answer(socket, "sessions.create", { key });
    expect(await begun).toMatchObject({ status: "ok" });
    expect(last().active).toBe(key);

    await page.backend.commands.chooseSession(MAIN);
    await page.backend.commands.createSession(null);
    expect(last().active).toBe(key);
    expect(socket.asked("sessions.create")).toHaveLength(1);
  });

  it("keep what was being written in each", async () => {
    const { page } = await listed();
    const { keepDraft, unsent } = page.backend.commands;
    await keepDraft("page", "main", "for main");
    await keepDraft("page", OTHER, "for the other");
    expect(await unsent(MAIN)).toMatchObject({ data: { draft: "for main" } });
    expect(await unsent(OTHER)).toMatchObject({ data: { draft: "for the other" } });
    await keepDraft("page", MAIN, "");
    expect(await unsent("main")).toMatchObject({ data: { draft: "" } });
  });
});
