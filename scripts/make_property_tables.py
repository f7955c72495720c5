"""Writes tokenizers/text/unicode_properties_data.inc: what regular expressions of `tokenizers` call \\p{Alphabetic}, \\p{Emoji},
\\p{Cyrillic}, [:punct:] and so on, beyond the general categories (make_unicode_tables.py).

    .venv-reference/bin/python scripts/make_property_tables.py

Every code point is put to the package. Takes a minute.
"""

import pathlib
from importlib.metadata import version

from tokenizers import Regex, pre_tokenizers

OUTPUT = pathlib.Path(__file__).parent.parent / "tokenizers" / "text" / "unicode_properties_data.inc"
CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
TEXT = "".join(map(chr, CODES))
POSIX = "Alnum Alpha Blank Cntrl Digit Graph Lower Print Punct Space Upper XDigit Word ASCII".split()
# First name, then other names of the same. Oniguruma leaves case, spaces, dashes and underscores out of account.
PROPERTIES = [["Any"], ["Assigned"], ["Alphabetic"], ["Uppercase"], ["Lowercase"], ["White_Space", "WSpace"], ["Emoji"], ["Emoji_Presentation", "EPres"],
              ["Emoji_Modifier", "EMod"], ["Emoji_Modifier_Base", "EBase"], ["Emoji_Component", "EComp"], ["Extended_Pictographic", "ExtPict"], ["Ideographic", "Ideo"],
              ["Unified_Ideograph", "UIdeo"], ["Math"], ["Dash"], ["Hex_Digit", "Hex"], ["ASCII_Hex_Digit", "AHex"], ["Cased"], ["Diacritic", "Dia"],
              ["Quotation_Mark", "QMark"], ["Variation_Selector", "VS"], ["Regional_Indicator", "RI"], ["Join_Control", "Join_C"], ["Cased_Letter", "LC"]]
SCRIPTS = """Adlam:Adlm Ahom Anatolian_Hieroglyphs:Hluw Arabic:Arab Armenian:Armn Avestan:Avst Balinese:Bali Bamum:Bamu Bassa_Vah:Bass Batak:Batk Bengali:Beng
Bhaiksuki:Bhks Bopomofo:Bopo Brahmi:Brah Braille:Brai Buginese:Bugi Buhid:Buhd Canadian_Aboriginal:Cans Carian:Cari Caucasian_Albanian:Aghb Chakma:Cakm Cham
Cherokee:Cher Chorasmian:Chrs Common:Zyyy Coptic:Copt:Qaac Cuneiform:Xsux Cypriot:Cprt Cypro_Minoan:Cpmn Cyrillic:Cyrl Deseret:Dsrt Devanagari:Deva Dives_Akuru:Diak Dogra:Dogr
Duployan:Dupl Egyptian_Hieroglyphs:Egyp Elbasan:Elba Elymaic:Elym Ethiopic:Ethi Garay:Gara Georgian:Geor Glagolitic:Glag Gothic:Goth Grantha:Gran Greek:Grek Gujarati:Gujr
Gunjala_Gondi:Gong Gurmukhi:Guru Gurung_Khema:Gukh Han:Hani Hangul:Hang Hanifi_Rohingya:Rohg Hanunoo:Hano Hatran:Hatr Hebrew:Hebr Hiragana:Hira Imperial_Aramaic:Armi Inherited:Zinh:Qaai
Inscriptional_Pahlavi:Phli Inscriptional_Parthian:Prti Javanese:Java Kaithi:Kthi Kannada:Knda Katakana:Kana Kawi Kayah_Li:Kali Kharoshthi:Khar Khitan_Small_Script:Kits Khmer:Khmr
Khojki:Khoj Khudawadi:Sind Kirat_Rai:Krai Lao:Laoo Latin:Latn Lepcha:Lepc Limbu:Limb Linear_A:Lina Linear_B:Linb Lisu Lycian:Lyci Lydian:Lydi Mahajani:Mahj Makasar:Maka
Malayalam:Mlym Mandaic:Mand Manichaean:Mani Marchen:Marc Masaram_Gondi:Gonm Medefaidrin:Medf Meetei_Mayek:Mtei Mende_Kikakui:Mend Meroitic_Cursive:Merc Meroitic_Hieroglyphs:Mero
Miao:Plrd Modi Mongolian:Mong Mro:Mroo Multani:Mult Myanmar:Mymr Nabataean:Nbat Nag_Mundari:Nagm Nandinagari:Nand New_Tai_Lue:Talu Newa Nko:Nkoo Nushu:Nshu
Nyiakeng_Puachue_Hmong:Hmnp Ogham:Ogam Ol_Chiki:Olck Ol_Onal:Onao Old_Hungarian:Hung Old_Italic:Ital Old_North_Arabian:Narb Old_Permic:Perm Old_Persian:Xpeo Old_Sogdian:Sogo
Old_South_Arabian:Sarb Old_Turkic:Orkh Old_Uyghur:Ougr Oriya:Orya Osage:Osge Osmanya:Osma Pahawh_Hmong:Hmng Palmyrene:Palm Pau_Cin_Hau:Pauc Phags_Pa:Phag Phoenician:Phnx
Psalter_Pahlavi:Phlp Rejang:Rjng Runic:Runr Samaritan:Samr Saurashtra:Saur Sharada:Shrd Shavian:Shaw Siddham:Sidd SignWriting:Sgnw Sinhala:Sinh Sogdian:Sogd Sora_Sompeng:Sora
Soyombo:Soyo Sundanese:Sund Sunuwar:Sunu Syloti_Nagri:Sylo Syriac:Syrc Tagalog:Tglg Tagbanwa:Tagb Tai_Le:Tale Tai_Tham:Lana Tai_Viet:Tavt Takri:Takr Tamil:Taml Tangsa:Tnsa
Tangut:Tang Telugu:Telu Thaana:Thaa Thai Tibetan:Tibt Tifinagh:Tfng Tirhuta:Tirh Todhri:Todr Toto Tulu_Tigalari:Tutg Ugaritic:Ugar Unknown:Zzzz Vai:Vaii Vithkuqi:Vith Wancho:Wcho
Warang_Citi:Wara Yezidi:Yezi Yi:Yiii Zanabazar_Square:Zanb""".split()


