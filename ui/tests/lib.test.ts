import { describe, expect, it, vi } from "vitest";
import { blocks } from "../src/lib/blocks";
import { copyText } from "../src/lib/clipboard";
import { secondsUntil, spanOf } from "../src/lib/duration";
import { fingerprintGroups } from "../src/lib/fingerprint";
import { parsePort } from "../src/lib/port";
import { randomUuid } from "../src/lib/uuid";

describe("the formatting of a message", () => {
  it("cuts paragraphs, code and code within a line", () => {
    expect(blocks("Run `ls`:\nnow\n\n```sh\nls -l\n\n# end\n```\nDone.")).toEqual([
      {
        kind: "paragraph",
        spans: [
          { kind: "text", text: "Run " },
          { kind: "code", text: "ls" },
          { kind: "text", text: ":\nnow" },
        ],
      },
      { kind: "code", language: "sh", text: "ls -l\n\n# end" },
      { kind: "paragraph", spans: [{ kind: "text", text: "Done." }] },
    ]);
  });

  it("shows code that still streams as code", () => {
    expect(blocks("```py\nprint(")).toEqual([{ kind: "code", language: "py", text: "print(" }]);
  });

  it("closes a fence only with one that is as long", () => {
    expect(blocks("````\n```\ninner\n```\n````")).toEqual([
      { kind: "code", language: "", text: "```\ninner\n```" },
    ]);
  });

  it("keeps markup as the text it is", () => {
    const text = '<img src=x onerror="alert(1)"> **bold**';
    expect(blocks(text)).toEqual([{ kind: "paragraph", spans: [{ kind: "text", text }] }]);
  });
});

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
