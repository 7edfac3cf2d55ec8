// Opens pages of runs in Chromium and tries them.
//
// PAGES=FOLDER node --test page.test.mjs        every *.html in the folder is opened; at least one must be of a failing run
// SHOTS=FOLDER                    where the screenshots go; without it into a folder beside the pages

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import Ajv from "ajv/dist/2020.js";
import { complaints, found, launched, open, tooWide, went } from "./tools.mjs";

const folder = resolve(process.env.PAGES ?? assert.fail("PAGES names the folder of pages to open"));
const shots = resolve(process.env.SHOTS ?? join(folder, "screenshots"));
const MOST_DRAWN = 2000;
const DATA = /(<script type="application\/octet-stream" id="run">)([^<]*)(<\/script>)/;

const names = readdirSync(folder).filter((name) => name.endsWith(".html")).sort();
assert.ok(names.length > 0, `no pages in ${folder}`);
const pages = names.map((name) => pageOf(join(folder, name)));
const failing = pages.find((page) => page.runs.length === 1 && failed(page.runs[0]) && page.runs[0].events.length < 20000);
const passing = pages.find((page) => page.runs.length === 1 && !failed(page.runs[0]) && page.runs[0].events.length < 20000);
const pair = pages.find((page) => page.runs.length === 2);
const ordered = pages.find((page) => page.runs.length === 1 && page.runs[0].unexplained);
const longest = pages.filter((page) => page.runs.length === 1 && page.runs[0].events.length < 20000).sort((a, b) => b.runs[0].events.length - a.runs[0].events.length)[0];
assert.ok(failing && longest, `${folder} needs a page of a failing run of less than 20,000 lines`);
let browser, made;

before(async () => {
  browser = await launched();
  mkdirSync(shots, { recursive: true });
  made = mkdtempSync(join(tmpdir(), "pages-"));
});

after(async () => {
  await browser?.close();
  if (made) rmSync(made, { recursive: true });
});

function pageOf(path) {
  const html = readFileSync(path, "utf8"), data = JSON.parse(gunzipSync(Buffer.from(DATA.exec(html)[2].trim(), "base64")).toString());
  return { path, html, runs: data.runs ?? [data] };
}

function failed(run) {
  return run.verdict.name !== "passed";
}

// A page with the same script and another run.
function madePage(name, run) {
  const { html } = failing, packed = gzipSync(JSON.stringify(run)).toString("base64"), path = join(made, `${name}.html`);
  writeFileSync(path, html.replace(DATA, (_, open, __, close) => open + packed + close));
  return pageOf(path);
}

// Opens a page, and fails where it complains, throws or asks for anything but itself.
async function opened(page, { width = 1280, height = 900, scheme = "dark", hash = "" } = {}) {
  const tab = await browser.newPage({ viewport: { width, height }, colorScheme: scheme });
  const url = pathToFileURL(page.path).href, wrong = complaints(tab, (asked) => asked.split("#")[0] === url);
  await tab.goto(url + hash);
  await open(tab);
  const close = async () => { await tab.close(); assert.deepEqual(wrong, []); };
  return { tab, close };
}

// The state of each process after an event, folded without the page's help.
function stateAfter(run, moment) {
  const all = {};
  for (const state of run.states ?? []) {
    if (state.after > moment) break;
    const one = all[state.process] ??= {};
    for (const key of ["role", "rank", "progress"]) if (state[key] !== undefined) one[key] = state[key];
    for (const [name, value] of Object.entries(state.fields ?? {})) one[`field ${name}`] = value;
    for (const [slot, value] of Object.entries(state.slots ?? {})) one[`slot ${slot}`] = value;
  }
  return all;
}

// What the tables of the page say, in the same form.
function stateShown(tab) {
  return tab.evaluate(() => {
    const all = {};
    for (const table of document.querySelectorAll("#statebody table.state")) {
      const slots = table.classList.contains("slots"), columns = [...table.querySelectorAll("thead th")].slice(1).map((cell) => cell.textContent);
      for (const row of table.querySelectorAll("tbody tr")) {
        const name = row.querySelector("th").textContent;
        [...row.querySelectorAll("td")].forEach((cell, k) => {
          const key = slots ? `slot ${name}` : ["role", "rank", "progress"].includes(name) ? name : `field ${name}`;
          (all[columns[k]] ??= {})[key] = cell.querySelector(".words")?.textContent ?? null;
        });
      }
    }
    return all;
  });
}

