"""Our tokenizers against Python's packages: equal ids, equal decodes, on hostile text.

    .venv-reference/bin/python tests/interop/tokenizers_test.py build/release/bin

Trains every kind with our train_tokenizer, encodes with our tokenize, and opens the same folders with `tokenizers`,
`sentencepiece` and transformers' AutoTokenizer. Exit code 1 and one line per difference where they disagree.
"""

import argparse
import pathlib
import random
import sys
import tempfile

import sentencepiece
import tokenizers
import transformers

from tokenizer_check import HAND_MADE, SPECIAL, Check, random_lines, training_text


def check_kind(check, name, train, lines, lossless, raw_sentencepiece):
    folder = check.work / name
    check.run("train_tokenizer", *train, "--out", folder, check.work / "text.txt")
    reference = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    auto = transformers.AutoTokenizer.from_pretrained(folder)
    encode = lambda *flags: check.run("tokenize", "--tokenizer", folder, "encode", "--json", *flags, lines=lines)
    decode = lambda ids, *flags: check.run("tokenize", "decode", "--json", "--tokenizer", folder, *flags, lines=ids)

    ids = encode()
    check.equal(f"{name} ids", lines, ids, [reference.encode(x, add_special_tokens=False).ids for x in lines])
    check.equal(f"{name} ids by AutoTokenizer", lines, ids, [auto.encode(x, add_special_tokens=False) for x in lines])
    check.equal(f"{name} --special", lines, encode("--special"), [reference.encode(x).ids for x in lines])
    check.equal(f"{name} decode", lines, decode(ids), [reference.decode(x, skip_special_tokens=False) for x in ids])
    check.equal(f"{name} decode --skip-special", lines, decode(ids, "--skip-special"), [reference.decode(x) for x in ids])
    plain = encode("--plain")
    if lossless:
        check.equal(f"{name} round trip", lines, decode(plain), lines)
    reference.encode_special_tokens = True
    check.equal(f"{name} --plain", lines, plain, [reference.encode(x, add_special_tokens=False).ids for x in lines])
    if raw_sentencepiece:
        raw = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        check.equal(f"{name} sentencepiece", lines, plain, [raw.encode(x) for x in lines])
        if lossless:
            check.equal(f"{name} sentencepiece's decode", lines, [raw.decode(x) for x in plain], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=2000)
    arguments = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as work:
        check = Check(arguments.binaries.resolve(), pathlib.Path(work))
        text = training_text(rng)
        (check.work / "text.txt").write_text(text, encoding="utf-8", newline="\n")
        hostile = HAND_MADE + SPECIAL + list(random_lines(rng, arguments.lines))
        known = [text[i : i + 200] for i in range(0, 40000, 200)] + ["", "\n", " "]
        for algorithm in ["bpe", "unigram"]:
            kind = f"sentencepiece-{algorithm}"
            check_kind(check, kind, ["--kind", kind, "--vocab-size", "1200"], hostile + known, True, True)
            lossy = ["--kind", kind, "--vocab-size", "800", "--lossy"]
            check_kind(check, kind + "-lossy", lossy, known, False, True)
        check_kind(check, "character", ["--kind", "character"], known, True, False)
        check_kind(check, "character-unknown", ["--kind", "character", "--unknown"], hostile + known, False, False)
    sys.exit(check.verdict())


if __name__ == "__main__":
    main()
