// A text with line numbers, and with what is wrong in it underlined.

const WRONG_LATER = 300;     // milliseconds after the last key

// Where a place of the simulator is in a text: it counts characters, and the browser counts units of UTF-16.
function offsetOf(text, line, column) {
  let at = 0;
  for (let k = 1; k < line && at >= 0; k++) at = text.indexOf("\n", at) + 1 || text.length;
  const end = text.indexOf("\n", at), row = [...text.slice(at, end < 0 ? text.length : end)];
  return at + row.slice(0, column - 1).join("").length;
}

function rangeOf(text, { line, column, end }) {
  return [offsetOf(text, line, column), offsetOf(text, line, end)];
}

// Underlines the problems in the text. One without a length underlines the character at its place.
function marked(text, problems) {
  const parts = [];
  let at = 0;
  for (const [from, to] of problems.filter((one) => one.line).map((one) => rangeOf(text, one)).sort((a, b) => a[0] - b[0])) {
    const begin = Math.max(at, from), end = Math.max(begin + 1, to), wrong = text.slice(begin, end);
    // At the end of a line there is nothing to underline but a blank.
    parts.push(text.slice(at, begin), make("mark", {}, wrong === "\n" || wrong === "" ? ` ${wrong}` : wrong));
    at = Math.min(text.length, end);
  }
  // The last line counts even where it is empty.
  page.marks.replaceChildren(...parts, `${text.slice(at)}\n`);
  scrolledTogether();
}

function numbered(text) {
  const lines = text.split("\n").length;
  page.numbers.textContent = `${Array.from({ length: lines }, (_, k) => k + 1).join("\n")}\n`;
}

function scrolledTogether() {
  for (const under of [page.marks, page.numbers]) under.scrollTop = page.source.scrollTop;
  page.marks.scrollLeft = page.source.scrollLeft;
}

// Lists what is wrong. A click goes to the place in the text.
function problemsShown(problems, more = 0) {
  const text = page.source.value;
  marked(text, problems);
  page.source.setAttribute("aria-invalid", problems.length > 0);
  const item = (problem) => {
    const words = [problem.line ? make("span", { class: "when" }, `line ${problem.line}, column ${problem.column}: `) : "", quoted(problem.message),
      problem.help ? make("span", { class: "help words", dir: "auto" }, problem.help) : ""];
    return make("li", {}, problem.line ? make("button", { type: "button", class: "link", click: () => chosenInText(problem) }, ...words) : make("span", { class: "link" }, ...words));
  };
  page.problems.replaceChildren(...problems.map(item), more ? make("li", { class: "dim" }, `and ${more} more`) : "");
}

function chosenInText(problem) {
  const [from, to] = rangeOf(page.source.value, problem);
  page.source.focus();
  page.source.setSelectionRange(from, to);
  const high = parseFloat(getComputedStyle(page.source).lineHeight);
  page.source.scrollTop = Math.max(0, (problem.line - 1) * high - page.source.clientHeight / 2);
}

function editorReady(changed) {
  let typing = 0;
  page.source.addEventListener("input", () => {
    numbered(page.source.value);
    // Underlines of the text before would be in wrong places.
    marked(page.source.value, []);
    clearTimeout(typing);
    typing = setTimeout(changed, WRONG_LATER);
  });
  page.source.addEventListener("scroll", scrolledTogether, { passive: true });
}

function textTaken(text) {
  page.source.value = text;
  page.source.setSelectionRange(0, 0);
  page.source.scrollTop = 0;
  numbered(page.source.value);
  marked(page.source.value, []);
}
