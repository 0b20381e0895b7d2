/** The colours: every text can be read, and every border of a control seen. */
import { describe, expect, it } from "vitest";
import tokens from "../src/styles/tokens.css?raw";

type Theme = Record<string, string>;

function colours(css: string): Theme {
  const found = css.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g);
  return Object.fromEntries([...found].map(([, name, colour]) => [name, colour]));
}

const darkAt = tokens.indexOf("@media (prefers-color-scheme: dark)");
const light = colours(tokens.slice(0, darkAt));
const dark = colours(tokens.slice(darkAt));

function luminance(colour: string): number {
  const channels = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const [red = 0, green = 0, blue = 0] = channels;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The contrast of WCAG 2.2, from 1 to 21. */
function contrast(one: string, other: string): number {
  const [dim, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return ((bright ?? 0) + 0.05) / ((dim ?? 0) + 0.05);
}

const TEXT_ON: Readonly<Record<string, readonly string[]>> = {
  text: ["bg", "surface", "hover", "bubble", "code", "bad-tint", "wait-tint", "mark"],
  "code-keyword": ["code"],
  "code-string": ["code"],
  "code-number": ["code"],
  "code-title": ["code"],
  "code-type": ["code"],
  muted: ["bg", "surface", "hover", "code"],
  wait: ["bg", "surface", "wait-tint"],
  bad: ["bg", "surface", "bad-tint"],
  good: ["bg", "surface"],
  "on-accent": ["accent", "accent-strong"],
};
const BORDER_ON: Readonly<Record<string, readonly string[]>> = {
  field: ["bg", "surface"],
  accent: ["bg", "surface"],
  good: ["surface"],
  bad: ["bg", "surface"],
};

function pairs(table: typeof TEXT_ON): [string, string][] {
  return Object.entries(table).flatMap(([front, backs]) =>
    backs.map((back): [string, string] => [front, back]),
  );
}

describe.each([
  ["light", light],
  ["dark", dark],
])("in the %s theme", (_name, theme) => {
  const of = (name: string) => {
    const colour = theme[name];
    if (colour === undefined) throw new Error(`tokens.css has no --${name}`);
    return colour;
  };

  it.each(pairs(TEXT_ON))("%s can be read on %s", (text, back) => {
    expect(contrast(of(text), of(back))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(pairs(BORDER_ON))("a border in %s is seen on %s", (border, back) => {
    expect(contrast(of(border), of(back))).toBeGreaterThanOrEqual(3);
  });
});

it("both themes name the same colours", () => {
  expect(Object.keys(dark).sort()).toEqual(Object.keys(light).sort());
});

it("no other file names a colour", () => {
  const files = import.meta.glob<string>("../src/**/*.{svelte,css}", {
    query: "?raw",
    import: "default",
    eager: true,
  });
  const naming = Object.entries(files)
    .filter(
      ([path, text]) => !path.endsWith("tokens.css") && /(#[0-9a-f]{3,8}\b|rgb\()/i.test(text),
    )
    .map(([path]) => path);
  expect(Object.keys(files).length).toBeGreaterThan(10);
  expect(naming).toEqual([]);
});
