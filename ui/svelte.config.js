import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

/** Runes everywhere, and styles in files of their own: the content policy allows no inline style. */
export default {
  preprocess: vitePreprocess(),
  compilerOptions: { runes: true, css: "external" },
};
