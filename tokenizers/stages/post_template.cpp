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

Part id_part(int32_t id, int32_t type_id = 0) {
  return {.kind = Kind::kId, .id = id, .type_id = type_id};
}

void append_ids(std::vector<Part>& parts, const std::vector<int32_t>& ids, int32_t type_id) {
  for (const int32_t id : ids) parts.push_back(id_part(id, type_id));
}

/// before A after, and the same around B.
std::vector<Part> surround(const std::vector<int32_t>& before, const std::vector<int32_t>& after,
                           bool is_pair) {
  std::vector<Part> parts;
  for (const Kind text : {Kind::kA, Kind::kB}) {
    if (text == Kind::kB && !is_pair) break;
    const int32_t type_id = text == Kind::kB ? 1 : 0;
    append_ids(parts, before, type_id);
    parts.push_back({.kind = text, .type_id = type_id});
    append_ids(parts, after, type_id);
  }
  return parts;
}

void append(Encoding& out, Encoding&& text, int32_t type_id, bool details) {
  out.ids.insert(out.ids.end(), text.ids.begin(), text.ids.end());
  if (!details) return;
  out.offsets.insert(out.offsets.end(), text.offsets.begin(), text.offsets.end());
  out.type_ids.insert(out.type_ids.end(), text.ids.size(), type_id);
  out.words.insert(out.words.end(), text.words.begin(), text.words.end());
}

