// Encode, score the masks alone, take the best.
#include "infer/text/fill_mask.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "infer/text/token_rows.h"
#include "models/layers/token_selection.h"
#include "models/pretrained/bert/bert_checkpoint.h"

namespace zoo {

MaskFiller::MaskFiller(const std::filesystem::path& folder, torch::Device device,
                       const std::string& attention)
    : device_(device),
      model_(load_bert(folder, {.device = device, .attention = attention}, BertTask::kMaskedLm)),
      tokenizer_(load_tokenizer(folder)) {
  const auto refuse = [&](const std::string& why) {
    throw std::runtime_error(fmt::format("{}: {}", folder.string(), why));
  };
  if (!model_->masked_lm)
    refuse("a model without masked-LM head; save it in Python as a ...ForMaskedLM");
  if (!tokenizer_->mask_id()) refuse("its tokenizer has no mask token");
}

std::vector<std::vector<MaskFilling>> MaskFiller::fill(std::string_view text,
                                                       const FillMaskOptions& options) {
  const int32_t mask = *tokenizer_->mask_id();
  auto ids = tokenizer_->ids(text, {.add_special = true});
  if (options.on_ids) options.on_ids(*tokenizer_, ids);
  const auto masks = std::ranges::count(ids, mask);
  if (masks == 0) {
    throw std::runtime_error(fmt::format(
        "text: nothing to fill in; write {} where a word is missing", tokenizer_->piece_of(mask)));
  }
  if (std::ssize(ids) > model_->options.bert.context) {
    throw std::runtime_error(fmt::format("text: {} tokens, but the model's context is {}",
                                         ids.size(), model_->options.bert.context));
  }
  check_token_rows(ids, model_->options.bert.vocab_size, *tokenizer_);
  const torch::NoGradGuard no_grad;
  const auto tokens =
      torch::tensor(std::vector<int64_t>(ids.begin(), ids.end())).unsqueeze(0);  // [1, T]
  const auto places = indices_of(tokens.eq(mask));                               // [N]
  const auto hidden = model_->bert->forward(tokens.to(device_));                 // [1, T, C]
  const auto scores =
      model_->masked_lm_logits(hidden, places.to(device_)).softmax(-1).cpu();  // [N, V]
  const auto chosen = candidates(options);                                     // [K]
  const auto [best, order] =
      scores.index_select(1, chosen).topk(std::min(options.top_k, chosen.size(0)), 1);  // [N, k]

  std::vector<std::vector<MaskFilling>> result(static_cast<size_t>(masks));
  for (int64_t n = 0; n < masks; ++n) {
    auto& place = ids[static_cast<size_t>(places[n].item<int64_t>())];
    for (int64_t k = 0; k < best.size(1); ++k) {
      place = static_cast<int32_t>(chosen[order[n][k].item<int64_t>()].item<int64_t>());
      result[static_cast<size_t>(n)].push_back(
          {.score = best[n][k].item<double>(),
           .token = place,
           .token_str = tokenizer_->decode(shown({place})),
           .sequence =
               tokenizer_->decode(shown(without_padding(ids)), /*skip_special=*/masks == 1)});
    }
    place = mask;
  }
  return result;
}

/// As the reference's pipeline shows a text: a padding token is never a word of it, not even where
/// it fills the mask.
std::vector<int32_t> MaskFiller::without_padding(std::vector<int32_t> ids) const {
  if (const auto pad = tokenizer_->pad_id()) std::erase(ids, *pad);
  return ids;
}

/// The model may have more rows than the tokenizer has ids: as words they are nothing.
std::vector<int32_t> MaskFiller::shown(std::vector<int32_t> ids) const {
  std::erase_if(ids, [&](int32_t id) { return id >= tokenizer_->vocab_size(); });
  return ids;
}

torch::Tensor MaskFiller::candidates(const FillMaskOptions& options) const {
  if (options.targets.empty()) return torch::arange(model_->options.bert.vocab_size);
  std::vector<int64_t> ids;
  for (const auto& target : options.targets) {
    const auto id = tokenizer_->id_of(target);
    if (!id) {
      throw std::runtime_error(
          fmt::format("--targets: '{}' is not one piece of the vocabulary", target));
    }
    check_token_rows(std::vector{*id}, model_->options.bert.vocab_size, *tokenizer_);
    ids.push_back(*id);
  }
  return torch::tensor(ids);
}

}  // namespace zoo
