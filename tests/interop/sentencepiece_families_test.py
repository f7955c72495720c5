"""Tokenizers of the SentencePiece family as `transformers` makes and saves them: T5, XLM-R, Llama, Gemma, Marian and more.

    .venv-reference/bin/python tests/interop/sentencepiece_families_test.py build/release/bin

Trains small .model files, lets each class of `transformers` read one and save its tokenizer.json, and compares our `tokenize` on that
folder with the class: ids, offsets, special tokens, decodes. The .model files alone are compared with `sentencepiece`, and folders of two
.spm files and a vocab.json with MarianTokenizer. Exit code 1 and one line per difference where they disagree.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import sentencepiece
import transformers

from tokenizer_check import HAND_MADE, SPECIAL, Check, random_lines, training_text

# Ids of the special pieces as each family has them.
T5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
LLAMA = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "byte_fallback": True}
GEMMA = LLAMA | {"add_dummy_prefix": False, "allow_whitespace_only_pieces": True, "pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3}
MODELS = {"t5": ("unigram", T5), "xlmr": ("unigram", {}), "llama": ("bpe", LLAMA), "gemma": ("bpe", GEMMA),
          "lossless": ("unigram", LLAMA | {"add_dummy_prefix": False}), "defined": ("unigram", {"user_defined_symbols": ["<ent>", "the", "et"]}),
          "nfkc": ("bpe", {"normalization_rule_name": "nmt_nfkc_cf"}), "defined-bpe": ("bpe", {"user_defined_symbols": ["<ent>", "an", "oi"]})}
FAMILIES = {"T5Tokenizer": ("spiece.model", "t5"), "XLMRobertaTokenizer": ("sentencepiece.bpe.model", "xlmr"),
            "CamembertTokenizer": ("sentencepiece.bpe.model", "xlmr"), "LlamaTokenizer": ("tokenizer.model", "llama"),
            "CodeLlamaTokenizer": ("tokenizer.model", "llama"), "GemmaTokenizer": ("tokenizer.model", "gemma"),
            "PegasusTokenizer": ("spiece.model", "t5"), "XLNetTokenizer": ("spiece.model", "xlmr"), "BigBirdTokenizer": ("spiece.model", "xlmr"),
            "MBartTokenizer": ("sentencepiece.bpe.model", "xlmr"), "MBart50Tokenizer": ("sentencepiece.bpe.model", "xlmr"),
            "NllbTokenizer": ("sentencepiece.bpe.model", "nfkc"), "ReformerTokenizer": ("spiece.model", "llama"),
            "BarthezTokenizer": ("sentencepiece.bpe.model", "xlmr"), "RemBertTokenizer": ("sentencepiece.model", "xlmr"),
            "DebertaV2Tokenizer": ("spm.model", "xlmr"), "UdopTokenizer": ("spiece.model", "t5")}
MARIAN = {"marian": ("xlmr", "nfkc"), "marian-bytes": ("llama", "lossless"), "marian-defined": ("defined", "defined-bpe")}


def to_bytes(text, offsets):
    """The package counts characters, we count bytes."""
    at = [0]
    for character in text:
        at.append(at[-1] + len(character.encode()))
    return [[at[a], at[b]] for a, b in offsets]


def train_models(work, text):
    (work / "text.txt").write_text(text, encoding="utf-8", newline="\n")
    for name, (model_type, settings) in MODELS.items():
        sentencepiece.SentencePieceTrainer.train(input=str(work / "text.txt"), model_prefix=str(work / name), model_type=model_type,
                                                 vocab_size=900, num_threads=1, minloglevel=2, **settings)


def check_model(check, name, lines):
    folder = check.work / f"{name}-alone"
    folder.mkdir()
    shutil.copy(check.work / f"{name}.model", folder / "tokenizer.model")
    reference = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    ids = check.run("tokenize", "--tokenizer", folder, "encode", "--json", lines=lines)
    check.equal(f"{name}.model", lines, ids, [reference.encode(line) for line in lines])
    known = [(line, row) for line, row in zip(lines, ids) if reference.unk_id() not in row]
    rows = [row for _, row in known]
    decoded = check.run("tokenize", "decode", "--json", "--tokenizer", folder, lines=rows)
    check.equal(f"{name}.model decode", [line for line, _ in known], decoded, [reference.decode(row) for row in rows])


def check_family(check, name, lines):
    file, model = FAMILIES[name]
    source, folder = check.work / f"{name}-source", check.work / name
    source.mkdir()
    shutil.copy(check.work / f"{model}.model", source / file)
    getattr(transformers, name).from_pretrained(source).save_pretrained(folder)
    reference = transformers.AutoTokenizer.from_pretrained(folder).backend_tokenizer
    encode = lambda *flags: check.run("tokenize", "--tokenizer", folder, "encode", "--json", *flags, lines=lines)
    theirs = [reference.encode(line, add_special_tokens=False) for line in lines]
    ids = encode()
    check.equal(f"{name} ids", lines, ids, [x.ids for x in theirs])
    check.equal(f"{name} offsets", lines, encode("--offsets"), [to_bytes(line, x.offsets) for line, x in zip(lines, theirs)])
    check.equal(f"{name} --special", lines, encode("--special"), [reference.encode(line).ids for line in lines])
    decode = lambda *flags: check.run("tokenize", "decode", "--json", "--tokenizer", folder, *flags, lines=ids)
    check.equal(f"{name} decode", lines, decode(), [reference.decode(x, skip_special_tokens=False) for x in ids])
    check.equal(f"{name} decode --skip-special", lines, decode("--skip-special"), [reference.decode(x) for x in ids])


def check_marian(check, name, lines, rng):
    folder = check.work / name
    folder.mkdir()
    vocabulary = {"</s>": 0, "<unk>": 1}
    for model, spm in zip(MARIAN[name], ["source.spm", "target.spm"]):
        shutil.copy(check.work / f"{model}.model", folder / spm)
        processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / spm))
        for i in range(processor.get_piece_size()):
            if i % 20 != 19:  # some pieces are missing
                vocabulary.setdefault(processor.id_to_piece(i), len(vocabulary))
    for piece in [">>fra<<", "<pad>"]:
        vocabulary[piece] = len(vocabulary)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "MarianTokenizer"}))
    reference = transformers.MarianTokenizer.from_pretrained(folder)
    lines = lines + [code + line for line in lines[::5] for code in [">>fra<<", ">>fra<< ", ">>deu<< ", "</s>", "<pad>>>fra<<", ">>"]]
    encode = lambda *flags: check.run("tokenize", "--tokenizer", folder, *flags, "encode", "--json", "--special", lines=lines)
    ids = encode()
    check.equal(f"{name} source", lines, ids, [reference(line).input_ids for line in lines])
    check.equal(f"{name} target", lines, encode("--target"), [reference(text_target=line).input_ids for line in lines])
    rows = ids + [[rng.randrange(len(vocabulary)) for _ in range(12)] for _ in range(300)]
    decode = lambda *flags: check.run("tokenize", "decode", "--json", "--tokenizer", folder, *flags, lines=rows)
    check.equal(f"{name} decode", rows, decode(), [reference.decode(row) for row in rows])
    check.equal(f"{name} decode --skip-special", rows, decode("--skip-special"), [reference.decode(row, skip_special_tokens=True) for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=500)
    arguments = parser.parse_args()
    rng = random.Random(3)
    with tempfile.TemporaryDirectory() as work:
        check = Check(arguments.binaries.resolve(), pathlib.Path(work))
        text = training_text(rng)
        train_models(check.work, text)
        lines = HAND_MADE + SPECIAL + list(random_lines(rng, arguments.lines)) + [text[i : i + 150] for i in range(0, 15000, 150)]
        for name in MODELS:
            check_model(check, name, lines)
        for name in FAMILIES:
            check_family(check, name, lines)
        for name in MARIAN:
            check_marian(check, name, lines, rng)
    sys.exit(check.verdict())


if __name__ == "__main__":
    main()
