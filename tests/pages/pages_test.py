#!/usr/bin/env python3
"""Every kind of page, made by the zoo's programs and opened in Chromium at 1280, 700 and 400 pixels.

    tests/pages/pages_test.py                       # or: ctest --preset release -L browser
    ZOO_PAGES=build/pages tests/pages/pages_test.py   # keeps the pages, and uses those that are there
"""

import os
import pathlib
import shutil
import sys
import tempfile
import unittest

from devtools import Browser, chromium
from make_pages import LINE, Pages

MEASURE = (pathlib.Path(__file__).parent / "measure.js").read_text("utf-8")
LEAST = 9  # CSS pixels of a letter

if chromium() is None:
    print("pages: skipped, there is no Chromium here (Debian: apt-get install chromium)")
    sys.exit(77)


def setUpModule():
    global MADE, TAB
    folder = os.environ.get("ZOO_PAGES")
    if not folder:
        folder = tempfile.mkdtemp(prefix="zoo_pages_")
        unittest.addModuleCleanup(shutil.rmtree, folder)
    MADE = Pages(folder).all()
    browser = Browser()
    unittest.addModuleCleanup(browser.__exit__)
    TAB = browser.tab(MEASURE)


CHECKS = {  # of every page: what each expression lists is a fault
    "wider than the window": "zooPage.wide()",
    "too small": f"zooPage.small({LEAST})",
    "without room": "zooPage.crowded()",
    "scrolls and does not say so": "zooPage.silent()",
    "a picture without words": "[...document.querySelectorAll('img')].filter(i => !i.alt || !i.naturalWidth).map(i => i.outerHTML)",
}


class EveryPageTest(unittest.TestCase):
    maxDiff = None

    def look(self, width, dark=False):
        for kind, pages in MADE.items():
            for page in pages:
                with self.subTest(kind=kind, page=f"{page.parent.name}/{page.name}", width=width, dark=dark):
                    TAB.open(page, width, dark=dark)
                    faults = {check: found for check, expression in CHECKS.items() if (found := TAB.value(expression))}
                    self.assertEqual(faults, {})
                    self.assertEqual(TAB.complaints(), [])

    def test_on_a_desk(self):
        self.look(1280)

    def test_on_a_tablet_in_the_dark(self):
        self.look(700, dark=True)

    def test_on_a_phone(self):
        self.look(400)

    def test_a_wide_table_scrolls_on_a_phone(self):
        TAB.open(MADE["report"][3], 420)
        self.assertGreater(TAB.value("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.tall'))"), 0)


class ChartsTest(unittest.TestCase):
    """Pages with charts: one of two sizes is seen, and a chart's buttons switch its axis and no other's."""

    def test_each_width_has_its_chart(self):
        for kind in ("report", "sweep", "comparison", "kernels", "tokenizer"):
            for width, seen in ((1280, "for-wide"), (400, "for-narrow")):
                with self.subTest(kind=kind, width=width):
                    TAB.open(MADE[kind][0], width)
                    for look in ("for-wide", "for-narrow"):
                        shown = TAB.value(f"[...document.querySelectorAll('.{look} > svg')].filter(e => e.checkVisibility()).length")
                        self.assertEqual(shown > 0, look == seen, look)

    def test_every_axis_has_two_numbers_or_more(self):
        for kind in ("report", "sweep", "comparison", "kernels", "tokenizer", "look"):
            for page in MADE[kind]:
                with self.subTest(page=page.name):
                    TAB.open(page, 1280)
                    ticks = TAB.value("""[...document.querySelectorAll('svg')].filter(e => e.checkVisibility() && e.querySelector('.axis'))
                      .map(e => ['end', 'middle'].map(side => new Set([...e.querySelectorAll(`text[text-anchor=${side}]:not(.name)`)]
                        .map(t => t.textContent)).size))""")
                    for up, across in ticks:
                        self.assertGreater(min(up, across), 1, ticks)

    def test_the_buttons_of_a_report_switch_the_axis(self):
        TAB.open(MADE["report"][0], 1280)
        seen = "['linear', 'log'].map(name => zooPage.shown('div.' + name))"
        self.assertEqual(TAB.value(seen), [True, False])
        TAB.click_on("label[for=x-log]")
        self.assertEqual(TAB.value(seen), [False, True])
        TAB.press("ArrowLeft")  # the keys of radio buttons
        self.assertEqual(TAB.value(seen), [True, False])

    def test_the_buttons_of_one_chart_leave_the_others(self):
        TAB.open(MADE["sweep"][0], 1280)
        charts = TAB.value("document.querySelectorAll('.to-log').length")
        self.assertGreater(charts, 1)
        TAB.click_on(".to-log + label")
        checked = TAB.value("[...document.querySelectorAll('.to-log')].map(e => e.checked)")
        self.assertEqual(checked, [True] + [False] * (charts - 1))

    def test_a_point_tells_its_value(self):
        TAB.open(MADE["report"][0], 1280)
        self.assertRegex(TAB.value("document.querySelector('circle.val title').textContent"), r"^validation: [\d.]+ at \d+$")


