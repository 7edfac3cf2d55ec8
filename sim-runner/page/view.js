// What is looked at, and how: the moment, the cone, the filters; the controls and keys that change them; the address.

const view = {
  runs: [], ranks: [], cursor: { run: 0, event: 0 }, cone: null, unfolded: "", slotPage: 0,
  across: false, linear: false, routine: false, terminals: false, calls: false, zoom: 1,
  hidden: new Set(), kind: "", subject: "", text: "",
  link: {},                  // what the address holds beside the moment and the view
};
const SWITCHES = ["across", "linear", "routine", "terminals", "calls"];
const FACTORS = [0.35, 0.5, 0.7, 1, 1.4, 2, 3, 5, 8];

// Lays everything out anew, with the chosen moment where it was in the frame.
function relaid() {
  const event = view.runs[view.cursor.run].events[view.cursor.event];
  const before = picture.layout && event ? positionOf(picture.layout.scale, event.at) - alongScroll() : null;
  const began = performance.now();
  picture.layout = laidOut(view, page.frame.clientWidth);
  resized();
  if (before !== null && picture.layout.across === picture.was) alongScroll(positionOf(picture.layout.scale, event.at) - before);
  picture.was = picture.layout.across;
  drawn(true);
  document.documentElement.dataset.laidOut = Math.round(performance.now() - began);
  const counts = picture.layout.parts.map((part) => `${part.counts.arrows} of ${part.counts.copies} datagrams`).join(" and ");
  page.svg.setAttribute("aria-label", `Lanes of ${picture.layout.blocks.map((block) => block.lanes.map((lane) => lane.id).join(" ")).join(" and ")}, with ${counts}`);
  const active = [view.kind, view.subject, view.text].filter(Boolean).length + view.hidden.size;
  page.filtered.textContent = active ? `: ${active} active, ${counts} shown` : "";
}

// Position of the frame along the time; with a value it moves there.
function alongScroll(to) {
  const key = view.across ? "scrollLeft" : "scrollTop";
  if (to !== undefined) page.frame[key] = Math.max(0, to);
  return page.frame[key];
}

function chooseEvent(run, i, options = {}) {
  if (!run.events.length) return panelShown();
  view.cursor = { run: run.position, event: Math.max(0, Math.min(run.events.length - 1, i)) };
  if (options.cone) coneTaken({ run, ...coneOf(run, view.cursor.event) });
  shown(options.still !== true);
}

// Shows the past of an event, or everything with null. Causes that are folded away otherwise get room.
function coneTaken(cone) {
  view.cone = cone;
  const unfolded = cone ? cone.run.copies.filter((copy) => copy.background && chained(cone.run, copy)).map((copy) => copy.copy).join() : "";
  if (unfolded === view.unfolded) return;
  view.unfolded = unfolded;
  if (picture.layout) relaid();
}

function shown(move) {
  const run = view.runs[view.cursor.run], event = run.events[view.cursor.event];
  page.slider.max = Math.max(0, run.events.length - 1);
  page.slider.value = view.cursor.event;
  page.whole.disabled = !view.cone;
  if (move && event) intoFrame(run, event);
  drawn(true);
  panelShown();
  addressLater();
}

// Moves the frame so that the event can be seen.
function intoFrame(run, event) {
  const { layout } = picture, p = positionOf(layout.scale, event.at), at = alongScroll();
  const span = layout.across ? page.frame.clientWidth : page.frame.clientHeight;
  if (p < at + HEAD + 30 || p > at + span - 50) alongScroll(p - span * (view.cone?.target === view.cursor.event ? 0.7 : 0.4));
  const x = layout.blocks[run.position].at.get(laneName(run, event.who, view));
  const [key, wide] = layout.across ? ["scrollTop", page.frame.clientHeight] : ["scrollLeft", page.frame.clientWidth];
  if (x !== undefined && (x < page.frame[key] + AXIS || x > page.frame[key] + wide - 20)) page.frame[key] = Math.max(0, x - wide / 2);
}

// Whether a line can be stopped at: it is drawn, and it is not faded.
function stop(run, i) {
  if (view.cone && !inCone(run, i) && run.events[i].class !== "step") return false;
  const c = run.copyOf[i];
  if (c < 0) return shownNote(run, i, view);
  const copy = run.copies[c];
  return (i === copy.left || i === copy.ended) && shownCopy(run, copy, view);
}

function stepped(direction, count = 1, all = false) {
  const run = view.runs[view.cursor.run];
  let i = view.cursor.event;
  for (let k = i + direction; k >= 0 && k < run.events.length && count > 0; k += direction) {
    if (all || stop(run, k)) { i = k; count--; }
  }
  chooseEvent(run, i);
}

