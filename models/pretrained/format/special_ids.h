// The ids with a job in a family's protocol, as config.json names them.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

namespace zoo {

/// Ids that begin a text, end it, fill up a batch, and set a decoder going, where there are such.
struct SpecialIds {
  std::optional<int64_t> bos = {};
  std::vector<int64_t> eos = {};
  std::optional<int64_t> pad = {};
  std::optional<int64_t> decoder_start = {};  ///< of encoder-decoders alone
};

/// bos_token_id, eos_token_id (one or a list), pad_token_id, decoder_start_token_id.
SpecialIds special_ids(const nlohmann::json& config);
/// The reverse, into `config`; decoder_start_token_id only where there is one.
void put_special_ids(const SpecialIds& ids, nlohmann::json& config);

}  // namespace zoo
