// Acts in a run: looks into the processes as they are at the moment, and does something there. Who answers is handed in.

const NAMES = { S: "Site", T: "Terminal", C: "Client" };
const HOWS = { deliver: "deliver now", lose: "lose", double: "double", delay: "delay" };
// What can be done to a process, by its status.
const DEEDS = { up: ["Crash", "Pause", "Isolate"], paused: ["Resume", "Crash", "Isolate"], down: ["Restart"], failed: ["Restart"] };
const WAYS = 12;             // datagrams under way that are listed at once
const SOON = 15;             // ms that the moment rests before the program is asked about it

// `view` is the last look, and `event` in it the line that everything in the box is done at.
const live = { ask: null, saves: false, view: null, looking: false, acting: false, timer: 0, pokes: [], unfolded: new Set(), more: false, parts: {} };

// Makes the page live. `ask(request)` promises the reply. `pokes` are the steps done so far, `examples` actions in RON, and
// `saves` says whether a request to save is answered.
function lively(ask, { pokes = [], examples = [], saves = false } = {}) {
  Object.assign(live, { ask, saves, pokes });
  liveBoxes(examples);
  const keys = [
    [["a"], "a", "do something here: to the box", () => live.parts.acting.focus()],
    [["u"], "u", "undo the last thing done", undone],
    ...(saves ? [[["w"], "w", "save what was done", saved]] : []),
  ];
  KEYS.push(...keys);
  keysNamed(keys);
  view.watch = (run, i) => { if (!live.acting) lookedSoon(i); copyOffered(run, i); };
  doneShown();
  panelShown();
}

