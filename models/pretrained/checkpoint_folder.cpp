#include "models/pretrained/checkpoint_folder.h"

namespace zoo {

void check_claim(double parameters, const SafetensorsReader& reader) {
  const auto bytes = reader.bytes();  // a parameter has at least one
  if (parameters <= static_cast<double>(bytes)) return;
  throw std::runtime_error(
      fmt::format("{}: config.json describes at least {:.3g} parameters, more than the {} bytes of "
                  "weights hold",
                  reader.path().string(), parameters, bytes));
}

}  // namespace zoo
