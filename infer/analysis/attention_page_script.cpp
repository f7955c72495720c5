// What the page of attention_page.h does in the browser.
#include "infer/analysis/attention_page.h"

namespace zoo {

std::string_view attention_page_script() {
  return R"js(
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const scale = [[4,5,30],[62,18,105],[141,38,110],[215,68,75],[250,149,45],[252,250,190]];
const masked = 65535, dark = matchMedia('(prefers-color-scheme: dark)');
const state = {map: 0, layer: 0, head: 0, query: 0, held: false, large: false, word: ''};

function colour(level) {  // the square root makes small weights visible
  if (level === masked) return dark.matches ? [58,66,80] : [222,225,231];
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
  showOverview(); show();
}

let small = [];  // a canvas for each head, null for one that its layer has not
function showOverview() {
  const m = map(), overview = $('overview'), room = document.body.clientWidth - 90;
  const side = Math.max(44, Math.min(96, room / m.headCount - 4, 400 / m.layers - 4));
  overview.style.gridTemplateColumns = 'max-content repeat(' + m.headCount + ', ' + Math.floor(side) + 'px)';
  const name = text => { const span = document.createElement('span'); span.textContent = text; return span; };
  overview.replaceChildren(name(''));
  for (let head = 0; head < m.headCount; ++head) overview.append(name((head ? '' : 'head ') + head));
  small = [];
  for (let layer = 0; layer < m.layers; ++layer) for (let head = 0; head < m.headCount; ++head) {
    if (head === 0) overview.append(name('layer ' + layer));
    const there = info(layer, head) !== null, canvas = document.createElement(there ? 'canvas' : 'i');
    overview.append(canvas); small.push(there ? canvas : null);
    if (!there) continue;
    paint(canvas, layer, head);
    canvas.title = 'layer ' + layer + ', head ' + head + ': ' + info(layer, head).text;
    canvas.onclick = () => { state.layer = layer; state.head = head; show();
      $('caption').scrollIntoView({block: 'nearest'}); };
    canvas.ondblclick = () => enlarge(true);
  }
}

function show() {
  while (info() === null) --state.head;  // this layer has fewer
  const m = map(), h = info();
  $('map').value = state.map; $('layer').value = state.layer; $('head').value = state.head;
  small.forEach((canvas, n) => {
    if (!canvas) return;
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
  const font = (state.large ? 14 : 11) + 'px ui-monospace, monospace';
  const room = canvas.parentElement.clientWidth || 340;
  pen.font = font;
  const longest = labels => Math.ceil(Math.max(...labels.map(l => pen.measureText(l).width)));
  const left = Math.max(longest(m.queries) + 24, 40), top = Math.max(longest(m.keys) + 24, 40);
  const sides = Math.max(T, S), most = Math.floor(14000 / ratio / sides);  // a canvas has its limits
  const least = Math.min(state.large ? 18 : sides <= 80 ? 12 : 5, Math.max(most, 1));
  const cell = Math.max(least, Math.min(state.large ? 48 : 26, Math.floor((room - left - 2) / S)));
  plan = {left, top, cell};
  const width = left + S * cell + 2, height = top + T * cell + 2;
  canvas.width = width * ratio; canvas.height = height * ratio;
  canvas.style.width = width + 'px'; canvas.style.height = height + 'px';
  pen.scale(ratio, ratio);
  const pixels = document.createElement('canvas');
  paint(pixels, state.layer, state.head);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(pixels, left, top, S * cell, T * cell);
  const ink = getComputedStyle(document.body).getPropertyValue('--ink') || '#222';
  const mark = getComputedStyle(document.body).getPropertyValue('--val') || '#c50';
  const every = Math.max(1, Math.ceil((state.large ? 15 : 12) / cell));
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
    box.onpointermove = box.onpointerdown = e => {
      const at = box.lastChild.getBoundingClientRect(), here = map();
      const part = (value, count) => Math.min(Math.max(Math.floor(value * count), 0), count - 1);
      const patch = here.prefix + part((e.clientY - at.top) / at.height, here.rows) * here.columns +
        part((e.clientX - at.left) / at.width, here.columns);
      if (e.type === 'pointerdown') { pick(patch); state.held = true; }
      tip(e, state.query, patch);
    };
    box.onpointerleave = hideTip;
  }
  const canvas = box.lastChild, unit = 24, pen = canvas.getContext('2d');
  canvas.width = m.columns * unit; canvas.height = m.rows * unit;
  const patches = row.slice(m.prefix), most = Math.max(...patches.map(k => k.w || 0), 1e-9);
  patches.forEach((k, n) => {
    const x = n % m.columns * unit, y = Math.floor(n / m.columns) * unit;
    const rgb = k.w === null ? [128,128,128] : colour(65534 * (k.w / most) ** 2);
    pen.fillStyle = 'rgba(' + rgb.join(',') + ',0.65)';
    pen.fillRect(x, y, unit, unit);
    pen.strokeStyle = 'rgba(255,255,255,0.35)'; pen.lineWidth = 1; pen.strokeRect(x, y, unit, unit);
  });
  patches.forEach((k, n) => {
    const x = n % m.columns * unit, y = Math.floor(n / m.columns) * unit;
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
const valueText = w => w === null ? 'masked' : w.toFixed(3);
function tip(event, t, s) {  // beside the pointer, inside the window
  const m = map(), box = $('tip'), value = valueText(weight(t, s));
  box.textContent = m.queryAxis + ' ' + t + ': ' + m.queries[t] + '\n' +
    m.keyAxis + ' ' + s + ': ' + m.keys[s] + '\n' + value;
  box.hidden = false;
  const at = (pointer, size, limit) =>
    Math.max(4, pointer + 16 + size > limit ? pointer - 12 - size : pointer + 16);
  box.style.left = at(event.clientX, box.offsetWidth, document.documentElement.clientWidth) + 'px';
  box.style.top = at(event.clientY, box.offsetHeight, innerHeight) + 'px';
  $('cell').textContent = m.queries[t] + ' looks at ' + m.keys[s] + ': ' + value;
}
function hideTip() { $('tip').hidden = true; }
$('matrix').onpointermove = $('matrix').onpointerdown = event => {
  const {t, s} = place(event), m = map();
  if (t < 0 || t >= m.queries.length || s < 0 || s >= m.keys.length) { hideTip(); return; }
  if (!state.held) pick(t);
  tip(event, t, s);
};
$('matrix').onpointerleave = hideTip;
document.addEventListener('scroll', hideTip, true);
$('matrix').onclick = event => {
  const {t} = place(event);
  if (t < 0 || t >= map().queries.length) return;
  state.held = !(state.held && t === state.query); pick(t);
};

$('matrix').ondblclick = () => enlarge(!state.large);
function enlarge(large) {
  state.large = large;
  document.body.classList.toggle('large', large);
  $('enlarge').textContent = large ? 'Back' : 'Enlarge';
  $('enlarge').setAttribute('aria-pressed', large);
  hideTip(); draw();
  if (large) $('caption').scrollIntoView({block: 'start'});
}
$('enlarge').onclick = () => enlarge(!state.large);

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
    e: () => enlarge(!state.large),
    Escape: () => enlarge(false),
    '/': () => $('search').focus()};
  if (!keys[event.key]) return;
  event.preventDefault(); keys[event.key]();
};
window.onresize = () => { showOverview(); show(); };
dark.onchange = window.onresize;
fill($('map'), data.maps.map(m => m.name));
$('map').parentElement.hidden = data.maps.length === 1;
state.query = map().rows > 0 ? 0 : map().queries.length - 1;  // the class token, or what saw most
showMap();
)js";
}

}  // namespace zoo
