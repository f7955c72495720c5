"""The look of the graders' pages: one file each, no network, readable at 400 pixels."""

import html

STYLE = """
:root { color-scheme: light dark; --line: #8884; --full: #2a9d5c; --part: #d9a441; --none: #c8553d; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; } .scroll { overflow-x: auto; }
.scroll::before { content: "\\2194  scrolls sideways"; display: block; position: sticky; left: 0; width: max-content;
  font-size: 13px; opacity: .75; max-height: 0; overflow: hidden; }
@supports (animation-timeline: scroll()) {
  @keyframes scrolls { from, to { max-height: 2em; margin-bottom: 6px; } }
  .scroll::before { animation: scrolls linear both; animation-timeline: scroll(nearest inline); } }
@supports not (animation-timeline: scroll()) {
  @media (max-width: 640px) { .scroll::before { max-height: 2em; margin-bottom: 6px; } } }
table { border-collapse: collapse; } th, td { border-bottom: 1px solid var(--line); padding: .3rem .5rem; text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.bar { background: var(--line); border-radius: 3px; display: inline-block; height: .7rem; width: 8rem; }
.bar i { background: var(--part); border-radius: 3px; display: block; height: 100%; } .bar i.full { background: var(--full); }
td.mark { text-align: center; min-width: 1.8rem; } td.full { background: color-mix(in srgb, var(--full) 35%, transparent); }
td.part { background: color-mix(in srgb, var(--part) 35%, transparent); }
.wide td:first-child, .wide th:first-child { background: Canvas; left: 0; min-width: 6rem; position: sticky; }
td.stuck { outline: 2px solid var(--none); outline-offset: -2px; } small { opacity: .75; }
"""


def page(title, body):
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body>\n<h1>{html.escape(title)}</h1>\n{body}\n"
            "</body></html>\n")  # fmt: skip


def bar(marks, of):
    full = ' class="full"' if marks == of else ""
    return f'<span class="bar" role="img" aria-label="{marks} of {of}"><i{full} style="width:{100 * marks / of:.0f}%"></i></span>'


def table(header, rows):
    """Cells are HTML already; a header that ends in * is a column of numbers."""
    numbers = [name.endswith("*") for name in header]
    out = ["<tr>" + "".join(f'<th{cell_class(n)}>{html.escape(name.rstrip("*"))}</th>' for name, n in zip(header, numbers)) + "</tr>"]
    for row in rows:
        out.append("<tr>" + "".join(cell if cell.startswith("<td") else f"<td{cell_class(n)}>{cell}</td>"
                                    for cell, n in zip(row, numbers)) + "</tr>")  # fmt: skip
    return f'<div class="scroll"><table>\n{chr(10).join(out)}\n</table></div>'


def cell_class(is_number):
    return ' class="number"' if is_number else ""
