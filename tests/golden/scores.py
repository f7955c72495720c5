#!/usr/bin/env python3
"""Makes scores.json beside this file: BLEU, chrF and TER of sacrebleu 2.6.0 on ordinary, odd and hostile lines.

    .venv-reference/bin/python tests/golden/scores.py
"""
import itertools
import json
import logging
import pathlib

from sacrebleu.metrics import BLEU, CHRF, TER

# Hypothesis, first reference, second reference.
LINES = [
    ("The cat sat on the mat.", "The cat is on the mat.", "There is a cat on the mat."),
    ("the the the the the the the", "The cat is on the mat.", "There is a cat on the mat."),
    ("It costs $1,000.50 (about 900,00 €)!", "It cost 1,000.5 dollars, or 900,00 euros.", "It costs $1,000.50."),
    ("", "Something was here.", ""),
    ("Nothing was wanted", "", ""),
    ("", "", ""),
    ("a", "a", "b"),
    ("a b", "a b c d e f g h", "a b"),
    ("well-known 3-4 times; e.g., at 10.30 a.m.,ok", "well-known 3 - 4 times, e.g. at 10.30 am", "well known"),
    ("&quot;Tom &amp;amp; Jerry&quot; &lt;b&gt;<skipped>", "\"Tom & Jerry\" <b>", "Tom &quot; Jerry"),
    ("« Où est-il ? » — demanda-t-elle…", "« Où est‑il ? » demanda-t-elle...", "“Où est-il?” dit-elle"),
    ("ΟΔΥΣΣΕΥΣ ΣΑΣ Σ. İstanbul'da IŞIK ẞ", "οδυσσευς σας σ. i̇stanbul'da ışık ß", "Οδυσσεύς"),
    ("今日は天気がいいですね。", "今日はいい天気ですね。", "今日は、天気が良い。"),
    ("नमस्ते दुनिया। १,२३४.५ ①② ½", "नमस्ते दुनिया १,२३४ ②", "नमस्ते"),
    ("👩‍👩‍👧‍👦 x👍🏽 +1 ±2 ©®™ ", "👩‍👩‍👧 x👍 +1 2 ©", "👍🏽"),
    ("a\u00a0b\u2003c\u3000d\x85e\x1cf\u200bg  ", "a b c d e f\u200bg", "a b\u200bc"),
    ("e\u0301 ﬁ Å \ufeffx \u202eabc", "é fi Å x abc", "é fi"),
    ("(hi) 'twas ... ?! .a. ,,,,", "(hi ) 'twas … ?! a ,,", "hi"),
    ("ab" * 300, "ab" * 200 + " " + "ba" * 100, "ab"),
    (" ".join(["x y"] * 120), " ".join(["y x"] * 100), "x y x"),
    ("._.5.,.-5,-.a-,b.5-", "5.,.-5,-.a -,b.5 -", "5"),
    ("5. 5.", "5 . 5 .", "5."),
    ("他说：“你好,世界”——2020年5.5%。abc.", "他说:“世界,你好”，2020年5.5％。abc .", "你好"),
    ("令和元年、東京都に住んでいた。平成と令和", "令和二年に東京に住む。", "令和"),
    ("저는 학교에 갔습니다. 그리고,", "나는 학교에 갔다.", "학교에 저는 갔습니다."),
    ("ذهبتُ إلى المدرسة، ثمّ عُدت؟", "ذهبت الى المدرسة ثم عدت.", "عُدت"),
    ("カタカナ、ひらがな・ＡＢＣ（全角）！ ㍿ ㈱ ㇰ 丽", "ひらがな カタカナ ABC(全角)! 株式会社 (株)", "カタカナ"),
    ("It's John's dog's, isn't it 's ?", "it 's john 's dog , isn't it?", "Johns"),
    ("d e f g a b c h i j k l m n o p", "a b c d e f g h i j k l m n o p", "p o n m l k j i h g f e d c b a"),
    (" ".join(f"w{i * 7 % 40}" for i in range(40)), " ".join(f"w{i}" for i in range(40)), "w1 w2 w3"),
    (" ".join(f"w{i * 11 % 23}" for i in range(90)), " ".join(f"w{i * 5 % 23}" for i in range(70)), "w1 w2"),
    ("x", " ".join(f"w{i}" for i in range(120)) + " x", "x"),
]
BLEU_OPTIONS = [dict(zip(("tokenize", "smooth_method", "lowercase", "effective_order"), values)) for values in
                itertools.product(("13a", "intl", "char", "zh", "ja-mecab", "none"), ("exp", "floor", "add-k", "none"), (False, True), (False, True))]
BLEU_OPTIONS += [{"smooth_method": "floor", "smooth_value": 0.01}, {"smooth_method": "add-k", "smooth_value": 0.5}]
BLEU_OPTIONS += [{"max_ngram_order": order, "effective_order": effective} for order in (1, 2, 6) for effective in (False, True)]
CHRF_OPTIONS = [dict(zip(("word_order", "lowercase", "whitespace", "eps_smoothing"), values)) for values in
                itertools.product((0, 1, 2), (False, True), (False, True), (False, True))]
CHRF_OPTIONS += [{"beta": 1}, {"beta": 3, "char_order": 4}, {"char_order": 0, "word_order": 3}, {"beta": 0, "eps_smoothing": True}]
TER_OPTIONS = [dict(zip(("normalized", "no_punct", "asian_support", "case_sensitive"), values)) for values in itertools.product((False, True), repeat=4)]


def evaluate(metric, references: list[int]) -> dict:
    hypotheses = [line[0] for line in LINES]
    lists = [[line[r] for line in LINES] for r in references]
    corpus = metric.corpus_score(hypotheses, lists)
    signature = str(metric.get_signature())
    answer = {"references": references, "corpus": corpus.score, "signature": signature, "line": corpus.format(width=3, signature=signature),
              "sentences": [metric.sentence_score(line[0], [line[r] for r in references]).score for line in LINES]}
    return answer


def main() -> None:
    logging.getLogger("sacrebleu").setLevel(logging.ERROR)
    golden = {"lines": LINES}
    for name, kind, all_options in (("bleu", BLEU, BLEU_OPTIONS), ("chrf", CHRF, CHRF_OPTIONS), ("ter", TER, TER_OPTIONS)):
        golden[name] = [{"options": options, **evaluate(kind(**options), references)}
                        for options in all_options for references in ([1], [1, 2])]
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, separators=(",", ":")).replace('{"options"', '\n{"options"') + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
