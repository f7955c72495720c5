// Runs a checkpoint folder on tensors and writes what comes out, named as in Hugging Face's
// `transformers`:
//   forward --model runs/shakespeare --inputs in.safetensors --outputs out.safetensors
// in.safetensors holds input_ids [B, T] and, if wanted, attention_mask and position_ids;
// out.safetensors gets logits and last_hidden_state, with --hidden-states and --attentions more.

#include "app/cli.h"
#include "app/run_app.h"
#include "models/device.h"
#include "models/pretrained/all_models.h"

int main(int argc, char** argv) {
  return zoo::run_app("forward", [&]() -> int {
    zoo::ForwardRequest request;
    std::filesystem::path inputs, outputs;
    std::string device = "auto";
    int64_t threads = 0;
    zoo::CommandLine app{"Run a checkpoint on tensors from a safetensors file"};
    zoo::make_required(zoo::add_option(app, "Files", "model", request.model, "Checkpoint folder"));
    zoo::make_required(
        zoo::add_option(app, "Files", "inputs", inputs, "safetensors file with input_ids"));
    zoo::make_required(
        zoo::add_option(app, "Files", "outputs", outputs, "safetensors file to write"));
    zoo::add_option(app, "Outputs", "hidden-states", request.hidden_states,
                    "Also hidden_states.N: embeddings, then each layer's output");
    zoo::add_option(app, "Outputs", "attentions", request.attentions,
                    "Also attentions.N: each layer's attention weights");
    zoo::add_options(app, "Longer texts", request.lengths);
    zoo::add_option(app, "Machine", "attention", request.attention,
                    "Attention kernel (unset: matmul with --attentions, else torch)");
    zoo::add_option(app, "Machine", "device", device, "auto, cpu, cuda or cuda:N");
    zoo::add_option(app, "Machine", "threads", threads, "CPU threads (0: all cores)");
    zoo::set_help(
        app, {"forward --model runs/shakespeare --inputs in.safetensors --outputs out.safetensors",
              "forward --model runs/shakespeare --inputs in.safetensors --outputs "
              "out.safetensors --attentions"});
    zoo::parse(app, argc, argv);

    zoo::set_threads(threads);
    request.device = zoo::find_device(device);
    const zoo::SafetensorsReader file(inputs);
    zoo::write_safetensors(outputs, zoo::forward(zoo::all_models(), request, file));
    return 0;
  });
}
