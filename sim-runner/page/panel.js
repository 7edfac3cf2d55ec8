// What stands beside the picture: the event, its causes, and the state of every process as of the moment.

const ROWS = 30;             // slots in one page of the table

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function quoted(text, tag = "span") {
  return make(tag, { class: "words", dir: "auto" }, String(text));
}

function sentence(event) {
  return `${seconds(event.at, 6)} ${event.who ?? "–"} ${event.text}`;
}

// A button that goes to an event. What the run says is text, whatever it holds.
function eventButton(run, i, words = "") {
  const event = run.events[i], held = contentsOf(event);
  return make("button", { type: "button", class: `link ${event.class}`, "data-event": i, click: () => chooseEvent(run, i) },
    words ? `${words} ` : "", make("span", { class: "when" }, seconds(event.at, 6)), ` ${event.who ?? "–"} `, quoted(event.text),
    held ? make("span", { class: "held dim", dir: "auto" }, clipped(held, 120)) : "");
}

// A list of events, each an index or { event, like }, with a button for those beyond the first.
function listOf(run, events, most, empty) {
  if (!events.length) return make("p", { class: "dim" }, empty);
  const list = make("ul", { class: "events" });
  for (const one of events.slice(0, most)) {
    list.append(make("li", {}, eventButton(run, one.event ?? one), one.like ? make("span", { class: "dim" }, ` and ${one.like} before it`) : ""));
  }
  if (events.length > most) {
    list.append(make("li", {}, make("button", { type: "button", class: "more", click: (event) => {
      event.target.closest("ul").replaceWith(listOf(run, events, most * 8, empty));
    } }, `${events.length - most} more`)));
  }
  return list;
}

function panelShown() {
  const run = view.runs[view.cursor.run], i = view.cursor.event;
  eventShown(run, i);
  causeShown();
  stateShown();
  view.watch?.(run, i);
}

function eventShown(run, i) {
  const event = run.events[i], body = page.eventbody;
  if (!event) { body.replaceChildren(make("p", {}, "This run has no events.")); return; }
  const parts = [make("p", { class: `said ${event.class}` }, make("strong", {}, event.who ?? "the world"), " ", quoted(event.text))];
  parts.push(make("p", { class: "dim" }, `${seconds(event.at, 6)} s · line ${i + 1} of ${run.events.length}, of ${run.recorded ? "input" : "the simulator's event"} ${event.event}${view.runs.length > 1 ? ` · run ${run.position ? "B" : "A"}` : ""}`));
  const c = run.copyOf[i];
  if (c >= 0) parts.push(copyStory(run, run.copies[c]));
  const ways = make("ul", { class: "events" });
  const add = (words, k) => { if (k >= 0) ways.append(make("li", {}, eventButton(run, k, words))); };
  add("because of", run.ledBy.cause(i));
  if (run.before[i] !== run.ledBy.cause(i)) add("after", run.before[i]);
  const led = effectsOf(run, i);
  led.slice(0, 8).forEach((k) => add("led to", k));
  parts.push(ways);
  if (led.length > 8) parts.push(make("p", { class: "dim" }, `and to ${led.length - 8} more`));
  body.replaceChildren(...parts);
  page.said.textContent = sentence(event);
  page.slider.setAttribute("aria-valuetext", sentence(event));
}

// What the messages of a datagram hold, as its service says it.
function contentsOf(event) {
  return (event.contents ?? []).filter((text) => text).join(" + ");
}

