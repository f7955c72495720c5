#!/usr/bin/env python3
"""Makes the tables behind tokenizers/text/normalization.cpp, tokenizers/text/graphemes.cpp and
tokenizers/stages/bert_rules.cpp by asking the `tokenizers` package about every code point.

    .venv-reference/bin/python scripts/make_normalization_tables.py

The package's rules follow several versions of Unicode at once (its normal forms, its categories and its lower case
come from different libraries), so no published table gives its ids on every text: only its own answers do.
"""
import pathlib
import struct

import tokenizers
from tokenizers import normalizers, pre_tokenizers

VERSION = "0.23.3"
FOLDER = pathlib.Path(__file__).parent.parent / "tokenizers"
EVERY = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
HANGUL = range(0xAC00, 0xAC00 + 11172)  # composed and decomposed by arithmetic


def ask(normalizer):
    return {c: normalizer.normalize_str(c) for c in EVERY}


def ranges(characters):
    """Code points as [first, last] pairs."""
    out = []
    for code in sorted(map(ord, characters)):
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def classed_ranges(classes):
    """{character: number} as [first, last, number] triples."""
    out = []
    for code, number in sorted((ord(c), number) for c, number in classes.items()):
        if out and out[-1][1] == code - 1 and out[-1][2] == number:
            out[-1][1] = code
        else:
            out.append([code, code, number])
    return out


def runs(mapping):
    """{character: character} as [first, last, step, to]: `first` becomes `to`, first + step becomes to + step, ..."""
    pairs = sorted((ord(a), ord(b)) for a, b in mapping.items())
    out = []
    for code, to in pairs:
        if out:
            first, last, step, target = out[-1]
            distance = code - last
            if distance in (1, 2) and step in (0, distance) and to - target == code - first:
                out[-1] = [first, code, distance, target]
                continue
        out.append([code, code, 0, to])
    return [[first, last, max(step, 1), to] for first, last, step, to in out]


def spelled(mapping):
    """{character: string} as one list: length and code point in one number, then the code points of the string."""
    out = []
    for character, text in sorted(mapping.items()):
        out += [len(text) << 24 | ord(character), *map(ord, text)]
    return out


class Writer:
    def __init__(self, path):
        self.path = path
        self.lines = [f"// Made by scripts/make_normalization_tables.py from tokenizers {VERSION}: do not edit.",
                      "// clang-format off"]

    def table(self, comment, declaration, rows):
        """rows: tuples, or plain numbers."""
        self.lines += ["", f"// {comment}", f"constexpr {declaration}[] = {{"]
        line = ""
        for row in rows:
            item = f"0x{row:X}" if isinstance(row, int) else "{" + ", ".join(f"0x{n:X}" for n in row) + "}"
            if len(line) + len(item) + 3 > 100:
                self.lines.append(line)
                line = ""
            line += ("  " if not line else " ") + item + ","
        self.lines += [line, "};"]

    def write(self):
        self.path.write_text("\n".join(self.lines) + "\n", encoding="ascii")


def combining_order(nfd):
    """Canonical combining classes by their rank: two marks change places where the first one's class is larger."""
    swaps = lambda a, b: a != b and normalizers.NFD().normalize_str(a + b) == b + a
    marks = [c for c in EVERY if nfd[c] == c and (swaps(c, "\u0334") or swaps("\u0345", c))]
    marks = normalizers.NFD().normalize_str("a" + "".join(marks))[1:]
    order, rank = {}, 1
    for before, mark in zip([None, *marks], marks):
        rank += before is not None and swaps(mark, before)
        order[mark] = rank
    return order


def compositions(nfd, nfc):
    """(composed, first, second) of every pair that NFC joins, but for Hangul."""
    join = normalizers.NFC().normalize_str
    pairs = []
    for c in EVERY:
        if nfd[c] != c and nfc[c] == c and ord(c) not in HANGUL:
            first, second = join(nfd[c][:-1]), nfd[c][-1]
            assert len(first) == 1 and join(first + second) == c, f"U+{ord(c):04X} is not made of two"
            pairs.append((ord(c), ord(first), ord(second)))
    return pairs


def write_normal_forms():
    nfd, nfc, nfkd = (ask(form()) for form in (normalizers.NFD, normalizers.NFC, normalizers.NFKD))
    pairs = compositions(nfd, nfc)
    composed = {chr(pair[0]) for pair in pairs}
    simple = {c: nfd[c] for c in EVERY if nfd[c] != c and c not in composed and ord(c) not in HANGUL}
    compatible = {c: nfkd[c] for c in EVERY if nfkd[c] != nfd[c]}
    single = [run for run in runs({c: to for c, to in compatible.items() if len(to) == 1}) if run[1] - run[0] >= 3]
    in_runs = {chr(code) for first, last, step, _ in single for code in range(first, last + 1, step)}
    lower = {c: to for c, to in ask(normalizers.Lowercase()).items() if to != c}

    out = Writer(FOLDER / "text" / "normalization_data.inc")
    out.table("Primary composites: what NFC writes for the two, and NFD takes apart.", "Pair kPairs", pairs)
    out.table("Other canonical decompositions: length << 24 | code point, then its characters.",
              "uint32_t kCanonical", spelled(simple))
    out.table("Compatibility decompositions where they are not the canonical ones, written alike.",
              "uint32_t kCompatible", spelled({c: to for c, to in compatible.items() if c not in in_runs}))
    out.table("The same of single characters, in runs: first, last, step, what the first becomes.",
              "Run kCompatibleRuns", single)
    out.table("Rank of the canonical combining class: first, last, rank.",
              "Ranked kCombiningOrder", classed_ranges(combining_order(nfd)))
    out.table("Lower case: first, last, step, what the first becomes.",
              "Run kLowerRuns", runs({c: to for c, to in lower.items() if len(to) == 1}))
    out.table("Lower case of several characters.", "uint32_t kLower",
              spelled({c: to for c, to in lower.items() if len(to) > 1}))
    out.table("What StripAccents removes.", "Range kCombiningMarks",
              ranges(c for c, to in ask(normalizers.StripAccents()).items() if to == ""))
    out.write()


