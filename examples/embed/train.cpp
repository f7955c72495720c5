// Teaches a tiny GPT a string with the zoo's own training loop, and leaves a folder that
// embed_generate and Python's `transformers` open:
//   embed_train FOLDER
#include <zoo/models/pretrained/gpt/gpt_checkpoint.h>
#include <zoo/tokenizers/character.h>
#include <zoo/train/loop/trainer.h>
#include <zoo/train/objectives/token_loss.h>

#include <exception>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr std::string_view kText =
    "Seven zebras share a small zoo with a quiet lynx, two foxes and an okapi. Every morning the "
    "keeper brings hay, fruit and fresh water, and every evening he counts them all again. ";

// What to learn. The loop calls step() for each batch; optimizer, schedule and checkpoints are its
// own.
class StringTask : public zoo::Task {
 public:
  StringTask(zoo::Gpt gpt, const zoo::Tokenizer& tokenizer)
      : gpt_(std::move(gpt)),
        tokenizer_(tokenizer),
        ids_(torch::tensor(tokenizer.ids(kText), torch::kLong)) {}

  torch::nn::Module& model() override { return *gpt_; }
  zoo::Metrics step(const zoo::Backward& backward) override {
    const int64_t B = 8, T = gpt_->options.context;
    const auto starts = torch::randint(ids_.size(0) - T, {B, 1}, torch::kLong);
    const auto window = starts + torch::arange(T);   // [B, T]
    const auto logits = gpt_(ids_.index({window}));  // [B, T, V]
    const auto targets = ids_.index({window + 1});   // [B, T]
    const auto loss = zoo::token_loss(logits, targets);
    backward(loss.sum, loss.tokens);
    return {};
  }
  zoo::Metrics evaluate() override { return {}; }  // no text is held out
  void save(const std::filesystem::path& folder) const override {
    zoo::save_gpt(gpt_, folder);
    tokenizer_.save(folder);
  }
  void load(const std::filesystem::path& folder) override { zoo::load_gpt_weights(gpt_, folder); }
  std::string data_state() const override { return {}; }  // torch's generator draws the batches
  void restore_data(std::string_view /*state*/) override {}

 private:
  zoo::Gpt gpt_;
  const zoo::Tokenizer& tokenizer_;
  torch::Tensor ids_;  // [N]
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: embed_train FOLDER\n";
    return 2;
  }
  const std::set<char32_t> characters(kText.begin(), kText.end());
  const zoo::CharacterTokenizer tokenizer({characters.begin(), characters.end()});
  zoo::GptOptions options = zoo::GptOptions::tiny();
  options.vocab_size = tokenizer.vocab_size();
  options.context = 32;
  options.layers = 2;
  options.d_model = 64;

  torch::manual_seed(1);
  StringTask task(zoo::Gpt(options), tokenizer);
  const auto result = zoo::fit(task, {.max_steps = 300, .learning_rate = 3e-3},
                               {.folder = argv[1], .title = "A tiny GPT"});
  std::cout << "trained " << result.updates << " updates\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << "embed_train: " << error.what() << '\n';
  return 1;
}