function copyStory(run, copy) {
  const what = copy.messages.map(([kind, subject]) => (subject ? `${kind} ${subject}` : kind)).join(" + ");
  const how = copy.ended < 0 && run.recorded ? "is sent to another program" : copy.ended < 0
    ? copy.arrives === null ? "is held at the end" : copy.arrives === undefined ? "is under way at the end" : `is under way at the end, and would arrive at ${seconds(copy.arrives, 6)} s`
    : copy.lost ? `is lost at ${seconds(run.events[copy.ended].at, 6)} s` : `arrives at ${seconds(run.events[copy.ended].at, 6)} s`;
  const line = make("p", {}, quoted(what), ` from ${copy.from} to ${copy.to}, leaves at ${seconds(run.events[copy.left].at, 6)} s, ${how}`);
  if (copy.why) line.append(": ", quoted(copy.why, "strong"));
  const held = contentsOf(run.events[copy.left]);
  if (held) line.append(make("span", { class: "held", dir: "auto" }, held));
  const others = [copy.left, ...copy.remarks, copy.ended].filter((k) => k >= 0 && k !== view.cursor.event);
  return make("div", {}, line, others.length ? listOf(run, others, 6, "") : "");
}

function causeShown() {
  const { cone } = view, run = view.runs[view.cursor.run];
  page.causebox.hidden = !cone;
  if (!cone) return;
  const at = cone.run, event = at.events[cone.target];
  const body = [make("p", {}, `${cone.size} of ${at.events.length} lines can have led to `, eventButton(at, cone.target), at === run ? "" : " (the other run)")];
  const chain = cone.chain.length > 9 ? [...cone.chain.slice(0, 3), ...cone.chain.slice(-6)] : cone.chain;
  body.push(make("h3", {}, `Direct causes, the first one first${cone.chain.length > 9 ? `: 9 of ${cone.chain.length}` : ""}`), listOf(at, chain, 9, "none"));
  body.push(make("h3", {}, "Steps, faults and losses before it, the last one first"), listOf(at, cone.faults, 7, "none"));
  page.causebody.replaceChildren(...(event ? body : []));
}

// The moment as it is in the other run: the same line in the common past, else the last line at or before the time.
function momentOf(run) {
  const { cursor } = view, chosen = view.runs[cursor.run];
  if (run === chosen || !chosen.events.length) return cursor.event;
  const common = view.runs[1].from;
  return cursor.event < common ? cursor.event : eventAt(run, chosen.events[cursor.event].at);
}

function stateShown() {
  const chosen = view.runs[view.cursor.run], event = chosen.events[view.cursor.event];
  page.statetitle.textContent = event ? `State as of ${seconds(event.at, 6)} s` : "State";
  const parts = [];
  const both = view.runs.length > 1 && view.cursor.event >= view.runs[1].from;
  for (const run of both ? view.runs : [chosen]) {
    const moment = momentOf(run);
    if (both) parts.push(make("h3", {}, `Run ${run.position ? "B" : "A"}: `, quoted(run.data.name)));
    const all = [...run.processes.values()];
    const sites = all.filter((one) => one.site === undefined && one.machine !== null && one.machine !== undefined).map((one) => one.id);
    const users = all.map((one) => one.id).filter((id) => !sites.includes(id) && run.history.has(id));
    parts.push(stateTable(run, sites, moment), slotTable(run, sites, moment));
    if (users.length) parts.push(make("details", { open: users.length <= 4 }, make("summary", {}, `Terminals and clients (${users.length})`), stateTable(run, users, moment)));
    parts.push(bandList(run, moment), wayList(run, moment));
  }
  page.statebody.replaceChildren(...parts);
}

function cell(run, process, key, moment) {
  const { value, fresh } = valueAt(run, process, key, moment);
  return tableCell(value === null ? "" : value, fresh);
}

function tableCell(value, fresh) {
  const empty = value === "" || value === null;
  return make("td", { class: fresh ? "fresh" : false }, empty ? make("span", { class: "dim" }, "–") : quoted(value), fresh ? make("span", { class: "mark", title: "changed with this event" }, " •") : "");
}

