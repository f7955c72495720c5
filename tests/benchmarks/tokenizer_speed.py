#!/usr/bin/env python3
"""Encoding and training, ours against `tokenizers`, `tiktoken` and `sentencepiece`, side by side in one run.

    scripts/build.sh tokenizer_bench train_tokenizer && scripts/get_data.sh tinyshakespeare && scripts/bootstrap.sh --reference
    .venv-reference/bin/python tests/benchmarks/tokenizer_speed.py

The text is tiny Shakespeare four times over (4.5 MB). All tokenizers are trained on it first, so nothing is downloaded;
each pair encodes with the same vocabulary, and the ids are compared. Times are inside the process: loading a program or
a vocabulary does not count. MB/s are medians of interleaved repeats. Nothing else should run on the machine.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GPT2_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""


def seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def ours(options, folder, text) -> dict:
    done = subprocess.run([options.programs / "tokenizer_bench", "--tokenizer", folder, "--text", text, "--repeats", "1",
                           "--threads", str(options.threads)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class Reference:
    """One package with our vocabulary: `whole` encodes the text at once, `lines` as a batch on all threads."""

    def __init__(self, name, whole, lines):
        self.name, self.whole, self.lines = name, whole, lines


def byte_bpe_references(folder, threads):
    import tiktoken
    import tokenizers

    package = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    to_byte = {c: b for b, c in byte_alphabet().items()}
    ranks = {bytes(to_byte[c] for c in piece): id for piece, id in package.get_vocab().items() if piece != "<|endoftext|>"}
    special = package.token_to_id("<|endoftext|>")
    encoding = tiktoken.Encoding("ours", pat_str=GPT2_PATTERN, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": special})
    return [Reference("tokenizers", lambda t: len(package.encode(t).ids), lambda ls: sum(len(x.ids) for x in package.encode_batch_fast(ls))),
            Reference("tiktoken", lambda t: len(encoding.encode_ordinary(t)),
                      lambda ls: sum(map(len, encoding.encode_ordinary_batch(ls, num_threads=threads))))]


def byte_alphabet():
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {b: chr(b) for b in keep}
    for n, b in enumerate(b for b in range(256) if b not in table):
        table[b] = chr(256 + n)
    return table


def wordpiece_references(folder, threads):
    import tokenizers

    package = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    return [Reference("tokenizers", lambda t: len(package.encode(t, add_special_tokens=False).ids),
                      lambda ls: sum(len(x.ids) for x in package.encode_batch_fast(ls, add_special_tokens=False)))]


def sentencepiece_references(folder, threads):
    import sentencepiece

    package = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    return [Reference("sentencepiece", lambda t: len(package.encode(t)), lambda ls: sum(map(len, package.encode(ls, num_threads=threads))))]


KINDS = {"byte-bpe": byte_bpe_references, "wordpiece": wordpiece_references, "sentencepiece-unigram": sentencepiece_references}


def train(options, kind, text, out) -> float:
    done = subprocess.run([options.programs / "train_tokenizer", "--kind", kind, "--vocab-size", str(options.vocab_size), "--out", out,
                           "--threads", str(options.threads), text], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"tokenizer_speed: {done.stderr.strip()}")
    return out


def compare_encoding(options, kind, folder, text_file, text, rows):
    lines = text.splitlines(keepends=True)
    references = KINDS[kind](folder, options.threads)
    times = {name: {"whole": [], "lines": []} for name in ["zoo", *(r.name for r in references)]}
    for _ in range(options.repeats):
        result = ours(options, folder, text_file)
        for how in ("whole", "lines"):
            times["zoo"][how].append(result[how][0])
        for reference in references:
            counts = {}
            times[reference.name]["whole"].append(seconds(lambda: counts.update(whole=reference.whole(text))))
            times[reference.name]["lines"].append(seconds(lambda: counts.update(lines=reference.lines(lines))))
            if counts != result["ids"]:
                print(f"tokenizer_speed: {kind}: {reference.name} gives {counts}, ours {result['ids']}", file=sys.stderr)
    for name, of in times.items():
        speed = {how: len(text.encode()) / statistics.median(of[how]) / 1e6 for how in of}
        rows.append({"task": f"encode {kind}", "who": name, "one_thread_mb_s": speed["whole"], "all_threads_mb_s": speed["lines"]})


def compare_training(options, kind, text_file, work, rows):
    import tokenizers

    def package():
        if kind == "byte-bpe":
            t = tokenizers.ByteLevelBPETokenizer()
            t.train([str(text_file)], vocab_size=options.vocab_size, min_frequency=2, special_tokens=["<|endoftext|>"], show_progress=False)
        else:
            t = tokenizers.BertWordPieceTokenizer()
            t.train([str(text_file)], vocab_size=options.vocab_size, show_progress=False)

    times = {"zoo": [], "tokenizers": []}
    for n in range(options.repeats):
        times["zoo"].append(seconds(lambda: train(options, kind, text_file, work / f"{kind}-{n}")))
        times["tokenizers"].append(seconds(package))
    for name, of in times.items():
        rows.append({"task": f"train {kind}", "who": name, "seconds": statistics.median(of)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / "data/tinyshakespeare/input.txt")
    parser.add_argument("--times", type=int, default=4, help="how often the text is repeated")
    parser.add_argument("--vocab-size", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = str(options.threads)
    text = options.data.read_text(encoding="utf-8") * options.times
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        text_file = work / "text.txt"
        text_file.write_text(text, encoding="utf-8", newline="")
        for kind in KINDS:
            compare_encoding(options, kind, train(options, kind, text_file, work / kind), text_file, text, rows)
        for kind in ("byte-bpe", "wordpiece"):
            compare_training(options, kind, text_file, work, rows)
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        numbers = "  ".join(f"{key} {value:8.2f}" for key, value in row.items() if isinstance(value, float))
        print(f"{row['task']:<28} {row['who']:<14} {numbers}")


if __name__ == "__main__":
    main()
