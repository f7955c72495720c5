"""A folder means what AutoTokenizer makes of it: for every file and key of the table in models/pretrained/README.md two folders
that differ in that key alone, with the same ids and the same text from our tokenize and from transformers.

    .venv-reference/bin/python tests/interop/tokenizer_folder_keys_test.py build/release/bin

A row says whether the key changes anything: where it should and does not, with transformers, the row tests nothing and fails.
"""

import copy
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

TEXT = ["The heron stood in the reeds and waited. Two boats went by, slowly; nobody spoke. In 1987 the harbour froze.",
        "Where did the cat go? It went to the garden, as it always does. Don't stop, good night!", "crème brûlée, naïve café"] * 8
LINES = ["", " ", "The heron waited.", "  two boats , 1987 !  ", "don't stop . the  garden's cat", "Crème BRÛLÉE naïve", "東京 the cat",
         "<x>the heron<y> waited", "the <X> cat <x>", "<s>cat</s> <mask>  go<pad>", "[CLS] the cat [MASK] [SEP]", "a<|endoftext|>b",
         "<|startoftext|>The CAT<|ENDOFTEXT|>", "tab\tand\nline", "\u2581mark <extra_id_0> <extra_id_1>", "<unk> <0x41>", "\U0001f600 \u00e9",
         "the\u3000cat"]
PAIRS = [("the cat", "the heron waited"), ("", "boats")]

BYTES = pre_tokenizers.ByteLevel.alphabet()
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>", "<|startoftext|>"]


def token(text, **flags):
    return {"content": text, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True, **flags}


def byte_bpe(suffix=""):
    t = Tokenizer(models.BPE(**({"end_of_word_suffix": suffix} if suffix else {})))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=420 if not suffix else 700, special_tokens=SPECIALS, initial_alphabet=BYTES,
                                                    show_progress=False, **({"end_of_word_suffix": suffix} if suffix else {})))
    return t


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "<mask>", "<pad>", "<sep>", "<cls>", "<unk>"]
    t.train_from_iterator(TEXT, trainers.WordPieceTrainer(vocab_size=220, special_tokens=names, show_progress=False))
    return t


def spm(kind, **settings):
    out = io.BytesIO()
    settings = {"vocab_size": 160 if kind == "unigram" else 200, "character_coverage": 1.0, "hard_vocab_limit": False, **settings}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(TEXT), model_writer=out, model_type=kind, minloglevel=2, **settings)
    return out.getvalue()


def only_tokens(tokenizer, names):
    """Its tokenizer.json as a dictionary, with the added tokens of these names alone."""
    document = json.loads(tokenizer.to_str())
    document["added_tokens"] = [t for t in document["added_tokens"] if t["content"] in names]
    return document


class Bases:
    """Vocabularies, made once."""

    def __init__(self):
        with tempfile.TemporaryDirectory() as work:
            self.gpt2 = byte_bpe()
            self.gpt2_files = self.model_files(self.gpt2, work)
            self.clip_files = self.model_files(byte_bpe("</w>"), work)
            self.bert = wordpiece()
            self.bert_files = self.model_files(self.bert, work)
        self.gpt2_json = only_tokens(self.gpt2, ["<|endoftext|>"])
        self.bert_json = only_tokens(self.bert, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
        self.unigram = spm("unigram", user_defined_symbols=["<x>"])
        self.albert = spm("unigram", pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, pad_piece="<pad>", control_symbols=["[CLS]", "[SEP]", "[MASK]"])
        self.t5 = spm("unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
        self.plain = spm("unigram")
        self.unigram_json = {"version": "1.0", "added_tokens": [], "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", -1], ["</s>", 0]]}}
        self.llama = spm("bpe", byte_fallback=True, vocab_size=420)
        self.gemma = spm("bpe", byte_fallback=True, vocab_size=430, pad_id=0, eos_id=1, bos_id=2, unk_id=3, bos_piece="<bos>", eos_piece="<eos>",
                         user_defined_symbols=["<mask>"])
        self.deberta = spm("unigram", pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]",
                           unk_piece="[UNK]")

    @staticmethod
    def model_files(t, work):
        return {pathlib.Path(file).name: pathlib.Path(file).read_text(encoding="utf-8") for file in t.model.save(str(work))}


B = Bases()
CONFIG, MAP, ADDED, JSON = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.json"


