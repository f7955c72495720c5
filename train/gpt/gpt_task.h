// GPT on text: language modelling for train_gpt.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/gpt/gpt.h"
#include "tokenizers/tokenizer.h"
#include "train/data/segment_source.h"
#include "train/loop/task.h"

namespace zoo {

/// The batches and the samples.
struct TextOptions {
  int64_t batch_size = 12;
  double label_smoothing = 0.0;
  std::string sample_prompt = "\n";
  int64_t sample_tokens = 200;
};

template <class Visitor>
void visit(TextOptions& o, Visitor&& v) {
  v("batch-size", o.batch_size, "Windows or questions of a micro-batch");
  v("label-smoothing", o.label_smoothing,
    "Share of the target's probability that is spread over the vocabulary");
  v("sample-prompt", o.sample_prompt, "What the samples in the report begin with");
  v("sample-tokens", o.sample_tokens, "Length of a sample (0: none)");
}

/// The two parts of a text, by tokens.
struct TextSplit {
  TokenRange training, validation;
};
/// The first floor((1 - validation_share) * size) tokens, and the rest.
TextSplit split_text(std::shared_ptr<const TokenStream> stream, double validation_share);

/// The prompt of samples, as ids; never empty. Throws if the tokenizer cannot encode a prompt that
/// the user set. If it cannot encode the default, a line end, the prompt is its beginning of text
/// or first id.
std::vector<int64_t> sample_prompt(const Tokenizer& tokenizer, const TextOptions& options);

/// Writes a checkpoint that Python opens, with its tokenizer.
void save_gpt_folder(const Gpt& model, const Tokenizer& tokenizer,
                     const std::filesystem::path& folder);

class GptTask : public Task {
 public:
  GptTask(Gpt model, std::shared_ptr<const Tokenizer> tokenizer, const TextSplit& text,
          const TextOptions& options, uint64_t seed);

  torch::nn::Module& model() override { return *model_; }
  Metrics step(const Backward& backward) override;
  /// loss, perplexity, bits_per_byte, accuracy over the whole validation part.
  Metrics evaluate() override;
  std::string sample() override;
  void save(const std::filesystem::path& folder) const override;
  void load(const std::filesystem::path& folder) override;
  std::string data_state() const override;
  void restore_data(std::string_view state) override;
  NamedTensors carried() const override;
  void restore_carried(const NamedTensors& tensors) override;
  std::string data_fingerprint() const override;
  Goal goal() const override;

 private:
  TextBatch next_batch();
  /// [B, T, V]; the segments of a model with memory join it.
  torch::Tensor logits_of(const torch::Tensor& inputs, SegmentMemory& memory);

  Gpt model_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  TextOptions options_;
  uint64_t seed_;
  torch::Device device_;
  RandomWindows training_;
  // Of a model with segment memory: what it reads instead, and what the last batch has left.
  std::optional<SegmentSource> segments_;
  SegmentMemory memory_;
  std::optional<ConsecutiveWindows> validation_;
  torch::Tensor bytes_of_;  // [V] bytes of text that each id stands for
};

}  // namespace zoo
