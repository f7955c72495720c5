// Runs in each page before its own scripts: watches what is written on canvases, and measures what is seen.
'use strict';
(() => {
const drawn = new Map();  // canvas -> its texts since it was last cleared or resized
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
  const m = this.getTransform(), scale = Math.sqrt(Math.abs(m.a * m.d - m.b * m.c));
  const size = parseFloat(/([\d.]+)px/.exec(this.font)[1]) * scale;
  if (!drawn.has(this.canvas)) drawn.set(this.canvas, []);
  drawn.get(this.canvas).push({text, size});
  return write.call(this, text, x, y, ...rest);
};
for (const side of ['width', 'height']) {
  const property = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, side);
  Object.defineProperty(HTMLCanvasElement.prototype, side,
    {...property, set(value) { drawn.delete(this); property.set.call(this, value); }});
}

const shown = e => e.checkVisibility({opacityProperty: false, visibilityProperty: true}) && e.getClientRects().length > 0;
const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX);
const name = e => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') +
  (e.getAttribute('class') ? '.' + e.getAttribute('class').trim().split(/\s+/).join('.') : '') +
  ' "' + (e.textContent || '').trim().replace(/\s+/g, ' ').slice(0, 40) + '"';
const inScroller = e => { for (let up = e.parentElement; up && up !== document.body; up = up.parentElement)
  if (scrolls(up)) return true; return false; };
const texts = function* () {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    if (node.data.trim() && !/^(script|style|title|noscript|option)$/i.test(node.parentElement.tagName) && shown(node.parentElement))
      yield node.parentElement;
};
const onScreen = e => {  // the size of its letters
  const size = parseFloat(getComputedStyle(e).fontSize);
  if (!(e instanceof SVGElement)) return size;
  const m = e.getScreenCTM();
  return size * Math.sqrt(Math.abs(m.a * m.d - m.b * m.c));
};
const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
  Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;

window.zooPage = {
  /// Elements that reach past the window, or are cut off, where nothing scrolls on purpose.
  wide() {
    const room = document.documentElement.clientWidth, found = [];
    if (document.documentElement.scrollWidth > room) found.push('the page is ' + document.documentElement.scrollWidth + ' wide');
    for (const e of document.body.querySelectorAll('*')) {
      if (!shown(e) || inScroller(e) || e.ownerSVGElement) continue;
      const box = e.getBoundingClientRect();
      if (box.width > 0 && (box.right > room + 1 || box.left < -1)) found.push(name(e) + ' reaches ' + Math.round(box.right));
      const style = getComputedStyle(e);
      if (/hidden|clip/.test(style.overflowX) && !(e instanceof SVGElement) && e.scrollWidth > e.clientWidth + 1)
        found.push(name(e) + ' is cut off');
    }
    return found;
  },
  /// Letters of fewer than `least` pixels on the screen, in elements, figures and canvases.
  small(least) {
    const found = [];
    for (const e of texts()) if (onScreen(e) < least - 0.01) found.push(name(e) + ' ' + onScreen(e).toFixed(1));
    for (const [canvas, list] of drawn) {
      if (!canvas.isConnected || !shown(canvas)) continue;
      const scale = canvas.getBoundingClientRect().width / canvas.width;
      for (const {text, size} of list) if (size * scale < least - 0.01) found.push('canvas "' + text + '" ' + (size * scale).toFixed(1));
    }
    return [...new Set(found)];
  },
  /// Texts of a figure that lie over each other, or outside of it.
  crowded() {
    const found = [];
    for (const svg of document.querySelectorAll('svg')) {
      if (!shown(svg)) continue;
      const frame = svg.getBoundingClientRect();
      const list = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim() && shown(t)).map(t => [t, t.getBoundingClientRect()]);
      for (const [text, box] of list)
        if (box.left < frame.left - 1.5 || box.right > frame.right + 1.5 || box.top < frame.top - 2.5 || box.bottom > frame.bottom + 2.5)
          found.push(name(text) + ' leaves its figure');
      for (let i = 0; i < list.length; ++i) for (let k = 0; k < i; ++k)
        if (meet(list[i][1], list[k][1])) found.push(name(list[i][0]) + ' lies on ' + name(list[k][0]));
    }
    return found;
  },
  /// Tables that scroll and do not say so, or say so and do not.
  silent() {
    const found = [];
    for (const box of document.querySelectorAll('.scroll')) {
      if (!shown(box) || !box.querySelector('table')) continue;
      const says = getComputedStyle(box, '::before'), visible = parseFloat(says.maxHeight) > 0 && says.content !== 'none';
      if ((box.scrollWidth > box.clientWidth + 1) !== visible) found.push(name(box) + (visible ? ' does not scroll' : ' does not say that it scrolls'));
    }
    return found;
  },
  canvasTexts: selector => (drawn.get(document.querySelector(selector)) || []).map(t => t.text),
  shown: selector => { const e = document.querySelector(selector); return e !== null && shown(e); },
};
})();