function compared(run, moment, shown) {
  const wanted = stateAfter(run, moment);
  let looked = 0;
  for (const [process, keys] of Object.entries(shown)) {
    for (const [key, value] of Object.entries(keys)) {
      if (["field durable records", "field not yet durable"].includes(key)) continue;
      const want = key === "rank" && wanted[process]?.role !== "leader" ? null : wanted[process]?.[key] ?? null;
      if (key === "role" && (/down$|paused$/.test(value ?? ""))) continue;
      assert.equal(value, want === null ? null : String(want), `${process} ${key} after event ${moment}`);
      looked++;
    }
  }
  for (const [process, keys] of Object.entries(wanted)) {
    if (shown[process] === undefined) continue;
    for (const [key, value] of Object.entries(keys)) {
      if (value !== null && key !== "rank" && !key.startsWith("slot ")) assert.notEqual(shown[process][key], undefined, `${process} ${key} is not shown after event ${moment}`);
    }
  }
  return looked;
}

// How many copies have left and not ended after an event, counted without the page's help.
function underWay(run, moment) {
  const open = new Set(), seen = new Set();
  const upTo = run.events.slice(0, moment + 1), later = run.events.slice(moment + 1);
  for (const event of upTo) {
    if (["crashed", "ended", "failed"].includes(event.kind)) for (const copy of event.copies ?? []) open.delete(copy);
    else for (const copy of event.copies ?? []) { open.add(copy); seen.add(copy); }
    if (event.copy === undefined) continue;
    if (!seen.has(event.copy)) open.add(event.copy);
    seen.add(event.copy);
    if (["delivered", "dropped", "lost"].includes(event.kind) || event.why?.endsWith(": drop")) open.delete(event.copy);
  }
  // A copy of a copy is named only where it arrives, and has left with its cause.
  for (const event of later) {
    if (event.copy === undefined || seen.has(event.copy)) continue;
    seen.add(event.copy);
    if (event.from !== undefined && event.cause <= moment) open.add(event.copy);
  }
  // What leaves the program of a recorded site is not heard of again.
  if (run.source === "recording") for (const copy of open) if (!later.some((event) => event.copy === copy)) open.delete(copy);
  return open.size;
}

test("the run in every page is what its schema describes", () => {
  const ajv = new Ajv({ strict: true, allErrors: true, formats: { uint: true, uint32: true, uint64: true } });
  const schema = JSON.parse(readFileSync(new URL("../../../docs/run.schema.json", import.meta.url), "utf8"));
  // What the schema does not name is an error too, so that nothing is left undescribed.
  for (const part of [schema, ...Object.values(schema.$defs)]) if (part.properties) part.additionalProperties = false;
  const holds = ajv.compile(schema);
  for (const page of pages) for (const run of page.runs) assert.ok(holds(run), `${page.path}: ${ajv.errorsText(holds.errors?.slice(0, 5))}`);
});

test("every page opens in silence, shows the right state at three moments, and finds its violation", async (t) => {
  for (const page of pages) {
    const { tab, close } = await opened(page), [run] = page.runs, two = page.runs.length === 2;
    const took = await tab.evaluate(() => document.documentElement.dataset.opened);
    t.diagnostic(`${page.path.split("/").at(-1)}: ${run.events.length} lines, ${Math.round(page.html.length / 1024)} KB, open after ${took} ms`);
    assert.ok((await tab.title()).includes(run.name) && (await tab.title()).includes(run.verdict.name), await tab.title());
    if (!two) {
      assert.ok((await tab.locator("#verdicts").textContent()).includes(run.verdict.text), "the verdict's sentence");
      if (failed(run) && run.events.length) {
        const { process } = run.verdict, mine = run.events.findLastIndex((event) => event.who === process);
        const at = process === undefined || mine < 0 ? run.events.length - 1 : mine;
        assert.equal(Number(await tab.locator("#slider").inputValue()), at, "the moment of the verdict");
        assert.ok(await tab.locator("#causebox").isVisible(), "a failing page opens with its causes");
      }
      let looked = 0;
      for (const share of [0.2, 0.6, 1]) {
        const moment = Math.max(0, Math.ceil(run.events.length * share) - 1);
        await went(tab, moment);
        looked += compared(run, moment, await stateShown(tab));
        const said = /Under way: (\d+)(?:, and (\d+) routine)?/.exec(await tab.locator("#statebody").textContent());
        assert.equal(Number(said[1]) + Number(said[2] ?? 0), underWay(run, moment), `copies under way after event ${moment}`);
      }
      if ((run.states ?? []).length) assert.ok(looked > 0, "the page shows no state");
    }
    await close();
  }
});

