#!/usr/bin/env python3
"""The tables of models/pretrained/README.md, row by row: folders that differ in one key of config.json alone mean here what
they mean to `transformers`, and what we cannot do is refused in one line.

    .venv-reference/bin/python tests/interop/model_folder_keys_test.py build/release/bin
"""
import copy
import dataclasses
import json
import re
import shutil
import subprocess

import torch
import transformers
from safetensors.torch import load_file, save_file, save_model

import interop

TOLERANCE = 1e-4
README = interop.ROOT / "models/pretrained/README.md"

ENCODER = dict(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
               max_position_embeddings=24)
SEQ2SEQ = dict(vocab_size=40, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
               decoder_attention_heads=2, encoder_ffn_dim=20, decoder_ffn_dim=20, max_position_embeddings=24, pad_token_id=1,
               eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2)
IMAGE = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20, image_size=8, patch_size=4)
CLIP_TEXT = ENCODER | dict(eos_token_id=7, bos_token_id=0, pad_token_id=1, projection_dim=6)
CLIP_VISION = IMAGE | dict(projection_dim=6)
GROUPED = ENCODER | dict(num_key_value_heads=1, head_dim=8, eos_token_id=1, bos_token_id=0)
# The class, and the options of its configuration.
MODELS = {
    "gpt2": ("GPT2LMHeadModel", dict(vocab_size=40, n_positions=24, n_embd=16, n_layer=2, n_head=2, n_inner=20, bos_token_id=0,
                                     eos_token_id=0)),
    "llama": ("LlamaForCausalLM", ENCODER | dict(num_key_value_heads=1, head_dim=8, eos_token_id=1, bos_token_id=0)),
    "mistral": ("MistralForCausalLM", GROUPED | dict(sliding_window=4)),
    "mixtral": ("MixtralForCausalLM", GROUPED | dict(num_local_experts=3, num_experts_per_tok=2)),
    "qwen2": ("Qwen2ForCausalLM", GROUPED | dict(use_sliding_window=True, sliding_window=4, max_window_layers=1)),
    "qwen3": ("Qwen3ForCausalLM", GROUPED | dict(use_sliding_window=True, sliding_window=4, max_window_layers=1)),
    "qwen3_moe": ("Qwen3MoeForCausalLM", GROUPED | dict(num_experts=3, num_experts_per_tok=2, moe_intermediate_size=12, mlp_only_layers=[0],
                                                        use_sliding_window=True, sliding_window=4)),
    "gemma2": ("Gemma2ForCausalLM", GROUPED | dict(sliding_window=4, query_pre_attn_scalar=8, attn_logit_softcapping=2.0,
                                                   final_logit_softcapping=3.0)),
    "phi": ("PhiForCausalLM", ENCODER | dict(eos_token_id=1, bos_token_id=0)),
    "gpt_neox": ("GPTNeoXForCausalLM", ENCODER | dict(eos_token_id=1, bos_token_id=0)),
    "opt": ("OPTForCausalLM", dict(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, ffn_dim=20,
                                   max_position_embeddings=24)),
    "bloom": ("BloomForCausalLM", dict(vocab_size=40, hidden_size=16, n_layer=2, n_head=2)),
    "bert": ("BertForMaskedLM", ENCODER), "roberta": ("RobertaForMaskedLM", ENCODER),
    "albert": ("AlbertForMaskedLM", ENCODER | dict(embedding_size=8, num_hidden_groups=1)),
    "electra": ("ElectraForMaskedLM", ENCODER | dict(embedding_size=8)),
    "distilbert": ("DistilBertForMaskedLM", dict(vocab_size=40, dim=16, n_layers=2, n_heads=2, hidden_dim=20,
                                                 max_position_embeddings=24)),
    "bart": ("BartForConditionalGeneration", SEQ2SEQ | dict(bos_token_id=0)),
    "mbart": ("MBartForConditionalGeneration", SEQ2SEQ | dict(bos_token_id=0)),
    "t5": ("T5ForConditionalGeneration", dict(vocab_size=40, d_model=16, d_kv=6, d_ff=20, num_layers=2, num_heads=2,
                                              relative_attention_num_buckets=8, relative_attention_max_distance=5,
                                              pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)),
    "marian": ("MarianMTModel", SEQ2SEQ), "pegasus": ("PegasusForConditionalGeneration", SEQ2SEQ),
    "vit": ("ViTForImageClassification", IMAGE), "deit": ("DeiTForImageClassification", IMAGE),
    "dinov2": ("Dinov2ForImageClassification", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2,
                                                    image_size=8, patch_size=4)),
    "clip_text": ("CLIPTextModelWithProjection", CLIP_TEXT), "clip_vision": ("CLIPVisionModelWithProjection", CLIP_VISION),
    "siglip": ("SiglipModel", dict(text_config=ENCODER | dict(projection_size=16), vision_config=IMAGE)),
    "clip": ("CLIPModel", dict(projection_dim=6, text_config=CLIP_TEXT, vision_config=CLIP_VISION))}
