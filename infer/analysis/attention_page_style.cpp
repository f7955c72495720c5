// How the page of attention_page.h looks.
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
button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line);
  border-radius: 6px; padding: 3px 10px; cursor: pointer; }
#overview { display: grid; gap: 4px; width: max-content; padding: 4px; align-items: center; }
#overview span { color: var(--muted); font-size: 12px; text-align: center; }
#overview canvas { width: 100%; aspect-ratio: 1; image-rendering: pixelated; cursor: pointer;
  border-radius: 3px; outline: 2px solid transparent; }
#overview canvas.now { outline-color: var(--val); }
#overview canvas.dim { opacity: 0.15; }
.view { display: grid; gap: 14px; grid-template-columns: minmax(0, 1fr) 300px;
  margin-top: 12px; align-items: start; }
.large .view { grid-template-columns: minmax(0, 1fr); }
.side { position: sticky; top: 8px; }
@media (max-width: 800px) { .side { position: static; } .view { grid-template-columns: minmax(0, 1fr); }
  .card { padding: 10px; } }
figure { margin: 0; } figcaption { margin-bottom: 8px; }
canvas#matrix { display: block; cursor: crosshair; }
canvas#matrix:focus { outline: 1px solid var(--train); }
#cell { min-height: 1.5em; color: var(--ink); }
#tip { position: fixed; z-index: 2; pointer-events: none; padding: 4px 8px; border-radius: 6px;
  background: var(--ink); color: var(--page); font: 13px/1.4 ui-monospace, monospace; white-space: pre;
  max-width: 90vw; overflow-wrap: anywhere; }
.masked { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin: 0 4px 0 0;
  vertical-align: -1px; background: #dee1e7; }
@media (prefers-color-scheme: dark) { .masked { background: #3a4250; } }
#tokens { color: var(--ink); line-height: 1.9; }
#tokens span { font: 13px ui-monospace, monospace; padding: 2px 3px; border-radius: 3px; }
#tokens span.query { outline: 2px solid var(--val); }
#picture { position: relative; max-width: 340px; cursor: crosshair; }
#picture img { filter: grayscale(1); }
#picture img, #picture canvas { display: block; width: 100%; image-rendering: pixelated; }
#picture canvas { position: absolute; inset: 0; height: 100%; }
kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 5px; background: var(--card); }
#best td:first-child { font: 13px ui-monospace, monospace; }
noscript img { max-width: 100%; }
)";
}

}  // namespace zoo
