#include "train/gpt_setup.h"

#include <ATen/Context.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include "app/cli.h"
#include "app/run_app.h"
#include "models/device.h"
#include "models/pretrained/gpt_checkpoint.h"
#include "models/pretrained/safetensors.h"
#include "tokenizers/training/trainers.h"
#include "train/data/text_corpus.h"
#include "train/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTokensFile = "text.tokens";

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Options that may differ from the folder's: they change no tensor's shape or meaning.
bool is_free(std::string_view name) { return name == "attention" || name.ends_with("-dropout"); }

/// The folder's shape, with the free options that were given as flags.
void take_shape(GptOptions& model, const fs::path& folder, const std::vector<std::string>& given) {
  GptOptions taken = read_gpt_config(folder).options;
  const auto keep = [&](const char* name, auto& field, const auto& asked) {
    if (contains(given, name)) field = asked;
  };
  keep("attention", taken.attention, model.attention);
  keep("embedding-dropout", taken.embedding_dropout, model.embedding_dropout);
  keep("attention-dropout", taken.attention_dropout, model.attention_dropout);
  keep("residual-dropout", taken.residual_dropout, model.residual_dropout);
  visit(model, [&](std::string_view name, auto&, const std::string&) {
    if (contains(given, name) && !is_free(name)) {
      throw UsageError(fmt::format("--{} cannot be changed: the model in '{}' brings its own shape",
                                   name, folder.string()));
    }
  });
  model = taken;
}

void check(const TextOptions& o) {
  const auto require = [](bool holds, const char* option, const char* expected, auto value) {
    if (!holds)
      throw std::invalid_argument(fmt::format("--{} must be {}, got {}", option, expected, value));
  };
  require(o.batch_size >= 1, "batch-size", "1 or more", o.batch_size);
  require(o.validation_share >= 0.0 && o.validation_share < 1.0, "validation-share", "in [0, 1)",
          o.validation_share);
  require(o.label_smoothing >= 0.0 && o.label_smoothing < 1.0, "label-smoothing", "in [0, 1)",
          o.label_smoothing);
  require(o.vocab_size >= 0, "vocab-size", "0 or more", o.vocab_size);
  require(o.sample_tokens >= 0, "sample-tokens", "0 or more", o.sample_tokens);
}

std::shared_ptr<const Tokenizer> make_tokenizer(const GptRunOptions& options) {
  const TextOptions& text = options.text;
  if (fs::is_directory(text.tokenizer)) return load_tokenizer(text.tokenizer);
  // Windows of running text begin anywhere: the model never sees a <s>, so prompts must not bring
  // one either.
  TokenizerTraining training{.vocab_size = text.vocab_size, .specials = false};
  try {
    training.kind = parse_enum<TokenizerKind>(text.tokenizer);
  } catch (const std::invalid_argument& e) {
    throw UsageError(fmt::format("--tokenizer: no such folder, and {}", e.what()));
  }
  return train_tokenizer(training, text_files(text.data));
}

GptText opened(const fs::path& tokens, std::shared_ptr<const Tokenizer> tokenizer,
               const TextOptions& options) {
  auto stream = std::make_shared<TokenStream>(tokens);
  stream->require_tokenizer(fingerprint(*tokenizer),
                            static_cast<uint64_t>(tokenizer->vocab_size()));
  return {std::move(tokenizer), split_text(std::move(stream), options.validation_share)};
}

bool is_token_stream(const fs::path& path) { return path.extension() == ".tokens"; }

}  // namespace

void declare(CLI::App& app, GptRunOptions& options) {
  add_options(app, "Model", options.model);
  add_options(app, "Data", options.text);
  add_options(app, "Training", options.train);
}

void resolve(GptRunOptions& options, const TrainCommand& command,
             const std::vector<std::string>& given) {
  try {
    check(options.train);
    check(options.text);
    attention_kernel(options.model.attention);
  } catch (const std::exception& e) {
    throw UsageError(e.what());
  }
  if (options.train.schedule.steps == 0) options.train.schedule.steps = options.train.max_steps;
  if (command.source().empty()) return;
  const fs::path folder =
      !command.resume.empty() ? RunFolder(command.resume).last() : checkpoint_of(command.source());
  take_shape(options.model, folder, given);
  if (command.resume.empty() && !contains(given, "tokenizer"))
    options.text.tokenizer = folder.string();
}