function liveBoxes(examples) {
  const box = (id, title, ...children) => make("section", { class: "box live", "aria-labelledby": id }, make("h2", { id, tabindex: -1 }, title), ...children);
  const field = (label, attributes, unit) => {
    const input = make("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
    return [input, make("label", {}, `${label} `, input, unit ? ` ${unit}` : "")];
  };
  const at = live.parts;
  at.trouble = make("div", { role: "alert", class: "trouble" });
  at.when = make("p", { class: "dim" });
  [at.delay, at.delayLabel] = field("delay by", { size: 5, inputmode: "decimal", value: "50" }, "ms");
  [at.later, at.laterLabel] = field("everything here later by", { size: 5, inputmode: "decimal", value: "0" }, "ms");
  at.ways = make("div");
  at.processes = make("div");
  at.links = make("form", { class: "row", submit: (event) => { event.preventDefault(); cut("Cut"); } });
  [at.action, at.actionLabel] = field("any step, in RON", { size: 30, list: "examples", placeholder: examples[0] ?? "Crash(Site(0))" });
  at.any = make("form", { class: "row", submit: (event) => { event.preventDefault(); acted({ action: at.action.value }); } },
    at.actionLabel, make("button", {}, "Do it"), make("datalist", { id: "examples" }, ...examples.map((value) => make("option", { value }))));
  at.forms = make("fieldset", { class: "acts" }, make("legend", { class: "offscreen" }, "Actions"),
    make("h3", {}, "Datagrams under way"), at.ways, make("p", { class: "row" }, at.delayLabel),
    make("h3", {}, "Processes"), at.processes, make("h3", {}, "Links"), at.links, make("h3", {}, "Anything else"), at.any, make("p", { class: "row" }, at.laterLabel));
  const here = box("acting", "Do something here", at.trouble, at.when, at.forms);
  at.said = make("p", { role: "status", class: "words" });
  at.done = make("ol", { class: "events" });
  at.undo = make("button", { type: "button", click: undone, "aria-keyshortcuts": "u" }, "Undo");
  at.save = live.saves ? make("button", { type: "button", click: saved, "aria-keyshortcuts": "w" }, "Save") : "";
  at.copy = make("button", { type: "button", click: () => copied(view.runs[0].data.scenario, at.said) }, "Copy the scenario");
  const done = box("done", "What was done", at.done, make("p", { class: "row" }, at.undo, at.save, at.copy), at.said);
  at.inside = make("div");
  const inside = box("inside", "Inside the processes", at.inside);
  page.eventbody.closest("section").after(done, here);
  page.statebody.closest("section").after(inside);
  at.acting = here.querySelector("h2");
}

// Asks for the moment once it rests, and one moment at a time.
function lookedSoon(i) {
  if (live.view?.event === i) return;
  clearTimeout(live.timer);
  live.timer = setTimeout(looked, SOON);
}

async function looked() {
  const i = view.cursor.event, [run] = view.runs;
  if (live.looking || live.acting) return;
  live.looking = true;
  const reply = await answered({ do: "look", event: i });
  live.looking = false;
  if (view.runs[0] !== run) return looked();
  if (reply) {
    live.view = reply;
    troubled([]);
    viewShown();
  } else if (live.view?.event !== i) viewGone();
  if (view.cursor.event !== i) looked();
}

// The reply, or null where there is none: what is wrong is shown.
async function answered(request) {
  let reply;
  try {
    reply = await live.ask(request);
  } catch (error) {
    troubled([{ message: `Nobody answers: ${error.message}`, help: "the program may have ended" }]);
    return null;
  }
  if (reply.is !== "refused") return reply;
  troubled(reply.problems);
  return null;
}

// Nothing is known of the moment any more: what was said of another one goes.
function viewGone() {
  const { parts } = live;
  live.view = null;
  parts.forms.disabled = true;
  parts.when.textContent = "";
  for (const part of [parts.ways, parts.processes, parts.inside]) part.replaceChildren();
}

function troubled(problems) {
  if (problems.length) live.parts.said.replaceChildren();
  live.parts.trouble.replaceChildren(...problems.map(({ message, help }) =>
    make("p", {}, quoted(message), help ? make("span", { class: "dim" }, " help: ", quoted(help)) : "")));
  if (problems.length) live.parts.trouble.scrollIntoView({ block: "nearest" });
}

function canAct() {
  return live.view !== null && live.view.why_not === undefined;
}

// Does something at the moment of the last look.
function acted(what) {
  if (!live.view || live.acting) return;
  const later = microsOf(live.parts.later, "later by");
  if (later === null) return;
  changed({ do: "poke", event: live.view.event, ...what, ...(later ? { later } : {}) });
}

function undone() {
  if (live.pokes.length) changed({ do: "undo" });
}

// Asks for another run, and shows it in place of this one.
async function changed(request) {
  if (live.acting) return;
  live.acting = true;
  live.parts.forms.disabled = true;
  const reply = await answered(request);
  live.acting = false;
  live.parts.forms.disabled = !canAct();
  if (!reply) return lookedSoon(view.cursor.event);
  troubled([]);
  live.pokes = reply.pokes;
  viewGone();
  runsReplaced([reply.run], reply.event);
  doneShown();
  const { name } = reply.run.verdict;
  live.parts.said.replaceChildren(...request.do === "undo" ? ["Taken back."] : ["Done: ", quoted(reply.pokes.at(-1).action), "."],
    reply.dropped ? ` ${reply.dropped} later ${reply.dropped === 1 ? "step was" : "steps were"} taken back.` : "", ` The run ${name === "passed" ? "passes" : `is ${name}`}.`);
  if (document.activeElement === document.body) live.parts.acting.focus({ preventScroll: true });
}

async function saved() {
  const reply = await answered({ do: "save" });
  if (!reply) return;
  troubled([]);
  live.parts.said.replaceChildren("Saved in ", quoted(reply.path), `, with the fingerprint ${reply.fingerprint}. To run it again: `, make("code", {}, reply.replay));
}

// A number of milliseconds in a field, in microseconds; null and a word about it where it is none.
function microsOf(field, name) {
  const text = field.value.trim(), micros = Math.round(Number(text || 0) * 1000);
  if (Number.isSafeInteger(micros) && micros >= 0) return micros;
  troubled([{ message: `"${text}" is no time: ${name} takes a number of milliseconds from 0`, help: "write 50, or 0.5" }]);
  field.focus();
  return null;
}

function viewShown() {
  const { view: now, parts } = live;
  parts.when.textContent = now.why_not === undefined ? `As of ${seconds(now.at, 6)} s, after everything of that moment` : `Nothing can be done here: ${now.why_not} `;
  if (now.last !== undefined) parts.when.append(make("button", { type: "button", click: () => chooseEvent(view.runs[0], now.last) }, "Go to the last moment before that"));
  parts.forms.disabled = !canAct();
  waysShown();
  processesShown();
  linksShown();
  insideShown();
  copyOffered(view.runs[0], view.cursor.event);
  document.documentElement.dataset.looked = now.event;
}

function carriedText(way) {
  return way.messages.map(([kind, subject]) => (subject ? `${kind} ${subject}` : kind)).join(" + ");
}

// Buttons for what can be done to one datagram.
function wayButtons(way) {
  const what = `${carriedText(way)} from ${way.from} to ${way.to}`;
  return way.can.filter((how) => HOWS[how]).map((how) => make("button", { type: "button", class: "act", "aria-label": `${HOWS[how]}: ${what}`, click: () => {
    const by = how === "delay" ? microsOf(live.parts.delay, "delay by") : 0;
    if (by !== null) acted({ copy: way.copy, how, ...(how === "delay" ? { by } : {}) });
  } }, HOWS[how]));
}

function waysShown() {
  const all = live.view.under_way, telling = all.filter((way) => !way.background), routine = all.filter((way) => way.background);
  const line = (way) => make("li", { class: "row" }, make("span", {}, `${way.from} → ${way.to} `, quoted(carriedText(way)),
    make("span", { class: "dim" }, way.of === undefined ? "" : ", a further copy", way.arrives === undefined || way.arrives === null ? ", waits" : `, arrives ${seconds(way.arrives, 6)} s`)), make("span", { class: "acts" }, ...wayButtons(way)));
  const list = (ways) => make("ul", { class: "ways" }, ...ways.map(line));
  const first = live.more ? telling : telling.slice(0, WAYS), body = [telling.length ? list(first) : make("p", { class: "dim" }, "none")];
  if (telling.length > first.length) body.push(make("button", { type: "button", click: () => { live.more = true; waysShown(); } }, `${telling.length - first.length} more`));
  if (routine.length) body.push(folded("routine", `Routine (${routine.length})`, () => list(routine)));
  live.parts.ways.replaceChildren(...body);
}

// A part that stays folded or open when it is shown anew. What is in it is made when it opens.
function folded(key, title, content) {
  const details = make("details", { open: live.unfolded.has(key) }, make("summary", {}, title));
  const filled = () => { if (details.open && details.childElementCount < 2) details.append(content()); };
  filled();
  details.addEventListener("toggle", () => {
    if (details.open) live.unfolded.add(key); else live.unfolded.delete(key);
    filled();
  });
  return details;
}

// `Site(0)` of S0.
function target(id) {
  return `${NAMES[id[0]]}(${id.slice(1)})`;
}

// What can be done to each process. Terminals are folded: they end and start with their sites.
function processesShown() {
  const table = (processes) => make("table", {}, make("caption", { class: "offscreen" }, "What can be done to each process"),
    make("thead", {}, make("tr", {}, ...["process", "status", "do"].map((name) => make("th", { scope: "col" }, name)))), make("tbody", {}, ...processes.map(({ id, status }) => {
      const deeds = (DEEDS[status] ?? []).filter((deed) => id[0] !== "T" || !["Crash", "Restart"].includes(deed));
      return make("tr", {}, make("th", { scope: "row" }, id), make("td", {}, status), make("td", {}, make("span", { class: "acts" }, ...deeds.map((deed) =>
        make("button", { type: "button", class: "act", "aria-label": `${deed.toLowerCase()} ${id}`, click: () => acted({ action: `${deed}(${target(id)})` }) }, deed.toLowerCase())))));
    })));
  const all = live.view.processes, terminals = all.filter((one) => one.id[0] === "T");
  live.parts.processes.replaceChildren(table(all.filter((one) => one.id[0] !== "T")),
    terminals.length ? folded("terminals", `Terminals (${terminals.length})`, () => table(terminals)) : "");
}

function linksShown() {
  const sites = live.view.processes.map((one) => one.id).filter((id) => id.startsWith("S"));
  if (live.parts.links.dataset.sites === sites.join()) return;
  live.parts.links.dataset.sites = sites.join();
  const select = (name, chosen) => make("select", { name }, ...sites.map((id) => make("option", { value: id.slice(1), selected: id === chosen }, id)));
  live.parts.links.replaceChildren(make("label", {}, "from ", select("from", sites[0])), make("label", {}, "to ", select("to", sites[1])),
    make("button", {}, "Cut"), make("button", { type: "button", click: () => cut("Mend") }, "Mend, both ways"));
}

function cut(word) {
  const [from, to] = ["from", "to"].map((name) => live.parts.links.elements[name].value);
  acted({ action: word === "Cut" ? `Cut(from: [${from}], to: [${to}])` : `Mend(${from}, ${to})` });
}

// The real state: what the service shows of it, the clock, and what waits.
function insideShown() {
  live.parts.inside.replaceChildren(...live.view.processes.map((one) => folded(`inside ${one.id}`, `${one.id}: ${one.status}`, () => {
    const facts = [["why", one.why], ["clock", `${seconds(one.clock, 6)} s`],
      ["wakes at", one.deadline === undefined ? undefined : `${seconds(one.deadline, 6)} s${one.reason ? `: ${one.reason}` : ""}`],
      ["inputs that wait", one.waiting || undefined], ["writes not synced", one.unsynced]];
    const rows = [...facts, ...Object.entries(one.fields), ...Object.entries(one.slots).map(([slot, value]) => [`slot ${slot}`, value])].filter(([, value]) => value !== undefined);
    return make("div", { class: "wide", tabindex: 0, role: "group", "aria-label": `Inside ${one.id}` }, make("table", { class: "state" },
      make("tbody", {}, ...rows.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, quoted(name)), make("td", {}, quoted(value)))))));
  })));
}

// The chosen arrow offers what the list does, while its datagram is under way.
function copyOffered(run, i) {
  page.eventbody.querySelector(".offer")?.remove();
  const { view: now } = live, copy = run.copies[run.copyOf[i]]?.copy;
  const way = now?.event === i && canAct() ? now.under_way.find((one) => one.copy === copy) : undefined;
  if (way && copy !== undefined) page.eventbody.append(make("p", { class: "row offer" }, "This datagram is under way: ", make("span", { class: "acts" }, ...wayButtons(way))));
}

function doneShown() {
  const [run] = view.runs, { parts, pokes } = live;
  parts.undo.disabled = !pokes.length;
  const line = ({ at }) => run.events.findIndex((event) => event.at === at && event.class === "step");
  parts.done.replaceChildren(...pokes.map((poke) => make("li", {}, make("button", { type: "button", class: "link step", click: () => chooseEvent(run, Math.max(0, line(poke))) },
    make("span", { class: "when" }, seconds(poke.at, 6)), " ", quoted(poke.action)))));
  if (!pokes.length) parts.done.replaceChildren(make("li", { class: "dim" }, "Nothing yet."));
}
