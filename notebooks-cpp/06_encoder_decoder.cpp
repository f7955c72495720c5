// %% [markdown]
// # 6. Encoder and decoder
//
// One layer, three ways to use it. An encoder reads a whole text at once; a decoder reads from left
// to right and can therefore write; an encoder-decoder reads one text and writes another. You will
// train all three on tasks small enough to know the right answer, and look at what each of them can
// and cannot do.
//
// **Before you read on, write down two guesses.** A decoder is trained to predict the next token,
// but somebody forgot its causal mask. What happens to the training loss? And what does the model
// write?
//
// You need masks (lesson 3) and the layer (lesson 5). At the end you can choose between the three
// designs, read an alignment, and find a leak.

// %%
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "infer/decode/decode.h"
#include "infer/translation/transformer_decoder.h"
#include "models/attention/attend.h"
#include "models/bert/bert.h"
#include "models/gpt/gpt.h"
#include "models/transformer/transformer.h"
#include "notebooks-cpp/nb/nb.h"
#include "train/data/pair_batch.h"
#include "train/loop/optimizer.h"
#include "train/loop/schedule.h"
#include "train/objectives/token_loss.h"

// %% [markdown]
// ## By hand, on four tokens
// The source is 7 3 5 9 and the decoder should write it backwards. Let the key of source position
// $s$ be the unit vector $e_s$, and the query of target position $t$ be $20\, e_{3-t}$. The scores
// of $t = 0$ are (0, 0, 0, 20), so its softmax is 1 at the last source token, up to $3 e^{-20}$,
// and the answer is 9. All four answers: 9 5 3 7. Cross-attention is this look-up: **queries from
// the target, keys and values from the source.**

// %%
const auto source_values = torch::tensor({7., 3., 5., 9.}).view({1, 1, 4, 1});    // [B, H, S, Dv]
const auto keys = torch::eye(4).view({1, 1, 4, 4});                               // [B, H, S, Dh]
const auto queries = 20 * torch::eye(4).flip(0).view({1, 1, 4, 4});               // [B, H, T, Dh]
const auto values = torch::cat({source_values, torch::zeros({1, 1, 4, 3})}, -1);  // [B, H, S, Dh]
const auto backwards = zoo::attend("torch", queries, keys, values, {.scale = 1.0});
const auto by_hand = torch::tensor({9., 5., 3., 7.});
nb::claim("attend() = the answers by hand (largest difference)",
          (backwards[0][0].select(1, 0) - by_hand).abs().max().item<double>(), nb::at_most(1e-5));

// %% [markdown]
// ## Shapes and masks
//
// | attention | queries | keys, values | mask |
// |---|---|---|---|
// | encoder, BERT | $[B, H, S, D_h]$ | $[B, H, S, D_h]$ | padding |
// | decoder, GPT | $[B, H, T, D_h]$ | $[B, H, T, D_h]$ | padding, causal |
// | cross-attention | $[B, H, T, D_h]$ | $[B, H, S, D_h]$ | padding of the source |
//
// Vaswani et al. 2017 (arXiv:1706.03762), §3.2.3. BERT: Devlin et al. 2018 (arXiv:1810.04805). GPT:
// Radford et al. 2018. Only cross-attention has two lengths: its weights are a matrix of $T$ rows
// and $S$ columns, one row for each token that is written.
//
// ## BERT against GPT
//
// Both are a stack of the same blocks. BERT's attention looks both ways, and it learns to fill in
// masked tokens:
//
// $$\mathcal L_{\mathrm{MLM}} = -\sum_{t \in M} \log p(x_t \mid x_{\setminus M})$$
//
// GPT's attention looks back, and it learns the next token:
//
// $$\mathcal L_{\mathrm{CLM}} = -\sum_{t} \log p(x_t \mid x_{<t})$$
//
// So BERT gets a target from 15 % of the tokens of a batch, GPT from all of them. The text:
// palindromes of 12 symbols. Each of the first six is random, and equal to one of the last six.
// What stands at position 2 is therefore decided in the future. Predict the two curves of the
// picture: right answers by position, for GPT and for BERT.

