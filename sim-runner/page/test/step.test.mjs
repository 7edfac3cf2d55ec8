// Starts `sim-runner step`, opens its page in Chromium, and acts in runs.
//
// STEP=PROGRAM node --test step.test.mjs        a sim-runner that was built with the feature `http`
// SHOTS=FOLDER                    where the screenshots go; without it nowhere

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { complaints, found, launched, open, tooWide, went } from "./tools.mjs";

const program = resolve(process.env.STEP ?? assert.fail("STEP names a sim-runner with the feature `http`"));
const shots = process.env.SHOTS && resolve(process.env.SHOTS);
const STEPPED = `Scenario(about: "A tweet, and one more.", seed: 7, sites: 3, leader: 0, network: (latency: Constant("10ms")),
  steps: [At("1s", Tweet(site: 0, user: "ann", text: "hello")), At("2s", Tweet(site: 1, user: "bob", text: "</script>"))],
  expect: [Converges(within: "10s")])`;
const LONG = STEPPED.replace('At("2s"', 'At("540s"').replace("sites: 3", 'sites: 3, limit: "20min"');
let browser, folder;

before(async () => {
  browser = await launched();
  folder = mkdtempSync(join(tmpdir(), "step-"));
  if (shots) mkdirSync(shots, { recursive: true });
  writeFileSync(join(folder, "stepped.ron"), STEPPED);
  writeFileSync(join(folder, "long.ron"), LONG);
});

after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

