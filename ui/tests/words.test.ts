/** The catalogue: both languages whole, and the one list of what tests find. */
import { describe, expect, it } from "vitest";
import { catalogueFor, catalogues } from "../src/i18n";
import { da } from "../src/i18n/da";
import { en } from "../src/i18n/en";
import { testids } from "../src/testids";

/** Every word with its dotted name; a function stands for what it says about sample values. */
function words(catalogue: object, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(catalogue) as [string, unknown][]) {
    const path = `${prefix}${name}`;
    if (typeof value === "string") found.set(path, value);
    else if (typeof value === "function")
      found.set(path, sample(value as (...a: unknown[]) => string));
    else for (const [key, text] of words(value as object, `${path}.`)) found.set(key, text);
  }
  return found;
}

function sample(say: (...given: unknown[]) => string): string {
  const span = { days: 0, hours: 3, minutes: 12, seconds: 0 };
  if (say.toString().includes("found.code")) return say({ code: "portAnswers", port: 7 }, "7");
  return say.toString().includes("days") ? say(span) : say("7", "7");
}

const english = words(en);
const danish = words(da);

describe("the catalogue", () => {
  it("has the same words in both languages, and none is empty", () => {
    expect([...danish.keys()].sort()).toEqual([...english.keys()].sort());
    const empty = [...english, ...danish].filter(([, text]) => text.trim() === "");
    expect(empty).toEqual([]);
  });

  it("is translated: what is equal in both is listed here", () => {
    const equal = [...english].filter(([name, text]) => danish.get(name) === text);
    expect(equal.map(([name]) => name).sort()).toEqual(
      [
        "browser.linkCommand",
        "chat.agent",
        "chat.send",
        "chat.stop",
        "common.megabytes",
        "common.kilobytes",
        "common.ms",
        "dialog.certificateCommand",
        "dialog.compareCommand",
        "dialog.server",
        "invitation.port",
        "nav.chat",
        "nav.server",
        "pairing.id",
        "pairing.platform",
        "problem",
        "product",
        "server.step.gateway",
        "server.step.forward",
        "server.step.access",
        "server.stepDirect.gateway",
        "server.stepDirect.forward",
        "server.stepDirect.access",
        "server.stepDirect.tcp",
        "server.model",
        "server.way",
        "server.title",
        "server.version",
        "sessions.agent",
        "settings.appearance.languages.danish",
        "settings.appearance.languages.english",
        "settings.gateways.title",
        "settings.privacy.folder.data",
        "settings.privacy.version",
        "settings.tokenCommand",
        "globalKeys.quickChat",
        "globalKeys.shown",
        "shortcuts.send",
        "state.announce",
        "voice.engines.pocketSphinx",
        "voice.engines.whisper",
        "voice.model",
        "voice.modelStop",
        "voice.testerStop",
      ].sort(),
    );
  });

  it("has no exclamation mark", () => {
    const loud = [...english, ...danish].filter(([, text]) => text.includes("!"));
    expect(loud).toEqual([]);
  });

  it("speaks the first language the user reads", () => {
    expect(catalogueFor(["de-DE", "da-DK", "en"])).toBe(catalogues.da);
    expect(catalogueFor(["en-GB", "da"])).toBe(catalogues.en);
    expect(catalogueFor(["de"])).toBe(catalogues.en);
  });

  it("says the app's problems in Danish where it can, and in the app's words elsewhere", () => {
    const message = "The server allows login but forbids forwarding.";
    expect(en.problem("forwardProhibited", message)).toBe(message);
    expect(da.problem("forwardProhibited", message)).toBe(da.state.cause.forwardProhibited);
    const problem = { code: "problem", problem: "nameNotFound", facts: { host: "boks" } } as const;
    expect(da.finding(problem, message)).toContain("boks");
    expect(en.finding(problem, message)).toBe(message);
    expect(da.problem("neverHeardOf", message)).toBe(message);
  });
});

/** What tells people of problems on the way to a gateway: every camelCase word in there is a code. */
const sources = import.meta.glob<string>(
  [
    "../../gateway-core/src/check/{run,health}.rs",
    "../../gateway-core/src/connection/*.rs",
    "../../gateway-core/src/connection/explain/*.rs",
    "../../gateway-core/src/home_server/*.rs",
    "../../src-tauri/src/access.rs",
    "../../src-tauri/src/controller/invitation.rs",
    "../src/ipc/browser/check.ts",
  ],
  { query: "?raw", import: "default", eager: true },
);

describe("the codes of problems", () => {
  /** Words of that shape that are none. */
  const others = ["camelCase", "notReached", "needsUser"];

  it("have Danish words each", () => {
    const codes = new Set<string>();
    for (const source of Object.values(sources)) {
      const [shipped = ""] = source.split("#[cfg(test)]");
      for (const [, code = ""] of shipped.matchAll(/"([a-z]+(?:[A-Z][a-z]+)+)"/g)) codes.add(code);
    }
    expect(codes.size).toBeGreaterThan(60);
    const english = "said in English";
    const without = [...codes].filter((code) => da.problem(code, english) === english);
    expect(without.filter((code) => !others.includes(code))).toEqual([]);
  });

  it("are said with what they are about", () => {
    const facts = { port: "4711", host: "boks" };
    const said = da.finding({ code: "problem", problem: "gatewayNotRunning", facts }, "");
    expect(said).toContain("4711");
  });
});

describe("the list of test ids", () => {
  it("names each of them once", () => {
    const values = Object.values(testids);
    expect(new Set(values).size).toBe(values.length);
    for (const value of values) expect(value).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it("is the only place that names them, and names none that is not drawn", () => {
    const files = import.meta.glob<string>("../src/**/*.svelte", {
      query: "?raw",
      import: "default",
      eager: true,
    });
    const drawn = Object.values(files).join("\n");
    expect(drawn).not.toMatch(/data-testid="/);
    const unused = Object.keys(testids).filter((name) => !drawn.includes(`testids.${name}`));
    expect(unused).toEqual([]);
  });
});
