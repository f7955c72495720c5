#include "train/processes/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "base/crc32c.h"

namespace zoo {
namespace {

std::string to_text(const Agreement& items) {
  std::string text;
  for (const auto& [name, value] : items) text += name + "\t" + value + "\n";
  return text;
}

Agreement from_text(const std::string& text) {
  Agreement items;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) continue;
    items.emplace_back(line.substr(0, tab), line.substr(tab + 1));
  }
  return items;
}

/// The first parts that differ of two lists "seed = 1, layers = 2".
std::pair<std::string, std::string> differing_parts(std::string_view a, std::string_view b) {
  const auto part = [](std::string_view list) { return list.substr(0, list.find(", ")); };
  while (!a.empty() && !b.empty() && part(a) == part(b)) {
    const size_t length = part(a).size() + 2;
    a.remove_prefix(std::min(a.size(), length));
    b.remove_prefix(std::min(b.size(), length));
  }
  const auto shown = [&](std::string_view list) {
    return list.empty() ? std::string("none") : std::string(part(list));
  };
  return {shown(a), shown(b)};
}

[[noreturn]] void refuse(const std::string& what, const std::string& first,
                         const std::string& second) {
  throw std::runtime_error(
      fmt::format("{}: {}, {}; start all processes with the same program, command line and data",
                  what, first, second));
}

}  // namespace

void require_agreement(Processes& processes, const Agreement& own) {
  if (processes.size() == 1) return;
  const auto texts = processes.exchange(to_text(own));
  const auto first = from_text(texts.front());
  for (size_t rank = 1; rank < texts.size(); ++rank) {
    if (texts[rank] == texts.front()) continue;
    const auto other = from_text(texts[rank]);
    const auto one = processes.name(0), two = processes.name(static_cast<int64_t>(rank));
    for (size_t i = 0; i < first.size() && i < other.size(); ++i) {
      if (first[i] == other[i]) continue;
      const auto [a, b] = differing_parts(first[i].second, other[i].second);
      refuse("the processes differ in " + first[i].first, fmt::format("{} has {}", one, a),
             fmt::format("{} has {}", two, b));
    }
    refuse("the processes run different programs",
           fmt::format("{} compares {} items", one, first.size()),
           fmt::format("{} compares {}", two, other.size()));
  }
}

std::string program_hash() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  std::string block(1 << 20, '\0');
  uint32_t hash = 0;
  int64_t bytes = 0;
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    hash = crc32c({block.data(), static_cast<size_t>(file.gcount())}, hash);
    bytes += file.gcount();
  }
  return bytes == 0 ? std::string() : fmt::format("{:08x}", hash);
}

}  // namespace zoo