def of_class(name, files, **keys):
    return {**files, CONFIG: {"tokenizer_class": name, **keys}}


GPT2 = of_class("GPT2Tokenizer", B.gpt2_files)
GPT2_JSON = of_class("GPT2Tokenizer", {JSON: B.gpt2_json})
FAST = of_class("PreTrainedTokenizerFast", {JSON: B.gpt2_json})
BERT = of_class("BertTokenizer", B.bert_files)
BERT_JSON = of_class("BertTokenizer", {JSON: B.bert_json})
BERT_FAST = of_class("PreTrainedTokenizerFast", {JSON: B.bert_json})
ROBERTA = of_class("RobertaTokenizer", B.gpt2_files)
CLIP = of_class("CLIPTokenizer", B.clip_files)
LLAMA = of_class("LlamaTokenizer", {"tokenizer.model": B.llama})
T5 = of_class("T5Tokenizer", {"spiece.model": B.t5})
ALBERT = of_class("AlbertTokenizer", {"spiece.model": B.albert})
XLMR = of_class("XLMRobertaTokenizer", {"sentencepiece.bpe.model": B.plain})
PEGASUS = of_class("PegasusTokenizer", {"spiece.model": B.t5})

# Every class that is known, from its own files, by its older name, and by config.json's model_type.
CLASSES = {
    "gpt2": GPT2, "gpt2 fast": of_class("GPT2TokenizerFast", B.gpt2_files), "gpt_neox": of_class("GPTNeoXTokenizer", B.gpt2_files),
    "codegen": of_class("CodeGenTokenizer", B.gpt2_files), "qwen2": of_class("Qwen2Tokenizer", B.gpt2_files), "roberta": ROBERTA,
    "bart": of_class("BartTokenizer", B.gpt2_files), "longformer": of_class("LongformerTokenizerFast", B.gpt2_files),
    "blenderbot": of_class("BlenderbotTokenizer", B.gpt2_files), "deberta": of_class("DebertaTokenizer", B.gpt2_files), "clip": CLIP,
    "bert": BERT, "distilbert": of_class("DistilBertTokenizer", B.bert_files), "electra": of_class("ElectraTokenizerFast", B.bert_files),
    "convbert": of_class("ConvBertTokenizer", B.bert_files), "funnel": of_class("FunnelTokenizer", B.bert_files),
    "mpnet": of_class("MPNetTokenizer", B.bert_files), "albert": ALBERT, "xlm-roberta": XLMR, "camembert": of_class("CamembertTokenizer", {"sentencepiece.bpe.model": B.plain}), "t5": T5, "pegasus": PEGASUS,
    "big_bird": of_class("BigBirdTokenizer", {"spiece.model": B.plain}), "deberta-v2": of_class("DebertaV2Tokenizer", {"spm.model": B.deberta}),
    "xlnet": of_class("XLNetTokenizer", {"spiece.model": B.plain}), "llama": LLAMA,
    "gemma": of_class("GemmaTokenizer", {"tokenizer.model": B.gemma}), "code_llama": of_class("CodeLlamaTokenizer", {"tokenizer.model": B.llama}),
    "reformer": of_class("ReformerTokenizer", {"spiece.model": B.llama}), "rembert": of_class("RemBertTokenizer", {"sentencepiece.model": B.albert}),
    "barthez": of_class("BarthezTokenizer", {"sentencepiece.bpe.model": B.plain}),
    "mbart": of_class("MBartTokenizer", {"sentencepiece.bpe.model": B.plain}, src_lang="fr_XX"),
    "mbart50": of_class("MBart50Tokenizer", {"sentencepiece.bpe.model": B.plain}), "nllb": of_class("NllbTokenizer", {"sentencepiece.bpe.model": B.llama}),
    "nllb, as it was": of_class("NllbTokenizer", {"sentencepiece.bpe.model": B.llama}, legacy_behaviour=True, src_lang="fra_Latn"),
    "t5 by another file name": of_class("T5Tokenizer", {"tokenizer.model": B.t5}),
    "generic, unigram": {CONFIG: {"model_max_length": 9}, "tokenizer.model": B.unigram},
    "generic, bpe": {CONFIG: {"model_max_length": 9}, "tokenizer.model": B.llama},
    "by model_type gpt2": {**B.gpt2_files, "config.json": {"model_type": "gpt2"}},
    "by model_type bert": {**B.bert_files, "config.json": {"model_type": "bert"}},
    "by model_type t5": {"spiece.model": B.t5, "config.json": {"model_type": "t5"}},
    "by tokenizer_class of config.json": {**B.bert_files, "config.json": {"model_type": "zoo", "tokenizer_class": "BertTokenizer"}},
    "model_type and class differ": {**ROBERTA, "config.json": {"model_type": "gpt2"}},
    "class of nobody": of_class("HeronTokenizer", {JSON: B.gpt2_json}), "no class": {JSON: B.gpt2_json},
    "llama with bytes": of_class("LlamaTokenizer", {JSON: B.gpt2_json}),
    "generic model_type": {JSON: B.bert_json, CONFIG: {"tokenizer_class": "BertTokenizer"}, "config.json": {"model_type": "glm"}},
}


