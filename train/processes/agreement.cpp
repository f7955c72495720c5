#include "train/processes/agreement.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

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
      const auto value = [](const auto& item) {
        return item.second.empty() ? std::string("none") : item.second;
      };
      refuse("the processes differ in " + first[i].first,
             fmt::format("{} has {}", one, value(first[i])),
             fmt::format("{} has {}", two, value(other[i])));
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
