// The JSON in front of the tensors: every claim in it is checked.
#include "models/pretrained/format/safetensors_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "base/throw_error.h"

namespace zoo {
namespace {

using c10::ScalarType;

struct DtypeName {
  std::string_view name;
  ScalarType dtype;
  uint64_t bytes;
};

// In the reference's order, which is the order of alignment: files are laid out from the last of
// them to the first.
constexpr DtypeName kDtypes[] = {
    {"BOOL", ScalarType::Bool, 1},
    {"U8", ScalarType::Byte, 1},
    {"I8", ScalarType::Char, 1},
    {"F8_E5M2", ScalarType::Float8_e5m2, 1},
    {"F8_E4M3", ScalarType::Float8_e4m3fn, 1},
    {"F8_E8M0", ScalarType::Float8_e8m0fnu, 1},
    {"F8_E4M3FNUZ", ScalarType::Float8_e4m3fnuz, 1},
    {"F8_E5M2FNUZ", ScalarType::Float8_e5m2fnuz, 1},
    {"I16", ScalarType::Short, 2},
    {"U16", ScalarType::UInt16, 2},
    {"F16", ScalarType::Half, 2},
    {"BF16", ScalarType::BFloat16, 2},
    {"I32", ScalarType::Int, 4},
    {"U32", ScalarType::UInt32, 4},
    {"F32", ScalarType::Float, 4},
    {"C64", ScalarType::ComplexFloat, 8},
    {"F64", ScalarType::Double, 8},
    {"I64", ScalarType::Long, 8},
    {"U64", ScalarType::UInt64, 8},
};

const DtypeName& find_dtype(ScalarType dtype) {
  for (const auto& known : kDtypes) {
    if (known.dtype == dtype) return known;
  }
  throw std::invalid_argument(
      fmt::format("safetensors has no name for dtype {}", c10::toString(dtype)));
}

/// a * b, or nothing where it does not fit in 63 bits.
std::optional<uint64_t> product(uint64_t a, uint64_t b) {
  constexpr uint64_t limit = INT64_MAX;
  if (b != 0 && a > limit / b) return std::nullopt;
  return a * b;
}

/// Builds the entries while the JSON is being read. A tree of the whole text first would let a
/// hostile header of 100 MB take gigabytes, and would hide that a name stood there twice.
class HeaderBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader header;

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    unexpected("a number with a fraction");
  }
  bool binary(binary_t&) override { unexpected("binary data"); }
  bool number_unsigned(number_unsigned_t number) override {
    if (depth_ != 3) unexpected("a number");
    if (number > INT64_MAX)
      throw_error("tensor {} names {}, beyond 63 bits", in_quotes(name_), number);
    if (numbers_.size() == 64)
      throw_error("tensor {} has more than 64 dimensions", in_quotes(name_));
    numbers_.push_back(number);
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ == 2 && in_metadata_) {
      header.metadata[field_] = text;
    } else if (depth_ == 2 && field_ == "dtype") {
      set_dtype(text);
    } else {
      unexpected("a string");
    }
    return true;
  }
  bool start_object(size_t) override {
    if (depth_ > 1) unexpected("an object");
    if (++depth_ == 2) begin_tensor();
    return true;
  }
  bool key(string_t& key) override {
    if (depth_ == 1) {
      name_ = key;
      if (!names_.insert(key).second) throw_error("{} stands in the header twice", in_quotes(key));
    } else {
      field_ = key;
      if (!fields_.insert(key).second)
        throw_error("{} of {} stands there twice", in_quotes(key), where());
      const bool known = key == "dtype" || key == "shape" || key == "data_offsets";
      if (!in_metadata_ && !known)
        throw_error("{} has an unknown field {}", where(), in_quotes(key));
    }
    return true;
  }
  bool end_object() override {
    if (depth_-- == 2 && !in_metadata_) {
      for (const char* field : {"dtype", "shape", "data_offsets"}) {
        if (!fields_.contains(field)) throw_error("tensor {} has no {}", in_quotes(name_), field);
      }
      header.tensors.push_back(std::move(entry_));
    }
    return true;
  }
  bool start_array(size_t) override {
    if (depth_ != 2 || in_metadata_ || field_ == "dtype") unexpected("a list");
    ++depth_;
    numbers_.clear();
    return true;
  }
  bool end_array() override {
    --depth_;
    if (field_ == "shape") {
      entry_.shape.assign(numbers_.begin(), numbers_.end());
    } else {
      if (numbers_.size() != 2)
        throw_error("data_offsets of tensor {} are not two", in_quotes(name_));
      entry_.begin = numbers_[0];
      entry_.end = numbers_[1];
    }
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    throw_error("the header is not JSON (at byte {} of it)", position);
  }

 private:
  std::string where() const {
    return in_metadata_ ? "__metadata__" : fmt::format("tensor {}", in_quotes(name_));
  }
  [[noreturn]] void unexpected(std::string_view what) const {
    if (depth_ == 0) throw_error("the header is not a JSON object but {}", what);
    if (depth_ == 1)
      throw_error("{} in the header is not an object but {}", in_quotes(name_), what);
    throw_error("{} of {} cannot hold {}", in_quotes(field_), where(), what);
  }
  void begin_tensor() {
    in_metadata_ = name_ == "__metadata__";
    fields_.clear();
    entry_ = {};
    entry_.name = name_;
  }
  void set_dtype(const std::string& text) {
    const auto* known = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                     [&](const DtypeName& dtype) { return dtype.name == text; });
    if (known == std::end(kDtypes)) {
      std::vector<std::string_view> names;
      for (const auto& dtype : kDtypes) names.push_back(dtype.name);
      throw_error("tensor {} has dtype {}; known are {}", in_quotes(name_), in_quotes(text),
                  fmt::join(names, ", "));
    }
    entry_.dtype = known->dtype;
  }

  int depth_ = 0;  // 1: the header, 2: a tensor or the metadata, 3: a list
  bool in_metadata_ = false;
  std::string name_, field_;
  std::set<std::string> names_, fields_;
  std::vector<uint64_t> numbers_;
  TensorEntry entry_;
};