Encoding fill(const std::vector<Part>& parts, Encoding* a, Encoding* b) {
  Encoding out;
  const bool details =
      a->offsets.size() == a->ids.size() && (b == nullptr || b->offsets.size() == b->ids.size());
  for (const Part& part : parts) {
    if (part.kind == Kind::kA) append(out, std::move(*a), part.type_id, details);
    if (part.kind == Kind::kB && b != nullptr) append(out, std::move(*b), part.type_id, details);
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
std::vector<Part> read_parts(const json& steps, const json& special_tokens) {
  std::vector<Part> parts;
  for (const json& step : steps) {
    if (const auto text = step.find("Sequence"); text != step.end()) {
      const Kind kind = text->at("id") == "B" ? Kind::kB : Kind::kA;
      parts.push_back({.kind = kind, .type_id = text->at("type_id").get<int32_t>()});
      continue;
    }
    const json& token = step.at("SpecialToken");
    for (const json& id : special_tokens.at(token.at("id").get<std::string>()).at("ids")) {
      parts.push_back(id_part(id.get<int32_t>(), token.at("type_id").get<int32_t>()));
    }
  }
  const auto is = [](Kind kind) { return [kind](const Part& part) { return part.kind == kind; }; };
  if (std::count_if(parts.begin(), parts.end(), is(Kind::kA)) != 1 ||
      std::count_if(parts.begin(), parts.end(), is(Kind::kB)) > 1) {
    throw std::runtime_error(
        "a post_processor template must hold the text A once and B at most once");
  }
  return parts;
}

/// ["[SEP]", 102]
int32_t id_of_pair(const json& processor, const char* key) {
  return processor.at(key).at(1).get<int32_t>();
}

PostTemplate bert_processing(const json& processor) {
  const int32_t cls = id_of_pair(processor, "cls"), sep = id_of_pair(processor, "sep");
  const std::vector<Part> single = {id_part(cls), {.kind = Kind::kA}, id_part(sep)};
  std::vector<Part> pair = single;
  pair.push_back({.kind = Kind::kB, .type_id = 1});
  pair.push_back(id_part(sep, 1));
  return {single, pair};
}

// Liu et al. 2019 (arXiv:1907.11692): two separators between the texts, one segment for both.
PostTemplate roberta_processing(const json& processor) {
  const int32_t cls = id_of_pair(processor, "cls"), sep = id_of_pair(processor, "sep");
  const std::vector<Part> single = {id_part(cls), {.kind = Kind::kA}, id_part(sep)};
  std::vector<Part> pair = single;
  pair.push_back(id_part(sep));
  pair.push_back({.kind = Kind::kB});
  pair.push_back(id_part(sep));
  return {single, pair};
}

[[noreturn]] void fail_unknown(const std::string& type) {
  throw std::runtime_error(
      fmt::format("post_processor {} is not supported; known are TemplateProcessing, "
                  "BertProcessing, RobertaProcessing, ByteLevel and a Sequence of them with one "
                  "template",
                  type));
}

PostTemplate read_sequence(const json& processors) {
  PostTemplate found;
  bool seen = false;
  for (const json& processor : processors) {
    if (processor.at("type") == "ByteLevel") continue;
    if (seen || processor.at("type") == "Sequence") fail_unknown("Sequence of several templates");
    found = read_post_template(processor);
    seen = true;
  }
  return found;
}

}  // namespace

PostTemplate::PostTemplate() : PostTemplate(std::vector<int32_t>{}, std::vector<int32_t>{}) {}

PostTemplate::PostTemplate(std::vector<int32_t> before, std::vector<int32_t> after)
    : single_(surround(before, after, false)), pair_(surround(before, after, true)) {}

PostTemplate::PostTemplate(std::vector<Part> single, std::vector<Part> pair)
    : single_(std::move(single)), pair_(std::move(pair)) {}

size_t PostTemplate::added(bool is_pair) const {
  const auto& parts = is_pair ? pair_ : single_;
  return static_cast<size_t>(std::count_if(
      parts.begin(), parts.end(), [](const Part& part) { return part.kind == Kind::kId; }));
}

PostTemplate PostTemplate::without_ids() const {
  PostTemplate texts = *this;
  const auto is_id = [](const Part& part) { return part.kind == Kind::kId; };
  std::erase_if(texts.single_, is_id);
  std::erase_if(texts.pair_, is_id);
  return texts;
}

Encoding PostTemplate::apply(Encoding a) const { return fill(single_, &a, nullptr); }

Encoding PostTemplate::apply(Encoding a, Encoding b) const { return fill(pair_, &a, &b); }

PostTemplate read_post_template(const json& processor) {
  if (processor.is_null()) return {};
  const std::string type = processor.at("type");
  if (type == "TemplateProcessing") {
    const json& names = processor.at("special_tokens");
    return {read_parts(processor.at("single"), names), read_parts(processor.at("pair"), names)};
  }
  if (type == "BertProcessing") return bert_processing(processor);
  if (type == "RobertaProcessing") return roberta_processing(processor);
  if (type == "ByteLevel") return {};
  if (type == "Sequence") return read_sequence(processor.at("processors"));
  fail_unknown(type);
}

OffsetTrimming read_offset_trimming(const json& processor) {
  if (processor.is_null()) return {};
  const std::string type = processor.at("type");
  if (type == "ByteLevel" || type == "RobertaProcessing") {
    return {.on = processor.value("trim_offsets", true),
            .prefix_space = processor.value("add_prefix_space", true)};
  }
  if (type != "Sequence") return {};
  for (const json& one : processor.at("processors")) {
    if (const auto trimming = read_offset_trimming(one); trimming.on) return trimming;
  }
  return {};
}

nlohmann::ordered_json post_template_to_json(const PostTemplate& post, const Tokenizer& tokenizer) {
  using OrderedJson = nlohmann::ordered_json;
  if (post.added(false) == 0 && post.added(true) == 0) return nullptr;
  OrderedJson names = OrderedJson::object();
  const auto steps = [&](const std::vector<Part>& parts) {
    OrderedJson list = OrderedJson::array();
    for (const Part& part : parts) {
      if (part.kind != Kind::kId) {
        const char* text = part.kind == Kind::kA ? "A" : "B";
        list.push_back({{"Sequence", {{"id", text}, {"type_id", part.type_id}}}});
        continue;
      }
      const std::string name = tokenizer.piece_of(part.id);
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
