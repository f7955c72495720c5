"""Makes tests/golden/tokenizers/: two small SentencePiece models as others make them, and what Python gives for them.

    .venv-reference/bin/python tests/golden/tokenizer_files.py

bpe.model has Llama's settings (identity, dummy prefix, byte fallback), unigram.model SentencePiece's own defaults with
an identity normalisation (spaces collapsed, <unk> for rare characters). cases.json: for each model and text the ids and
the decoded text by the `sentencepiece` package. characters.json: a tokenizer.json of the character kind is spelled out
there with the ids that the `tokenizers` package gives.
"""

import io
import json
import pathlib

import sentencepiece
import tokenizers

FOLDER = pathlib.Path(__file__).parent / "tokenizers"
WORDS = ("the ship and the harbour sleep under one low moon while small boats drift home with lamps lit "
         "and nobody speaks of the storm that took the older captain last winter").split()
TEXTS = ["", " ", "the ship", " the ship ", "  two  spaces", "storm\nmoon", "\ttab", "captain's boats!", "é", "e\u0301",
         "日本", "\U0001f600 moon", "\u2581the", "<s>the</s>", "<0x41>", "\x00", "a\x00b", "\ufeff", "theshipthemoon",
         "aaaaaaa", "ninety-nine boats, 99 lamps.", "\u00a0nbsp\u3000wide", "\r\n"]


def training_lines():
    """Deterministic sentences: a walk through WORDS with a growing stride."""
    for stride in range(1, 40):
        for start in range(0, len(WORDS), 3):
            yield " ".join(WORDS[(start + k * stride) % len(WORDS)] for k in range(3 + stride % 7)) + "."


def train(model_type, vocab_size, **settings):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=training_lines(), model_writer=model, model_type=model_type, vocab_size=vocab_size,
        normalization_rule_name="identity", num_threads=1, minloglevel=2, **settings)
    (FOLDER / f"{model_type}.model").write_bytes(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def character_case():
    """A character tokenizer.json written by hand, opened by the package."""
    text = "to be,\nor"
    vocabulary = {character: i for i, character in enumerate(sorted(set(text)))}
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
             "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "[\\s\\S]"}, "behavior": "Isolated", "invert": False},
             "post_processor": None, "decoder": {"type": "Fuse"},
             "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}}
    ids = tokenizers.Tokenizer.from_str(json.dumps(whole)).encode(text).ids
    return {"text": text, "tokenizer_json": whole, "ids": ids}


def main():
    FOLDER.mkdir(exist_ok=True)
    models = {"bpe": train("bpe", 340, byte_fallback=True, remove_extra_whitespaces=False),
              "unigram": train("unigram", 50)}
    # The package decodes <unk> as " \u2047 ", ours as its name: such texts are compared by their ids only.
    cases = [{"model": name, "text": text, "ids": model.encode(text),
              "decoded": None if 0 in model.encode(text) else model.decode(model.encode(text))}
             for name, model in models.items() for text in TEXTS]
    for name, content in [("cases.json", cases), ("characters.json", character_case())]:
        (FOLDER / name).write_text(json.dumps(content, indent=0) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
