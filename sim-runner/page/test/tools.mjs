// What every test of a page needs: a browser, and what the page may not do in it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// CHROMIUM=PATH is the browser, /usr/bin/chromium if not given.
export function launched() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

// Notes every complaint of a tab, and every request that is not allowed. The list fills while the tab is open.
export function complaints(tab, allowed) {
  const wrong = [];
  tab.on("console", (message) => { if (["error", "warning"].includes(message.type())) wrong.push(`console: ${message.text()}`); });
  tab.on("pageerror", (error) => wrong.push(`error: ${error.stack}`));
  tab.on("request", (request) => { if (!allowed(request.url()) && !request.url().startsWith("data:")) wrong.push(`request: ${request.url()}`); });
  tab.on("dialog", (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  return wrong;
}

// Waits until the page is open, and fails where it says that it cannot be.
export async function open(tab) {
  await tab.waitForFunction(() => document.documentElement.dataset.opened || !document.getElementById("trouble").hidden, null, { timeout: 60000 });
  assert.equal(await tab.locator("#trouble").isVisible(), false, await tab.locator("#trouble").textContent());
}

// What axe finds.
export function found(tab) {
  return tab.evaluate(`${axe};axe.run({ resultTypes: ["violations"] }).then((result) => result.violations.map((one) => one.id + ": " + one.help + " " + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")))`);
}

// How much wider than its window a page is, in px.
export function tooWide(tab) {
  return tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

// Takes the slider to a line.
export function went(tab, moment) {
  return tab.evaluate((k) => {
    const slider = document.getElementById("slider");
    slider.value = k;
    slider.dispatchEvent(new Event("input"));
  }, moment);
}
