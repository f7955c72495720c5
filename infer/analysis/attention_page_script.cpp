// What the page of attention_page.h does in the browser.
#include "infer/analysis/attention_page.h"

namespace zoo {

std::string_view attention_page_style() {
  return R"(
body { max-width: 1300px; }
p { max-width: 46rem; margin: 6px 0; color: var(--muted); }
.text { font: 14px/1.5 ui-monospace, monospace; color: var(--ink); overflow-wrap: anywhere; }
.bar { display: flex; flex-wrap: wrap; gap: 8px 14px; margin: 10px 0; }
.bar label { color: var(--muted); font-size: 0.9rem; }
select, input { font: inherit; color: var(--ink); background: var(--card);
  border: 1px solid var(--line); border-radius: 6px; padding: 3px 6px; max-width: 46vw; }
#overview { display: grid; gap: 4px; width: max-content; padding: 4px; }
#overview canvas { width: 44px; height: 44px; image-rendering: pixelated; cursor: pointer;
  border-radius: 3px; outline: 2px solid transparent; }
#overview canvas.now { outline-color: var(--val); }
#overview canvas.dim { opacity: 0.15; }
.view { display: grid; gap: 14px; grid-template-columns: minmax(0, 3fr) minmax(260px, 2fr);
  margin-top: 12px; align-items: start; }
@media (max-width: 800px) { .view { grid-template-columns: minmax(0, 1fr); }
  .card { padding: 10px; } }
figure { margin: 0; } figcaption { margin-bottom: 8px; }
canvas#matrix { display: block; cursor: crosshair; }
canvas#matrix:focus { outline: 1px solid var(--train); }
#cell { min-height: 1.5em; }
#tokens { color: var(--ink); line-height: 1.9; }
#tokens span { font: 13px ui-monospace, monospace; padding: 2px 3px; border-radius: 3px; }
#tokens span.query { outline: 2px solid var(--val); }
#picture { position: relative; max-width: 340px; }
#picture img, #picture canvas { display: block; width: 100%; image-rendering: pixelated; }
#picture canvas { position: absolute; inset: 0; height: 100%; }
img.rollout { max-width: 100%; image-rendering: pixelated; }
kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 5px; background: var(--card); }
#best td:first-child { font: 13px ui-monospace, monospace; }
noscript img { max-width: 100%; }
)";
}

