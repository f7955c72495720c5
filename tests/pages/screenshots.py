#!/usr/bin/env python3
"""A picture of each page as a browser shows it: wide and narrow, light and dark.

    tests/pages/make_pages.py build/pages && tests/pages/screenshots.py build/pages      # into build/pages/screenshots
"""

import pathlib
import sys

from devtools import Browser

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    out = folder / "screenshots"
    out.mkdir(exist_ok=True)
    with Browser() as browser:
        tab = browser.tab()
        for page in sorted(folder.rglob("*.html")):
            if len(sys.argv) > 2 and not any(word in str(page) for word in sys.argv[2:]):
                continue
            name = "-".join(page.relative_to(folder).with_suffix("").parts)
            for width in (1280, 400):
                for dark in (False, True):
                    tab.open(page, width, dark=dark)
                    tab.screenshot(out / f"{name}-{width}{'-dark' if dark else ''}.png")
