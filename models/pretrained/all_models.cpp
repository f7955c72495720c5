#include "models/pretrained/all_models.h"

#include "models/pretrained/bert/bert_checkpoint.h"
#include "models/pretrained/clip/clip_checkpoint.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "models/pretrained/transformer/recurrent_checkpoint.h"
#include "models/pretrained/transformer/transformer_checkpoint.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "models/pretrained/vision/vit_checkpoint.h"

namespace zoo {

const ModelRegistry& all_models() {
  static const ModelRegistry registry = [] {
    ModelRegistry all;
    register_gpt(all);
    register_transformer(all);
    register_recurrent(all);
    register_vit(all);
    register_clip(all);
    register_image_classifiers(all);
    register_bert(all);
    return all;
  }();
  return registry;
}

}  // namespace zoo