// %%
/// [B, 12] int64, ids 1 to 10; 0 is the mask.
torch::Tensor palindromes(int64_t count) {
  const auto half = torch::randint(1, 11, {count, 6}, torch::kLong);
  return torch::cat({half, half.flip(1)}, 1);
}

/// The same sizes for both families.
template <class Options>
Options small_options(int64_t vocab_size, int64_t context) {
  Options o;
  o.vocab_size = vocab_size, o.context = context;
  o.layers = 2, o.d_model = 32, o.heads = 2, o.init_std = 0.05;
  o.norm_place = zoo::NormPlace::kPre;
  return o;
}

zoo::Bert small_bert(int64_t vocab_size, int64_t context) {
  auto o = small_options<zoo::BertOptions>(vocab_size, context);
  o.dropout = o.attention_dropout = 0.0;
  o.pooler = false;
  return zoo::Bert(o);
}

torch::Tensor bert_logits(zoo::Bert& bert, const torch::Tensor& tokens) {
  return torch::linear(bert(tokens), bert->token_embedding->weight);  // [B, T, V]
}

// %%
void update(zoo::AdamW& optimizer, const zoo::TokenLoss& loss, double learning_rate) {
  loss.sum.backward();
  optimizer.step(learning_rate, loss.tokens);
  optimizer.zero_gradients();
}

torch::manual_seed(1);
zoo::Gpt gpt(small_options<zoo::GptOptions>(11, 12));
zoo::Bert bert = small_bert(11, 12);
zoo::AdamW gpt_optimizer(*gpt, {}), bert_optimizer(*bert, {});
for (int step = 0; step < 300; ++step) {
  const auto text = palindromes(32);  // [B, T]
  update(gpt_optimizer, zoo::token_loss(gpt(text.slice(1, 0, 11)), text.slice(1, 1)), 5e-3);
  const auto hidden = torch::rand({32, 12}).lt(0.15);  // [B, T]
  const auto targets = text.masked_fill(hidden.logical_not(), zoo::kIgnored);
  update(bert_optimizer, zoo::token_loss(bert_logits(bert, text.masked_fill(hidden, 0)), targets),
         5e-3);
}

// %%
/// Share of right answers at positions 1 to 11: GPT has read what comes before, BERT all but this
/// one.
std::vector<double> right_answers(zoo::Gpt& gpt, const torch::Tensor& text) {
  const torch::NoGradGuard no_grad;
  const auto answers = gpt(text.slice(1, 0, 11)).argmax(-1);  // [B, T - 1]
  const auto right =
      answers.eq(text.slice(1, 1)).to(torch::kDouble).mean(0).contiguous();  // [T - 1]
  return {right.data_ptr<double>(), right.data_ptr<double>() + right.numel()};
}

std::vector<double> right_answers(zoo::Bert& bert, const torch::Tensor& text) {
  const torch::NoGradGuard no_grad;
  std::vector<double> right;
  for (int64_t t = 1; t < text.size(1); ++t) {
    auto masked = text.clone();
    masked.select(1, t).zero_();
    const auto answers = bert_logits(bert, masked).select(1, t).argmax(-1);  // [B]
    right.push_back(answers.eq(text.select(1, t)).to(torch::kDouble).mean().item<double>());
  }
  return right;
}

double mean(const std::vector<double>& values, size_t begin, size_t end) {
  return std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(begin),
                         values.begin() + static_cast<std::ptrdiff_t>(end), 0.0) /
         static_cast<double>(end - begin);
}

// %%
const auto test = palindromes(500);  // [B, T]
const auto by_gpt = right_answers(gpt, test), by_bert = right_answers(bert, test);
std::vector<double> position(11);
std::iota(position.begin(), position.end(), 1.0);
nb::plot({{.label = "GPT: next token", .x = position, .y = by_gpt},
          {.label = "BERT: masked token", .x = position, .y = by_bert}},
         {.title = "Right answers by position: look at the step in the middle",
          .x = "position",
          .y = "share of right answers",
          .y_from_zero = true});
