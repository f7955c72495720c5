// %% [markdown]
// # 10. Tokenization
//
// A model reads numbers. Somebody has to cut the text into pieces and number them, and every choice
// made there stays with the model for life. Whole words are too many and never all; characters are
// few but make long sequences. Subwords lie between: frequent words stay whole, rare words fall
// into parts.
//
// **Before you read on, write down two guesses.** A tokenizer has seen *low*, *lower*, *newest* and
// *widest*, and nothing else. How will it cut *lowest*? And of the 124 million parameters of GPT-2,
// what share is the table of its 50,257 tokens: 3, 10 or 30 per cent?
//
// You need only counting. At the end you can run byte-pair encoding on paper, say what bytes,
// WordPiece and unigram models do differently, and weigh a vocabulary's size against its price.

// %%
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "models/cost/gpt_cost.h"
#include "notebooks-cpp/nb/nb.h"
#include "tokenizers/algorithms/vocabulary.h"
#include "tokenizers/sentencepiece/sentencepiece.h"
#include "tokenizers/training/bpe_trainer.h"
#include "tokenizers/training/trainers.h"
#include "tokenizers/training/word_counts.h"

// %% [markdown]
// ## By hand: four words
//
// Byte-pair encoding (Sennrich et al. 2016, [arXiv:1508.07909](https://arxiv.org/abs/1508.07909),
// Algorithm 1) begins with characters and repeats one step: count all pairs of neighbours and make
// the most frequent pair a new piece.
//
// $$(a, b)^* = \arg\max_{(a, b)} \sum_{w} n_w \cdot \#\{(a, b) \text{ in } w\}$$
//
// $n_w$ is how often word $w$ occurs: *low* 5 times, *lower* 2, *newest* 6, *widest* 3. Do the
// first two steps on paper: which pair occurs 9 times? (There are two; the first in the alphabet
// wins.)

