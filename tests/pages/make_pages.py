#!/usr/bin/env python3
"""Makes a page of every kind by running the zoo's programs on tiny inputs.

    tests/pages/make_pages.py FOLDER [KIND...]      # programs from build/release/bin, or from $ZOO_PROGRAMS
"""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("ZOO_PROGRAMS", ROOT / "build/release/bin"))
LINE = "To be, or not to be, that is the question: whether it is nobler"  # with the next word, 64 characters and more

PROGRESS = {  # of a student
    "01_masked_softmax": {"marks": 10, "state": "full", "attempts": 2, "seconds": 700},
    "02_one_head": {"marks": 6, "state": "partial", "attempts": 9, "seconds": 5000, "misconception": "scaled-after-softmax", "hints": [2, 1]},
}


def run(program, *words):
    """Runs a program; its flags come as name=value or as words."""
    path = program if isinstance(program, pathlib.Path) else PROGRAMS / program
    if not path.exists():
        raise RuntimeError(f"{path} is not built: scripts/build.sh builds all programs, $ZOO_PROGRAMS names another folder")
    done = subprocess.run([str(path), *map(str, words)], capture_output=True, text=True, encoding="utf-8", errors="replace",
                          env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300, cwd=ROOT)  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{path.name} {' '.join(map(str, words))}\nended with {done.returncode}: {done.stderr[-800:]}")
    return done.stdout


def flags(**values):
    return [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]


