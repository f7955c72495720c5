// Which strategy flags and file choose together, and which of their options it does not use.
#include "infer/generation/generation_defaults.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "base/usage_error.h"
#include "infer/decode/decode.h"
#include "infer/decode/processors.h"
#include "infer/generation/generation_settings.h"
#include "models/pretrained/format/config_json.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr int64_t kTopK = 50;  // the reference's default wherever it draws

/// The keys of an options struct's fields.
template <class Options>
std::set<std::string> keys_of(Options options) {
  std::set<std::string> keys;
  visit(options, [&](std::string_view name, auto&, std::string_view) {
    std::string key(name);
    std::ranges::replace(key, '-', '_');
    keys.insert(key);
  });
  return keys;
}

class Settling {
 public:
  Settling(const DecodeRequest& request, const GenerationConfig& config, bool samples)
      : request_(request), settings_(config.settings), samples_(samples) {
    if (!request.generation_config) settings_ = json::object();
    options_ = request.options;
    taken_ = take_settings(settings_, request.given, options_);
  }

  DecodeOptions run() {
    settle_length();
    const bool groups = options_.beams.num_beam_groups > 1;
    if (options_.beams.num_beams != 1) {
      settle_beams(groups);
    } else {
      reset(options_.beams, request_.options.beams);
      settle_one_text();
    }
    return options_;
  }
  const std::vector<std::string>& taken() const { return taken_; }
  const json& settings() const { return settings_; }

 private:
  bool has(const std::string& flag) const { return request_.has(flag); }
  bool file_has(const char* key) const { return settings_.contains(key); }
  bool file_samples() const {
    return file_has("do_sample") && json_value<bool>(settings_["do_sample"], "do_sample");
  }
  bool sampling_flag() const {
    bool any = false;
    SamplingOptions names;
    visit(names, [&](std::string_view name, auto&, std::string_view) {
      any = any || has(std::string(name));
    });
    return any;
  }

  void drop(const std::set<std::string>& keys) {
    std::erase_if(taken_, [&](const std::string& key) { return keys.contains(key); });
  }
  /// Drops the file's values, for a strategy that has no use for them.
  template <class Options>
  void reset(Options& options, const Options& by_flags) {
    options = by_flags;
    drop(keys_of(options));
  }

  void settle_length();
  void settle_beams(bool groups);
  bool draws() const;
  void settle_one_text();
  void settle_sampling();
  void reset_contrast();

  const DecodeRequest& request_;
  json settings_;
  bool samples_;
  DecodeOptions options_;
  std::vector<std::string> taken_;
};

/// max_new_tokens goes before max_length, and min_new_tokens before min_length, within a file and
/// within a command line; a command line's goes before a file's.
void Settling::settle_length() {
  if (has("max-new-tokens") || (!has("max-length") && file_has("max_new_tokens"))) {
    options_.max_length = 0;
    drop({"max_length"});
  } else if (has("max-length")) {
    drop({"max_new_tokens"});
  }
  if (has("min-length") && !has("min-new-tokens")) {
    options_.min_new_tokens.reset();
    drop({"min_new_tokens"});
  }
  if (options_.min_new_tokens) drop({"min_length"});
  // A file's minimum above a command line's maximum: no end of text before that.
  if (!has("min-new-tokens") && options_.min_new_tokens && options_.max_length == 0 &&
      options_.max_new_tokens > 0) {
    options_.min_new_tokens = std::min(*options_.min_new_tokens, options_.max_new_tokens);
  }
}

void Settling::settle_beams(bool groups) {
  reset_contrast();
  if (!groups && !has("diversity-penalty")) {
    options_.beams.diversity_penalty = 0.0;
    drop({"diversity_penalty"});
  }
  const bool cold = has("temperature") && options_.sampling.greedy();
  options_.beams.sample =
      has("do-sample") ? request_.do_sample : !groups && !cold && file_samples();
  if (options_.beams.sample) return settle_sampling();
  if (has("temperature") && !cold) {
    throw UsageError(
        "--temperature is for sampling; beam search draws nothing, leave one of them out, or give "
        "--do-sample");
  }
  reset(options_.sampling, request_.options.sampling);
  options_.sampling.temperature = 1.0;
}

/// Whether one text is drawn: by --do-sample, by a flag of sampling, by the file, by the program's
/// default.
bool Settling::draws() const {
  if (has("do-sample")) return request_.do_sample;
  if (has("penalty-alpha") && options_.penalty_alpha > 0.0) return false;
  if (sampling_flag()) return !(has("temperature") && options_.sampling.greedy());
  if (file_has("do_sample")) return file_samples();
  return samples_ && options_.penalty_alpha == 0.0;
}