class ReportTest(unittest.TestCase):
    def test_its_head_tells_run_program_recipe_and_date(self):
        for page, run, about in ((MADE["report"][0], "gpt-letters", r"^train_gpt · begun \d+ \w+ \d{4}, \d\d:\d\d$"),
                                 (MADE["report"][1], "reverse", r"^train_transformer · recipe transformer-reverse · begun ")):  # fmt: skip
            TAB.open(page, 1280)
            self.assertEqual(TAB.value("document.querySelector('h1').textContent"), run)
            self.assertRegex(TAB.value("document.querySelector('.about').textContent"), about)

    def test_cards_and_columns_are_in_order_and_have_words(self):
        TAB.open(MADE["report"][3], 1280)
        cards = TAB.value("[...document.querySelectorAll('section h3')].map(e => e.textContent)")
        columns = TAB.value("[...document.querySelectorAll('.tall th')].map(e => e.textContent)")
        for names in (cards, columns):
            recalls = [name for name in names if "for a text" in name]
            self.assertEqual(recalls, [f"Picture for a text, recall at {k}" for k in (1, 5, 10)])
            self.assertEqual([name for name in names if "_" in name], [])

    def test_samples_open(self):
        TAB.open(MADE["report"][0], 400)
        self.assertFalse(TAB.value("document.querySelectorAll('details.card')[1].open"))
        TAB.click_on("details.card:not([open]) summary")
        self.assertTrue(TAB.value("document.querySelectorAll('details.card')[1].open"))


class ComparisonTest(unittest.TestCase):
    def test_names_lead_to_reports_and_stay_in_sight(self):
        for kind in ("sweep", "comparison"):
            TAB.open(MADE[kind][0], 400)
            links = TAB.value("[...document.querySelectorAll('.compared a')].map(e => decodeURIComponent(e.href.slice(7)))")
            self.assertGreater(len(links), 2)
            for link in links:
                self.assertTrue(pathlib.Path(link).is_file(), link)
            self.assertGreater(TAB.value("(e => { e.scrollLeft = 1e4; return e.scrollLeft; })(document.querySelector('.scroll'))"), 50)
            self.assertGreaterEqual(TAB.value("document.querySelector('.compared a').getBoundingClientRect().left"), 0)

    def test_a_sweep_over_sizes_shows_its_law(self):
        TAB.open(MADE["sweep"][0], 1280)
        self.assertIn("Power law", TAB.value("document.body.textContent"))
        self.assertEqual(TAB.value("document.querySelectorAll('.compared tbody tr').length"), 12)


