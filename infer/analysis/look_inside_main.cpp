// Why does a model answer as it does?
//   look_inside lens --model runs/shakespeare --text "To be, or not to"
//   look_inside induction --model runs/shakespeare --length 25
//   look_inside heads --model runs/shakespeare --text "To be, or not to be" --out heads
//   look_inside patch --model gpt2 --text "The cat sat" --corrupted "The dog sat" --out patch
//   look_inside embeddings --model runs/shakespeare --text "abcdef" --out embeddings
//   look_inside statistics --model runs/shakespeare --text "To be, or not to be"
//   look_inside probe --model bert --data reviews.tsv --seed 1
//   look_inside influence --model runs/genres --data reviews.tsv --text "A fine film" --label good
//   look_inside needle --model runs/needle --context 256 --window 60 --sinks 4 --out needle
// Prints the answer and tables; --out writes a page, PNG files and JSON.
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "app/run_app.h"
#include "infer/analysis/look_command.h"

int main(int argc, char** argv) {
  return zoo::run_app("look_inside", [&] {
    zoo::LookRequest request;
    zoo::CommandLine app{"Shows why a model answers as it does", "look_inside"};
    zoo::add_look_options(app, request);
    zoo::set_help(
        app,
        {"look_inside lens --model runs/shakespeare --text \"To be, or not to\"",
         "look_inside heads --model runs/shakespeare --text \"To be, or not to be\" --out heads"},
        {"text", "pair", "source", "target", "image", "data", "top", "seed", "device", "out",
         "json"});
    zoo::parse(app, argc, argv);
    zoo::check_look_options(app, request);

    const auto opened = zoo::open_for_look(request);
    const zoo::LookResult result = zoo::look(opened, request);
    std::vector<std::filesystem::path> files;
    if (!request.out.empty()) files = zoo::write_look(request.out, result);
    if (request.as_json) {
      nlohmann::json all = result.json;
      all["model"] = request.model.folder.string();
      all["verb"] = request.verb;
      all["files"] = nlohmann::json::array();
      for (const auto& file : files) all["files"].push_back(file.string());
      std::cout << zoo::json_line(all) << '\n';
      return 0;
    }
    std::cout << zoo::look_text(result);
    for (const auto& file : files) std::cout << file.string() << '\n';
    return 0;
  });
}
