// Opens the playground in Chromium and tries it.
//
// PLAYGROUND=FILE RUNNER=PROGRAM node --test playground.test.mjs
//                                 RUNNER is sim-runner: what the page runs must end as it does there
// SHOTS=FOLDER                    where the screenshots go; without it into a folder beside the file
// CHROMIUM=PATH                   the browser, /usr/bin/chromium if not given

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { deflateRawSync } from "node:zlib";
import { chromium } from "playwright-core";

const file = resolve(process.env.PLAYGROUND ?? assert.fail("PLAYGROUND names the file to open"));
const runner = resolve(process.env.RUNNER ?? assert.fail("RUNNER names the program sim-runner"));
const shots = resolve(process.env.SHOTS ?? join(dirname(file), "screenshots"));
const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const examples = JSON.parse(readFileSync(join(root, "sim-runner/page/playground/examples.json"), "utf8"));
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const scenario = (name) => readFileSync(join(root, "scenarios", `${name}.ron`), "utf8");
const packed = (text) => deflateRawSync(text).toString("base64url");
let browser, made;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  mkdirSync(shots, { recursive: true });
  made = mkdtempSync(join(tmpdir(), "playground-"));
});

after(async () => {
  await browser?.close();
  if (made) rmSync(made, { recursive: true });
});

