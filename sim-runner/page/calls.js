// The calls of clients; and of a run that no order of them explains, the order that explains most and what does not fit.

function callText(call) {
  return call.answered === undefined ? `${call.text} → ?` : !call.answer ? call.text : `${call.text} → ${call.answer}`;
}

// For each call of the run that the judge names: { place, fits }. `place` counts from 1 in the order that explains most;
// it is 0 for a call that does not fit, and for one without an answer that takes no effect there.
function judgedCalls(data) {
  const judged = new Map(), { calls = [], order = [] } = data.unexplained ?? {};
  calls.forEach((one, k) => { if (one.call !== undefined) judged.set(one.call, { place: order.indexOf(k) + 1, fits: one.fits }); });
  return judged;
}

// What is written on the bar of a call.
function signOf(run, c) {
  const judged = run.judged.get(c);
  return !judged ? "" : !judged.fits ? "✕" : judged.place ? String(judged.place) : "";
}

function judgedText(run, c) {
  const judged = run.judged.get(c);
  return !judged ? "" : !judged.fits ? ": does not fit" : judged.place ? `: place ${judged.place} in the order that explains most` : "";
}

// Where the sign of a call stands along its bar: near both ends of a long one.
function signPlaces({ p, q }) {
  return q - p > 160 ? [p + 14, q - 14] : [(p + q) / 2];
}

function signsDrawn(pen, part, from, to) {
  const { run } = part, signed = part.calls(from, to).filter((one) => signOf(run, one.c));
  const each = (draw) => signed.forEach((one) => signPlaces(one).forEach((p) => draw(one, p, run.judged.get(one.c).fits ? "" : " misfit")));
  each((one, p, misfit) => pen.circle(`sign${misfit}`, one.x, p, 7.5));
  pen.flush();
  each((one, p, misfit) => pen.text(`sign${misfit}`, ...(pen.across ? [p, one.x + 3.5] : [one.x, p + 3.5]), signOf(run, one.c), "middle"));
}

function callsShown() {
  const run = view.runs[0], calls = run.data.calls ?? [], { unexplained } = run.data;
  page.callsbox.hidden = !calls.length && !unexplained;
  if (page.callsbox.hidden) return;
  const line = (c) => {
    const call = calls[c];
    return callButton(call, callText(call), run.events[call.asked].at, call.answered === undefined ? undefined : run.events[call.answered].at,
      () => chooseEvent(run, call.answered ?? call.asked), call.answered === undefined);
  };
  const items = make("ul", { class: "events" }, ...calls.slice(0, 200).map((_, c) => make("li", {}, line(c))));
  if (calls.length > 200) items.append(make("li", { class: "dim" }, `and ${calls.length - 200} more`));
  if (!unexplained) { page.callsbody.replaceChildren(items); return; }
  page.callsbody.replaceChildren(...unexplainedParts(run, unexplained),
    calls.length ? make("details", {}, make("summary", {}, `All calls (${calls.length})`), items) : "");
  // What the failure is about comes before the state of every process.
  page.causebox.before(page.callsbox);
}

function callButton(call, text, from, until, go, open) {
  return make("button", { type: "button", class: "link", click: go },
    `${call.process} `, quoted(text), make("span", { class: "dim" }, ` ${seconds(from)} to ${until === undefined ? "the end" : seconds(until)}${open ? ", no answer" : ""}`));
}

function unexplainedParts(run, { part, calls, order }) {
  const line = (k) => {
    const one = calls[k], call = run.data.calls?.[one.call], open = one.answered === undefined;
    const go = () => chooseEvent(run, call ? call.answered ?? call.asked : eventAt(run, one.answered ?? one.begun));
    const button = callButton(one, callText(one), one.begun, one.answered, go, open);
    if (!one.fits) button.prepend(make("strong", {}, "✕ "));
    return make("li", { class: one.fits ? false : "misfit" }, button,
      one.state === undefined ? "" : make("span", { class: "held" }, "then: ", quoted(one.state)));
  };
  const misfits = calls.flatMap((one, k) => (one.fits ? [] : [k]));
  const idle = calls.flatMap((one, k) => (one.fits && !order.includes(k) ? [k] : []));
  const on = part === undefined ? "" : make("span", {}, " on ", quoted(part));
  const parts = [make("p", {}, make("strong", {}, `No order explains ${calls.length === 1 ? "this call" : `these ${calls.length} calls`}`), on, ".")];
  if (!misfits.length) {
    parts.push(make("p", { class: "dim" }, "The search spent its steps before it found an order that explains most of them."));
    parts.push(make("ul", { class: "events" }, ...calls.map((_, k) => line(k))));
    return parts;
  }
  if (order.length) parts.push(make("h3", {}, "The order that explains most"), make("ol", { class: "events order" }, ...order.map((k) => line(k))));
  parts.push(make("h3", {}, order.length ? "Does not fit into it" : "Nothing explains it"), make("ul", { class: "events" }, ...misfits.map((k) => line(k))));
  if (idle.length) parts.push(make("h3", {}, "Takes no effect in it"), make("ul", { class: "events" }, ...idle.map((k) => line(k))));
  return parts;
}