nb::print(fmt::format(
    "positions 1-5: GPT {:.2f}, BERT {:.2f}; positions 6-11: GPT {:.2f}, BERT {:.2f}\n",
    mean(by_gpt, 0, 5), mean(by_bert, 0, 5), mean(by_gpt, 5, 11), mean(by_bert, 5, 11)));

// %% [markdown]
// Question 20. *BERT against GPT.* The trunk is the same, down to the number of weights. GPT cannot
// know the first half, because nothing before it tells; it guesses one symbol in ten, and then
// completes the second half without a mistake. BERT is asked for one position here, with all others
// given. Ask it for the whole text at once, and it has nothing to read: it was
// never trained to begin. Encoders serve where a text is given (search, labels), decoders where one
// is to be made.

// %%
const auto weights_of = [](const torch::nn::ModuleList& blocks) {
  int64_t count = 0;
  for (const auto& p : blocks->parameters()) count += p.numel();
  return static_cast<double>(count);
};
nb::claim("Parameters of BERT's blocks / of GPT's",
          weights_of(bert->blocks) / weights_of(gpt->blocks), nb::near(1, 0));
nb::claim("GPT, positions 1-5: right answers (chance 0.1; seed 1)", mean(by_gpt, 0, 5),
          nb::near(0.1, 0.05));
nb::claim("GPT, positions 6-11", mean(by_gpt, 5, 11), nb::at_least(0.95));
nb::claim("BERT, positions 1-5", mean(by_bert, 0, 5), nb::at_least(0.95));

// %% [markdown]
// ## The encoder-decoder
// The encoder reads the source without a causal mask, the decoder writes with one, and
// cross-attention joins them. The same training code learns three tasks: copy, reverse, and a small
// translation. For the translation we need a grammar: English puts the adjective before the noun,
// French behind it, and French articles and adjectives agree with the noun.

// %%
struct Noun {
  const char *english, *french;
  bool feminine;
};
struct Adjective {
  const char *english, *masculine, *feminine;
};
using Words = std::vector<std::string>;

/// "the red car" and "la voiture rouge"
void add_phrase(std::mt19937& random, bool definite, Words& english, Words& french) {
  static const Noun nouns[] = {{"cat", "chat", false},   {"car", "voiture", true},
                               {"dog", "chien", false},  {"house", "maison", true},
                               {"book", "livre", false}, {"table", "table", true}};
  static const Adjective adjectives[] = {{"black", "noir", "noire"},
                                         {"green", "vert", "verte"},
                                         {"white", "blanc", "blanche"},
                                         {"red", "rouge", "rouge"}};
  const Noun& noun = nouns[random() % 6];
  const Adjective& adjective = adjectives[random() % 4];
  const bool bare = random() % 3 == 0;
  english.push_back(definite ? "the" : "a");
  if (!bare) english.push_back(adjective.english);
  english.push_back(noun.english);
  french.push_back(definite ? (noun.feminine ? "la" : "le") : (noun.feminine ? "une" : "un"));
  french.push_back(noun.french);
  if (!bare) french.push_back(noun.feminine ? adjective.feminine : adjective.masculine);
}

// %%
struct Texts {
  std::vector<Words> sources, targets;
};

/// `unseen`: sentences that must not occur.
Texts translations(int64_t count, uint32_t seed, const std::vector<Words>& unseen = {}) {
  const std::set<Words> seen(unseen.begin(), unseen.end());
  std::mt19937 random(seed);
  Texts texts;
  while (std::ssize(texts.sources) < count) {
    Words english, french;
    add_phrase(random, random() % 2 == 0, english, french);
    const bool sees = random() % 2 == 0;
    english.push_back(sees ? "sees" : "wants");
    french.push_back(sees ? "voit" : "veut");
    add_phrase(random, random() % 2 == 0, english, french);
    if (seen.contains(english)) continue;
    texts.sources.push_back(english);
    texts.targets.push_back(french);
  }
  return texts;
}

