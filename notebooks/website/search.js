/* Searches the lists of search_index.js. All words must occur in a section; a word finds
   what begins with it. Whoever looks for a name finds its heading first. */
const form = document.querySelector(".site-find");
const field = document.getElementById("query");
const count = document.getElementById("count");
const list = document.getElementById("results");
const SHOWN = 40;

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const pages = window.SEARCH_PAGES.map(([address, title, kind]) => ({ address, title, kind }));
const sections = window.SEARCH_SECTIONS.map(([page, anchor, heading, text]) => ({
  page: pages[page],
  anchor,
  heading,
  text,
  plainHeading: plain(heading),
  plainTitle: plain(pages[page].title),
  plainText: plain(text),
}));

/* "patches" finds "patch", and "training" finds "train". */
function stem(word) {
  for (const end of ["ing", "es", "ed", "s"])
    if (word.endsWith(end) && word.length - end.length > 3) return word.slice(0, -end.length);
  return word;
}

/* The words of a query, each as an expression for the begin of a word. */
function expressions(query) {
  const words = plain(query).replace(/\btl\./g, "").match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.map((word) => ({
    word,
    exact: new RegExp(`(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`, "gu"),
    begin: new RegExp(`(?<![\\p{L}\\p{N}])${stem(word)}[\\p{L}\\p{N}]*`, "gu"),
  }));
}

const times = (expression, text) => (text.match(expression) ?? []).length;

/* How well a section answers, 0 if a word is missing. */
function score(section, words) {
  let sum = 0;
  for (const { exact, begin } of words) {
    const heading = 12 * times(exact, section.plainHeading) + 6 * times(begin, section.plainHeading);
    const title = 2 * times(begin, section.plainTitle);
    const text = Math.min(3, times(begin, section.plainText)) + Math.min(2, times(exact, section.plainText));
    if (!(heading + title + text)) return 0;
    sum += heading + title + text;
  }
  // A heading that is the query and nothing else; the glossary explains it best.
  const rest = words.reduce((left, { begin }) => left.replace(begin, ""), section.plainHeading);
  if (rest.replace(/[^\p{L}\p{N}]/gu, "").replace(/^tl$/, "")) return sum;
  return sum + (section.page.kind === "Glossary" ? 60 : 30);
}

/* Where the words of a query stand in a text: pairs of begin and end, in their order. */
function placesOf(text, words) {
  const places = words.flatMap(({ begin }) =>
    [...plain(text).matchAll(begin)].map((found) => [found.index, found.index + found[0].length]),
  );
  return places.sort((one, other) => one[0] - other[0]);
}

/* A part of a text as nodes; each word of the query is marked. */
function marked(text, words, start = 0, end = text.length) {
  // Accents are rare; where one was removed, the places in both texts differ.
  const shown = plain(text).length === text.length ? text : plain(text);
  const parts = [];
  let here = start;
  for (const [from, to] of placesOf(text, words)) {
    if (from < here || to > end) continue;
    const mark = document.createElement("mark");
    mark.textContent = shown.slice(from, to);
    parts.push(shown.slice(here, from), mark);
    here = to;
  }
  return [...parts, shown.slice(here, end)];
}

/* What is around the first word that was found. */
function excerpt(text, words) {
  const first = placesOf(text, words)[0]?.[0] ?? 0;
  const start = first < 80 ? 0 : text.indexOf(" ", first - 80) + 1 || first;
  const last = start + 240;
  const end = last < text.length ? Math.max(text.lastIndexOf(" ", last), first + 40) : text.length;
  return [start ? "… " : "", ...marked(text, words, start, end), end < text.length ? " …" : ""];
}

function item(section, words) {
  const { address, kind, title } = section.page;
  const one = document.createElement("li");
  const link = document.createElement("a");
  link.href = section.anchor ? `${address}#${section.anchor}` : address;
  link.append(...marked(section.heading, words));
  const place = document.createElement("p");
  place.className = "site-place";
  const says = [kind, section.heading].includes(title) ? kind : `${kind}: ${title}`;
  place.append(...marked(says, words));
  const text = document.createElement("p");
  text.append(...excerpt(section.text, words));
  one.append(link, place, text);
  return one;
}

function search() {
  const words = expressions(field.value);
  if (!words.length) {
    list.replaceChildren();
    count.textContent = "";
    return;
  }
  const found = sections
    .map((section) => ({ section, points: score(section, words) }))
    .filter(({ points }) => points)
    .sort((one, other) => other.points - one.points);
  list.replaceChildren(...found.slice(0, SHOWN).map(({ section }) => item(section, words)));
  const places = found.length === 1 ? "1 place" : `${found.length} places`;
  const best = found.length > SHOWN ? `, the best ${SHOWN} are shown` : "";
  count.textContent = found.length
    ? `${places}${best}`
    : "Nothing was found. Try fewer words, or another one.";
}

field.value = new URLSearchParams(location.search).get("q") ?? "";
document.title = field.value ? `${field.value} | ${document.title}` : document.title;
let waiting;
field.addEventListener("input", () => {
  clearTimeout(waiting);
  // A screen reader would otherwise read the number after every letter.
  waiting = setTimeout(search, 250);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  search();
  list.querySelector("a")?.focus();
});
search();
if (!field.value) field.focus();