def write_bert_rules():
    options = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    bert = lambda **changed: ask(normalizers.BertNormalizer(**{**options, **changed})).items()
    words = {c: pre_tokenizers.BertPreTokenizer().pre_tokenize_str(f"a{c}b") for c in EVERY}
    out = Writer(FOLDER / "stages" / "bert_rules_data.inc")
    out.table("What clean_text removes, but for U+FFFD.", "Range kControl",
              ranges(c for c, to in bert(clean_text=True) if to == "" and c != "\ufffd"))
    out.table("What words end at.", "Range kWhitespace",
              ranges(c for c in EVERY if [word for word, _ in words[c]] == ["a", "b"]))
    out.table("What is a word by itself.", "Range kPunctuation", ranges(c for c in EVERY if len(words[c]) == 3))
    out.table("What handle_chinese_chars puts spaces around.", "Range kChinese",
              ranges(c for c, to in bert(handle_chinese_chars=True) if to == f" {c} "))
    out.table("What strip_accents removes from decomposed text.", "Range kAccents",
              ranges(c for c, to in bert(strip_accents=True) if to == ""))
    out.write()


def counter():
    """A function that shows where grapheme clusters end, which the package uses but does not tell.

    Its Precompiled normalizer looks up each cluster of fewer than 6 bytes as a whole, and longer ones by character.
    Rules that turn whatever they are asked for into "!" therefore count: one for a short cluster, one for each
    character of a long one.
    """
    units = [256 << 10] + [0] * 767  # a double array: the root's children lie at 256 ^ byte, their values at 512 + byte
    for byte in range(1, 256):
        units[256 + byte] = 768 << 10 | 1 << 8 | byte
        units[512 + byte] = 1 << 31
    charsmap = struct.pack("<I768I", 4 * len(units), *units) + b"!\0"
    normalizer = normalizers.Precompiled(charsmap)
    return lambda text: len(normalizer.normalize_str(text))


def grapheme_class(count, c):
    """The class of a character, by what joins it. `m` is a mark of two bytes, `p` joins what follows it; each line
    is built so that the clusters are short where the answer is one and long where it is the other."""
    m, p, zwj, virama = "\u0301", "\u0600", "\u200d", "\u094d"
    if count(c + m + m) == 2:
        return "kControl"
    if count("a" + c) == 1:
        if count("\u00a9" + c + "\u00ae" + m) == 4:
            return "kJoiner"
        if count("\u0915" + c + "\u0915" + m) == 4:
            return "kLinker"
        if count("\u00a9" + c + zwj + "\u00ae" + m) == 5:
            return "kExtend" if count("\u0915" + virama + c + "\u0915" + m) == 5 else "kExtendOnly"
        return "kSpacingMark"
    if count(c + "a") == 1:
        return "kPrepend"
    if count(c + zwj + "\u00ae" + m) == 4:
        return "kPictograph"
    if count(c + virama + "\u0915" + m) == 4:
        return "kConsonant"
    after = "".join(name for name, jamo in zip("LVT", "\u1100\u1161\u11a8") if count(p + jamo + c) == 3)
    before = "".join(name for name, jamo in zip("LVT", "\u1100\u1161\u11a8") if count(c + jamo + m) == 3)
    return {("L", "LV"): "kHangulL", ("LV", "VT"): "kHangulV", ("VT", "T"): "kHangulT", ("L", "VT"): "kHangulLV",
            ("L", "T"): "kHangulLVT", ("", ""): "kOther"}[after, before]


CLASSES = ("kOther kControl kExtend kExtendOnly kJoiner kLinker kSpacingMark kPrepend kPictograph kConsonant kHangulL "
           "kHangulV kHangulT kHangulLV kHangulLVT").split()


def write_graphemes():
    count = counter()
    classes = {c: CLASSES.index(grapheme_class(count, c)) for c in EVERY if ord(c) not in HANGUL}
    out = Writer(FOLDER / "text" / "graphemes_data.inc")
    out.lines += ["", "enum class Class : uint8_t {"] + [f"  {name}," for name in CLASSES] + ["};"]
    out.table("First, last, class; others are kOther, and Hangul syllables are found by arithmetic.",
              "Classed kClasses", classed_ranges({c: number for c, number in classes.items() if number}))
    out.write()


if __name__ == "__main__":
    assert tokenizers.__version__ == VERSION, f"expected tokenizers {VERSION}, found {tokenizers.__version__}"
    write_normal_forms()
    write_bert_rules()
    write_graphemes()
