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
  // A heading that is the query and nothing else.
  const rest = words.reduce((left, { begin }) => left.replace(begin, ""), section.plainHeading);
  return rest.replace(/[^\p{L}\p{N}]/gu, "").replace(/^tl$/, "") ? sum : sum + 30;
}

/* Where the first word stands, and what is around it; each found word is marked. */
function excerpt(text, words) {
  const lower = plain(text);
  // Accents are rare; where one was removed, the places in both texts differ.
  const shown = lower.length === text.length ? text : lower;
  const places = words.flatMap(({ begin }) =>
    [...lower.matchAll(begin)].map((found) => [found.index, found.index + found[0].length]),
  );
  places.sort((one, other) => one[0] - other[0]);
  const first = places.length ? places[0][0] : 0;
  const start = first < 80 ? 0 : shown.indexOf(" ", first - 80) + 1 || first;
  const end = Math.min(shown.length, start + 240);
  const parts = [start ? "… " : ""];
  let here = start;
  for (const [from, to] of places) {
    if (from < here || to > end) continue;
    const mark = document.createElement("mark");
    mark.textContent = shown.slice(from, to);
    parts.push(shown.slice(here, from), mark);
    here = to;
  }
  parts.push(shown.slice(here, end), end < shown.length ? " …" : "");
  return parts;
}

function item(section, words) {
  const one = document.createElement("li");
  const link = document.createElement("a");
  link.href = section.page.address + (section.anchor ? `#${section.anchor}` : "");
  link.textContent = section.heading;
  const place = document.createElement("p");
  place.className = "site-place";
  const isTitle = section.heading === section.page.title;
  place.textContent = section.page.kind + (isTitle ? "" : `: ${section.page.title}`);
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
