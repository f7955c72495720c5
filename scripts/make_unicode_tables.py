"""Writes tokenizers/text/unicode_classes_data.inc: the Unicode classes of the reference tokenizers, code point by code point.

    .venv-reference/bin/python scripts/make_unicode_tables.py

Every code point is put to both regular expression engines, Oniguruma in `tokenizers` and Rust's in `tiktoken`, and to the
pre-tokenizers of `tokenizers` that have tables of their own (Whitespace, Digits, Punctuation). Where both engines should
agree and do not, the script stops: then a table more is needed. Takes some four minutes.
"""

import pathlib
from importlib.metadata import version

import tiktoken
from tokenizers import Regex, pre_tokenizers

OUTPUT = pathlib.Path(__file__).parent.parent / "tokenizers" / "text" / "unicode_classes_data.inc"
CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
TEXT = "".join(map(chr, CODES))
BYTES = {bytes([byte]): byte for byte in range(256)}
CATEGORIES = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn").split()
SCRIPTS = "Latin Greek Cyrillic Hebrew Arabic Devanagari Thai Hangul Hiragana Katakana Han".split()
# What Oniguruma's \w has and Rust's has not, and the reverse: Latin-1's superscripts and fractions, and the two joiners.
WORD_DIFFERENCE = {0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE, 0x200C, 0x200D}


def oniguruma(pattern):
    """The code points that `tokenizers` matches."""
    return taken_away(pre_tokenizers.Split(Regex(pattern), "removed"))


def taken_away(pre_tokenizer):
    """The code points that a pre-tokenizer drops."""
    kept = set()
    for _, (begin, end) in pre_tokenizer.pre_tokenize_str(TEXT):
        kept.update(CODES[begin:end])
    return set(CODES) - kept


def rust(pattern):
    """The code points that `tiktoken` matches: its encodings drop the others."""
    encoding = tiktoken.Encoding("bytes", pat_str=pattern, mergeable_ranks=BYTES, special_tokens={})
    return set(map(ord, bytes(encoding.encode_ordinary(TEXT)).decode()))


def both(pattern):
    found = oniguruma(pattern)
    assert found == rust(pattern), f"the two engines differ in {pattern}"
    return found


def isolated(pre_tokenizer):
    """The code points that stand alone between two letters."""
    words = pre_tokenizer.pre_tokenize_str("".join(f"a{chr(code)}a" for code in CODES))
    return {CODES[begin // 3] for _, (begin, end) in words if end - begin == 1 and begin % 3 == 1}


def classes():
    """For each code point the names of its classes."""
    names = {code: [] for code in CODES}
    for category in CATEGORIES:
        for code in both(r"\p{%s}" % category):
            names[code].append(f"k{category}")
    assert all(len(found) == 1 for found in names.values()), "each code point must have one category"
    for script in SCRIPTS:
        for code in both(r"\p{%s}" % script):
            names[code].append(f"k{script}")
    word = rust(r"\w")
    assert oniguruma(r"\w") ^ word == WORD_DIFFERENCE, r"the engines' \w differ elsewhere than they did"
    assert word == isolated_words(), r"Whitespace's words are not Rust's \w"
    space = both(r"\s")
    assert space == taken_away(pre_tokenizers.WhitespaceSplit()) == taken_away(pre_tokenizers.Whitespace())
    flags = {"kSpace": space, "kWord": word, "kNumeric": isolated(pre_tokenizers.Digits(individual_digits=True)),
             "kPunctuation": isolated(pre_tokenizers.Punctuation())}
    for name, found in flags.items():
        for code in found:
            names[code].append(name)
    return names


def isolated_words():
    """The code points that Whitespace takes for part of a word."""
    words = pre_tokenizers.Whitespace().pre_tokenize_str("".join(f"a{chr(code)}a " for code in CODES))
    return {CODES[begin // 4] for _, (begin, end) in words if begin % 4 == 0 and end - begin == 3}


def check_without_case():
    """(?i:) on ASCII: s also matches U+017F and k U+212A, in both engines, and nothing else."""
    for letter in "abcdefghijklmnopqrstuvwxyz":
        expected = {ord(letter), ord(letter.upper())} | {"s": {0x17F}, "k": {0x212A}}.get(letter, set())
        assert both(f"(?i:{letter})") == both(f"(?i:[{letter}])") == expected, f"(?i:{letter})"


def main():
    check_without_case()
    names = classes()
    ranges = []
    for code in CODES:
        mask = " | ".join(names[code])
        if not ranges or ranges[-1][1] != mask:
            ranges.append((code, mask))
    kinds = sorted({mask for _, mask in ranges})
    lines = [f"// Made by scripts/make_unicode_tables.py with tokenizers {version('tokenizers')} and tiktoken "
             f"{version('tiktoken')}; do not edit.",
             "// clang-format off",
             "// The combinations of classes that occur.",
             "constexpr Classes kKinds[] = {"]
    lines += [f"    {mask}," for mask in kinds]
    lines += ["};", "", "// {first code point, kind}: it holds up to the next one's.",
              "constexpr Range kRanges[] = {"]
    line = "   "
    for code, mask in ranges:
        entry = f" {{0x{code:X}, {kinds.index(mask)}}},"
        if len(line) + len(entry) > 100:
            lines.append(line)
            line = "   "
        line += entry
    lines += [line, "};", "// clang-format on", ""]
    OUTPUT.write_text("\n".join(lines))
    print(f"{len(kinds)} kinds, {len(ranges)} ranges: {OUTPUT}")


if __name__ == "__main__":
    main()
