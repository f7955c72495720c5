// The embeddings of a folder's pictures, kept in a file: a search reads new and changed pictures
// alone.
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
  std::vector<std::string> files = {};  // as they were named; whole paths where a file was read
  torch::Tensor embeddings = {};        // [N, E], rows of length one
  torch::Tensor stamps = {};            // [N, 2] int64: size in bytes, time of the last change
  torch::Tensor probe = {};  // [1, E]: what the model makes of one picture that is always the same
};

/// Fills `index` with all pictures below `folder`, as `encoder` sees them; from `known` those that
/// are still as they were. An index of another model is of no use: nothing is taken from it. Throws
/// std::runtime_error where there are no pictures, or one cannot be read; `index` then holds those
/// before it.
void index_pictures(ImageTextEncoder& encoder, const std::filesystem::path& folder,
                    const ImageIndex& known, ImageIndex& index,
                    const std::function<void(int64_t done, int64_t all)>& on_progress = {});

/// Whether this model made the index.
bool made_by(const ImageIndex& index, ImageTextEncoder& encoder);

void write_image_index(const ImageIndex& index, const std::filesystem::path& file);
/// Throws std::runtime_error with one line for a file that is none.
ImageIndex read_image_index(const std::filesystem::path& file);

}  // namespace zoo
