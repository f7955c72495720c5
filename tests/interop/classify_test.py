#!/usr/bin/env python3
"""Classifiers across the border: `classify_text` on what `transformers` saves gives its pipelines' probabilities; what
train_bert leaves opens there and answers alike.

    .venv-reference/bin/python tests/interop/classify_test.py build/release/bin
"""
import json
import random

import torch
import transformers

import interop

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "##s", ".", "a", "dog"]
TEXTS = ["the cat sat on the mats.", "a dog", "Dogs sat", "mat mat mat mat mat mat mat mat mat mat mat"]
FAMILIES = ["Bert", "Roberta", "Albert", "Electra", "DistilBert"]
SHAPE = ["--layers", 2, "--heads", 2, "--d-model", 32, "--context", 32, "--vocab-size", 80, "--batch-size", 8,
         "--max-steps", 30, "--evaluate-every", 10, "--learning-rate", 1e-3, "--threads", 1, "--device", "cpu"]


class ClassifyTest(interop.InteropTest):
    def some_model(self, family: str, task: str, labels: list, segments: int = 2):
        """A random classifier and its tokenizer, saved; RoBERTa with WordPiece, whose padding token is its id 0."""
        (self.work / "vocab.txt").write_text("\n".join(WORDS) + "\n")
        tokenizer = transformers.BertTokenizer(vocab=str(self.work / "vocab.txt"), model_max_length=14)
        config = getattr(transformers, family + "Config")(
            vocab_size=len(WORDS), hidden_size=16, num_attention_heads=2, num_hidden_layers=2,
            **{"hidden_dim" if family == "DistilBert" else "intermediate_size": 20},
            max_position_embeddings=15 if family == "Roberta" else 14, pad_token_id=0,
            **({} if family == "DistilBert" else {"type_vocab_size": segments}),
            id2label=dict(enumerate(labels)), label2id={label: n for n, label in enumerate(labels)},
            **({"embedding_size": 8} if family in ("Albert", "Electra") else {}))
        model = interop.randomise(getattr(transformers, f"{family}For{task}Classification")(config), 1).eval()
        folder = self.work / f"{family}-{task}-{segments}"
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder, model, tokenizer

    def probabilities(self, model, tokenizer, *texts, **kept) -> torch.Tensor:
        with torch.no_grad():
            inputs = tokenizer(*texts, return_tensors="pt", truncation=True, **kept)
            return model(**inputs).logits.softmax(-1)[0]

    def compare(self, mine: list, theirs: torch.Tensor, labels: list):
        """All classes, best first."""
        scores = {entry["label"]: entry["score"] for entry in mine}
        self.assertEqual(list(scores.values()), sorted(scores.values(), reverse=True))
        self.assertEqual(sorted(scores), sorted(labels))
        for label, wanted in zip(labels, theirs.tolist(), strict=True):
            self.assertAlmostEqual(scores[label], wanted, places=5)

    def classify(self, folder, *arguments) -> list:
        out = self.run_program("classify_text", "--model", folder, "--json", "--top", 99, *arguments)
        return [json.loads(line) for line in out.splitlines()]

    def test_texts_in_every_family(self):
        labels = ["bad", "good", "so-so"]
        for family in FAMILIES:
            with self.subTest(family):
                folder, model, tokenizer = self.some_model(family, "Sequence", labels, segments=2)
                for text, mine in zip(TEXTS, self.classify(folder, *TEXTS), strict=True):
                    self.compare(mine, self.probabilities(model, tokenizer, text), labels)

    def test_pairs_of_texts(self):
        labels = ["follows", "contradicts"]
        folder, model, tokenizer = self.some_model("Bert", "Sequence", labels)
        for pair in zip(TEXTS, reversed(TEXTS)):
            self.compare(self.classify(folder, "\t".join(pair))[0], self.probabilities(model, tokenizer, *pair), labels)

    def test_words_in_every_family(self):
        labels = ["O", "B-X", "I-X"]
        for family in FAMILIES:
            with self.subTest(family):
                folder, model, tokenizer = self.some_model(family, "Token", labels)
                words = ["the", "cats", "sat", "mats.", "unheard"]
                rows = self.probabilities(model, tokenizer, words, is_split_into_words=True)
                places = tokenizer(words, is_split_into_words=True).word_ids()
                mine = self.classify(folder, " ".join(words))[0]
                self.assertEqual([entry["word"] for entry in mine], words)
                for n, entry in enumerate(mine):
                    self.compare(entry["labels"], rows[places.index(n)], labels)

    def test_a_trained_classifier_answers_alike_in_python(self):
        rng = random.Random(4)
        data = self.work / "texts.tsv"
        sides = {"plant": "rose lily daisy tulip".split(), "metal": "iron gold tin zinc".split()}
        with data.open("w") as file:
            for _ in range(80):
                label = rng.choice(sorted(sides))
                file.write(f"{label}\t{' '.join(rng.choices(sides[label], k=rng.randint(1, 5)))}\n")
        for family in ("bert", "electra"):
            folder = self.work / family
            self.run_program("train_bert", "--objective", "classify-text", "--data", data, "--out", folder, *SHAPE,
                             "--family", family)
            model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
            self.assertEqual(model.config.id2label, {0: "metal", 1: "plant"})
            self.assertEqual(model.config.label2id, {"metal": 0, "plant": 1})
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            for text in ("rose lily", "gold daisy iron"):
                self.compare(self.classify(folder, text)[0], self.probabilities(model.eval(), tokenizer, text),
                             ["metal", "plant"])

    def test_a_trained_masked_language_model_opens_in_python(self):
        text = self.work / "text.txt"
        text.write_text(interop.random_text(5000, 1))
        for family in ("bert", "roberta", "albert", "electra", "distilbert"):
            with self.subTest(family):
                more = ["--embedding-width", 16] if family == "albert" else []
                folder = self.work / ("words-" + family)
                self.run_program("train_bert", "--data", text, "--out", folder, *SHAPE, "--family", family, *more)
                model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
                ids = torch.randint(5, 60, (2, 9), generator=torch.Generator().manual_seed(1))
                inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
                with torch.no_grad():
                    theirs = model(**inputs).logits
                self.assert_close(self.forward(folder, inputs)["logits"], theirs, 1e-4, family)

    def test_a_trained_electra_opens_in_python(self):
        text = self.work / "text.txt"
        text.write_text(interop.random_text(5000, 1))
        folder = self.work / "pair"
        self.run_program("train_bert", "--data", text, "--out", folder, *SHAPE, "--objective", "replaced-tokens",
                         "--family", "electra")
        ids = torch.randint(5, 60, (2, 9), generator=torch.Generator().manual_seed(1))
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        for path, kind in ((folder, transformers.ElectraForPreTraining),
                           (folder / "generator", transformers.ElectraForMaskedLM)):
            model, loading = kind.from_pretrained(path, output_loading_info=True)
            self.assertFalse(loading["missing_keys"] or loading["unexpected_keys"], loading)
            with torch.no_grad():
                theirs = model.eval()(**inputs).logits
            self.assert_close(self.forward(path, inputs)["logits"], theirs, 1e-4, kind.__name__)


if __name__ == "__main__":
    interop.main()
