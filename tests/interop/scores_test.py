"""The program score against sacrebleu on random lines of hostile Unicode, all digits of the numbers.

    .venv-reference/bin/python tests/interop/scores_test.py build/release/bin
"""
import json
import random
import subprocess

from sacrebleu.metrics import BLEU, CHRF

from interop import InteropTest, main

ALPHABET = list("aabbcc    .,-5'&;()$") + ["é", "É", "Σ", "σ", "\u00a0", "\u3000", "\x1f", "…", "«", "€", "½", "中", "क", "\u0301", "\u200d",
                                           "👩", "İ", "&lt;", "<skipped>", "&amp;", " the ", " cat ", "The"]


def random_line(rng: random.Random) -> str:
    return "".join(rng.choices(ALPHABET, k=rng.choice([0, 1, 3, 10, 40])))


def changed(line: str, rng: random.Random) -> str:
    return "".join(c for c in line if rng.random() > 0.1) + random_line(rng)[:3]


class ScoresTest(InteropTest):
    def write(self, name: str, lines: list[str]):
        (self.work / name).write_text("".join(line + "\n" for line in lines), newline="\n")
        return self.work / name

    def compare(self, metric, lists: list[list[str]], *flags) -> None:
        hypotheses, *references = (self.write(f"{i}.txt", lines) for i, lines in enumerate(lists))
        arguments = ["--hypotheses", hypotheses] + [part for path in references for part in ("--references", path)]
        ours = json.loads(self.run_program("score", *arguments, *flags, "--json", "--width", 10))
        stripped = [[line.rstrip() for line in lines] for lines in lists]
        theirs = metric.corpus_score(stripped[0], stripped[1:])
        self.assertAlmostEqual(ours["score"], theirs.score, delta=2e-10, msg=f"{flags}")
        self.assertEqual(ours["signature"].replace("+zoo", ""), str(metric.get_signature()))
        line = self.run_program("score", *arguments, *flags).replace("+zoo", "")
        self.assertEqual(line.rstrip("\n"), theirs.format(width=1, signature=str(metric.get_signature())))

    def test_random_lines(self):
        rng = random.Random(3)
        for _ in range(20):
            hypotheses = [random_line(rng) for _ in range(rng.choice([1, 5, 50]))]
            references = [[changed(line, rng) for line in hypotheses] for _ in range(rng.randint(1, 3))]
            lists = [hypotheses, *references]
            for tokenizer in ("13a", "intl", "char", "none"):
                self.compare(BLEU(tokenize=tokenizer), lists, "--tokenize", tokenizer)
            self.compare(BLEU(lowercase=True, effective_order=True), lists, "--lowercase", "--effective-order")
            self.compare(BLEU(smooth_method="floor", smooth_value=0.3), lists, "--smooth-method", "floor", "--smooth-value", "0.3")
            self.compare(CHRF(), lists, "--metric", "chrf")
            self.compare(CHRF(whitespace=True, lowercase=True), lists, "--metric", "chrf", "--whitespace", "--lowercase")
            self.compare(CHRF(word_order=2), lists, "--metric", "chrf++")

    def test_errors_are_one_line(self):
        good = self.write("good.txt", ["a", "b"])
        short = self.write("short.txt", ["a"])
        empty = self.write("empty.txt", [])
        (self.work / "bad.txt").write_bytes(b"a\n\xff\n")
        for path, code, message in [(short, 1, "line i of one file"), (empty, 1, "no line to score"), (self.work / "bad.txt", 1, "bad.txt:2: the line is not UTF-8"),
                                    (self.work / "none", 1, "cannot read")]:
            done = subprocess.run([self.binaries / "score", "--hypotheses", good, "--references", path], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (code, 1), done.stderr)
            self.assertIn(message, done.stderr)
        done = subprocess.run([self.binaries / "score", "--hypotheses", good, "--references", good, "--metric", "x"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)


if __name__ == "__main__":
    main()