class AttentionTest(unittest.TestCase):
    """The page of 64 tokens, unless a test names another."""

    TIP = "document.getElementById('tip')"

    def open(self, width=1280, number=0):
        TAB.open(MADE["attention"][number], width)

    def chosen(self):
        return [int(TAB.value(f"document.getElementById('{name}').value")) for name in ("layer", "head")]

    def cell(self, query, key):
        """Where it lies on the screen."""
        TAB.value("document.getElementById('matrix').scrollIntoView({block: 'nearest'})")
        TAB.settle()  # scrolling hides the hint
        x, y, left, top, cell = TAB.value("(b => [b.x, b.y, plan.left, plan.top, plan.cell])(document.getElementById('matrix').getBoundingClientRect())")
        return x + left + (key + 0.5) * cell, y + top + (query + 0.5) * cell

    def test_hover_shows_both_tokens_and_the_weight(self):
        self.open()
        TAB.move(*self.cell(10, 3))
        self.assertRegex(TAB.value(f"{self.TIP}.textContent"), rf"^Query 10: {LINE[10]}\nKey 3: {LINE[3]}\n0\.\d\d\d$")
        self.assertTrue(TAB.value("zooPage.shown('#tip')"))
        TAB.move(*self.cell(10, 40))
        self.assertIn("masked", TAB.value(f"{self.TIP}.textContent"))
        TAB.move(3, 3)
        self.assertFalse(TAB.value("zooPage.shown('#tip')"))

    def test_the_hint_stays_in_the_window(self):
        for width in (1280, 400):
            self.open(width)
            last = TAB.value("document.querySelector('figure .scroll').scrollLeft = 1e4; map().keys.length - 1")
            TAB.move(*self.cell(last, last))
            box = TAB.value(f"(r => [r.left, r.right, r.bottom])({self.TIP}.getBoundingClientRect())")
            self.assertTrue(box[0] >= 0 and box[1] <= width and box[2] <= 900, box)

    def test_every_token_is_a_label_on_both_sides(self):
        self.open()
        texts = TAB.value("zooPage.canvasTexts('#matrix')")
        tokens = TAB.value("map().queries")
        self.assertGreaterEqual(len(tokens), 64)
        self.assertEqual(texts[: len(tokens)], tokens)
        self.assertEqual(texts[len(tokens) : 2 * len(tokens)], tokens)
        self.assertLessEqual(TAB.value("document.querySelector('figure .scroll').scrollWidth - document.querySelector('figure .scroll').clientWidth"), 0)

    def test_a_click_on_a_small_head_shows_it_large(self):
        for width in (1280, 400):
            self.open(width)
            TAB.click_on("#overview canvas[title^='layer 1, head 2']")
            self.assertEqual(self.chosen(), [1, 2])
            self.assertIn("layer 1, head 2", TAB.value("document.getElementById('caption').textContent"))
            self.assertTrue(TAB.value("document.querySelector('#overview canvas.now').title.startsWith('layer 1, head 2')"))

    def test_enlarge_and_back_by_button_key_and_double_click(self):
        self.open()
        before = TAB.value("plan.cell")
        TAB.click_on("#enlarge")
        self.assertGreaterEqual(TAB.value("plan.cell"), 18)
        self.assertGreater(TAB.value("plan.cell"), before)
        self.assertEqual(TAB.value("document.getElementById('enlarge').textContent"), "Back")
        self.assertEqual(TAB.value("zooPage.small(12).filter(text => text.startsWith('canvas') && !text.includes('\\u2192'))"), [])
        TAB.press("Escape")
        self.assertEqual(TAB.value("plan.cell"), before)
        TAB.press("e")
        self.assertGreater(TAB.value("plan.cell"), before)
        TAB.press("e")
        self.assertEqual(TAB.value("plan.cell"), before)
        x, y = self.cell(20, 5)
        TAB.click(x, y, times=2)
        self.assertGreater(TAB.value("plan.cell"), before)

    def test_arrows_choose_head_and_layer(self):
        self.open()
        for key, expected in (("ArrowRight", [0, 1]), ("ArrowDown", [1, 1]), ("ArrowLeft", [1, 0]), ("ArrowUp", [0, 0]), ("ArrowLeft", [1, 3])):
            TAB.press(key)
            self.assertEqual(self.chosen(), expected, key)

    def test_j_and_k_choose_the_query_and_a_click_holds_it(self):
        self.open()
        TAB.press("k")
        TAB.press("k")
        TAB.press("j")
        self.assertEqual(TAB.value("state.query"), TAB.value("map().queries.length") - 2)
        TAB.click(*self.cell(12, 4))
        TAB.move(*self.cell(30, 4))
        self.assertEqual(TAB.value("state.query"), 12)
        TAB.click(*self.cell(12, 4))
        TAB.move(*self.cell(30, 4))
        self.assertEqual(TAB.value("state.query"), 30)
        self.assertIn(f"Query 30: {LINE[30]}", TAB.value("document.getElementById('query').textContent"))

    def test_search_finds_a_token(self):
        self.open()
        TAB.press("/")
        TAB.type("q")
        self.assertEqual(TAB.value("[state.query, document.getElementById('search').value]"), [LINE.index("q"), "q"])
        self.assertIn("1 of", TAB.value("document.getElementById('found').textContent"))
        TAB.press("Escape")
        self.assertEqual(TAB.value("document.getElementById('found').textContent"), "")

    def test_the_filter_dims_other_patterns(self):
        self.open()
        kinds = TAB.value("[...document.getElementById('pattern').options].map(o => o.value)")
        TAB.value(f"(p => {{ p.value = {kinds[-1]!r}; p.onchange(); }})(document.getElementById('pattern'))")
        dim = TAB.value("document.querySelectorAll('#overview canvas.dim').length")
        same = TAB.value(f"map().heads.filter(h => h.pattern === {kinds[-1]!r}).length")
        self.assertEqual(dim, 8 - same)

    def test_m_goes_to_the_next_map(self):
        self.open(number=1)
        names = []
        for _ in range(4):
            names.append(TAB.value("map().name"))
            TAB.press("m")
        self.assertEqual(names, ["encoder", "decoder", "cross", "encoder"])

    def test_a_patch_of_the_picture_is_read_and_chosen(self):
        self.open(number=2)
        TAB.hover_on("#picture", (0.5, 0.5))
        self.assertRegex(TAB.value(f"{self.TIP}.textContent"), r"Key 25: 3,3\n0\.\d")
        TAB.click_on("#picture", (0.5, 0.5))
        self.assertEqual(TAB.value("state.query"), 25)

    def test_rollout_has_colours_a_grid_and_a_scale(self):
        for number, patches in ((2, 49), (3, 4)):
            self.open(number=number)
            self.assertEqual(TAB.value("document.querySelectorAll('.rollout rect').length"), patches)
            self.assertGreater(TAB.value("new Set([...document.querySelectorAll('.rollout rect')].map(r => r.getAttribute('fill'))).size"), 1)
            self.assertRegex(TAB.value("document.querySelector('.rollout rect title').textContent"), r"^patch 0,0: [\d.]+ %$")
            self.assertRegex(TAB.value("document.querySelector('.rollout .scale').textContent"), r"^0[\d.]+ %$")