def png(width, height, pixel):
    """The bytes of a PNG; pixel(x, y) is a triple of 0 to 255."""
    rows = b"".join(b"\0" + bytes(c for x in range(width) for c in pixel(x, y)) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def digit(label, shift, x, y):
    """A bright bar whose place and direction tell the class, on black, as handwritten digits are."""
    along, across = (x, y) if label % 2 else (y, x)
    return 255 if abs(across - 5 - 2 * label + shift) < 2 and 3 < along < 24 else 0


def idx(sizes, data):
    return struct.pack(">BBBB", 0, 0, 8, len(sizes)) + b"".join(struct.pack(">I", n) for n in sizes) + bytes(data)


class Pages:
    """Each method makes the pages of its name and returns them; what several need is made once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def __truediv__(self, name):
        return self.folder / name

    def plays(self):
        text = self / "plays.txt"
        text.write_text((LINE + " in the mind to suffer.\n") * 120, encoding="utf-8")
        return text

    def gpt(self):
        out = self / "gpt-letters"
        if not out.exists():
            run("train_gpt", *flags(data=self.plays(), out=out, layers=2, heads=4, d_model=32, context=80, threads=1, batch_size=4, max_steps=130,
                                    evaluate_every=26, warmup_steps=0, learning_rate=3e-3, sample_tokens=60,
                                    expect_at_most=1.9))  # fmt: skip
        return out

    def transformer(self):
        out = self / "reverse"
        if not out.exists():
            run("train_transformer", "--config", "transformer-reverse",
                *flags(out=out, task_examples=400, task_length=8, batch_tokens=200, max_steps=60, schedule_steps=60, evaluate_every=20,
                       warmup_steps=10, decode_pairs=10, encoder_layers=2, decoder_layers=2, heads=2, threads=1))  # fmt: skip
        return out

    def vit(self):
        out = self / "digits"
        if not out.exists():
            data = self / "digit-files"
            data.mkdir()
            for part, count in (("train", 80), ("t10k", 40)):
                pixels = [digit(n % 10, n % 3, x, y) for n in range(count) for y in range(28) for x in range(28)]
                (data / f"{part}-images-idx3-ubyte").write_bytes(idx([count, 28, 28], pixels))
                (data / f"{part}-labels-idx1-ubyte").write_bytes(idx([count], [n % 10 for n in range(count)]))
            run("train_vit", *flags(data=data, out=out, image_size=28, patch_size=4, channels=1, layers=2, heads=2, d_model=16, batch_size=8,
                                    init_std=0.2, threads=1, max_steps=40, schedule_steps=40, evaluate_every=10, warmup_steps=0,
                                    learning_rate=5e-3))  # fmt: skip
        return out

    def clip(self):
        out = self / "shapes"
        if not out.exists():
            run("train_clip", *flags(task="shapes", out=out, shapes=64, validation_shapes=32, image_size=16, image_channels=3,
                                     image_patch_size=8, image_layers=1, image_d_model=16, image_heads=2, text_layers=1, text_d_model=16,
                                     text_heads=2, projection=8, batch_size=16, max_steps=12, schedule_steps=12, evaluate_every=3,
                                     warmup_steps=0, threads=1))  # fmt: skip
        return out

    def digit(self):
        picture = self / "digit.png"
        picture.write_bytes(png(28, 28, lambda x, y: (digit(3, 0, x, y),) * 3))
        return picture

    def pictures(self):
        """A folder to search."""
        out = self / "pictures"
        if not out.exists():
            out.mkdir()
            for n, colour in enumerate([(220, 40, 40), (40, 160, 60), (50, 80, 220), (230, 200, 40), (120, 60, 160)]):
                (out / f"a coloured disc, number {n}.png").write_bytes(
                    png(40, 30, lambda x, y, c=colour: c if (x - 20) ** 2 + (y - 15) ** 2 < 120 else (240, 240, 240)))  # fmt: skip
        return out

    def tokenizers(self):
        text, folders = self.plays(), []
        for kind, size in (("byte-bpe", 300), ("wordpiece", 120), ("character", 200)):
            out = self / f"{kind}-of-the-plays"
            if not out.exists():
                run("train_tokenizer", *flags(kind=kind, vocab_size=size, out=out), text)
            folders.append(out)
        return folders

    # The pages, kind by kind.

    def report(self):
        return [run / "report.html" for run in (self.gpt(), self.transformer(), self.vit(), self.clip())]

    def sweep(self):
        out = self / "sweep"
        if not out.exists():
            run("train_gpt", *flags(data=self.plays(), out=out, layers=1, heads=2, context=16, threads=1, batch_size=4, max_steps=12,
                                    evaluate_every=3, sample_tokens=0, sweep="position=none,rotary norm=layer,rms", scale="d-model=8,12,16",
                                    seeds=1))  # fmt: skip
        return [out / "comparison.html"]

    def comparison(self):
        out = self / "compared"
        if not out.exists():
            for seed in (1, 2):
                run("train_gpt", *flags(data=self.plays(), out=self / f"seed-{seed}", layers=1, heads=2, d_model=8, context=16,
                                        threads=1, max_steps=12, evaluate_every=4, sample_tokens=0, seed=seed))  # fmt: skip
            run("compare_runs", self.gpt(), self / "seed-1", self / "seed-2", "--out", out)
        return [out / "comparison.html"]

    def attention(self):
        asked = {
            "gpt": [self.gpt(), "--text", LINE + "s"],
            "encoder-decoder": [self.transformer(), "--source", "12345678", "--target", "87654321"],
            "vit": [self.vit(), "--image", self.digit()],
            "clip": [self.clip(), "--image", sorted(self.pictures().iterdir())[0], "--text", "a red disc"],
        }
        for name, (model, *words) in asked.items():
            if not (self / f"attention-{name}").exists():
                run("attention_map", "--model", model, *words, "--out", self / f"attention-{name}")
        return [self / f"attention-{name}/attention.html" for name in asked]

    def look(self):
        model, out = self.gpt(), self / "look"
        asked = {"lens": ["--text", "To be, or not"], "heads": ["--text", LINE], "embeddings": [], "statistics": ["--text", LINE],
                 "patch": ["--text", "To be, or", "--corrupted", "To be, no", "--answer", " ", "--other", "t"]}  # fmt: skip
        for verb, words in asked.items():
            if not (out / verb).exists():
                run("look_inside", verb, "--model", model, *words, "--out", out / verb)
        return [next((out / verb).glob("*.html")) for verb in asked]

    def kernels(self):
        out, mixers = self / "kernels.html", self / "mixers.html"
        if not out.exists():
            run("compare_attention", *flags(shapes="1x2x32x16,1x2x48x16", kernels="matmul,flash,torch", seconds=0.001, threads=1, page=out))
        if not mixers.exists():
            run("compare_attention", *flags(mixers="all", mask="causal", lengths="64,128,256", seconds=0.001, threads=1, page=mixers))
        return [out, mixers]

    def tokenizer(self):
        out = self / "tokenizers.html"
        if not out.exists():
            folders = self.tokenizers()
            run("tokenize", "compare", *(word for folder in folders for word in ("--tokenizer", folder)),
                *flags(file=self.plays(), page=out))  # fmt: skip
        return [out]

    def alignment(self):
        out = self / "alignment.html"
        if not out.exists():
            run("translate", "--model", self.transformer(), "12345678", "3319", "--page", out)
        return [out]

    def contact_sheet(self):
        out = self / "found.html"
        if not out.exists():
            run("match_images", "--model", self.clip(), "--images", self.pictures(), "a red disc", "something blue", "--page", out)
        return [out]

    def rollout(self):
        out = self / "rollout.html"
        if not out.exists():
            run("classify_image", "--model", self.vit(), self.digit(), "--page", out)
        return [out]

    def grades(self):
        """A student's page and a class's table; no exercise is graded for them."""
        work, students = self / "exercises", self / "class"
        if not work.exists():
            grade = ROOT / "scripts/grade.sh"
            run(grade, "list", "--work", work)
            (work / ".progress.json").write_text(json.dumps(PROGRESS), encoding="utf-8")
            run(grade, "report", "--work", work)
            for name in ("Ada Lovelace", "Rózsa Péter"):
                shutil.copytree(work, students / name)
            run(grade, "collect", students, "--out", self / "table")
        return [work / "report.html", self / "table/class.html"]

    def all(self, kinds=None):
        return {kind: getattr(self, kind)() for kind in kinds or KINDS}


KINDS = ["report", "sweep", "comparison", "attention", "look", "kernels", "tokenizer", "alignment", "contact_sheet", "rollout", "grades"]

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for kind, pages in Pages(sys.argv[1]).all(sys.argv[2:]).items():
        for page in pages:
            print(f"{kind:<14} {page}")