function jumped(sort, direction = 1) {
  const run = view.runs[view.cursor.run], i = nextOf(run, sort, view.cursor.event, direction);
  if (i < 0) { page.said.textContent = `There is no ${sort} ${direction > 0 ? "after" : "before"} this moment.`; return; }
  chooseEvent(run, i);
}

function failureShown() {
  const run = view.runs.find(failing) ?? view.runs[view.cursor.run];
  chooseEvent(run, failing(run) ? run.verdictAt : run.events.length - 1, { cone: true });
}

function coneLeft() {
  coneTaken(null);
  page.causebox.hidden = true;
  shown(false);
}

function differenceShown() {
  const run = view.runs[1] && view.runs[1].from < view.runs[1].events.length ? view.runs[1] : view.runs[0];
  if (view.runs.length > 1) chooseEvent(run, Math.min(view.runs[1].from, run.events.length - 1));
}

function switched(name) {
  view[name] = page[name].checked = !view[name];
  relaid();
  shown(true);
}

function zoomed(by) {
  const k = FACTORS.indexOf(view.zoom) + by;
  if (k < 0 || k >= FACTORS.length) return;
  view.zoom = FACTORS[k];
  relaid();
  addressLater();
}

// Keys, their words for the help, and what they do.
const KEYS = [
  [["ArrowDown", "ArrowRight"], "↓ →", "next line that is shown (with Shift: next line of all)", (e) => stepped(1, 1, e.shiftKey)],
  [["ArrowUp", "ArrowLeft"], "↑ ←", "previous line", (e) => stepped(-1, 1, e.shiftKey)],
  [["PageDown"], "Page down", "twenty lines on", () => stepped(1, 20)],
  [["PageUp"], "Page up", "twenty lines back", () => stepped(-1, 20)],
  [["Home"], "Home", "first line", () => chooseEvent(view.runs[view.cursor.run], 0)],
  [["End"], "End", "last line", () => chooseEvent(view.runs[view.cursor.run], Infinity)],
  [["c"], "c", "why did it fail: the past of the violation, or of the last line", failureShown],
  [["x", "Enter"], "x, Enter", "why this: the past of the chosen line", () => chooseEvent(view.runs[view.cursor.run], view.cursor.event, { cone: true })],
  [["Escape"], "Esc", "show all", coneLeft],
  [["f", "F"], "f", "next fault (with Shift: previous)", (e) => jumped("fault", e.shiftKey ? -1 : 1)],
  [["l", "L"], "l", "next leader", (e) => jumped("leader", e.shiftKey ? -1 : 1)],
  [["n", "N"], "n", "next note", (e) => jumped("note", e.shiftKey ? -1 : 1)],
  [["s", "S"], "s", "next step of the scenario", (e) => jumped("step", e.shiftKey ? -1 : 1)],
  [["d"], "d", "first difference of two runs", differenceShown],
  [["o"], "o", "the same moment in the other run", () => {
    const other = view.runs[1 - view.cursor.run];
    if (other) chooseEvent(other, momentOf(other));
  }],
  [["t"], "t", "turn: time down or across", () => switched("across")],
  [["i"], "i", "linear time", () => switched("linear")],
  [["r"], "r", "routine datagrams", () => switched("routine")],
  [["+", "="], "+", "larger", () => zoomed(1)],
  [["-"], "−", "smaller", () => zoomed(-1)],
  [["/"], "/", "filter by text", () => { page.more.open = true; page.text.focus(); }],
  [["?"], "?", "this help", () => page.help.showModal()],
];

function keysNamed(keys) {
  page.helpkeys.append(...keys.flatMap(([, name, words]) => [make("dt", {}, make("kbd", {}, name)), make("dd", {}, words)]));
}

function keyPressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || page.help.open) return;
  const at = event.target, typed = at.matches?.("input[type=text], textarea, select");
  if (typed) { if (event.key === "Escape") page.frame.focus(); return; }
  const moves = event.key.startsWith("Arrow") || ["PageDown", "PageUp", "Home", "End", "Enter"].includes(event.key);
  // These keys have a meaning of their own on controls and in the panel, which scrolls.
  if (moves && at !== document.body && at !== page.frame) return;
  const key = KEYS.find(([names]) => names.includes(event.key));
  if (!key) return;
  event.preventDefault();
  key[3](event);
}