// Opens the playground, and fails where it complains, throws or asks for anything but itself.
async function opened({ width = 1280, height = 900, scheme = "dark", link = "", waits = true } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, permissions: ["clipboard-read", "clipboard-write"] });
  const tab = await context.newPage(), url = pathToFileURL(file).href, wrong = [];
  tab.on("console", (message) => { if (["error", "warning"].includes(message.type())) wrong.push(`console: ${message.text()}`); });
  tab.on("pageerror", (error) => wrong.push(`error: ${error.stack}`));
  context.on("request", (request) => { if (request.url().split("#")[0] !== url && !/^(data|blob):/.test(request.url())) wrong.push(`request: ${request.url()}`); });
  tab.on("dialog", (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await tab.goto(url + link);
  if (waits) await tab.waitForFunction(() => document.documentElement.dataset.ready, null, { timeout: 60000 });
  return { tab, close: async () => { await context.close(); assert.deepEqual(wrong, []); } };
}

const state = (tab) => tab.locator("#state").textContent();
const verdict = (tab) => tab.locator("#verdicts").textContent();
const fingerprint = async (tab) => /fingerprint ([0-9a-f]{16})/.exec(await tab.locator("#runbody").textContent())[1];

// Waits until the run that was just begun is over.
async function over(tab) {
  await tab.waitForFunction(() => document.getElementById("editor").getAttribute("aria-busy") === "false", null, { timeout: 60000 });
}

async function written(tab, text) {
  await tab.locator("#source").fill(text);
}

async function ran(tab, text) {
  await written(tab, text);
  await tab.locator("#start").click();
  await over(tab);
}

// The same run by the program.
function native(path, bug) {
  let out;
  try {
    out = execFileSync(runner, ["replay", path, "--format", "run-json", ...(bug ? ["--saboteur", bug] : [])], { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    out = error.stdout;
  }
  return JSON.parse(out);
}

test("fifteen examples run, and end as they do outside of a browser", async (t) => {
  assert.equal(examples.length, 15);
  assert.equal(new Set(examples.map((one) => one.name)).size, 15);
  const { tab, close } = await opened();
  t.diagnostic(`${Math.round(readFileSync(file).length / 1000)} KB, ready after ${await tab.evaluate(() => document.documentElement.dataset.ready)} ms`);
  assert.deepEqual(await tab.locator("#example option:not([hidden])").evaluateAll((all) => all.map((one) => one.value)), examples.map((one) => one.name));
  for (const { name, bug, lesson } of examples) {
    await tab.selectOption("#example", name);
    await over(tab);
    const outside = native(join(root, "scenarios", `${name}.ron`), bug), said = await verdict(tab);
    assert.equal(await tab.locator("#name").textContent(), name);
    assert.equal(await tab.locator("#source").inputValue(), scenario(name));
    assert.equal(await tab.locator("#lesson").textContent(), lesson);
    assert.equal(await tab.locator("#bugs").inputValue(), bug ?? "");
    assert.ok(said.includes(outside.verdict.name) && said.includes(outside.verdict.text), `${name}: ${said}`);
    // A panic ends the run in the browser one step earlier.
    if (outside.verdict.name !== "panicked") assert.equal(await fingerprint(tab), outside.fingerprint, name);
  }
  await close();
});

test("a site that panics is shown with its message and the state before it, and the next run runs", async () => {
  const example = examples.find((one) => native(join(root, "scenarios", `${one.name}.ron`), one.bug).verdict.name === "panicked");
  const outside = native(join(root, "scenarios", `${example.name}.ron`), example.bug);
  const { tab, close } = await opened();
  await tab.selectOption("#example", example.name);
  await over(tab);
  const said = await verdict(tab), who = outside.verdict.process;
  assert.ok(said.endsWith(outside.verdict.text), said);
  assert.match(await tab.locator("#eventbody strong").first().textContent(), new RegExp(who), "the page opens at the last line of who panicked");
  // What the site was before: as far as the run outside of a browser says it too.
  const [moment] = await tab.locator("#statetitle").allTextContents();
  assert.match(moment, /State as of \d/);
  const lines = Number(/line \d+ of (\d+)/.exec(await tab.locator("#eventbody").textContent())[1]);
  assert.ok(lines > 20 && lines <= outside.events.length, `${lines} of ${outside.events.length} lines`);
  assert.equal(await tab.locator("#statebody table.state").first().locator("tbody tr").first().locator("td").count() > 0, true);
  await tab.screenshot({ path: join(shots, "panicked.png") });
  await tab.selectOption("#bugs", "");
  await over(tab);
  assert.ok((await verdict(tab)).includes("passed"), await verdict(tab));
  await close();
});

test("what makes a run panic is refused with the message, and what is done afterwards is done", async () => {
  const two = `Scenario(about: "Three tweets", seed: 20, sites: 3, leader: 0, network: (latency: Constant("10ms")), steps: [
    On(Leads(Site(0)), Tweet(site: 0, user: "ann", text: "hello")),
    On(Noted(kind: "done", who: Terminal(0)), Tweet(site: 0, user: "ann", text: "again")),
    After("2s", Tweet(site: 1, user: "bob", text: "hi")),
])`;
  const { tab, close } = await opened();
  await written(tab, two);
  await tab.selectOption("#bugs", "asserts-that-proposals-are-news");
  await over(tab);
  const before = await fingerprint(tab), does = async (action) => {
    await tab.getByLabel("any step, in RON").fill(action);
    await tab.getByRole("button", { name: "Do it" }).click();
  };
  // The first slot is chosen, and the leader is not heard from here on.
  await tab.evaluate(() => { const slider = document.getElementById("slider"); slider.value = 60; slider.dispatchEvent(new Event("input")); });
  await tab.waitForFunction(() => document.getElementById("acting").parentElement.textContent.includes(document.getElementById("statetitle").textContent.replace("State as", "As")));
  await does("Cut(from: [0], to: [1, 2])");
  await tab.waitForFunction(() => /with this the run panics: slot 0 is proposed/.test(document.querySelector(".live [role=alert]").textContent));
  assert.equal(await fingerprint(tab), before);
  await does("Crash(Site(2))");
  await tab.waitForFunction((old) => !document.getElementById("runbody").textContent.includes(old), before);
  assert.equal(await tab.locator("#done ~ ol li button").count(), 1);
  await close();
});

test("mistakes are underlined at their places, and a click goes there", async () => {
  const { tab, close } = await opened();
  const shown = () => tab.locator("#problems li").allTextContents();
  const text = 'Scenario(\n    about: "\u{1F426} שלום \u202E </script><img src=x>", seed: 1,\n    sites: 3,\n    stepps: [],\n)\n';
  await written(tab, text);
  await tab.waitForFunction(() => document.querySelector("#problems button"));
  assert.deepEqual(await shown(), ["line 4, column 5: unknown field `stepps` in `Scenario`" + (await tab.locator("#problems .help").textContent())]);
  assert.deepEqual(await tab.locator("#marks mark").allTextContents(), ["stepps"]);
  await tab.locator("#problems button").click();
  const chosen = () => tab.evaluate(() => { const box = document.getElementById("source"); return [document.activeElement === box, box.value.slice(box.selectionStart, box.selectionEnd)]; });
  assert.deepEqual(await chosen(), [true, "stepps"]);
  // The same on the line with letters outside of the first plane and from right to left.
  await written(tab, text.replace("seed: 1", "sead: 1"));
  await tab.waitForFunction(() => document.querySelector("#problems button")?.textContent.includes("sead"));
  await tab.locator("#problems button").click();
  assert.deepEqual(await chosen(), [true, "sead"]);
  const places = await tab.evaluate(() => {
    const mark = document.querySelector("#marks mark").getBoundingClientRect(), paper = document.getElementById("paper").getBoundingClientRect();
    return { inside: mark.left >= paper.left && mark.top >= paper.top, line: Math.round((mark.top + mark.height / 2 - paper.top - 6) / 18 + 0.5) };
  });
  assert.deepEqual(places, { inside: true, line: 2 });
  assert.equal(await tab.locator("#source").getAttribute("aria-invalid"), "true");
  assert.equal(await tab.evaluate(() => document.querySelectorAll("#editor img, #editor script:not([type])").length), 0);
  await tab.screenshot({ path: join(shots, "mistake.png") });
  // A text of one's own is kept while one looks at an example.
  const own = await tab.locator("#source").inputValue();
  await tab.selectOption("#example", "one_site");
  await over(tab);
  await tab.selectOption("#example", "");
  await over(tab);
  assert.equal(await tab.locator("#source").inputValue(), own);
  // It does not run, and says so; the run before stays.
  await tab.locator("#start").click();
  await over(tab);
  assert.match(await state(tab), /does not run/);
  assert.ok((await verdict(tab)).includes("passed"));
  // A mistake at the very end, and one whose text is empty.
  await written(tab, "Scenario(");
  await tab.waitForFunction(() => document.querySelector("#problems button")?.textContent.includes("line 1, column 9:"));
  await written(tab, "");
  await tab.waitForFunction(() => document.querySelector("#problems button")?.textContent.includes("line 1, column 1:"));
  await close();
});

test("names and texts of a scenario are text, whatever they hold", async () => {
  const evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u202Eשלום مرحبا {{run}} $&";
  const { tab, close } = await opened();
  await ran(tab, scenario("one_site").replace(/about: ".*"/, () => `about: "${evil}"`));
  assert.equal(await tab.locator("#about").textContent(), evil);
  assert.equal(await tab.evaluate(() => document.querySelectorAll("img").length), 0);
  await close();
});

test("a long run shows how far it is, stops when it is told to, and another one takes its place", async () => {
  const endless = 'Scenario(about: "Nothing ever happens", seed: 1, sites: 5, limit: "100h", steps: [On(Noted(kind: "reproposes", slot: 999), Heal)])';
  const { tab, close } = await opened();
  await written(tab, endless);
  await tab.locator("#start").click();
  await tab.waitForFunction(() => / s$/.test(document.getElementById("state").textContent) && document.getElementById("state").textContent.includes("events"));
  const began = Date.now();
  await tab.locator("#stop").click();
  await over(tab);
  assert.ok(Date.now() - began < 3000, `${Date.now() - began} ms`);
  assert.ok((await verdict(tab)).includes("undecided"), await verdict(tab));
  await tab.locator("#start").click();
  await tab.waitForFunction(() => document.getElementById("state").textContent.includes("events"));
  await tab.selectOption("#example", "one_site");
  await over(tab);
  assert.equal(await tab.locator("#name").textContent(), "one_site");
  assert.ok((await verdict(tab)).includes("passed"));
  await close();
});

test("what is done in a run is in a scenario that ends outside of a browser as it does here", async () => {
  const { tab, close } = await opened();
  const steps = () => tab.locator("#done ~ ol li button").allTextContents(), before = await fingerprint(tab);
  const changed = (earlier) => tab.waitForFunction((old) => !document.getElementById("runbody").textContent.includes(old), earlier);
  // To the first proposal, which is under way there: one copy is lost.
  await tab.locator("#frame").focus();
  for (let k = 0; k < 200 && !/Accept slot 0/.test(await tab.locator("#said").textContent()); k++) await tab.keyboard.press("ArrowDown");
  await tab.locator("button[aria-label^='lose: Accept slot 0']").first().click();
  await changed(before);
  assert.equal((await steps()).length, 1);
  const lost = await fingerprint(tab);
  // Later a site crashes.
  await tab.locator("#frame").focus();
  for (let k = 0; k < 20; k++) await tab.keyboard.press("ArrowDown");
  await tab.locator("button[aria-label='crash S0']").click();
  await changed(lost);
  assert.equal((await steps()).length, 2);
  const crashed = await fingerprint(tab), path = join(made, "acted.ron");
  await tab.getByRole("button", { name: "Copy the scenario" }).click();
  await tab.waitForFunction(() => [...document.querySelectorAll("[role=status]")].some((one) => one.textContent === "Copied."));
  writeFileSync(path, await tab.evaluate(() => navigator.clipboard.readText()));
  assert.equal(native(path).fingerprint, crashed);
  // The address holds it too, and so does the editor once it took it.
  await tab.waitForFunction(() => location.hash.includes("event="));
  await tab.waitForTimeout(400);
  const again = await opened({ link: await tab.evaluate(() => location.hash) });
  assert.equal(await fingerprint(again.tab), crashed);
  await again.close();
  await tab.getByRole("button", { name: "Undo" }).click();
  await changed(crashed);
  assert.equal(await fingerprint(tab), lost);
  await tab.getByRole("button", { name: "Take it into the editor" }).click();
  await over(tab);
  assert.match(await tab.locator("#source").inputValue(), /Lose\(/);
  assert.deepEqual([await fingerprint(tab), await steps()], [lost, []]);
  // Nonsense is refused with a reason, and nothing changes.
  await tab.getByLabel("any step, in RON").fill("Crush(Site(1))");
  await tab.getByRole("button", { name: "Do it" }).click();
  await tab.waitForFunction(() => document.querySelector(".live [role=alert]").textContent.includes("Crush"));
  assert.equal(await fingerprint(tab), lost);
  await close();
});

test("a link holds the scenario and the bug, and a wrong one is borne", async () => {
  const text = scenario("returned_leader_proposes_what_others_accepted").replace("leads again", "leads again \u{1F426}"), bug = "goes-on-with-what-it-proposed";
  const first = await opened();
  await written(first.tab, text);
  await first.tab.selectOption("#bugs", bug);
  await over(first.tab);
  await first.tab.locator("#link").click();
  await first.tab.waitForFunction(() => document.getElementById("state").textContent === "Copied.");
  const link = await first.tab.evaluate(() => navigator.clipboard.readText()), ended = [await verdict(first.tab), await fingerprint(first.tab)];
  await first.tab.waitForFunction((hash) => location.hash.startsWith(hash), link.slice(link.indexOf("#")));
  const address = await first.tab.evaluate(() => location.hash);
  await first.close();
  for (const hash of [link.slice(link.indexOf("#")), address]) {
    const { tab, close } = await opened({ link: hash });
    assert.equal(await tab.locator("#source").inputValue(), text);
    assert.equal(await tab.locator("#bugs").inputValue(), bug);
    assert.deepEqual([await verdict(tab), await fingerprint(tab)], ended);
    // Another link in the same tab.
    await tab.evaluate((letters) => { location.hash = `#scenario=${letters}`; }, packed(scenario("one_site")));
    await tab.waitForFunction(() => document.getElementById("name").textContent === "one_site");
    await close();
  }
  const wrong = await opened({ link: `#scenario=${packed("x".repeat(3 << 20))}` });
  assert.match(await wrong.tab.locator("#trouble").textContent(), /link cannot be read: it holds more/);
  assert.ok((await verdict(wrong.tab)).includes("passed"), "the first example runs instead");
  for (const letters of ["%00", "####", "AAAA"]) {
    await wrong.tab.evaluate((hash) => { document.getElementById("trouble").hidden = true; location.hash = hash; }, `#scenario=${letters}`);
    await wrong.tab.waitForFunction(() => !document.getElementById("trouble").hidden);
  }
  await wrong.close();
  const { tab, close } = await opened({ link: `#scenario=${packed("Scenario(")}&bug=none-such&event=99999` });
  assert.equal(await tab.locator("#source").inputValue(), "Scenario(");
  assert.match(await state(tab), /1 mistake/);
  assert.equal(await tab.locator("main").isVisible(), false, "there is no run to show");
  await ran(tab, scenario("one_site"));
  assert.ok((await verdict(tab)).includes("passed"));
  await close();
});

test("an address that was pasted is taken, though the page was about to write its own", async () => {
  const { tab, close } = await opened();
  await ran(tab, scenario("stormy_weather"));
  await tab.waitForFunction(() => location.hash.includes("event="));
  const late = await tab.evaluate((letters) => {
    const setTimeoutOfPage = window.setTimeout, late = [];
    window.setTimeout = (act) => late.push(act);
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    window.setTimeout = setTimeoutOfPage;
    // The page's turn comes between the change of the address and the event that tells of it.
    location.hash = `#scenario=${letters}`;
    late.forEach((act) => act());
    return late.length;
  }, packed(scenario("one_site")));
  assert.ok(late > 0, "a step through the run is written into the address");
  await tab.waitForFunction(() => document.getElementById("name").textContent === "one_site", null, { timeout: 10000 });
  await close();
});

test("the keyboard alone reaches everything, and axe finds nothing at three widths in dark and light", async (t) => {
  for (const scheme of ["dark", "light"]) {
    const { tab, close } = await opened({ scheme });
    for (const [width, height] of [[320, 700], [1280, 900], [2560, 1300]]) {
      await tab.setViewportSize({ width, height });
      await tab.waitForTimeout(200);
      await tab.screenshot({ path: join(shots, `playground-${width}-${scheme}.png`) });
      const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${wide} px too wide at ${width}`);
      if (width === 2560) continue;
      const found = await tab.evaluate(`${axe};axe.run({ resultTypes: ["violations"] }).then((result) => result.violations.map((one) => one.id + ": " + one.help + " " + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")))`);
      assert.deepEqual(found, [], `at ${width}, ${scheme}`);
    }
    await close();
  }
  const { tab, close } = await opened();
  const wanted = await tab.evaluate(() => {
    const all = [...document.querySelectorAll("#editor :is(button, input, select, textarea)")].filter((one) => !one.disabled && one.checkVisibility());
    all.forEach((one, k) => { one.dataset.tab = k; });
    return all.length;
  });
  const seen = new Set();
  for (let k = 0; k < wanted + 4; k++) {
    await tab.keyboard.press("Tab");
    const at = await tab.evaluate(() => {
      const one = document.activeElement, frame = one.id === "source" ? document.getElementById("sheet") : one, style = getComputedStyle(frame);
      return { tab: one.dataset.tab, outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0, what: one.outerHTML.slice(0, 80) };
    });
    if (at.tab === undefined) continue;
    seen.add(at.tab);
    assert.ok(at.outline, `no focus seen on ${at.what}`);
  }
  assert.equal(seen.size, wanted, "something in the editor cannot be reached");
  // Written and run without a pointer.
  await tab.locator("#source").focus();
  await tab.keyboard.press("Control+A");
  await tab.keyboard.insertText(scenario("two_sites"));
  await tab.keyboard.press("Control+Enter");
  await tab.waitForFunction(() => document.getElementById("name").textContent === "two_sites" || document.getElementById("name").textContent === "scenario");
  await close();
  t.diagnostic(`screenshots are in ${shots}`);
});
