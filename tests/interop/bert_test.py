#!/usr/bin/env python3
"""BERT, RoBERTa, ALBERT, ELECTRA and DistilBERT across the border: our programs open what `transformers` saves; equal outputs.

    .venv-reference/bin/python tests/interop/bert_test.py build/release/bin
"""
import json
import random

import torch
import transformers

import interop

TOLERANCE = 1e-4
ARCHITECTURES = [
    "BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForNextSentencePrediction",
    "BertForSequenceClassification", "BertForTokenClassification", "RobertaModel", "RobertaForMaskedLM",
    "RobertaForSequenceClassification", "RobertaForTokenClassification", "AlbertModel", "AlbertForMaskedLM",
    "AlbertForPreTraining", "AlbertForSequenceClassification", "AlbertForTokenClassification", "ElectraModel",
    "ElectraForMaskedLM", "ElectraForPreTraining", "ElectraForSequenceClassification", "ElectraForTokenClassification",
    "DistilBertModel", "DistilBertForMaskedLM", "DistilBertForSequenceClassification", "DistilBertForTokenClassification"]

DISTILBERT = {"hidden_size": "dim", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers",
              "intermediate_size": "hidden_dim", "hidden_act": "activation"}


def some_config(architecture: str, rng: random.Random):
    family = architecture.split("For")[0].removesuffix("Model")
    heads = rng.randint(1, 4)
    sizes = dict(vocab_size=rng.randint(5, 60), hidden_size=heads * rng.randint(2, 9), num_attention_heads=heads,
                 num_hidden_layers=rng.randint(1, 4), intermediate_size=rng.randint(3, 40),
                 max_position_embeddings=rng.randint(14, 30), type_vocab_size=rng.randint(1, 3),
                 hidden_act=rng.choice(["gelu", "gelu_new", "relu", "gelu_pytorch_tanh"]),
                 layer_norm_eps=rng.choice([1e-12, 1e-5, 1e-2]))
    if family in ("Albert", "Electra"):
        sizes["embedding_size"] = rng.choice([3, 8, sizes["hidden_size"]])
    if family == "Albert":
        sizes["num_hidden_groups"] = rng.randint(1, sizes["num_hidden_layers"])
    if "Classification" in architecture:
        sizes["num_labels"] = rng.randint(1, 5)
    if family == "DistilBert":
        sizes = {DISTILBERT.get(key, key): value for key, value in sizes.items() if key not in ("type_vocab_size", "layer_norm_eps")}
    return getattr(transformers, family + "Config")(**sizes)