/// Bytes that a tensor's shape and dtype ask for. A zero does not excuse the other dimensions:
/// torch multiplies them for the strides.
uint64_t bytes_of_shape(const TensorEntry& entry) {
  uint64_t bytes = find_dtype(entry.dtype).bytes;
  bool empty = false;
  for (const int64_t dimension : entry.shape) {
    empty = empty || dimension == 0;
    const auto next = product(bytes, dimension == 0 ? 1 : static_cast<uint64_t>(dimension));
    if (!next) throw_error("tensor {}: the product of its shape overflows", in_quotes(entry.name));
    bytes = *next;
  }
  return empty ? 0 : bytes;
}

/// The reference's rule: sorted by place, each tensor begins where the one before it ended, and the
/// last one ends with the file.
void check_places(const std::vector<TensorEntry>& tensors, uint64_t data_bytes) {
  uint64_t place = 0;
  for (const auto& entry : tensors) {
    if (entry.end < entry.begin) {
      throw_error("tensor {}: data_offsets [{}, {}] run backwards", in_quotes(entry.name),
                  entry.begin, entry.end);
    }
    if (entry.end > data_bytes) {
      throw_error(
          "tensor {}: data_offsets [{}, {}] lie past the file's {} bytes of data: is it truncated?",
          in_quotes(entry.name), entry.begin, entry.end, data_bytes);
    }
    if (entry.begin != place) {
      throw_error(
          "tensor {}: its bytes begin at {}, {} {}", in_quotes(entry.name), entry.begin,
          entry.begin < place ? "inside another tensor that ends at" : "after a gap that begins at",
          place);
    }
    if (const uint64_t needed = bytes_of_shape(entry); needed != entry.bytes()) {
      throw_error("tensor {}: shape {} of {} needs {} bytes, data_offsets give {}",
                  in_quotes(entry.name), shape_text(entry.shape),
                  safetensors_dtype_name(entry.dtype), needed, entry.bytes());
    }
    place = entry.end;
  }
  if (place != data_bytes) {
    throw_error("{} bytes stand behind the last tensor: not a whole safetensors file",
                data_bytes - place);
  }
}

}  // namespace

std::string_view safetensors_dtype_name(ScalarType dtype) { return find_dtype(dtype).name; }

SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t data_bytes) {
  if (!json.starts_with('{'))
    throw_error("its header does not begin with '{{': not a safetensors file");
  HeaderBuilder builder;
  nlohmann::json::sax_parse(json, &builder);
  auto& tensors = builder.header.tensors;
  std::sort(tensors.begin(), tensors.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  check_places(tensors, data_bytes);
  return std::move(builder.header);
}

std::string lay_out_safetensors(SafetensorsHeader& header) {
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorEntry& a, const TensorEntry& b) {
              const auto *left = &find_dtype(a.dtype), *right = &find_dtype(b.dtype);
              return left != right ? left > right : a.name < b.name;
            });
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!header.metadata.empty()) json["__metadata__"] = header.metadata;
  uint64_t place = 0;
  for (auto& entry : header.tensors) {
    entry.begin = place;
    entry.end = place += bytes_of_shape(entry);
    auto& value = json[entry.name] = nlohmann::ordered_json::object();
    value["dtype"] = safetensors_dtype_name(entry.dtype);
    value["shape"] = entry.shape;
    value["data_offsets"] = {entry.begin, entry.end};
  }
  std::string text = json.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

std::string in_quotes(std::string_view text) {
  constexpr size_t longest = 120;
  std::string shown(text.substr(0, longest));
  if (text.size() > longest) shown += "...";
  using nlohmann::json;
  return json(shown).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace zoo
