// Drives the reference client against one gateway and writes what it sees as JSON lines.
//
//   node drive.mjs ENTRY        ENTRY: the client package's entry file
//
// GATEWAY_URL and GATEWAY_TOKEN say where. At `{"step":"restart",…}` it waits for the connection to
// end and to come back by itself; whoever started it restarts the gateway then.
import { generateKeyPairSync, createHash, createPublicKey, randomUUID, sign } from "node:crypto";
import { pathToFileURL } from "node:url";

const { GatewayClient } = await import(pathToFileURL(process.argv[2]).href);
const { GATEWAY_URL: url, GATEWAY_TOKEN: token } = process.env;
const CONVERSATION = "agent:main:reference";
const DEADLINE_MS = 120_000;

const say = (step, facts = {}) => process.stdout.write(`${JSON.stringify({ step, ...facts })}\n`);

// The client leaves keys, signatures and tokens to its host.
const raw = (pem) => Buffer.from(createPublicKey(pem).export({ format: "jwk" }).x, "base64url");
const pair = generateKeyPairSync("ed25519", {
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const deviceIdentity = {
  deviceId: createHash("sha256").update(raw(pair.publicKey)).digest("hex"),
  publicKeyPem: pair.publicKey,
  privateKeyPem: pair.privateKey,
};
let kept = null;

// What has happened, and who waits for more of it.
const seen = { hellos: [], closes: [], gaps: 0, events: [], tokens: 0 };
const waiting = new Set();
const changed = () => waiting.forEach((look) => look());
const until = (what, find) =>
  new Promise((resolve, reject) => {
    const tooLate = setTimeout(() => reject(new Error(`${what}: not in time`)), DEADLINE_MS);
    const look = () => {
      const found = find();
      if (found === undefined || found === false) return;
      clearTimeout(tooLate);
      waiting.delete(look);
      resolve(found);
    };
    waiting.add(look);
    look();
  });

const client = new GatewayClient({
  url,
  token,
  clientName: "openclaw-linux",
  clientVersion: "0.0.0",
  platform: "linux",
  mode: "ui",
  role: "operator",
  scopes: ["operator.read", "operator.write"],
  caps: ["tool-events"],
  deviceIdentity,
  hostDeps: {
    signDevicePayload: (pem, text) => sign(null, Buffer.from(text), pem).toString("base64url"),
    publicKeyRawBase64UrlFromPem: (pem) => raw(pem).toString("base64url"),
    loadDeviceAuthToken: () => kept,
    storeDeviceAuthToken: (record) => {
      seen.tokens += 1;
      kept = { token: record.token, scopes: record.scopes };
    },
    clearDeviceAuthToken: () => {
      kept = null;
    },
  },
  onHelloOk: (hello) => {
    seen.hellos.push(hello);
    changed();
  },
  onConnectError: (error) => say("refused", { message: error.message }),
  onClose: (code, reason) => {
    seen.closes.push({ code, reason });
    changed();
  },
  onGap: () => {
    seen.gaps += 1;
  },
  onEvent: (event) => {
    seen.events.push(event);
    changed();
  },
});

const chats = (runId) =>
  seen.events.filter((event) => event.event === "chat" && event.payload.runId === runId);
const ended = (runId) =>
  chats(runId).find((event) => ["final", "aborted", "error"].includes(event.payload.state));
const send = (message, idempotencyKey) =>
  client.request("chat.send", { sessionKey: CONVERSATION, message, idempotencyKey });
const textOf = (message) =>
  typeof message?.content === "string"
    ? message.content
    : (message?.content ?? []).map((part) => part.text ?? "").join("");

async function turn(step, message, idempotencyKey) {
  const answer = await send(message, idempotencyKey);
  const last = (await until(`the end of ${idempotencyKey}`, () => ended(idempotencyKey))).payload;
  const deltas = chats(idempotencyKey).filter((event) => event.payload.state === "delta");
  say(step, {
    status: answer.status,
    runId: answer.runId,
    state: last.state,
    text: textOf(last.message),
    deltas: deltas.length,
    // A delta's message is the whole text so far, and its deltaText what is new in it.
    grows: deltas.every(
      (event, at) =>
        textOf(event.payload.message) ===
        (at > 0 ? textOf(deltas[at - 1].payload.message) : "") + event.payload.deltaText,
    ),
  });
}

async function history(step) {
  const { messages, inFlightRun } = await client.request("chat.history", {
    sessionKey: CONVERSATION,
    limit: 1000,
  });
  say(step, {
    inFlight: inFlightRun?.runId ?? null,
    messages: messages.map((message) => ({
      role: message.role,
      text: textOf(message),
      key: message.idempotencyKey ?? null,
      id: message.__openclaw.id,
    })),
  });
}

async function restarted(how) {
  const [hellos, closes] = [seen.hellos.length, seen.closes.length];
  say("restart", { how });
  const close = await until("the close", () => seen.closes[closes]);
  await until("the reconnect", () => seen.hellos.length > hellos);
  await client.request("sessions.subscribe", {});
  say("back", { how, close, gaps: seen.gaps });
}

client.start();
const hello = await until("hello", () => seen.hellos[0]);
say("hello", {
  protocol: hello.protocol,
  scopes: hello.auth.scopes,
  deviceToken: typeof hello.auth.deviceToken === "string",
});
await client.request("sessions.subscribe", {});

await turn("first", "one", "key-one");
say("again", { answer: await send("one", "key-one") });

await send("tell me SLOW things", "key-two");
await until("three deltas", () => chats("key-two").length > 4);
const stopped = await client.request("chat.abort", {
  sessionKey: CONVERSATION,
  runId: "key-two",
});
const aborted = (await until("the end of key-two", () => ended("key-two"))).payload;
say("aborted", {
  answer: stopped,
  state: aborted.state,
  stopReason: aborted.stopReason,
  text: textOf(aborted.message),
});

// Killed in the middle of an answer.
await send("more SLOW things", "key-three");
await until("some of it", () => chats("key-three").length > 4);
await restarted("killed");
await history("afterKill");
say("resent", { answer: await send("more SLOW things", "key-three") });
await turn("afterKillTurn", "two", "key-four");

await restarted("stopped");
await turn("afterStopTurn", "three", randomUUID());
await history("atLast");
const refused = await client.request("foo.bar", {}).catch((error) => error);
say("unknownMethod", { code: refused.gatewayCode ?? refused.code, message: refused.message });
say("done", { gaps: seen.gaps, hellos: seen.hellos.length, tokens: seen.tokens });
await client.stopAndWait();