std::string_view attention_page_script() {
  return R"js(
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const scale = [[4,5,30],[62,18,105],[141,38,110],[215,68,75],[250,149,45],[252,250,190]];
const grey = [222,225,231], masked = 65535;
const state = {map: 0, layer: 0, head: 0, query: 0, held: false, word: ''};

function colour(level) {  // the square root makes small weights visible
  if (level === masked) return grey;
  const at = Math.sqrt(level / 65534) * (scale.length - 1);
  const low = Math.min(Math.floor(at), scale.length - 2), part = at - low;
  return scale[low].map((c, i) => Math.round(c * (1 - part) + scale[low + 1][i] * part));
}
function unpack(map) {
  const bytes = atob(map.weights), count = bytes.length / 2;
  map.levels = new Uint16Array(count);
  for (let i = 0; i < count; ++i)
    map.levels[i] = bytes.charCodeAt(2 * i) | bytes.charCodeAt(2 * i + 1) << 8;
  map.weights = null;
}
data.maps.forEach(unpack);
const map = () => data.maps[state.map];
const info = (layer = state.layer, head = state.head) => map().heads[layer * map().headCount + head];
const cells = (layer, head) => {
  const size = map().queries.length * map().keys.length;
  const start = (layer * map().headCount + head) * size;
  return map().levels.subarray(start, start + size);
};
const level = (t, s) => cells(state.layer, state.head)[t * map().keys.length + s];
const weight = (t, s) => level(t, s) === masked ? null : level(t, s) / 65534;
const fits = (layer, head) => info(layer, head) !== null &&
  (!$('pattern').value || info(layer, head).pattern === $('pattern').value);
const has = label => state.word !== '' && label.toLowerCase().includes(state.word);

function paint(canvas, layer, head) {
  const T = map().queries.length, S = map().keys.length, levels = cells(layer, head);
  canvas.width = S; canvas.height = T;
  const image = new ImageData(S, T);
  for (let i = 0; i < levels.length; ++i) {
    const rgb = colour(levels[i]);
    for (let c = 0; c < 3; ++c) image.data[4 * i + c] = rgb[c];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext('2d').putImageData(image, 0, 0);
}
function fill(select, texts, values) {
  select.replaceChildren(...texts.map((text, i) => new Option(text, values ? values[i] : i)));
}

function showMap() {
  const m = map(), numbers = n => Array.from({length: n}, (_, i) => String(i));
  fill($('layer'), numbers(m.layers)); fill($('head'), numbers(m.headCount));
  const all = m.heads.filter(h => h !== null);
  const kinds = [...new Set(all.map(h => h.pattern))].sort(), before = $('pattern').value;
  const count = kind => all.filter(h => h.pattern === kind).length;
  fill($('pattern'), ['all (' + all.length + ')', ...kinds.map(k => k + ' (' + count(k) + ')')],
       ['', ...kinds]);
  if (kinds.includes(before)) $('pattern').value = before;
  state.layer = Math.min(state.layer, m.layers - 1);
  state.head = Math.min(state.head, m.headCount - 1);
  state.query = Math.min(state.query, m.queries.length - 1);
  const overview = $('overview');
  overview.style.gridTemplateColumns = 'repeat(' + m.headCount + ', 44px)';
  overview.replaceChildren();
  for (let layer = 0; layer < m.layers; ++layer) for (let head = 0; head < m.headCount; ++head) {
    if (info(layer, head) === null) { overview.append(document.createElement('i')); continue; }
    const canvas = document.createElement('canvas');
    paint(canvas, layer, head);
    canvas.title = 'layer ' + layer + ', head ' + head + ': ' + info(layer, head).text;
    canvas.onclick = () => { state.layer = layer; state.head = head; show(); };
    overview.append(canvas);
  }
  show();
}

function show() {
  while (info() === null) --state.head;  // this layer has fewer
  const m = map(), h = info();
  $('map').value = state.map; $('layer').value = state.layer; $('head').value = state.head;
  [...$('overview').children].forEach((canvas, n) => {
    const layer = Math.floor(n / m.headCount), head = n % m.headCount;
    canvas.className = (fits(layer, head) ? '' : 'dim') +
      (layer === state.layer && head === state.head ? ' now' : '');
  });
  let text = m.name + ', layer ' + state.layer + ', head ' + state.head + ': ' + h.text;
  if (h.score > 0) text += ' (' + h.score.toFixed(2) + ')';
  text += '; entropy ' + h.bits.toFixed(2) + ' of ' + h.most.toFixed(2) + ' bits';
  if (h.like) text += '; most like layer ' + h.like[0] + ', head ' + h.like[1] + ' (' +
    h.like[2].toFixed(2) + ')';
  $('caption').textContent = text;
  draw(); showQuery();
}

let plan = null;  // where the square lies in its canvas
function draw() {
  const m = map(), canvas = $('matrix'), pen = canvas.getContext('2d');
  const T = m.queries.length, S = m.keys.length, ratio = window.devicePixelRatio || 1;
  const font = '11px ui-monospace, monospace', room = canvas.parentElement.clientWidth || 340;
  pen.font = font;
  const longest = labels => Math.ceil(Math.max(...labels.map(l => pen.measureText(l).width)));
  const left = Math.max(longest(m.queries) + 24, 40), top = Math.max(longest(m.keys) + 24, 40);
  const least = Math.max(T, S) <= 64 ? 12 : 5;
  const cell = Math.max(least, Math.min(26, Math.floor((room - left - 2) / S)));
  plan = {left, top, cell};
  const width = left + S * cell + 2, height = top + T * cell + 2;
  canvas.width = width * ratio; canvas.height = height * ratio;
  canvas.style.width = width + 'px'; canvas.style.height = height + 'px';
  pen.scale(ratio, ratio);
  const small = document.createElement('canvas');
  paint(small, state.layer, state.head);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, left, top, S * cell, T * cell);
  const ink = getComputedStyle(document.body).getPropertyValue('--ink') || '#222';
  const mark = getComputedStyle(document.body).getPropertyValue('--val') || '#c50';
  const every = Math.max(1, Math.ceil(12 / cell));
  pen.font = font; pen.textBaseline = 'middle';
  const named = (label, n, now) => { pen.fillStyle = has(label) || now ? mark : ink;
    return n % every === 0 || has(label) || now; };
  pen.textAlign = 'right';
  m.queries.forEach((label, t) => { if (named(label, t, t === state.query))
    pen.fillText(label, left - 4, top + (t + 0.5) * cell); });
  pen.textAlign = 'left';
  m.keys.forEach((label, s) => { if (!named(label, s, false)) return;
    pen.save(); pen.translate(left + (s + 0.5) * cell, top - 4); pen.rotate(-Math.PI / 2);
    pen.fillText(label, 0, 0); pen.restore(); });
  pen.fillStyle = ink; pen.font = '11px system-ui, sans-serif';
  pen.fillText(m.keyAxis + ' \u2192', 2, 8);
  pen.save(); pen.translate(8, top + 2); pen.rotate(Math.PI / 2);
  pen.fillText(m.queryAxis + ' \u2192', 0, 0); pen.restore();
  pen.strokeStyle = mark; pen.lineWidth = 1.5;
  pen.strokeRect(left - 0.5, top + state.query * cell - 0.5, S * cell + 1, cell + 1);
}

function showQuery() {
  const m = map(), t = state.query;
  const row = m.keys.map((label, s) => ({label, s, w: weight(t, s)}));
  $('query').textContent = m.queryAxis + ' ' + t + ': ' + m.queries[t];
  const best = row.filter(k => k.w !== null).sort((a, b) => b.w - a.w).slice(0, 6);
  $('best').replaceChildren(...best.map(k => {
    const line = document.createElement('tr');
    for (const text of [k.label, 'key ' + k.s, k.w.toFixed(3)]) line.insertCell().textContent = text;
    return line;
  }));
  const self = m.queries.length === m.keys.length && m.name !== 'cross';
  if (m.rows > 0) { showPatches(row); $('tokens').replaceChildren(); return; }
  $('picture').replaceChildren();
  $('tokens').replaceChildren(...row.flatMap(k => {
    const chip = document.createElement('span');
    chip.textContent = k.label;
    chip.title = k.w === null ? 'masked' : k.w.toFixed(3);
    if (k.w !== null) chip.style.background = 'rgba(250, 149, 45, ' + Math.sqrt(k.w).toFixed(3) + ')';
    else chip.style.opacity = 0.4;
    if (self && k.s === t) chip.className = 'query';
    return [chip, ' '];
  }));
}

function showPatches(row) {
  const m = map(), box = $('picture');
  if (!data.picture) return;
  if (!box.firstChild) {
    const image = new Image();
    image.src = data.picture; image.alt = 'what the model saw';
    box.append(image, document.createElement('canvas'));
    box.lastChild.onmousemove = e => {
      const column = Math.floor(e.offsetX / e.target.clientWidth * m.columns);
      const line = Math.floor(e.offsetY / e.target.clientHeight * m.rows);
      pick(m.prefix + Math.max(0, line) * m.columns + Math.max(0, column));
    };
  }
  const canvas = box.lastChild, unit = 24, pen = canvas.getContext('2d');
  canvas.width = m.columns * unit; canvas.height = m.rows * unit;
  const patches = row.slice(m.prefix), most = Math.max(...patches.map(k => k.w || 0), 1e-9);
  patches.forEach((k, n) => {
    const x = n % m.columns * unit, y = Math.floor(n / m.columns) * unit;
    pen.fillStyle = 'rgba(8, 8, 24, ' + (0.85 * (1 - (k.w || 0) / most)).toFixed(3) + ')';
    pen.fillRect(x, y, unit, unit);
    if (m.prefix + n === state.query) {
      pen.strokeStyle = '#ff9d57'; pen.lineWidth = 3; pen.strokeRect(x + 1.5, y + 1.5, unit - 3, unit - 3);
    }
  });
}

function pick(t) {
  if (t === state.query || t < 0 || t >= map().queries.length) return;
  state.query = t; draw(); showQuery();
}
function place(event) {
  const box = $('matrix').getBoundingClientRect();
  return {t: Math.floor((event.clientY - box.top - plan.top) / plan.cell),
          s: Math.floor((event.clientX - box.left - plan.left) / plan.cell)};
}
$('matrix').onmousemove = event => {
  const {t, s} = place(event), m = map();
  if (t < 0 || t >= m.queries.length || s < 0 || s >= m.keys.length) return;
  if (!state.held) pick(t);
  const w = weight(t, s);
  $('cell').textContent = m.queries[t] + ' looks at ' + m.keys[s] + ': ' +
    (w === null ? 'masked' : w.toFixed(3));
};
$('matrix').onclick = event => {
  const {t} = place(event);
  if (t < 0 || t >= map().queries.length) return;
  state.held = !(state.held && t === state.query); pick(t);
};

function step(layers, heads) {  // to the next head that the filter lets through
  const m = map(), count = heads ? m.headCount * m.layers : m.layers;
  let {layer, head} = state;
  for (let n = 0; n < count; ++n) {
    if (heads) {
      const at = (layer * m.headCount + head + heads + m.headCount * m.layers) % (m.headCount * m.layers);
      layer = Math.floor(at / m.headCount); head = at % m.headCount;
    } else layer = (layer + layers + m.layers) % m.layers;
    if (fits(layer, head)) { state.layer = layer; state.head = head; show(); return; }
  }
}
function search(next) {
  state.word = $('search').value.trim().toLowerCase();
  const at = map().queries.flatMap((label, t) => has(label) ? [t] : []);
  $('found').textContent = state.word === '' ? '' : at.length + ' of ' + map().queries.length +
    ' queries hold \u201c' + state.word + '\u201d' + (at.length > 1 ? '; Enter: the next one' : '');
  if (at.length) { state.held = true; state.query = next ? at.find(t => t > state.query) ?? at[0] : at[0]; }
  draw(); showQuery();
}

$('map').onchange = e => { state.map = Number(e.target.value); $('picture').replaceChildren(); showMap(); };
$('layer').onchange = e => { state.layer = Number(e.target.value); show(); };
$('head').onchange = e => { state.head = Number(e.target.value); show(); };
$('pattern').onchange = () => fits(state.layer, state.head) ? show() : step(0, 1);
$('search').oninput = () => search(false);
$('search').onkeydown = e => {
  if (e.key === 'Enter') search(true);
  if (e.key === 'Escape') { e.target.value = ''; search(false); e.target.blur(); }
};
document.onkeydown = event => {
  if (/INPUT|SELECT/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
  const keys = {ArrowLeft: () => step(0, -1), ArrowRight: () => step(0, 1),
    ArrowUp: () => step(-1, 0), ArrowDown: () => step(1, 0),
    j: () => { state.held = true; pick(state.query + 1); },
    k: () => { state.held = true; pick(state.query - 1); },
    m: () => { state.map = (state.map + 1) % data.maps.length; $('picture').replaceChildren(); showMap(); },
    '/': () => $('search').focus()};
  if (!keys[event.key]) return;
  event.preventDefault(); keys[event.key]();
};
window.onresize = draw;
fill($('map'), data.maps.map(m => m.name));
$('map').parentElement.hidden = data.maps.length === 1;
state.query = map().rows > 0 ? 0 : map().queries.length - 1;  // the class token, or what saw most
showMap();
)js";
}

}  // namespace zoo