// The address holds the moment and the view, so that a link shows the same.
let addressTimer = 0;
function addressLater() {
  clearTimeout(addressTimer);
  const before = location.hash;
  addressTimer = setTimeout(() => {
    // Somebody went to another address meanwhile, which is taken next.
    if (location.hash !== before) return;
    const parts = new URLSearchParams(view.link);
    parts.set("event", view.cursor.event);
    if (view.cursor.run) parts.set("run", "B");
    if (view.cone) parts.set(view.cone.run.position ? "coneB" : "cone", view.cone.target);
    else parts.set("cone", "none");
    const on = SWITCHES.filter((name) => view[name]);
    parts.set("view", on.join(" "));
    if (view.zoom !== 1) parts.set("zoom", view.zoom);
    for (const name of ["kind", "subject", "text"]) if (view[name]) parts.set(name, view[name]);
    if (view.hidden.size) parts.set("hide", [...view.hidden].join(" "));
    view.address = `#${parts}`;
    if (location.hash !== view.address) history.replaceState(null, "", view.address);
  }, 200);
}

// Takes what the address says; what it does not say or says wrongly stays. Returns whether it names a moment.
function addressTaken() {
  const parts = new URLSearchParams(location.hash.slice(1));
  if (!parts.has("event")) return false;
  const number = (name) => (/^\d+$/.test(parts.get(name) ?? "") ? Number(parts.get(name)) : null);
  const run = parts.get("run") === "B" && view.runs[1] ? view.runs[1] : view.runs[0];
  if (parts.has("view")) for (const name of SWITCHES) page[name].checked = view[name] = parts.get("view").split(" ").includes(name);
  view.zoom = FACTORS.find((factor) => String(factor) === parts.get("zoom")) ?? 1;
  view.kind = [...page.kind.options].some((option) => option.value === parts.get("kind")) ? parts.get("kind") : "";
  page.kind.value = view.kind;
  page.subject.value = parts.get("subject") ?? "";
  page.text.value = parts.get("text") ?? "";
  view.subject = page.subject.value.trim().toLowerCase();
  view.text = page.text.value.trim().toLowerCase();
  view.hidden = new Set((parts.get("hide") ?? "").split(" ").filter((id) => run.processes.has(id)));
  for (const box of page.processes.querySelectorAll("input")) box.checked = !view.hidden.has(box.value);
  const coneRun = parts.has("coneB") && view.runs[1] ? view.runs[1] : view.runs[0], target = number("cone") ?? number("coneB");
  coneTaken(target !== null && target < coneRun.events.length ? { run: coneRun, ...coneOf(coneRun, target) } : null);
  relaid();
  chooseEvent(run, number("event") ?? 0);
  return true;
}

function controlsReady() {
  page.back.addEventListener("click", () => stepped(-1));
  page.forth.addEventListener("click", () => stepped(1));
  page.slider.addEventListener("input", () => chooseEvent(view.runs[view.cursor.run], Number(page.slider.value)));
  page.whyfailed.addEventListener("click", failureShown);
  page.why.addEventListener("click", () => chooseEvent(view.runs[view.cursor.run], view.cursor.event, { cone: true }));
  page.whole.addEventListener("click", coneLeft);
  page.difference.addEventListener("click", differenceShown);
  for (const button of document.querySelectorAll("[data-next]")) button.addEventListener("click", (event) => jumped(button.dataset.next, event.shiftKey ? -1 : 1));
  for (const name of SWITCHES) page[name].addEventListener("change", () => switched(name));
  page.smaller.addEventListener("click", () => zoomed(-1));
  page.larger.addEventListener("click", () => zoomed(1));
  const filtered = () => {
    view.kind = page.kind.value;
    view.subject = page.subject.value.trim().toLowerCase();
    view.text = page.text.value.trim().toLowerCase();
    view.hidden = new Set([...page.processes.querySelectorAll("input:not(:checked)")].map((box) => box.value));
    relaid();
    shown(true);
  };
  let typing = 0;
  for (const field of [page.subject, page.text]) field.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(filtered, 150); });
  for (const field of [page.kind, page.processes]) field.addEventListener("change", filtered);
  page.unfiltered.addEventListener("click", () => {
    page.kind.value = page.subject.value = page.text.value = "";
    for (const box of page.processes.querySelectorAll("input")) box.checked = true;
    filtered();
  });
  keysNamed(KEYS);
  page.helpbutton.addEventListener("click", () => page.help.showModal());
  page.helpclose.addEventListener("click", () => page.help.close());
  const themes = ["", "light", "dark"];
  page.theme.addEventListener("click", () => {
    const theme = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "") + 1) % themes.length];
    document.documentElement.dataset.theme = theme;
    page.theme.textContent = `Theme: ${theme || "as the system"}`;
  });
  document.addEventListener("keydown", keyPressed);
  window.addEventListener("hashchange", () => { if (location.hash !== view.address) addressTaken(); });
}
