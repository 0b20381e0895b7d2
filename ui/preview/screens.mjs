/**
 * Draws every scene in Chromium, light, dark, narrow and in Danish, and writes a PNG of each.
 *
 * `npm run preview:screens -- <folder> [scene…]`; `CHROMIUM` names another browser. It fails when a
 * page logs an error, which is also how a breach of the content policy shows, when something is
 * wider than the window, or when axe finds a fault.
 */
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { openPreview, root } from "./open.mjs";

const [folder, ...only] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: npm run preview:screens -- <folder> [scene…]");
  process.exit(64);
}

const variants = [
  { name: "light", colorScheme: "light", viewport: { width: 980, height: 700 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 980, height: 700 } },
  { name: "narrow", colorScheme: "light", viewport: { width: 400, height: 560 } },
  { name: "danish", colorScheme: "light", viewport: { width: 640, height: 700 }, language: "da" },
];

const { base, browser, close } = await openPreview();
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const source = await readFile(join(root, "preview/scenes.ts"), "utf8");
const names = [
  ...source.matchAll(/^ {2}"?([a-z-]+)"?: (?:(?:quick|spoken)\()?(?:(?:scene|saying)\(|$)/gm),
].map((match) => match[1]);
const faults = [];

await mkdir(folder, { recursive: true });
for (const { name: variant, language = "en", ...options } of variants) {
  const context = await browser.newContext({ ...options, bypassCSP: false });
  for (const scene of names) {
    if (only.length > 0 && !only.includes(scene)) continue;
    const page = await context.newPage();
    const fault = (text) => faults.push(`${scene} (${variant}): ${text}`);
    page.on("console", (line) => line.type() === "error" && fault(line.text()));
    page.on("pageerror", (error) => fault(error.message));
    await page.goto(`${base}preview/index.html?scene=${scene}&language=${language}`);
    await page.waitForSelector('[data-ready="true"]');
    await page.waitForTimeout(450);
    await page.screenshot({ path: join(folder, `${scene}-${variant}.png`) });
    const wide = await page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
    if (wide) fault("something is wider than the window");
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    for (const { id, help, nodes } of violations) {
      fault(`${id}: ${help}: ${nodes.map((node) => node.target).join(", ")}`);
    }
    await page.close();
  }
  await context.close();
}
await close();

for (const fault of faults) console.error(fault);
console.log(`${names.length} scenes, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
