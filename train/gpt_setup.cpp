// The order of checks: what the command line alone can get wrong comes first, then folders and
// text, then the model.
#include "train/gpt_setup.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <any>
#include <random>
#include <stdexcept>
#include <type_traits>

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

/// Options that may differ from the folder's: they change no tensor's shape or meaning.
bool is_free(std::string_view name) {
  return name == "attention" || name == "init-std" || name.ends_with("-dropout");
}

/// Calls v(name, a's field, b's field).
template <class Visitor>
void visit_both(GptOptions& a, GptOptions& b, Visitor&& v) {
  std::vector<std::any> fields;
  visit(b, [&](std::string_view, auto& field, const std::string&) { fields.emplace_back(&field); });
  auto other = fields.begin();
  visit(a, [&](std::string_view name, auto& field, const std::string&) {
    v(name, field, *std::any_cast<std::remove_reference_t<decltype(field)>*>(*other++));
  });
}

/// Zeros replaced by what they stand for beside the other widths of `shape`.
void fill_defaults(GptOptions& o, const GptOptions& shape) {
  if (o.kv_heads == 0) o.kv_heads = shape.heads;
  if (o.head_width == 0 && shape.heads > 0) o.head_width = shape.d_model / shape.heads;
  if (o.feed_forward == 0) o.feed_forward = 4 * shape.d_model;
}

/// The folder's shape, with the free options that the user named. What else was named must be as
/// the folder has it.
void take_shape(GptOptions& model, const fs::path& folder, const TrainCommand& command) {
  GptOptions taken = read_gpt_config(folder).options;
  GptOptions asked = model, in_folder = taken;
  fill_defaults(asked, taken);
  fill_defaults(in_folder, taken);
  visit_both(asked, in_folder, [&](std::string_view name, const auto& wanted, const auto& found) {
    const bool named = command.has(name);
    if (is_free(name) || (!named && !command.has("preset")) || wanted == found) return;
    throw UsageError(fmt::format(
        "--{} cannot be changed{}: the model in '{}' has {}, not {}; leave it out, or train a new "
        "model without --init-from",
        name, named ? "" : fmt::format(" (by --preset {})", command.preset), folder.string(),
        recipe_value(found).value_or("none"), recipe_value(wanted).value_or("none")));
  });
  visit_both(taken, model, [&](std::string_view name, auto& field, const auto& wanted) {
    if (is_free(name) && command.has(name)) field = wanted;
  });
  model = taken;
}

/// The folder's tokenizer, or another folder's that the user named; never a new one, whose ids
/// would mean something else to the model.
void take_tokenizer(TextOptions& text, const fs::path& folder, const TrainCommand& command) {
  if (command.has("tokenizer")) {
    if (fs::is_directory(text.tokenizer)) return;
    if (const std::string kind = load_tokenizer(folder)->kind(); kind != text.tokenizer) {
      throw UsageError(
          fmt::format("--tokenizer {} cannot be trained anew: the model in '{}' brings "
                      "its own ({})",
                      text.tokenizer, folder.string(), kind));
    }
  }
  text.tokenizer = folder.string();
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

/// Here, before anything is made for the run, rather than at the first sample.
void check_prompt(const Tokenizer& tokenizer, const TextOptions& text) {
  if (text.sample_tokens == 0) return;
  try {
    sample_prompt(tokenizer, text);
  } catch (const std::exception& e) {
    throw UsageError(
        fmt::format("--sample-prompt {}: {}", quote_text(text.sample_prompt), e.what()));
  }
}

GptText opened(const fs::path& tokens, std::shared_ptr<const Tokenizer> tokenizer,
               const TextOptions& options) {
  auto stream = std::make_shared<TokenStream>(tokens);
  stream->require_tokenizer(fingerprint(*tokenizer),
                            static_cast<uint64_t>(tokenizer->vocab_size()));
  return {std::move(tokenizer), split_text(std::move(stream), options.validation_share)};
}

bool is_token_stream(const fs::path& path) { return path.extension() == ".tokens"; }

/// Throws UsageError where the kernel cannot train this way, before anything is read.
void check_kernel(const GptOptions& model, torch::Device device) {
  const auto q = torch::empty({1, 1, 1, 1}, torch::device(device)).requires_grad_(true);
  const AttendArgs args{.causal = true, .dropout = model.attention_dropout};
  if (const auto why = attention_kernel(model.attention).refuses(q, q, q, args); !why.empty())
    throw UsageError(fmt::format("--attention {}: {}", model.attention, why));
}

/// Throws UsageError for options that cannot be, whatever else there is.
void check_alone(const GptRunOptions& options) {
  try {
    check(options.train);
    check(options.text);
    check_kernel(options.model, find_device(options.train.device));
    if (options.train.patience > 0 && options.text.validation_share == 0.0) {
      throw std::invalid_argument(
          "--patience needs validation text: set --validation-share above 0");
    }
  } catch (const c10::Error& e) {
    throw UsageError(e.what_without_backtrace());
  } catch (const std::exception& e) {
    throw UsageError(e.what());
  }
}

void check_shape(const GptOptions& model) {
  try {
    check(model);
  } catch (const std::invalid_argument& e) {
    throw UsageError(e.what());
  }
}

/// A run that goes on may end where it is, but not before.
void check_end(const TrainOptions& options, const fs::path& run) {
  const int64_t done = RunFolder(run).last_step();
  if (options.max_steps >= done) return;
  throw UsageError(
      fmt::format("--max-steps {}: the run in '{}' is at step {} already; name a larger one to go "
                  "on",
                  options.max_steps, run.string(), done));
}

}  // namespace

