"""A lesson's notebook to HTML: text, code cells with their numbers, and what they printed."""

import base64
import html
import re

from text import coloured

MARKS = {"[holds]": "holds", "[refuted]": "holds", "[FAILS]": "fails"}


def joined(source):
    return source if isinstance(source, str) else "".join(source)


def rules_in(css):
    """(selectors, body) of each rule; the body of an @media rule holds rules."""
    at = 0
    while (begin := css.find("{", at)) >= 0:
        depth, end = 1, begin + 1
        while depth and end < len(css):
            depth += {"{": 1, "}": -1}.get(css[end], 0)
            end += 1
        yield css[at:begin].strip(), css[begin + 1 : end - 1].strip()
        at = end


def scoped(css, scope):
    """The rules of a figure, for that figure alone. Its own colours go: the page has the same names, light and dark."""
    out = []
    for selectors, body in rules_in(css):
        if selectors.startswith("@"):
            out.append(f"{selectors} {{\n{scoped(body, scope)}\n}}")
        elif selectors != "svg":
            names = ", ".join(f"{scope} {name.strip()}" for name in selectors.split(","))
            out.append(f"{names} {{ {body} }}")
    return "\n".join(out)


class Figures:
    """The pictures of one page: each style once, each id unique."""

    def __init__(self):
        self.styles, self.count = [], 0

    def style_class(self, css):
        if css not in self.styles:
            self.styles.append(css)
        return f"drawn{self.styles.index(css)}"

    def css(self):
        return "\n".join(scoped(css, f".drawn{i}") for i, css in enumerate(self.styles))

    def svg(self, svg, words):
        self.count += 1
        css = "".join(re.findall(r"<style>(.*?)</style>", svg, re.S))
        svg = re.sub(r"<style>.*?</style>", "", svg, flags=re.S)
        svg = re.sub(r'\bid="', f'id="figure{self.count}-', svg)
        svg = re.sub(r'(url\(#|href="#)', rf"\1figure{self.count}-", svg)
        svg = re.sub(r' (?:role|aria-label)="[^"]*"', "", svg)  # the whole picture has one name
        svg = re.sub(r"^<svg ", f'<svg role="img" aria-label="{html.escape(words)}" ', svg.strip())
        width = re.search(r'\bwidth="(\d+)"', svg)
        style = f' style="--natural: {width[1]}px"' if width else ""
        return f'<div class="figure scroll {self.style_class(css)}"{style}>{svg}</div>'


def printed(text):
    lines = [html.escape(line) for line in text.rstrip("\n").split("\n")]
    for i, line in enumerate(lines):
        for mark, name in MARKS.items():
            if line.startswith(mark):
                lines[i] = f'<span class="{name}">{mark}</span>{line[len(mark):]}'
    return '<pre class="printed">' + "\n".join(lines) + "</pre>"


def shown(output, figures):
    if output["output_type"] == "stream":
        return printed(joined(output["text"]))
    if output["output_type"] == "error":
        return printed("\n".join(output.get("traceback", [output.get("evalue", "")])))
    data = {kind: joined(value) for kind, value in output["data"].items()}
    words = data.get("text/plain", "")
    if "image/svg+xml" in data:
        return figures.svg(data["image/svg+xml"], words)
    if "image/png" in data:
        png = base64.b64encode(base64.b64decode(data["image/png"])).decode()
        return f'<div class="figure scroll"><img alt="{html.escape(words)}" src="data:image/png;base64,{png}"></div>'
    if "text/html" in data:
        return f'<div class="scroll">{data["text/html"]}</div>'
    return printed(words)


def code_cell(cell, number, writer, figures):
    source = joined(cell["source"])
    writer.remember(source)
    code = coloured(source.rstrip("\n") + "\n", "cpp")
    outputs = "".join(f'<div class="out">{shown(output, figures)}</div>' for output in cell["outputs"])
    return (
        f'<section class="cell" id="cell-{number}">'
        f'<a class="number" href="#cell-{number}" aria-label="cell {number}">In [{number}]</a>'
        f'<pre class="code"><code>{code}</code></pre>{outputs}</section>'
    )


def lesson_html(notebook, writer):
    """(HTML, CSS of its figures)"""
    figures, parts, number = Figures(), [], 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            parts.append(writer.render(joined(cell["source"])))
        elif cell["cell_type"] == "code":
            number += 1
            parts.append(code_cell(cell, number, writer, figures))
    return "\n".join(parts), figures.css()