class OtherPagesTest(unittest.TestCase):
    def test_cells_of_a_look_tell_their_value(self):
        for page in MADE["look"]:
            TAB.open(page, 1280)
            self.assertEqual(TAB.value("[...document.querySelectorAll('table.look td')].filter(cell => !cell.title).length"), 0)

    def test_an_alignment_has_a_scale_and_all_tokens(self):
        TAB.open(MADE["alignment"][0], 400)
        labels = TAB.value("[...document.querySelector('svg.matrix').querySelectorAll('text')].map(t => t.textContent)")
        for digit in "12345678":
            self.assertIn(digit, labels)
        self.assertTrue(TAB.value("zooPage.shown('svg.legend')"))

    def test_a_contact_sheet_keeps_shapes_and_names_files(self):
        TAB.open(MADE["contact_sheet"][0], 1280)
        for alt, width, height, caption in TAB.value("[...document.querySelectorAll('figure')].map(f => [f.querySelector('img').alt,"
                                                     "f.querySelector('img').naturalWidth, f.querySelector('img').naturalHeight, f.textContent])"):  # fmt: skip
            self.assertEqual((width, height), (96, 72))
            self.assertIn(pathlib.Path(alt).name, caption)

    def test_rollout_of_one_picture(self):
        TAB.open(MADE["rollout"][0], 400)
        before = TAB.value("getComputedStyle(document.querySelector('.rollout rect')).strokeWidth")
        TAB.hover_on(".rollout rect", (0.5, 0.5))
        self.assertNotEqual(TAB.value("getComputedStyle(document.querySelector('.rollout rect')).strokeWidth"), before)
        self.assertEqual(TAB.value("document.querySelectorAll('.labels tbody tr').length"), 5)

    def test_a_class_keeps_names_in_sight(self):
        TAB.open(MADE["grades"][1], 400)
        TAB.value("document.querySelector('.scroll').scrollLeft = 400")
        self.assertGreaterEqual(TAB.value("document.querySelectorAll('td')[0].getBoundingClientRect().left"), 0)


if __name__ == "__main__":
    unittest.main()
