// Continues a prompt with a GPT-2 or Llama folder, whoever wrote it:
//   embed_generate FOLDER "Once upon a time"
#include <zoo/infer/decode/decode.h>
#include <zoo/infer/generation/gpt_decoder.h>
#include <zoo/models/pretrained/gpt/gpt_checkpoint.h>
#include <zoo/tokenizers/tokenizer.h>

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: embed_generate FOLDER PROMPT\n";
    return 2;
  }
  const std::string folder = argv[1], prompt = argv[2];

  const auto tokenizer = zoo::load_tokenizer(folder);
  const auto ids = tokenizer->ids(prompt);
  const std::vector<std::vector<int64_t>> prompts{{ids.begin(), ids.end()}};

  zoo::GptDecoder decoder(zoo::load_gpt(folder));
  const zoo::DecodeOptions options{
      .max_new_tokens = 100, .seed = 1, .sampling = {.temperature = 0.8, .top_k = 50}};

  std::cout << prompt;
  const auto show = [&](int64_t /*row*/, int64_t token) {
    std::cout << tokenizer->bytes_of(static_cast<int32_t>(token)) << std::flush;
    return true;  // false ends the text here
  };
  zoo::decode(decoder, decoder.start(/*batch=*/1), prompts, options, show);
  std::cout << '\n';
  return 0;
} catch (const std::exception& error) {
  std::cerr << "embed_generate: " << error.what() << '\n';
  return 1;
}
