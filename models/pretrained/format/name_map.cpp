// Finds each parameter's tensors in a file, and checks that nothing is missing or left over.
#include "models/pretrained/format/name_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/throw_error.h"

namespace zoo {
namespace {

using Shape = std::vector<int64_t>;

/// The numbers that the `{}` of a pattern stand for in a name; nothing where it does not fit.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view name) {
  std::vector<std::string> numbers;
  while (!pattern.empty()) {
    if (pattern.starts_with("{}")) {
      const size_t end = std::min(name.find_first_not_of("0123456789"), name.size());
      if (end == 0) return std::nullopt;
      numbers.emplace_back(name.substr(0, end));
      pattern.remove_prefix(2);
      name.remove_prefix(end);
    } else {
      if (name.empty() || name.front() != pattern.front()) return std::nullopt;
      pattern.remove_prefix(1);
      name.remove_prefix(1);
    }
  }
  if (!name.empty()) return std::nullopt;
  return numbers;
}

std::string fill(std::string pattern, const std::vector<std::string>& numbers) {
  for (const auto& number : numbers) {
    const size_t place = pattern.find("{}");
    if (place == std::string::npos) break;
    pattern.replace(place, 2, number);
  }
  return pattern;
}

/// One tensor on disk: which rows of which of our parameters it holds, and in what shape.
struct Piece {
  std::string ours, theirs;
  torch::Tensor target;  // the rows of our parameter, in the order in which they lie on disk
  Shape shape;
  bool optional = false;
  double plus = 0.0;
  int64_t number = 0, of = 0;  // in a stack of so many; of = 0: the tensor is no stack
};

std::vector<int64_t> rows_of_parts(const NameRow& row, const torch::Tensor& parameter) {
  const auto parts = static_cast<int64_t>(row.theirs.size());
  const auto rows =
      row.rows.empty() ? Shape(row.theirs.size(), parameter.size(0) / parts) : row.rows;
  if (rows.size() != row.theirs.size() ||
      std::accumulate(rows.begin(), rows.end(), int64_t{0}) != parameter.size(0)) {
    throw std::invalid_argument(fmt::format(
        "name map: the parts of {} do not add up to its {} rows", row.ours, parameter.size(0)));
  }
  return rows;
}

void add_pieces(const std::string& name, const torch::Tensor& parameter, const NameRow& row,
                const std::vector<std::string>& numbers, std::vector<Piece>& pieces) {
  const auto turned = [&](const torch::Tensor& part) { return row.transposed ? part.t() : part; };
  const auto add = [&](const std::string& theirs, const torch::Tensor& target) {
    pieces.push_back(
        {name, fill(theirs, numbers), target, target.sizes().vec(), row.optional, row.plus});
  };
  if (row.theirs.size() == 1) {
    const auto whole = turned(parameter);
    add(row.theirs.front(), row.shape.empty() ? whole : whole.view(row.shape));
    if (row.interleaved > 0) {  // [3, H, Dh, ...] -> [H, 3, Dh, ...]
      pieces.back().target = parameter.unflatten(0, Shape{3, -1, row.interleaved}).transpose(0, 1);
    }
    return;
  }
  int64_t begin = 0;
  const auto rows = rows_of_parts(row, parameter);
  for (size_t part = 0; part < rows.size(); ++part) {
    add(row.theirs[part], turned(parameter.narrow(0, begin, rows[part])));
    begin += rows[part];
  }
}

/// Every tensor that the module has on disk. Parameters must have a row; buffers may.
std::vector<Piece> pieces_of(const torch::nn::Module& module, const NameMap& map) {
  std::vector<Piece> pieces;
  const auto add = [&](const std::string& name, const torch::Tensor& value) {
    if (map.rows.empty()) {
      pieces.push_back({name, name, value.detach(), value.sizes().vec()});
      return true;
    }
    for (const auto& row : map.rows) {
      if (const auto numbers = match(row.ours, name)) {
        add_pieces(name, value.detach(), row, *numbers, pieces);
        return true;
      }
    }
    return false;
  };
  for (const auto& parameter : module.named_parameters()) {
    if (!add(parameter.key(), parameter.value())) {
      throw std::invalid_argument(
          fmt::format("name map: {} has no name for parameter {}", map.family, parameter.key()));
    }
  }
  for (const auto& buffer : module.named_buffers()) add(buffer.key(), buffer.value());
  return pieces;
}

bool is_ignored(const NameMap& map, const std::string& name) {
  return std::ranges::any_of(map.ignored,
                             [&](const std::string& pattern) {
                               return match(pattern, name) || match(pattern, map.prefix + name);
                             }) ||
         std::ranges::any_of(map.other_heads,
                             [&](const std::string& head) { return name.starts_with(head); });
}

/// The name that the reference writes today.
std::string modern(const NameMap& map, std::string name) {
  for (const auto& [old, today] : map.old_ends) {
    if (name.ends_with(old)) return name.replace(name.size() - old.size(), old.size(), today);
  }
  for (const auto& [other, today] : map.synonyms) {
    for (const auto& full : {name, map.prefix + name}) {
      if (const auto numbers = match(other, full)) return fill(today, *numbers);
    }
  }
  return name;
}

/// Where the file has a stack, its pieces take the place of those of the parameters in it.
std::vector<Piece> with_stacks(std::vector<Piece> pieces, const torch::nn::Module& module,
                               const SafetensorsReader& reader, const NameMap& map) {
  std::set<std::string> on_disk;
  if (!map.stacks.empty())
    for (const auto& name : reader.names()) on_disk.insert({modern(map, name), map.prefix + name});
  std::map<std::string, int64_t> heights;
  std::map<std::string, Piece> stacked;  // by our names
  for (const auto& stack : map.stacks) {
    for (const auto& parameter : module.named_parameters()) {
      auto numbers = match(stack.ours, parameter.key());
      if (!numbers || !on_disk.contains(fill(stack.theirs, *numbers))) continue;
      const auto target = parameter.value().detach();
      const std::string theirs = fill(stack.theirs, *numbers);
      ++heights[theirs];
      stacked.emplace(parameter.key(), Piece{.ours = parameter.key(),
                                             .theirs = theirs,
                                             .target = target,
                                             .shape = target.sizes().vec(),
                                             .number = std::stoll(numbers->back())});
    }
  }
  std::erase_if(pieces, [&](const Piece& piece) { return stacked.contains(piece.ours); });
  for (auto& [name, piece] : stacked) {
    piece.of = heights.at(piece.theirs);
    piece.shape.insert(piece.shape.begin(), piece.of);
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

/// From the names that the map knows to those in the file, with or without the prefix. Refuses
/// what has no place.
std::map<std::string, std::string> find_on_disk(const SafetensorsReader& reader, const NameMap& map,
                                                const std::vector<Piece>& pieces) {
  std::set<std::string> known;
  for (const auto& piece : pieces) known.insert(piece.theirs);
  for (const auto& [name, shape] : map.zeros) known.insert(name);
  for (const auto& [name, original] : map.copies) known.insert(name);
  for (const auto& [name, original] : map.stand_ins) known.insert(name);
  std::map<std::string, std::string> found;
  for (const auto& name : reader.names()) {
    const std::string today = modern(map, name);
    const std::string full = known.contains(today) ? today : map.prefix + today;
    if (!known.contains(full)) {
      if (is_ignored(map, today) || map.computed.contains(today) || map.computed.contains(full))
        continue;
      throw_error("{}: tensor {} {} has no place in this {} model", reader.path().string(),
                  in_quotes(name), shape_text(reader.entry(name).shape), map.family);
    }
    if (const auto [other, added] = found.try_emplace(full, name); !added) {
      throw_error("{}: tensors {} and {} are one and the same weight", reader.path().string(),
                  in_quotes(name), in_quotes(other->second));
    }
  }
  return found;
}

void check_piece(const SafetensorsReader& reader, const Piece& piece, const TensorEntry& entry) {
  if (entry.shape != piece.shape) {
    throw_error("{}: tensor {} has shape {}, but {} needs {}", reader.path().string(),
                in_quotes(entry.name), shape_text(entry.shape), piece.ours,
                shape_text(piece.shape));
  }
  if (torch::isFloatingType(entry.dtype) != piece.target.is_floating_point()) {
    throw_error("{}: tensor {} has dtype {}, but {} needs {}", reader.path().string(),
                in_quotes(entry.name), safetensors_dtype_name(entry.dtype), piece.ours,
                safetensors_dtype_name(piece.target.scalar_type()));
  }
}

/// One of a tied weight's names is enough, whichever it is: writers that know nothing of the model
/// keep the first in the alphabet.
void find_tied(const NameMap& map, std::map<std::string, std::string>& found) {
  for (const auto* names : {&map.copies, &map.stand_ins}) {
    for (const auto& [name, original] : *names) {
      if (const auto copy = found.find(name); copy != found.end())
        found.try_emplace(original, copy->second);
    }
  }
}

void check_zeros_and_copies(const SafetensorsReader& reader, const NameMap& map,
                            const std::map<std::string, std::string>& found) {
  for (const auto& [name, shape] : map.zeros) {
    const auto on_disk = found.find(name);
    if (on_disk == found.end()) continue;
    if (reader.tensor(on_disk->second).to(torch::kFloat).any().item<bool>()) {
      throw_error(
          "{}: tensor {} is not zero, but this model has no such bias: turn the bias on in its "
          "options (config.json's \"zoo\")",
          reader.path().string(), in_quotes(on_disk->second));
    }
  }
  for (const auto& [name, original] : map.copies) {
    const auto copy = found.find(name), first = found.find(original);
    if (copy == found.end() || first == found.end() || copy->second == first->second) continue;
    if (!torch::equal(reader.tensor(copy->second), reader.tensor(first->second))) {
      throw_error(
          "{}: tensors {} and {} differ, but this model ties them: set tie_word_embeddings to "
          "false in config.json",
          reader.path().string(), in_quotes(copy->second), in_quotes(first->second));
    }
  }
}

}  // namespace

void add_parameter(NameMap& map, const std::string& ours, const std::string& theirs) {
  map.rows.push_back({.ours = ours, .theirs = {theirs}});
}

void add_layer(NameMap& map, const NameRow& layer) {
  for (const char* ending : {".weight", ".bias"}) {
    NameRow row = layer;
    row.ours += ending;
    for (auto& name : row.theirs) name += ending;
    row.transposed = layer.transposed && row.ours.ends_with(".weight");
    map.rows.push_back(std::move(row));
  }
}

void ignore_layer(NameMap& map, const std::string& theirs) {
  for (const char* ending : {".weight", ".bias"}) map.ignored.push_back(theirs + ending);
}

std::vector<std::string> load_named(torch::nn::Module& module, const SafetensorsReader& reader,
                                    const NameMap& map) {
  const auto pieces = with_stacks(pieces_of(module, map), module, reader, map);
  auto found = find_on_disk(reader, map, pieces);
  find_tied(map, found);
  std::vector<std::string> lacking;
  for (const auto& piece : pieces) {
    const auto on_disk = found.find(piece.theirs);
    if (on_disk != found.end()) {
      check_piece(reader, piece, reader.entry(on_disk->second));
    } else if (!piece.optional) {
      throw_error("{}: has no tensor {} {}, which {} needs", reader.path().string(),
                  in_quotes(piece.theirs), shape_text(piece.shape), piece.ours);
    } else {
      lacking.push_back(piece.ours);
    }
  }
  check_zeros_and_copies(reader, map, found);
  const torch::NoGradGuard no_grad;
  for (const auto& piece : pieces) {
    const auto on_disk = found.find(piece.theirs);
    if (on_disk == found.end()) continue;
    // A view of our parameter takes the values, so that no fused copy is ever built.
    auto values = reader.tensor(on_disk->second);
    if (piece.of > 0) values = values.select(0, piece.number);
    if (piece.plus != 0.0) values = values.to(torch::kFloat) + piece.plus;
    piece.target.copy_(values.view(piece.target.sizes()));
  }
  return lacking;
}

bool differs_from_original(const SafetensorsReader& reader, const NameMap& map,
                           const std::string& copy) {
  const auto on_disk = [&](const std::string& full) {
    for (const auto& name : reader.names()) {
      const std::string today = modern(map, name);
      if (today == full || map.prefix + today == full) return std::optional(name);
    }
    return std::optional<std::string>();
  };
  const auto original = map.copies.find(copy);
  if (original == map.copies.end()) return false;
  const auto a = on_disk(copy), b = on_disk(original->second);
  return a && b && !torch::equal(reader.tensor(*a), reader.tensor(*b));
}

bool holds_parameter(const NameMap& map, const std::string& name) {
  if (map.rows.empty()) return true;
  const std::string today = modern(map, name);
  for (const std::string& full : {today, map.prefix + today}) {
    if (map.zeros.contains(full)) return false;
    for (const auto& stack : map.stacks)
      if (match(stack.theirs, full)) return true;
    for (const auto& row : map.rows) {
      for (const auto& theirs : row.theirs) {
        if (match(theirs, full)) return true;
      }
    }
  }
  return false;
}

std::map<std::string, torch::Tensor> export_named(const torch::nn::Module& module,
                                                  const NameMap& map) {
  std::map<std::string, torch::Tensor> tensors;
  torch::TensorOptions options;
  for (const auto& piece : pieces_of(module, map)) {
    const bool bare = !map.writes_prefix && piece.theirs.starts_with(map.prefix);
    auto values = piece.target.detach().reshape(piece.shape);
    if (piece.plus != 0.0) values = values - piece.plus;
    tensors[bare ? piece.theirs.substr(map.prefix.size()) : piece.theirs] = values;
    options = options.dtype(piece.target.scalar_type());
  }
  for (const auto& [name, shape] : map.zeros) tensors[name] = torch::zeros(shape, options);
  for (const auto& [name, value] : map.computed) tensors[name] = value.to(options);
  return tensors;
}

}  // namespace zoo