test("the address holds the moment, and a wrong one is borne", async () => {
  const page = passing ?? pages[0], [run] = page.runs, moment = run.events.length >> 1;
  const { tab, close } = await opened(page, { hash: `#event=${moment}&view=across` });
  assert.equal(Number(await tab.locator("#slider").inputValue()), moment);
  assert.equal(await tab.evaluate(() => document.getElementById("across").checked), true);
  await tab.keyboard.press("Home");
  await tab.waitForFunction(() => /event=0(&|$)/.test(location.hash));
  await tab.evaluate(() => { location.hash = "#event=99999999&cone=88888888&zoom=-3&kind=<b>&hide=S99&coneB=x"; });
  await tab.waitForFunction((last) => Number(document.getElementById("slider").value) === last, run.events.length - 1);
  await close();
});

test("names and texts of a run are text, whatever they hold", async () => {
  const evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>", right = "\u202Eשלום עולם مرحبا {{run}} $& $1";
  const run = structuredClone(failing.runs[0]);
  Object.assign(run, { name: evil, about: right, scenario: evil + right, reproduce: `replay '${evil}'`, final_state: evil });
  run.verdict = { ...run.verdict, text: `${right} ${evil}` };
  for (const event of run.events) if (event.class === "note") event.text = `${evil} ${right}`;
  for (const state of run.states ?? []) if (state.fields) state.fields[evil] = right;
  for (const call of run.calls ?? []) call.text = right + evil;
  const { tab, close } = await opened(madePage("evil", run));
  assert.equal(await tab.locator("#name").textContent(), evil);
  assert.equal(await tab.locator("#about").textContent(), right);
  assert.ok((await tab.title()).startsWith(evil));
  assert.equal(await tab.evaluate(() => document.querySelectorAll("img, script").length), 2, "an element out of a text");
  await tab.keyboard.press("Home");
  await tab.keyboard.press("n");
  assert.ok((await tab.locator("#eventbody").textContent()).includes(right));
  await tab.screenshot({ path: join(shots, "evil-1280-dark.png") });
  await close();
});

test("from the opened failing page to a cause in at most five clicks", async () => {
  const { tab, close } = await opened(failing), [run] = failing.runs;
  const violation = Number(await tab.locator("#slider").inputValue());
  let clicks = 0;
  const click = async (button) => { clicks++; await button.click(); };
  await click(tab.locator("#causebody ul").nth(1).locator("button[data-event]").first());
  const first = Number(await tab.locator("#slider").inputValue());
  assert.ok(first < violation && (["step", "fault"].includes(run.events[first].class) || run.events[first].why !== undefined), `event ${first} is no cause`);
  await click(tab.locator("#causebody ul").first().locator("button[data-event]").first());
  const root = Number(await tab.locator("#slider").inputValue());
  assert.equal(run.events[root].cause, undefined, "the first direct cause has no cause");
  assert.ok(clicks <= 5);
  await click(tab.locator("#whyfailed"));
  assert.equal(Number(await tab.locator("#slider").inputValue()), violation);
  await close();
});

