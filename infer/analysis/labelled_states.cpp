// Batches through the model, one vector of each layer kept for each example.
#include "infer/analysis/labelled_states.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <stdexcept>

#include "base/interrupt.h"
#include "infer/analysis/look_result.h"
#include "infer/text_model.h"
#include "models/batching/classifier_rows.h"
#include "models/batching/padding.h"
#include "models/bert/bert_task.h"
#include "models/images/preprocess.h"
#include "train/data/classifier_examples.h"
#include "train/data/images/image_batches.h"
#include "train/data/images/image_data.h"

namespace zoo {
namespace {

constexpr int64_t kBatch = 32;

/// hidden_states.0, .1, ... -> [B, T, C] each
std::vector<torch::Tensor> layers_of(const Trace& trace) {
  std::vector<torch::Tensor> layers;
  for (size_t n = 0; n < trace.tensors.size(); ++n)
    layers.push_back(trace.tensors.at("hidden_states." + std::to_string(n)).to(torch::kDouble));
  return layers;
}

/// What reads texts: a GPT or a BERT.
struct Reader {
  std::unique_ptr<Tokenizer> tokenizer;
  GptImpl* gpt = nullptr;
  BertTaskModelImpl* bert = nullptr;
  int64_t context() const { return gpt ? gpt->options.context : bert->bert->options.context; }
  int64_t vocab_size() const {
    return gpt ? gpt->options.vocab_size : bert->bert->options.vocab_size;
  }
};

Reader reader_of(const OpenedInput& opened, const ExampleFile& file) {
  Reader reader{
      .tokenizer = nullptr, .gpt = opened.as<GptImpl>(), .bert = opened.as<BertTaskModelImpl>()};
  if (reader.gpt == nullptr && reader.bert == nullptr) {
    throw std::runtime_error(
        "labelled examples are read by a GPT, a BERT, a ViT and a CCT; this model is none of them");
  }
  reader.tokenizer = load_tokenizer(file.model);
  return reader;
}

/// The batch through the model -> a layer each, [B, T, C] on the CPU
std::vector<torch::Tensor> states(const Reader& reader, const ClassifierBatch& batch) {
  const torch::NoGradGuard no_grad;
  Trace trace{.hidden_states = true, .tensors = {}};
  if (reader.gpt != nullptr) {  // padding stands at the end, where no token sees it
    reader.gpt->hidden(batch.tokens.to(reader.gpt->token_embedding->weight.device()),
                       {.trace = &trace});
  } else {
    auto& bert = *reader.bert->bert;
    const auto device = bert.token_embedding->weight.device();
    BertContext context{.args = {.key_lengths = batch.lengths.to(device)}, .trace = &trace};
    if (bert.options.segments > 1) context.segments = batch.segments.to(device);
    bert.forward(batch.tokens.to(device), context);
  }
  auto layers = layers_of(trace);
  for (auto& layer : layers) layer = layer.cpu();
  return layers;
}

/// Of each row some vectors: gets a layer [B, T, C], its batch and the rows' indices -> [n, C].
using Pick = std::function<torch::Tensor(const torch::Tensor&, const ClassifierBatch&,
                                         const std::vector<int64_t>&)>;

std::vector<torch::Tensor> features_of(const Reader& reader, const std::vector<ClassifierRow>& rows,
                                       const Pick& pick) {
  std::vector<std::vector<torch::Tensor>> parts;  // a layer each, of every batch
  for (int64_t begin = 0; begin < std::ssize(rows); begin += kBatch) {
    stop_if_interrupted("reading the examples");
    std::vector<int64_t> indices(static_cast<size_t>(std::min(kBatch, std::ssize(rows) - begin)));
    std::iota(indices.begin(), indices.end(), begin);
    const auto batch = collate_rows(rows, indices, reader.tokenizer->pad_id().value_or(0));
    const auto layers = states(reader, batch);
    parts.resize(layers.size());
    for (size_t n = 0; n < layers.size(); ++n) parts[n].push_back(pick(layers[n], batch, indices));
  }
  std::vector<torch::Tensor> features;
  for (const auto& part : parts) features.push_back(torch::cat(part));
  return features;
}

Pick pooled(TokenPooling pool) {
  return [pool](const torch::Tensor& layer, const ClassifierBatch& batch,
                const std::vector<int64_t>&) {
    return pool_tokens(layer, token_mask(batch.lengths, layer.size(1)), {&pool, 1});
  };
}

void check_row(const Reader& reader, const ClassifierRow& row, const std::string& text) {
  if (row.ids.empty())
    throw std::runtime_error(fmt::format("the text '{}' has no tokens; leave it out", text));
  check_token_rows(row.ids, reader.vocab_size(), *reader.tokenizer);
}

ClassifierRow row_of(const Reader& reader, const std::string& text,
                     const std::optional<std::string>& pair) {
  if (pair && reader.gpt != nullptr)
    throw std::runtime_error("a GPT reads one text, not a pair: give lines label<TAB>text");
  TextPair views{.a = text};
  if (pair) views.b = *pair;
  auto row = text_row(*reader.tokenizer, views, reader.context());
  check_row(reader, row, text);
  return row;
}

/// Equal texts get equal numbers.
torch::Tensor numbers_of(const std::vector<std::string>& texts) {
  std::map<std::string, int64_t> known;
  std::vector<int64_t> numbers;
  for (const auto& text : texts)
    numbers.push_back(known.try_emplace(text, std::ssize(known)).first->second);
  return torch::tensor(numbers, torch::kLong);
}

LabelledStates read_texts(const Reader& reader, const ExampleFile& file) {
  const auto texts = read_labelled_text(file.data);
  std::vector<std::string> labels;
  for (const auto& text : texts) labels.push_back(text.label);
  const LabelNames names(labels);
  LabelledStates result;
  std::vector<ClassifierRow> rows;
  std::vector<int64_t> classes;
  for (const auto& text : texts) {
    rows.push_back(row_of(reader, text.a, text.b));
    classes.push_back(names.id_of(text.label, file.data.string()));
    result.texts.push_back(text.b ? text.a + " | " + *text.b : text.a);
  }
  const auto numbers = numbers_of(result.texts);
  result.examples = {.features = features_of(reader, rows, pooled(file.pool)),
                     .labels = torch::tensor(classes, torch::kLong),
                     .identities = numbers,
                     .groups = numbers,
                     .names = names.names()};
  return result;
}

/// Where each word of the row is read; -1 where it is not there.
std::vector<int64_t> places_of(const ClassifierRow& row, bool at_last_piece) {
  auto places = row.first_pieces;
  if (!at_last_piece) return places;
  int64_t next = std::ssize(row.ids);  // where the word after this one begins
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    if (*place < 0) continue;
    const int64_t first = *place;
    *place = std::max(first, next - 1);
    next = first;
  }
  return places;
}

LabelledStates read_words(const Reader& reader, const ExampleFile& file) {
  const auto sentences = read_tagged_text(file.data);
  std::vector<std::string> tags;
  for (const auto& one : sentences) tags.insert(tags.end(), one.tags.begin(), one.tags.end());
  const LabelNames names(tags);
  LabelledStates result;
  std::vector<ClassifierRow> rows;
  std::vector<std::vector<int64_t>> places;  // of each row's known words
  std::vector<int64_t> classes, groups;
  for (const auto& sentence : sentences) {
    rows.push_back(words_row(*reader.tokenizer, sentence.words, reader.context()));
    check_row(reader, rows.back(), sentence.words.front());
    auto& kept = places.emplace_back();
    const auto all = places_of(rows.back(), reader.gpt != nullptr);
    for (size_t word = 0; word < all.size(); ++word) {
      if (all[word] < 0) continue;
      kept.push_back(all[word]);
      classes.push_back(names.id_of(sentence.tags[word], file.data.string()));
      groups.push_back(std::ssize(rows));
      result.texts.push_back(sentence.words[word]);
    }
  }
  const auto pick = [&](const torch::Tensor& layer, const ClassifierBatch&,
                        const std::vector<int64_t>& indices) {
    std::vector<torch::Tensor> vectors;
    for (size_t b = 0; b < indices.size(); ++b) {
      const auto& at = places[static_cast<size_t>(indices[b])];
      vectors.push_back(
          layer[static_cast<int64_t>(b)].index_select(0, torch::tensor(at, torch::kLong)));
    }
    return torch::cat(vectors);
  };
  result.examples = {.features = features_of(reader, rows, pick),
                     .labels = torch::tensor(classes, torch::kLong),
                     .identities = numbers_of(result.texts),
                     .groups = torch::tensor(groups, torch::kLong),
                     .names = names.names()};
  return result;
}

LabelledStates read_images(ImageClassifier& model, const ExampleFile& file) {
  const ImageShape shape{model.channels(), model.image_height(), model.image_width()};
  const auto steps = read_preprocessing(file.model);
  const auto data = read_image_data(file.data, shape, /*threads=*/1);
  const auto& images = data.training;
  const auto device = model.parameters().front().device();
  const torch::NoGradGuard no_grad;
  std::vector<std::vector<torch::Tensor>> parts;
  LabelledStates result;
  for (int64_t begin = 0; begin < images.size(); begin += kBatch) {
    stop_if_interrupted("reading the images");
    const auto pixels = fixed_image_batch(images, {.mean = steps.mean, .std = steps.std}, begin,
                                          std::min(kBatch, images.size() - begin))
                            .pixels.to(device);
    Trace trace{.hidden_states = true, .tensors = {}};
    if (auto* vit = dynamic_cast<VitImpl*>(&model)) vit->encode(pixels, {.trace = &trace});
    if (auto* cct = dynamic_cast<CctImpl*>(&model)) cct->hidden(pixels, &trace);
    const auto layers = layers_of(trace);
    parts.resize(layers.size());
    for (size_t n = 0; n < layers.size(); ++n) {
      const auto all = torch::ones({layers[n].size(0), layers[n].size(1)}, torch::kBool);
      parts[n].push_back(pool_tokens(layers[n].cpu(), all, {&file.pool, 1}));
    }
  }
  for (const auto& part : parts) result.examples.features.push_back(torch::cat(part));
  for (int64_t i = 0; i < images.size(); ++i) result.texts.push_back(fmt::format("image {}", i));
  result.examples.labels = images.labels;
  result.examples.identities = result.examples.groups = torch::arange(images.size());
  result.examples.names = data.class_names;
  return result;
}

}  // namespace

LabelledStates read_labelled_states(const OpenedInput& opened, const ExampleFile& file) {
  auto* const images = opened.as<ImageClassifier>();
  if (images != nullptr && file.words)
    throw std::runtime_error("a model of images reads no words; leave --words out");
  LabelledStates result;
  if (images != nullptr) {
    result = read_images(*images, file);
  } else {
    const Reader reader = reader_of(opened, file);
    result = file.words ? read_words(reader, file) : read_texts(reader, file);
  }
  result.stages = numbered_labels("layer ", std::ssize(result.examples.features) - 1);
  result.stages.insert(result.stages.begin(), "embedding");
  return result;
}

std::vector<torch::Tensor> states_of_text(const OpenedInput& opened, const ExampleFile& file,
                                          const std::string& text,
                                          const std::optional<std::string>& pair) {
  const Reader reader = reader_of(opened, file);
  return features_of(reader, {row_of(reader, text, pair)}, pooled(file.pool));
}

}  // namespace zoo
