import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

export default ts.config(
  { ignores: ["dist/", "preview/dist/", "node_modules/", "src/ipc/bindings.ts"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      "no-console": "error",
      // `== null` means "null or undefined", which optional view models are full of.
      eqeqeq: ["error", "always", { null: "ignore" }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "svelte/no-at-html-tags": "error",
      "svelte/no-inline-styles": ["error", { allowTransitions: false }],
      "svelte/button-has-type": "error",
      // One file speaks to the app; everything else is handed a backend.
      "no-restricted-imports": ["error", { patterns: ["@tauri-apps/*"] }],
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig },
    },
  },
  { files: ["src/ipc/tauri.ts"], rules: { "no-restricted-imports": "off" } },
  {
    files: ["preview/*.mjs", "*.js", "*.config.ts"],
    languageOptions: { globals: { ...globals.node } },
  },
  { files: ["preview/*.mjs"], rules: { "no-console": "off" } },
  // A test may say how much it looked at.
  { files: ["tests/*.ts"], rules: { "no-console": ["error", { allow: ["info"] }] } },
);
