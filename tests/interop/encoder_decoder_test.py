#!/usr/bin/env python3
"""Encoder-decoders across the border: `transformers` opens our runs, and our programs open Marian, BART, Pegasus, mBART and
T5 models; equal logits, and equal translations with equal scores.

    .venv-reference/bin/python tests/interop/encoder_decoder_test.py build/release/bin
"""
import json
import random
import subprocess

import sentencepiece
import tokenizers
import torch
import transformers
from transformers import (AutoTokenizer, BartConfig, BartForConditionalGeneration, BartModel, MarianConfig, MarianModel,
                          MarianMTModel, MBartConfig, MBartForConditionalGeneration, MBartModel, PegasusConfig,
                          PegasusForConditionalGeneration, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration, T5Model)

import interop

TOLERANCE = 1e-4
SIDES = ("encoder_hidden_states", "decoder_hidden_states", "encoder_attentions", "decoder_attentions",
         "cross_attentions")
BASE = dict(vocab_size=37, d_model=30, encoder_layers=2, decoder_layers=2, encoder_attention_heads=3,
            decoder_attention_heads=5, encoder_ffn_dim=20, decoder_ffn_dim=44, max_position_embeddings=24,
            pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2)
T5 = dict(vocab_size=37, d_model=30, d_kv=7, d_ff=20, num_layers=2, num_heads=3, relative_attention_num_buckets=10,
          relative_attention_max_distance=9, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)


