#!/usr/bin/env python3
"""Encoder-decoders across the border: `transformers` opens our runs, and our programs open Marian, BART and Pegasus
models; equal logits, and equal translations with equal scores.

    .venv-reference/bin/python tests/interop/encoder_decoder_test.py build/release/bin
"""
import json
import random

import torch
from transformers import (AutoTokenizer, BartConfig, BartForConditionalGeneration, BartModel, MarianConfig, MarianModel,
                          MarianMTModel, PegasusConfig, PegasusForConditionalGeneration)

import interop

TOLERANCE = 1e-4
SIDES = ("encoder_hidden_states", "decoder_hidden_states", "encoder_attentions", "decoder_attentions",
         "cross_attentions")
BASE = dict(vocab_size=37, d_model=30, encoder_layers=2, decoder_layers=2, encoder_attention_heads=3,
            decoder_attention_heads=5, encoder_ffn_dim=20, decoder_ffn_dim=44, max_position_embeddings=24,
            pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2)


def some_inputs(config, seed: int) -> dict:
    """Three rows; the last source is padded on the right."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(0, config.vocab_size, (3, 11), generator=generator)
    target_vocab = getattr(config, "decoder_vocab_size", config.vocab_size)
    target = torch.randint(0, target_vocab, (3, 7), generator=generator)
    mask = torch.ones_like(source)
    mask[-1, 6:] = 0
    return {"input_ids": source, "attention_mask": mask, "decoder_input_ids": target}


class EncoderDecoderTest(interop.InteropTest):
    def compare(self, folder, model, inputs: dict):
        """Everything both sides can say; of the last row's source only what is no padding."""
        model.eval().set_attn_implementation("eager")
        with torch.no_grad():
            theirs = model(**inputs, output_hidden_states=True, output_attentions=True)
        expected = {"last_hidden_state": theirs.decoder_hidden_states[-1],
                    "encoder_last_hidden_state": theirs.encoder_last_hidden_state}
        if "logits" in theirs:
            expected["logits"] = theirs.logits
        for side in SIDES:
            expected |= {f"{side}.{n}": tensor for n, tensor in enumerate(theirs[side])}
        ours = self.forward(folder, inputs)
        self.assertEqual(sorted(ours), sorted(expected))
        for name, tensor in expected.items():
            rows = slice(0, 2) if name.startswith("encoder") else slice(0, 3)
            self.assert_close(ours[name][rows], tensor[rows], TOLERANCE, f"{folder.name}: {name}")

    def open_model(self, name: str, model):
        folder = self.work / name
        learned = isinstance(model, (BartModel, BartForConditionalGeneration))
        interop.randomise(model, 5, () if learned else ("embed_positions",)).save_pretrained(folder)
        self.compare(folder, model, some_inputs(model.config, 3))

    def test_we_open_marian_models(self):
        shapes = [dict(activation_function="swish", scale_embedding=True), dict(activation_function="relu", d_model=45),
                  dict(share_encoder_decoder_embeddings=False, decoder_vocab_size=21),
                  dict(share_encoder_decoder_embeddings=False, tie_word_embeddings=False),
                  dict(encoder_layers=3, decoder_layers=1, activation_function="gelu_new")]
        for n, shape in enumerate(shapes):
            with self.subTest(shape):
                self.open_model(f"marian-{n}", MarianMTModel(MarianConfig(**BASE | shape)))

    def test_we_open_bart_and_pegasus_models(self):
        self.open_model("bart", BartForConditionalGeneration(BartConfig(**BASE)))
        self.open_model("bart-untied", BartForConditionalGeneration(BartConfig(**BASE, tie_word_embeddings=False)))
        self.open_model("pegasus", PegasusForConditionalGeneration(PegasusConfig(**BASE, scale_embedding=True)))

    def test_we_open_models_without_a_head(self):
        self.open_model("marian-headless", MarianModel(MarianConfig(**BASE)))
        self.open_model("bart-headless", BartModel(BartConfig(**BASE)))

    def pairs(self) -> None:
        """A language with another word for each word, in reverse order."""
        rng = random.Random(3)
        words = ["".join(rng.choices("abcdefghij", k=rng.randint(2, 6))) for _ in range(40)]
        other = dict(zip(words, ["".join(rng.choices("klmnopqrst", k=rng.randint(2, 6))) for _ in words]))
        for name, count in (("train", 400), ("valid", 20)):
            lines = [rng.choices(words, k=rng.randint(1, 7)) for _ in range(count)]
            (self.work / f"{name}.en").write_text("".join(" ".join(line) + "\n" for line in lines))
            (self.work / f"{name}.fr").write_text(
                "".join(" ".join(other[word] for word in reversed(line)) + "\n" for line in lines))

    def train_pairs(self, name: str, *arguments):
        self.pairs()
        self.run_program("train_transformer", "--data", self.work / "train", "--validation-data", self.work / "valid",
                         "--tokenizer", "sentencepiece-unigram", "--vocab-size", 340, "--encoder-layers", 1,
                         "--decoder-layers", 2, "--d-model", 24, "--heads", 3, "--context", 40, "--batch-tokens", 800,
                         "--max-steps", 60, "--evaluate-every", 60, "--learning-rate", 5e-3, "--threads", 1,
                         "--device", "cpu", "--out", self.work / name, *arguments)
        return self.work / name

    def open_run(self, kind, run):
        model, report = kind.from_pretrained(run, output_loading_info=True)
        for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            self.assertFalse(report[problem], problem)
        self.compare(run, model, some_inputs(model.config, 4))
        model.set_attn_implementation("sdpa")
        texts = (self.work / "valid.en").read_text().splitlines()[:6]
        tokenizer = AutoTokenizer.from_pretrained(run)
        eos = model.generation_config.eos_token_id
        self.assertEqual(model.generation_config.num_beams, 4)
        for text in texts:
            # Nothing is said of the ids around source and target, or of what is never written: the folder says it.
            made = model.generate(**tokenizer(text, return_tensors="pt", return_token_type_ids=False), num_beams=3,
                                  num_return_sequences=2, max_new_tokens=12, length_penalty=0.7,
                                  return_dict_in_generate=True, output_scores=True)
            ours = [json.loads(line) for line in self.run_program(
                "translate", "--model", run, "--json", "--num-beams", 3, "--num-return-sequences", 2,
                "--max-new-tokens", 12, "--length-penalty", 0.7, "--threads", 1, "--", text).splitlines()]
            for rank, line in enumerate(ours):
                theirs = [token for token in made.sequences[rank].tolist()[1:] if token != model.config.pad_token_id]
                theirs = theirs if eos not in theirs else theirs[:theirs.index(eos) + 1]
                mine = line["tokens"][:-1] if model.config.pad_token_id == eos and line["tokens"][-1] == eos \
                    else line["tokens"]
                self.assertEqual(mine, theirs, text)
                self.assertAlmostEqual(line["score"], made.sequences_scores[rank].item(), delta=2e-4)

    def test_python_opens_a_post_norm_run_as_marian(self):
        self.open_run(MarianMTModel, self.train_pairs("post"))

    def test_python_opens_a_pre_norm_run_as_pegasus(self):
        self.open_run(PegasusForConditionalGeneration, self.train_pairs("pre", "--norm-place", "pre"))


if __name__ == "__main__":
    interop.main()
