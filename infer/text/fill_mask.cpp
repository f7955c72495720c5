// Encode, score the masks alone, take the best.
#include "infer/text/fill_mask.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "models/layers/token_selection.h"

namespace zoo {

MaskFiller::MaskFiller(const std::filesystem::path& folder, torch::Device device,
                       const std::string& attention)
    : device_(device), encoder_(load_text_encoder(folder, device, attention, BertTask::kMaskedLm)) {
  const auto refuse = [&](const std::string& why) {
    throw std::runtime_error(fmt::format("{}: {}", folder.string(), why));
  };
  if (!encoder_.model->masked_lm)
    refuse("a model without masked-LM head; save it in Python as a ...ForMaskedLM");
  if (!encoder_.tokenizer->mask_id()) refuse("its tokenizer has no mask token");
}

std::vector<std::vector<MaskFilling>> MaskFiller::fill(std::string_view text,
                                                       const FillMaskOptions& options) {
  const int32_t mask = *encoder_.tokenizer->mask_id();
  auto ids = encoder_.tokenizer->ids(text, {.add_special = true});
  if (options.on_ids) options.on_ids(*encoder_.tokenizer, ids);
  const auto masks = std::ranges::count(ids, mask);
  if (masks == 0) {
    throw std::runtime_error(
        fmt::format("text: nothing to fill in; write {} where a word is missing",
                    encoder_.tokenizer->piece_of(mask)));
  }
  if (std::ssize(ids) > encoder_.model->options.bert.context) {
    throw std::runtime_error(fmt::format("text: {} tokens, but the model's context is {}",
                                         ids.size(), encoder_.model->options.bert.context));
  }
  encoder_.check_ids(ids);
  const torch::NoGradGuard no_grad;
  const auto tokens =
      torch::tensor(std::vector<int64_t>(ids.begin(), ids.end())).unsqueeze(0);  // [1, T]
  const auto places = indices_of(tokens.eq(mask));                               // [N]
  const auto hidden = encoder_.model->bert->forward(tokens.to(device_));         // [1, T, C]
  const auto scores =
      encoder_.model->masked_lm_logits(hidden, places.to(device_)).softmax(-1).cpu();  // [N, V]
  const auto chosen = candidates(options);                                             // [K]
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
           .token_str = encoder_.tokenizer->decode(shown({place})),
           .sequence = encoder_.tokenizer->decode(shown(without_padding(ids)),
                                                  /*skip_special=*/masks == 1)});
    }
    place = mask;
  }
  return result;
}

/// As the reference's pipeline shows a text: a padding token is never a word of it, not even where
/// it fills the mask.
std::vector<int32_t> MaskFiller::without_padding(std::vector<int32_t> ids) const {
  if (const auto pad = encoder_.tokenizer->pad_id()) std::erase(ids, *pad);
  return ids;
}

/// The model may have more rows than the tokenizer has ids: as words they are nothing.
std::vector<int32_t> MaskFiller::shown(std::vector<int32_t> ids) const {
  std::erase_if(ids, [&](int32_t id) { return id >= encoder_.tokenizer->vocab_size(); });
  return ids;
}

torch::Tensor MaskFiller::candidates(const FillMaskOptions& options) const {
  if (options.targets.empty()) return torch::arange(encoder_.vocab_size);
  std::vector<int64_t> ids;
  for (const auto& target : options.targets) {
    const auto id = encoder_.tokenizer->id_of(target);
    if (!id) {
      throw std::runtime_error(
          fmt::format("--targets: '{}' is not one piece of the vocabulary", target));
    }
    encoder_.check_ids(std::vector{*id});
    ids.push_back(*id);
  }
  return torch::tensor(ids);
}

}  // namespace zoo
