// Shows what a checkpoint is made of: tensors, parameters, operations, memory:
//   inspect runs/shakespeare
//   inspect runs/shakespeare --json
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/cli.h"
#include "app/run_app.h"
#include "infer/inspect/inspection.h"

int main(int argc, char** argv) {
  return zoo::run_app("inspect", [&]() -> int {
    std::string path, model;
    int64_t length = 0;
    bool as_json = false;
    zoo::CommandLine app{"Tensors, parameters, FLOPs and memory of a checkpoint"};
    zoo::add_text(app, "path", path, "Checkpoint folder or safetensors file");
    zoo::add_option(app, "Model", "model", model, "The same");
    zoo::add_option(app, "Output", "length", length,
                    "Tokens of a sequence, for the FLOPs (0: the model's context)");
    zoo::add_option(app, "Output", "json", as_json, "Print one JSON object");
    zoo::set_help(app, {"inspect runs/shakespeare", "inspect --model runs/shakespeare --json"});
    zoo::parse(app, argc, argv);
    if (path.empty() == model.empty())
      throw zoo::UsageError("name one checkpoint folder or safetensors file: inspect PATH");
    if (path.empty()) path = model;
    if (length < 0) throw zoo::UsageError("--length must not be negative");

    const auto inspection = zoo::inspect(path, length);
    std::cout << (as_json
                      ? inspection.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                            "\n"
                      : zoo::inspection_text(inspection));
    return 0;
  });
}
