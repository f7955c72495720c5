"""Writes tokenizers/text/unicode_scripts_data.inc: which characters the pre-tokenizer UnicodeScripts of `tokenizers` keeps
together.

    .venv-reference/bin/python scripts/make_script_tables.py

It cuts where the script changes, by tables of its own, in which Hiragana and Katakana count as Han, and spaces and code points
without a script go with what is before them. Takes some seconds.
"""

import pathlib
from importlib.metadata import version

from tokenizers import pre_tokenizers

OUTPUT = pathlib.Path(__file__).parent.parent / "tokenizers" / "text" / "unicode_scripts_data.inc"
CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
STAGE = pre_tokenizers.UnicodeScripts()


def begins(text):
    return {begin for _, (begin, _) in STAGE.pre_tokenize_str(text)}


def differ_from(letter):
    """The code points before which it cuts where the letter stands before."""
    cut = begins("".join(letter + chr(code) for code in CODES))
    return {code for i, code in enumerate(CODES) if 2 * i + 1 in cut}


def groups():
    """For each code point the number of its group; 0 goes with any."""
    latin, cyrillic = differ_from("a"), differ_from("б")
    with_script = [code for code in CODES if code in latin or code in cyrillic]
    cut = begins("".join(map(chr, with_script)))
    group, firsts, current = {}, [], 0
    for i, code in enumerate(with_script):
        if i in cut:
            found = next((j for j, first in enumerate(firsts) if len(begins(chr(first) + chr(code))) == 1), None)
            if found is None:
                firsts.append(code)
                found = len(firsts) - 1
            current = found + 1
        group[code] = current
    return group, len(firsts)


def main():
    group, count = groups()
    assert count < 256 and group[ord("あ")] == group[ord("一")] == group[ord("ー")] and 0x20 not in group
    starts = [code for code in range(0x110000) if code == 0 or group.get(code, 0) != group.get(code - 1, 0)]
    entries = [f"{{0x{code:X}, {group.get(code, 0)}}}," for code in starts]
    lines = [" ".join(entries[i : i + 8]) for i in range(0, len(entries), 8)]
    OUTPUT.write_text(f"// Made by scripts/make_script_tables.py from tokenizers {version('tokenizers')}; do not edit.\n// clang-format off\n"
                      "// First code point and number of each stretch.\nconstexpr Stretch kStretches[] = {\n" + "\n".join(f"    {line}" for line in lines) + "\n};\n// clang-format on\n")
    print(f"{OUTPUT.name}: {count} scripts in {len(starts)} stretches")


if __name__ == "__main__":
    main()
