#!/usr/bin/env python3
"""Decoder-only families of `transformers` on random weights in odd shapes: equal logits, hidden states and attention weights
in `forward`, equal texts in `generate`; runs that Python opens.

    .venv-reference/bin/python tests/interop/decoder_families_test.py build/release/bin
"""
import json

import safetensors.torch
import tokenizers
import torch
import transformers

import interop

TOLERANCE = 1e-4
VOCAB, LENGTH = 53, 21
SIZES = dict(vocab_size=VOCAB, hidden_size=36, num_hidden_layers=3, num_attention_heads=6, intermediate_size=44,
             max_position_embeddings=40)
GROUPED = SIZES | dict(num_key_value_heads=3)
OPT = dict(vocab_size=VOCAB, hidden_size=30, num_hidden_layers=3, num_attention_heads=5, ffn_dim=44, max_position_embeddings=40)
BLOOM = dict(vocab_size=VOCAB, hidden_size=30, n_layer=3)
EXPERTS = GROUPED | dict(num_hidden_layers=2, num_local_experts=5)
QWEN_EXPERTS = GROUPED | dict(num_experts=5, moe_intermediate_size=9, num_experts_per_tok=3)
LINEAR = {"rope_type": "linear", "rope_theta": 500.0, "factor": 3.0}
YARN = {"rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "original_max_position_embeddings": 10}
# Of each class the options of its configurations, the first being what the class is known for.
MODELS = {
    "MistralForCausalLM": [GROUPED | dict(sliding_window=4), SIZES | dict(num_key_value_heads=2, head_dim=14, sliding_window=None),
                           GROUPED | dict(tie_word_embeddings=True, hidden_act="gelu", rope_parameters=YARN)],
    "Qwen2ForCausalLM": [GROUPED, GROUPED | dict(use_sliding_window=True, sliding_window=5, max_window_layers=2),
                         GROUPED | dict(use_sliding_window=True, sliding_window=3, tie_word_embeddings=True, layer_types=[
                             "sliding_attention", "full_attention", "sliding_attention"])],
    "Qwen3ForCausalLM": [GROUPED | dict(head_dim=8), GROUPED | dict(head_dim=4, attention_bias=True, use_sliding_window=True,
                                                                   sliding_window=6, max_window_layers=1)],
    "GPTNeoXForCausalLM": [SIZES | dict(num_attention_heads=3, rope_parameters={
        "rope_type": "default", "rope_theta": 700.0, "partial_rotary_factor": 0.38}),
                           SIZES | dict(num_attention_heads=3, use_parallel_residual=False, attention_bias=False,
                                        tie_word_embeddings=True, hidden_act="relu", rope_parameters=LINEAR | {
                                            "partial_rotary_factor": 1.0})],
    "PhiForCausalLM": [SIZES | dict(num_attention_heads=3, rope_parameters={
        "rope_type": "default", "rope_theta": 700.0, "partial_rotary_factor": 0.4}),
                       SIZES | dict(hidden_size=48, qk_layernorm=True, num_key_value_heads=2, tie_word_embeddings=True)],
    "OPTForCausalLM": [OPT, OPT | dict(do_layer_norm_before=False, word_embed_proj_dim=14), OPT | dict(
        enable_bias=False, activation_function="gelu", tie_word_embeddings=False, word_embed_proj_dim=37)],
    "BloomForCausalLM": [BLOOM | dict(n_head=6), BLOOM | dict(n_head=2, tie_word_embeddings=False, layer_norm_epsilon=1e-3)],
    "MixtralForCausalLM": [EXPERTS, EXPERTS | dict(sliding_window=4, num_experts_per_tok=1, head_dim=6)],
    "Qwen3MoeForCausalLM": [QWEN_EXPERTS | dict(head_dim=8), QWEN_EXPERTS | dict(norm_topk_prob=True, mlp_only_layers=[1]),
                            QWEN_EXPERTS | dict(num_hidden_layers=4, decoder_sparse_step=2, mlp_only_layers=[3], head_dim=8,
                                                use_sliding_window=True, sliding_window=5)],
    "Gemma2ForCausalLM": [GROUPED | dict(head_dim=8, query_pre_attn_scalar=7, sliding_window=4, attn_logit_softcapping=1.5,
                                         final_logit_softcapping=2.0),
                          GROUPED | dict(head_dim=6, attn_logit_softcapping=None, final_logit_softcapping=None,
                                         attention_bias=True, tie_word_embeddings=False, sliding_window=3, layer_types=[
                                             "full_attention", "sliding_attention", "sliding_attention"])],
}
# What train_gpt makes of these options is a model of the class.
ROTARY = ("--position", "rotary", "--norm", "rms", "--norm-bias=false", "--feed-forward-bias=false", "--feed-forward", 50)
LLAMA = ROTARY + ("--activation", "swiglu")
BIASES = ("--norm-bias=true", "--attention-bias=true", "--feed-forward-bias=true")
NO_BIAS = ("--attention-bias=false",)
RUNS = {
    "MistralForCausalLM": LLAMA + NO_BIAS + ("--window", 5, "--kv-heads", 2),
    "Qwen2ForCausalLM": LLAMA + ("--attention-bias=true", "--out-bias=false", "--window", 6, "--window-pattern", "GL"),
    "Qwen3ForCausalLM": LLAMA + NO_BIAS + ("--qk-norm=true", "--head-width", 8, "--tie-embeddings=false"),
    "GPTNeoXForCausalLM": BIASES + ("--position", "rotary", "--rotary-share", 0.7, "--parallel", "two-norms",
                                    "--tie-embeddings=false"),
    "PhiForCausalLM": BIASES + ("--position", "rotary", "--rotary-share", 0.7, "--parallel", "one-norm", "--output-bias=true",
                                "--tie-embeddings=false", "--activation", "gelu-tanh"),
    "OPTForCausalLM": BIASES + ("--position-offset", 2, "--activation", "relu", "--embedding-width", 20, "--norm-place", "post"),
    "BloomForCausalLM": BIASES + ("--position", "alibi", "--norm-embeddings=true", "--activation", "gelu-tanh"),
    "MixtralForCausalLM": LLAMA + NO_BIAS + ("--experts", 4),
    "Qwen3MoeForCausalLM": LLAMA + NO_BIAS + ("--experts", 4, "--dense-layers", "0", "--qk-norm=true", "--expert-width", 12),
    "Gemma2ForCausalLM": ROTARY + NO_BIAS + ("--activation", "geglu-tanh", "--norm-place", "sandwich", "--score-cap", 5, "--logit-cap", 9,
                                            "--scale-width", 11, "--scale-embeddings=true", "--window", 6,
                                            "--window-pattern", "LG"),
}


def masked_inputs(seed: int) -> dict:
    """A whole row, one padded on the right, one on the left, and one with a gap."""
    ids = torch.randint(0, VOCAB, (4, LENGTH), generator=torch.Generator().manual_seed(seed))
    mask = torch.ones_like(ids)
    mask[1, -7:] = 0
    mask[2, :6] = 0
    mask[3, 5:9] = 0
    return {"input_ids": ids, "attention_mask": mask}


class DecoderFamiliesTest(interop.InteropTest):
    def model(self, name: str, seed: int, **options):
        kind = getattr(transformers, name)
        return interop.randomise(kind(kind.config_class(**options)), seed).eval()

    def compare(self, folder, model, inputs: dict):
        """Everything both sides can say about the inputs, wherever the mask is 1."""
        model.eval().set_attn_implementation("eager")
        model.set_experts_implementation("eager")  # the others take some widths alone
        with torch.no_grad():
            theirs = model(**inputs, output_hidden_states=True, output_attentions=True)
        expected = {f"hidden_states.{n}": states for n, states in enumerate(theirs.hidden_states)}
        expected |= {f"attentions.{n}": weights for n, weights in enumerate(theirs.attentions)}
        expected |= {name: theirs[name] for name in ("logits", "last_hidden_state") if name in theirs}
        ours = self.forward(folder, inputs)
        self.assertLessEqual(set(expected), set(ours))
        real = inputs["attention_mask"].bool()
        for name, tensor in expected.items():
            self.assertEqual(ours[name].shape, tensor.shape, name)
            if name.startswith("attentions"):  # [B, H, T, S] -> [B, T, H, S]
                ours[name], tensor = ours[name].transpose(1, 2), tensor.transpose(1, 2)
            self.assert_close(ours[name][real], tensor[real], TOLERANCE, f"{folder.name}: {name}")

    def cases(self):
        for name, shapes in MODELS.items():
            for number, options in enumerate(shapes):
                yield name, number, options

    def test_we_open_models_of_odd_shapes(self):
        for name, number, options in self.cases():
            with self.subTest(name, options=options):
                model = self.model(name, number, **options)
                folder = self.work / f"{name}-{number}"
                model.save_pretrained(folder)
                self.compare(folder, model, masked_inputs(number))

    def test_experts_in_one_tensor_as_python_has_them_in_memory(self):
        for name in ("MixtralForCausalLM", "Qwen3MoeForCausalLM"):
            for number, options in enumerate(MODELS[name]):
                with self.subTest(name, options=options):
                    model = self.model(name, number + 5, **options)
                    folder = self.work / f"{name}-memory-{number}"
                    model.save_pretrained(folder)
                    safetensors.torch.save_model(model, folder / "model.safetensors", metadata={"format": "pt"})
                    self.compare(folder, model, masked_inputs(number))

    def test_weights_in_half_precision_in_shards_and_without_a_head(self):
        for number, (name, shapes) in enumerate(MODELS.items()):
            with self.subTest(name):
                dtype = (torch.bfloat16, torch.float16)[number % 2]
                model = self.model(name, number, **shapes[0]).to(dtype)
                folder = self.work / f"{name}-half"
                model.save_pretrained(folder, max_shard_size="9KB")
                self.assertTrue((folder / "model.safetensors.index.json").exists())
                whole = type(model).from_pretrained(folder, dtype=torch.float32)
                self.compare(folder, whole, masked_inputs(number))
                headless = getattr(transformers, name.replace("ForCausalLM", "Model"))
                if name != "OPTForCausalLM":  # whose class for it keeps no projection apart
                    model = interop.randomise(headless(headless.config_class(**shapes[0])), number)
                    model.save_pretrained(self.work / f"{name}-headless")
                    self.compare(self.work / f"{name}-headless", model, masked_inputs(number))

    def test_python_opens_our_runs(self):
        for name, options in RUNS.items():
            with self.subTest(name):
                run = self.train(name, "--max-steps", 4, "--evaluate-every", 4, "--layers", 2, "--d-model", 36, "--heads", 6,
                                 "--context", 24, *options)
                model, report = getattr(transformers, name).from_pretrained(run, output_loading_info=True)
                for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
                    self.assertFalse(report[problem], problem)
                inputs = masked_inputs(3)
                inputs["input_ids"] %= model.config.vocab_size
                self.compare(run, model, inputs)
                text = (self.work / "text.txt").read_text()
                ids = {character: n for n, character in enumerate(sorted(set(text)))}
                # Of a Qwen 2, Python takes Qwen 2's own tokenizer whatever the folder says.
                kind = transformers.PreTrainedTokenizerFast if name == "Qwen2ForCausalLM" else transformers.AutoTokenizer
                tokenizer = kind.from_pretrained(run)
                self.assertEqual(tokenizer(text[:300])["input_ids"], [ids[character] for character in text[:300]])
                out = self.run_program("generate", "--model", run, "zebra", "--temperature", 0, "--max-new-tokens", 5, "--json")
                prompt = tokenizer("zebra", return_tensors="pt")["input_ids"]
                theirs = model.generate(prompt, max_new_tokens=5, do_sample=False)
                self.assertEqual(json.loads(out)["tokens"], theirs[0, prompt.shape[1]:].tolist())

    def tokenizer(self):
        maker = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token=None))
        maker.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        maker.decoder = tokenizers.decoders.ByteLevel()
        trainer = tokenizers.trainers.BpeTrainer(vocab_size=300, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())
        maker.train_from_iterator([interop.random_text(4000, 2)], trainer)
        return transformers.PreTrainedTokenizerFast(tokenizer_object=maker, pad_token="!", eos_token="#")

    def test_greedy_texts_are_the_same(self):
        """Prompts of different lengths at once, in Python one by one and padded on the left."""
        tokenizer = self.tokenizer()
        prompts = ["zebra", "a quiz about milk, tax and hugs", "vow"]
        ids = dict(bos_token_id=None, eos_token_id=None, pad_token_id=tokenizer.pad_token_id)
        for name, number, options in self.cases():
            with self.subTest(name, options=options):
                model = self.model(name, number + 9, **options | ids | dict(vocab_size=300))
                folder = self.work / f"{name}-{number}"
                model.save_pretrained(folder)
                tokenizer.save_pretrained(folder)
                model.set_experts_implementation("eager")
                out = self.run_program("generate", "--model", folder, *prompts, "--temperature", 0, "--max-new-tokens", 9, "--json")
                rows = [json.loads(line) for line in out.splitlines()]
                own = transformers.AutoTokenizer.from_pretrained(folder)
                for row, prompt in zip(rows, prompts, strict=True):
                    inputs = own(prompt, return_tensors="pt")
                    theirs = model.generate(inputs["input_ids"], max_new_tokens=9, do_sample=False)
                    self.assertEqual(row["tokens"], theirs[0, inputs["input_ids"].shape[1]:].tolist(), prompt)
                padded = own(prompts, return_tensors="pt", padding=True, padding_side="left")
                theirs = model.generate(input_ids=padded["input_ids"], attention_mask=padded["attention_mask"],
                                        max_new_tokens=9, do_sample=False)
                together = theirs[:, padded["input_ids"].shape[1]:].tolist()
                self.assertEqual([row["tokens"] for row in rows], together)
                self.assertGreater(len({tuple(tokens) for tokens in together}), 1)


if __name__ == "__main__":
    interop.main()