// %%
struct Word {
  std::vector<int> ids;
  int count;
};
/// One step: the pair that occurs most often and how often; of equals, the one with lower numbers.
std::pair<std::pair<int, int>, int> most_frequent_pair(const std::vector<Word>& words) {
  std::map<std::pair<int, int>, int> counts;
  for (const Word& word : words)
    for (size_t i = 0; i + 1 < word.ids.size(); ++i)
      counts[{word.ids[i], word.ids[i + 1]}] += word.count;
  std::pair<std::pair<int, int>, int> best{{0, 0}, 0};
  for (const auto& [pair, count] : counts)
    if (count > best.second) best = {pair, count};
  return best;
}
void merge_pair(std::vector<int>& ids, std::pair<int, int> pair, int made) {
  for (size_t i = 0; i + 1 < ids.size(); ++i) {
    if (ids[i] != pair.first || ids[i + 1] != pair.second) continue;
    ids[i] = made;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
}

// %%
const std::vector<std::pair<std::string, int>> corpus = {
    {"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};
std::vector<std::string> pieces;  // by number; the alphabet first
{
  std::set<std::string> alphabet;
  for (const auto& [word, count] : corpus)
    for (const char c : word) alphabet.insert(std::string(1, c));
  pieces.assign(alphabet.begin(), alphabet.end());
}
std::vector<int> letters(const std::string& word, const std::vector<std::string>& pieces) {
  std::vector<int> ids;
  for (const char c : word) {
    const auto at = std::find(pieces.begin(), pieces.end(), std::string(1, c));
    ids.push_back(static_cast<int>(at - pieces.begin()));
  }
  return ids;
}
std::vector<Word> work;  // the words as numbers
for (const auto& [word, count] : corpus)
  work.push_back({.ids = letters(word, pieces), .count = count});

// %%
const torch::Tensor pairs = torch::zeros({10, 10});
for (const Word& word : work)
  for (size_t i = 0; i + 1 < word.ids.size(); ++i)
    pairs[word.ids[i]][word.ids[i + 1]] += word.count;
nb::show(pairs, {.title = "How often a letter follows another: look for the two brightest cells",
                 .rows = "Left",
                 .columns = "Right",
                 .row_labels = pieces,
                 .column_labels = pieces});
nb::print(fmt::format("e s {}, s t {}\n", pairs[1][7].item<double>(), pairs[7][8].item<double>()));
nb::claim("pairs that occur 9 times, the largest count", pairs.eq(9).sum().item<double>(),
          nb::near(2, 0));

// %%
std::string spell(const std::vector<int>& ids, const std::vector<std::string>& pieces) {
  std::string text;
  for (const int id : ids) text += (text.empty() ? "" : " ") + pieces[static_cast<size_t>(id)];
  return text;
}
std::vector<std::pair<int, int>> merges;
std::vector<std::vector<std::string>> steps;
while (merges.size() < 8) {
  const auto [pair, count] = most_frequent_pair(work);
  const auto left = static_cast<size_t>(pair.first), right = static_cast<size_t>(pair.second);
  steps.push_back({fmt::format("{}", merges.size() + 1), pieces[left] + " " + pieces[right],
                   fmt::format("{}", count)});
  pieces.push_back(pieces[left] + pieces[right]);
  for (Word& word : work) {
    merge_pair(word.ids, pair, static_cast<int>(pieces.size()) - 1);
    steps.back().push_back(spell(word.ids, pieces));
  }
  merges.push_back(pair);
}
nb::table({"step", "pair", "count", "low x 5", "lower x 2", "newest x 6", "widest x 3"}, steps);

// %% [markdown]
// Eight steps, and *low* and *newest* are whole. The zoo's trainer must agree on every pair and
// every count. It counts incrementally, because recounting everything, as you just did, would take
// days on a real text.

// %%
zoo::WordCounts counted;
for (const auto& [word, count] : corpus) counted.add(word, static_cast<uint64_t>(count));
zoo::BpeTrainer trainer(zoo::start_bpe(counted, {}), {.vocab_size = 1000});
int same = 0;
for (size_t i = 0; i < merges.size(); ++i) {
  const auto merge = trainer.next();
  const std::string pair = trainer.pieces()[merge->left] + " " + trainer.pieces()[merge->right];
  same += pair == steps[i][1] && std::to_string(merge->count) == steps[i][2];
}
nb::claim("merges of zoo::BpeTrainer that equal those by hand, of 8", same, nb::near(8, 0));

// %% [markdown]
// To encode a new word, apply the merges in the order in which they were learned. *lowest* was not
// in the text. Your first guess is decided by merges 2 and 4.

// %%
std::vector<int> lowest = letters("lowest", pieces);
for (size_t rank = 0; rank < merges.size(); ++rank) {
  const int made = static_cast<int>(pieces.size() - merges.size() + rank);
  merge_pair(lowest, merges[rank], made);
}
nb::print(fmt::format("lowest -> {}\n", spell(lowest, pieces)));
nb::claim("a word that training has not seen becomes two known parts, low and est",
          spell(lowest, pieces) == "low est");

// %% [markdown]
// ## Real text
//
// The zoo's own documentation is a text of some 60,000 bytes. Two of its pages are kept back for
// measuring. Train one tokenizer of each kind with 1,000 pieces.
//
// | kind | starts from | training keeps | cuts a word by |
// |---|---|---|---|
// | byte-level BPE | 256 bytes | the most frequent pair | merges in order |
// | WordPiece | characters | the same, here | the longest piece first |
// | SentencePiece BPE | characters and space | the most frequent pair | merges in order |
// | unigram | many pieces | those that the likelihood needs | the most probable cut |
//
// Papers: Radford et al. 2019, §2.2 (bytes); Schuster & Nakajima 2012 (WordPiece, which weighs
// pairs by likelihood); Kudo & Richardson 2018,
// [arXiv:1808.06226](https://arxiv.org/abs/1808.06226) (SentencePiece); Kudo 2018,
// [arXiv:1804.10959](https://arxiv.org/abs/1804.10959) (unigram).

// %%
namespace fs = std::filesystem;
const fs::path root = fs::exists("tokenizers/README.md") ? "." : "..";
std::vector<fs::path> training;
for (const char* page : {"README.md", "CONTRIBUTING.md", "docs/api.md", "models/README.md",
                         "tokenizers/README.md", "train/README.md"})
  training.push_back(root / page);
std::string held_out;
for (const char* page : {"infer/README.md", "docs/programs.md"}) {
  std::stringstream text;
  text << std::ifstream(root / page).rdbuf();
  held_out += text.str();
}
std::map<std::string, std::unique_ptr<zoo::Tokenizer>> trained;
for (const auto kind :
     {zoo::TokenizerKind::kByteBpe, zoo::TokenizerKind::kWordPiece,
      zoo::TokenizerKind::kSentencePieceBpe, zoo::TokenizerKind::kSentencePieceUnigram}) {
  zoo::TokenizerTraining options{.kind = kind, .vocab_size = 1000};
  options.cased = kind == zoo::TokenizerKind::kWordPiece;
  options.threads = 1;
  trained[std::string(zoo::name_of(kind))] = zoo::train_tokenizer(options, training);
}

// %%
std::string cut(const zoo::Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> shown;
  for (const int32_t id : tokenizer.ids(text)) shown.push_back(tokenizer.piece_of(id));
  return fmt::format("{}", fmt::join(shown, " | "));
}
std::vector<std::vector<std::string>> cuts;
for (const auto& [name, tokenizer] : trained)
  cuts.push_back({name, cut(*tokenizer, "The untrained checkpoints are unreadable.")});
nb::table({"kind", "The untrained checkpoints are unreadable."}, cuts);

// %% [markdown]
// Each kind marks where words begin in its own way. Byte-level BPE writes the space as Ġ and makes
// it part of the word's first piece; SentencePiece makes the space a character of the piece, usually
// written ▁; the zoo's vocabularies hold the space itself. Both can put the text together again. WordPiece marks the inside of a word with ## and forgets
// the spaces.
//
// ## Nothing is unknown
//
// A tokenizer of characters meets characters that it has never seen. A tokenizer of bytes cannot:
// every text is bytes, and all 256 of them are in the vocabulary.

// %%
const std::vector<std::string> foreign = {"naïve café", "Привет, мир", "日本語", "🦒🦓"};
int bytes_unknown = 0, bytes_same = 0, wordpiece_unknown = 0;
const auto& bytes = *trained["byte-bpe"];
const auto& wordpiece = *trained["wordpiece"];
std::vector<std::vector<std::string>> strange;
for (const auto& text : foreign) {
  const auto ids = bytes.ids(text);
  bytes_same += bytes.decode(ids) == text;
  for (const int32_t id : ids) bytes_unknown += bytes.unk_id() == id;
  for (const int32_t id : wordpiece.ids(text)) wordpiece_unknown += wordpiece.unk_id() == id;
  strange.push_back({text, fmt::format("{}", ids.size()), cut(wordpiece, text)});
}
nb::table({"text", "tokens of byte-bpe", "wordpiece"}, strange);
nb::claim("byte-level BPE: texts that decode to themselves, of 4", bytes_same, nb::near(4, 0));
nb::claim("byte-level BPE: unknown tokens", bytes_unknown, nb::near(0, 0));
nb::refute("WordPiece: unknown tokens", wordpiece_unknown, nb::near(0, 0));

// %% [markdown]
// The safety has a price: a character that training did not see costs one token for each of its
// bytes, three for one of *日本語*. A model that pays three times as much for a language sees a
// third of its text at once.

// %%
const std::string english = "The tokenizer cuts the text into pieces.";
const std::string russian = "Токенизатор режет текст на куски.";
const auto tokens_per_character = [&](const std::string& text) {
  const auto characters =
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return static_cast<double>(bytes.ids(text).size()) / static_cast<double>(characters);
};
nb::print(fmt::format("tokens per character: English {:.2f}, Russian {:.2f}\n",
                      tokens_per_character(english), tokens_per_character(russian)));
nb::claim("a sentence in Russian costs more tokens a character than in English, by a factor of",
          tokens_per_character(russian) / tokens_per_character(english), nb::at_least(3));

// %% [markdown]
// ## A cut with a probability
//
// BPE gives one cut. A unigram model gives each piece a probability, and each cut the product:
//
// $$P(x_1 \dots x_m) = \prod_{i=1}^{m} p(x_i)$$
//
// The tokenizer takes the most probable cut (Kudo 2018, arXiv:1804.10959). The others are there,
// too, and a model that sees several cuts of the same word learns that they mean the same: subword
// regularisation.

// %%
const auto& unigram =
    dynamic_cast<const zoo::SentencePieceTokenizer&>(*trained["sentencepiece-unigram"]);
const std::string word = " unreadable";
std::vector<std::vector<std::string>> ranked;
const auto best = unigram.nbest(word, 5);
for (const auto& split : best) {
  std::vector<std::string> shown;
  for (const int32_t id : split.ids) shown.push_back(unigram.piece_of(id));
  ranked.push_back(
      {fmt::format("{}", fmt::join(shown, " | ")), fmt::format("{:.2f}", split.score)});
}
nb::table({"cut", "log probability"}, ranked);
nb::claim("the tokenizer's cut is the most probable one", unigram.ids(word) == best[0].ids);
std::set<std::vector<int32_t>> sampled;
int restored = 0;
for (uint64_t seed = 0; seed < 100; ++seed) {
  const auto ids = unigram.sample(word, /*alpha=*/0.2, /*nbest_size=*/-1, seed);
  restored += unigram.decode(ids) == word;
  sampled.insert(ids);
}
nb::claim("different cuts among 100 samples", static_cast<double>(sampled.size()), nb::at_least(5));
nb::claim("samples that decode to the word, of 100", restored, nb::near(100, 0));

// %% [markdown]
// ## How large a vocabulary?
//
// More pieces make shorter sequences. How much shorter? Train byte-level BPE at four sizes and
// measure the text that was kept back. In the picture, look at the right half: the curve flattens.

// %%
std::vector<double> sizes, lengths;
for (const int64_t size : {300, 600, 1200, 2400}) {
  zoo::TokenizerTraining options{.kind = zoo::TokenizerKind::kByteBpe, .vocab_size = size};
  const auto tokenizer = zoo::train_tokenizer(options, training);
  sizes.push_back(tokenizer->vocab_size());
  lengths.push_back(static_cast<double>(tokenizer->ids(held_out).size()) * 1000 /
                    static_cast<double>(held_out.size()));
}
nb::plot({{.label = "byte-level BPE", .x = sizes, .y = lengths}},
         {.title = "Tokens for 1,000 bytes of unseen text: each doubling saves less",
          .x = "pieces in the vocabulary",
          .y = "tokens",
          .log_x = true,
          .y_from_zero = true});
const double first = lengths[0] - lengths[1], last = lengths[2] - lengths[3];
nb::print(fmt::format("tokens saved by the first doubling {:.0f}, by the last {:.0f}\n", first,
                      last));
nb::claim("saved by the last doubling over the first", last / first, nb::between(0, 0.6));

// %% [markdown]
// And the price? Each piece has a row of $C$ numbers in the embedding table, $V C$ in all. The
// blocks of a GPT hold $12 L C^2$, so the share depends on the width: in a small model the table is
// the model. That is your second guess.

// %%
std::vector<nb::Line> shares;
for (const char* preset : {"tiny", "gpt2", "gpt2-xl"}) {
  shares.push_back({.label = preset, .x = {}, .y = {}});
  for (const double V : {256.0, 1024.0, 4096.0, 16384.0, 50257.0, 131072.0}) {
    auto options = zoo::GptOptions::preset(preset);
    options.vocab_size = static_cast<int64_t>(V);
    const double all = zoo::cost_of(options, options.context).parameters;
    shares.back().x.push_back(V);
    shares.back().y.push_back(V * static_cast<double>(options.d_model) / all);
  }
}
nb::plot(shares, {.title = "Share of the token table: at 50,000 pieces it is nearly all of tiny",
                  .x = "pieces in the vocabulary",
                  .y = "share of the parameters",
                  .log_x = true,
                  .y_from_zero = true});
nb::print(fmt::format("50,257 pieces: tiny {:.2f}, gpt2 {:.2f}, gpt2-xl {:.2f}\n", shares[0].y[4],
                      shares[1].y[4], shares[2].y[4]));
nb::claim("GPT-2: share of the table of 50,257 tokens", shares[1].y[4], nb::near(0.31, 0.01));
nb::claim("the classroom size with that table: its share", shares[0].y[4], nb::at_least(0.85));

// %% [markdown]
// A vocabulary is therefore chosen with the model: about a thousand pieces for the zoo's smallest,
// and more for larger models: to gpt2-xl a table of 131,072 pieces weighs little, to gpt2 it does not.
//
// ## Where it breaks
//
// Pieces follow frequency, not meaning. The same word is another token after a space, and a number
// is cut wherever the training text made pieces frequent. A model has to learn from examples that such
// pieces belong together.

// %%
std::vector<std::vector<std::string>> odd;
for (const char* text : {"model", " model", "Model", "MODEL", "2017", "20170", "0.1 + 0.25"})
  odd.push_back({fmt::format("'{}'", text), cut(bytes, text)});
nb::table({"text", "byte-bpe"}, odd);
nb::claim("'model' and ' model' are different tokens", bytes.ids("model") != bytes.ids(" model"));

// %% [markdown]
// ## What you have measured
//
// | claim |
// |---|
// | BPE is counting and merging: eight merges by hand equal those of the zoo's trainer |
// | a word never seen falls into pieces that have been seen: *low* and *est* |
// | bytes leave nothing unknown and give every text back; a vocabulary of characters does not |
// | a language that training did not see costs several times the tokens |
// | a unigram model's cut is the most probable of many |
// | each doubling of the vocabulary saves fewer tokens and doubles the table, 31% of GPT-2 |
//
// ## Try it
//
// 1. *By hand*: raise the count of *lower* to 8. Which pair comes first now? Predict the first two
//    steps before you run the cells. Does *lowest* still become *low est*?
// 2. *Nothing is unknown*: add `options.limit_alphabet = 20` to the training of WordPiece. Do you
//    expect more or fewer unknown tokens, and on which of the four texts?
// 3. *A cut with a probability*: sample with `alpha` 1.0, then 0.0. For which of them do you
//    expect the cuts of the table above to dominate? Which claim fails?
// 4. *How large a vocabulary*: measure the training text instead of the text kept back (add a page
//    of `training` to `held_out`). Predict whether the curve becomes steeper at the right end.
// 5. *Where it breaks*: train with `.pattern = zoo::WordPattern::kCl100k`. It cuts numbers into
//    groups of three digits. Predict the cut of 20170.
//
// **Next**: [11. Objectives and families](11_objectives_and_families.ipynb): what models learn from
// the tokens.
