#!/usr/bin/env python3
"""generation_config.json, key by key: two folders that differ in one key give the tokens that `transformers` gives for
them; and all keys together, drawn at random, in the order in which its `generate` runs them.

    .venv-reference/bin/python tests/interop/generation_config_test.py build/release/bin
"""
import collections
import json
import os
import random
import subprocess

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, BartConfig, BartForConditionalGeneration,
                          LlamaConfig, LlamaForCausalLM, pipeline)

import interop

SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
LETTERS = sorted("abcdefghijklmnop") + ["Ġ"]
VOCAB = {piece: n for n, piece in enumerate(SPECIALS + LETTERS)}
V = len(VOCAB)
BASE = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "max_new_tokens": 9}
START = {"decoder_start_token_id": 2}
PROMPTS = {"llama": "abca", "bart": "abcab cab"}

# Key, value, what else both folders say. The value must change what the reference gives.
DRAWN = {"do_sample": True, "top_k": 0, "temperature": 5.0}
BEAMS = {"num_beams": 3}
TAKEN = [
    ("max_new_tokens", 3, {}),
    ("max_length", 8, {"max_new_tokens": None}),
    ("min_length", 12, {"eos_token_id": list(range(4, 12))}),
    ("min_new_tokens", 5, {"eos_token_id": list(range(4, 12))}),
    ("min_new_tokens", 0, {"eos_token_id": list(range(4, 12)), "min_length": 12}),
    ("eos_token_id", list(range(4, 12)), {}),
    ("early_stopping", True, {"num_beams": 4, "eos_token_id": list(range(4, 12)), "length_penalty": 2.0}),
    ("early_stopping", "never", {"num_beams": 4, "eos_token_id": list(range(4, 12)), "length_penalty": 3.0}),
    ("num_beams", 4, {}),
    ("length_penalty", -3.0, {"num_beams": 4, "num_return_sequences": 4, "eos_token_id": list(range(4, 12))}),
    ("num_return_sequences", 3, BEAMS),
    ("repetition_penalty", 3.0, {}),
    ("encoder_repetition_penalty", 4.0, {}),
    ("no_repeat_ngram_size", 1, {}),
    ("encoder_no_repeat_ngram_size", 1, {}),
    ("bad_words_ids", [[n] for n in range(4, 14)], {}),
    ("sequence_bias", [[[7], 90.0], [[7, 9], 50.0]], {}),
    ("suppress_tokens", list(range(4, 14)), {}),
    ("begin_suppress_tokens", list(range(4, 20)), {}),
    ("forced_eos_token_id", 12, {}),
    ("forced_eos_token_id", [14, 12], {}),
    ("exponential_decay_length_penalty", [1, 6.0], {"eos_token_id": 9}),
    ("renormalize_logits", True, {"num_beams": 4, "suppress_tokens": list(range(4, 12)), "repetition_penalty": 1.4}),
    ("do_sample", True, {"typical_p": 0.001, "temperature": 1.0}),
    ("top_k", 1, DRAWN),
    ("top_p", 0.001, DRAWN),
    ("min_p", 1.0, DRAWN),
    ("top_h", 0.001, DRAWN),
    ("typical_p", 0.001, DRAWN),
    ("epsilon_cutoff", 0.999, DRAWN),
    ("temperature", 0.0001, DRAWN),
]
IGNORED = [("use_cache", False), ("cache_implementation", "dynamic"), ("pad_token_id", 5), ("output_scores", True),
           ("return_dict_in_generate", True), ("transformers_version", "4.30.0"), ("num_assistant_tokens", 7),
           ("prompt_lookup_num_tokens", 2), ("disable_compile", True), ("low_memory", True), ("temperature", 0.3),
           ("top_p", 0.5), ("length_penalty", 3.0), ("no_such_key", 4), ("max_time", None), ("remove_invalid_values", True),
           ("suppress_tokens", [999])]
REFUSED = [("max_time", 3.0), ("guidance_scale", 1.5), ("token_healing", True), ("watermarking_config", {"bias": 2.0}),
           ("dola_layers", "high"), ("constraints", [1]), ("force_words_ids", [[5]]), ("streamer", 1),
           ("assistant_ensemble_weight", 0.5), ("cache_implementation", "quantized"), ("top_k", "many"),
           ("early_stopping", "often"), ("num_beams", 0), ("eos_token_id", [2.5]),
           ("sequence_bias", {"(1,)": 1.0}), ("forced_eos_token_id", 999), ("exponential_decay_length_penalty", 3)]