// %%
/// Eight digits, and the same digits, backwards if `reverse`.
Texts digits(int64_t count, uint32_t seed, bool reverse) {
  std::mt19937 random(seed);
  Texts texts;
  for (int64_t n = 0; n < count; ++n) {
    Words word(8);
    for (auto& digit : word) digit = std::to_string(random() % 10);
    texts.sources.push_back(word);
    if (reverse) std::reverse(word.begin(), word.end());
    texts.targets.push_back(word);
  }
  return texts;
}

// %% [markdown]
// A target begins with a start token, which asks for the first word, and ends with an end token,
// which says that there is no further one. In training, the decoder reads the right words
// `start y1 y2 ...` and predicts `y1 y2 ... end`.

// %%
/// Words to ids, in the order in which they first came.
struct Vocabulary {
  std::map<std::string, int32_t> ids = {};
  Words words = {"(pad)", "(start)", "(end)"};
  int32_t id(const std::string& word) {
    const auto [found, is_new] = ids.try_emplace(word, static_cast<int32_t>(words.size()));
    if (is_new) words.push_back(word);
    return found->second;
  }
  zoo::SequencePairs encode(const Texts& texts) {
    zoo::SequencePairs pairs;
    const auto append = [&](const std::vector<Words>& lines, zoo::TokenSequences& to) {
      for (const Words& line : lines) {
        std::vector<int32_t> row;
        for (const auto& word : line) row.push_back(id(word));
        to.append(row);
      }
    };
    append(texts.sources, pairs.sources);
    append(texts.targets, pairs.targets);
    return pairs;
  }
};

// %%
constexpr int64_t kPad = 0, kStart = 1, kEnd = 2;

zoo::PairBatch batch_of(const zoo::SequencePairs& pairs, int64_t begin, int64_t count) {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), begin);
  return zoo::collate_pairs(pairs, indices, {.start = kStart, .eos = kEnd, .pad = kPad});
}

/// One pass over the pairs in batches of 32; the learning rate rises for 40 updates, then falls.
zoo::Transformer trained(const zoo::SequencePairs& pairs, int64_t vocab_size) {
  torch::manual_seed(1);
  auto o = zoo::TransformerOptions::tiny();  // 1 + 1 layers, C = 32, H = 1, post-norm
  o.vocab_size = vocab_size;
  zoo::Transformer model(o);
  zoo::AdamW optimizer(*model, {.weight_decay = 0.0});
  const int64_t steps = pairs.size() / 32;
  const zoo::ScheduleOptions schedule{
      .kind = zoo::ScheduleKind::kLinear, .warmup_steps = 40, .steps = steps};
  for (int64_t step = 0; step < steps; ++step) {
    const auto batch = batch_of(pairs, 32 * step, 32);
    const auto logits = model(batch.source, batch.source_lengths, batch.target_in);  // [B, T, V]
    update(optimizer, zoo::token_loss(logits, batch.target_out),
           1e-2 * zoo::schedule_factor(schedule, step));
  }
  model->eval();
  return model;
}

// %%
/// Share of the pairs whose greedy output is right to the last token.
double exact_share(const zoo::Transformer& model, const zoo::SequencePairs& pairs) {
  const auto batch = batch_of(pairs, 0, pairs.size());
  const zoo::TransformerDecoder decoder(model);
  const std::vector<std::vector<int64_t>> prompts(static_cast<size_t>(pairs.size()), {kStart});
  zoo::DecodeOptions options{.max_new_tokens = 12, .eos_ids = {kEnd}};
  options.sampling.temperature = 0.0;
  double right = 0;
  for (const auto& made :
       zoo::decode(decoder, decoder.start(batch.source, batch.source_lengths), prompts, options)) {
    const auto wanted = pairs.targets.at(made.prompt);
    right += made.tokens.back() == kEnd &&
             std::equal(made.tokens.begin(), made.tokens.end() - 1, wanted.begin(), wanted.end());
  }
  return right / static_cast<double>(pairs.size());
}

