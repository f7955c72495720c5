#include "tests/models/every_family.h"

#include "models/pretrained/bert/bert_checkpoint.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "models/pretrained/transformer/transformer_checkpoint.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "models/vision/cct.h"
#include "tests/models/bert/tiny_berts.h"
#include "tests/models/gpt/tiny_gpts.h"
#include "tests/models/vision/tiny_vits.h"

namespace zoo::testing {
namespace {

constexpr int64_t kVocabulary = 17;

/// [2, T] int64: other ids for each n
torch::Tensor tokens(int64_t T, int64_t n) {
  const auto numbers = torch::arange(2 * T, torch::kLong) * (5 + n) + 3 * n + 2;
  return numbers.remainder(kVocabulary).view({2, T});
}

torch::Tensor pixels(int64_t n, int64_t height, int64_t width, torch::Dtype dtype) {
  const auto numbers = torch::arange(2 * 3 * height * width, torch::kDouble);
  return torch::sin(numbers * 1.7 + static_cast<double>(n)).view({2, 3, height, width}).to(dtype);
}

torch::Tensor lengths(int64_t first, int64_t second) {
  return torch::tensor({first, second}, torch::kLong);
}

template <class Options>
Options changed(Options options, const StackChange& change) {
  options.d_model = 12;
  options.heads = 2;
  options.layers = 2;
  change.stack(options);
  if constexpr (std::is_base_of_v<PositionOptions, Options>)
    if (change.positions) change.positions(options);
  torch::manual_seed(3);
  return options;
}

FamilyModel family_model(Gpt gpt) {
  gpt->eval();
  const auto answer = [](Gpt model, int64_t n) { return model(tokens(4 + n % 3, n)); };
  return {
      .module = gpt.ptr(),
      .answer = [=](int64_t n) { return answer(gpt, n); },
      .protected_part =
          [=](bool changed_too) {
            auto model = gpt;
            auto ids = tokens(6, 1);
            if (changed_too) ids.narrow(1, 4, 2).add_(1).remainder_(kVocabulary);
            return model(ids).narrow(1, 0, 4);
          },
      .save = [=](const std::filesystem::path& folder) { save_gpt(gpt, folder, {}); },
      .load = [](const std::filesystem::path& folder) { return family_model(load_gpt(folder)); }};
}

FamilyModel make_gpt(const StackChange& change) {
  return family_model(Gpt(changed(tiny_gpt(), change)));
}

FamilyModel family_model(BertTaskModel bert) {
  bert->eval();
  const auto answer = [](BertTaskModel model, const torch::Tensor& ids, int64_t real) {
    const BertContext context{.args = {.key_lengths = lengths(ids.size(1), real)}};
    return model->masked_lm_logits(model->bert->forward(ids, context));
  };
  return {
      .module = bert.ptr(),
      .answer = [=](int64_t n) { return answer(bert, tokens(4 + n % 3, n), 2 + n % 3); },
      .protected_part =
          [=](bool changed_too) {
            auto ids = tokens(6, 1);
            if (changed_too) ids[1].narrow(0, 3, 3).add_(1).remainder_(kVocabulary);
            return answer(bert, ids, 3)[1].narrow(0, 0, 3);
          },
      .save = [=](const std::filesystem::path& folder) { save_bert(bert, folder, {}, {}); },
      .load = [](const std::filesystem::path& folder) { return family_model(load_bert(folder)); }};
}

FamilyModel make_bert(const StackChange& change) {
  return family_model(BertTaskModel(BertTaskOptions{.bert = changed(tiny_bert(), change)}));
}

FamilyModel family_model(Transformer transformer) {
  transformer->eval();
  const auto answer = [](Transformer model, int64_t n) {
    const int64_t S = 4 + n % 3;
    return model->forward(tokens(S, n), lengths(S, S - 1), tokens(3 + n % 4, n + 1));
  };
  return {
      .module = transformer.ptr(),
      .answer = [=](int64_t n) { return answer(transformer, n); },
      .protected_part =
          [=](bool changed_too) {
            auto model = transformer;
            auto source = tokens(6, 1), target = tokens(5, 2);
            if (changed_too) {
              source[1].narrow(0, 3, 3).add_(1).remainder_(kVocabulary);  // padding
              target.narrow(1, 3, 2).add_(1).remainder_(kVocabulary);     // future
            }
            return model->forward(source, lengths(6, 3), target)[1].narrow(0, 0, 3);
          },
      .save =
          [=](const std::filesystem::path& folder) { save_transformer(transformer, folder, {}); },
      .load =
          [](const std::filesystem::path& folder) {
            return family_model(load_transformer(folder));
          }};
}

FamilyModel make_transformer(const StackChange& change) {
  TransformerOptions options = TransformerOptions::tiny();
  options.vocab_size = kVocabulary;
  options.context = 12;
  options.feed_forward = 20;
  options.encoder_layers = options.decoder_layers = 2;
  return family_model(Transformer(changed(options, change)));
}

/// The second row of a batch alone.
torch::Tensor second_row(ImageClassifier& model, torch::Tensor batch, bool changed) {
  if (changed) batch[0].neg_();
  return model.forward(batch)[1];
}

template <class Model>
FamilyModel image_family(Model model, int64_t height, int64_t width,
                         std::function<torch::Tensor(Model, int64_t)> answer) {
  model->eval();
  return {
      .module = model.ptr(),
      .answer = [=](int64_t n) { return answer(model, n); },
      .protected_part =
          [=](bool changed) {
            auto& module = const_cast<typename Model::ContainedType&>(*model);
            const auto dtype = module.parameters().front().scalar_type();
            return second_row(module, pixels(1, height, width, dtype), changed);
          },
      .save =
          [=](const std::filesystem::path& folder) { save_image_classifier(*model, folder, {}); },
      .load =
          [=](const std::filesystem::path& folder) {
            auto loaded = std::dynamic_pointer_cast<typename Model::ContainedType>(
                load_image_classifier(folder).model);
            return image_family<Model>(Model(loaded), height, width, answer);
          }};
}

FamilyModel make_vit(const StackChange& change) {
  return image_family<Vit>(Vit(changed(tiny_vit(), change)), 6, 7, [](Vit model, int64_t n) {
    const auto dtype = model->parameters().front().scalar_type();
    // Of several sizes, but for a mixer whose matrices have one.
    const bool any_size = model->options.mixer != MixerKind::kLinformer;
    const auto images =
        any_size ? pixels(n, 6 + 3 * (n % 2), 7 + 2 * (n % 3), dtype) : pixels(n, 6, 7, dtype);
    return model->logits_of(model->hidden_of(model->encode(images, {.interpolate = true})));
  });
}

FamilyModel make_cct(const StackChange& change) {
  CctOptions options;
  options.image_size = 8;
  options.channels = 3;
  options.classes = 5;
  options.feed_forward = 20;
  options.attention_dropout = options.drop_path = 0.0;
  options.init_std = 0.3;
  return image_family<Cct>(Cct(changed(options, change)), 8, 8, [](Cct model, int64_t n) {
    return model->forward(pixels(n, 8, 8, model->parameters().front().scalar_type()));
  });
}

}  // namespace

const std::vector<Family>& every_family() {
  static const std::vector<Family> families = {{"gpt", true, make_gpt},
                                               {"bert", true, make_bert},
                                               {"transformer", true, make_transformer},
                                               {"vit", false, make_vit},
                                               {"cct", false, make_cct}};
  return families;
}

}  // namespace zoo::testing
