"""Markdown to HTML: headings with anchors, formulas as MathML, coloured code, and the links of each page."""

import html
import re

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

SHELL = {"sh": "bash", "console": "bash"}


def coloured(code, language, _attributes=""):
    try:
        lexer = get_lexer_by_name(SHELL.get(language, language), stripnl=False)
    except ClassNotFound:
        return html.escape(code)
    return highlight(code, lexer, HtmlFormatter(nowrap=True))


# What latex2mathml does not know, or takes for a tag.
AS_KNOWN = {
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
    r"\arg": r"\mathrm{arg}\,",
    r"\setminus": r"\backslash",
    "<": r"\lt ",
    ">": r"\gt ",
}


def formula(tex, options, complain):
    """MathML. latex2mathml spells the words in \\mathrm out by letters: they become words again."""
    known = re.sub(r"\\[a-zA-Z]+|[<>]", lambda word: AS_KNOWN.get(word[0], word[0]), tex)
    mathml = convert(known, display="block" if options["display_mode"] else "inline")
    if unknown := re.search(r"\\[a-zA-Z]+", mathml):
        complain(f"the formula {tex} holds {unknown[0]}, which MathML cannot show; write it with other commands")
    mathml = mathml.replace("<mo>&#x0221E;</mo>", "<mi>&#x0221E;</mi>")  # infinity is no operator
    spelt = r'(?:<mi mathvariant="normal">\w</mi>){2,}'
    mathml = re.sub(spelt, lambda word: f"<mi>{re.sub('<[^>]*>', '', word[0])}</mi>", mathml)
    mathml = re.sub(r"(<mi>(?:ln|log|exp|sin|cos)</mi>)(?=<m(?:i|sub|sup)>)", r'\1<mspace width="0.17em"/>', mathml)
    # A long formula scrolls in its own box; a short one stays on the line of the text.
    return f'<span class="long">{mathml}</span>' if len(tex) > 40 and not options["display_mode"] else mathml


def plain(tokens):
    """What a reader sees of inline tokens, without marks."""
    return "".join(" " if t.type in ("softbreak", "hardbreak") else t.content for t in tokens)


def slug(heading):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class Writer:
    """Renders the texts of one page. `link(target)` gives the address of a link, or None to keep its text only;
    `complain(what)` hears of what is wrong."""

    def __init__(self, link, complain):
        self.link, self.complain = link, complain
        self.headings = []  # (level, anchor, HTML, text)
        self.sections = []  # [heading, anchor, texts], for the search
        self.md = MarkdownIt("commonmark", {"html": False, "highlight": coloured}).enable(["table", "strikethrough"])
        self.md.use(dollarmath_plugin, renderer=lambda tex, options: formula(tex, options, complain), allow_digits=False, allow_space=False, double_inline=True)
        self.md.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>')
        self.md.add_render_rule("table_close", lambda *_: "</table></div>")

    def unique(self, anchor):
        taken = {known for _, known, _, _ in self.headings}
        return next(a for a in (anchor, *(f"{anchor}-{i}" for i in range(1, 1000))) if a and a not in taken)

    def heading(self, token, inline):
        text = plain(inline.children)
        anchor = self.unique(slug(text) or "part")
        token.attrSet("id", anchor)
        inside = self.md.renderer.render(inline.children, self.md.options, {})
        self.headings.append((int(token.tag[1]), anchor, re.sub(r"</?a\b[^>]*>", "", inside), text))
        self.sections.append([text, anchor, []])

    def links(self, children):
        """Rewrites the links of a paragraph; a link without an address becomes its text."""
        kept, closed = [], []
        for token in children:
            if token.type == "image":
                token.attrSet("src", self.link(token.attrGet("src"), picture=True))
            if token.type == "link_open":
                address = self.link(token.attrGet("href"))
                closed.append(address is None)
                if address is None:
                    continue
                token.attrSet("href", address)
            if token.type == "link_close" and closed.pop():
                continue
            kept.append(token)
        return kept

    def remember(self, text):
        """Adds what the search finds below the last heading."""
        if not self.sections:
            self.sections.append(["", "", []])
        self.sections[-1][2].append(text)

    def check_rows(self, table, lines):
        """Markdown takes every line below a table for a row of it, so a row on two lines becomes two rows."""
        for line in lines[table.map[0] : table.map[1]]:
            if not line.strip().startswith("|") or not line.strip().endswith("|"):
                self.complain(f"a row of a table must be one line from | to |, found '{line.strip()}'")

    def render(self, markdown):
        tokens = self.md.parse(markdown)
        for token in tokens:
            if token.type == "table_open":
                self.check_rows(token, markdown.split("\n"))
        for before, token in zip([None, *tokens], tokens):
            if token.type == "inline":
                token.children = self.links(token.children)
                if before.type == "heading_open":
                    self.heading(before, token)
                else:
                    self.remember(plain(token.children))
            elif token.type in ("fence", "code_block", "math_block"):
                self.remember(token.content)
        return self.md.renderer.render(tokens, self.md.options, {})