def tokenizer(template: str) -> Tokenizer:
    made = Tokenizer(models.BPE(vocab=VOCAB, merges=[], unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.TemplateProcessing(single=template, special_tokens=[("<s>", 0), ("</s>", 2)])
    made.add_special_tokens([AddedToken(text, normalized=False) for text in SPECIALS])
    return made


def llama(seed: int):
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(vocab_size=V, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                                        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
                                        initializer_range=0.4, bos_token_id=0, eos_token_id=2, pad_token_id=1))


def bart(seed: int):
    torch.manual_seed(seed)
    return BartForConditionalGeneration(BartConfig(
        vocab_size=V, d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=40, decoder_ffn_dim=40, max_position_embeddings=64, init_std=0.5, bos_token_id=0, pad_token_id=1,
        eos_token_id=2, decoder_start_token_id=2, tie_word_embeddings=False))


KINDS = {"llama": (llama, "<s> $A", AutoModelForCausalLM, "generate"),
         "bart": (bart, "<s> $A </s>", AutoModelForSeq2SeqLM, "translate")}


class GenerationConfigTest(interop.InteropTest):
    def model(self, kind: str, seed: int = 3):
        """A folder without generation_config.json."""
        folder = self.work / f"{kind}-{seed}"
        if not folder.exists():
            make, template, _, _ = KINDS[kind]
            model = interop.randomise(make(seed), seed) if kind == "bart" else make(seed)
            for parameter in model.parameters():
                parameter.data.mul_(1.6 if parameter.dim() > 1 else 1.0)
            model.eval().save_pretrained(folder)
            (folder / "generation_config.json").unlink(missing_ok=True)
            tokenizer(template).save(str(folder / "tokenizer.json"))
            (folder / "tokenizer_config.json").write_text(json.dumps(
                {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>",
                 "pad_token": "<pad>", "unk_token": "<unk>"}))
        return folder

    def with_settings(self, kind: str, settings: dict, seed: int = 3, file: str = "generation_config.json"):
        """The same model with these settings; None: without the key."""
        source, folder = self.model(kind, seed), self.work / f"settings-{len(list(self.work.iterdir()))}"
        folder.mkdir()
        for path in source.iterdir():
            os.link(path, folder / path.name)
        base = BASE | (START if kind == "bart" else {})
        said = {key: value for key, value in (base | settings).items() if value is not None}
        if file == "config.json":
            config = json.loads((source / file).read_text())
            for key in base:
                config.pop(key, None)
            (folder / file).unlink()
            (folder / file).write_text(json.dumps(config | said))
        else:
            (folder / file).write_text(json.dumps(said))
        return folder

    def theirs(self, kind: str, folder, ends=None, **arguments) -> list:
        model = KINDS[kind][2].from_pretrained(folder).eval()
        inputs = AutoTokenizer.from_pretrained(folder)(PROMPTS[kind], return_tensors="pt", return_token_type_ids=False)
        torch.manual_seed(0)
        out = model.generate(**inputs, **arguments, **({"eos_token_id": ends} if ends else {}))
        out = out if isinstance(out, torch.Tensor) else out.sequences
        ends = ends or model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        texts = []
        for row in out[:, inputs["input_ids"].shape[1] if kind == "llama" else 1:].tolist():
            first = [n for n, token in enumerate(row) if token in ends]
            texts.append(row[:first[0] + 1] if first else row)
        return texts

    def run_ours(self, kind: str, folder, *flags):
        command = [self.binaries / KINDS[kind][3], "--model", folder, "--threads", 1, "--device", "cpu", "--json", *flags,
                   PROMPTS[kind]]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True)

    def ours(self, kind: str, folder, *flags) -> list:
        done = self.run_ours(kind, folder, *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line)["tokens"] for line in done.stdout.splitlines()]

    def test_two_folders_that_differ_in_one_key(self):
        shown = collections.defaultdict(bool)
        for kind in KINDS:
            flags = ("--do-sample=false",) if kind == "llama" else ()  # the pipeline's habit, else
            for key, value, both in TAKEN:
                drawn = both.get("do_sample", key == "do_sample")
                without, having = self.with_settings(kind, both), self.with_settings(kind, both | {key: value})
                own = flags if not drawn else ()
                with self.subTest(kind=kind, key=key, value=value):
                    theirs = self.theirs(kind, having)
                    self.assertEqual(self.ours(kind, having, *own), theirs)
                    shown[key, str(value)] |= theirs != self.theirs(kind, without)
                    if not both.get("do_sample") and key != "max_length":
                        self.assertEqual(self.ours(kind, without, *flags), self.theirs(kind, without))
        self.assertEqual([row for row, differs in shown.items() if not differs], [], "these rows show nothing")
        for key, value in (("forced_bos_token_id", 9), ("decoder_start_token_id", 0)):
            folder = self.with_settings("bart", {key: value})
            with self.subTest(key=key):
                self.assertEqual(self.ours("bart", folder), self.theirs("bart", folder))
                self.assertNotEqual(self.theirs("bart", folder), self.theirs("bart", self.with_settings("bart", {})))

    def test_config_json_counts_where_there_is_no_other_file(self):
        for kind in KINDS:
            ends = list(range(4, 12))
            settings = {"eos_token_id": ends, "repetition_penalty": 1.8, "num_beams": 2, "no_repeat_ngram_size": 2}
            folder = self.with_settings(kind, settings, file="config.json")
            self.assertEqual(self.ours(kind, folder), self.theirs(kind, folder))
            # The other file alone counts: nothing of config.json fills it up.
            (folder / "generation_config.json").write_text(json.dumps(BASE | START | {"eos_token_id": None}))
            self.assertEqual(self.ours(kind, folder, "--num-beams", 1, *(["--do-sample=false"] if kind == "llama" else [])),
                             self.theirs(kind, folder))

    def test_flags_go_before_the_file(self):
        folder = self.with_settings("llama", {"eos_token_id": list(range(4, 12)), "num_beams": 3, "repetition_penalty": 2.0,
                                              "do_sample": False, "suppress_tokens": [7]})
        flags = ("--num-beams", 1, "--max-new-tokens", 5, "--repetition-penalty", 1.1, "--eos-token-id", 2,
                 "--suppress-tokens", 8)
        self.assertEqual(self.ours("llama", folder, *flags),
                         self.theirs("llama", folder, num_beams=1, max_new_tokens=5, repetition_penalty=1.1, ends=2,
                                     suppress_tokens=[8]))
        done = self.run_ours("llama", folder, *flags)
        self.assertIn("from generation_config.json: do_sample false", done.stderr.splitlines()[0])
        self.assertNotIn("repetition_penalty", done.stderr)

    def test_what_changes_nothing_is_ignored_and_the_rest_is_refused_in_one_line(self):
        for kind in KINDS:
            greedy = {"do_sample": False}
            plain = self.ours(kind, self.with_settings(kind, greedy))
            for key, value in IGNORED:
                with self.subTest(kind=kind, key=key):
                    folder = self.with_settings(kind, greedy | {key: value})
                    self.assertEqual(self.ours(kind, folder), plain)
                    if key not in ("low_memory",):
                        self.assertEqual(self.theirs(kind, folder), plain)
            for key, value in REFUSED:
                with self.subTest(kind=kind, key=key, value=value):
                    done = self.run_ours(kind, self.with_settings(kind, greedy | {key: value}))
                    self.assertNotEqual(done.returncode, 0)
                    self.assertEqual(done.stdout, "")
                    self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                    self.assertIn(key.replace("_", "-"), done.stderr.replace("_", "-"))

    def test_the_pipeline_reads_the_same_prompt_and_writes_the_same_text(self):
        for template in ("<s> $A", "$A", "<s> $A </s>"):
            folder = self.with_settings("llama", {"do_sample": False})
            (folder / "tokenizer.json").unlink()
            tokenizer(template).save(str(folder / "tokenizer.json"))
            for prompt in ("abca", "<s>ab", "") if template != "$A" else ("abca", "<s>ab"):
                theirs = pipeline("text-generation", model=str(folder))(prompt)[0]["generated_text"]
                done = self.run_program("generate", "--model", folder, "--threads", 1, "--json", prompt)
                with self.subTest(template=template, prompt=prompt):
                    self.assertEqual(prompt + json.loads(done)["text"], theirs)

    def test_sources_have_the_tokenizers_template(self):
        for template in ("<s> $A </s>", "$A </s>", "$A"):
            folder = self.with_settings("bart", {})
            (folder / "tokenizer.json").unlink()
            tokenizer(template).save(str(folder / "tokenizer.json"))
            done = self.run_ours("bart", folder, "--show-ids")
            ids = AutoTokenizer.from_pretrained(folder)(PROMPTS["bart"])["input_ids"]
            self.assertIn(f"source 1: {ids}", done.stderr)
            self.assertEqual([json.loads(line)["tokens"] for line in done.stdout.splitlines()], self.theirs("bart", folder))

    def test_draws_follow_the_same_distribution(self):
        """2,000 first tokens against the probabilities that the reference draws from."""
        for settings in ({"temperature": 1.7, "top_k": 12, "top_p": 0.9, "repetition_penalty": 1.2}, {"temperature": 2.5},
                         {"temperature": 1.5, "eta_cutoff": 0.2, "typical_p": 0.9}, {"temperature": 3.0, "top_h": 0.6},
                         {"min_p": 0.05, "epsilon_cutoff": 0.02, "temperature": 2.0}):
            both = {"do_sample": True, "max_new_tokens": 1, "eos_token_id": None}
            folder = self.with_settings("llama", both | settings)
            counts = collections.Counter(row[0] for row in self.ours("llama", folder, "--num-return-sequences", 2000,
                                                                     "--batch-size", 500))
            model = AutoModelForCausalLM.from_pretrained(folder).eval()
            inputs = AutoTokenizer.from_pretrained(folder)(PROMPTS["llama"], return_tensors="pt", return_token_type_ids=False)
            out = model.generate(**inputs, output_scores=True, return_dict_in_generate=True)
            expected = out.scores[0][0].softmax(-1)
            with self.subTest(settings=settings):
                self.assertGreater((expected > 0.02).sum().item(), 1)
                for token, p in enumerate(expected.tolist()):
                    self.assertAlmostEqual(counts[token] / 2000, p, delta=4.5 * (p * (1 - p) / 2000) ** 0.5 + 1e-9)

    def random_settings(self, rng: random.Random) -> dict:
        token = lambda: rng.randrange(4, V)
        some = lambda n: [token() for _ in range(rng.randint(1, n))]
        beams = rng.choice((1, 1, 2, 3, 4))
        choices = {
            "eos_token_id": lambda: rng.choice((2, token(), some(4))),
            "repetition_penalty": lambda: rng.choice((0.7, 1.2, 2.5)),
            "encoder_repetition_penalty": lambda: rng.choice((0.6, 1.5, 3.0)),
            "no_repeat_ngram_size": lambda: rng.randint(1, 3),
            "encoder_no_repeat_ngram_size": lambda: rng.randint(1, 3),
            "bad_words_ids": lambda: [some(3) for _ in range(rng.randint(1, 4))],
            "min_length": lambda: rng.randint(1, 14),
            "min_new_tokens": lambda: rng.randint(0, 9),
            "forced_bos_token_id": token,
            "forced_eos_token_id": lambda: rng.choice((token(), some(2))),
            "exponential_decay_length_penalty": lambda: [rng.randint(0, 4), rng.choice((0.7, 1.3, 2.5))],
            "suppress_tokens": lambda: some(3),
            "begin_suppress_tokens": lambda: some(6),
            "sequence_bias": lambda: [[list(some(2)), rng.uniform(-6, 6)] for _ in range(rng.randint(1, 3))],
            "renormalize_logits": lambda: True,
            "max_length": lambda: rng.randint(8, 14),
        }
        settings = {key: choices[key]() for key in rng.sample(sorted(choices), rng.randint(2, 7))}
        if beams > 1:
            settings |= {"num_beams": beams, "num_return_sequences": rng.randint(1, beams)}
            settings |= rng.choice(({}, {"length_penalty": rng.choice((-1.0, 0.0, 0.6, 2.0))}))
            settings |= rng.choice(({}, {"early_stopping": rng.choice((True, "never"))}))
        if "max_length" in settings:
            settings["max_new_tokens"] = None
        return settings | {"do_sample": False}

    def test_random_settings_together(self):
        rng = random.Random(17)
        compared = 0
        for n in range(30):
            kind, settings = rng.choice(("llama", "bart")), self.random_settings(rng)
            with self.subTest(n=n, kind=kind, settings=settings):
                folder = self.with_settings(kind, settings, seed=n % 4)
                try:
                    theirs = self.theirs(kind, folder)
                except (ValueError, RuntimeError):  # every token forbidden, or one forced that is suppressed
                    continue
                done = self.run_ours(kind, folder)
                if "every token is forbidden" in done.stderr:
                    continue
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual([json.loads(line)["tokens"] for line in done.stdout.splitlines()], theirs)
                compared += 1
        self.assertGreater(compared, 22)


if __name__ == "__main__":
    interop.main()
