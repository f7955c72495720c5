// The embeddings of a folder's images, stored in a file: a search encodes only new and changed
// images.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "infer/retrieval/image_text_encoder.h"

namespace zoo {

struct ImageIndex {
  std::vector<std::string> files = {};  // as they were named; full paths if a file was read
  torch::Tensor embeddings = {};        // [N, E], rows of length one
  torch::Tensor stamps = {};            // [N, 2] int64: size in bytes, time of the last change
  torch::Tensor probe = {};  // [1, E]: what the model makes of one picture that is always the same
};

/// Fills `index` with the embeddings of all images below `folder`; takes unchanged ones from
/// `known`, unless another model made it. Throws std::runtime_error if there are no images, or one
/// cannot be read; `index` then holds those before it.
void index_pictures(ImageTextEncoder& encoder, const std::filesystem::path& folder,
                    const ImageIndex& known, ImageIndex& index,
                    const std::function<void(int64_t done, int64_t all)>& on_progress = {});

/// Whether this model made the index.
bool made_by(const ImageIndex& index, ImageTextEncoder& encoder);

void write_image_index(const ImageIndex& index, const std::filesystem::path& file);
/// Throws std::runtime_error with one line if the file is not an index.
ImageIndex read_image_index(const std::filesystem::path& file);

}  // namespace zoo
