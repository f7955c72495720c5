#!/usr/bin/env python3
"""Our `generate` against `transformers`: the same greedy tokens and log-probabilities, with and without penalty, and
the same beams with their scores.

    .venv-reference/bin/python tests/interop/generate_test.py build/release/bin
"""
import json
import string

import torch
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import interop

CHARACTERS = string.ascii_letters + " .\n"
PROMPTS = ("Call me", "a", "To be or not")
NEW_TOKENS = 24


def models():
    """Weights so large that the best token is far ahead; fresh models are nearly undecided."""
    torch.manual_seed(3)
    yield "gpt2", GPT2LMHeadModel(GPT2Config(
        vocab_size=len(CHARACTERS), n_positions=48, n_embd=32, n_layer=2, n_head=4, initializer_range=0.4,
        bos_token_id=None, eos_token_id=None))
    yield "llama", LlamaForCausalLM(LlamaConfig(
        vocab_size=len(CHARACTERS), max_position_embeddings=48, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, initializer_range=0.4, bos_token_id=None, eos_token_id=None))


class GenerateTest(interop.InteropTest):
    def ours(self, folder, *options) -> list:
        out = self.run_program("generate", "--model", folder, *PROMPTS, "--temperature", 0, "--max-new-tokens",
                               NEW_TOKENS, "--json", *options)
        return [json.loads(line) for line in out.splitlines()]

    def theirs(self, model, tokenizer, prompt: str, penalty: float) -> tuple:
        ids = torch.tensor([tokenizer(prompt)["input_ids"]])
        out = model.generate(ids, max_new_tokens=NEW_TOKENS, do_sample=False, repetition_penalty=penalty,
                             output_logits=True, return_dict_in_generate=True)
        tokens = out.sequences[0, ids.shape[1]:]
        log_probs = torch.stack(out.logits)[:, 0].log_softmax(-1).gather(1, tokens[:, None])[:, 0]
        return tokens.tolist(), log_probs

    def saved_models(self):
        """Folders that both sides read, and what `transformers` reads there."""
        text = self.work / "characters.txt"
        text.write_text(CHARACTERS)
        for name, model in models():
            folder = self.work / name
            model.eval().save_pretrained(folder)
            tokens_of = self.work / f"{name}-tokenizer"
            self.run_program("train_tokenizer", "--kind", "character", "--out", tokens_of, text)
            for file in tokens_of.iterdir():
                file.rename(folder / file.name)
            yield name, model, folder, AutoTokenizer.from_pretrained(folder)

    def test_beams_and_their_scores_are_the_same(self):
        for name, model, folder, tokenizer in self.saved_models():
            for options in ({}, {"length_penalty": 0.3, "no_repeat_ngram_size": 2}, {"repetition_penalty": 1.3}):
                options |= {"num_beams": 4, "num_return_sequences": 3}
                flags = [x for key, value in options.items() for x in ("--" + key.replace("_", "-"), value)]
                rows = self.ours(folder, *flags)
                theirs = []
                for prompt in PROMPTS:
                    ids = torch.tensor([tokenizer(prompt)["input_ids"]])
                    out = model.generate(ids, do_sample=False, return_dict_in_generate=True, output_scores=True,
                                         max_new_tokens=NEW_TOKENS, **options)
                    theirs += zip(out.sequences[:, ids.shape[1]:].tolist(), out.sequences_scores.tolist())
                with self.subTest(model=name, options=options):
                    self.assertEqual([row["tokens"] for row in rows], [tokens for tokens, _ in theirs])
                    torch.testing.assert_close(torch.tensor([row["score"] for row in rows]),
                                               torch.tensor([score for _, score in theirs]), rtol=0, atol=2e-4)

    def test_greedy_tokens_are_the_same(self):
        for name, model, folder, tokenizer in self.saved_models():
            for penalty in (1.0, 1.4):
                rows = self.ours(folder, "--repetition-penalty", penalty)
                self.assertEqual([row["prompt"] for row in rows], list(PROMPTS))
                for row in rows:
                    with self.subTest(model=name, penalty=penalty, prompt=row["prompt"]):
                        tokens, log_probs = self.theirs(model, tokenizer, row["prompt"], penalty)
                        self.assertEqual(row["tokens"], tokens)
                        self.assertEqual(row["text"], tokenizer.decode(tokens))
                        torch.testing.assert_close(torch.tensor(row["token_logprobs"]), log_probs, rtol=0, atol=2e-4)
                self.assertGreater(len({tuple(row["tokens"]) for row in rows}), 1)


if __name__ == "__main__":
    interop.main()
