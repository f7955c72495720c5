"""The program score against sacrebleu: all options on random lines in several scripts, all digits of the numbers.

    .venv-reference/bin/python tests/interop/scores_test.py build/release/bin
"""
import json
import logging
import random
import subprocess

from sacrebleu.metrics import BLEU, CHRF, TER

from interop import InteropTest, main

HOSTILE = list("aabbcc    .,-5'&;()$") + ["é", "É", "Σ", "σ", "\u00a0", "\u3000", "\x1f", "…", "«", "€", "½", "中", "क", "\u0301", "\u200d",
                                          "👩", "İ", "&lt;", "<skipped>", "&amp;", " the ", " cat ", "The"]
# Words with spaces between them, and characters without.
SPACED = ["the cat sat on a mat. , ; & don't it's John's &amp; &quot;x&quot; 5.5 1,000 3-4 A.B. «ça» Élan Σ ΟΔΟΣ İ $5 50% (hi) ... ?! .".split(),
          "저는 학교에 갔습니다 . 나는 그리고 한국어 좋아 합니다, 서울에서".split(), "ذهبت إلى المدرسة ، ثم عدت ؟ مرحبا بالعالم ١٢٣ هذا".split()]
UNSPACED = [list("今天天气很好我们去公园玩你他的了是不在“”，。！？——…、《》20年A龘") + ["你好", "世界", " ", "\u2001", "𠀀"],
            list("私は今日東京に行きます。食べたカタカナひらがな、「」・ー～！？ｱｲｳ㈱ㇰ") + ["令和", "平成", "令", "和", " ", "　"], HOSTILE]


def random_line(rng: random.Random) -> str:
    count = rng.choice([0, 1, 2, 5, 12, 30, 60])
    alphabets = SPACED + UNSPACED
    n = rng.randrange(len(alphabets) + 1)
    alphabet = alphabets[n] if n < len(alphabets) else sum(alphabets, [])
    return ("" if n >= len(SPACED) and n < len(alphabets) else " ").join(rng.choices(alphabet, k=count))


def changed(line: str, rng: random.Random) -> str:
    """Some words replaced, removed, put in, and runs of words moved."""
    space = " " if " " in line else ""
    words = line.split(" ") if space else list(line)
    for _ in range(rng.randint(0, 4)):
        if not words:
            break
        place, kind = rng.randrange(len(words)), rng.randint(0, 4)
        if kind == 0:
            words[place] = rng.choice(words)
        elif kind == 1:
            del words[place]
        elif kind == 2:
            words.insert(place, rng.choice(HOSTILE))
        else:
            end = place + rng.randint(1, 12)
            run, words[place:end] = words[place:end], []
            target = rng.randrange(len(words) + 1)
            words[target:target] = run
    return space.join(words)


def repetitive_pair(rng: random.Random) -> tuple[str, str]:
    """Few words that come often: more moves than TER tries, and lines that its beam is too narrow for."""
    words = [chr(97 + n) for n in range(rng.choice([2, 3, 6, 20]))]
    lengths = rng.choice([(0, 3), (3, 10), (10, 10), (30, 25), (60, 60), (70, 60), (1, 140), (2, 300), (300, 2)])
    hypothesis = rng.choices(words, k=lengths[0])
    reference = rng.choices(words, k=lengths[1])
    if lengths[0] > 5 and rng.random() < 0.5:
        reference = changed(" ".join(hypothesis), rng).split()
    return " ".join(hypothesis), " ".join(reference)


def flags_of(names: dict[str, str], options: dict) -> list[str]:
    """The options of a Python class as our flags; `names` has those that are called otherwise."""
    flags = []
    for key, value in options.items():
        flag = "--" + names.get(key, key).replace("_", "-")
        if value is True:
            flags.append(flag)
        elif value is not False and value is not None:
            flags += [flag, str(value)]
    return flags


def every_metric():
    """Metric of sacrebleu, and how ours is asked for it."""
    for tokenizer in ("13a", "intl", "char", "zh", "ja-mecab", "none"):
        for method, value in (("exp", None), ("floor", None), ("floor", 0.3), ("add-k", None), ("add-k", 0.7), ("none", None)):
            yield BLEU, {"tokenize": tokenizer, "smooth_method": method, "smooth_value": value}
    for order in (1, 2, 3, 5, 8):
        yield BLEU, {"max_ngram_order": order, "effective_order": order % 2 == 1, "lowercase": order > 2}
    for characters in (6, 3, 0):
        for words in (0, 1, 2, 3):
            for beta in (1, 2, 3):
                for flags in range(4):
                    if characters + words > 0:
                        yield CHRF, {"char_order": characters, "word_order": words, "beta": beta, "whitespace": flags % 2 == 1,
                                     "eps_smoothing": flags > 1, "lowercase": beta == 3}
    for flags in range(16):
        yield TER, {name: bool(flags >> n & 1) for n, name in enumerate(("normalized", "no_punct", "asian_support", "case_sensitive"))}


NAMES = {BLEU: {}, CHRF: {name: "chrf-" + name for name in ("char_order", "word_order", "beta", "whitespace", "eps_smoothing")},
         TER: {name: "ter-" + name for name in ("normalized", "no_punct", "asian_support", "case_sensitive")}}