def some_inputs(config, seed: int) -> dict:
    """Three rows; the last source is padded on the right."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(0, config.vocab_size, (3, 11), generator=generator)
    target_vocab = getattr(config, "decoder_vocab_size", config.vocab_size)
    target = torch.randint(0, target_vocab, (3, 7), generator=generator)
    mask = torch.ones_like(source)
    mask[-1, 6:] = 0
    return {"input_ids": source, "attention_mask": mask, "decoder_input_ids": target}


def word_tokenizer(ids: dict) -> tokenizers.Tokenizer:
    """Words between blanks, then the end of text."""
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, unk_token="<unk>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.post_processor = tokenizers.processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", ids["</s>"])])
    return made


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

    def open_model(self, name: str, model, own_head: bool = False, dtype=torch.float32, **saved):
        folder = self.work / name
        sinusoidal = isinstance(model, (MarianModel, MarianMTModel, PegasusForConditionalGeneration))
        interop.randomise(model, 5, ("embed_positions",) if sinusoidal else ())
        if own_head:
            model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach() + 0.1)
        model.to(dtype).save_pretrained(folder, **saved)
        # What a file in half precision holds is computed with in float32, there and here.
        self.compare(folder, type(model).from_pretrained(folder, dtype=torch.float32), some_inputs(model.config, 3))
        return folder

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

    def test_we_open_mbart_models(self):
        for n, shape in enumerate([dict(), dict(scale_embedding=True, decoder_layers=1, activation_function="relu"),
                                   dict(tie_word_embeddings=False)]):
            with self.subTest(shape):
                self.open_model(f"mbart-{n}", MBartForConditionalGeneration(MBartConfig(**BASE | shape)))
        self.open_model("mbart-headless", MBartModel(MBartConfig(**BASE)))
        self.open_model("mbart-half", MBartForConditionalGeneration(MBartConfig(**BASE)), dtype=torch.bfloat16,
                        max_shard_size="20KB")

    def test_we_open_t5_models(self):
        gated = dict(feed_forward_proj="gated-gelu", num_heads=5, num_decoder_layers=1)
        cases = [(dict(), {}), (gated, {}), (gated | dict(tie_word_embeddings=False), dict(own_head=True)),
                 (dict(tie_word_embeddings=False), {}), (dict(), dict(own_head=True)),
                 (dict(feed_forward_proj="gated-silu", d_kv=16, layer_norm_epsilon=0.01), dict(dtype=torch.float16)),
                 (dict(feed_forward_proj="gelu", num_layers=3), dict(dtype=torch.bfloat16, max_shard_size="20KB")),
                 (dict(feed_forward_proj="gated-gelu_python"), dict(max_shard_size="20KB"))]
        for n, (shape, saved) in enumerate(cases):
            with self.subTest(f"{shape} {saved}"):
                folder = self.open_model(f"t5-{n}", T5ForConditionalGeneration(T5Config(**T5 | shape)), **saved)
                self.assertEqual((folder / "model.safetensors.index.json").exists(), "max_shard_size" in saved)
                self.as_transformers_4_wrote_it(folder, shape)
        self.open_model("t5-headless", T5Model(T5Config(**T5)))

    def as_transformers_4_wrote_it(self, folder, shape: dict):
        """Without the keys that transformers 5 derives: tie_word_embeddings says then whether outputs are scaled."""
        config = json.loads((folder / "config.json").read_text())
        for key in ("dense_act_fn", "is_gated_act", "scale_decoder_outputs"):
            del config[key]
        config["tie_word_embeddings"] = shape.get("tie_word_embeddings", True)
        (folder / "config.json").write_text(json.dumps(config))
        self.compare(folder, T5ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32),
                     some_inputs(T5Config(**T5), 6))

    def test_translations_of_t5_and_mbart(self):
        """Greedy and by beams, ragged sources in one batch: ids by a tokenizer of words."""
        words = ["<pad>", "</s>", "<unk>", *(f"w{n}" for n in range(34))]
        ids = {word: n for n, word in enumerate(words)}
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=word_tokenizer(ids), pad_token="<pad>", eos_token="</s>",
                                            unk_token="<unk>")
        special = dict(pad_token_id=0, eos_token_id=1, bos_token_id=0, decoder_start_token_id=0)
        models = {"t5": T5ForConditionalGeneration(T5Config(**T5 | dict(feed_forward_proj="gated-gelu"))),
                  "mbart": MBartForConditionalGeneration(MBartConfig(**BASE | special | dict(forced_eos_token_id=None)))}
        texts = ["w3 w5 w9", "w8", "w30 w1 w2 w4 w17 w6", "w11 w11"]
        for name, model in models.items():
            folder = self.work / f"words-{name}"
            interop.randomise(model, 2).eval().save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            for beams in (1, 3):
                made = model.generate(**tokenizer(texts, return_tensors="pt", padding=True, return_token_type_ids=False),
                                      num_beams=beams, max_new_tokens=9, do_sample=False)
                ours = self.run_program("translate", "--model", folder, "--json", "--num-beams", beams, "--max-new-tokens", 9,
                                        "--threads", 1, "--", *texts)
                for line, theirs in zip(ours.splitlines(), made.tolist(), strict=True):
                    theirs = theirs[1:]
                    theirs = theirs[:theirs.index(1) + 1] if 1 in theirs else theirs
                    self.assertEqual(json.loads(line)["tokens"], theirs, f"{name}, {beams} beams")

    def test_languages_of_mbart_and_mbart_50(self):
        """--from and --to set what src_lang and the target's code set there: in its template, as first or as start token."""
        text = self.work / "words.txt"
        text.write_text(interop.random_text(6000, 2))
        sentencepiece.SentencePieceTrainer.train(input=str(text), model_prefix=str(self.work / "sentencepiece.bpe"),
                                                 model_type="unigram", vocab_size=120, num_threads=1, minloglevel=2)
        for kind in ("MBartTokenizer", "MBart50Tokenizer"):
            folder = self.work / kind
            folder.mkdir()
            (folder / "sentencepiece.bpe.model").write_bytes((self.work / "sentencepiece.bpe.model").read_bytes())
            tokenizer = getattr(transformers, kind).from_pretrained(folder, src_lang="en_XX")
            shape = dict(vocab_size=len(tokenizer), max_position_embeddings=40, decoder_start_token_id=2)
            model = interop.randomise(MBartForConditionalGeneration(MBartConfig(**BASE | shape)), 3).eval()
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            tokenizer.src_lang = "ro_RO"
            code = tokenizer.convert_tokens_to_ids("de_DE")
            begins = "forced_bos_token_id" if kind == "MBart50Tokenizer" else "decoder_start_token_id"
            for line in ("zebra quiz milk", "tax"):
                made = model.generate(**tokenizer(line, return_tensors="pt"), num_beams=2, max_new_tokens=8, **{begins: code})
                ours = json.loads(self.run_program("translate", "--model", folder, "--json", "--num-beams", 2, "--max-new-tokens", 8,
                                                   "--from", "ro_RO", "--to", "de_DE", "--threads", 1, "--", line))
                theirs = made[0].tolist()[1:]
                theirs = theirs[:theirs.index(2) + 1] if 2 in theirs else theirs
                self.assertEqual(ours["tokens"], theirs, kind)
            done = subprocess.run([self.binaries / "translate", "--model", folder, "--to", "xx_YY", "tax"], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
            self.assertIn("--to xx_YY is none of the tokenizer's languages: ar_AR, cs_CZ, de_DE", done.stderr)

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

    def train_pairs(self, name: str, *arguments, decoder_layers: int = 2):
        self.pairs()
        self.run_program("train_transformer", "--data", self.work / "train", "--validation-data", self.work / "valid",
                         "--tokenizer", "sentencepiece-unigram", "--vocab-size", 340, "--encoder-layers", 1,
                         "--decoder-layers", decoder_layers, "--d-model", 24, "--heads", 3, "--context", 40, "--batch-tokens", 800,
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

    def test_python_opens_a_run_with_t5s_options_as_t5(self):
        # Python cannot generate where a T5 has more layers in its decoder.
        shape = ("--preset", "t5-small", "--feed-forward", 40, "--head-width", 7)
        self.open_run(T5ForConditionalGeneration, self.train_pairs("t5", *shape, decoder_layers=1))
        self.open_run(T5ForConditionalGeneration, self.train_pairs("t5-gated", *shape, "--activation", "geglu-tanh",
                                                                   "--tie-embeddings=false", "--scale-output=false",
                                                                   decoder_layers=1))

    def test_python_opens_a_pre_norm_run_as_pegasus(self):
        self.open_run(PegasusForConditionalGeneration, self.train_pairs("pre", "--norm-place", "pre"))


if __name__ == "__main__":
    interop.main()
