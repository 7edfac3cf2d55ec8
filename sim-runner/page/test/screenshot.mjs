// Takes the picture of a page for documents: node screenshot.mjs PAGE.html|ADDRESS PICTURE.png
// CHROMIUM=PATH is the browser, /usr/bin/chromium if not given.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [page, picture] = process.argv.slice(2);
if (!picture) {
  console.error("usage: node screenshot.mjs PAGE.html|ADDRESS PICTURE.png");
  process.exit(2);
}
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-lcd-text", "--font-render-hinting=none"] });
const tab = await browser.newPage({ viewport: { width: 1120, height: 760 }, colorScheme: "light" });
await tab.goto(page.startsWith("http:") ? page : pathToFileURL(resolve(page)).href);
await tab.waitForFunction(() => document.documentElement.dataset.opened);
// A page with a program behind it has asked about the moment soon after.
await tab.waitForTimeout(500);
await tab.screenshot({ path: picture });
await browser.close();
