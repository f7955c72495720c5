#!/usr/bin/env python3
"""The site that docs/site/build.py renders: links, pictures, search, nothing from elsewhere; in a browser where there is one.

    scripts/site.sh             # once: installs the packages
    tests/docs/site_test.py
"""

import collections
import html.parser
import json
import os
import pathlib
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "docs/site/build.py"
VENV = ROOT / ".venv-site/bin/python"

try:
    import latex2mathml.converter  # noqa: F401
    import markdown_it  # noqa: F401
    import mdit_py_plugins  # noqa: F401
    import pygments  # noqa: F401
except ImportError:
    if VENV.exists() and not sys.prefix.startswith(str(VENV.parents[1])):
        os.execv(VENV, [str(VENV), *sys.argv])
    print("the packages of docs/site/requirements.txt are missing; scripts/site.sh installs them")
    sys.exit(77)


def render(*arguments):
    return subprocess.run([sys.executable, BUILD, *arguments], capture_output=True, text=True, encoding="utf-8")


class Tags(html.parser.HTMLParser):
    """Every element of a page, as (name, attributes)."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def ids(self):
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


def setUpModule():
    global SITE, PAGES
    SITE = pathlib.Path(tempfile.mkdtemp(prefix="zoo_site_")) / "site"
    unittest.addModuleCleanup(shutil.rmtree, SITE.parent)
    done = render("--out", str(SITE))
    assert done.returncode == 0, done.stderr
    PAGES = {p.relative_to(SITE).as_posix(): Tags(p.read_text("utf-8")) for p in sorted(SITE.rglob("*.html"))}


class SiteTest(unittest.TestCase):
    def test_every_lesson_and_page_of_the_repository_is_there(self):
        for notebook in sorted((ROOT / "notebooks-cpp").glob("[0-9][0-9]_*.ipynb")):
            tags = PAGES[f"notebooks-cpp/{notebook.stem}.html"]
            cells = json.loads(notebook.read_text("utf-8"))["cells"]
            numbers = [i for i in tags.ids() if i.startswith("cell-")]
            self.assertEqual(numbers, [f"cell-{n + 1}" for n in range(sum(c["cell_type"] == "code" for c in cells))])
        for page in ("index", "README", "RESULTS", "docs/api", "models/README", "models/attention/README"):
            self.assertIn(f"{page}.html", PAGES)

    def test_every_link_leads_to_a_file_and_an_element(self):
        links = 0
        for name, page in PAGES.items():
            for tag, attributes in page.tags:
                target = attributes.get("href") or (attributes.get("src") if tag in ("img", "script") else None)
                if not target or re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                path = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
                self.assertTrue((SITE / path).is_file(), f"{name}: {target}")
                if anchor:
                    self.assertIn(anchor, PAGES[path].ids(), f"{name}: {target}")
                links += 1
        self.assertGreater(links, 500)

    def test_nothing_is_loaded_from_elsewhere(self):
        for name, page in PAGES.items():
            for tag, attributes in page.tags:
                if tag != "a":
                    loaded = [v for k, v in attributes.items() if k in ("src", "href", "srcset", "data", "xlink:href", "poster")]
                    self.assertFalse([v for v in loaded if re.match(r"(https?:)?//", v)], f"{name}: {tag}")
        for name in ("site.css", "site.js"):
            self.assertNotRegex((SITE / "assets" / name).read_text("utf-8"), r"https?://|@import|fetch\(")
        self.assertIsNone(re.search(r"url\((?!#)|@import", "".join(re.findall(r"<style>.*?</style>", self.text(), re.S))))

    def text(self):
        return "".join((SITE / name).read_text("utf-8") for name in PAGES)

    def test_ids_are_unique_and_references_of_figures_have_their_element(self):
        for name, page in PAGES.items():
            repeated = [i for i, count in collections.Counter(page.ids()).items() if count > 1]
            self.assertEqual(repeated, [], name)
            for used in re.findall(r"url\(#([^)]+)\)", (SITE / name).read_text("utf-8")):
                self.assertIn(used, page.ids(), name)

    def test_every_picture_has_words(self):
        pictures = 0
        for name, page in PAGES.items():
            for tag, attributes in page.tags:
                if tag == "img" or attributes.get("role") == "img":
                    self.assertTrue(attributes.get("alt") or attributes.get("aria-label"), f"{name}: {tag}")
                    pictures += 1
        self.assertGreater(pictures, 30)

    def test_formulas_leave_no_marks_in_the_text(self):
        for name in PAGES:
            text = re.sub(r"<(pre|code|svg|style)\b.*?</\1>", "", (SITE / name).read_text("utf-8"), flags=re.S)
            text = re.sub(r"<[^>]*>", " ", text)
            self.assertIsNone(re.search(r"\$\$|\\[a-zA-Z]{3}", text), name)

    def test_the_same_repository_gives_the_same_bytes(self):
        again = SITE.parent / "again"
        self.assertEqual(render("--out", str(again)).returncode, 0)
        for old in sorted(p for p in SITE.rglob("*") if p.is_file()):
            self.assertEqual(old.read_bytes(), (again / old.relative_to(SITE)).read_bytes(), old.name)


class SmallRepositoryTest(unittest.TestCase):
    """A repository of two pages and one lesson, changed by each test."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="zoo_site_"))
        self.addCleanup(shutil.rmtree, self.root)
        self.out = self.root / "build/site"
        self.write("README.md", "# Zoo\n\nWhat it is.\n\nSee [parts](parts) and [code](parts/a.cpp).\n")
        self.write("parts/README.md", "# Parts\n\n## One\n\nText < text.\n")
        self.write("parts/a.cpp", "")
        self.write("notebooks-cpp/README.md", "# Lessons\n\n## The fifty questions\n\n| # | q | a |\n|---|---|---|\n"
                   "| 1 | Why? | [01_a](01_a.ipynb), Part, cell [1] |\n")  # fmt: skip
        self.lesson([{"output_type": "stream", "name": "stdout", "text": ["[holds] a <b>\n"]}])

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")

    def lesson(self, outputs):
        cells = [{"cell_type": "markdown", "source": ["# 1. A\n", "\n", "It asks.\n"]},
                 {"cell_type": "code", "source": ["int x = 1;\n"], "outputs": outputs}]  # fmt: skip
        self.write("notebooks-cpp/01_a.ipynb", json.dumps({"cells": cells}))

    def render(self, *arguments):
        return render("--root", str(self.root), "--out", str(self.out), *arguments)

    def page(self, name):
        self.assertEqual((done := self.render()).returncode, 0, done.stderr)
        return (self.out / name).read_text("utf-8")

    def refused(self, *words):
        done = self.render()
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse(self.out.exists())

    def test_links_lead_to_pages_and_sources_stay_text_without_a_repository(self):
        self.assertIn('See <a href="parts/README.html">parts</a> and code.', self.page("README.html"))
        self.render("--repository", "https://host/zoo/")
        self.assertIn('<a href="https://host/zoo/blob/main/parts/a.cpp">code</a>', (self.out / "README.html").read_text("utf-8"))

    def test_the_map_leads_to_cells(self):
        self.assertIn('<a href="notebooks-cpp/01_a.html#cell-1">cell 1</a>', self.page("index.html"))

    def test_what_a_lesson_prints_is_text(self):
        self.assertIn('<span class="holds">[holds]</span> a &lt;b&gt;', self.page("notebooks-cpp/01_a.html"))

    def test_styles_of_a_figure_stay_in_it(self):
        svg = '<svg width="9"><style>svg { --ink: red; } text, .a { x: 1; } @media print { b { y: 2; } }</style><g id="c"/></svg>'
        self.lesson([{"output_type": "display_data", "data": {"image/svg+xml": svg, "text/plain": 'a "b"'}}] * 2)
        page = self.page("notebooks-cpp/01_a.html")
        self.assertIn(".drawn0 text, .drawn0 .a { x: 1; }\n@media print {\n.drawn0 b { y: 2; }\n}", page)
        self.assertNotIn("--ink: red", page)
        self.assertIn('id="figure1-c"', page)
        self.assertIn('id="figure2-c"', page)
        self.assertIn('aria-label="a &quot;b&quot;"', page)

    def test_a_broken_link_is_one_line_with_file_and_target(self):
        self.write("parts/README.md", "# Parts\n\n[gone](../gone.md)\n")
        self.refused("parts/README.md", "../gone.md")

    def test_a_link_to_no_heading_is_one_line(self):
        self.write("README.md", "# Zoo\n\nA.\n\n[two](parts/README.md#two)\n")
        self.refused("README.md", "parts/README.md#two")

    def test_a_picture_from_elsewhere_is_refused(self):
        self.write("README.md", "# Zoo\n\nA.\n\n![b](https://host/b.png)\n")
        self.refused("README.md", "https://host/b.png")

    def test_a_row_of_a_table_on_two_lines_is_refused(self):
        self.write("README.md", "# Zoo\n\nA.\n\n| a | b |\n|---|---|\n| one | two\nthree |\n")
        done = self.render()
        self.assertEqual(done.returncode, 1)
        self.assertIn("README.md: a row of a table must be one line from | to |, found 'three |'", done.stderr)

    def test_a_formula_that_cannot_be_shown_is_refused(self):
        self.write("README.md", "# Zoo\n\nIt is $\\tfrac 1 2 < \\arg x$.\n")
        self.assertNotIn("\\", self.page("README.html"))
        shutil.rmtree(self.out)
        self.write("README.md", "# Zoo\n\nIt is $\\nosuchthing x$.\n")
        self.refused("README.md", "\\nosuchthing")

    def test_a_lesson_that_is_not_written_yet_is_text(self):
        self.write("README.md", "# Zoo\n\nA.\n\nNext: [two](notebooks-cpp/02_b.ipynb).\n")
        self.assertIn("Next: two.", self.page("README.html"))
        self.write("README.md", "# Zoo\n\nA.\n\nNext: [one](notebooks-cpp/01_renamed.ipynb).\n")
        self.assertIn("01_renamed.ipynb", self.render().stderr)

    def test_a_damaged_notebook_is_one_line(self):
        self.write("notebooks-cpp/01_a.ipynb", "{")
        self.refused("notebooks-cpp/01_a.ipynb")

    def test_a_folder_that_is_no_site_is_not_replaced(self):
        self.write("build/site/mine.txt", "mine")
        done = self.render()
        self.assertEqual(done.returncode, 1)
        self.assertIn("is no site", done.stderr)
        self.assertTrue((self.out / "mine.txt").exists())

    def test_pages_that_went_are_gone(self):
        self.page("parts/README.html")
        self.write("README.md", "# Zoo\n\nA.\n")
        (self.root / "parts/README.md").unlink()
        self.page("README.html")
        self.assertFalse((self.out / "parts").exists())


