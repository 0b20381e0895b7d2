/**
 * Draws the pictures of the user guide: `npm run preview:guide`. Each is there light and dark, in single
 * and in double size.
 */
import { join } from "node:path";
import { openPreview, root } from "./open.mjs";

/** The scene behind each picture. */
const PICTURES = {
  "first-run-where": "first-run-where",
  "first-run-how": "first-run-how",
  "first-run-check": "first-run-check",
  trust: "dialog-trust",
  "changed-key": "dialog-changed",
  "sign-in-key": "key-offered",
  server: "server-up",
  repair: "repair-offered",
  pairing: "server-pairing",
  day: "server-day",
  chat: "chat",
  "chat-long": "chat-long-middle",
  "chat-kept": "chat-kept",
  conversations: "sessions-menu",
  approval: "chat-requests",
  settings: "settings",
  "settings-general": "settings-notifications",
  report: "dialog-report",
  invitation: "dialog-invitation",
  privacy: "settings-privacy",
  voice: "voice",
  "voice-overlay": "voice-overlay-sends",
};

const folder = join(root, "../docs/guide/pictures");
const { base, browser, close } = await openPreview();
for (const colorScheme of ["light", "dark"]) {
  for (const deviceScaleFactor of [1, 2]) {
    const context = await browser.newContext({
      colorScheme,
      deviceScaleFactor,
      viewport: { width: 980, height: 700 },
    });
    for (const [picture, scene] of Object.entries(PICTURES)) {
      const page = await context.newPage();
      await page.goto(`${base}preview/index.html?scene=${scene}`);
      await page.waitForSelector('[data-ready="true"]');
      await page.waitForTimeout(450);
      const size = deviceScaleFactor === 1 ? "" : "@2x";
      await page.screenshot({ path: join(folder, `${picture}-${colorScheme}${size}.png`) });
      await page.close();
    }
    await context.close();
  }
}
await close();
