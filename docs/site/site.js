// The search: every word must occur in a section; headings count most. "/" goes to the box, arrows walk through the results.
"use strict";

const box = document.getElementById("query");
const list = document.getElementById("found");
const contents = document.querySelector(".contents");
const root = document.body.dataset.root;
const most = 30;

function words(text) {
  return text.toLowerCase().split(/\s+/).filter((word) => word);
}

function score(section, wanted) {
  let sum = 0;
  for (const word of wanted) {
    const inHeading = section.headingLow.includes(word);
    const inTitle = section.titleLow.includes(word);
    const hits = section.textLow.split(word).length - 1;
    if (!inHeading && !inTitle && !hits) return 0;
    sum += (inHeading ? 20 : 0) + (inTitle ? 8 : 0) + Math.min(hits, 5);
  }
  return sum;
}

const sections = SEARCH_INDEX.flatMap((page) =>
  page.sections.map(([heading, anchor, text]) => ({
    title: page.title, heading, text,
    address: root + page.address + (anchor ? "#" + anchor : ""),
    titleLow: page.title.toLowerCase(), headingLow: heading.toLowerCase(), textLow: text.toLowerCase(),
  })));

function find(wanted) {
  return sections.map((section) => ({ section, score: score(section, wanted) }))
    .filter((hit) => hit.score > 0).sort((a, b) => b.score - a.score);
}

// Text with the words marked, as nodes: nothing of a page is read as HTML.
function marked(text, wanted) {
  const out = document.createElement("span");
  let at = 0;
  const low = text.toLowerCase();
  while (at < text.length) {
    const next = wanted.map((word) => [low.indexOf(word, at), word.length]).filter(([i]) => i >= 0)
      .sort((a, b) => a[0] - b[0] || b[1] - a[1])[0];
    if (!next) break;
    const mark = document.createElement("mark");
    mark.textContent = text.slice(next[0], next[0] + next[1]);
    out.append(text.slice(at, next[0]), mark);
    at = next[0] + next[1];
  }
  out.append(text.slice(at));
  return out;
}

function snippet(section, wanted) {
  const first = wanted.map((word) => section.textLow.indexOf(word)).filter((i) => i >= 0).sort((a, b) => a - b)[0] ?? 0;
  const begin = first < 60 ? 0 : section.text.indexOf(" ", first - 50) + 1;
  const end = section.text.length - begin < 170 ? section.text.length : section.text.lastIndexOf(" ", begin + 160);
  return (begin ? "… " : "") + section.text.slice(begin, end) + (end < section.text.length ? " …" : "");
}

function show() {
  const wanted = words(box.value);
  list.replaceChildren();
  list.hidden = wanted.length === 0;
  if (list.hidden) return;
  const hits = find(wanted);
  const count = document.createElement("p");
  count.textContent = hits.length === 0 ? "Nothing has all of these words." :
    hits.length === 1 ? "1 place" : `${hits.length} places` + (hits.length > most ? `, the best ${most}:` : "");
  list.append(count);
  for (const { section } of hits.slice(0, most)) {
    const link = document.createElement("a");
    const name = document.createElement("b");
    const where = section.heading && section.heading !== section.title ? `${section.title}: ${section.heading}` : section.title;
    name.append(marked(where, wanted));
    link.href = section.address;
    link.append(name, marked(snippet(section, wanted), wanted));
    link.addEventListener("click", close);
    list.append(link);
  }
}

function close() {
  list.hidden = true;
  box.blur();
}

function step(by) {
  const stops = [box, ...list.querySelectorAll("a")];
  const next = stops[stops.indexOf(document.activeElement) + by];
  if (next) next.focus();
}

box.addEventListener("input", show);
box.addEventListener("focus", show);
document.addEventListener("click", (event) => {
  if (!event.target.closest("search")) list.hidden = true;
});
document.addEventListener("keydown", (event) => {
  const inside = event.target.closest?.("search");
  if (event.key === "/" && !inside && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    box.focus();
    box.select();
  } else if (event.key === "Escape" && inside) {
    close();
  } else if (event.key === "Enter" && event.target === box) {
    list.querySelector("a")?.click();
  } else if (inside && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  }
});

// A link such as search.html?q=mask opens with that search; also what a test in a browser uses.
const asked = new URLSearchParams(location.search).get("q");
if (asked) {
  box.value = asked;
  show();
}

if (contents && matchMedia("(max-width: 899px)").matches) contents.open = false;