GROUPS = {"berts": ["bert", "roberta", "albert", "electra"], "seq2seq": ["bart", "marian", "pegasus", "mbart"], "vits": ["vit", "deit"],
          "clips": ["clip_text", "clip_vision"], "all": list(MODELS),
          "llamas": ["llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "gemma2"]}
GROUPS["decoders"] = ["gpt2", *GROUPS["llamas"], "phi", "gpt_neox", "opt", "bloom"]
GROUPS["rest"] = [family for family in MODELS if family not in ("qwen2", "qwen3", "gemma2")]
GROUPS["text"] = [*GROUPS["decoders"], "clip_text", "distilbert", "t5", *GROUPS["berts"], *GROUPS["seq2seq"]]

# Another value of a key; of a family alone where its name stands before.
OTHER = {
    "architectures": None, "vocab_size": 41, "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4,
    "intermediate_size": 24, "max_position_embeddings": 30, "n_positions": 30, "n_embd": 24, "n_layer": 3, "n_head": 4,
    "n_inner": 24, "d_model": 24, "encoder_layers": 3, "decoder_layers": 3, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "hidden_act": "relu",
    "activation_function": "relu", "layer_norm_eps": 0.1, "layer_norm_epsilon": 0.1, "rms_norm_eps": 0.1,
    "type_vocab_size": 3, "embedding_size": 12, "num_hidden_groups": 2, "tie_word_embeddings": False,
    "num_key_value_heads": 2, "head_dim": 4, "attention_bias": True, "mlp_bias": True,
    "rope_parameters": {"rope_type": "linear", "factor": 3.0, "rope_theta": 500.0},
    "rope_scaling": {"type": "linear", "factor": 4.0}, "rope_theta": 77.0, "scale_attn_weights": False,
    "scale_attn_by_inverse_layer_idx": True, "scale_embedding": True, "decoder_vocab_size": 41,
    "share_encoder_decoder_embeddings": False, "image_size": 12, "patch_size": 2, "num_channels": 1, "qkv_bias": False,
    "projection_dim": 8, "roberta pad_token_id": 9, "eos_token_id": 2, "llama tie_word_embeddings": True,
    "d_kv": 5, "d_ff": 24, "num_layers": 3, "num_decoder_layers": 1, "num_heads": 4, "relative_attention_num_buckets": 6,
    "relative_attention_max_distance": 30, "feed_forward_proj": "gelu", "dropout_rate": 0.4,
    "mlp_ratio": 3, "use_swiglu_ffn": True, "layerscale_value": 0.5, "drop_path_rate": 0.1, "use_mask_token": False,
    "apply_layernorm": False, "reshape_hidden_states": False,
    "dim": 24, "n_layers": 3, "n_heads": 4, "hidden_dim": 24, "activation": "relu",
    # of keys that have one value
    "inner_group_num": 2, "position_embedding_type": "relative_key", "partial_rotary_factor": 0.5, "pooler_act": "relu",
    "pooler_output_size": 8, "quantization_config": {"quant_method": "gptq", "bits": 4},
    "per_layer_config": {"0": {"num_attention_heads": 4}}, "layer_types": ["sliding_attention", "full_attention"],
    "llama hidden_act": "gelu", "is_causal": True,
    # of decoders
    **{f"{family} max_position_embeddings": 5 for family in (*GROUPS["llamas"], "phi", "gpt_neox")},
    **{f"{family} tie_word_embeddings": True for family in ("mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "phi", "gpt_neox")},
    "gemma2 layer_types": ["full_attention", "sliding_attention"], "gpt_neox attention_bias": False, "ffn_dim": 24,
    "word_embed_proj_dim": 8, "n_embed": 24, "seq_length": 99, "hidden_activation": "relu", "qk_layernorm": True,
    "query_pre_attn_scalar": 3, "attn_logit_softcapping": None, "final_logit_softcapping": 9.0, "sliding_window": 2,
    "use_sliding_window": False, "max_window_layers": 2, "num_local_experts": 2, "num_experts": 2, "num_experts_per_tok": 1,
    "moe_intermediate_size": 8, "decoder_sparse_step": 3, "mlp_only_layers": [1], "phi num_key_value_heads": 1,
    "gpt_neox num_attention_heads": 1, "norm_topk_prob": True,
    "output_router_logits": True, "router_aux_loss_coef": 0.5, "router_jitter_noise": 0.5, "use_parallel_residual": False,
    "do_layer_norm_before": False, "enable_bias": False, "rotary_emb_base": 77, "rotary_pct": 0.5,
    "is_decoder": True, "layerdrop": 0.4, "hidden_dropout": 0.4, "opt activation_function": "gelu",
    # of keys that change nothing
    "bos_token_id": 3, "pad_token_id": 4, "decoder_start_token_id": 5, "forced_eos_token_id": 6, "encoder_stride": 2,
    "logit_scale_init_value": 1.5, "initializer_factor": 2.0, "initializer_range": 0.5, "init_std": 0.5,
    "hidden_dropout_prob": 0.4, "attention_probs_dropout_prob": 0.4, "classifier_dropout": 0.4,
    "classifier_dropout_prob": 0.4, "seq_classif_dropout": 0.4, "qa_dropout": 0.4, "sinusoidal_pos_embds": True, "resid_pdrop": 0.4, "embd_pdrop": 0.4, "attn_pdrop": 0.4, "attention_dropout": 0.4,
    "dropout": 0.4, "activation_dropout": 0.4, "encoder_layerdrop": 0.4, "decoder_layerdrop": 0.4, "summary_type": "mean",
    "summary_use_proj": False, "summary_activation": "tanh", "summary_proj_to_labels": False, "summary_first_dropout": 0.4,
    "summary_last_dropout": 0.4, "pretraining_tp": 2, "num_labels": 3, "id2label": {"0": "a", "1": "b", "2": "c"},
    "label2id": {"z": 0}, "problem_type": "regression", "dtype": "float16", "torch_dtype": "float16",
    "chunk_size_feed_forward": 1, "use_cache": False, "output_hidden_states": True, "output_attentions": True,
    "return_dict": True, "attn_implementation": "sdpa", "experts_implementation": "eager", "transformers_version": "4.2.0",
    "name_or_path": "x", "_name_or_path": "y", "pruned_heads": {"0": [1]}, "torchscript": True, "tie_encoder_decoder": True,
    "reorder_and_upcast_attn": True, "is_encoder_decoder": True}
# Rows that another test of this file tries.
ELSEWHERE = {("dinov2", "num_labels"), ("dinov2", "id2label"), ("dinov2", "problem_type"),
             ("distilbert", "num_labels"), ("distilbert", "id2label"), ("distilbert", "problem_type"),
             ("berts", "num_labels"), ("berts", "id2label"), ("berts", "problem_type"), ("vits", "num_labels"),
             ("vits", "id2label"), ("vits", "problem_type")}
# Another value that Python, too, computes the same numbers with.
# transformers 5 writes what follows from these, which then counts (encoder_decoder_test.py tries them alone).
SAME_NUMBERS = {
    *((family, key) for family in (*GROUPS["llamas"], "phi", "gpt_neox") for key in ("tie_word_embeddings", "rope_theta")),
    ("phi", "partial_rotary_factor"), ("qwen3_moe", "num_experts"), ("gpt_neox", "rotary_emb_base"), ("gpt_neox", "rotary_pct"), ("qwen2", "max_window_layers"),
    ("qwen3", "max_window_layers"), ("t5", "feed_forward_proj"), ("t5", "tie_word_embeddings"), ("marian", "max_position_embeddings")}
# What Python computes all the same, and we refuse in one line: texts beyond the context, one table of two sizes, whole
# weights that should lack heads (pruned_heads_test.py has such as do).
REFUSED_HERE = {("marian", "decoder_vocab_size")} | {
    (family, "max_position_embeddings") for family in (*GROUPS["llamas"], "phi", "gpt_neox")} | {
    (family, "pruned_heads") for family in (*GROUPS["decoders"], "vit", "deit", "clip_text", "clip_vision", "distilbert", "dinov2", *GROUPS["berts"])}


def families_of(cell: str) -> list:
    return [family for name in cell.split(", ") for family in GROUPS.get(name, [name])]


def key_table() -> dict:
    """{(family, key): what stands in the column "here"} of the section on config.json."""
    section = README.read_text().split("\n## config.json\n")[1].split("\n## ")[0]
    rows = {}
    for line in re.findall(r"^\| (`.*) \|$", section, re.MULTILINE):
        keys, families, here, _ = [cell.strip() for cell in line.split("|")]
        for family in families_of(families):
            for key in re.findall(r"`([^`]+)`", keys):
                assert (family, key) not in rows, f"{family}: {key} stands in two rows"
                rows[family, key] = here
    return rows


class Refused(Exception):
    pass


class FolderTest(interop.InteropTest):
    def config_class(self, family: str):
        return getattr(transformers, MODELS[family][0]).config_class

    def model(self, family: str, **options):
        name, base = MODELS[family]
        return interop.randomise(getattr(transformers, name)(self.config_class(family)(**base | options)), 7,
                                 fixed=("embed_positions",) if family in ("marian", "pegasus") else ())

    def inputs(self, family: str, channels: int = 3, side: int = 8) -> dict:
        generator = torch.Generator().manual_seed(3)
        ids = torch.tensor([[5, 9, 31, 7, 39, 12], [9, 2, 7, 38, 30, 11]])
        pixels = torch.randn(2, channels, side, side, generator=generator)
        if family in ("vit", "deit", "dinov2", "clip_vision"):
            return {"pixel_values": pixels}
        if family in ("clip", "siglip"):
            return {"input_ids": ids, "pixel_values": pixels}
        targets = {"decoder_input_ids": torch.tensor([[2, 4, 8], [2, 30, 6]])}
        return {"input_ids": ids} | (targets if family in ["t5", *GROUPS["seq2seq"]] else {})

    def save(self, family: str, name: str = "base", **options):
        folder = self.work / f"{family}-{name}"
        self.model(family, **options).save_pretrained(folder)
        return folder

    def edited(self, folder, name: str, edit: dict):
        """A folder beside it whose config.json has other values; ... takes a key away."""
        other = folder.with_name(f"{folder.name}-{name}")
        shutil.copytree(folder, other, dirs_exist_ok=True)
        config = json.loads((folder / "config.json").read_text())
        for key, value in edit.items():
            if value is ...:
                config.pop(key, None)
            else:
                config[key] = value
        (other / "config.json").write_text(json.dumps(config))
        return other

    def theirs(self, folder, inputs: dict):
        """What Python makes of a folder; Refused where it cannot, or makes up weights. And names that it passes over."""
        name = json.loads((folder / "config.json").read_text())["architectures"][0]
        try:
            model, info = getattr(transformers, name).from_pretrained(
                folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
            missing = [key for key in info["missing_keys"] if "pooler" not in key]
            if missing:
                raise Refused(f"missing {missing}")
            with torch.no_grad():
                outputs = model.eval()(**inputs, return_dict=True)
        except Refused:
            raise
        except Exception as error:
            raise Refused(str(error)) from error
        return {key: value for key, value in outputs.items() if isinstance(value, torch.Tensor)}, info["unexpected_keys"]

    def ours(self, folder, inputs: dict) -> dict:
        """What our program `forward` makes of it; Refused with its one line."""
        save_file(inputs, self.work / "in.safetensors")
        (self.work / "out.safetensors").unlink(missing_ok=True)
        done = subprocess.run([self.binaries / "forward", "--model", folder, "--inputs", self.work / "in.safetensors",
                               "--threads", "1", "--outputs", self.work / "out.safetensors"], capture_output=True, text=True)
        if done.returncode == 0:
            return load_file(self.work / "out.safetensors")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertFalse((self.work / "out.safetensors").exists())
        raise Refused(done.stderr)

    def assert_refused(self, folder, inputs: dict, *words: str):
        with self.assertRaises(Refused) as caught:
            self.ours(folder, inputs)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def compare(self, folder, inputs: dict, what: str) -> dict:
        """Both sides agree; or Python has no answer and ours is a refusal. Python's outputs, or nothing."""
        try:
            wanted, passed_over = self.theirs(folder, inputs)
        except Refused:
            self.assert_refused(folder, inputs)
            return {}
        try:
            got = self.ours(folder, inputs)
        except Refused as refusal:
            self.assertTrue(passed_over, f"{what}: only Python reads it: {refusal}")
            return {}
        shared = [name for name in wanted if name in got]
        self.assertTrue(shared, f"{what}: {list(wanted)} and {list(got)}")
        for name in shared:
            self.assert_close(got[name], wanted[name], TOLERANCE, f"{what}: {name}")
        return {name: wanted[name] for name in shared}

    def same(self, a: dict, b: dict) -> bool:
        return a.keys() == b.keys() and all(
            a[name].shape == b[name].shape and torch.allclose(a[name], b[name], rtol=1e-4, atol=1e-5) for name in a)


class ConfigKeysTest(FolderTest):
    def test_every_key_of_the_references_classes_stands_in_a_row(self):
        table = key_table()
        for family in MODELS:
            kind = self.config_class(family)
            keys = {field.name for field in dataclasses.fields(kind) if not field.name.startswith("_")} | set(kind.attribute_map)
            lacking = sorted(key for key in keys if (family, key) not in table)
            self.assertEqual(lacking, [], f"{family}: keys that stand in no row of {README.name}")

    def other(self, family: str, key: str, here: str):
        if f"{family} {key}" in OTHER:
            return OTHER[f"{family} {key}"]
        if here in ("only true", "only false"):
            return here == "only false"
        self.assertIn(key, OTHER, f"this test knows no other value of {family}'s {key}")
        return OTHER[key]

    def test_rows_of_decoders(self):
        self.try_rows("gpt2", "llama")

    def test_rows_of_decoders_with_windows_and_experts(self):
        self.try_rows(*GROUPS["llamas"][1:])

    def test_rows_of_other_decoders(self):
        self.try_rows("phi", "gpt_neox", "opt", "bloom")

    def test_rows_of_berts(self):
        self.try_rows("distilbert", *GROUPS["berts"])

    def test_rows_of_encoder_decoders(self):
        self.try_rows("t5", *GROUPS["seq2seq"])

    def test_rows_of_images(self):
        self.try_rows(*set(MODELS) - {*GROUPS["decoders"], "distilbert", "t5", *GROUPS["berts"], *GROUPS["seq2seq"]})

    def try_rows(self, *families: str):
        table = key_table()
        for family in families:
            base = self.save(family)
            inputs = self.inputs(family)
            wanted = self.compare(base, inputs, family)
            self.assertTrue(wanted, family)
            rows = {key: here for (of, key), here in table.items() if of == family}
            self.assertGreater(len(rows), 15)
            self.try_honoured(family, base, inputs, wanted, [key for key, here in rows.items() if here == "honoured"])
            self.try_only(family, base, inputs, wanted, {key: here for key, here in rows.items() if here.startswith("only ")})
            idle = {key: self.other(family, key, here) for key, here in rows.items() if here in ("training", "ids", "ignored")}
            with self.subTest(f"{family}: without effect: {', '.join(idle)}"):
                self.assertTrue(self.same(self.compare(self.edited(base, "idle", idle), inputs, family), wanted))
            self.assertLessEqual({here.split()[0] for here in rows.values()}, {"honoured", "training", "ids", "ignored", "only"})

    def try_honoured(self, family: str, base, inputs: dict, wanted: dict, keys: list):
        special = {"model_type", "architectures", "text_config", "vision_config"}
        skipped = {key for group, key in ELSEWHERE if family in GROUPS.get(group, [group])}
        for key in [key for key in keys if key not in special | skipped]:
            with self.subTest(f"{family}: {key}"):
                folder = self.edited(base, key, {key: self.other(family, key, "honoured")})
                if (family, key) in REFUSED_HERE:
                    self.assert_refused(folder, inputs)
                    continue
                changed = self.compare(folder, inputs, f"{family}, {key}")
                if changed and (family, key) not in SAME_NUMBERS:
                    self.assertFalse(self.same(changed, wanted), f"{key} changes nothing: another value would test it")
        with self.subTest(f"{family}: model_type"):
            self.assert_refused(self.edited(base, "untyped", {"model_type": ...}), inputs, "model_type")
        with self.subTest(f"{family}: a class that there is none of"):
            self.assert_refused(self.edited(base, "class", {"architectures": ["GPT9Model"]}), inputs, "GPT9Model")

    def try_only(self, family: str, base, inputs: dict, wanted: dict, rows: dict):
        """The one value changes nothing, another is refused by the key's name."""
        values = {key: json.loads(here.removeprefix("only ")) for key, here in rows.items() if here != "only absent"}
        with self.subTest(f"{family}: the values that there are"):
            self.assertTrue(self.same(self.compare(self.edited(base, "only", values), inputs, family), wanted))
        for key, here in rows.items():
            with self.subTest(f"{family}: {key}, {here}"):
                self.assert_refused(self.edited(base, key, {key: self.other(family, key, here)}), inputs, key)

    def test_shapes_that_config_json_names(self):
        """All sizes at once, other than the first table's."""
        cases = [(family, dict(vocab_size=43, hidden_size=24, num_hidden_layers=3, num_attention_heads=3, intermediate_size=21,
                               max_position_embeddings=31)) for family in ("llama", *GROUPS["berts"], "clip_text")]
        cases = [(family, shape | (dict(type_vocab_size=3) if family in GROUPS["berts"] else {})) for family, shape in cases]
        cases += [("llama", dict(num_key_value_heads=2, head_dim=4, attention_bias=True, mlp_bias=True,
                                 tie_word_embeddings=True)),
                  ("albert", dict(embedding_size=5, num_hidden_groups=2)), ("electra", dict(embedding_size=16)),
                  ("gpt2", dict(vocab_size=43, n_positions=31, n_embd=24, n_layer=3, n_head=3, n_inner=None)),
                  ("gpt2", dict(tie_word_embeddings=False)), ("bert", dict(tie_word_embeddings=False)),
                  ("roberta", dict(tie_word_embeddings=False)), ("electra", dict(tie_word_embeddings=False)),
                  ("albert", dict(tie_word_embeddings=False)), ("roberta", dict(pad_token_id=3)),
                  ("marian", dict(vocab_size=43, decoder_vocab_size=41, share_encoder_decoder_embeddings=False)),
                  ("vit", dict(image_size=[8, 12], patch_size=[4, 6], num_channels=2, qkv_bias=False)),
                  ("deit", dict(hidden_size=24, num_attention_heads=3, num_channels=2, image_size=12)),
                  ("clip_vision", dict(hidden_size=24, num_attention_heads=3, patch_size=2, projection_dim=9))]
        for family in GROUPS["seq2seq"]:
            cases.append((family, dict(vocab_size=43, d_model=24, encoder_layers=1, decoder_layers=3, encoder_attention_heads=3,
                                       decoder_attention_heads=4, encoder_ffn_dim=21, decoder_ffn_dim=23,
                                       max_position_embeddings=31)))
            cases.append((family, dict(tie_word_embeddings=False)))
        for number, (family, options) in enumerate(cases):
            with self.subTest(f"{family} {options}"):
                folder = self.save(family, f"shape-{number}", **options)
                sides = options.get("image_size", 8)
                inputs = self.inputs(family, options.get("num_channels", 3), sides if isinstance(sides, int) else 8)
                if isinstance(sides, list):
                    inputs["pixel_values"] = torch.randn(2, options["num_channels"], *sides)
                self.assertTrue(self.compare(folder, inputs, family))

    def test_activations_under_every_name(self):
        names = ["gelu", "gelu_python", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate", "quick_gelu", "relu",
                 "silu", "swish"]
        base, inputs = self.save("bert"), self.inputs("bert")
        for name in names:
            self.assertTrue(self.compare(self.edited(base, name, {"hidden_act": name}), inputs, name))
        for name in sorted(set(transformers.activations.ACT2FN) - set(names)):
            self.assert_refused(self.edited(base, name, {"hidden_act": name}), inputs, f'"{name}"')
            break  # the others take the same way

    def test_missing_keys_have_the_classes_defaults(self):
        """Of every family a model with the default of each key that is small enough to be tried."""
        large = {"mlp_ratio", "d_kv", "d_ff", "num_layers", "num_heads", "dim", "n_layers", "n_heads", "hidden_dim", "vocab_size", "hidden_size", "d_model", "n_embd", "intermediate_size", "encoder_ffn_dim", "decoder_ffn_dim",
                 "n_inner", "num_hidden_layers", "n_layer", "encoder_layers", "decoder_layers", "num_attention_heads", "n_head",
                 "encoder_attention_heads", "decoder_attention_heads", "image_size", "embedding_size", "head_dim",
                 "num_key_value_heads", "model_type", "decoder_start_token_id", "architectures", "text_config", "vision_config", "eos_token_id",
                 "projection_dim"}
        for family in MODELS:
            if family in ("clip", "siglip"):
                continue
            with self.subTest(family):
                name, base = MODELS[family]
                kept = {key: value for key, value in base.items() if key in large}
                kept |= {"image_size": 32} if "image_size" in base else {}
                kept |= {"pad_token_id": 1} if family == "marian" else {}
                config = self.config_class(family)(**kept | ({"hidden_size": 64} if family == "albert" else {}))
                model = interop.randomise(getattr(transformers, name)(config), 5, fixed=("embed_positions",))
                model.save_pretrained(self.work / f"{family}-defaults")
                folder = self.work / f"{family}-defaults"
                config = json.loads((folder / "config.json").read_text())
                (folder / "config.json").write_text(json.dumps({key: config[key] for key in config if key in large or (family, key) == ("marian", "pad_token_id")}))
                side = config.get("image_size", 8)
                self.assertTrue(self.compare(folder, self.inputs(family, 3, side), f"{family}: defaults"))

    def test_null_where_the_reference_refuses_it(self):
        for family, key in (("bert", "hidden_size"), ("gpt2", "n_layer"), ("bart", "activation_function"), ("vit", "patch_size"),
                            ("llama", "rms_norm_eps"), ("roberta", "pad_token_id"), ("clip_text", "hidden_act")):
            base, inputs = self.save(family), self.inputs(family)
            with self.subTest(f"{family} {key}"):
                folder = self.edited(base, key, {key: None})
                with self.assertRaises(Refused):
                    self.theirs(folder, inputs)
                self.assert_refused(folder, inputs, key)

    def test_rotary_positions_in_both_spellings(self):
        base, inputs = self.save("llama"), self.inputs("llama")
        llama3 = {"factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
        known = [{"rope_parameters": ..., "rope_theta": 50.0},
                 {"rope_parameters": {"rope_type": "default"}, "rope_theta": 50.0},
                 {"rope_parameters": {"rope_theta": 70.0, "rope_type": "default"}, "rope_theta": 50.0},
                 {"rope_parameters": ..., "rope_theta": 50.0, "rope_scaling": {"type": "linear", "factor": 3.0}},
                 {"rope_scaling": {"type": "linear", "factor": 3.0}}, {"rope_scaling": {}}, {"rope_scaling": None},
                 {"rope_parameters": ..., "rope_scaling": {"rope_type": "llama3"} | llama3},
                 {"rope_parameters": {"rope_type": "llama3", "rope_theta": 99.0, "original_max_position_embeddings": 8} | llama3},
                 {"rope_scaling": {"type": "yarn", "factor": 2.0}},
                 {"rope_scaling": {"type": "yarn", "factor": None, "original_max_position_embeddings": 4}},
                 {"rope_scaling": {"type": "yarn", "factor": 2.0, "attention_factor": 1.5, "beta_fast": 4.0}},
                 {"rope_scaling": {"type": "yarn", "factor": 2.0, "original_max_position_embeddings": 16},
                  "original_max_position_embeddings": 4},
                 {"rope_scaling": {"type": "dynamic", "factor": 2.0}},
                 {"rope_scaling": {"rope_type": "default", "factor": 9.0}}]
        for number, edit in enumerate(known):
            with self.subTest(str(edit)):
                self.assertTrue(self.compare(self.edited(base, f"rope-{number}", edit), inputs, str(edit)))
        for rope in ({"rope_type": "longrope", "factor": 2.0}, {"rope_type": "yarn"}, {"rope_type": "linear"},
                     {"rope_type": "llama3", "factor": 2.0}, {"rope_type": "mrope"}):
            with self.subTest(str(rope)):
                self.assert_refused(self.edited(base, "rope", {"rope_scaling": rope}), inputs, "rope_type")

    def test_several_architectures_and_none(self):
        for family, others in (("gpt2", ["GPT2Model"]), ("bert", ["BertModel"]), ("bart", ["BartModel"]), ("vit", ["ViTModel"])):
            base, inputs = self.save(family), self.inputs(family)
            name = MODELS[family][0]
            with self.subTest(family):
                wanted = self.compare(base, inputs, family)
                self.assertTrue(self.same(self.compare(self.edited(base, "two", {"architectures": [name, *others]}), inputs, family),
                                          wanted))
                headless = self.compare(self.edited(base, "base", {"architectures": others}), inputs, family)
                self.assertIn("last_hidden_state", headless)
                for none in ({"architectures": ...}, {"architectures": None}, {"architectures": []}):
                    got = self.ours(self.edited(base, "none", none), inputs)
                    self.assert_close(got["last_hidden_state"], headless["last_hidden_state"], TOLERANCE, family)

    def test_keys_of_siglips_towers(self):
        """Every key of the towers' classes: what another value means there, it means here."""
        base, inputs = self.save("siglip"), self.inputs("siglip")
        config = json.loads((base / "config.json").read_text())
        wanted = self.compare(base, inputs, "siglip")
        values = OTHER | {"projection_size": 24, "vision_use_head": False}
        without_effect = {"transformers_version", "output_hidden_states", "return_dict", "dtype", "chunk_size_feed_forward", "id2label",
                          "label2id", "problem_type", "architectures", "attention_dropout", "pad_token_id", "bos_token_id",
                          "eos_token_id", "is_encoder_decoder", "image_size"}
        for tower, kind in (("text_config", transformers.SiglipTextConfig), ("vision_config", transformers.SiglipVisionConfig)):
            for key in sorted(field.name for field in dataclasses.fields(kind) if not field.name.startswith("_")):
                with self.subTest(f"{tower}: {key}"):
                    folder = self.edited(base, f"{tower}-{key}", {tower: config[tower] | {key: values[key]}})
                    if key == "vision_use_head":
                        self.assert_refused(folder, inputs, key)
                        continue
                    changed = self.compare(folder, inputs, f"{tower} {key}")
                    if changed:
                        self.assertEqual(self.same(changed, wanted), key in without_effect, key)

    def test_clips_towers_of_old_files(self):
        base, inputs = self.save("clip"), self.inputs("clip")
        config = json.loads((base / "config.json").read_text())
        wanted = self.compare(base, inputs, "clip")
        for tower in ("text_config", "vision_config"):
            changed = copy.deepcopy(config[tower]) | {"hidden_act": "relu"}
            for key in (tower, tower + "_dict"):
                with self.subTest(key):
                    outputs = self.compare(self.edited(base, key, {key: changed}), inputs, key)
                    self.assertFalse(self.same(outputs, wanted))


class LabelKeysTest(FolderTest):
    WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat"]
    TEXTS = ["the cat sat", "on the mat", "mat"]

    def classifier(self, family: str, labels: int):
        (self.work / "vocab.txt").write_text("\n".join(self.WORDS) + "\n")
        name = {"bert": "Bert", "roberta": "Roberta", "albert": "Albert", "electra": "Electra"}[family]
        base = MODELS[family][1] | dict(vocab_size=len(self.WORDS), num_labels=labels, pad_token_id=0)
        model = getattr(transformers, f"{name}ForSequenceClassification")(self.config_class(family)(**base))
        folder = self.work / f"{family}-{labels}"
        interop.randomise(model, 3).save_pretrained(folder)
        transformers.BertTokenizer(vocab=str(self.work / "vocab.txt"), model_max_length=20).save_pretrained(folder)
        return folder

    def compare_labels(self, folder):
        theirs = transformers.pipeline("text-classification", model=str(folder), tokenizer=str(folder), top_k=None,
                                       dtype=torch.float32)(self.TEXTS)
        lines = self.run_program("classify_text", "--model", folder, "--json", "--top", 9, *self.TEXTS).splitlines()
        for mine, wanted in zip(map(json.loads, lines), theirs, strict=True):
            self.assertEqual([entry["label"] for entry in mine], [entry["label"] for entry in wanted])
            for a, b in zip(mine, wanted):
                self.assertAlmostEqual(a["score"], b["score"], places=4)

    def test_scores_of_every_problem_type(self):
        for family in GROUPS["berts"]:
            for labels in (1, 3) if family == "bert" else (3,):
                base = self.classifier(family, labels)
                for kind in (..., None, "regression", "multi_label_classification", "single_label_classification"):
                    with self.subTest(f"{family}, {labels} labels, {kind}"):
                        folder = self.edited(base, str(kind), {"problem_type": kind})
                        if (labels, kind) != (1, "single_label_classification"):
                            self.compare_labels(folder)
                            continue
                        done = subprocess.run([self.binaries / "classify_text", "--model", folder, "the cat"],
                                              capture_output=True, text=True)
                        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
                        self.assertIn("problem_type", done.stderr)

    def test_number_and_names_of_labels(self):
        base = self.classifier("bert", 3)
        names = {"0": "bad", "1": "so-so", "2": "good"}
        for edit in ({"id2label": names}, {"id2label": names, "num_labels": 3}, {"id2label": {"0": "bad"}, "num_labels": 3},
                     {"id2label": ..., "label2id": ..., "num_labels": 3}, {"id2label": None, "num_labels": 3},
                     {"id2label": names, "label2id": {"x": 0}}):
            with self.subTest(str(edit)):
                self.compare_labels(self.edited(base, "names", edit))

    def test_pictures_labels(self):
        from PIL import Image
        pixels = torch.randint(0, 256, (8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
        Image.fromarray(pixels.numpy()).save(self.work / "picture.png")
        for family in GROUPS["vits"]:
            base = self.save(family, num_labels=3)
            transformers.ViTImageProcessorPil(size={"height": 8, "width": 8}).save_pretrained(base)
            for edit in ({}, {"problem_type": "multi_label_classification"}, {"problem_type": "regression"},
                         {"id2label": {"0": "x", "1": "y", "2": "z"}}):
                with self.subTest(f"{family} {edit}"):
                    folder = self.edited(base, "labels", edit)
                    theirs = transformers.pipeline("image-classification", model=str(folder), dtype=torch.float32)(
                        str(self.work / "picture.png"))
                    mine = json.loads(self.run_program("classify_image", "--model", folder, "--json", "--top", 9,
                                                       self.work / "picture.png"))
                    mine = mine if isinstance(mine, list) else mine["labels"]
                    self.assertEqual([entry["label"] for entry in mine], [entry["label"] for entry in theirs])
                    for a, b in zip(mine, theirs):
                        self.assertAlmostEqual(a["score"], b["score"], places=3)


class WeightsTest(FolderTest):
    def rewritten(self, folder, name: str, edit):
        """The same folder with other tensors."""
        other = folder.with_name(f"{folder.name}-{name}")
        shutil.copytree(folder, other, dirs_exist_ok=True)
        tensors = load_file(folder / "model.safetensors")
        edit(tensors)
        save_file({key: value.contiguous() for key, value in tensors.items()}, other / "model.safetensors", {"format": "pt"})
        return other

    def expect_same(self, folder, other, family: str):
        inputs = self.inputs(family)
        wanted = self.compare(folder, inputs, family)
        self.assertTrue(wanted and self.same(self.compare(other, inputs, f"{other.name}"), wanted))

    TIED = {"gpt2": ("transformer.wte.weight", ["lm_head.weight"]),
            "bert": ("bert.embeddings.word_embeddings.weight", ["cls.predictions.decoder.weight"]),
            "roberta": ("roberta.embeddings.word_embeddings.weight", ["lm_head.decoder.weight"]),
            "albert": ("albert.embeddings.word_embeddings.weight", ["predictions.decoder.weight"]),
            "electra": ("electra.embeddings.word_embeddings.weight", ["generator_lm_head.weight"]),
            "llama": ("model.embed_tokens.weight", ["lm_head.weight"]),
            **{family: ("model.shared.weight", ["lm_head.weight", "model.encoder.embed_tokens.weight",
                                                "model.decoder.embed_tokens.weight"]) for family in GROUPS["seq2seq"]}}

    def test_a_tied_weight_under_any_of_its_names(self):
        for family, (usual, others) in self.TIED.items():
            folder = self.save(family, **({"tie_word_embeddings": True} if family == "llama" else {}))
            for name in others:
                def both(tensors):
                    tensors[name] = tensors[usual].clone()

                def renamed(tensors):
                    tensors[name] = tensors.pop(usual)

                def differing(tensors):
                    tensors[name] = 0.5 * tensors[usual].flip(0)
                for what, edit in (("both", both), ("renamed", renamed)):
                    with self.subTest(f"{family}: {name}, {what}"):
                        self.expect_same(folder, self.rewritten(folder, what, edit), family)
                with self.subTest(f"{family}: {name} of its own"):
                    other = self.rewritten(folder, "differing", differing)
                    if name.endswith("embed_tokens.weight"):
                        self.assert_refused(other, self.inputs(family), name)
                    else:
                        outputs = self.compare(other, self.inputs(family), other.name)
                        self.assertFalse(self.same(outputs, self.compare(folder, self.inputs(family), family)))

    def test_a_tied_bias_under_its_other_name(self):
        for family, head in (("bert", "cls.predictions"), ("roberta", "lm_head"), ("albert", "predictions")):
            folder = self.save(family)

            def renamed(tensors):
                tensors[head + ".decoder.bias"] = tensors.pop(head + ".bias")
            with self.subTest(family):
                self.expect_same(folder, self.rewritten(folder, "bias", renamed), family)

    def test_files_of_save_model_have_the_names_in_memory(self):
        for family in MODELS:
            folder = self.save(family)
            other = self.work / f"{family}-memory"
            shutil.copytree(folder, other)
            model = getattr(transformers, MODELS[family][0]).from_pretrained(folder)
            save_model(model, other / "model.safetensors", {"format": "pt"})
            with self.subTest(family):
                self.expect_same(folder, other, family)

    def test_prefixes_may_be_missing_or_too_many(self):
        for family, prefix, base in (("gpt2", "transformer.", "GPT2Model"), ("llama", "model.", "LlamaModel"),
                                     ("bert", "bert.", "BertModel"), ("roberta", "roberta.", "RobertaModel"),
                                     ("bart", "model.", "BartModel"), ("vit", "vit.", "ViTModel")):
            folder = self.save(family)

            def without(tensors):
                for name in list(tensors):
                    if name.startswith(prefix):
                        tensors[name.removeprefix(prefix)] = tensors.pop(name)
            with self.subTest(family):
                headless = self.edited(folder, "headless", {"architectures": [base]})
                bare = self.rewritten(headless, "bare", without)
                inputs = self.inputs(family)
                wanted = self.compare(headless, inputs, family)
                self.assertTrue(self.same(self.compare(bare, inputs, bare.name), wanted))

    def test_what_old_and_foreign_files_hold_besides(self):
        extra = {"gpt2": {"transformer.h.0.attn.bias": torch.ones(1, 1, 24, 24), "h.1.attn.masked_bias": torch.tensor(-1e4),
                          "score.weight": torch.ones(3, 16)},
                 "llama": {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4), "score.weight": torch.ones(3, 16)},
                 "bert": {"bert.embeddings.position_ids": torch.arange(24)[None], "cls.seq_relationship.weight": torch.ones(2, 16),
                          "classifier.weight": torch.ones(3, 16), "qa_outputs.bias": torch.ones(2),
                          "bert.pooler.dense.weight": torch.ones(16, 16)},
                 "roberta": {"roberta.embeddings.position_ids": torch.arange(24)[None], "classifier.dense.weight": torch.ones(9, 9)},
                 "albert": {"sop_classifier.classifier.weight": torch.ones(2, 16)},
                 "electra": {"discriminator_predictions.dense.weight": torch.ones(16, 16)},
                 "bart": {"model.encoder.version": torch.ones(1), "classification_head.dense.weight": torch.ones(2, 16)},
                 "vit": {"vit.pooler.dense.weight": torch.ones(16, 16), "vit.embeddings.mask_token": torch.ones(1, 1, 16)},
                 "clip_text": {"text_model.embeddings.position_ids": torch.arange(24)[None]}}
        for family, tensors in extra.items():
            folder = self.save(family)
            with self.subTest(family):
                self.expect_same(folder, self.rewritten(folder, "besides", lambda old: old.update(tensors)), family)

        def gamma(tensors):
            for name in [name for name in tensors if "LayerNorm" in name]:
                old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
                tensors[old] = tensors.pop(name)
        folder = self.save("bert")
        self.expect_same(folder, self.rewritten(folder, "gamma", gamma), "bert")

    def test_half_precision(self):
        for family in ("gpt2", "bert", "bart", "marian", "vit", "clip"):
            for dtype in (torch.float16, torch.bfloat16):
                with self.subTest(f"{family} {dtype}"):
                    folder = self.work / f"{family}-{dtype}"
                    self.model(family).to(dtype).save_pretrained(folder)
                    self.assertTrue(self.compare(folder, self.inputs(family), folder.name))

    def test_sinusoids_of_a_file(self):
        for family in ("marian", "pegasus"):
            folder, name = self.save(family), "model.encoder.embed_positions.weight"
            table = self.model(family).state_dict()[name]

            def rounded(tensors):
                tensors[name] = table.to(torch.bfloat16).float()

            def other(tensors):
                tensors[name] = 0.5 * table
            with self.subTest(family):
                self.assertTrue(self.compare(self.rewritten(folder, "rounded", rounded), self.inputs(family), family))
                self.assert_refused(self.rewritten(folder, "other", other), self.inputs(family), name)

    def test_shards_in_an_index(self):
        folder = self.work / "shards"
        self.model("llama").save_pretrained(folder, max_shard_size="2KB")
        self.assertTrue((folder / "model.safetensors.index.json").exists())
        self.assertTrue(self.compare(folder, self.inputs("llama"), "shards"))

    def test_missing_and_unexpected_tensors_are_named(self):
        for family, lacking in (("gpt2", "transformer.h.1.ln_2.weight"), ("bert", "cls.predictions.transform.dense.bias"),
                                ("bart", "model.encoder.layers.1.fc1.weight"), ("vit", "classifier.bias")):
            folder, inputs = self.save(family), self.inputs(family)
            with self.subTest(family):
                self.assert_refused(self.rewritten(folder, "less", lambda tensors: tensors.pop(lacking)), inputs, lacking)
                more = self.rewritten(folder, "more", lambda tensors: tensors.update({"adapter.up": torch.ones(2)}))
                self.assert_refused(more, inputs, "adapter.up")

    def test_pytorch_model_bin_alone(self):
        folder = self.save("bert")
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        self.assert_refused(folder, self.inputs("bert"), "pytorch_model.bin", "convert it with")


class SentenceKeysTest(FolderTest):
    """The reference is written out below; where sentence-transformers is installed, it is asked instead."""
    WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "rain", "snow", "falls", "on", "the", "roof", "sea", "Rain", "query", ":"]
    TEXTS = ["rain falls on the roof", "snow", "Rain on the sea", "the sea the sea the sea the roof the rain the snow", "falls"]
    QUERY = "Rain falls on sea"
    MODULES = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    CLASSES = {"Transformer": "base.modules.transformer", "Pooling": "sentence_transformer.modules.pooling",
               "Normalize": "base.modules.normalize", "Dense": "base.modules.dense",
               "LayerNorm": "sentence_transformer.modules.layer_norm", "Dropout": "sentence_transformer.modules.dropout"}

    def setUp(self):
        super().setUp()
        self.base = self.work / "encoder"
        (self.work / "vocab.txt").write_text("\n".join(self.WORDS) + "\n")
        tokenizer = transformers.BertTokenizer(vocab=str(self.work / "vocab.txt"), do_lower_case=False, model_max_length=9)
        config = transformers.BertConfig(**ENCODER | dict(vocab_size=len(self.WORDS)))
        interop.randomise(transformers.BertModel(config, add_pooling_layer=False), 11).save_pretrained(self.base)
        tokenizer.save_pretrained(self.base)
        self.write(self.base, "sentence_bert_config.json", {"max_seq_length": 12, "do_lower_case": False})
        self.write(self.base, "1_Pooling/config.json", {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True})
        self.write(self.base, "2_Normalize/config.json", {})
        self.write(self.base, "modules.json", self.modules())

    def write(self, folder, name: str, content):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))

    def modules(self, *more, package: str = "sentence_transformers.models"):
        today = package == "sentence_transformers"
        return [{"idx": n, "name": str(n), "path": path,
                 "type": f"{package}.{self.CLASSES[kind]}.{kind}" if today else f"{package}.{kind}"}
                for n, (kind, path) in enumerate([*self.MODULES, *more])]

    def variant(self, name: str, files: dict):
        """The base with other contents of some files; None takes a file away."""
        folder = self.work / f"encoder-{name}"
        shutil.copytree(self.base, folder, dirs_exist_ok=True)
        for path, content in files.items():
            if path == "1_Pooling/config.json" and content is not None:
                content = {"word_embedding_dimension": 16} | content
            if content is None:
                (folder / path).unlink()
            else:
                self.write(folder, path, content)
        return folder

    def read(self, folder, name: str) -> dict:
        return json.loads((folder / name).read_text()) if (folder / name).exists() else {}

    def embed(self, folder, texts: list, role: str) -> torch.Tensor:
        library = self.read(folder, "config_sentence_transformers.json")
        prompts, default = library.get("prompts", {}), library.get("default_prompt_name")
        name = role if role in prompts else default
        try:
            from sentence_transformers import SentenceTransformer
            model = SentenceTransformer(str(folder), device="cpu")
            return torch.tensor(model.encode(texts, prompt_name=name)) if name else torch.tensor(model.encode(texts))
        except ImportError:
            return torch.stack([self.embed_one(folder, text, prompts.get(name, "")) for text in texts])

    def embed_one(self, folder, text: str, prompt: str) -> torch.Tensor:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        has_modules = (folder / "modules.json").exists()
        settings = self.read(folder, "sentence_bert_config.json") if has_modules else {}
        lower = str.lower if settings.get("do_lower_case") else str
        limit = settings.get("max_seq_length") or min(tokenizer.model_max_length, model.config.max_position_embeddings)
        inputs = tokenizer(lower(prompt + text), truncation=True, max_length=limit, return_tensors="pt")
        pooling = self.read(folder, "1_Pooling/config.json") if has_modules else {}
        skipped = len(tokenizer(lower(prompt))["input_ids"]) - 1 if prompt and not pooling.get("include_prompt", True) else 0
        with torch.no_grad():
            hidden = model(**inputs).last_hidden_state[0]  # [T, C]
        places, taken = torch.arange(1, len(hidden) + 1).float()[skipped:, None], hidden[skipped:]
        modes = {"cls_token": lambda: taken[0], "max_tokens": lambda: taken.amax(0), "mean_tokens": lambda: taken.mean(0),
                 "mean_sqrt_len_tokens": lambda: taken.sum(0) / len(taken) ** 0.5,
                 "weightedmean_tokens": lambda: (taken * places).sum(0) / places.sum(), "lasttoken": lambda: taken[-1]}
        chosen = [make for name, make in modes.items() if pooling.get(f"pooling_mode_{name}")] or [modes["mean_tokens"]]
        if "pooling_mode" in pooling:
            given = pooling["pooling_mode"]
            names = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens", "weightedmean": "weightedmean_tokens"}
            chosen = [modes[names.get(mode, mode)] for mode in ([given] if isinstance(given, str) else given)]
        vector = torch.cat([make() for make in chosen])
        for module in self.read(folder, "modules.json")[2:] if has_modules else []:
            kind, config = module["type"].split(".")[-1], self.read(folder, module["path"] + "/config.json")
            weights = folder / module["path"] / "model.safetensors"
            tensors = load_file(weights) if weights.exists() else {}
            if kind == "Normalize":
                vector = torch.nn.functional.normalize(vector, dim=0)
            elif kind == "LayerNorm":
                vector = torch.nn.functional.layer_norm(vector, vector.shape, tensors["norm.weight"], tensors["norm.bias"])
            elif kind == "Dense":
                activation = getattr(torch.nn, config["activation_function"].split(".")[-1])()
                vector = activation(torch.nn.functional.linear(vector, tensors["linear.weight"], tensors.get("linear.bias")))
        return vector[:self.read(folder, "config_sentence_transformers.json").get("truncate_dim")]

    def compare_search(self, folder) -> list:
        """Scores of all texts, in their order."""
        (self.work / "texts.txt").write_text("\n".join(self.TEXTS) + "\n")
        found = json.loads(self.run_program("search_sentences", "--model", folder, "--file", self.work / "texts.txt",
                                            "--top", 9, "--json", self.QUERY))
        query, texts = self.embed(folder, [self.QUERY], "query"), self.embed(folder, self.TEXTS, "document")
        name = self.read(folder, "config_sentence_transformers.json").get("similarity_fn_name", "cosine")
        scores = {"cosine": lambda: torch.nn.functional.cosine_similarity(query, texts), "dot": lambda: texts @ query[0],
                  "euclidean": lambda: -(texts - query).norm(dim=1), "manhattan": lambda: -(texts - query).abs().sum(1)}[name]()
        self.assertEqual([entry["score"] for entry in found], sorted((entry["score"] for entry in found), reverse=True))
        mine = [entry["score"] for entry in sorted(found, key=lambda entry: entry["index"])]
        for a, b in zip(mine, scores.tolist(), strict=True):
            self.assertAlmostEqual(a, b, delta=2e-4 * max(1, abs(b)))
        return mine

    def refuse_search(self, folder, *words: str):
        (self.work / "texts.txt").write_text("rain\n")
        done = subprocess.run([self.binaries / "search_sentences", "--model", folder, "--file", self.work / "texts.txt", "rain"],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_rows_that_change_the_vectors(self):
        base = self.compare_search(self.base)
        flag, library = "pooling_mode_", "config_sentence_transformers.json"
        cases = {"long": {"sentence_bert_config.json": {"max_seq_length": 5}},
                 "tokenizers-limit": {"sentence_bert_config.json": {"max_seq_length": None}},
                 "no-settings": {"sentence_bert_config.json": None},
                 "lower": {"sentence_bert_config.json": {"max_seq_length": 12, "do_lower_case": True}},
                 **{mode: {"1_Pooling/config.json": {flag + mode: True, flag + "mean_tokens": mode == "mean_tokens"}}
                    for mode in ("cls_token", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")},
                 "two": {"1_Pooling/config.json": {flag + "cls_token": True, flag + "mean_tokens": True}},
                 "names": {"1_Pooling/config.json": {"pooling_mode": ["mean", "cls", "lasttoken"]}},
                 "name": {"1_Pooling/config.json": {"pooling_mode": "max"}},
                 "prompts": {library: {"prompts": {"query": "query : ", "document": "snow "}}},
                 "default": {library: {"prompts": {"both": "query : "}, "default_prompt_name": "both"}},
                 "pooled-without": {library: {"prompts": {"query": "query : ", "document": "snow : "}},
                                    "1_Pooling/config.json": {flag + "mean_tokens": True, "include_prompt": False}},
                 "cls-without": {library: {"prompts": {"query": "query : "}},
                                 "1_Pooling/config.json": {"pooling_mode": ["cls", "weightedmean"], "include_prompt": False}},
                 "short": {library: {"truncate_dim": 5}}}
        for name, files in cases.items():
            with self.subTest(name):
                changed = self.compare_search(self.variant(name, files))
                if name != "mean_sqrt_len_tokens":  # whose root is gone when vectors have length one
                    self.assertGreater(max(abs(a - b) for a, b in zip(changed, base)), 1e-3)

    def test_similarities(self):
        library, modules = "config_sentence_transformers.json", self.modules()[:2]
        lengths = {"1_Pooling/config.json": {"pooling_mode": "mean_sqrt_len_tokens"}, "modules.json": modules}
        scores = [self.compare_search(self.variant(name, lengths | {library: {"similarity_fn_name": name}}))
                  for name in ("cosine", "dot", "euclidean", "manhattan")]
        self.assertEqual(len({tuple(each) for each in scores}), 4)
        self.refuse_search(self.variant("maxsim", {library: {"similarity_fn_name": "maxsim"}}), "similarity_fn_name", "maxsim")

    def test_modules_behind_the_pooling(self):
        generator = torch.Generator().manual_seed(2)
        for number, (kind, bias) in enumerate((("Tanh", True), ("Identity", False), ("GELU", True))):
            dense = {"in_features": 16, "out_features": 6, "bias": bias,
                     "activation_function": f"torch.nn.modules.{'linear' if kind == 'Identity' else 'activation'}.{kind}"}
            folder = self.variant(f"dense-{kind}", {"modules.json": self.modules(("Dense", "3_Dense"), ("Dropout", "4_Dropout")),
                                                    "3_Dense/config.json": dense, "4_Dropout/config.json": {"dropout": 0.3}})
            weights = {"linear.weight": torch.randn(6, 16, generator=generator)}
            save_file(weights | ({"linear.bias": torch.randn(6, generator=generator)} if bias else {}),
                      folder / "3_Dense/model.safetensors")
            with self.subTest(kind):
                self.compare_search(folder)
        self.refuse_search(self.variant("residual", {"modules.json": self.modules(("Dense", "3_Dense")),
                                                     "3_Dense/config.json": dense | {"use_residual": True}}), "use_residual")
        folder = self.variant("norm", {"modules.json": self.modules(("LayerNorm", "3_LayerNorm")),
                                       "3_LayerNorm/config.json": {"dimension": 16}})
        save_file({"norm.weight": torch.randn(16, generator=generator), "norm.bias": torch.randn(16, generator=generator)},
                  folder / "3_LayerNorm/model.safetensors")
        self.compare_search(folder)

    def test_names_of_today_and_plain_folders(self):
        self.compare_search(self.variant("today", {"modules.json": self.modules(package="sentence_transformers")}))
        plain = self.variant("plain", {"modules.json": None, "1_Pooling/config.json": None})
        self.compare_search(plain)

    def test_rows_that_are_refused(self):
        library, settings = "config_sentence_transformers.json", "sentence_bert_config.json"
        odd = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
        for name, files, words in (
                ("unpooled", {"modules.json": odd}, ["Pooling"]),
                ("lstm", {"modules.json": [*self.modules(), {"idx": 3, "name": "3", "path": "3_LSTM",
                                                             "type": "sentence_transformers.models.LSTM"}]}, ["LSTM"]),
                ("foreign", {"modules.json": [{"path": "", "type": "custom.Transformer"}]}, ["custom.Transformer"]),
                ("outside", {"modules.json": [*odd, {"path": "../x", "type": "sentence_transformers.models.Pooling"}]}, ["path"]),
                ("mode", {"1_Pooling/config.json": {"pooling_mode": "median"}}, ["1_Pooling", "median"]),
                ("flag", {"1_Pooling/config.json": {"pooling_mode_median": True}}, ["pooling_mode_median"]),
                ("prompt", {library: {"prompts": {}, "default_prompt_name": "x"}}, ["default_prompt_name"]),
                ("kind", {library: {"model_type": "SparseEncoder"}}, ["model_type"]),
                ("task", {settings: {"transformer_task": "fill-mask"}}, ["transformer_task"]),
                ("output", {settings: {"module_output_name": "sentence_embedding"}}, ["module_output_name"]),
                ("args", {settings: {"tokenizer_args": {"padding_side": "left"}}}, ["tokenizer_args"]),
                ("length", {settings: {"max_seq_length": -3}}, ["max_seq_length"]),
                ("token-normalize", {"2_Normalize/config.json": {"module_input_name": "token_embeddings"}}, ["module_input_name"]),
                ("pooling-alone", {"modules.json": None}, ["modules.json"])):
            with self.subTest(name):
                self.refuse_search(self.variant(name, files), *words)


class TokenRowsTest(FolderTest):
    """A tokenizer with more ids than the model has rows, or with fewer: what a text has decides."""
    WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "mat"]

    def folder(self, kind: str, rows: int):
        (self.work / "vocab.txt").write_text("\n".join(self.WORDS) + "\n")
        config = transformers.BertConfig(**ENCODER | dict(vocab_size=rows))
        folder = self.work / f"{kind}-{rows}"
        interop.randomise(getattr(transformers, kind)(config), 3).save_pretrained(folder)
        transformers.BertTokenizer(vocab=str(self.work / "vocab.txt"), model_max_length=20).save_pretrained(folder)
        return folder

    def refused(self, program: str, *arguments):
        done = subprocess.run([self.binaries / program, *map(str, arguments)], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
        self.assertIn("id 8 ('mat') of the tokenizer (9 ids) is beyond the 8 rows", done.stderr)

    def test_texts_within_and_beyond_the_rows(self):
        few, many = self.folder("BertForSequenceClassification", 8), self.folder("BertForMaskedLM", 12)
        theirs = transformers.pipeline("text-classification", model=str(few), dtype=torch.float32)("the cat")[0]
        mine = json.loads(self.run_program("classify_text", "--model", few, "--json", "the cat"))[0]
        self.assertAlmostEqual(mine["score"], theirs["score"], places=5)
        self.refused("classify_text", "--model", few, "the mat")
        self.refused("fill_mask", "--model", self.folder("BertForMaskedLM", 8), "the [MASK] mat")
        (self.work / "lines.txt").write_text("the cat\nmat\n")
        self.refused("search_sentences", "--model", few, "--file", self.work / "lines.txt", "cat")
        theirs = transformers.pipeline("fill-mask", model=str(many), dtype=torch.float32, top_k=12)("the [MASK]")
        mine = json.loads(self.run_program("fill_mask", "--model", many, "--json", "--top", 12, "the [MASK]"))
        mine = mine[0] if isinstance(mine[0], list) else mine
        self.assertEqual([entry["token"] for entry in mine], [entry["token"] for entry in theirs])
        self.assertEqual([entry["token_str"] for entry in mine], [entry["token_str"] for entry in theirs])

    def test_the_programs_take_their_head_from_a_file_without_architectures(self):
        for kind, program, text in (("BertForMaskedLM", "fill_mask", "the [MASK]"), ("BertForSequenceClassification",
                                                                                       "classify_text", "the cat")):
            folder = self.folder(kind, 9)
            nameless = self.edited(folder, "nameless", {"architectures": ...})
            answers = [self.run_program(program, "--model", each, "--json", text) for each in (folder, nameless)]
            self.assertEqual(*answers)


if __name__ == "__main__":
    interop.main()
