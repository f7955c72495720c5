"""Makes tests/golden/tokenizers/{unigram,nbest,marian}.json: what Python's packages give for the SentencePiece family.

    .venv-reference/bin/python tests/golden/sentencepiece_files.py

unigram.json: a vocabulary and words, ids and ends of pieces by the `tokenizers` package. Some words have splits that cost the same
but for the last bits of their scores, which the package does not read exactly. nbest.json: the best splits of texts by the `sentencepiece` package and its unigram.model.
marian.json: a vocabulary of unigram.model's pieces (source) and bpe.model's (target), ids and texts by MarianTokenizer.
"""

import json
import pathlib
import random
import tempfile

import sentencepiece
import tokenizers
import transformers

FOLDER = pathlib.Path(__file__).parent / "tokenizers"


def write(name, content):
    (FOLDER / name).write_text(json.dumps(content, indent=None, separators=(",", ":")) + "\n", encoding="ascii")


def unigram():
    rng = random.Random(11)
    letters = "ab▁é日"
    pieces = sorted({"".join(rng.choices(letters, k=rng.randint(1, 4))) for _ in range(60)} - {"é", "日"})
    vocabulary = [["<unk>", 0.0]] + [[piece, -rng.random() * 9 - 1] for piece in pieces]
    vocabulary += [[f"<0x{byte:02X}>", -12.5] for byte in range(256) if byte != 0xF0]
    model = {"type": "Unigram", "unk_id": 0, "vocab": vocabulary, "byte_fallback": True}
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
             "post_processor": None, "decoder": None, "model": model}
    reference = tokenizers.Tokenizer.from_str(json.dumps(whole)).model
    words = ["".join(rng.choices(letters + rng.choice(["", "x", "é日", "<0x41>", "\U0001f600"]), k=rng.randint(1, 60))) for _ in range(80)]
    exact = tokenizers.models.Unigram([tuple(entry) for entry in vocabulary], 0, True)  # scores that no JSON reader has touched
    candidates = ["".join(rng.choices("ab▁", k=60)) for _ in range(40000)]
    close = [word for word in candidates if [t.id for t in exact.tokenize(word)] != [t.id for t in reference.tokenize(word)]]
    assert len(close) > 3
    words += close[:10] + ["<unk>", "x<unk>y", "ab" * 60, "▁" * 50, "aba" * 40, "ñ\U0001f600ñ", ""]
    tokens = [reference.tokenize(word) for word in words]
    write("unigram.json", {"model": model, "words": words, "ids": [[t.id for t in row] for row in tokens],
                           "ends": [[t.offsets[1] for t in row] for row in tokens]})


def nbest():
    model = sentencepiece.SentencePieceProcessor(model_file=str(FOLDER / "unigram.model"))
    cases = []
    for text in ["ship", "the harbour", "storm took", "  two  moons ", "日 ship", "eeee", ""]:
        found = model.nbest_encode(text, nbest_size=12, return_type="proto")
        cases.append({"text": text, "nbest": [[[piece.id for piece in row.pieces], row.score] for row in found.nbests]})
    write("nbest.json", cases)


def marian():
    models = [FOLDER / "unigram.model", FOLDER / "bpe.model"]
    vocabulary = {"</s>": 0, "<unk>": 1}
    for model in models:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
        for i in range(processor.get_piece_size()):
            if i % 29 != 28:  # some pieces are missing
                vocabulary.setdefault(processor.id_to_piece(i), len(vocabulary))
    for piece in [">>fra<<", "日", "<pad>"]:
        vocabulary[piece] = len(vocabulary)
    config = {"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "fr", "additional_special_tokens": ["<new>"]}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for model, spm in zip(models, ["source.spm", "target.spm"]):
            (folder / spm).write_bytes(model.read_bytes())
        (folder / "vocab.json").write_text(json.dumps(vocabulary))
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
        tokenizer = transformers.MarianTokenizer.from_pretrained(folder)
        texts = ["", " ", "the ship", ">>fra<<the ship", ">>fra<< the ship", ">>deu<< the ship", "the >>fra<< ship", ">>fra<<", ">>fra",
                 ">><<", "</s>the ship</s>", "a<pad>>>fra<< b", "<unk>", "<new> moon<new>", "日本 moon", "é", "storm\nmoon", "\u2581the", "  two  "]
        cases = [{"text": text, "source": tokenizer(text).input_ids, "target": tokenizer(text_target=text).input_ids} for text in texts]
        rows = [row[side] for row in cases for side in ["source", "target"]]
        rows += [[vocabulary["<pad>"]] + cases[2]["target"], cases[2]["source"] + cases[3]["target"] + cases[4]["source"]]
        decoded = [{"ids": row, "text": tokenizer.decode(row), "bare": tokenizer.decode(row, skip_special_tokens=True)} for row in rows]
        pair = tokenizer("the ship", "one moon").input_ids
    write("marian.json", {"vocab": vocabulary, "config": config, "cases": cases, "decoded": decoded, "pair": pair})


if __name__ == "__main__":
    unigram()
    nbest()
    marian()
