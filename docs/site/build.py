"""Renders the lessons and the pages of the repository into a static site that works from the file system.

    scripts/site.sh [--out build/site] [--repository URL]
"""

import argparse
import html
import json
import os
import posixpath
import re
import shutil
import sys
from pathlib import Path
from string import Template

from notebook import joined, lesson_html
from text import Writer

HERE = Path(__file__).resolve().parent
MARK = "assets/site.css"  # a folder that holds it is a site
LESSONS = "notebooks-cpp"
SKIPPED = {"build", "data", "runs", "shared", "__pycache__"}
FIRST = ["README.md", "docs/programs.md", "docs/api.md", "RESULTS.md", "PERFORMANCE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
CELL = re.compile(r"(\]\((\d\d_\w+\.ipynb)\)[^|;]*?), cell \[(\d+)\]")  # as scripts/lesson_map.py writes it


class Page:
    """A page: where it comes from, where it goes, and after rendering its HTML, headings and texts."""

    def __init__(self, source, out):
        self.source, self.out = source, out
        self.style, self.cells = "", 0

    @property
    def title(self):
        return next((text for level, _, _, text in self.writer.headings if level == 1), self.source)

    def anchors(self):
        return {anchor for _, anchor, _, _ in self.writer.headings} | {f"cell-{i + 1}" for i in range(self.cells)}


def sources_in(root):
    """The lessons in order, then the pages: those at the top and in docs, then each folder's README."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("."))
        here = Path(folder).relative_to(root).as_posix()
        for name in files:
            if name == "README.md" or (name.endswith(".md") and here in (".", "docs")):
                found.append(posixpath.normpath(posixpath.join(here, name)))
    lessons = sorted(f"{LESSONS}/{p.name}" for p in (root / LESSONS).glob("[0-9][0-9]_*.ipynb"))
    first = [f for f in FIRST if f in found]
    return lessons, first + sorted(set(found) - set(first))


class Site:
    def __init__(self, root, repository):
        self.root, self.repository = root, repository
        self.lessons, others = sources_in(root)
        self.start = Page("the start page", "index.html")
        self.pages = {s: Page(s, re.sub(r"\.(md|ipynb)$", ".html", s)) for s in self.lessons + others}
        self.assets, self.errors, self.anchor_links, self.planned = {}, [], [], {}

    # Links.

    def address(self, page, out):
        return posixpath.relpath(out, posixpath.dirname(page.out) or ".")

    def link(self, page, source, target, picture=False):
        """The address of `target`, as `source` writes it, on `page`; None for a source file without --repository."""
        if re.match(r"[a-z]+:", target):
            if picture:
                self.errors.append(f"{source}: the picture {target} is not in the repository; add it, or link to it")
            return target
        path, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source
        if path not in self.pages and f"{path}/README.md" in self.pages:
            path = f"{path}/README.md"
        if path in self.pages and not picture:
            if anchor:
                self.anchor_links.append((source, target, self.pages[path], anchor))
            return self.address(page, self.pages[path].out) + (f"#{anchor}" if anchor else "")
        if self.is_planned(path):
            self.planned[f"{source}: {target} is not written yet; its link stays text"] = None
            return None
        if path.startswith("..") or not (self.root / path).exists():
            self.errors.append(f"{source}: the link to {target} leads nowhere; expected a file of the repository")
            return target
        if picture:
            self.assets[path] = (self.root / path).read_bytes()
            return self.address(page, path)
        kind = "tree" if (self.root / path).is_dir() else "blob"
        return f"{self.repository}/{kind}/main/{path}" if self.repository else None

    def is_planned(self, path):
        """A lesson whose number no lesson has: the one before it names it already."""
        number = re.fullmatch(rf"{LESSONS}/(\d\d_)\w+\.ipynb", path)
        return number and not any(s.startswith(f"{LESSONS}/{number[1]}") for s in self.lessons)

    def check_anchors(self):
        for source, target, page, anchor in self.anchor_links:
            if anchor not in page.anchors():
                self.errors.append(f"{source}: the link to {target} names no heading or cell of {page.source}")

    # Pages.

    def writer(self, page, source):
        return Writer(lambda target, picture=False: self.link(page, source, target, picture),
                      lambda what: self.errors.append(f"{source}: {what}"))  # fmt: skip

    def read(self, source):
        text = (self.root / source).read_text(encoding="utf-8")
        return CELL.sub(r"\1, [cell \3](\2#cell-\3)", text) if source.startswith(LESSONS) else text

    def render(self, page):
        page.writer = self.writer(page, page.source)
        if page.source not in self.lessons:
            page.body = page.writer.render(self.read(page.source))
            return
        try:
            page.notebook = json.loads((self.root / page.source).read_text(encoding="utf-8"))
            page.body, page.style = lesson_html(page.notebook, page.writer)
        except (ValueError, KeyError) as error:
            sys.exit(f"site: {page.source} is no notebook ({error}); run scripts/notebook.sh --weave")
        page.cells = sum(cell["cell_type"] == "code" for cell in page.notebook["cells"])

    def first_paragraph(self, source, text):
        """The HTML of the paragraph below the first heading, for the start page."""
        below = re.split(r"\n\s*\n", text.strip())[1]
        return self.writer(self.start, source).render(below)

    def render_start(self):
        """What it is, the course in order, and the map of questions."""
        page, readme = self.start, self.read("README.md")
        page.writer = self.writer(page, f"{LESSONS}/README.md")
        items = []
        for source in self.lessons:
            lesson = self.pages[source]
            text = self.first_paragraph(source, joined(lesson.notebook["cells"][0]["source"]))
            name = next(inside for level, _, inside, _ in lesson.writer.headings if level == 1)
            items.append(f'<li><a href="{lesson.out}">{name}</a>{text}</li>')
        about = page.writer.render(re.match(r"# .*", readme)[0]) + self.first_paragraph("README.md", readme)
        course = page.writer.render("## The course") + f'<ol class="course">{"".join(items)}</ol>'
        questions = re.search(r"^## The fifty questions.*?(?=^## |\Z)", self.read(f"{LESSONS}/README.md"), re.M | re.S)
        page.body = about + course + (page.writer.render(questions[0]) if questions else "")

    # What surrounds the text.

    def menu(self, page):
        """The list of all pages, as seen from `page`."""
        first = [s for s in self.pages if s in FIRST]
        rest = [s for s in self.pages if s not in self.lessons and s not in FIRST]
        out = [self.menu_list(page, "", [self.start])]
        for name, sources in (("Lessons", self.lessons), ("The zoo", first), ("Folders", rest)):
            out.append(self.menu_list(page, name, [self.pages[s] for s in sources]))
        return "\n".join(out)

    def menu_list(self, page, name, entries):
        items = []
        for entry in entries:
            title = "Start" if entry is self.start else "README" if entry.source == "README.md" else entry.title
            current = ' aria-current="page"' if entry is page else ""
            items.append(f'<li><a href="{self.address(page, entry.out)}"{current}>{html.escape(title)}</a></li>')
        return (f"<h2>{name}</h2>\n" if name else "") + "<ul>\n" + "\n".join(items) + "\n</ul>"

    def around(self, page):
        """Links to the lesson before and after."""
        if page.source not in self.lessons:
            return ""
        at, links = self.lessons.index(page.source), []
        for step, name, arrow in ((-1, "previous", "← {}"), (1, "next", "{} →")):
            if 0 <= at + step < len(self.lessons):
                other = self.pages[self.lessons[at + step]]
                title = arrow.format(html.escape(other.title))
                links.append(f'<a class="{name}" rel="{name[:4]}" href="{self.address(page, other.out)}">{title}</a>')
        return f'<nav class="around" aria-label="Lessons before and after">{"".join(links)}</nav>'

    def contents(self, page):
        rows = [
            f'<li{" class=deep" if level > 2 else ""}><a href="#{anchor}">{inside}</a></li>'
            for level, anchor, inside, _ in page.writer.headings
            if level in (2, 3)
        ]
        if len(rows) < 2:
            return ""
        return f'<details class="contents" open><summary>On this page</summary><ul>{"".join(rows)}</ul></details>'

    def html_of(self, page):
        kind = "lesson" if page.source in self.lessons else "text"
        body = re.sub(
            r'(<h[2-4] id="([^"]+)">.*?)(</h[2-4]>)',
            r'\1<a class="anchor" href="#\2" aria-label="link to this part">#</a>\3',
            page.body,
        )
        title = page.title if page is self.start else f"{page.title} - Transformer Zoo"
        root = "../" * page.out.count("/")
        return Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
            title=html.escape(title), root=root, style=page.style, kind=kind, body=body, around=self.around(page),
            contents=self.contents(page), pages=self.menu(page)
        )  # fmt: skip

    def search_index(self):
        pages = [
            {"address": page.out, "title": page.title, "sections": [[h, a, " ".join(" ".join(t).split())] for h, a, t in page.writer.sections]}
            for page in self.pages.values()
        ]
        # A script, not JSON: a page opened from the file system may load only scripts.
        return "const SEARCH_INDEX = " + json.dumps(pages, ensure_ascii=False, indent=0) + ";\n"

    def files(self):
        """Address -> bytes of the whole site."""
        for page in self.pages.values():
            self.render(page)
        self.render_start()
        self.check_anchors()
        if self.errors:
            sys.exit("\n".join(f"site: {error}" for error in dict.fromkeys(self.errors)))
        files = {page.out: self.html_of(page).encode() for page in [self.start, *self.pages.values()]}
        files["assets/search-index.js"] = self.search_index().encode()
        for name in ("site.css", "site.js"):
            files[f"assets/{name}"] = (HERE / name).read_bytes()
        return files | self.assets


def write(files, out):
    if out.exists() and (not out.is_dir() or any(out.iterdir()) and not (out / MARK).exists()):
        sys.exit(f"site: {out} exists and is no site; name a new or empty folder with --out")
    if out.exists():
        shutil.rmtree(out)
    for name, content in sorted(files.items()):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(content)


def main():
    parser = argparse.ArgumentParser(prog="site.sh", description="Renders lessons and pages into a static site.")
    parser.add_argument("--out", type=Path, default=Path("build/site"), help="folder of the site (default: build/site)")
    parser.add_argument("--repository", default="", metavar="URL", help="where links to source files lead (default: they stay text)")
    parser.add_argument("--root", type=Path, default=HERE.parents[1], help="the repository to render (default: this one)")
    arguments = parser.parse_args()
    site = Site(arguments.root.resolve(), arguments.repository.rstrip("/"))
    files = site.files()
    try:
        write(files, arguments.out)
    except OSError as error:
        sys.exit(f"site: cannot write {error.filename} ({error.strerror}); name another folder with --out")
    pages = sum(name.endswith(".html") for name in files)
    for note in site.planned:
        print(f"site: {note}")
    print(f"site: {pages} pages, {sum(map(len, files.values())) / 1e6:.1f} MB; open {arguments.out / 'index.html'}")


if __name__ == "__main__":
    main()