@unittest.skipIf(shutil.which("chromium") is None, "no chromium")
class BrowserTest(unittest.TestCase):
    """Opens pages from the file system in frames, and reads what a script found out about them."""

    def seen(self, pages, width, script):
        """What `script` (an expression in `d`, the document of each page) gives, page by page."""
        frame = SITE.parent / "frame.html"
        frame.write_text(
            f"""<body><script>(async () => {{
              const out = [];
              for (const page of {json.dumps(pages)}) {{
                const f = document.createElement("iframe");
                f.style = "width: {width}px; height: 800px; border: 0";
                document.body.append(f);
                await new Promise((ready) => {{ f.onload = ready; f.src = "site/" + page; }});
                const d = f.contentDocument;
                out.push({script});
                f.remove();
              }}
              document.body.textContent = "SEEN" + JSON.stringify(out) + "END";
            }})();</script>""",
            encoding="utf-8",
        )
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--virtual-time-budget=100000"]
        dom = subprocess.run(["chromium", *flags, "--dump-dom", frame.as_uri()], capture_output=True, text=True, timeout=300).stdout
        found = re.search(r"SEEN(.*)END", dom, re.S)
        self.assertTrue(found, dom[-500:])
        return json.loads(html.unescape(found[1]))

    def test_a_phone_scrolls_no_page_sideways(self):
        for width in (400, 1000):
            widths = self.seen(list(PAGES), width, "d.documentElement.scrollWidth")
            self.assertEqual([p for p, w in zip(PAGES, widths) if w > width], [])

    def test_the_search_finds_a_heading_and_nothing(self):
        asked = ["index.html?q=softmax+mask", "notebooks-cpp/README.html?q=softmax+mask", "index.html?q=xyzzyx"]
        hits = self.seen(asked, 1000, '[...d.querySelectorAll("#found a")].map((a) => a.getAttribute("href"))')
        self.assertIn("notebooks-cpp/02_self_attention.html#why-a-softmax-and-what-does-a-mask-do", hits[0][:3])
        self.assertEqual(hits[1], [f"../{hit}" for hit in hits[0]])
        self.assertEqual(hits[2], [])

    def test_slash_goes_to_the_box_arrows_to_the_results_and_escape_closes(self):
        press = """((key, at) => at.dispatchEvent(new f.contentWindow.KeyboardEvent("keydown", {key, bubbles: true})))"""
        script = f"""(() => {{
          const where = () => d.activeElement.id || d.activeElement.tagName, seen = [], box = d.getElementById("query");
          const found = d.getElementById("found");
          {press}("/", d.body); seen.push(where());
          box.value = "mask"; box.dispatchEvent(new Event("input")); seen.push(found.hidden);
          {press}("ArrowDown", box); seen.push(where());
          {press}("ArrowUp", d.activeElement); seen.push(where());
          {press}("Escape", box); seen.push(found.hidden);
          return seen;
        }})()"""
        self.assertEqual(self.seen(["index.html"], 1000, script), [["query", False, "A", "query", True]])


if __name__ == "__main__":
    unittest.main()
