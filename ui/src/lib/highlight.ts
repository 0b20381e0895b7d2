/**
 * Colours code. The grammars are fetched when the first block of their language is drawn; the
 * result is words with the name of a colour, never markup.
 */
import type { LanguageFn } from "highlight.js";
import type { RootContent } from "hast";
import { createLowlight } from "lowlight";

/** The colours there are; the style sheet has one rule for each. */
export type Tint =
  "keyword" | "string" | "number" | "comment" | "title" | "type" | "name" | "added" | "removed";

export interface Token {
  readonly text: string;
  readonly tint: Tint | null;
}

/** Longer code is left plain: nobody reads it here, and colouring it would hold the window up. */
export const LONGEST_CODE = 40_000;

type Load = () => Promise<{ default: LanguageFn }>;

const GRAMMARS: Readonly<Record<string, Load>> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  diff: () => import("highlight.js/lib/languages/diff"),
  dockerfile: () => import("highlight.js/lib/languages/dockerfile"),
  go: () => import("highlight.js/lib/languages/go"),
  ini: () => import("highlight.js/lib/languages/ini"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  kotlin: () => import("highlight.js/lib/languages/kotlin"),
  lua: () => import("highlight.js/lib/languages/lua"),
  makefile: () => import("highlight.js/lib/languages/makefile"),
  nginx: () => import("highlight.js/lib/languages/nginx"),
  php: () => import("highlight.js/lib/languages/php"),
  powershell: () => import("highlight.js/lib/languages/powershell"),
  python: () => import("highlight.js/lib/languages/python"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  sql: () => import("highlight.js/lib/languages/sql"),
  swift: () => import("highlight.js/lib/languages/swift"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const ALIASES: Readonly<Record<string, string>> = {
  "c++": "cpp",
  cc: "cpp",
  conf: "ini",
  console: "bash",
  cs: "csharp",
  docker: "dockerfile",
  golang: "go",
  h: "c",
  hpp: "cpp",
  htm: "xml",
  html: "xml",
  js: "javascript",
  json5: "json",
  jsonc: "json",
  jsx: "javascript",
  kt: "kotlin",
  make: "makefile",
  mjs: "javascript",
  patch: "diff",
  ps1: "powershell",
  py: "python",
  python3: "python",
  rb: "ruby",
  rs: "rust",
  sh: "bash",
  shell: "bash",
  svelte: "xml",
  svg: "xml",
  toml: "ini",
  ts: "typescript",
  tsx: "typescript",
  vue: "xml",
  yml: "yaml",
  zsh: "bash",
};

const TINTS = new Map<string, Tint>([
  ["keyword", "keyword"],
  ["meta", "comment"],
  ["string", "string"],
  ["regexp", "string"],
  ["number", "number"],
  ["literal", "number"],
  ["symbol", "number"],
  ["bullet", "number"],
  ["comment", "comment"],
  ["quote", "comment"],
  ["title", "title"],
  ["section", "title"],
  ["type", "type"],
  ["built_in", "type"],
  ["class", "type"],
  ["name", "keyword"],
  ["selector-tag", "keyword"],
  ["attr", "name"],
  ["attribute", "name"],
  ["variable", "name"],
  ["property", "name"],
  ["addition", "added"],
  ["deletion", "removed"],
]);

const lowlight = createLowlight();
const loading = new Map<string, Promise<void>>();

/** Returns the grammar for a language as it is named on a fence, or `null`. */
export function grammarOf(language: string): string | null {
  const name = language.toLowerCase();
  const grammar = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  return grammar !== undefined && Object.hasOwn(GRAMMARS, grammar) ? grammar : null;
}

/** Colours code at once, where its grammar is there already; else `null`. */
export function tokens(grammar: string, code: string): Token[] | null {
  if (!lowlight.registered(grammar) || code.length > LONGEST_CODE) return null;
  try {
    const found: Token[] = [];
    collect(lowlight.highlight(grammar, code).children, null, found);
    return found;
  } catch {
    return null;
  }
}

/** Fetches a grammar; resolves once it can be used, and also when it cannot be had. */
export function load(grammar: string): Promise<void> {
  const known = loading.get(grammar);
  if (known !== undefined) return known;
  const load = Object.hasOwn(GRAMMARS, grammar) ? GRAMMARS[grammar] : undefined;
  const fetched = (load?.() ?? Promise.reject(new Error("no such grammar")))
    .then((module) => lowlight.register(grammar, module.default))
    .catch(() => undefined);
  loading.set(grammar, fetched);
  return fetched;
}

function collect(nodes: readonly RootContent[], tint: Tint | null, found: Token[]): void {
  for (const node of nodes) {
    if (node.type === "text") {
      const last = found.at(-1);
      if (last?.tint === tint) found[found.length - 1] = { text: last.text + node.value, tint };
      else found.push({ text: node.value, tint });
    } else if (node.type === "element") {
      collect(node.children, tintOf(node.properties["className"]) ?? tint, found);
    }
  }
}

function tintOf(names: unknown): Tint | null {
  if (!Array.isArray(names)) return null;
  for (const name of names) {
    const tint = TINTS.get(String(name).replace(/^hljs-/, ""));
    if (tint !== undefined) return tint;
  }
  return null;
}