def some_inputs(config, rng: random.Random) -> dict:
    """Three rows: whole, padded, with holes in the mask; padding ids among the real ones do no harm."""
    length = rng.randint(1, 11)
    generator = torch.Generator().manual_seed(rng.randint(0, 1000))
    ids = torch.randint(0, config.vocab_size, (3, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, length - length // 3:] = 0
    mask[2, 1::2] = 0
    inputs = {"input_ids": ids, "attention_mask": mask}
    if hasattr(config, "type_vocab_size"):
        inputs["token_type_ids"] = torch.randint(0, config.type_vocab_size, (3, length), generator=generator)
    if rng.random() < 0.3:
        inputs["position_ids"] = torch.randint(0, config.max_position_embeddings, (3, length), generator=generator)
    return inputs


class BertTest(interop.InteropTest):
    def compare(self, folder, model, inputs: dict):
        """Everything both sides can say about the inputs, wherever the mask is 1."""
        model.eval().set_attn_implementation("eager")
        with torch.no_grad():
            theirs = model(**inputs, output_hidden_states=True, output_attentions=True)
        expected = {name: value for name, value in theirs.items() if isinstance(value, torch.Tensor)}
        expected["last_hidden_state"] = theirs.hidden_states[-1]
        expected |= {f"hidden_states.{n}": states for n, states in enumerate(theirs.hidden_states)}
        expected |= {f"attentions.{n}": weights for n, weights in enumerate(theirs.attentions)}
        ours = self.forward(folder, inputs)
        self.assertEqual(sorted(ours), sorted(expected))
        real = inputs["attention_mask"].bool()
        for name, tensor in expected.items():
            mine = ours[name]
            if name.startswith("attentions"):  # [B, H, T, S] -> [B, T, H, S]
                mine, tensor = mine.transpose(1, 2), tensor.transpose(1, 2)
            if tensor.dim() > 1 and tuple(tensor.shape[:2]) == tuple(real.shape):
                mine, tensor = mine[real], tensor[real]
            self.assert_close(mine, tensor, TOLERANCE, f"{folder.name}: {name}")

    def test_we_open_every_architecture_in_random_shapes(self):
        for number, name in enumerate(ARCHITECTURES):
            for round in range(2):
                rng = random.Random(100 * number + round)
                config = some_config(name, rng)
                with self.subTest(f"{name} {config}"):
                    model = interop.randomise(getattr(transformers, name)(config), number)
                    folder = self.work / f"{name}-{round}"
                    model.save_pretrained(folder)
                    self.compare(folder, model, some_inputs(config, rng))

    def test_half_precision_weights(self):
        model = interop.randomise(transformers.BertModel(some_config("BertModel", random.Random(3))), 1).to(torch.bfloat16)
        model.save_pretrained(self.work / "half")
        self.compare(self.work / "half", model.float(), some_inputs(model.config, random.Random(4)))

    def test_fill_mask_gives_the_pipelines_fields(self):
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "##s", "."]
        (self.work / "vocab.txt").write_text("\n".join(words) + "\n")
        tokenizer = transformers.BertTokenizer(vocab=str(self.work / "vocab.txt"))
        config = transformers.BertConfig(vocab_size=len(words), hidden_size=15, num_attention_heads=3,
                                         num_hidden_layers=2, intermediate_size=20, max_position_embeddings=16)
        model = interop.randomise(transformers.BertForMaskedLM(config), 1).eval()
        folder = self.work / "fill"
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        pipeline = transformers.pipeline("fill-mask", model=model, tokenizer=tokenizer)
        for text in ("The [MASK] sat on the mat", "the [MASK] sat on [MASK]"):
            for more, kept in (((), {}), (("--targets", "cat,mat"), {"targets": ["cat", "mat"]})):
                theirs = pipeline(text, **kept)
                ours = json.loads(self.run_program("fill_mask", "--model", folder, text, "--json", *more))
                if text.count("[MASK]") == 1:
                    ours, theirs = [ours], [theirs]
                for mine, wanted in zip(ours, theirs, strict=True):
                    for a, b in zip(mine, wanted, strict=True):
                        self.assertAlmostEqual(a.pop("score"), b.pop("score"), places=5)
                        self.assertEqual(a, b)

    def test_the_real_minilm_gives_the_same_sentence_vectors(self):
        folder = interop.ROOT / "data/minilm"
        if not (folder / "model.safetensors").exists():
            self.skipTest("no data/minilm")
        ids = torch.tensor([[101, 1037, 2158, 2003, 5983, 2833, 1012, 102]])  # "A man is eating food."
        ours = self.forward(folder, {"input_ids": ids, "attention_mask": torch.ones_like(ids)})
        vector = torch.nn.functional.normalize(ours["last_hidden_state"].mean(1))[0]
        expected = torch.tensor([0.03324, 0.00441, -0.00628, 0.04838, -0.1387, -0.03362])
        self.assertLess((vector[:6] - expected).abs().max().item(), 1e-4)

    def test_search_finds_minilms_published_neighbours(self):
        folder = interop.ROOT / "data/minilm"
        if not (folder / "model.safetensors").exists():
            self.skipTest("no data/minilm")
        sentences = ["The girl is carrying a baby.", "A man is eating a piece of bread.", "A cheetah chases its prey."]
        (self.work / "lines.txt").write_text("\n".join(sentences) + "\n")
        out = self.run_program("search_sentences", "--model", folder, "--file", self.work / "lines.txt",
                               "A man is eating food.", "--top", 9, "--json")
        found = json.loads(out)
        self.assertEqual([f["index"] for f in found], [1, 2, 0])
        self.assertEqual([f["text"] for f in found], [sentences[1], sentences[2], sentences[0]])
        for f, cosine in zip(found, [0.7553, 0.1956, -0.1050]):
            self.assertAlmostEqual(f["score"], cosine, places=3)


if __name__ == "__main__":
    interop.main()
