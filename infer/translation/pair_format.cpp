#include "infer/translation/pair_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "base/files.h"

namespace zoo {
namespace {

PostTemplate template_of(const Tokenizer& tokenizer, const std::vector<int64_t>& ends) {
  const PostTemplate& own = tokenizer.post_template();
  if (own.added(false) > 0 || ends.empty()) return own;
  return {{}, {static_cast<int32_t>(ends.front())}};
}

}  // namespace

SpecialIds pair_ids(const Tokenizer& target, const SpecialIds& given) {
  SpecialIds ids = given;
  if (ids.eos.empty()) {
    for (const auto id : {target.eos_id(), target.sep_id()})
      if (ids.eos.empty() && id) ids.eos.push_back(*id);
  }
  if (ids.eos.empty()) {
    throw std::runtime_error(fmt::format(
        "the {} tokenizer has no end-of-text token, without which a translation never ends; use a "
        "sentencepiece kind, wordpiece, or character with --sequence-tokens",
        target.kind()));
  }
  const auto first = [](std::initializer_list<std::optional<int64_t>> choices) {
    return *std::ranges::find_if(choices, [](const auto& id) { return id.has_value(); });
  };
  if (!ids.bos && target.bos_id()) ids.bos = *target.bos_id();
  if (!ids.pad && target.pad_id()) ids.pad = *target.pad_id();
  if (!ids.decoder_start) ids.decoder_start = first({ids.bos, ids.pad, ids.eos.front()});
  if (!ids.pad) ids.pad = ids.eos.front();
  return ids;
}

PairFormat training_format(const Tokenizer& source, const SpecialIds& ids) {
  return {.source = template_of(source, ids.eos),
          .start = *ids.decoder_start,
          .ends = ids.eos,
          .pad = *ids.pad};
}

PairFormat folder_format(const Tokenizer& source, const SpecialIds& ids, bool ours) {
  const auto start = ids.decoder_start ? ids.decoder_start : ids.bos;
  if (!start) {
    throw std::runtime_error(
        "neither decoder_start_token_id nor bos_token_id stands in generation_config.json (or, "
        "without that file, in config.json): the first token of a target is unknown; give "
        "--decoder-start-token-id");
  }
  const int64_t pad = ids.pad ? *ids.pad : ids.eos.empty() ? *start : ids.eos.front();
  return {.source = ours ? template_of(source, ids.eos) : source.post_template(),
          .start = *start,
          .ends = ids.eos,
          .pad = pad};
}

std::vector<int64_t> never_written(const PairFormat& format) {
  std::vector<int64_t> ids;
  for (const int64_t id : {format.start, format.pad}) {
    if (std::ranges::count(format.ends, id) == 0 && std::ranges::count(ids, id) == 0)
      ids.push_back(id);
  }
  return ids;
}

std::vector<int64_t> source_ids(const Tokenizer& tokenizer, const PairFormat& format,
                                std::string_view text, int64_t longest, bool& truncated) {
  Encoding bare{.ids = tokenizer.ids(text)};
  const auto around = static_cast<int64_t>(format.source.added(false));
  truncated = longest > 0 && std::ssize(bare.ids) + around > longest;
  if (truncated) bare.ids.resize(static_cast<size_t>(std::max<int64_t>(0, longest - around)));
  const auto whole = format.source.apply(std::move(bare));
  return {whole.ids.begin(), whole.ids.end()};
}

void save_with_template(const Tokenizer& tokenizer, const PostTemplate& around,
                        const std::filesystem::path& folder) {
  tokenizer.save(folder);
  const auto path = folder / "tokenizer.json";
  if (tokenizer.post_template().added(false) > 0 || !std::filesystem::exists(path)) return;
  auto json = nlohmann::ordered_json::parse(read_file(path));
  json["post_processor"] =
      post_template_to_json(around, [&](int32_t id) { return tokenizer.piece_of(id); });
  write_file(path, json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace zoo
