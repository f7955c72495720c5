#!/usr/bin/env python3
"""Checkpoints across the border: `transformers` opens our runs, and our programs open its models; equal logits.

    .venv-reference/bin/python tests/interop/gpt_test.py build/release/bin
"""
import torch
from transformers import (AutoTokenizer, GPT2Config, GPT2LMHeadModel, GPT2Model, LlamaConfig, LlamaForCausalLM,
                          LlamaModel)

import interop

TOLERANCE = 1e-4
SMALL = ("--max-steps", 20, "--evaluate-every", 20, "--layers", 2, "--d-model", 36, "--heads", 6, "--context", 20)
LLAMA = ("--position", "rotary", "--norm", "rms", "--activation", "swiglu", "--norm-bias=false",
         "--attention-bias=false", "--feed-forward-bias=false", "--feed-forward", 50)


def some_inputs(vocab: int, length: int, seed: int) -> dict:
    """Three rows, the last one padded on the right."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, vocab, (3, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[-1, length - length // 3:] = 0
    return {"input_ids": ids, "attention_mask": mask}


class GptTest(interop.InteropTest):
    def compare(self, folder, model, inputs: dict):
        """Everything both sides can say about the inputs, wherever the mask is 1."""
        model.eval().set_attn_implementation("eager")
        with torch.no_grad():
            theirs = model(**inputs, output_hidden_states=True, output_attentions=True)
        expected = {"last_hidden_state": theirs.hidden_states[-1]}
        if "logits" in theirs:
            expected["logits"] = theirs.logits
        expected |= {f"hidden_states.{n}": states for n, states in enumerate(theirs.hidden_states)}
        expected |= {f"attentions.{n}": weights for n, weights in enumerate(theirs.attentions)}
        ours = self.forward(folder, inputs)
        self.assertEqual(sorted(ours), sorted(expected))
        real = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"])).bool()
        for name, tensor in expected.items():
            self.assertEqual(ours[name].dtype, torch.float32, name)
            self.assertEqual(ours[name].shape, tensor.shape, name)
            if name.startswith("attentions"):  # [B, H, T, S] -> [B, T, H, S]
                ours[name], tensor = ours[name].transpose(1, 2), tensor.transpose(1, 2)
            self.assert_close(ours[name][real], tensor[real], TOLERANCE, f"{folder.name}: {name}")

    def open_run(self, kind, run):
        model, report = kind.from_pretrained(run, output_loading_info=True)
        for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            self.assertFalse(report[problem], problem)
        self.compare(run, model, some_inputs(model.config.vocab_size, 20, 3))
        text = (self.work / "text.txt").read_text()
        ids = {character: n for n, character in enumerate(sorted(set(text)))}
        tokenizer = AutoTokenizer.from_pretrained(run)
        self.assertEqual(tokenizer(text[:500])["input_ids"], [ids[character] for character in text[:500]])
        return model

    def open_model(self, name: str, model, inputs: dict, dtype=torch.float32):
        folder = self.work / name
        interop.randomise(model, 5).to(dtype).save_pretrained(folder)
        self.compare(folder, model.float(), inputs)

    def test_python_opens_a_gpt2_shaped_run(self):
        biases = ("--norm-bias=true", "--attention-bias=true", "--feed-forward-bias=true")
        model = self.open_run(GPT2LMHeadModel, self.train("gpt2", *SMALL, *biases))
        self.assertTrue(model.transformer.h[0].mlp.c_fc.bias.any(), "the biases were not trained")

    def test_python_opens_a_run_without_biases(self):
        model = self.open_run(GPT2LMHeadModel, self.train("bare", *SMALL, "--activation", "gelu-tanh"))
        self.assertFalse(model.transformer.h[0].mlp.c_fc.bias.any(), "the recipe has no biases")

    def test_python_opens_a_llama_shaped_run(self):
        model = self.open_run(LlamaForCausalLM, self.train("llama", *SMALL, *LLAMA, "--kv-heads", 2))
        self.assertEqual(model.config.num_key_value_heads, 2)

    def test_python_opens_a_llama_shaped_run_with_untied_weights_and_wide_heads(self):
        changes = ("--tie-embeddings=false", "--head-width", 10, "--rotary-base", 700)
        model = self.open_run(LlamaForCausalLM, self.train("untied", *SMALL, *LLAMA, *changes))
        self.assertFalse(torch.equal(model.lm_head.weight, model.model.embed_tokens.weight))

    def test_we_open_gpt2_models_of_odd_shapes(self):
        shapes = [dict(vocab_size=17, n_positions=9, n_embd=6, n_layer=1, n_head=1),
                  dict(vocab_size=101, n_positions=33, n_embd=35, n_layer=3, n_head=5, activation_function="gelu"),
                  dict(vocab_size=64, n_positions=16, n_embd=24, n_layer=2, n_head=8, n_inner=10,
                       activation_function="relu"),
                  dict(vocab_size=50, n_positions=12, n_embd=20, n_layer=3, n_head=2, scale_attn_weights=False,
                       scale_attn_by_inverse_layer_idx=True, layer_norm_epsilon=1e-3),
                  dict(vocab_size=50, n_positions=12, n_embd=20, n_layer=2, n_head=2, tie_word_embeddings=False)]
        for n, shape in enumerate(shapes):
            with self.subTest(shape):
                inputs = some_inputs(shape["vocab_size"], shape["n_positions"], n)
                self.open_model(f"gpt2-{n}", GPT2LMHeadModel(GPT2Config(**shape)), inputs)

    def test_we_open_llama_models_of_odd_shapes(self):
        base = dict(vocab_size=53, hidden_size=30, intermediate_size=44, num_hidden_layers=2, num_attention_heads=6,
                    num_key_value_heads=3, head_dim=10, max_position_embeddings=40)
        llama3 = {"rope_type": "llama3", "rope_theta": 900.0, "factor": 4.0, "low_freq_factor": 1.0,
                  "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
        yarn = {"rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "original_max_position_embeddings": 10}
        other_yarn = yarn | {"beta_fast": 5.0, "beta_slow": 0.5, "mscale": 0.7, "mscale_all_dim": 1.0, "truncate": False}
        shapes = [{}, dict(num_key_value_heads=1, tie_word_embeddings=True), dict(num_key_value_heads=6, head_dim=2),
                  dict(attention_bias=True, rms_norm_eps=1e-2),
                  dict(mlp_bias=True), dict(rope_parameters={"rope_type": "default", "rope_theta": 50.0}),
                  dict(rope_parameters={"rope_type": "linear", "rope_theta": 1e4, "factor": 3.0}),
                  dict(rope_parameters=llama3), dict(rope_parameters=yarn), dict(rope_parameters=other_yarn),
                  dict(rope_parameters={"rope_type": "dynamic", "rope_theta": 1e3, "factor": 2.0},
                       max_position_embeddings=10)]
        for n, shape in enumerate(shapes):
            with self.subTest(shape):
                self.open_model(f"llama-{n}", LlamaForCausalLM(LlamaConfig(**base | shape)), some_inputs(53, 21, n))

    def test_we_open_models_without_a_head(self):
        gpt2 = GPT2Model(GPT2Config(vocab_size=31, n_positions=12, n_embd=15, n_layer=2, n_head=3))
        self.open_model("gpt2-headless", gpt2, some_inputs(31, 12, 1))
        llama = LlamaModel(LlamaConfig(vocab_size=31, hidden_size=16, intermediate_size=20, num_hidden_layers=2,
                                       num_attention_heads=4))
        self.open_model("llama-headless", llama, some_inputs(31, 12, 1))

    def test_we_open_half_precision_weights(self):
        for dtype in (torch.float16, torch.bfloat16):
            model = GPT2LMHeadModel(GPT2Config(vocab_size=31, n_positions=12, n_embd=15, n_layer=2, n_head=3))
            self.open_model(f"gpt2-{dtype}", model, some_inputs(31, 12, 1), dtype)

    def test_positions_may_be_given(self):
        inputs = some_inputs(31, 8, 1)
        inputs["position_ids"] = torch.tensor([[3, 1, 0, 7, 2, 2, 11, 5]]).repeat(3, 1)
        gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=31, n_positions=12, n_embd=15, n_layer=2, n_head=3))
        self.open_model("gpt2-positions", gpt2, inputs)
        llama = LlamaForCausalLM(LlamaConfig(vocab_size=31, hidden_size=16, intermediate_size=20, num_hidden_layers=2,
                                             num_attention_heads=4))
        self.open_model("llama-positions", llama, inputs)


if __name__ == "__main__":
    interop.main()