def changed(base, **files):
    """The base with keys of its JSON files changed; ... removes one, a text replaces a file."""
    out = copy.deepcopy(base)
    for file, change in files.items():
        file = {"config": CONFIG, "map": MAP, "added": ADDED, "json": JSON, "model": "config.json"}.get(file, file)
        if not isinstance(change, dict):
            out[file] = change
            continue
        out.setdefault(file, {})
        for key, value in change.items():
            if value is ...:
                out[file].pop(key, None)
            else:
                out[file][key] = value
    return out


def rows():
    """name, base folder, changed folder, whether the results differ"""
    def config(base, changes, differs, what=""):
        name = f"{base[CONFIG]['tokenizer_class']}{' with tokenizer.json' if JSON in base else ''}: {what or json.dumps(changes)[:70]}"
        return name, base, changed(base, config=changes), differs

    x, y = token("<x>"), token("<y>", lstrip=True, rstrip=True)
    n = len(json.loads(B.gpt2_files["vocab.json"]))
    decoder = {str(n): x, str(n + 1): y}
    yield from (config(base, {"added_tokens_decoder": decoder}, True) for base in (GPT2, GPT2_JSON, FAST, BERT, T5, LLAMA))
    yield config(GPT2, {"added_tokens_decoder": {str(n + 9): x}}, True, "ids come from the order")
    yield config(GPT2, {"added_tokens_decoder": {str(n): token("<x>", normalized=True, special=False)}}, True, "not special")
    yield config(BERT, {"added_tokens_decoder": {"300": token("<X>", normalized=True, special=False)}}, True, "normalized")
    yield config(BERT, {"added_tokens_decoder": {"300": token("cat", single_word=True)}}, True, "single_word")
    yield "added_tokens.json", GPT2, changed(GPT2, added={"<x>": n, "<y>": n + 1}), True
    yield "added_tokens.json with a tokenizer.json", FAST, changed(FAST, added={"<x>": n}), True
    yield "added_tokens.json and a map", changed(GPT2, added={"<x>": n}), changed(GPT2, added={"<x>": n}, map={"pad_token": "<x>"}), True
    yield "the map is not read beside added_tokens_decoder", changed(GPT2, config={"added_tokens_decoder": decoder}), \
        changed(GPT2, config={"added_tokens_decoder": decoder}, map={"cls_token": "<y>", "mask_token": "go"}), False
    yield "map, a role", GPT2, changed(GPT2, map={"pad_token": "<x>"}), True
    yield "map, a role as an object", GPT2, changed(GPT2, map={"mask_token": {"content": "<mask>", "lstrip": True}}), True
    yield "map before config", changed(GPT2, config={"pad_token": "<y>"}), changed(GPT2, config={"pad_token": "<y>"}, map={"pad_token": "<x>"}), True
    yield "map, additional_special_tokens", GPT2, changed(GPT2, map={"additional_special_tokens": ["<x>", "<y>"]}), True
    yield "map, extra_special_tokens", GPT2, changed(GPT2, map={"extra_special_tokens": ["<x>", {"content": "<y>", "rstrip": True}]}), True
    for base in (GPT2, GPT2_JSON, FAST, BERT, ROBERTA):
        yield config(base, {"additional_special_tokens": ["<x>", "<y>"]}, True)
        yield config(base, {"extra_special_tokens": ["<x>"], "additional_special_tokens": ["<y>"]}, True)
        yield config(base, {"extra_special_tokens": {"image_token": "<x>"}}, True)
        yield config(base, {"image_token": "<x>"}, True)
    yield config(T5, {"additional_special_tokens": ["<x>"]}, True)
    yield config(T5, {"extra_ids": 2}, True)
    yield config(PEGASUS, {"offset": 7}, True)
    yield config(PEGASUS, {"mask_token_sent": "<x>"}, True)
    roles = {"bos_token": "<x>", "eos_token": "<y>", "unk_token": "<unk>", "sep_token": "go", "pad_token": "<pad>", "cls_token": "cat", "mask_token": "<mask>"}
    for base in (GPT2, FAST, BERT, ROBERTA, CLIP, T5, LLAMA, ALBERT, XLMR):
        for role, text in roles.items():
            if base is ALBERT and role in ("cls_token", "sep_token"):
                continue
            yield config(base, {role: text}, None)
        yield config(base, {"mask_token": {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": False, "normalized": False,
                                           "single_word": False}}, None, "mask_token as an object")
    yield config(GPT2, {"pad_token": None, "bos_token": None}, None)
    for base in (GPT2, LLAMA, changed(LLAMA, config={"bos_token": None})):
        yield config(base, {"add_bos_token": True}, base[CONFIG].get("bos_token", 1) is not None)
        yield config(base, {"add_eos_token": True, "add_bos_token": False}, True)
    yield config(GPT2_JSON, {"add_bos_token": True}, False)
    for base in (GPT2, GPT2_JSON, ROBERTA, XLMR, ALBERT, LLAMA, of_class("Qwen2Tokenizer", B.gpt2_files), of_class("BlenderbotTokenizer", B.gpt2_files),
                 of_class("DebertaV2Tokenizer", {"spm.model": B.deberta}), FAST, CLIP):
        generic = base in (FAST, CLIP)
        yield config(base, {"add_prefix_space": False}, None)
        yield config(base, {"add_prefix_space": True}, False if generic else None)
    for base in (BERT, BERT_JSON, of_class("MPNetTokenizer", B.bert_files), ALBERT):
        yield config(base, {"do_lower_case": False}, True)
    yield config(BERT_FAST, {"do_lower_case": False}, False)
    yield config(BERT, {"strip_accents": False}, True)
    yield config(BERT, {"do_lower_case": False, "strip_accents": True}, True)
    yield config(BERT, {"tokenize_chinese_chars": False}, True)
    yield config(ALBERT, {"keep_accents": True}, True)
    yield config(of_class("DebertaV2Tokenizer", {"spm.model": B.deberta}), {"split_by_punct": True}, True)
    yield config(of_class("DebertaV2Tokenizer", {"spm.model": B.deberta}), {"do_lower_case": True}, True)
    yield config(LLAMA, {"legacy": True}, None)
    yield config(BERT, {"clean_up_tokenization_spaces": True}, True)
    yield config(BERT_FAST, {"clean_up_tokenization_spaces": True}, True)
    yield config(T5, {"clean_up_tokenization_spaces": True}, True)
    yield config(GPT2, {"clean_up_tokenization_spaces": True}, False)
    yield config(GPT2, {"clean_up_tokenization_spaces": True,
                        "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output": True}, True)
    for base in (GPT2, FAST, BERT, T5):
        yield config(base, {"split_special_tokens": True}, True)
    # Of a tokenizer.json a class takes its vocabulary alone, the generic one takes all.
    cased = {"normalizer": None, "pre_tokenizer": {"type": "Whitespace"}}
    yield "stages of a tokenizer.json, BertTokenizer", BERT_JSON, changed(BERT_JSON, json=cased), False
    yield "stages of a tokenizer.json, generic", BERT_FAST, changed(BERT_FAST, json=cased), True
    template = {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}}
    for base, differs in ((GPT2_JSON, True), (FAST, True), (of_class("RobertaTokenizer", {JSON: B.gpt2_json}), False),
                          (of_class("GPTNeoXTokenizer", {JSON: B.gpt2_json}), False)):
        yield f"post_processor, {base[CONFIG]['tokenizer_class']}", base, changed(base, json={"post_processor": template}), differs
    added = [*B.gpt2_json["added_tokens"], {"id": 999, **token("<x>")}]
    for base in (GPT2_JSON, FAST):
        yield f"added_tokens with other ids, {base[CONFIG]['tokenizer_class']}", base, changed(base, json={"added_tokens": added}), True
        yield f"padding names a token, {base[CONFIG]['tokenizer_class']}", base, changed(base, json={"padding": {
            "strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": None, "pad_id": 1, "pad_type_id": 0, "pad_token": "<x>"}}), None
        yield f"truncation, {base[CONFIG]['tokenizer_class']}", base, changed(base, json={"truncation": {
            "direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}}), False
    # What changes no ids and no text.
    ignored = {"model_max_length": 4, "max_len": 4, "name_or_path": "x", "processor_class": "CLIPProcessor", "chat_template": "{{ messages }}",
               "padding_side": "left", "truncation_side": "left", "model_input_names": ["input_ids"], "errors": "strict", "do_basic_tokenize": False,
               "never_split": ["cat"], "special_tokens_map_file": "x", "tokenizer_file": "x", "use_fast": False, "return_token_type_ids": True,
               "sp_model_kwargs": {"alpha": 0.1}, "max_length": 3, "stride": 1, "truncation_strategy": "only_first", "pad_to_multiple_of": 8,
               "pad_token_type_id": 3, "spaces_between_special_tokens": True, "fix_mistral_regex": True, "trim_offsets": False, "backend": "x",
               "is_local": True, "local_files_only": True, "transformers_version": "4", "a_key_of_nobody": 1, "legacy": False, "vocab_size": 3,
               "use_default_system_prompt": True, "auto_map": {"AutoTokenizer": [None, "x.Y"]}, "unk_id": 0, "wordpieces_prefix": "@@"}
    for base in (GPT2, BERT, FAST, T5):
        for key, value in ignored.items():
            if key == "auto_map" and base is FAST:
                continue
            yield config(base, {key: value}, False)
    yield "chat_template.jinja", GPT2, changed(GPT2, **{"chat_template.jinja": "{{ messages }}"}), False
    yield "a damaged .model beside tokenizer.json", FAST, changed(FAST, **{"tokenizer.model": b"\x0a\x05damaged"}), False


REFUSED = {
    "a class that the zoo does not know": (of_class("WhisperTokenizer", B.gpt2_files), "WhisperTokenizer is not supported; known are"),
    "its vocabulary is missing": (of_class("RobertaTokenizer", {"vocab.txt": "a\n"}), "RobertaTokenizer needs tokenizer.json or vocab.json and merges.txt"),
    "another model": (of_class("T5Tokenizer", {JSON: B.gpt2_json}), "T5Tokenizer needs a unigram model"),
    "a damaged tokenizer_config.json": ({**GPT2, CONFIG: "{"}, "tokenizer_config.json: expected a JSON object"),
    "a damaged special_tokens_map.json": ({**GPT2, MAP: "[]"}, "special_tokens_map.json: expected a JSON object"),
    "a damaged added_tokens.json": ({**GPT2, ADDED: "3"}, "added_tokens.json: expected a JSON object"),
    "an id that is none": ({**GPT2, ADDED: {"<x>": "3"}}, "added_tokens.json: the id of '<x>' must be a number"),
    "code of its own": ({JSON: B.gpt2_json, CONFIG: {"auto_map": {"AutoTokenizer": [None, "x.Y"]}}}, "auto_map requires the folder's own Python code"),
    "a damaged .model alone": (of_class("T5Tokenizer", {"spiece.model": b"\x0a\x05damaged"}), "spiece.model: "),
    "extra_ids that contradict": (changed(of_class("T5Tokenizer", {JSON: B.unigram_json}, extra_ids=3), map={
        "additional_special_tokens": ["<extra_id_0>"]}), "extra_ids is 3, but additional_special_tokens has 1 sentinels"),
}
for _key, _value in {"vocab": {"a": 0}, "merges": [], "post_processor": "x", "tokenizer_padding": {"length": 3}, "tokenizer_truncation": {"max_length": 2},
                     "init_inputs": ["x"], "fast_tokenizer_files": ["tokenizer.4.0.json"], "padding_side": "middle"}.items():
    REFUSED[f"key {_key}"] = (changed(GPT2, config={_key: _value}), f"tokenizer_config.json: {_key} is not supported")


OTHER_CLASSES = {"GPT2Tokenizer": "BPE", "LlamaTokenizer": "BPE", "BertTokenizer": "WordPiece", "ConvBertTokenizer": "WordPiece", "T5Tokenizer": "Unigram",
                 "XLMRobertaTokenizer": "Unigram", "PreTrainedTokenizerFast": "Unigram"}


class TokenizerFolderKeysTest(unittest.TestCase):
    binaries = None

    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.work)
        self.results = {}

    def folder(self, files):
        path = self.work / str(len(list(self.work.iterdir())))
        path.mkdir()
        for name, content in files.items():
            if isinstance(content, bytes):
                (path / name).write_bytes(content)
            else:
                text = content if isinstance(content, str) else json.dumps(content)
                (path / name).write_text(text, encoding="utf-8", newline="\n")
        return path

    def tokenize(self, folder, verb, *flags, lines):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        return subprocess.run([self.binaries / "tokenize", "--tokenizer", folder, verb, "--json", *flags], input=text, capture_output=True, text=True)

    def ours(self, folder, verb, *flags, lines):
        done = self.tokenize(folder, verb, *flags, lines=lines)
        if done.returncode != 0:
            return done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def check(self, files):
        """The reference's results, after ours have been compared with them."""
        key = json.dumps({name: content if isinstance(content, (str, dict)) else content.hex() for name, content in files.items()}, sort_keys=True)
        if key in self.results:
            return self.results[key]
        folder = self.folder(files)
        auto = AutoTokenizer.from_pretrained(folder)
        ids = [auto(line).input_ids for line in LINES]
        known = [[i for i in row if auto.convert_ids_to_tokens(i) is not None] for row in ids]
        theirs = {"ids": ids, "bare ids": [auto(line, add_special_tokens=False).input_ids for line in LINES],
                  "pairs": [auto(a, b).input_ids for a, b in PAIRS if b], "decode": [auto.decode(row) for row in known],
                  "decode without special": [auto.decode(row, skip_special_tokens=True) for row in known]}
        ours = {"ids": self.ours(folder, "encode", "--special", lines=LINES), "bare ids": self.ours(folder, "encode", lines=LINES),
                "pairs": self.ours(folder, "encode", "--special", "--pair", lines=[f"{a}\t{b}" for a, b in PAIRS]),
                "decode": self.ours(folder, "decode", lines=known), "decode without special": self.ours(folder, "decode", "--skip-special", lines=known)}
        for what, expected in theirs.items():
            if ours[what] == expected:
                continue
            self.assertIsInstance(ours[what], list, f"{type(auto).__name__}: {ours[what]}")
            first = next(i for i, (a, b) in enumerate(zip(ours[what], expected)) if a != b)
            self.fail(f"{type(auto).__name__}, {what} of {(PAIRS if what == 'pairs' else LINES)[first]!r}: ours {ours[what][first]!r}, "
                      f"reference {expected[first]!r}")
        self.results[key] = theirs
        self.last = auto
        return theirs

    def test_keys(self):
        for name, base, other, differs in rows():
            with self.subTest(name):
                before, after = self.check(base), self.check(other)
                if differs is not None:
                    self.assertEqual(before != after, differs, "the reference's results differ" if before != after else "they are the same")

    def test_classes(self):
        """From a class's own files, and from the tokenizer.json that transformers saves of it, which other classes may read."""
        for name, base in CLASSES.items():
            with self.subTest(name):
                self.check(base)
                saved = self.work / f"saved {name}"
                self.last.save_pretrained(saved)
                files = {file.name: file.read_text(encoding="utf-8") for file in saved.iterdir()}
                self.check(files)
                document = json.loads(files[JSON])
                for other in OTHER_CLASSES:
                    if OTHER_CLASSES[other] == document["model"]["type"]:
                        self.check({JSON: document, CONFIG: {"tokenizer_class": other}})

    def test_refusals(self):
        for name, (files, message) in REFUSED.items():
            with self.subTest(name):
                done = self.tokenize(self.folder(files), "encode", lines=["a"])
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(message, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)

    def test_says_what_it_passes_over(self):
        damaged = changed(FAST, **{"tokenizer.model": b"\x0a\x05damaged"})
        done = self.tokenize(self.folder(damaged), "encode", lines=["a"])
        self.assertEqual(done.returncode, 0)
        self.assertIn("tokenizer.model: ignored, only tokenizer.json is read: ", done.stderr)


if __name__ == "__main__":
    TokenizerFolderKeysTest.binaries = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