test("a click in the picture chooses its event and fades the rest", async () => {
  const page = passing ?? pages[0], { tab, close } = await opened(page);
  await tab.evaluate(() => { document.getElementById("frame").scrollLeft = 100000; });
  await tab.waitForTimeout(100);
  const point = await tab.evaluate(() => {
    const frame = document.getElementById("frame").getBoundingClientRect();
    const note = [...document.querySelectorAll("text.note:not(.time)")].map((text) => text.getBoundingClientRect())
      .find((box) => box.top > frame.top + 120 && box.bottom < frame.bottom - 40 && box.left < frame.right - 20);
    return note && { x: note.left + 4, y: note.top + note.height / 2 };
  });
  assert.ok(point, "no note in sight");
  await tab.mouse.click(point.x, point.y);
  assert.ok(await tab.locator("#causebox").isVisible());
  assert.ok(await tab.locator("#svg .faded").count() > 0, "nothing fades");
  await tab.keyboard.press("Escape");
  assert.equal(await tab.locator("#svg .faded").count(), 0);
  await close();
});

test("the keyboard alone reaches everything, and the focus is seen", async () => {
  const { tab, close } = await opened(failing);
  await tab.evaluate(() => { document.getElementById("more").open = true; });
  const wanted = await tab.evaluate(() => {
    const all = [...document.querySelectorAll("button, input, select, summary, [tabindex='0']")].filter((one) => !one.disabled && one.checkVisibility() && !one.closest("dialog"));
    all.forEach((one, k) => { one.dataset.tab = k; });
    return all.length;
  });
  const seen = new Set();
  for (let k = 0; k < wanted + 5; k++) {
    await tab.keyboard.press("Tab");
    const at = await tab.evaluate(() => {
      const one = document.activeElement, style = getComputedStyle(one);
      return { tab: one.dataset.tab, outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0, what: one.outerHTML.slice(0, 80) };
    });
    if (at.tab === undefined) continue;
    seen.add(at.tab);
    assert.ok(at.outline, `no focus seen on ${at.what}`);
  }
  const missed = await tab.evaluate((tabs) => [...document.querySelectorAll("[data-tab]")].filter((one) => !tabs.includes(one.dataset.tab)).map((one) => one.outerHTML.slice(0, 100)), [...seen]);
  assert.deepEqual(missed, []);
  const moment = () => tab.locator("#slider").inputValue();
  await tab.locator("#frame").focus();
  const start = await moment();
  await tab.keyboard.press("ArrowUp");
  assert.notEqual(await moment(), start);
  await tab.keyboard.press("c");
  assert.equal(await moment(), start);
  await tab.keyboard.press("t");
  assert.equal(await tab.evaluate(() => document.getElementById("across").checked), true);
  await tab.keyboard.press("?");
  assert.ok(await tab.locator("#help").isVisible());
  await tab.keyboard.press("Escape");
  assert.equal(await tab.locator("#help").isVisible(), false);
  await close();
});

test("calls without an order show the longest order that explains, and what does not fit", { skip: ordered ? false : "no page of calls that no order explains" }, async () => {
  for (const across of [false, true]) {
    const [run] = ordered.runs, { calls, order } = run.unexplained, { tab, close } = await opened(ordered, { hash: across ? `#event=${run.events.length - 1}&view=across calls` : "" });
    await tab.locator("#smaller").evaluate((button) => { for (let k = 0; k < 3; k++) button.click(); });
    const places = calls.map((one, k) => (one.fits ? String(order.indexOf(k) + 1) : "✕")).filter((sign) => sign !== "0");
    const drawn = await tab.evaluate(() => [...document.querySelectorAll("text.sign")].map((text) => [text.textContent, text.classList.contains("misfit")]));
    assert.deepEqual([...new Set(drawn.map(([sign]) => sign))].sort(), [...places].sort(), "the signs on the bars");
    assert.ok(drawn.every(([sign, misfit]) => misfit === (sign === "✕")));
    assert.ok(await tab.locator("path.call.misfit").count() > 0, "what does not fit looks like the others");
    assert.ok(await tab.locator("#ordered").isVisible());
    const texts = (list) => tab.locator(list).allTextContents();
    const listed = await texts("#callsbody ol.order > li");
    assert.equal(listed.length, order.length);
    order.forEach((k, place) => {
      assert.ok(listed[place].includes(`${calls[k].process} ${calls[k].text}`), listed[place]);
      assert.ok(listed[place].includes(`then: ${calls[k].state}`), listed[place]);
    });
    const misfits = await texts("#callsbody li.misfit"), wrong = calls.filter((one) => !one.fits);
    assert.equal(misfits.length, wrong.length);
    wrong.forEach((one, k) => assert.ok(misfits[k].startsWith(`✕ ${one.process} ${one.text}`), misfits[k]));
    await tab.locator("#callsbody li.misfit button").first().click();
    const call = run.calls[wrong[0].call];
    assert.equal(Number(await tab.locator("#slider").inputValue()), call.answered ?? call.asked);
    await close();
  }
});

