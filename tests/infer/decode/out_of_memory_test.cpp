// Too large a tensor is an error in one line, not the end of the program, although the tokenizers'
// library is in it, too (cmake/Dependencies.cmake: whose FLAGS_minloglevel).
#include <c10/util/Logging.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "app/run_app.h"

namespace zoo {
namespace {

#if defined(__has_feature)
#define ZOO_HAS_FEATURE(feature) __has_feature(feature)
#else
#define ZOO_HAS_FEATURE(feature) 0
#endif

TEST(OutOfMemoryTest, IsAnErrorInOneLine) {
  ASSERT_FALSE(FLAGS_caffe2_use_fatal_for_enforce) << "LibTorch would abort";
#if defined(__SANITIZE_ADDRESS__) || ZOO_HAS_FEATURE(address_sanitizer)
  GTEST_SKIP() << "the sanitizer ends programs that ask for so much";
#endif
  ::testing::internal::CaptureStderr();
  const int code = run_app("prog", [] {
    torch::empty({int64_t{1} << 50}, torch::kByte);
    return 0;
  });
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "prog: out of memory: 1125899906842624 bytes at once; choose a smaller model, context "
            "or batch size\n");
  EXPECT_EQ(code, 1);
}

}  // namespace
}  // namespace zoo
