#!/usr/bin/env python3
"""Makes parallel text out of unpacked Debian packages: the help pages and the user interface of LibreOffice and the
stories of Battle for Wesnoth, which lie there in English and in translation.

    python3 scripts/make_parallel_text.py FOLDER fr OUTPUT

writes OUTPUT/{train,valid,test}.{en,fr}, one sentence a line, and prints what it found. The same packages give the same
bytes. Validation and test sentences occur nowhere else, on neither side, not even in other case or punctuation.
"""
import collections
import hashlib
import html
import pathlib
import re
import struct
import sys

HELD_OUT = {"valid": 1000, "test": 1000}
WORDS = range(2, 31)
RATIO = 2.5  # of the lengths in characters, either way

# A paragraph of the help carries the same id in every language.
PARAGRAPH = re.compile(r'<(\w+) id="((?:par|hd)_id[^"]*)"[^>]*>(.*?)</\1>', re.DOTALL)
TAG = re.compile(r"<[^>]*>")
# Where one sentence ends and the next begins.
SENTENCE_END = re.compile(r"(?<=[.!?…])(?<!\.\.\.) +(?=[\"“«„(¿¡]*[^\W\d_a-zà-ÿ])")
# Placeholders, markup, addresses, file names: not language.
NOT_LANGUAGE = re.compile(r"[<>{}|\\$%~_^=\[\]@#*•→]|https?:|www\.|&\w+;|\ufffd")

Pair = tuple[str, str]


# ---- Reading ----
def read_help(folder: pathlib.Path) -> dict[tuple[str, str], str]:
    """(page, paragraph id) -> text."""
    texts = {}
    for page in sorted(folder.rglob("*.html")):
        for _, name, body in PARAGRAPH.findall(page.read_text(encoding="utf-8")):
            texts[page.relative_to(folder).as_posix(), name] = html.unescape(TAG.sub("", body))
    return texts


def help_pairs(root: pathlib.Path, language: str) -> list[Pair]:
    folder = root / "usr/share/libreoffice/help"
    english, other = read_help(folder / "en-US/text"), read_help(folder / language / "text")
    return [(text, other[key]) for key, text in english.items() if key in other]


def read_catalogue(path: pathlib.Path) -> list[Pair]:
    """A gettext .mo file: two tables of (length, offset), one of the originals and one of the translations."""
    data = path.read_bytes()
    order = "<" if data[:4] == struct.pack("<I", 0x950412DE) else ">"
    count, originals, translations = struct.unpack(order + "3I", data[8:20])

    def text(table: int, index: int) -> str:
        length, start = struct.unpack_from(order + "2I", data, table + 8 * index)
        return data[start:start + length].decode("utf-8").split("\0")[0]  # the first of the plural forms

    pairs = [(text(originals, i), text(translations, i)) for i in range(count)]
    # Before U+0004 (gettext) or ^ (Wesnoth) stands what the text is for.
    return [(english.split("\4")[-1].split("^")[-1], other) for english, other in pairs if english]


def catalogue_pairs(root: pathlib.Path, language: str) -> list[Pair]:
    files = sorted(root.rglob(f"{language}/LC_MESSAGES/*.mo"))
    return [pair for file in files for pair in read_catalogue(file)]


# ---- Sentences ----
def clean(text: str) -> str:
    """One line; no-break spaces as plain ones, no marks of menu keys."""
    return " ".join(re.sub(r"~(?=\w)", "", text.replace("\u00ad", "")).split())


def sentences(pair: Pair) -> list[Pair]:
    """The sentences one by one where both sides have as many, else the text as it is."""
    parts = [SENTENCE_END.split(clean(text)) for text in pair]
    return list(zip(*parts)) if len(parts[0]) == len(parts[1]) else [(clean(pair[0]), clean(pair[1]))]


def is_good(pair: Pair) -> bool:
    english, other = pair
    return (all(len(text.split()) in WORDS and not NOT_LANGUAGE.search(text) and any(c.isalpha() for c in text) for text in pair)
            and english != other and 1 / RATIO <= len(english) / len(other) <= RATIO)


def key(text: str) -> str:
    """What two sentences share that differ in case, spaces and punctuation alone."""
    return "".join(c for c in text.casefold() if c.isalnum())


def place(pair: Pair) -> bytes:
    """An order that mixes the sources and does not depend on them."""
    return hashlib.sha256("\t".join(pair).encode()).digest()


def split(pairs: list[Pair]) -> dict[str, list[Pair]]:
    counts = [collections.Counter(key(pair[side]) for pair in pairs) for side in (0, 1)]
    parts = {name: [] for name in ["train", *HELD_OUT]}
    for pair in sorted(pairs, key=place):
        alone = all(counts[side][key(pair[side])] == 1 for side in (0, 1))
        name = next((name for name, most in HELD_OUT.items() if alone and len(parts[name]) < most), "train")
        parts[name].append(pair)
    return parts


def main() -> None:
    folder, language, output = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    sources = {"help": help_pairs(folder, language), "catalogues": catalogue_pairs(folder, language)}
    pairs = {}  # as a set that keeps the order
    for name, found in sources.items():
        before = len(pairs)
        pairs |= {pair: None for text in found for pair in sentences(text) if is_good(pair)}
        print(f"{name}: {len(found)} texts, {len(pairs) - before} new sentence pairs")
    if not pairs:
        sys.exit(f"make_parallel_text: no text in English and '{language}' under {folder}")
    for name, part in split(list(pairs)).items():
        for side, suffix in enumerate(["en", language]):
            (output / f"{name}.{suffix}").write_text("".join(pair[side] + "\n" for pair in part), encoding="utf-8")
        print(f"{name}: {len(part)} pairs, {sum(len(pair[0].split()) for pair in part)} English words")


if __name__ == "__main__":
    main()
