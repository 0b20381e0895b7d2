import { fireEvent, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { AnswerForm, QuestionView } from "../src/ipc";
import { FakeBackend, downView, settingsView } from "../src/ipc/fake";
import { all, find, get, input, open, testids, textOf } from "./window";

const FINGERPRINT = "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDzXQKLMB7nH4wQm7c";
const unknown: QuestionView = {
  kind: "hostKeyUnknown",
  id: "q1",
  host: "home-server",
  port: 2222,
  keyType: "Ed25519",
  fingerprint: FINGERPRINT,
};
const changed: QuestionView = {
  kind: "hostKeyChanged",
  id: "q2",
  host: "home-server",
  port: 22,
  keyType: "Ed25519",
  knownFingerprints: ["SHA256:aaaabbbbcccc", "SHA256:ddddeeeeffff"],
  newFingerprint: FINGERPRINT,
};

async function ask(question: QuestionView, backend = new FakeBackend()) {
  backend.connection = downView({ phase: "host_key", question });
  const opened = await open(backend);
  await find(testids.dialog);
  return { backend, ...opened };
}

const answered = (backend: FakeBackend) =>
  backend.callsOf("answerQuestion").at(-1)?.[0] as AnswerForm;

describe("an unknown server", () => {
  it("shows who it says it is, and trusts it only when told so", async () => {
    const { backend, user } = await ask(unknown);
    const text = textOf(get(testids.dialog));
    for (const part of ["home-server:2222", "Ed25519", "SHA256"]) expect(text).toContain(part);
    const groups = [...get(testids.fingerprint).children].map((group) => group.textContent);
    expect(groups.join("")).toBe(FINGERPRINT.slice("SHA256:".length));
    expect(groups.slice(0, -1).every((group) => group?.length === 4)).toBe(true);
    expect(document.activeElement).toBe(get(testids.dialogCancel));

    await user.click(get(testids.trust));
    expect(backend.callsOf("trustHostKey")).toEqual([["q1"]]);
    // The dialog goes when the app says so, and not before.
    expect(all(testids.dialog)).toHaveLength(1);
    backend.tellConnection(downView({ phase: "connecting", attempt: 1 }));
    await waitFor(() => expect(all(testids.dialog)).toEqual([]));
  });

  it("is left with Cancel and with Escape", async () => {
    const { backend, user } = await ask(unknown);
    await user.click(get(testids.dialogCancel));
    await fireEvent(get(testids.dialog), new Event("cancel", { cancelable: true }));
    expect(backend.callsOf("cancelQuestion")).toEqual([["q1"], ["q1"]]);
    expect(backend.callsOf("trustHostKey")).toEqual([]);
  });
});

describe("a changed key", () => {
  it("shows every key, and no button leads past it but the typed name", async () => {
    const { backend, user } = await ask(changed);
    const shown = all(testids.fingerprint).map((print) => print.dataset["value"]);
    expect(shown).toEqual([...changed.knownFingerprints, changed.newFingerprint]);
    expect((get(testids.reinstalled) as HTMLDetailsElement).open).toBe(false);
    expect(all(testids.trust)).toEqual([]);

    await user.click(get(testids.reinstalled).querySelector("summary") ?? document.body);
    await user.type(get(testids.hostName), "home-serve");
    await user.tab();
    expect(textOf(await find(testids.dialogError))).toBe("This is not home-server.");
    expect(get(testids.dialogConfirm)).toHaveProperty("disabled", true);
    await user.type(get(testids.hostName), "{Enter}");
    expect(backend.callsOf("answerQuestion")).toEqual([]);

    await user.type(get(testids.hostName), "r");
    await user.click(get(testids.dialogConfirm));
    expect(answered(backend)).toEqual({ id: "q2", texts: ["home-server"], remember: false });
  });

  it("does nothing on Enter while the name is hidden", async () => {
    const { backend } = await ask(changed);
    const form = get(testids.dialog).querySelector("form") ?? document.body;
    await fireEvent.submit(form);
    expect(backend.callsOf("answerQuestion")).toEqual([]);
  });
});

describe("a certificate", () => {
  it("is shown with what to compare it to, and trusted only when told so", async () => {
    const fingerprint = `SHA256:${"0A1B".repeat(16)}`;
    const { backend, user } = await ask({
      kind: "certificateUnknown",
      id: "q4",
      host: "home-server",
      port: 443,
      fingerprint,
    });
    const text = textOf(get(testids.dialog));
    for (const part of ["home-server:443", "openssl x509"]) expect(text).toContain(part);
    expect(text).not.toContain("ssh");
    expect(get(testids.fingerprint).dataset["value"]).toBe(fingerprint);
    expect(document.activeElement).toBe(get(testids.dialogCancel));

    await user.click(get(testids.trust));
    expect(backend.callsOf("trustHostKey")).toEqual([["q4"]]);
  });

  it("that is another one leaves no way on but the typed name", async () => {
    const { backend, user } = await ask({
      kind: "certificateChanged",
      id: "q5",
      host: "home-server",
      port: 443,
      knownFingerprint: "SHA256:AAAA",
      newFingerprint: "SHA256:BBBB",
    });
    const shown = all(testids.fingerprint).map((print) => print.dataset["value"]);
    expect(shown).toEqual(["SHA256:AAAA", "SHA256:BBBB"]);
    expect(all(testids.trust)).toEqual([]);

    await user.click(get(testids.reinstalled).querySelector("summary") ?? document.body);
    await user.type(get(testids.hostName), "home-server");
    await user.click(get(testids.dialogConfirm));
    expect(answered(backend)).toEqual({ id: "q5", texts: ["home-server"], remember: false });
  });
});

describe("a passphrase", () => {
  const asking: QuestionView = { kind: "passphrase", id: "q3", keyFile: "/k", wasWrong: false };

  it("is hidden, sent once and not remembered by default", async () => {
    const { backend, user } = await ask(asking);
    expect(input(testids.answerField).type).toBe("password");
    expect(document.activeElement).toBe(get(testids.answerField));
    expect(input(testids.remember).checked).toBe(false);
    await user.keyboard("open sesame{Enter}");
    expect(answered(backend)).toEqual({ id: "q3", texts: ["open sesame"], remember: false });
    await waitFor(() => expect(input(testids.answerField).value).toBe(""));
  });

  it("is remembered when that is asked for", async () => {
    const { backend, user } = await ask(asking);
    await user.type(get(testids.answerField), "x");
    await user.click(get(testids.remember));
    await user.click(get(testids.dialogConfirm));
    expect(answered(backend).remember).toBe(true);
  });

  it("says when the one before was wrong, and starts empty again", async () => {
    const { backend, user } = await ask(asking);
    await user.type(get(testids.answerField), "wrong");
    expect(all(testids.dialogError)).toEqual([]);
    backend.tellConnection(
      downView({ phase: "auth_prompt", question: { ...asking, id: "q4", wasWrong: true } }),
    );
    expect(textOf(await find(testids.dialogError))).toContain("not the passphrase");
    expect(input(testids.answerField).value).toBe("");
  });

  it("cannot be remembered where there is no keychain", async () => {
    const backend = new FakeBackend();
    backend.settings = settingsView({ keychain: { kind: "sessionOnly", reason: "None." } });
    await ask(asking, backend);
    expect(all(testids.remember)).toEqual([]);
  });

  it("says what the app has against the answer", async () => {
    const backend = new FakeBackend({
      answerQuestion: () => ({
        status: "error",
        error: { code: "questionGone", message: "The question is no longer open.", action: null },
      }),
    });
    const { user } = await ask(asking, backend);
    await user.type(get(testids.answerField), "x{Enter}");
    expect(textOf(await find(testids.dialogError))).toBe("The question is no longer open.");
  });
});

describe("what a server asks in its own words", () => {
  it("is one field for each prompt, visible where the server says so", async () => {
    const { backend, user } = await ask({
      kind: "prompts",
      wasWrong: false,
      id: "q5",
      title: "Two-step sign-in",
      instruction: "Enter the code.",
      prompts: [
        { label: "Account:", echo: true },
        { label: "", echo: false },
      ],
    });
    expect(textOf(get(testids.dialogTitle))).toBe("Two-step sign-in");
    const fields = all(testids.answerField) as HTMLInputElement[];
    expect(fields.map((field) => field.type)).toEqual(["text", "password"]);
    expect(fields.map((field) => textOf(field.labels?.[0] ?? field))).toEqual([
      "Account:",
      "Answer 2",
    ]);
    await user.keyboard("me");
    await user.tab();
    await user.keyboard("123456{Enter}");
    expect(answered(backend)).toEqual({ id: "q5", texts: ["me", "123456"], remember: false });
    expect(all(testids.remember)).toEqual([]);
  });

  it("is the account's password, named with its account", async () => {
    await ask({ kind: "password", id: "q6", user: "me", host: "home-server", wasWrong: true });
    const text = textOf(get(testids.dialog));
    expect(text).toContain("home-server asks for the password of me.");
    expect(text).toContain("did not accept that password");
  });
});