void Settling::settle_one_text() {
  const bool cold = has("temperature") && options_.sampling.greedy();
  if (draws()) {
    if (cold) throw UsageError("--temperature 0 draws nothing; leave --do-sample out, or it");
    reset_contrast();
    return settle_sampling();
  }
  if (options_.penalty_alpha > 0.0 && !has("penalty-alpha") && !has("top-k") && !file_has("top_k"))
    options_.sampling.top_k = kTopK;
  if (options_.penalty_alpha > 0.0 && (has("penalty-alpha") || options_.sampling.top_k > 1)) {
    const int64_t candidates = options_.sampling.top_k;
    reset(options_.sampling, request_.options.sampling);
    options_.sampling.top_k = candidates;
    return;
  }
  reset_contrast();  // of one candidate: the most likely token
  reset(options_.sampling, request_.options.sampling);
  if (has("temperature") && !cold)
    throw UsageError("--temperature is for sampling; leave it out, or --do-sample=false");
  options_.sampling.temperature = 0.0;
}

void Settling::reset_contrast() {
  if (has("penalty-alpha")) return;
  options_.penalty_alpha = 0.0;
  drop({"penalty_alpha"});
}

void Settling::settle_sampling() {
  if (!has("top-k") && !file_has("top_k")) options_.sampling.top_k = kTopK;
}

/// The name and value of each setting that had an effect.
std::string note_on(const GenerationConfig& config, const Settling& settled,
                    const DecodeRequest& request) {
  std::string text;
  const auto add = [&](const std::string& key, const json& value) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key,
                        value.is_array() && value.size() <= 8 ? value.dump() : json_text(value));
  };
  if (request.eos_ids.empty() && !config.ids.eos.empty())
    add("eos_token_id",
        config.ids.eos.size() == 1 ? json(config.ids.eos[0]) : json(config.ids.eos));
  if (settled.settings().contains("do_sample") && !request.has("do-sample"))
    add("do_sample", settled.settings()["do_sample"]);
  for (const std::string& key : settled.taken()) add(key, settled.settings()[key]);
  if (settled.settings().contains("stop_strings") && !request.has("stop"))
    add("stop_strings", settled.settings()["stop_strings"]);
  if (!config.unread.empty()) {
    text += text.empty() ? "nothing" : "";
    text += fmt::format("; not used: {}", fmt::join(config.unread, ", "));
  }
  return text.empty() ? "" : fmt::format("from {}: {}", config.file.filename().string(), text);
}

}  // namespace

SettledDecoding settle(const DecodeRequest& request, const GenerationConfig& config, bool samples,
                       bool has_draft) {
  const auto usage = [](const std::exception& error) {
    return UsageError(fmt::format("--{}", error.what()));
  };
  if (request.has("max-length") && request.has("max-new-tokens"))
    throw UsageError("--max-length has no effect beside --max-new-tokens; give one of them");
  try {
    check(request.options);
  } catch (const std::invalid_argument& error) {
    throw usage(error);
  }
  if (request.generation_config && !config.refused.empty()) {
    throw std::runtime_error(fmt::format("{}: {}", config.file.string(), config.refused.front()));
  }
  SettledDecoding result{.given = request.given, .ids = config.ids, .stop = request.stop};
  if (request.decoder_start) result.ids.decoder_start = request.decoder_start;
  if (!request.eos_ids.empty()) result.ids.eos = request.eos_ids;
  try {
    Settling settling(request, config, samples);
    result.options = settling.run();
    if (!request.has("stop")) result.stop = strings_of(settling.settings(), "stop_strings");
    result.note = note_on(config, settling, request);
    check(result.options);
  } catch (const UsageError&) {
    throw;
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("{}: {}", config.file.string(), error.what()));
  }
  result.options.eos_ids = result.ids.eos;
  try {
    strategy_of(result.options, has_draft);
  } catch (const std::invalid_argument& error) {
    if (config.settings.empty() || !request.generation_config) throw usage(error);
    throw UsageError(fmt::format("--{} ({})", error.what(), result.note));
  }
  return result;
}

void fit_to_vocabulary(SettledDecoding& settled, int64_t vocab_size) {
  const auto fit = [&](const char* flag, std::vector<int64_t>& ids) {
    if (settled.given.contains(flag)) return;
    std::erase_if(ids, [&](int64_t id) { return id >= vocab_size; });
  };
  fit("suppress-tokens", settled.options.processors.suppress_tokens);
  fit("begin-suppress-tokens", settled.options.processors.begin_suppress_tokens);
  check_ids(settled.options, vocab_size);
}

}  // namespace zoo
