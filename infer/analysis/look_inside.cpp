// Each question: ask, label, and say the answer in a sentence. look_at_heads() has a file of its
// own.
#include "infer/analysis/look_inside.h"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "infer/analysis/activation_patching.h"
#include "infer/analysis/embedding_similarity.h"
#include "infer/analysis/induction.h"
#include "infer/analysis/logit_lens.h"
#include "models/bert/bert_task.h"
#include "tokenizers/token_label.h"

namespace zoo {
namespace {

using nlohmann::json;

GptImpl& require_gpt(const OpenedInput& opened, const char* verb) {
  auto* gpt = opened.as<GptImpl>();
  if (gpt != nullptr) return *gpt;
  throw std::runtime_error(
      fmt::format("{} reads decoders of text, as GPT-2 and Llama are; this model is none", verb));
}

/// "embedding", "layer 0", ...: after what.
std::vector<std::string> stages(int64_t layers) {
  auto labels = numbered_labels("layer ", layers);
  labels.insert(labels.begin(), "embedding");
  return labels;
}

int64_t one_token(const GptImpl& model, const Tokenizer& tokenizer, const std::string& flag,
                  const std::string& text) {
  const auto tokens = gpt_tokens(model, tokenizer, text, flag);
  if (tokens.ids.size() == 1) return tokens.ids[0];
  throw std::runtime_error(fmt::format("--{}: '{}' is {} tokens; give one that is a single token",
                                       flag, text, tokens.ids.size()));
}

/// What a family's positions add to its embeddings: [P, C]; undefined where they add nothing.
torch::Tensor positions_of(const OpenedInput& opened) {
  constexpr int64_t kMost = 256;
  const auto table = [&](const Position& position, int64_t P, const torch::Tensor& like) {
    return position_vectors(position, std::min(P, kMost), like.size(-1), like);
  };
  if (auto* gpt = opened.as<GptImpl>())
    return table(*gpt->position, gpt->options.context, gpt->token_embedding->weight);
  if (auto* bert = opened.as<BertTaskModelImpl>())
    return table(*bert->bert->position, bert->bert->options.context,
                 bert->bert->token_embedding->weight);
  if (auto* pair = opened.as<TransformerImpl>())
    return table(*pair->source_position, pair->options.context, pair->source_embedding->weight);
  if (auto* vit = opened.as<VitImpl>()) {
    const int64_t T = prefix_tokens(vit->options) + grid_of(vit->options).patches();
    if (T > kMost)
      throw std::runtime_error("the model has more patches than a page can show (256)");
    return table(*vit->position, T,
                 torch::empty({1, vit->options.d_model}, vit->parameters().front().options()));
  }
  throw std::runtime_error(
      "embeddings are looked at for a GPT, a BERT, an encoder-decoder and a ViT; this model is "
      "none "
      "of them");
}

/// Embeddings of the input's tokens [T, C], and their labels; undefined without input.
std::pair<torch::Tensor, std::vector<std::string>> token_vectors(const OpenedInput& opened) {
  const auto rows = [](const torch::nn::Embedding& table, const LabelledTokens& tokens) {
    const auto ids = torch::tensor(tokens.ids, torch::kLong).to(table->weight.device());
    return std::pair(table->weight.detach().index_select(0, ids), tokens.labels);
  };
  const auto* gpt = opened.as<GptImpl>();
  const auto* bert = opened.as<BertTaskModelImpl>();
  const auto* pair = opened.as<TransformerImpl>();
  if (gpt != nullptr && !opened.text.ids.empty()) return rows(gpt->token_embedding, opened.text);
  if (bert != nullptr && !opened.text.ids.empty())
    return rows(bert->bert->token_embedding, opened.text);
  if (pair != nullptr && !opened.source.ids.empty())
    return rows(pair->source_embedding, opened.source);
  return {};
}

LookTable cosines(const std::string& name, const std::string& title, const std::string& axis,
                  const std::vector<std::string>& labels, const torch::Tensor& vectors) {
  return {.name = name,
          .title = title,
          .row_axis = axis,
          .column_axis = axis,
          .rows = labels,
          .columns = labels,
          .values = cosine_similarity(vectors),
          .low = -1,
          .high = 1,
          .as_text = labels.size() <= 16};
}

}  // namespace

LookResult look_at_layers(const OpenedInput& opened, int64_t top) {
  auto& model = require_gpt(opened, "lens");
  const LogitLens lens = logit_lens(model, opened.text.ids, top);
  const int64_t stages_count = lens.ids.size(0), T = lens.ids.size(1), K = lens.ids.size(2);
  LookTable table{.name = "lens",
                  .title = "Most probable next token after each layer: the brighter, the surer",
                  .row_axis = "token read",
                  .column_axis = "after",
                  .rows = opened.text.labels,
                  .columns = stages(model.options.layers),
                  .values = lens.probabilities.select(2, 0).t().contiguous()};
  json places = json::array();
  int64_t settled = 0;
  for (int64_t t = 0; t < T; ++t) {
    auto &cells = table.cells.emplace_back(), &hints = table.hints.emplace_back();
    json by_stage = json::array();
    int64_t from = stages_count - 1;  // the stage from which on the last layer's token leads
    while (from > 0 && lens.rank[from - 1][t].item<int64_t>() == 0) --from;
    settled += from;
    for (int64_t n = 0; n < stages_count; ++n) {
      json tokens = json::array();
      std::string hint = fmt::format("{}, after {}:", opened.text.labels[static_cast<size_t>(t)],
                                     table.columns[static_cast<size_t>(n)]);
      for (int64_t k = 0; k < K; ++k) {
        const auto label = token_label(*opened.tokenizer, lens.ids[n][t][k].item<int64_t>());
        const double p = lens.probabilities[n][t][k].item<double>();
        tokens.push_back({{"token", label}, {"id", lens.ids[n][t][k].item<int64_t>()}, {"p", p}});
        hint += fmt::format(" {} {:.3f}", label, p);
      }
      cells.push_back(token_label(*opened.tokenizer, lens.ids[n][t][0].item<int64_t>()));
      hints.push_back(hint);
      by_stage.push_back({{"top", tokens},
                          {"rank_of_last", lens.rank[n][t].item<int64_t>()},
                          {"bits_to_last", lens.divergence[n][t].item<double>()}});
    }
    places.push_back({{"token", opened.text.labels[static_cast<size_t>(t)]}, {"after", by_stage}});
  }
  return {.name = "lens",
          .title = "Logit lens",
          .answer =
              fmt::format("The token that the model says leads from stage {:.1f} of {} on, mean "
                          "over the text (0: the embedding).",
                          static_cast<double>(settled) / static_cast<double>(T), stages_count - 1),
          .tables = {std::move(table)},
          .json = {{"stages", stages(model.options.layers)}, {"tokens", places}}};
}

LookResult look_for_induction(const OpenedInput& opened, int64_t length, int64_t sequences,
                              uint64_t seed) {
  auto& model = require_gpt(opened, "induction");
  const InductionScores scores = induction_scores(model, length, sequences, seed);
  const auto [layer, head] = largest_entry(scores.heads);
  return {.name = "induction",
          .title = "Induction heads",
          .answer = fmt::format(
              "On {0} random tokens that come twice, layer {1} head {2} looks most at the token "
              "after the first occurrence: {3:.3f} of its attention ({4:.3f} would be chance). The "
              "model needs {5:.2f} bits a token the first time and {6:.2f} the second.",
              length, layer, head, scores.heads[layer][head].item<double>(),
              std::log(2.0) / static_cast<double>(length), scores.first_loss, scores.second_loss),
          .tables = {{.name = "induction",
                      .title = "Induction score: share of attention on the token after the first "
                               "occurrence",
                      .row_axis = "layer",
                      .column_axis = "head",
                      .rows = numbered_labels("layer ", scores.heads.size(0)),
                      .columns = numbered_labels("head ", scores.heads.size(1)),
                      .values = scores.heads}},
          .json = {{"length", length},
                   {"sequences", sequences},
                   {"seed", seed},
                   {"scores", matrix_json(scores.heads)},
                   {"bits_first_time", scores.first_loss},
                   {"bits_second_time", scores.second_loss}}};
}

LookResult look_at_patches(const OpenedInput& opened, const PatchQuestion& question) {
  auto& model = require_gpt(opened, "patch");
  const auto& tokenizer = *opened.tokenizer;
  const auto changed = gpt_tokens(model, tokenizer, question.corrupted, "corrupted");
  const auto id_of = [&](const char* flag, const auto& text) -> std::optional<int64_t> {
    if (!text) return std::nullopt;
    return one_token(model, tokenizer, flag, *text);
  };
  const Patching patching = patch_activations(model, opened.text.ids, changed.ids,
                                              {.answer = id_of("answer", question.answer),
                                               .other = id_of("other", question.other),
                                               .what = question.what});
  const auto says = token_label(tokenizer, patching.answer),
             instead = token_label(tokenizer, patching.other);
  std::vector<std::string> places;
  for (size_t t = 0; t < changed.labels.size(); ++t) {
    const auto &was = opened.text.labels[t], &is = changed.labels[t];
    places.push_back(was == is ? was : was + "/" + is);
  }
  const bool residual = question.what == LayerPart::kResidual;
  const std::string what(name_of(question.what));
  const int64_t skipped = residual ? 1 : 0;  // the embeddings, which are no layer
  const auto [layer, place] = largest_entry(patching.restored.slice(0, skipped));
  const auto columns =
      residual ? stages(model.options.layers) : numbered_labels("layer ", model.options.layers);
  return {.name = "patch",
          .title = "Activation patching",
          .answer = fmt::format(
              "Logit of '{}' minus that of '{}': {:.3f} after the text, {:.3f} after the corrupted "
              "one. One vector that brings back most, {:.2f} of the difference, stands at '{}' {} "
              "layer {}.",
              says, instead, patching.clean, patching.corrupted,
              patching.restored[layer + skipped][place].item<double>(),
              places[static_cast<size_t>(place)],
              residual ? "after" : fmt::format("in what the {} adds in", what), layer),
          .tables = {{.name = "patch",
                      .title = "Restored: share of the difference that one patch brings back",
                      .row_axis = "token",
                      .column_axis = residual ? "patched after" : what + " patched",
                      .rows = places,
                      .columns = columns,
                      .values = patching.restored.t().contiguous()}},
          .json = {{"answer", says},
                   {"other", instead},
                   {"clean", patching.clean},
                   {"corrupted", patching.corrupted},
                   {"what", what},
                   {"tokens", places},
                   {"stages", columns},
                   {"restored", matrix_json(patching.restored)}}};
}

LookResult look_at_embeddings(const OpenedInput& opened) {
  const auto positions = positions_of(opened);
  const auto [vectors, labels] = token_vectors(opened);
  LookResult result{.name = "embeddings", .title = "Embeddings that are alike"};
  result.json = json::object();
  if (vectors.defined()) {
    result.tables.push_back(
        cosines("tokens", "Tokens: cosine of their embeddings", "token", labels, vectors));
    result.json["tokens"] = {{"labels", labels},
                             {"cosine", matrix_json(result.tables.back().values)}};
  }
  if (positions.defined()) {
    const int64_t P = positions.size(0);
    result.tables.push_back(cosines("positions", "Positions: cosine of what they add", "position",
                                    numbered_labels("", P), positions));
    const auto& cosine = result.tables.back().values;
    result.json["positions"] = matrix_json(cosine);
    if (P > 1) {
      result.answer = fmt::format(
          "Positions next to each other have cosine {:.3f} on average, all "
          "pairs {:.3f}.",
          cosine.diagonal(1).mean().item<double>(),
          (cosine.sum() - P).item<double>() / static_cast<double>(P * P - P));
    }
  } else {
    result.answer = "The model's positions add nothing to its embeddings.";
  }
  if (result.tables.empty()) {
    throw std::runtime_error(
        "embeddings: the model's positions add no vectors, and there is no text; give --text (or "
        "--source)");
  }
  return result;
}

}  // namespace zoo
