#include "tokenizers/stages/post_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace zoo {
namespace {

using nlohmann::json;
using Part = PostTemplate::Part;
using Kind = Part::Kind;
using Parts = PostTemplate::Parts;

Part id_part(int32_t id, int32_t type_id = 0) {
  return {.kind = Kind::kId, .id = id, .type_id = type_id};
}

void append_ids(Parts& parts, const std::vector<int32_t>& ids, int32_t type_id) {
  for (const int32_t id : ids) parts.push_back(id_part(id, type_id));
}

/// before A after, and the same around B.
Parts surround(const std::vector<int32_t>& before, const std::vector<int32_t>& after,
               bool is_pair) {
  Parts parts;
  for (const Kind text : {Kind::kA, Kind::kB}) {
    if (text == Kind::kB && !is_pair) break;
    const int32_t type_id = text == Kind::kB ? 1 : 0;
    append_ids(parts, before, type_id);
    parts.push_back({.kind = text, .type_id = type_id});
    append_ids(parts, after, type_id);
  }
  return parts;
}

void append(Encoding& out, const Encoding& text, int32_t type_id, bool details) {
  out.ids.insert(out.ids.end(), text.ids.begin(), text.ids.end());
  if (!details) return;
  out.offsets.insert(out.offsets.end(), text.offsets.begin(), text.offsets.end());
  out.type_ids.insert(out.type_ids.end(), text.ids.size(), type_id);
  out.words.insert(out.words.end(), text.words.begin(), text.words.end());
}

Encoding fill(const Parts& parts, const Encoding* a, const Encoding* b) {
  Encoding out;
  const bool details =
      a->offsets.size() == a->ids.size() && (b == nullptr || b->offsets.size() == b->ids.size());
  for (const Part& part : parts) {
    if (part.kind == Kind::kA) append(out, *a, part.type_id, details);
    if (part.kind == Kind::kB && b != nullptr) append(out, *b, part.type_id, details);
    if (part.kind != Kind::kId) continue;
    out.ids.push_back(part.id);
    if (!details) continue;
    out.offsets.emplace_back(0, 0);
    out.type_ids.push_back(part.type_id);
    out.words.push_back(-1);
  }
  return out;
}

// ---- tokenizer.json ----
// Input and output of a processor: sequences of ids, initially one per text, joined at the end.
using Sequences = std::vector<Parts>;

/// Thrown if a template gets more sequences than it accepts, or refers to a text that does not
/// exist. The reference then fails on every text.
struct CannotTake {};

/// ["[SEP]", 102]
int32_t id_of_pair(const json& processor, const char* key) {
  return processor.at(key).at(1).get<int32_t>();
}

void set_type(Parts& parts, int32_t type_id) {
  for (Part& part : parts) part.type_id = type_id;
}

// `ids`: whether to add ids.

/// [CLS] A [SEP] and B [SEP].
void apply_bert(const json& processor, bool ids, Sequences& sequences) {
  if (!ids) return;
  const int32_t cls = id_of_pair(processor, "cls"), sep = id_of_pair(processor, "sep");
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (i == 0) sequences[i].insert(sequences[i].begin(), id_part(cls));
    sequences[i].push_back(id_part(sep, i == 0 ? 0 : 1));
  }
}

/// Liu et al. 2019 (arXiv:1907.11692): two separators between the texts, one segment for both.
void apply_roberta(const json& processor, bool ids, Sequences& sequences) {
  const int32_t cls = id_of_pair(processor, "cls"), sep = id_of_pair(processor, "sep");
  for (size_t i = 0; i < sequences.size(); ++i) {
    set_type(sequences[i], 0);
    if (!ids) continue;
    sequences[i].insert(sequences[i].begin(), id_part(i == 0 ? cls : sep));
    sequences[i].push_back(id_part(sep));
  }
}

/// Each entry of the template is a sequence of its own.
void apply_template(const json& processor, bool ids, Sequences& sequences) {
  if (sequences.empty() || sequences.size() > 2) throw CannotTake();
  const json& names = processor.at("special_tokens");
  Sequences made;
  for (const json& step : processor.at(sequences.size() == 2 ? "pair" : "single")) {
    if (const auto text = step.find("Sequence"); text != step.end()) {
      const size_t which = text->at("id") == "B" ? 1 : 0;
      if (which >= sequences.size()) throw CannotTake();
      set_type(made.emplace_back(sequences[which]), text->at("type_id").get<int32_t>());
      continue;
    }
    if (!ids) continue;
    const json& token = step.at("SpecialToken");
    Parts& parts = made.emplace_back();
    for (const json& id : names.at(token.at("id").get<std::string>()).at("ids")) {
      parts.push_back(id_part(id.get<int32_t>(), token.at("type_id").get<int32_t>()));
    }
  }
  sequences = std::move(made);
}

