// Escaping for pages, and the frame that holds them.
#include "app/figures/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace zoo {
namespace {

using ::testing::HasSubstr;

TEST(HtmlTest, MarkupBecomesTextAndWhatIsNoTextIsReplaced) {
  EXPECT_EQ(html_escape("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(html_escape("\xC3\xA9\n\t"), "\xC3\xA9\n\t");
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(html_escape("\xC3"), bad);
  EXPECT_EQ(html_escape("\x80z"), bad + "z");
  EXPECT_EQ(html_escape(std::string_view("\0\x1b\x7f", 3)), bad + bad + bad);
  EXPECT_EQ(html_escape("\xC0\xBC"), bad + bad) << "an overlong '<'";
  EXPECT_EQ(html_escape("\xED\xA0\x80"), bad + bad + bad) << "a surrogate";
  EXPECT_EQ(valid_utf8("a\xF0\x9F\x98\x80\xF0\x9F"), "a\xF0\x9F\x98\x80" + bad + bad);
}

TEST(HtmlTest, RandomBytesBecomeValidTextWithoutMarkup) {
  std::mt19937 random(13);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t n = random() % 30; n > 0; --n) text += static_cast<char>(random() % 256);
    const std::string escaped = html_escape(text);
    EXPECT_EQ(valid_utf8(escaped), escaped);
    EXPECT_EQ(escaped.find_first_of("<>\"'"), std::string::npos);
  }
}

TEST(HtmlTest, PagesEscapeTheirTitleAndForbidAllLoading) {
  const std::string page = html_page("<b>", "p { color: red }", "<p>body</p>\n");
  EXPECT_THAT(page, HasSubstr("<title>&lt;b&gt;</title>"));
  EXPECT_THAT(page, HasSubstr("p { color: red }</style>"));
  EXPECT_THAT(page, HasSubstr("<body>\n<p>body</p>\n</body>"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

}  // namespace
}  // namespace zoo
