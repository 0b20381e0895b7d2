import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // The files are embedded into the app and opened from its own scheme, never from a server's root.
  base: "./",
  plugins: [svelte(), svelteTesting()],
  build: {
    // The oldest web view we run in: WebKitGTK 2.36 and macOS 12.
    target: "safari15",
    outDir: "dist",
    emptyOutDir: true,
    // A data: URL would need a wider content policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The app's window, and the page that a gateway serves to browsers.
    rolldownOptions: { input: ["index.html", "browser.html"] },
  },
  // The tests read recordings of real gateways, which are beside this folder.
  server: { fs: { allow: [".."] } },
  test: {
    environment: "happy-dom",
    // A test reads the colours from the style sheet itself.
    css: true,
    include: ["tests/**/*.test.ts"],
    restoreMocks: true,
  },
});
