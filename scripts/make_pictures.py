#!/usr/bin/env python3
"""Draws the README's two pictures from what scripts/demo.sh leaves:

    scripts/demo.sh && scripts/make_pictures.py runs/demo-1

docs/report.svg is the head of report.html: verdict, numbers, losses. docs/attention.svg shows three heads of
attention.html: those that look most at the token itself, at the one before it, and at all alike.
"""

import html
import pathlib
import re
import sys

# The colours of the programs' pages (app/figures/html.cpp, chart.cpp), light and dark.
STYLE = """<style>
:root { --page: #fff; --card: #f7f8fa; --ink: #1b2230; --muted: #5d6778; --line: #e1e5eb; --train: #2c6bd6;
  --val: #c8560b; --good: #15713f; --good-soft: #15713f1f; }
@media (prefers-color-scheme: dark) { :root { --page: #12151b; --card: #1a1f28; --ink: #e6e9ef; --muted: #9aa5b6;
  --line: #2d3543; --train: #74a7ff; --val: #ff9d57; --good: #5fd08f; --good-soft: #5fd08f24; } }
text { font: 12px system-ui, sans-serif; fill: var(--muted); }
.matrix text { font: 9px ui-monospace, monospace; }
.matrix image { image-rendering: pixelated; }
.page { fill: var(--page); } .card { fill: var(--card); stroke: var(--line); }
.big { font: 600 20px system-ui, sans-serif; fill: var(--ink); }
.head { font: 600 14px system-ui, sans-serif; fill: var(--ink); }
.verdict { font: 600 15px system-ui, sans-serif; fill: var(--good); } .soft { fill: var(--good-soft); }
.grid { stroke: var(--line); fill: none; } .axis { stroke: var(--muted); fill: none; }
path.train, path.val, path.faint { fill: none; stroke-width: 2; }
path.train { stroke: var(--train); } path.val { stroke: var(--val); }
path.faint { stroke: var(--train); stroke-width: 1; opacity: 0.3; } circle.val { fill: var(--val); }
tspan.train { fill: var(--train); } tspan.val { fill: var(--val); }
path.chance { stroke: var(--muted); stroke-dasharray: 6 5; fill: none; }
rect.band { fill: var(--good-soft); stroke: var(--good); stroke-width: 0.5; }
</style>"""


def stop(line):
    sys.exit(f"make_pictures: {line}")


def found(pattern, text, what):
    match = re.search(pattern, text, re.S)
    if not match:
        stop(f"there is no {what}; does the page look otherwise than this script thinks?")
    return match


def picture(width, height, body):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">{STYLE}'
        f'<rect class="page" width="{width}" height="{height}"/>{body}</svg>\n'
    )


def place(svg, x, y, width):
    """An <svg> of a page as a part of another one."""
    _, _, w, h = map(float, found(r'viewBox="([^"]*)"', svg, "viewBox").group(1).split())
    height = width * h / w
    frame = f'<svg x="{x}" y="{y}" width="{width}" height="{height:.0f}"'
    return re.sub(r"<svg", frame, svg, count=1), height


def report_picture(page):
    title = found(r"<h1>(.*?)</h1>", page, "title").group(1)
    verdict = found(r'<p class="verdict[^"]*">(.*?)</p>', page, "verdict").group(1)
    body = f'<text class="big" x="20" y="34">{title}</text>'
    body += f'<rect class="soft" x="20" y="50" width="960" height="40" rx="8"/>'
    body += f'<text class="verdict" x="36" y="75">{verdict}</text>'
    tiles = {name: value for value, name in re.findall(r"<b>([^<]*)</b><span>([^<]*)</span>", page)}
    for n, name in enumerate(["last validation loss", "updates", "parameters", "training"]):
        value = tiles[name] if name in tiles else stop(f"report.html does not say: {name}")
        x = 20 + 243 * n
        body += f'<rect class="card" x="{x}" y="104" width="231" height="62" rx="8"/>'
        body += f'<text class="big" x="{x + 14}" y="132">{value}</text><text x="{x + 14}" y="153">{name}</text>'
    chart, height = place(found(r"<svg viewBox.*?</svg>", page, "chart").group(0), 20, 210, 960)
    names = '<tspan class="train">train, pale: each update</tspan> · <tspan class="val">validation</tspan> · dashed: guessing'
    body += f'<text class="head" x="20" y="196">Loss</text><text x="66" y="196">{names}</text>{chart}'
    return picture(1000, round(220 + height), body)


def attention_picture(page):
    heads = []
    for layer, head, caption, svg in re.findall(
        r'<figure class="card" id="layer-(\d+)-head-(\d+)">.*?<span>(.*?)</span>.*?(<svg class="matrix".*?</svg>)', page, re.S
    ):
        text = html.unescape(caption)
        numbers = [float(x) for x in re.findall(r"\d+\.\d+", text)]  # entropy, its maximum, self, previous, first
        heads.append((f"layer {layer}, head {head}", numbers, svg))
    if not heads:
        stop("there is no head in attention.html")
    chosen = []
    for what, key in [("at itself", 2), ("at the token before", 3), ("at all alike", 0)]:
        rest = [h for h in heads if h[0] not in (c[0] for c in chosen)]
        name, numbers, svg = max(rest or heads, key=lambda h: h[1][key])
        chosen.append((name, what, svg))
    body, tallest = "", 0
    for n, (name, what, svg) in enumerate(chosen):
        part, height = place(svg, 10 + 332 * n, 50, 316)
        tallest = max(tallest, height)
        x = 10 + 332 * n
        body += f'<text class="head" x="{x}" y="22">{name}</text><text x="{x}" y="40">looks most {what}</text>{part}'
    return picture(1000, round(60 + tallest), body)


def main():
    if len(sys.argv) != 2:
        stop("give the folder of one run of scripts/demo.sh, for instance runs/demo-1")
    run = pathlib.Path(sys.argv[1])
    docs = pathlib.Path(__file__).resolve().parent.parent / "docs"
    docs.mkdir(exist_ok=True)
    for source, name, draw in [
        (run / "report.html", "report.svg", report_picture),
        (run / "attention" / "attention.html", "attention.svg", attention_picture),
    ]:
        if not source.is_file():
            stop(f"{source} is not there: run scripts/demo.sh first")
        text = draw(source.read_text(encoding="utf-8"))
        (docs / name).write_text(text, encoding="utf-8")
        print(f"docs/{name}: {len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
