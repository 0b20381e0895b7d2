/** Builds the scenes, serves them and starts the browser that draws them; `CHROMIUM` names another one. */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { build, preview } from "vite";

/** The folder of the pages' sources. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** Returns the browser and the address the scenes are below; `close` ends both. */
export async function openPreview() {
  const outDir = join(root, "preview/dist");
  await build({
    root,
    logLevel: "warn",
    build: {
      outDir,
      emptyOutDir: true,
      rolldownOptions: { input: join(root, "preview/index.html") },
    },
  });
  const server = await preview({ root, build: { outDir }, preview: { port: 0 } });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const close = async () => {
    await browser.close();
    await server.close();
  };
  return { base: server.resolvedUrls.local[0], browser, close };
}