// %%
Vocabulary words;
const auto copy = words.encode(digits(12800, 1, false)),
           copy_test = words.encode(digits(100, 2, false));
const auto reverse = words.encode(digits(12800, 1, true)),
           reverse_test = words.encode(digits(100, 2, true));
const auto english = translations(12800, 1), english_test = translations(100, 2, english.sources);
const auto french = words.encode(english), french_test = words.encode(english_test);
const auto vocab_size = std::ssize(words.words);
const auto copier = trained(copy, vocab_size), reverser = trained(reverse, vocab_size);
const auto translator = trained(french, vocab_size);
const double copied = exact_share(copier, copy_test),
             reversed = exact_share(reverser, reverse_test);
const double translated = exact_share(translator, french_test);
nb::table({"task", "right to the last token"}, {{"copy", fmt::format("{:.2f}", copied)},
                                                {"reverse", fmt::format("{:.2f}", reversed)},
                                                {"translate", fmt::format("{:.2f}", translated)}});

// %% [markdown]
// Question 21. *The full encoder-decoder.* Same model, same code, three tasks. The test pairs come
// from another seed, the sentences among them do not occur in training, and an output counts only if every token is right, the end token included. The
// control: the copier is not a reverser.

// %%
nb::claim("Copy: share right to the last token (seed 1)", copied, nb::at_least(0.8));
nb::claim("Reverse: the same", reversed, nb::at_least(0.8));
nb::claim("Translate: the same", translated, nb::at_least(0.8));
nb::refute("The copier reverses as well", exact_share(copier, reverse_test), nb::at_least(0.8));

// %% [markdown]
// ## What cross-attention looks at
//
// Row $t$ of a cross-attention map says which source words the decoder reads while it writes target
// word $t$. A `Trace` carries the weights out of the model. Before you run the next cells, draw the
// map for *the black cat sees a house* and *le chat noir voit une maison*: which two rows cross?

// %%
/// Cross-attention of the decoder's layer while it writes pair `n`: [T, S].
torch::Tensor alignment(zoo::Transformer model, const zoo::SequencePairs& pairs, int64_t n) {
  const torch::NoGradGuard no_grad;
  const auto batch = batch_of(pairs, n, 1);
  const auto read = model->cross_keys_values(model->encode(batch.source));
  zoo::Trace trace{.attentions = true};
  model->decode(batch.target_in, read, {.trace = &trace});
  return trace.tensors.at("cross_attentions.0")[0].mean(0);  // [T, S]: mean over heads
}

/// The source word with the largest weight for each target word.
Words looked_at(const torch::Tensor& map, const Words& source) {
  Words found;
  for (int64_t t = 0; t < map.size(0); ++t)
    found.push_back(source[static_cast<size_t>(map[t].argmax().item<int64_t>())]);
  return found;
}

// %%
size_t chosen = 0;  // the first test sentence with two adjectives
while (english_test.sources[chosen].size() < 7) ++chosen;
const Words source_words = english_test.sources[chosen];
Words target_words = english_test.targets[chosen];
target_words.push_back("(end)");
const auto map = alignment(translator, french_test, static_cast<int64_t>(chosen));
nb::show(map, {.title = "Rows write French, columns read English: each adjective crosses its noun",
               .rows = "French",
               .columns = "English",
               .row_labels = target_words,
               .column_labels = source_words});
const Words best = looked_at(map, source_words);
for (size_t t = 0; t < best.size(); ++t)
  nb::print(fmt::format("{:8} <- {}\n", target_words[t], best[t]));