// Role, rank, progress, disk and fields: a row each, with a column for each process.
function stateTable(run, processes, moment) {
  const table = make("table", { class: "state" }, make("caption", {}, "Role, disk and fields (•: changed with this event)"));
  table.append(make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "what"), ...processes.map((id) => make("th", { scope: "col" }, id)))));
  const body = make("tbody");
  const row = (name, cells) => body.append(make("tr", {}, make("th", { scope: "row" }, quoted(name)), ...cells));
  const any = (key) => processes.some((id) => valueAt(run, id, key, moment).value !== null);
  row("role", processes.map((id) => {
    const life = run.lives.get(id), k = life ? lastNotAfter(life.after, moment) : -1, now = k < 0 ? "up" : life.values[k];
    const role = valueAt(run, id, "role", moment);
    if (now === "down") return tableCell("down", life.after[k] === moment);
    return tableCell(now === "paused" ? `${role.value ?? ""} paused`.trim() : role.value ?? "", role.fresh || (k >= 0 && life.after[k] === moment));
  }));
  const leads = (id) => valueAt(run, id, "role", moment).value === "leader";
  if (processes.some(leads)) row("rank", processes.map((id) => (leads(id) ? cell(run, id, "rank", moment) : tableCell("", false))));
  if (any("progress")) row("progress", processes.map((id) => cell(run, id, "progress", moment)));
  const disks = processes.map((id) => diskAt(run, id, moment));
  if (processes.some((id) => run.disks.get(id)?.used)) {
    row("durable records", disks.map((disk) => tableCell(disk ? disk.durable : "", disk?.fresh)));
    row("not yet durable", disks.map((disk) => tableCell(disk ? disk.unsynced : "", false)));
  }
  for (const name of fieldsAt(run, processes, moment)) row(name, processes.map((id) => cell(run, id, `field ${name}`, moment)));
  table.append(body);
  return make("div", { class: "wide", tabindex: 0, role: "group", "aria-label": "State of each process" }, table);
}

// What each site holds of each slot, the newest page of slots first.
function slotTable(run, sites, moment) {
  const slots = slotsAt(run, sites, moment);
  if (!slots.length) return "";
  const pages = Math.ceil(slots.length / ROWS), at = Math.min(view.slotPage, pages - 1);
  const end = slots.length - at * ROWS, some = slots.slice(Math.max(0, end - ROWS), end);
  const table = make("table", { class: "state slots" }, make("caption", {}, `Slots ${some[0]} to ${some.at(-1)} of ${slots.length}`));
  table.append(make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "slot"), ...sites.map((id) => make("th", { scope: "col" }, id)))));
  const body = make("tbody");
  for (const slot of some) body.append(make("tr", {}, make("th", { scope: "row" }, String(slot)), ...sites.map((id) => cell(run, id, `slot ${slot}`, moment))));
  table.append(body);
  const turn = (by) => () => { view.slotPage = at + by; stateShown(); };
  return make("div", { class: "wide", tabindex: 0, role: "group", "aria-label": "Slots of each site" }, table, pages > 1 ? make("p", {},
    make("button", { type: "button", disabled: at + 1 >= pages, click: turn(1) }, "Earlier slots"), " ",
    make("button", { type: "button", disabled: at === 0, click: turn(-1) }, "Later slots")) : "");
}

function wayList(run, moment) {
  const all = underWayAt(run, moment), some = all.filter((way) => view.routine || !way.copy.background);
  const list = make("ul", { class: "ways" });
  for (const { copy, arrives } of some.slice(0, 20)) {
    const end = arrives === null ? (copy.arrives === null ? "held to the end" : "no end known") : `${copy.lost ? "lost" : "arrives"} ${seconds(arrives, 6)} s`;
    list.append(make("li", {}, make("button", { type: "button", class: "link", click: () => chooseEvent(run, copy.left) },
      `${copy.from} → ${copy.to} `, quoted(copyLabel(copy)), `, ${end}`)));
  }
  const rest = all.length - some.length, more = some.length - 20;
  return make("div", { class: "way" }, make("h3", {}, `Under way: ${some.length}${rest ? `, and ${rest} routine` : ""}`), some.length ? list : "",
    more > 0 ? make("p", { class: "dim" }, `and ${more} more`) : "");
}
