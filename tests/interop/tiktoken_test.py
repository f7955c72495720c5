"""Files of ranks against the `tiktoken` package: ids and decodes of every encoding, on real text and on hostile Unicode.

    .venv-reference/bin/python tests/interop/tiktoken_test.py build/release/bin [--ranks FOLDER]

The ranks are those of a vocabulary that our train_tokenizer makes on the spot, so that nothing is downloaded; --ranks names a
folder of published files (cl100k_base.tiktoken and so on), which are compared as well. Exit code 1 and one line per difference.
"""

import argparse
import base64
import json
import pathlib
import pydoc_data.topics
import random
import shutil
import sys
import tempfile

import tiktoken
import tiktoken_ext.openai_public as published

from tokenizer_check import HAND_MADE, Check, random_lines, training_text

SCRIPTS_TEXT = pathlib.Path(__file__).resolve().parents[1] / "data/scripts.txt"
PATTERNS = {"r50k_base": "gpt2", "p50k_base": "gpt2", "cl100k_base": "cl100k", "o200k_base": "o200k", "llama3": "llama3"}
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPECIAL = ["<|endoftext|>", "a<|endoftext|> b", "<|fim_prefix|>x<|fim_suffix|>", "<|endofprompt|>", "<|begin_of_text|>a<|eot_id|>",
           "<|reserved_special_token_2|>", "<|end", "<|<|endoftext|>|>"]


def train_ranks(check, pattern):
    folder = check.work / f"trained-{pattern}"
    if not folder.exists():
        check.run("train_tokenizer", "--kind", "byte-bpe", "--pattern", pattern, "--vocab-size", "9000", "--special-tokens", "",
                  "--out", folder, check.work / "text.txt")
    vocab = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    code = {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
    return {bytes(code[letter] for letter in piece): rank for piece, rank in vocab.items()}


def write_ranks(ranks, file):
    file.parent.mkdir()
    file.write_bytes(b"".join(base64.b64encode(piece) + b" %d\n" % rank for piece, rank in ranks.items()))


def reference(name, ranks):
    """The package's own pattern and special tokens, with these ranks."""
    if name == "llama3":  # Meta's: not in the package
        special = {text: len(ranks) + i for text, i in
                   {"<|begin_of_text|>": 0, "<|end_of_text|>": 1, "<|reserved_special_token_2|>": 5, "<|eot_id|>": 9}.items()}
        return tiktoken.Encoding(name, pat_str=LLAMA3, mergeable_ranks=ranks, special_tokens=special)
    published.load_tiktoken_bpe = lambda *_, **__: ranks
    parts = getattr(published, name)()
    parts.pop("explicit_n_vocab", None)
    return tiktoken.Encoding(**parts)


def check_encoding(check, name, ranks, file, lines):
    encoding = reference(name, ranks)
    encode = lambda *flags: check.run("tokenize", "--tokenizer", file.parent, "encode", "--json", *flags, lines=lines)
    ids = encode()
    check.equal(f"{name} ids", lines, ids, [encoding.encode(x, allowed_special="all") for x in lines])
    check.equal(f"{name} --plain", lines, encode("--plain"), [encoding.encode_ordinary(x) for x in lines])
    decode = check.run("tokenize", "decode", "--json", "--tokenizer", file.parent, lines=ids)
    check.equal(f"{name} decode", lines, decode, [encoding.decode(x) for x in ids])
    check.equal(f"{name} round trip", lines, decode, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--ranks", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=2000)
    arguments = parser.parse_args()
    rng = random.Random(3)
    with tempfile.TemporaryDirectory() as work:
        check = Check(arguments.binaries.resolve(), pathlib.Path(work))
        prose = "\n".join(pydoc_data.topics.topics.values())
        text = prose + training_text(rng) + SCRIPTS_TEXT.read_text(encoding="utf-8") * 20
        (check.work / "text.txt").write_text(text, encoding="utf-8", newline="\n")
        real = SCRIPTS_TEXT.read_text(encoding="utf-8").splitlines() + [prose[i : i + 400] for i in range(0, len(prose), 400)]
        lines = real + HAND_MADE + SPECIAL + list(random_lines(rng, arguments.lines))
        for name, pattern in PATTERNS.items():
            file = check.work / name / ("tokenizer.model" if name == "llama3" else f"{name}.tiktoken")
            ranks = train_ranks(check, pattern)
            write_ranks(ranks, file)
            check_encoding(check, name, ranks, file, lines)
        for file in sorted(arguments.ranks.glob("*.tiktoken")) if arguments.ranks else []:
            ranks = {base64.b64decode(piece): int(rank) for piece, rank in map(bytes.split, file.read_bytes().splitlines())}
            copy = check.work / f"published-{file.stem}" / file.name
            copy.parent.mkdir()
            shutil.copy(file, copy)
            check_encoding(check, file.stem, ranks, copy, lines)
    sys.exit(check.verdict())


if __name__ == "__main__":
    main()