// %% [markdown]
// Question 22. *Cross-attention.* Read the table beside the picture: nouns, verbs and adjectives
// point to their translations, also where the order changes. Nobody told the model which word
// translates which; it is the shortest way to a low loss (Bahdanau et al. 2015, arXiv:1409.0473,
// §5.2.1, drew such maps first). The articles are stranger: *une* reads *a*, but *a* has no gender.
// Either the rest of its weight brings the gender from the noun, or the encoder's self-attention
// has carried it to the article before. The map cannot tell: it shows where information is read,
// not where it comes from.
//
// Count the content words over all test sentences. The control: if the map simply followed the
// diagonal, word $t$ would read word $t$.

// %%
const std::map<std::string, std::string> dictionary = {
    {"chat", "cat"},   {"voiture", "car"}, {"chien", "dog"},   {"maison", "house"},
    {"livre", "book"}, {"table", "table"}, {"noir", "black"},  {"noire", "black"},
    {"vert", "green"}, {"verte", "green"}, {"blanc", "white"}, {"blanche", "white"},
    {"rouge", "red"},  {"voit", "sees"},   {"veut", "wants"}};
double content = 0, translation = 0, diagonal = 0;
for (size_t n = 0; n < english_test.sources.size(); ++n) {
  const Words& target = english_test.targets[n];
  const Words found = looked_at(alignment(translator, french_test, static_cast<int64_t>(n)),
                                english_test.sources[n]);
  for (size_t t = 0; t < target.size(); ++t) {
    const auto entry = dictionary.find(target[t]);
    if (entry == dictionary.end()) continue;  // an article
    ++content;
    translation += found[t] == entry->second;
    diagonal +=
        english_test.sources[n][std::min(t, english_test.sources[n].size() - 1)] == entry->second;
  }
}
nb::claim("Content words that read their translation most (seed 1)", translation / content,
          nb::at_least(0.65));
nb::refute("The diagonal does it as well", diagonal / content, nb::at_least(0.65));

// %% [markdown]
// ## Where it breaks: a decoder without its mask
//
// Take a text in which every token has exactly two successors, each as likely as the other. No
// model can predict it better than $\ln 2 = 0.693$ nats a token. Now train the same trunk on next
// tokens twice: with the causal mask (GPT) and without it (the blocks of BERT). Both read the whole
// row; the last position has no target.

// %%
/// Token x is followed by 3 x + 1 or 3 x + 6, modulo 16.
torch::Tensor successors(const torch::Tensor& x, const torch::Tensor& coin) {
  return (3 * x + 1 + 5 * coin).remainder(16);
}

torch::Tensor forks(int64_t count) {
  std::vector<torch::Tensor> text{torch::randint(16, {count, 1}, torch::kLong)};
  while (text.size() < 17)
    text.push_back(successors(text.back(), torch::randint(2, {count, 1}, torch::kLong)));
  return torch::cat(text, 1);  // [B, 17]
}

/// Share of legal steps in greedy continuations of one token to 16.
double legal_steps(const std::function<torch::Tensor(const torch::Tensor&)>& logits_of) {
  const torch::NoGradGuard no_grad;
  auto text = torch::randint(16, {200, 1}, torch::kLong);  // [B, 1]
  double legal = 0;
  for (int64_t t = 1; t < 16; ++t) {
    const auto last = text.slice(1, t - 1);                        // [B, 1]
    const auto next = logits_of(text).slice(1, t - 1).argmax(-1);  // [B, 1]
    const auto is_legal =
        next.eq(successors(last, 0 * last)).logical_or(next.eq(successors(last, 0 * last + 1)));
    legal += is_legal.to(torch::kDouble).mean().item<double>() / 15;
    text = torch::cat({text, next}, 1);
  }
  return legal;
}

