/** Markdown as data: what is read, what stays text, and that growing makes no difference. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { destination, imageSource, linkAddress } from "../src/lib/markdown/address";
import { directionOf } from "../src/lib/markdown/direction";
import { MessageDocument } from "../src/lib/markdown/document";
import { mend } from "../src/lib/markdown/mend";
import { parse } from "../src/lib/markdown/parse";
import type { Block, Inline } from "../src/lib/markdown/tree";
import { hostileMessages } from "./hostile.mjs";

const read = (text: string): Block[] => parse(text).placed.flatMap(({ blocks }) => blocks);
const words = (value: string): Inline => ({ kind: "text", value });
const paragraph = (...children: Inline[]): Block => ({ kind: "paragraph", children });

function whole(text: string) {
  return new MessageDocument().update(text, false);
}

describe("what is read", () => {
  it("reads paragraphs, emphasis, code, links and strikethrough", () => {
    expect(read("One *two* **three** `four` ~~five~~ [six](https://example.org/x)")).toEqual([
      paragraph(
        words("One "),
        { kind: "emphasis", children: [words("two")] },
        words(" "),
        { kind: "strong", children: [words("three")] },
        words(" "),
        { kind: "code", value: "four" },
        words(" "),
        { kind: "deleted", children: [words("five")] },
        words(" "),
        { kind: "link", address: "https://example.org/x", children: [words("six")] },
      ),
    ]);
  });

  it("reads fences, lists, tasks and tables", () => {
    expect(read("```rs\nfn main() {}\n```\n\n3. a\n4. b\n\n- [x] done\n- [ ] open")).toEqual([
      { kind: "code", language: "rs", value: "fn main() {}" },
      {
        kind: "list",
        start: 3,
        tight: true,
        items: ["a", "b"].map((text) => ({ checked: null, children: [paragraph(words(text))] })),
      },
      {
        kind: "list",
        start: null,
        tight: true,
        items: [
          { checked: true, children: [paragraph(words("done"))] },
          { checked: false, children: [paragraph(words("open"))] },
        ],
      },
    ]);
    expect(read("| a | b |\n|:--|--:|\n| 1 | 2<br>3 |")).toEqual([
      {
        kind: "table",
        align: ["left", "right"],
        head: [[words("a")], [words("b")]],
        rows: [[[words("1")], [words("2"), { kind: "break" }, words("3")]]],
      },
    ]);
  });

  it("numbers footnotes by their first reference", () => {
    const drawn = whole("One[^b] two[^a] three[^b].\n\n[^a]: About a\n[^b]: About b\n");

    expect(drawn.notes.map(({ id, number }) => [id, number])).toEqual([
      ["b", 1],
      ["a", 2],
    ]);
    expect(drawn.notes[0]?.children).toEqual([paragraph(words("About b"))]);
  });

  it("leaves HTML as it was written", () => {
    expect(read("<b>x</b>\n\na <i>b</i>")).toEqual([
      paragraph(words("<b>x</b>")),
      paragraph(words("a <i>b</i>")),
    ]);
  });

  it("shows a link that may not be followed as it was written", () => {
    for (const text of [
      "[x](javascript:alert(1))",
      "[x](/settings)",
      "![x](file:///etc/passwd)",
      "[x](data:text/html,hi)",
    ]) {
      expect(read(text)).toEqual([paragraph(words(text))]);
    }
  });

  it("reads any depth and length in a moment", () => {
    const many = [
      ">".repeat(5_000),
      "- ".repeat(2_000) + "x",
      "[".repeat(20_000),
      "*a ".repeat(10_000),
      "`".repeat(20_000) + "x",
      "![".repeat(10_000),
      "|".repeat(3_000) + "\n" + "|-".repeat(3_000),
      "<a".repeat(10_000),
      "[^a]".repeat(5_000) + "\n\n[^a]: x",
      "a\n".repeat(300_000),
    ];
    for (const text of many) {
      const began = performance.now();
      whole(text);
      expect([text.slice(0, 4), performance.now() - began < 5_000]).toEqual([
        text.slice(0, 4),
        true,
      ]);
    }
  }, 60_000);
});

describe("addresses", () => {
  it("leads to whole web and mail addresses only", () => {
    expect(linkAddress("HTTPS://Example.org/a b")).toBe("https://example.org/a%20b");
    expect(linkAddress("mailto:me@example.org?subject=x")).toBe("mailto:me@example.org?subject=x");
    for (const bad of [
      "java\nscript:alert(1)",
      " javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "vbscript:x",
      "data:text/html,x",
      "file:///etc/passwd",
      "blob:https://example.org/1",
      "tauri://localhost",
      "ipc://localhost",
      "//example.org",
      "/x",
      "#x",
      "https://",
      "mailto:",
      "mailto:me@example.org?attach=/etc/passwd",
      `https://example.org/${"x".repeat(5_000)}`,
    ]) {
      expect([bad, linkAddress(bad)]).toEqual([bad, null]);
    }
  });

  it("names the host that is really gone to", () => {
    expect(destination(linkAddress("https://bank.example@evil.example/") ?? "")).toBe(
      "evil.example",
    );
    expect(destination(linkAddress("https://аpple.example/") ?? "")).toBe("xn--pple-43d.example");
    expect(destination(linkAddress("mailto:me@example.org") ?? "")).toBe("me@example.org");
  });

  it("takes small pictures that came along, and no drawings that could hold scripts", () => {
    expect(imageSource("data:image/png;base64,iVBORw0KGgo=")).not.toBeNull();
    for (const bad of [
      "data:image/svg+xml;base64,PHN2Zz4=",
      "data:text/html;base64,PHN2Zz4=",
      'data:image/png;base64,"onload=',
      "https://example.org/x.png",
    ]) {
      expect(imageSource(bad)).toBeNull();
    }
  });
});

/** Pieces that make Markdown change its mind. */
const piece = fc.oneof(
  fc.constantFrom(
    ..."\n|\n\n|# |## |- |* |1. |> |    |\t|  |```|```js\n|~~~|**|*|_|`|~~|[|](|)|]|[^1]|[^1]: |[a]: |[a]|![|<b>|</b>|<!--|-->|--|---|===|===\n|a b|x|\\".split(
      "|",
    ),
    "|",
    "| a | b |\n",
    "|---|---|\n",
    "https://example.org/",
    "me@example.org",
    "[a]: https://example.org/a\n",
    "[^1]: note\n",
    "- [ ] task\n",
    "&lt;",
  ),
  fc.string({ maxLength: 4 }),
);
const written = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));