test("what stands between processes is a band, and is listed while it stands there", async () => {
  const page = pages.find((one) => one.runs.length === 1 && one.runs[0].bands.some((band) => band.kind !== "rule" && band.sides.flat().every((id) => id.startsWith("S"))));
  assert.ok(page, `${folder} needs a page of a run in which links between sites are cut`);
  const [run] = page.runs, { tab, close } = await opened(page, { hash: "#event=0&cone=none&view=" });
  const stands = (moment) => run.bands.filter((band) => band.after <= moment && (band.until === undefined || band.until > moment)).length;
  const band = run.bands.find((one) => one.kind !== "rule");
  for (const moment of [band.after - 1, band.after, band.until - 1, band.until].filter((k) => k >= 0 && k < run.events.length)) {
    await tab.evaluate((k) => { const slider = document.getElementById("slider"); slider.value = k; slider.dispatchEvent(new Event("input")); }, moment);
    assert.equal(await tab.locator("#statebody .bands li").count(), Math.min(20, stands(moment)), `after event ${moment}`);
    if (moment === band.after) {
      assert.ok(await tab.locator(`path.field.${band.kind}`).count() > 0, "no field across the lanes");
      assert.ok(await tab.locator(`path.side0.${band.kind}`).count() > 0 && await tab.locator(`path.side1.${band.kind}`).count() > 0, "the sides look alike");
      const words = await tab.locator(`text.band.${band.kind}`).allTextContents();
      assert.ok(words.some((text) => text.includes(band.sides[0].join(" "))), `${words}`);
    }
  }
  assert.ok(await tab.locator("#banded").isVisible());
  await close();
});

test("filters leave what they name, and clearing brings everything back", async () => {
  const page = longest, [run] = page.runs, { tab, close } = await opened(page);
  const kind = run.events.flatMap((event) => (event.copy === undefined || event.background ? [] : event.messages ?? [])).at(0)?.[0];
  assert.ok(kind, "the run has no datagrams");
  const label = () => tab.locator("#svg").getAttribute("aria-label"), before = await label();
  await tab.locator("#more summary").click();
  await tab.selectOption("#kind", `message ${kind}`);
  assert.notEqual(await label(), before);
  const [, shown] = /with (\d+) of/.exec(await label());
  const copies = new Set(run.events.filter((event) => event.copy !== undefined && (event.messages ?? []).some((one) => one[0] === kind)).map((event) => event.copy));
  assert.ok(Number(shown) > 0 && Number(shown) <= copies.size, `${shown} of ${copies.size} copies with ${kind}`);
  await tab.locator("#unfiltered").click();
  assert.equal(await label(), before);
  await close();
});

test("it reads at three widths in dark and light, and axe finds nothing", async (t) => {
  const chosen = Object.entries({ failing, passing, pair, ordered }).filter(([, page]) => page);
  for (const [k, [name, page]] of chosen.entries()) {
    for (const scheme of ["dark", "light"]) {
      const { tab, close } = await opened(page, { scheme });
      for (const [width, height] of [[320, 700], [1280, 900], [2560, 1300]]) {
        if (page === pair && width !== 1280) continue;
        await tab.setViewportSize({ width, height });
        await tab.waitForTimeout(180);
        await tab.screenshot({ path: join(shots, `${name}-${width}-${scheme}.png`) });
        const wide = await tooWide(tab);
        assert.ok(wide <= 0, `${name} is ${wide} px too wide at ${width}`);
        const hidden = await tab.evaluate(() => document.getElementById("panel").scrollWidth - document.getElementById("panel").clientWidth);
        assert.ok(hidden <= 0, `${hidden} px of the panel of ${name} are beside it at ${width}`);
        if (width === 2560 || (k > 0 && (width === 320 || scheme === "dark"))) continue;
        if (width === 1280) await tab.evaluate(() => { for (const details of document.querySelectorAll("details")) details.open = true; });
        assert.deepEqual(await found(tab), [], `${name} at ${width}, ${scheme}`);
      }
      await close();
    }
  }
  t.diagnostic(`screenshots are in ${shots}`);
});