void declare(CLI::App& app, GptRunOptions& options) {
  add_options(app, "Model", options.model);
  add_options(app, "Data", options.text);
  add_options(app, "Training", options.train);
}

void resolve(GptRunOptions& options, const TrainCommand& command) {
  check_alone(options);
  if (options.train.schedule.steps == 0) options.train.schedule.steps = options.train.max_steps;
  if (!command.resume.empty()) check_end(options.train, command.resume);
  if (!command.source().empty()) {
    const fs::path folder = !command.resume.empty() ? RunFolder(command.resume).last()
                                                    : checkpoint_of(command.source());
    take_shape(options.model, folder, command);
    if (command.resume.empty()) take_tokenizer(options.text, folder, command);
  }
  check_shape(options.model);
}

std::shared_ptr<const Tokenizer> prepare_tokenizer(const GptRunOptions& options) {
  std::shared_ptr<const Tokenizer> tokenizer;
  if (!is_token_stream(options.text.data)) {
    text_files(options.text.data);  // one clear error where there are none
    tokenizer = make_tokenizer(options);
  } else if (fs::is_directory(options.text.tokenizer)) {
    tokenizer = load_tokenizer(options.text.tokenizer);
  } else {
    throw UsageError(fmt::format(
        "--data {} holds ids: name the tokenizer that made them with --tokenizer FOLDER",
        options.text.data));
  }
  check_prompt(*tokenizer, options.text);
  return tokenizer;
}

GptText prepare_text(const GptRunOptions& options, std::shared_ptr<const Tokenizer> tokenizer,
                     const fs::path& folder) {
  const auto files = text_files(options.text.data);
  if (is_token_stream(options.text.data))
    return opened(options.text.data, std::move(tokenizer), options.text);
  encode_text(files, *tokenizer, folder / kTokensFile);
  return opened(folder / kTokensFile, std::move(tokenizer), options.text);
}

GptText open_text(const GptRunOptions& options, const TrainCommand& command) {
  const fs::path folder = command.source();
  std::shared_ptr<const Tokenizer> tokenizer = load_tokenizer(
      command.resume.empty() ? fs::path(options.text.tokenizer) : RunFolder(folder).last());
  const fs::path encoded = run_of(folder).value_or(folder) / kTokensFile;
  if (!command.has("data") && fs::exists(encoded))
    return opened(encoded, std::move(tokenizer), options.text);
  const auto files = text_files(options.text.data);
  if (is_token_stream(options.text.data))
    return opened(options.text.data, std::move(tokenizer), options.text);
  const fs::path temporary =
      fs::temp_directory_path() / fmt::format("zoo-{:08x}.tokens", std::random_device{}());
  encode_text(files, *tokenizer, temporary);
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

std::function<void(torch::nn::Module&, double)> gradient_dump(const Gpt& model,
                                                              const fs::path& file) {
  return [model, file](torch::nn::Module& module, double divisor) {
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
        target.copy_(item.value().grad() / divisor);
      else
        target.zero_();
    }
    write_safetensors(file,
                      export_named(*twin, gpt_name_map(layout_of(model->options), model->options)));
  };
}

}  // namespace zoo