// Starts the program, and opens its page.
async function stepping(t, name, { width = 1280, height = 900, scheme = "dark" } = {}) {
  const child = spawn(program, ["step", `${name}.ron`], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  const url = await new Promise((go, fail) => {
    child.stdout.on("data", (data) => { said += data; if (said.includes("\n")) go(said.split("\n")[0]); });
    child.once("exit", (code) => fail(new Error(`it ended with ${code}`)));
  });
  const load = async (size = { width, height }) => {
    const tab = await browser.newPage({ viewport: size, colorScheme: scheme });
    const wrong = complaints(tab, (asked) => asked.startsWith(url));
    await tab.goto(url);
    await open(tab);
    await tab.waitForFunction(() => document.documentElement.dataset.looked !== undefined);
    return { tab, close: async () => { await tab.close(); assert.deepEqual(wrong, []); } };
  };
  const end = () => new Promise((go) => {
    child.removeAllListeners("exit");
    child.once("exit", (code) => go({ code, said: said.split("\n").slice(1).join("\n") }));
    child.kill("SIGINT");
  });
  return { url, load, end };
}

// Takes the page to a line, and waits until it shows what is so there.
async function looked(tab, line) {
  await went(tab, line);
  await tab.waitForFunction((k) => Number(document.documentElement.dataset.looked) === k, line);
}

const lines = async (tab) => Number(await tab.locator("#slider").getAttribute("max")) + 1;
const done = (tab) => tab.locator("section[aria-labelledby=done] li button").allTextContents();
const reached = (tab, count) => tab.waitForFunction((k) => document.querySelectorAll("section[aria-labelledby=done] li button").length === k, count);
const alert = (tab) => tab.locator(".trouble");

// The run that the page was loaded with.
async function loaded(tab) {
  return JSON.parse(gunzipSync(Buffer.from(await tab.locator("#run").textContent(), "base64"))).runs[0];
}

// Goes to where a datagram of this kind leaves, and returns the line.
async function leaves(tab, kind) {
  const { events } = await loaded(tab), line = events.findIndex((event) => event.kind === "sent" && event.messages[0][0] === kind);
  assert.ok(line >= 0, `no ${kind} leaves`);
  await looked(tab, line);
  return line;
}

function replayed(file) {
  return JSON.parse(execFileSync(program, ["replay", file, "--format", "json"], { cwd: folder, encoding: "utf8" })).fingerprint;
}

test("what is done by clicks is another run, is saved, and replays with the same fingerprint", async (t) => {
  const { load, end } = await stepping(t, "stepped"), { tab, close } = await load();
  const box = tab.locator("section[aria-labelledby=acting]"), before = await lines(tab);
  await tab.locator("#more summary").click();
  await tab.locator("#across").check();
  await leaves(tab, "Accept");
  await box.getByRole("button", { name: /^lose: Accept/ }).first().click();
  await reached(tab, 1);
  assert.match((await done(tab))[0], /Lose\(kind: "Accept", from: Site\(0\)/);
  assert.notEqual(await lines(tab), before);
  assert.equal(await tab.locator("#across").isChecked(), true, "the view stays");
  assert.match(await tab.locator("#said").textContent(), /lose Accept/);
  await box.getByRole("button", { name: "crash S1" }).click();
  await reached(tab, 2);
  await box.getByRole("button", { name: "restart S1" }).click();
  await reached(tab, 3);
  await box.getByLabel("any step, in RON").fill('Tweet(site: 2, user: "cat", text: "by hand")');
  await box.getByLabel("everything here later by").fill("1.5");
  await box.getByRole("button", { name: "Do it" }).click();
  await reached(tab, 4);
  await tab.getByRole("button", { name: "Save" }).click();
  const status = tab.locator("section[aria-labelledby=done] [role=status]");
  await status.filter({ hasText: "Saved in stepped.stepped.ron" }).waitFor();
  const [, fingerprint] = /fingerprint ([0-9a-f]{16})/.exec(await status.textContent());
  assert.equal(replayed("stepped.stepped.ron"), fingerprint);
  assert.ok((await tab.locator("#runbody").textContent()).includes(fingerprint));
  await tab.reload();
  await open(tab);
  await reached(tab, 4);
  await tab.getByRole("button", { name: "Undo" }).click();
  await reached(tab, 3);
  await close();
  const { code, said } = await end();
  assert.equal(code, 0);
  assert.match(said, /^stepped.stepped.ron holds an earlier state/);
});

test("the keyboard alone goes to the box, acts, takes back and saves", async (t) => {
  const { load } = await stepping(t, "stepped"), { tab, close } = await load();
  await looked(tab, 30);
  await tab.keyboard.press("a");
  const reachedButton = async (name) => {
    for (let k = 0; k < 80; k++) {
      await tab.keyboard.press("Tab");
      const at = await tab.evaluate(() => ({ name: document.activeElement.getAttribute("aria-label"), outline: parseFloat(getComputedStyle(document.activeElement).outlineWidth) }));
      if (at.name === name) return assert.ok(at.outline > 0, "the focus is seen");
    }
    assert.fail(`no ${name} by the keyboard`);
  };
  await reachedButton("pause S2");
  await tab.keyboard.press("Enter");
  await reached(tab, 1);
  assert.equal(await tab.evaluate(() => document.activeElement.id), "acting", "the focus stays in the box");
  await reachedButton("resume S2");
  await tab.keyboard.press("u");
  await reached(tab, 0);
  await tab.keyboard.press("w");
  await tab.locator("section[aria-labelledby=done] [role=status]").filter({ hasText: "Saved in" }).waitFor();
  await tab.keyboard.press("?");
  assert.match(await tab.locator("#help").textContent(), /do something here/);
  await close();
});

test("each moment shows what the processes hold then, and where nothing can be done", async (t) => {
  const { load } = await stepping(t, "stepped"), { tab, close } = await load(), last = await lines(tab) - 1;
  const inside = tab.locator("section[aria-labelledby=inside] details").first();
  await inside.locator("summary").click();
  const values = (table) => table.evaluate((one) => Object.fromEntries([...one.querySelectorAll("tbody tr")].map((row) => [row.children[0].textContent, row.children[1].textContent.replace(" •", "")])));
  let compared = 0;
  const { events } = await loaded(tab);
  for (const line of [12, Math.floor(last / 2), last]) {
    // Of several lines of one moment the picture shows the state after each, and the session that after all of them.
    await looked(tab, events.findLastIndex((event) => event.at === events[line].at));
    const [pictured, real] = [await values(tab.locator("#statebody table.state").first()), await values(inside.locator("table"))];
    for (const [name, value] of Object.entries(pictured)) if (real[name] !== undefined && value !== "–") { assert.equal(real[name], value, `${name} after line ${line}`); compared++; }
  }
  assert.ok(compared > 6, `${compared} values compared`);
  assert.match(await tab.locator("section[aria-labelledby=acting]").textContent(), /Nothing can be done here: faults stopped/);
  assert.ok(await tab.getByRole("button", { name: "crash S0" }).isDisabled());
  await close();
});

test("what is refused says why and what helps, and changes nothing", async (t) => {
  const { load } = await stepping(t, "stepped"), { tab, close } = await load(), before = await lines(tab);
  const box = tab.locator("section[aria-labelledby=acting]");
  await looked(tab, 40);
  await box.getByLabel("any step, in RON").fill("Crsh(Site(0))");
  await tab.keyboard.press("Enter");
  await alert(tab).filter({ hasText: "help:" }).waitFor();
  assert.equal(await alert(tab).getAttribute("role"), "alert");
  await box.getByLabel("any step, in RON").fill("Crash(Site(9))");
  await tab.keyboard.press("Enter");
  await alert(tab).filter({ hasText: "there is no site 9" }).waitFor();
  await box.getByLabel("everything here later by").fill("soon");
  await box.getByRole("button", { name: "crash S0" }).click();
  await alert(tab).filter({ hasText: "\"soon\" is no time" }).waitFor();
  assert.deepEqual([await lines(tab), (await done(tab)).length], [before, 0]);
  await looked(tab, 41);
  assert.equal(await alert(tab).textContent(), "");
  await close();
});

test("the arrow that is chosen offers what the list does", async (t) => {
  const { load } = await stepping(t, "stepped"), { tab, close } = await load();
  await leaves(tab, "Accept");
  const offer = tab.locator("#eventbody .offer");
  await offer.waitFor();
  await offer.getByRole("button", { name: /^double: / }).click();
  await reached(tab, 1);
  assert.match((await done(tab))[0], /Double\(/);
  await close();
});

test("of two windows the one that shows an old run changes nothing", async (t) => {
  const { load } = await stepping(t, "stepped"), one = await load(), other = await load();
  for (const { tab } of [one, other]) await looked(tab, 30);
  await one.tab.getByRole("button", { name: "isolate S1" }).click();
  await reached(one.tab, 1);
  await other.tab.getByRole("button", { name: "isolate S2" }).click();
  await alert(other.tab).filter({ hasText: "another window" }).waitFor();
  await other.tab.reload();
  await open(other.tab);
  await reached(other.tab, 1);
  await one.close();
  await other.close();
});

test("a page of another origin gets nothing and does nothing, even with the secret", async (t) => {
  const { url, load } = await stepping(t, "stepped"), { tab, close } = await load();
  const server = createServer((_, response) => { response.setHeader("content-type", "text/html"); response.end("<!doctype html><title>evil</title>"); });
  await new Promise((go) => server.listen(0, "127.0.0.1", go));
  t.after(() => server.close());
  const evil = await browser.newPage();
  await evil.goto(`http://127.0.0.1:${server.address().port}/`);
  const got = await evil.evaluate(async (url) => {
    const body = JSON.stringify({ run: "", request: { do: "begin" } }), json = { "content-type": "application/json" };
    const tried = async (path, options) => { try { const answer = await fetch(url + path, options); return `${answer.type} ${await answer.text()}`; } catch { return "failed"; } };
    const framed = await new Promise((go) => {
      const frame = document.createElement("iframe");
      frame.onload = () => { try { go(frame.contentDocument?.title ?? "closed"); } catch { go("closed"); } };
      frame.src = url;
      document.body.append(frame);
    });
    return [await tried("", {}), await tried("ask", { method: "POST", headers: json, body }), await tried("ask", { method: "POST", mode: "no-cors", body }), framed];
  }, url);
  assert.deepEqual(got.map((one) => one.trim()), ["failed", "failed", "failed", "closed"]);
  await evil.close();
  assert.equal((await done(tab)).length, 0);
  await close();
});

test("it reads at three widths in dark and light, and axe finds nothing", async (t) => {
  for (const scheme of ["dark", "light"]) {
    const { load } = await stepping(t, "stepped", { scheme }), { tab, close } = await load();
    await leaves(tab, "Accept");
    await tab.getByRole("button", { name: /^lose: Accept/ }).first().click();
    await reached(tab, 1);
    await looked(tab, 24);
    for (const [width, height] of [[320, 700], [1280, 900], [2560, 1300]]) {
      await tab.setViewportSize({ width, height });
      await tab.waitForTimeout(180);
      if (shots) await tab.screenshot({ path: join(shots, `step-${width}-${scheme}.png`), fullPage: width === 320 });
      assert.ok(await tooWide(tab) <= 0, `${await tooWide(tab)} px too wide at ${width}`);
      if (width !== 1280) continue;
      await tab.evaluate(() => { for (const details of document.querySelectorAll("details")) details.open = true; });
      assert.deepEqual(await found(tab), [], scheme);
    }
    await close();
  }
});

test("in a hundred thousand lines every moment is near", async (t) => {
  const { load } = await stepping(t, "long"), { tab, close } = await load(), count = await lines(tab);
  const times = await tab.evaluate(async (count) => {
    const slider = document.getElementById("slider"), times = [];
    for (let k = 0; k < 24; k++) {
      const line = (k * 7919 * 13) % count, began = performance.now();
      slider.value = line;
      slider.dispatchEvent(new Event("input"));
      while (Number(document.documentElement.dataset.looked) !== line) await new Promise((go) => { setTimeout(go, 1); });
      times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b);
  }, count);
  t.diagnostic(`${count} lines: another moment with its real state in ${Math.round(times[12])} ms, at most ${Math.round(times.at(-1))} ms`);
  assert.ok(count > 90000, `${count} lines`);
  // Without optimisation and beside other work; measured without either it is a fifth of that.
  assert.ok(times[12] < 500, `${times[12]} ms`);
  await close();
});