test("on paper the whole picture stands, in light colours", async () => {
  const { tab, close } = await opened(passing ?? pages[0]);
  const length = await tab.evaluate(() => document.getElementById("sizer").offsetHeight);
  await tab.emulateMedia({ media: "print" });
  await tab.evaluate(() => { window.dispatchEvent(new Event("beforeprint")); });
  const printed = await tab.evaluate(() => ({
    length: Number(document.getElementById("svg").getAttribute("viewBox").split(" ")[3]),
    missing: document.getElementById("missing").textContent, paper: getComputedStyle(document.body).backgroundColor,
    controls: document.getElementById("controls").checkVisibility(),
  }));
  assert.ok(Math.abs(printed.length - length) < 2 || length >= 24000, `${printed.length} of ${length} px`);
  assert.deepEqual([printed.missing, printed.paper, printed.controls], ["", "rgb(255, 255, 255)", false]);
  await tab.evaluate(() => { window.dispatchEvent(new Event("afterprint")); });
  await tab.emulateMedia({ media: "screen" });
  await tab.waitForFunction(() => document.getElementById("svg").clientHeight <= innerHeight, null, { timeout: 5000 });
  await close();
});

// A run of at least 100,000 lines: one that is given, or one that repeats a given run.
function large() {
  const given = pages.find((page) => page.runs.length === 1 && page.runs[0].events.length >= 100000);
  if (given) return given;
  const [base] = longest.runs, run = { ...base, events: [], states: [], calls: [], name: "a hundred thousand lines" };
  const span = base.events.at(-1).at + 1000, most = Math.max(...base.events.map((event) => event.copy ?? 0)) + 1;
  for (let round = 0; run.events.length < 100000; round++) {
    const offset = run.events.length;
    for (const state of base.states ?? []) run.states.push({ ...state, after: state.after + offset });
    for (const event of base.events) {
      const one = { ...event, at: event.at + round * span, event: event.event + offset };
      if (event.cause !== undefined) one.cause = event.cause + offset;
      if (event.copy !== undefined) one.copy = event.copy + round * most;
      if (event.of !== undefined) one.of = event.of + round * most;
      run.events.push(one);
    }
  }
  return madePage("large", run);
}

test("a hundred thousand lines open and move fluently, with few elements drawn", async (t) => {
  const page = large(), { tab, close } = await opened(page);
  const data = () => tab.evaluate(() => ({ ...document.documentElement.dataset }));
  const start = await data();
  t.diagnostic(`${page.runs[0].events.length} lines, ${Math.round(page.html.length / 1024)} KB: open after ${start.opened} ms, laid out in ${start.laidOut} ms`);
  assert.ok(Number(start.opened) < 15000);
  const moved = await tab.evaluate(async () => {
    const frame = document.getElementById("frame"), times = [], counts = [], missing = [], next = () => new Promise((go) => { requestAnimationFrame(() => requestAnimationFrame(go)); });
    for (let k = 0; k <= 10; k++) {
      const began = performance.now();
      frame.scrollTop = (frame.scrollHeight * k) / 10;
      await next();
      times.push(performance.now() - began);
      counts.push(Number(document.documentElement.dataset.drawn));
      missing.push(document.getElementById("missing").textContent);
    }
    const slider = document.getElementById("slider"), states = [];
    for (let k = 1; k <= 10; k++) {
      const began = performance.now();
      slider.value = (Number(slider.max) * k) / 10;
      slider.dispatchEvent(new Event("input"));
      states.push(performance.now() - began);
      counts.push(Number(document.documentElement.dataset.drawn));
    }
    return { times, counts, states, missing: missing.join("") };
  });
  const middle = (list) => Math.round(list.sort((a, b) => a - b)[list.length >> 1]);
  t.diagnostic(`a scroll: ${middle(moved.times)} ms, two frames of it waiting; another moment: ${middle(moved.states)} ms; at most ${Math.max(...moved.counts)} elements`);
  assert.equal(moved.missing, "", "something is not drawn");
  assert.ok(Math.max(...moved.counts) <= MOST_DRAWN, `${Math.max(...moved.counts)} elements drawn`);
  await tab.locator("#frame").focus();
  for (const key of ["r", "i", "t"]) {
    await tab.keyboard.press(key);
    const now = await data();
    assert.ok(Number(now.drawn) <= MOST_DRAWN, `${now.drawn} elements drawn after ${key}`);
  }
  await tab.keyboard.press("c");
  await close();
});

