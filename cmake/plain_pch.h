// Headers of others that most sources of the zoo need, precompiled once for those without torch.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>
#if __has_include( \
    <gmock/gmock.h>)  // only the tests include it; a program without tests needs none
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#endif