/** `MARKDOWN_RUNS` asks for more. */
const RUNS = Number(process.env["MARKDOWN_RUNS"] ?? 1_000);

const INLINE = ["text", "code", "strong", "emphasis", "deleted", "link", "image", "remoteImage"];
const BLOCK = ["paragraph", "heading", "code", "quote", "list", "table", "rule"];

/** Fails when anything but the closed list is in a tree, or an address that may not be. */
function judge(blocks: readonly Block[]): void {
  const inlines = (items: readonly Inline[]) => {
    for (const item of items) {
      expect([...INLINE, "break", "note"]).toContain(item.kind);
      if ("address" in item) expect(linkAddress(item.address)).toBe(item.address);
      if ("source" in item) expect(imageSource(item.source)).toBe(item.source);
      if ("children" in item) inlines(item.children);
    }
  };
  for (const block of blocks) {
    expect(BLOCK).toContain(block.kind);
    if (block.kind === "paragraph" || block.kind === "heading") inlines(block.children);
    if (block.kind === "quote") judge(block.children);
    if (block.kind === "list") for (const item of block.items) judge(item.children);
    if (block.kind === "table")
      for (const cell of [block.head, ...block.rows].flat()) inlines(cell);
  }
}

describe("a message that grows", () => {
  it("never throws and stays within the closed list, mended or not", () => {
    fc.assert(
      fc.property(written, (text) => {
        judge(whole(text).blocks);
        judge(new MessageDocument().update(text, true).blocks);
      }),
      { numRuns: 1_000 },
    );
  }, 60_000);

  it("ends as the same tree, wherever it was cut", () => {
    fc.assert(
      fc.property(written, fc.array(fc.nat(60), { maxLength: 12 }), (text, steps) => {
        const document = new MessageDocument();
        let length = 0;
        for (const step of steps) {
          length += step;
          document.update(text.slice(0, length), true);
        }
        expect(document.update(text, false)).toEqual(whole(text));
      }),
      { numRuns: RUNS },
    );
  }, 60_000);

  it("ends as the same tree, letter by letter", () => {
    fc.assert(
      fc.property(written, (text) => {
        const document = new MessageDocument();
        for (let length = 0; length < text.length; length++) {
          document.update(text.slice(0, length), true);
        }
        expect(document.update(text, false)).toEqual(whole(text));
      }),
      { numRuns: RUNS / 5 },
    );
  }, 60_000);

  it("keeps the blocks that are complete, so that they are drawn once", () => {
    const text = "# One\n\nTwo\n\n- three\n- four\n\nFive is still being wr";
    const document = new MessageDocument();
    const before = document.update(text, true).blocks;
    const after = document.update(`${text}itten`, true).blocks;

    expect(after).toHaveLength(4);
    for (const index of [0, 1]) expect(after[index]).toBe(before[index]);
  });

  it("begins anew when the text is replaced", () => {
    const document = new MessageDocument();
    document.update("One\n\nTwo\n\nThree", true);
    expect(document.update("Other", true).blocks).toEqual([paragraph(words("Other"))]);
  });

  it("reads an answer of 100 KB that comes in thousands of pieces in little time", () => {
    const part =
      "## A heading\n\nSome **bold** words and `code`, see [there](https://example.org).\n\n" +
      "- one\n- two\n\n```js\nconst answer = 42;\nconsole.log(answer);\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n";
    const text = part.repeat(Math.ceil(100_000 / part.length));
    const began = performance.now();
    whole(text);
    const once = performance.now() - began;
    const document = new MessageDocument();
    const beganGrowing = performance.now();
    let updates = 0;
    for (let length = 0; length < text.length; length += 50) {
      document.update(text.slice(0, length), true);
      updates += 1;
    }
    document.update(text, false);
    const each = (performance.now() - beganGrowing) / updates;
    console.info(
      `${updates} updates of an answer of ${text.length} characters, ${each.toFixed(2)} ms each; ` +
        `read at once ${once.toFixed(1)} ms`,
    );
    // Both were measured beside whatever else this computer does.
    expect(each).toBeLessThan(once / 2);
  }, 60_000);
});

