# zoo::fmt: LibTorch's copy of fmt, because a system library of another version does not go with it. What of its headers
# need not be a template is compiled once: header-only, it is half the time of compiling most files.
if(EXISTS "${LibTorch_ROOT}/include/fmt/core.h")
  # A folder of its own, so that programs without torch see fmt and none of torch's headers.
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/fmt-headers")
  file(CREATE_LINK "${LibTorch_ROOT}/include/fmt" "${PROJECT_BINARY_DIR}/fmt-headers/fmt" SYMBOLIC COPY_ON_ERROR)
  add_library(zoo_fmt STATIC "${PROJECT_SOURCE_DIR}/cmake/fmt.cpp")
  target_compile_features(zoo_fmt PUBLIC cxx_std_20)
  target_include_directories(zoo_fmt SYSTEM PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/fmt-headers>" "$<INSTALL_INTERFACE:include/zoo/external>")
  set_target_properties(zoo_fmt PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
else()
  find_package(fmt 12 REQUIRED)
  add_library(zoo_fmt INTERFACE)
  target_link_libraries(zoo_fmt INTERFACE fmt::fmt)
endif()
add_library(zoo::fmt ALIAS zoo_fmt)