void apply_processor(const json& processor, bool ids, Sequences& sequences) {
  const std::string type = processor.at("type");
  if (type == "TemplateProcessing") return apply_template(processor, ids, sequences);
  if (type == "BertProcessing") return apply_bert(processor, ids, sequences);
  if (type == "RobertaProcessing") return apply_roberta(processor, ids, sequences);
  if (type == "ByteLevel") return;
  if (type == "Sequence") {
    for (const json& step : processor.at("processors")) apply_processor(step, ids, sequences);
    return;
  }
  throw std::runtime_error(
      fmt::format("post_processor {} is not supported; known are TemplateProcessing, "
                  "BertProcessing, RobertaProcessing, ByteLevel and a Sequence of them",
                  type));
}

std::optional<Parts> process(const json& processor, bool ids, Sequences sequences) {
  try {
    apply_processor(processor, ids, sequences);
  } catch (const CannotTake&) {
    return std::nullopt;
  }
  Parts joined;
  for (const Parts& parts : sequences) joined.insert(joined.end(), parts.begin(), parts.end());
  return joined;
}

PostTemplate::Forms process(const json& processor, bool ids) {
  const Part a{.kind = Kind::kA}, b{.kind = Kind::kB, .type_id = 1};
  return {process(processor, ids, {{a}}), process(processor, ids, {{a}, {b}})};
}

std::optional<Parts> texts_alone(std::optional<Parts> parts) {
  std::erase_if(*parts, [](const Part& part) { return part.kind == Kind::kId; });
  return parts;
}

const Parts& usable(const std::optional<Parts>& parts, const char* texts) {
  if (!parts) {
    throw std::runtime_error(
        fmt::format("the tokenizer's post_processor cannot put its ids around {}: a stage makes "
                    "more texts of it than the next takes, or names a text that is none",
                    texts));
  }
  return *parts;
}

}  // namespace

PostTemplate::PostTemplate() : PostTemplate(std::vector<int32_t>{}, std::vector<int32_t>{}) {}

PostTemplate::PostTemplate(std::vector<int32_t> before, std::vector<int32_t> after)
    : PostTemplate(surround(before, after, false), surround(before, after, true)) {}

PostTemplate::PostTemplate(Parts single, Parts pair)
    : PostTemplate({single, pair}, {texts_alone(single), texts_alone(pair)}) {}

PostTemplate::PostTemplate(Forms whole, Forms without_ids)
    : whole_(std::move(whole)), bare_(std::move(without_ids)) {}

const Parts& PostTemplate::single() const { return usable(whole_.single, "one text"); }

const Parts& PostTemplate::pair() const { return usable(whole_.pair, "two texts"); }

size_t PostTemplate::added(bool is_pair) const {
  const Parts& parts = is_pair ? pair() : single();
  return static_cast<size_t>(std::count_if(
      parts.begin(), parts.end(), [](const Part& part) { return part.kind == Kind::kId; }));
}

Encoding PostTemplate::apply(const Encoding& a) const { return fill(single(), &a, nullptr); }

Encoding PostTemplate::apply(const Encoding& a, const Encoding& b) const {
  return fill(pair(), &a, &b);
}

PostTemplate read_post_template(const json& processor) {
  if (processor.is_null()) return {};
  return {process(processor, /*ids=*/true), process(processor, /*ids=*/false)};
}

std::vector<OffsetTrimming> read_offset_trimming(const json& processor) {
  if (processor.is_null()) return {};
  const std::string type = processor.at("type");
  std::vector<OffsetTrimming> all;
  if (type == "ByteLevel" || type == "RobertaProcessing") {
    if (processor.value("trim_offsets", true)) {
      all.push_back({.prefix_space = processor.value("add_prefix_space", true)});
    }
  } else if (type == "Sequence") {
    for (const json& one : processor.at("processors")) {
      const auto inner = read_offset_trimming(one);
      all.insert(all.end(), inner.begin(), inner.end());
    }
  }
  return all;
}

nlohmann::ordered_json post_template_to_json(
    const PostTemplate& post, const std::function<std::string(int32_t id)>& piece_of) {
  using OrderedJson = nlohmann::ordered_json;
  if (post.added(false) == 0 && post.added(true) == 0) return nullptr;
  OrderedJson names = OrderedJson::object();
  const auto steps = [&](const Parts& parts) {
    OrderedJson list = OrderedJson::array();
    for (const Part& part : parts) {
      if (part.kind != Kind::kId) {
        const char* text = part.kind == Kind::kA ? "A" : "B";
        list.push_back({{"Sequence", {{"id", text}, {"type_id", part.type_id}}}});
        continue;
      }
      const std::string name = piece_of(part.id);
      list.push_back({{"SpecialToken", {{"id", name}, {"type_id", part.type_id}}}});
      names[name] = {{"id", name}, {"ids", {part.id}}, {"tokens", {name}}};
    }
    return list;
  };
  OrderedJson single = steps(post.single()), pair = steps(post.pair());
  return {{"type", "TemplateProcessing"},
          {"single", std::move(single)},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(names)}};
}

}  // namespace zoo
