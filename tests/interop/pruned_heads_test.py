#!/usr/bin/env python3
"""Models with heads removed by our program `prune_heads`, opened in Python: equal logits.

    .venv-reference/bin/python tests/interop/pruned_heads_test.py build/release/bin
"""
import json
import sys

import torch
import transformers as tf

import interop

sys.path.insert(0, str(interop.ROOT / "examples"))
from open_pruned import open_pruned  # noqa: E402

TOLERANCE = 1e-4
LLAMA = dict(vocab_size=53, hidden_size=30, intermediate_size=44, num_hidden_layers=2, num_attention_heads=6,
             num_key_value_heads=3, head_dim=10, max_position_embeddings=40)


def some_ids(vocab: int, length: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(3, vocab, (2, length), generator=torch.Generator().manual_seed(seed))


def some_pixels(side: int) -> torch.Tensor:
    return torch.randn((2, 3, side, side), generator=torch.Generator().manual_seed(2))


class PrunedHeadsTest(interop.InteropTest):
    def prune(self, model, heads: str):
        """A random model of Python's, without these heads: the new folder."""
        folder, out = self.work / "whole", self.work / "pruned"
        interop.randomise(model, 5, fixed=("embed_positions",) if "Pegasus" in type(model).__name__ else ())
        model.save_pretrained(folder)
        self.run_program("prune_heads", "--model", folder, "--heads", heads, "--out", out)
        self.assertLess((out / "model.safetensors").stat().st_size, (folder / "model.safetensors").stat().st_size)
        return out

    def compare(self, folder, model, inputs: dict, names: tuple):
        model.eval().set_attn_implementation("eager")
        with torch.no_grad():
            theirs = model(**inputs)
        ours = self.forward(folder, inputs)
        for name in names:
            self.assert_close(ours[name], theirs[name], TOLERANCE, name)

    def open_and_compare(self, model, heads: str, inputs: dict, names: tuple = ("logits",)):
        folder = self.prune(model, heads)
        opened, report = open_pruned(folder, output_loading_info=True)
        for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            self.assertFalse(report[problem], problem)
        self.compare(folder, opened, inputs, names)
        return folder

    def test_gpt2(self):
        model = tf.GPT2LMHeadModel(tf.GPT2Config(vocab_size=31, n_positions=12, n_embd=20, n_layer=3, n_head=5))
        folder = self.open_and_compare(model, "0:1,3 2:0", {"input_ids": some_ids(31, 12)})
        self.assertEqual(json.loads((folder / "config.json").read_text())["pruned_heads"], {"0": [1, 3], "2": [0]})
        with self.assertRaises(RuntimeError):  # shapes: it is not opened as something else
            tf.GPT2LMHeadModel.from_pretrained(folder)

    def test_gpt2_continues_a_text_with_its_cache(self):
        model = tf.GPT2LMHeadModel(tf.GPT2Config(vocab_size=31, n_positions=12, n_embd=20, n_layer=3, n_head=5))
        opened = open_pruned(self.prune(model, "1:0,2,4")).eval()
        ids, mask = some_ids(31, 4), torch.ones((2, 4), dtype=torch.long)
        said = [opened.generate(ids, attention_mask=mask, max_new_tokens=6, do_sample=False, use_cache=cached,
                                pad_token_id=0, eos_token_id=None) for cached in (True, False)]
        self.assertTrue(torch.equal(*said))

    def test_bert_families(self):
        small = dict(vocab_size=37, hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=30,
                     max_position_embeddings=20)
        models = [tf.BertForMaskedLM(tf.BertConfig(**small)), tf.RobertaForMaskedLM(tf.RobertaConfig(**small)),
                  tf.ElectraForMaskedLM(tf.ElectraConfig(embedding_size=16, **small)),
                  tf.BertForSequenceClassification(tf.BertConfig(num_labels=3, **small)),
                  tf.AlbertForMaskedLM(tf.AlbertConfig(embedding_size=16, num_hidden_groups=2, **small))]
        for model in models:
            with self.subTest(type(model).__name__):
                self.open_and_compare(model, "0:1,3 1:0", {"input_ids": some_ids(37, 9)})
            self.doCleanups()
            self.setUp()

    def test_vit(self):
        config = tf.ViTConfig(hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=30,
                              image_size=8, patch_size=4, num_labels=5)
        self.open_and_compare(tf.ViTForImageClassification(config), "0:1 1:0,2", {"pixel_values": some_pixels(8)})

    def test_bart_in_all_three_kinds_of_attention(self):
        config = tf.BartConfig(vocab_size=41, max_position_embeddings=20, d_model=24, encoder_layers=2,
                               decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=3,
                               encoder_ffn_dim=30, decoder_ffn_dim=30)
        inputs = {"input_ids": some_ids(41, 9), "decoder_input_ids": some_ids(41, 6, 3)}
        self.open_and_compare(tf.BartForConditionalGeneration(config),
                              "encoder.0:1,3 encoder.1:2 decoder.1:0 cross.0:1,2", inputs)

    def test_clip_in_both_towers(self):
        tower = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=30)
        config = tf.CLIPConfig(text_config=dict(vocab_size=43, max_position_embeddings=12, eos_token_id=42, **tower),
                               vision_config=dict(image_size=8, patch_size=4, **tower), projection_dim=10)
        ids = some_ids(42, 7)
        ids[:, -1] = 42
        self.open_and_compare(tf.CLIPModel(config), "text.0:0,1 image.1:3",
                              {"input_ids": ids, "pixel_values": some_pixels(8)}, ("logits_per_image",))

    def test_a_llama_of_equal_layers_opens_as_it_is(self):
        model = tf.LlamaForCausalLM(tf.LlamaConfig(**LLAMA | {"hidden_size": 60}))
        folder = self.prune(model, "0:2,3 1:0,1")  # a group of each layer
        opened = tf.LlamaForCausalLM.from_pretrained(folder)
        self.assertEqual((opened.config.num_attention_heads, opened.config.num_key_value_heads), (4, 2))
        self.compare(folder, opened, {"input_ids": some_ids(53, 21)}, ("logits",))

    def test_a_llama_whose_layers_differ(self):
        for heads in ("0:2,3", "1:0,2,4", "0:0,1,2,3 1:1,3,5", "0:0,1 1:2,3"):
            with self.subTest(heads):
                model = tf.LlamaForCausalLM(tf.LlamaConfig(**LLAMA))
                self.open_and_compare(model, heads, {"input_ids": some_ids(53, 21)})
            self.doCleanups()
            self.setUp()

    def test_we_open_what_transformers_4_pruned(self):
        """Its config.json has "pruned_heads" and no options of ours."""
        model = tf.GPT2LMHeadModel(tf.GPT2Config(vocab_size=31, n_positions=12, n_embd=20, n_layer=3, n_head=5))
        folder = self.prune(model, "0:1,3 2:0")
        before = self.forward(folder, {"input_ids": some_ids(31, 12)})["logits"]
        config = json.loads((folder / "config.json").read_text())
        del config["zoo"]
        (folder / "config.json").write_text(json.dumps(config))
        self.assertTrue(torch.equal(self.forward(folder, {"input_ids": some_ids(31, 12)})["logits"], before))


if __name__ == "__main__":
    interop.main()