def known(name):
    try:
        Regex(r"\p{%s}" % name)
    except Exception:
        return False
    return True


def matched(pattern, codes=CODES):
    kept = set()
    for _, (begin, end) in pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str("".join(map(chr, codes))):
        kept.update(codes[begin:end])
    return frozenset(codes) - kept


def scripts():
    """Each code point has one: stretches of one script are found together, then their first code points tell which."""
    names = [script.split(":") for script in SCRIPTS if known(script.split(":")[0])]
    whole = pre_tokenizers.Split(Regex("|".join(r"\p{%s}+" % all_names[0] for all_names in names)), "isolated").pre_tokenize_str(TEXT)
    stretches = {CODES[begin]: CODES[begin:end] for _, (begin, end) in whole}
    for all_names in names:
        firsts = matched(r"\p{%s}" % all_names[0], list(stretches))
        yield all_names, frozenset(code for first in firsts for code in stretches[first])


def ranges(codes):
    """First code point, one past the last, and so on. Surrogates, which no text has, do not end a range."""
    found, inside = [], False
    for code in CODES + [0x110000]:
        if (code in codes) != inside:
            found.append(code)
            inside = not inside
    return found


def main():
    sets, names = {}, []
    for name in POSIX:
        for spelled, pattern in [(f"[:{name.lower()}:]", f"[[:{name.lower()}:]]+"), (name, r"\p{%s}+" % name)]:
            names.append((spelled, sets.setdefault(matched(pattern), len(sets))))
    assert matched(r"\h+") == matched("[[:xdigit:]]+")
    properties = [(all_names, matched(r"\p{%s}+" % all_names[0])) for all_names in PROPERTIES if known(all_names[0])]
    for all_names, codes in properties + list(scripts()):
        number = sets.setdefault(codes, len(sets))
        names += [(name, number) for name in all_names if known(name)]
    loose = {name.replace("_", "").lower(): number for name, number in names}
    lines = [f"// Made by scripts/make_property_tables.py from tokenizers {version('tokenizers')}; do not edit.", "// clang-format off",
             "// Where code points of a property begin and end in turn, as steps from one to the next.", "constexpr uint32_t kSteps[] = {"]
    begins, line, count = [], "   ", 0
    for codes in sets:
        begins.append(count)
        last = 0
        for edge in ranges(codes):
            entry = f" {edge - last},"
            last = edge
            count += 1
            if len(line) + len(entry) > 118:
                lines.append(line)
                line = "   "
            line += entry
    lines += [line, "};", "", "// Where the steps of each property begin, and end.", "constexpr uint32_t kBegins[] = {"]
    begins.append(count)
    lines += ["    " + " ".join(f"{begin}," for begin in begins[i : i + 16]) for i in range(0, len(begins), 16)]
    lines += ["};", "", "// By name, in small letters alone, and as [:name:] where that means another.", "constexpr Named kNamed[] = {"]
    entries = [f'{{"{name}", {number}}},' for name, number in sorted(loose.items())]
    lines += ["    " + " ".join(entries[i : i + 5]) for i in range(0, len(entries), 5)]
    lines += ["};", "// clang-format on", ""]
    OUTPUT.write_text("\n".join(lines))
    print(f"{len(loose)} names, {len(sets)} properties, {count} steps: {OUTPUT.name}")


if __name__ == "__main__":
    main()