// %%
torch::manual_seed(1);
zoo::Gpt masked(small_options<zoo::GptOptions>(16, 17));
zoo::Bert leaky = small_bert(16, 17);
zoo::AdamW masked_optimizer(*masked, {}), leaky_optimizer(*leaky, {});
std::vector<double> step_number, masked_loss, leaky_loss;
for (int step = 0; step < 250; ++step) {
  const auto text = forks(32);                 // [B, T]
  auto targets = text.roll(-1, 1);             // the next token
  targets.select(1, 16).fill_(zoo::kIgnored);  // which the last one does not have
  const auto causal = zoo::token_loss(masked(text), targets);
  const auto unmasked = zoo::token_loss(bert_logits(leaky, text), targets);
  step_number.push_back(step + 1);
  masked_loss.push_back(causal.sum.item<double>() / causal.tokens);
  leaky_loss.push_back(unmasked.sum.item<double>() / unmasked.tokens);
  update(masked_optimizer, causal, 6e-3);
  update(leaky_optimizer, unmasked, 6e-3);
}

// %%
nb::plot({{.label = "causal mask", .x = step_number, .y = masked_loss},
          {.label = "no mask", .x = step_number, .y = leaky_loss}},
         {.title = "Loss: only one of the curves stops at ln 2 = 0.69",
          .x = "update",
          .y = "nats a token",
          .y_from_zero = true});
const double masked_legal = legal_steps([&](const torch::Tensor& text) { return masked(text); });
const double leaky_legal =
    legal_steps([&](const torch::Tensor& text) { return bert_logits(leaky, text); });
nb::print(fmt::format(
    "loss at the end: causal {:.3f}, no mask {:.3f}; legal steps: {:.2f}, {:.2f}\n",
    mean(masked_loss, 230, 250), mean(leaky_loss, 230, 250), masked_legal, leaky_legal));

// %% [markdown]
// Question 23. *The causal mask.* Without it, the model looks the answer up: the next token stands
// in its input. The loss falls below the entropy of the text, which no honest model can do. When it
// writes, the next token is not there yet, and what it learned is worth little. The mask costs
// nothing: it lets one pass train all positions at once, each as if the text ended there.
//
// A loss that is too good is a reason to test the mask. The last two claims show how: change the
// last token, and nothing before it may move.

// %%
const auto original = forks(8).slice(1, 0, 16);
auto changed = original.clone();
changed.select(1, 15).add_(1).remainder_(16);
const auto moved = [&](const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).slice(1, 0, 15).abs().max().item<double>();
};
nb::claim("Causal: loss of the last 20 updates (seed 1)", mean(masked_loss, 230, 250),
          nb::near(0.71, 0.04));
nb::claim("No mask: the same", mean(leaky_loss, 230, 250), nb::at_most(0.5));
nb::claim("Causal: share of legal steps in what it writes", masked_legal, nb::at_least(0.98));
nb::claim("No mask: the same (chance 0.125)", leaky_legal, nb::at_most(0.7));
nb::claim("Causal: how far earlier logits move with the last token",
          moved(masked(original), masked(changed)), nb::near(0, 0));
nb::refute("No mask: they do not move either",
           moved(bert_logits(leaky, original), bert_logits(leaky, changed)), nb::near(0, 0));

// %% [markdown]
// ## What you have measured
//
// | claim | question |
// |---|---|
// | one trunk, two masks: GPT writes, BERT fills in | 20 |
// | the encoder-decoder learns to copy, to reverse and to translate | 21 |
// | cross-attention finds which word translates which | 22 |
// | without the causal mask the loss is too good and the text is not | 23 |
//
// ## Try it
//
// 1. *BERT against GPT*: in `palindromes`, return `half, half` instead of `half, half.flip(1)`.
//    Does either curve of the picture change? Predict first.
// 2. *The encoder-decoder*: set `o.d_model = 8` in `trained`. Which of the three tasks suffers
//    most?
// 3. *What cross-attention looks at*: give `encode` a sentence without its articles, and remove
//    them from `source_words` as well. What do *un* and *une* read now?
// 4. *A decoder without its mask*: let the coin always fall on 0. Which claims fail, and why is the
//    model not to blame?
// 5. *A decoder without its mask*: find the leak with gradients instead of a changed token. Which
//    gradient must be 0?
//
// **Next**: [7. Generation](07_generation.ipynb): how such a model writes.
