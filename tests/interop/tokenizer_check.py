"""What the comparisons of tokenizers share: hostile texts, text to train on, our programs as functions, counting."""

import json
import random
import subprocess

SCRIPTS = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5F4), (0x600, 0x6FF),
           (0x900, 0x97F), (0xE00, 0xE5B), (0x1100, 0x11FF), (0x2000, 0x206F), (0x2580, 0x259F), (0x3040, 0x30FF),
           (0x4E00, 0x4FFF), (0xAC00, 0xAD00), (0xE000, 0xE010), (0xFB00, 0xFB06), (0xFE00, 0xFE0F), (0xFF00, 0xFFEF),
           (0xFFF0, 0xFFFF), (0x1F300, 0x1F64F), (0x20000, 0x20010), (0xE0100, 0xE0110), (0x10FFF0, 0x10FFFF)]
HAND_MADE = ["", " ", "  ", "a", " a", "a ", "  two  spaces  ", "\t\ttabs", "line\nfeed", "\n", "\n\n\n", "\r\n", "a\r",
             "\x00", "nul\x00inside", "\u2581", "\u2581\u2581a\u2581", "\u2585", "e\u0301", "\u00e9", "\ufb01", "\ufeffBOM",
             "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1eb\U0001f1f7", "\u2028", "\u0085", "\u180e", "\u00a0",
             "\ufffd", "\uffff", "\U0010ffff", "<0x41>", "<0x0A><0xFF>", "<0x", "İstanbul ıI", "ὈΔΥΣΣΕΎΣ", "x" * 3000,
             " " * 500, "ab" * 700, "aab" * 400, "the " * 300, "3.14159", "don't", "def f(x):\n    return x\n", "㍻㈱①"]
SPECIAL = ["<s>", "</s>", "a<s>b", "<unk>", "<pad></s> x", "<s", "<s><s>", " <s> ", "<<s>>"]


def random_lines(rng, count):
    for _ in range(count):
        low, high = rng.choice(SCRIPTS)
        mixed = rng.random() < 0.4
        line = []
        for _ in range(rng.randint(1, 60)):
            if mixed:
                low, high = rng.choice(SCRIPTS)
            line.append(rng.choice(["  ", " ", "\n", "the", "ing"]) if rng.random() < 0.2 else chr(rng.randint(low, high)))
        yield "".join(line)


def training_text(rng):
    """Words with a long-tailed frequency, in several scripts, with code-like indentation and double line feeds."""
    letters = ["etaoinshrdlucmfw", "аоиенстрвл", "αειοντσρ", "的一是不了人", "あいうえおかきく"]
    words = ["".join(rng.choices(alphabet, k=rng.randint(1, 9))) for alphabet in letters for _ in range(400)]
    weights = [1 / (1 + i % 400) for i in range(len(words))]
    lines = []
    for _ in range(4000):
        line = " ".join(rng.choices(words, weights, k=rng.randint(0, 12)))
        lines.append(rng.choice(["", "    ", "  ", "\t"]) + line + rng.choice(["", ".", ",", "!", "\n", ":  <s>"]))
    return "\n".join(lines)


def to_bytes(text, offsets):
    """The package counts characters, we count bytes; and what it puts past the end of the text ends there with us."""
    at = [0]
    for character in text:
        at.append(at[-1] + len(character.encode()))
    return [[at[min(a, len(text))], at[min(b, len(text))]] for a, b in offsets]


class Check:
    def __init__(self, binaries, work):
        self.binaries, self.work, self.failures, self.compared = binaries, work, 0, 0

    def run(self, program, *arguments, lines=None):
        text = None if lines is None else "".join(json.dumps(line) + "\n" for line in lines)
        done = subprocess.run([self.binaries / program, *arguments], input=text, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{program} {' '.join(map(str, arguments))}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()] if lines is not None else done.stdout

    def equal(self, what, lines, ours, theirs):
        for line, a, b in zip(lines, ours, theirs, strict=True):
            self.compared += 1
            if a != b:
                self.failures += 1
                if self.failures <= 20:
                    print(f"{what}: {line[:60]!r}: ours {a if len(a) < 200 else len(a)}, reference {b if len(b) < 200 else len(b)}")

    def verdict(self):
        print(f"{self.compared} comparisons, {self.failures} differences")
        return 1 if self.failures or self.compared == 0 else 0