describe("what is unfinished", () => {
  it.each([
    ["See [the page](https://exam", "See the page"],
    ["A **bold wo", "A **bold wo**"],
    ["A `code", "A `code`"],
    ["A ~~gone", "A ~~gone~~"],
    ["Text\n-", "Text\n"],
    ["Text\n``", "Text\n"],
    ["See ![pic](https://ex", "See "],
    ["| a | b", "| a | b\n|---|---|"],
    ["| a | b |\n|:--|-", "| a | b |\n|:--|-|"],
    ["```js\nlet a = [1](", "```js\nlet a = [1]("],
    ["All *well* and **good**.", "All *well* and **good**."],
  ])("draws %j as it will look", (text, mended) => {
    expect(mend(text)).toBe(mended);
  });
});

describe("hostile content", () => {
  it("becomes text, or a link that a person is asked about", () => {
    const messages = hostileMessages();
    expect(messages.length).toBeGreaterThanOrEqual(2_000);
    for (const message of messages) judge(whole(message).blocks);
    console.info(`${messages.length} hostile messages read as data`);
  });
});

describe("the direction of a block", () => {
  it.each([
    ["- القرص\n- disk", "rtl"],
    ["- disk\n- القرص", "ltr"],
    ["> **שלום** world", "rtl"],
    ["1. 412", "ltr"],
    ["- `code` ثم", "rtl"],
  ])("is that of its first letter: %s", (text, direction) => {
    expect(directionOf(read(text))).toBe(direction);
  });
});