test("two runs stand side by side from their first difference on", { skip: pair ? false : "no page of two runs" }, async () => {
  const { tab, close } = await opened(pair), [one, other] = pair.runs;
  const same = (a, b) => a && b && ["at", "who", "kind", "text"].every((key) => a[key] === b[key]);
  let common = 0;
  while (same(one.events[common], other.events[common])) common++;
  await tab.locator("#difference").click();
  assert.equal(Number(await tab.locator("#slider").inputValue()), Math.min(common, other.events.length - 1));
  assert.ok((await tab.title()).includes(one.name) && (await tab.title()).includes(other.name));
  assert.ok((await tab.locator("#leftout").textContent()).includes(String(common)) || common === one.events.length);
  if (common < other.events.length) assert.ok(await tab.locator("#statebody h3", { hasText: "Run B" }).count() > 0, "both states");
  await close();
});

test("a run without events, and two runs that do not differ, open", async () => {
  const [run] = failing.runs, empty = { ...run, events: [], states: [], bands: [], calls: [], under_way: [], blame: undefined };
  const first = await opened(madePage("empty", empty));
  assert.ok((await first.tab.locator("#eventbody").textContent()).includes("no events"));
  await first.close();
  const second = await opened(madePage("same", { runs: [run, run] }));
  assert.ok((await second.tab.locator("#leftout").textContent()).includes("do not differ"));
  await second.tab.keyboard.press("d");
  await second.close();
});

test("of a recording the page claims nothing about disks and other programs", async () => {
  const [run] = longest.runs, under = run.events.flatMap((event) => (event.kind === "sent" && event.copy !== undefined ? [event.copy] : []))[0];
  assert.ok(under !== undefined, "the run sends nothing");
  // A copy that is not heard of again is under way in a simulation, and at another program in a recording.
  const events = run.events.filter((event) => event.copy !== under || event.kind === "sent").map((event) => ({ ...event, cause: undefined }));
  for (const recorded of [false, true]) {
    const { tab, close } = await opened(madePage(`recorded-${recorded}`, { ...run, events, source: recorded ? "recording" : "scenario", states: [], bands: [], calls: [], under_way: [] }));
    const left = events.findIndex((event) => event.copy === under);
    await tab.evaluate((k) => { const slider = document.getElementById("slider"); slider.value = k; slider.dispatchEvent(new Event("input")); }, left);
    const text = await tab.locator("#eventbody").textContent();
    assert.equal(text.includes("is sent to another program"), recorded, text);
    assert.equal(text.includes("is under way at the end"), !recorded, text);
    assert.equal((await tab.locator("#statebody").textContent()).includes("not yet durable"), !recorded);
    assert.equal((await tab.locator("#runbody").textContent()).includes("a recording of a real site"), recorded);
    await close();
  }
});

test("a run of another schema is refused with its number", async () => {
  const page = madePage("schema", { ...pages[0].runs[0], schema: 2 });
  const tab = await browser.newPage();
  await tab.goto(pathToFileURL(page.path).href);
  await tab.waitForFunction(() => !document.getElementById("trouble").hidden);
  assert.match(await tab.locator("#trouble").textContent(), /schema 1 .* schema 2/);
  await tab.close();
});