class ScoresTest(InteropTest):
    def setUp(self):
        super().setUp()
        logging.getLogger("sacrebleu").setLevel(logging.ERROR)

    def write(self, name: str, lines: list[str]):
        (self.work / name).write_text("".join(line + "\n" for line in lines), newline="\n")
        return self.work / name

    def files(self, lists: list[list[str]]) -> list:
        hypotheses, *references = (self.write(f"{i}.txt", lines) for i, lines in enumerate(lists))
        return ["--file", hypotheses] + [part for path in references for part in ("--references", path)]

    def compare(self, kind, options: dict, lists: list[list[str]], sentences: bool = False) -> None:
        lists = [[line.rstrip() for line in lines] for lines in lists]
        if sentences and kind is BLEU:
            options = options | {"effective_order": True}
        metric = kind(**options)
        arguments = self.files(lists) + ["--metric", kind.__name__.lower(), *flags_of(NAMES[kind], options)]
        arguments += ["--sentence-level"] * sentences
        theirs = [metric.corpus_score(lists[0], lists[1:])]
        if sentences:
            theirs = [metric.sentence_score(line, references) for line, *references in zip(*lists)]
        signature = str(metric.get_signature())
        ours = [json.loads(line) for line in self.run_program("score", *arguments, "--json", "--width", 12).splitlines()]
        self.assertEqual(len(ours), len(theirs))
        for line, right in zip(ours, theirs):
            self.assertAlmostEqual(line["score"], right.score, delta=1e-11 * max(1, right.score), msg=f"{arguments}")
            self.assertEqual(line["signature"].replace("+zoo", ""), signature)
        text = self.run_program("score", *arguments).replace("+zoo", "").splitlines()
        self.assertEqual(text, [right.format(width=1, signature=signature) for right in theirs])

    def test_random_lines(self):
        rng = random.Random(3)
        metrics = list(every_metric())
        for n in range(12):
            references = [[random_line(rng) for _ in range(rng.choice([1, 5, 20]))]]
            references += [[changed(line, rng) for line in references[0]] for _ in range(rng.randint(0, 2))]
            lists = [[changed(line, rng) for line in references[0]], *references]
            for kind, options in metrics[n % 12::12]:
                self.compare(kind, options, lists, sentences=rng.random() < 0.3)

    def test_more_moves_than_ter_tries(self):
        rng = random.Random(5)
        pairs = [repetitive_pair(rng) for _ in range(25)]
        self.compare(TER, {}, [[pair[0] for pair in pairs], [pair[1] for pair in pairs]], sentences=True)

    def test_lines_without_a_reference(self):
        lists = [["a b c d", "e f g h", "x y"], ["a b c d e", "e f g", "x"], ["a b", "", "x y z"]]
        for kind in (BLEU, CHRF, TER):
            metric = kind()
            right = metric.corpus_score(lists[0], [lists[1], [line or None for line in lists[2]]])
            ours = json.loads(self.run_program("score", *self.files(lists), "--metric", kind.__name__.lower(), "--skip-empty-references",
                                               "--json", "--width", 12))
            self.assertAlmostEqual(ours["score"], right.score, delta=1e-10)
            self.assertEqual(ours["signature"].replace("+zoo", ""), str(metric.get_signature()))

    def test_several_metrics_at_once(self):
        lists = [["a b c d", "It's Mine"], ["a b c e", "It is mine"]]
        names = [line.split("|")[0] for line in self.run_program(
            "score", *self.files(lists), "--metric", "ter", "--metric", "chrf++", "--metric", "bleu").splitlines()]
        self.assertEqual(names, ["TER", "chrF2++", "BLEU"])

    def test_says_when_bleu_reads_tokenized_text(self):
        files = self.files([["a b ."] * 100, ["a b ."] * 100])
        for flags, warnings in (([], 1), (["--force"], 0), (["--metric", "ter"], 0)):
            done = subprocess.run([self.binaries / "score", *files, *flags], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (0, warnings), done.stderr)

    def test_errors_are_one_line(self):
        good = self.write("good.txt", ["a", "b"])
        short = self.write("short.txt", ["a"])
        empty = self.write("empty.txt", [])
        (self.work / "bad.txt").write_bytes(b"a\n\xff\n")
        for path, code, message in [(short, 1, "line i of one file"), (empty, 1, "no line to score"), (self.work / "bad.txt", 1, "bad.txt:2: the line is not UTF-8"),
                                    (self.work / "none", 1, "cannot read")]:
            done = subprocess.run([self.binaries / "score", "--file", good, "--references", path], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (code, 1), done.stderr)
            self.assertIn(message, done.stderr)
        for flags in (["--metric", "x"], ["--tokenize", "spm"], ["--tokenize", "flores200"], ["--tokenize", "ko-mecab"],
                      ["--max-ngram-order", "0"], ["--metric", "chrf", "--chrf-char-order", "0"], ["--json", "--score-only"]):
            done = subprocess.run([self.binaries / "score", "--file", good, "--references", good, *flags], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr.count("\n"), done.stdout), (2, 1, ""), done.stderr)


if __name__ == "__main__":
    main()
