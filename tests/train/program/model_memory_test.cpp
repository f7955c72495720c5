// Training that no machine has the memory for is refused.
#include "train/program/model_memory.h"

#include <gmock/gmock.h>

#include "base/usage_error.h"
#include "models/cost/bert_cost.h"
#include "models/cost/gpt_cost.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(TrainingMemoryTest, RefusesWhatNoMachineHas) {
  GptOptions gpt;
  check_memory(cost_of(gpt, 1), {}, {});
  gpt.layers = 2'147'483'647;
  EXPECT_THAT([&] { check_memory(cost_of(gpt, 1), {}, {}); },
              ThrowsMessage<UsageError>(::testing::AllOf(HasSubstr("2147483647 layers"),
                                                         HasSubstr("choose fewer layers"))));
  BertOptions bert;
  bert.layers = 100'000'000;
  bert.d_model = bert.heads = 1;  // a hundred million small things
  EXPECT_THROW(check_memory(cost_of(bert, 1), {}, {}), UsageError);
}

}  // namespace
}  // namespace zoo
