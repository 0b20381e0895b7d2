// Asks a gateway for its health over and over, as the reference client does, and prints one JSON
// object about how that went. Started by the bench beside it, once for each number of connections:
//
//   node load.mjs MODULE URL TOKEN_FILE CONNECTIONS WARMING_MS ASKING_MS
//
// MODULE is the reference client's entry point. Each connection has one request under way at a
// time. Every answer must have the members of the first: an answer without content does not count.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [module, url, tokenFile, connections, warming, asking] = process.argv.slice(2);
const { GatewayClient } = await import(pathToFileURL(module).href);
const token = (await readFile(tokenFile, "utf8")).trim();

async function connect() {
  const { promise, resolve, reject } = Promise.withResolvers();
  const client = new GatewayClient({
    url,
    token,
    minProtocol: 4,
    maxProtocol: 4,
    scopes: ["operator.read"],
    onHelloOk: () => resolve(client),
    onConnectError: reject,
  });
  client.start();
  return promise;
}

// One after the other: a crowd is another measurement.
const clients = [];
const hellos = [];
for (let n = 0; n < Number(connections); n += 1) {
  const began = performance.now();
  clients.push(await connect());
  hellos.push(performance.now() - began);
}

const members = (payload) => Object.keys(payload).sort().join();
let last = await clients[0].request("health", {});
const expected = members(last);
const took = [];

async function ask(client, until) {
  while (performance.now() < until) {
    const began = performance.now();
    last = await client.request("health", {});
    took.push(performance.now() - began);
    if (members(last) !== expected) {
      throw new Error(`another answer than the first: ${JSON.stringify(last)}`);
    }
  }
}

// What is compiled and cached at the first requests is not what is measured.
const warm = performance.now() + Number(warming);
await Promise.all(clients.map((client) => ask(client, warm)));
const warmed = took.length;
took.length = 0;
const before = process.cpuUsage();
const began = performance.now();
await Promise.all(clients.map((client) => ask(client, began + Number(asking))));
const seconds = (performance.now() - began) / 1000;
const used = process.cpuUsage(before);

function at(values, part) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
console.log(
  JSON.stringify({
    perSecond: took.length / seconds,
    requestsInAll: warmed + took.length,
    p50Ms: at(took, 0.5),
    p99Ms: at(took, 0.99),
    helloMs: at(hellos, 0.5),
    clientUs: (used.user + used.system) / took.length,
    last,
  }),
);
for (const client of clients) {
  client.stop();
}
process.exit(0);
