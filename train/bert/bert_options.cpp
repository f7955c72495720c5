// Which of train_bert's options fit together.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <stdexcept>

#include "base/option_checks.h"
#include "base/usage_error.h"
#include "train/bert/bert_training.h"
#include "train/program/usage.h"

namespace zoo {

void BertTraining::check_options() const {
  const auto& batches = text_.batches;
  require_option(batches.rows >= 1, "batch-size", batches.rows, "1 or more");
  require_option(batches.masking.share > 0.0 && batches.masking.share < 1.0, "mask-share",
                 batches.masking.share, "in (0, 1)");
  check(text_.validation);
  require_option(text_.generator_share > 0.0 && text_.generator_share <= 1.0, "generator-share",
                 text_.generator_share, "in (0, 1]");
  require_option(std::isfinite(text_.detection_weight) && text_.detection_weight >= 0.0,
                 "detection-weight", text_.detection_weight, "0 or more");
}

void BertTraining::check_model() {
  check(model_);
  if (model_.context < 8) {
    throw std::invalid_argument(
        fmt::format("--context must be 8 or more to hold sentences, got {}", model_.context));
  }
  const auto& families = row().families;
  if (!families.empty() && std::ranges::find(families, model_.family) == families.end()) {
    std::vector<std::string_view> names;
    for (const auto family : families) names.push_back(name_of(family));
    throw std::invalid_argument(fmt::format("--objective {} needs --family {}, got {}", row().name,
                                            fmt::join(names, " or "), name_of(model_.family)));
  }
  if (row().pairs != SentencePairs::kNone && model_.segments < 2) {
    throw std::invalid_argument(fmt::format("--objective {} needs --segments 2 or more, got {}",
                                            row().name, model_.segments));
  }
}

void BertTraining::settle_options() {
  note_unused(model_, command());
  if (!text_.validation_data.path.empty() && command().changed("validation-share"))
    throw UsageError("--validation-data and --validation-share exclude each other");
  note_unused(model_, command());
  settle_pooler();
  if (model_.family == BertFamily::kDistilBert && !command().changed("segments"))
    model_.segments = 0;
  if (model_.family == BertFamily::kAlbert && model_.embedding_width == 0)
    model_.embedding_width = std::min<int64_t>(128, model_.d_model);  // Lan et al. 2019, Table 3
  if (model_.family == BertFamily::kRoberta && command().source().empty())
    settle_position_padding();
}

/// Whether there is a pooler follows from the objective.
void BertTraining::settle_pooler() {
  const bool needed = needs_pooler({.bert = model_, .task = row().heads});
  if (command().has("pooler") && model_.pooler != needed) {
    throw UsageError(fmt::format("--objective {} {} a pooler: leave --pooler out", row().name,
                                 needed ? "needs" : "has no use for"));
  }
  model_.pooler = needed;
}

/// RoBERTa's position ids begin behind the padding token's id, which is the tokenizer's.
void BertTraining::settle_position_padding() {
  const auto& tokenizer = tokenizer_options().tokenizer;
  int64_t padding = 0;  // where [PAD] stands in a tokenizer that is trained here
  if (std::filesystem::is_directory(tokenizer))
    padding = load_tokenizer(tokenizer)->pad_id().value_or(0);
  if (command().has("position-padding") && model_.position_padding != padding) {
    throw UsageError(fmt::format(
        "--position-padding must be the id of the tokenizer's padding token, {}, got {}", padding,
        model_.position_padding));
  }
  model_.position_padding = padding;
}

}  // namespace zoo
