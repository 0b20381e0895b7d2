import { describe, expect, it, vi } from "vitest";
import { sizeWords } from "../src/lib/attachments";
import { copyText } from "../src/lib/clipboard";
import { secondsUntil, spanOf } from "../src/lib/duration";
import { fingerprintGroups } from "../src/lib/fingerprint";
import { parsePort } from "../src/lib/port";
import { randomUuid } from "../src/lib/uuid";

describe("a port as typed", () => {
  it.each([
    ["18789", 18789],
    [" 1 ", 1],
    ["65535", 65535],
    ["0", null],
    ["65536", null],
    ["", null],
    ["80a", null],
    ["-1", null],
    ["1e3", null],
  ])("%j is %j", (text, port) => expect(parsePort(text)).toBe(port));
});

describe("a fingerprint", () => {
  it("is cut into groups of four", () => {
    expect(fingerprintGroups("SHA256:uNiVztksCsDhc")).toEqual({
      name: "SHA256",
      groups: ["uNiV", "ztks", "CsDh", "c"],
    });
  });
});

describe("a span of time", () => {
  it("is cut into its units and never negative", () => {
    expect(spanOf(90_061_000)).toEqual({ days: 1, hours: 1, minutes: 1, seconds: 1 });
    expect(spanOf(-5)).toEqual({ days: 0, hours: 0, minutes: 0, seconds: 0 });
  });

  it("counts down to nothing", () => {
    expect(secondsUntil(8_000, 0)).toBe(8);
    expect(secondsUntil(8_000, 7_500)).toBe(1);
    expect(secondsUntil(8_000, 9_000)).toBe(0);
  });
});

describe("a UUID", () => {
  it("is of version 4 and another each time", () => {
    const made = Array.from({ length: 100 }, randomUuid);
    for (const uuid of made) {
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    expect(new Set(made).size).toBe(made.length);
  });
});

describe("copying", () => {
  it("falls back to the selection where the clipboard refuses, and leaves nothing behind", async () => {
    vi.spyOn(navigator.clipboard, "writeText").mockRejectedValue(new Error("denied"));
    let selected = "";
    document.execCommand = () => {
      selected = document.querySelector("textarea")?.value ?? "";
      return true;
    };
    expect(await copyText("ws://127.0.0.1:18789")).toBe(true);
    expect(selected).toBe("ws://127.0.0.1:18789");
    expect(document.querySelector("textarea")).toBeNull();
  });
});

describe("the size of a file", () => {
  it.each([
    [11, "en", "11 B"],
    [48_211, "en", "48 kB"],
    [2_400_000, "en", "2.4 MB"],
    [2_400_000, "da", "2,4 MB"],
  ])("is said as people read it: %d (%s)", (bytes, language, said) => {
    expect(sizeWords(bytes, language).replace(/\s/gu, " ")).toBe(said);
  });
});