GptText prepare_text(const GptRunOptions& options, const fs::path& folder) {
  if (is_token_stream(options.text.data)) {
    if (!fs::is_directory(options.text.tokenizer)) {
      throw UsageError(fmt::format(
          "--data {} holds ids: name the tokenizer that made them with --tokenizer FOLDER",
          options.text.data));
    }
    return opened(options.text.data, load_tokenizer(options.text.tokenizer), options.text);
  }
  const auto files = text_files(options.text.data);
  auto tokenizer = make_tokenizer(options);
  encode_text(files, *tokenizer, folder / kTokensFile);
  return opened(folder / kTokensFile, std::move(tokenizer), options.text);
}

GptText open_text(const GptRunOptions& options, const fs::path& folder) {
  std::shared_ptr<const Tokenizer> tokenizer = load_tokenizer(checkpoint_of(folder));
  if (fs::exists(folder / kTokensFile))
    return opened(folder / kTokensFile, std::move(tokenizer), options.text);
  if (is_token_stream(options.text.data))
    return opened(options.text.data, std::move(tokenizer), options.text);
  const fs::path temporary =
      fs::temp_directory_path() / fmt::format("zoo-{:08x}.tokens", std::random_device{}());
  encode_text(text_files(options.text.data), *tokenizer, temporary);
  auto text = opened(temporary, std::move(tokenizer), options.text);
  fs::remove(temporary);  // the mapping stays
  return text;
}

Gpt make_gpt(const GptRunOptions& options, const Tokenizer& tokenizer,
             const TrainCommand& command) {
  set_threads(options.train.threads);
  const auto device = find_device(options.train.device);
  GptOptions shape = options.model;
  if (command.source().empty()) shape.vocab_size = tokenizer.vocab_size();
  if (tokenizer.vocab_size() > shape.vocab_size) {
    throw std::runtime_error(
        fmt::format("the tokenizer has {} ids, the model in '{}' only {}; use the tokenizer that "
                    "belongs to the model",
                    tokenizer.vocab_size(), command.source(), shape.vocab_size));
  }
  torch::manual_seed(options.train.seed);
  Gpt model(shape);
  const std::string weights =
      command.resume.empty() ? command.source() : "";  // a resumed run's come with its state
  if (!weights.empty()) load_gpt_weights(model, checkpoint_of(weights));
  model->to(device);
  return model;
}

std::vector<std::pair<std::string, std::string>> gpt_facts(const Gpt& model, const GptText& text) {
  int64_t parameters = 0;
  for (const auto& parameter : model->parameters()) parameters += parameter.numel();
  const auto device = model->token_embedding->weight.device();
  std::vector<std::pair<std::string, std::string>> facts = {
      {"parameters", fmt::format("{:.2f} M", static_cast<double>(parameters) / 1e6)},
      {"vocabulary", fmt::format("{} ({})", model->options.vocab_size, text.tokenizer->kind())},
      {"training", fmt::format("{} tokens", text.split.training.size())},
      {"validation", fmt::format("{} tokens", text.split.validation.size())},
      {"device", describe_device(device)}};
  if (const auto note = layout_note(model->options); !note.empty())
    facts.emplace_back("checkpoints", note);
  return facts;
}

std::function<void(torch::nn::Module&)> gradient_dump(const Gpt& model, const fs::path& file) {
  return [model, file](torch::nn::Module& module) {
    // A twin that holds the gradients as its weights, so that one mechanism names both. Making it
    // draws random numbers, which must not change the run.
    auto generator = at::globalContext().defaultGenerator(torch::kCPU);
    const auto state = generator.get_state();
    Gpt twin(model->options);
    generator.set_state(state);
    const torch::NoGradGuard no_grad;
    auto gradients = twin->named_parameters();
    for (const auto& item : module.named_parameters()) {
      auto& target = gradients[item.key()];
      if (item.value().grad().defined())
        target.copy_(item.value().grad());
      else
        target.zero_();
    }
    write_safetensors(file,
                      export_named(*twin, gpt_name_map(layout_of(model->options), model->options)));
  };
}

}  // namespace zoo
