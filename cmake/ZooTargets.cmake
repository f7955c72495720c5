# What every target of the zoo shares: warnings, sanitizers, precompiled headers, where binaries go.

option(ZOO_CUDA "Build for a CUDA build of LibTorch (--device cuda)" OFF)
option(ZOO_WERROR "Warnings are errors" OFF)
option(ZOO_TESTS "Build the tests" ON)
option(ZOO_PCH "Precompile the headers of others (halves the build time, needs 0.9 GB with g++)" ON)
set(ZOO_SANITIZE "" CACHE STRING "Sanitizer: empty, asan or ubsan")
set_property(CACHE ZOO_SANITIZE PROPERTY STRINGS "" asan ubsan)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(ZOO_CCACHE ccache)
mark_as_advanced(ZOO_CCACHE)
if(ZOO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # ccache handles precompiled headers only when told that their time stamps do not matter.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${ZOO_CCACHE})
endif()

# Language, include folder, warnings, sanitizers.
function(zoo_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC "${PROJECT_SOURCE_DIR}")
  # -fPIC everywhere (CMake would give programs -fPIE): one precompiled header then serves libraries and programs.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual -fPIC)
  if(ZOO_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(ZOO_SANITIZE STREQUAL "asan")
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  elseif(ZOO_SANITIZE STREQUAL "ubsan")
    target_compile_options(${target} PRIVATE -fsanitize=undefined -fno-sanitize-recover=undefined)
    target_link_options(${target} PUBLIC -fsanitize=undefined)
  elseif(ZOO_SANITIZE)
    message(FATAL_ERROR "ZOO_SANITIZE is '${ZOO_SANITIZE}'; known are asan and ubsan")
  endif()
endfunction()

# zoo_target_defaults(target [TORCH]): TORCH says that the sources include torch headers.
function(zoo_target_defaults target)
  cmake_parse_arguments(ARG "TORCH" "" "" ${ARGN})
  zoo_compile_options(${target})
  if(ZOO_PCH AND ARG_TORCH)
    target_precompile_headers(${target} REUSE_FROM zoo_torch_pch)
  elseif(ZOO_PCH)
    target_precompile_headers(${target} REUSE_FROM zoo_plain_pch)
  endif()
endfunction()

# The owners of the precompiled headers, with torch and without. Call once all dependencies are declared. Only headers
# of others are in them: what the zoo's files use of each other, each file names.
function(zoo_add_precompiled_headers)
  if(NOT ZOO_PCH)
    return()
  endif()
  foreach(kind IN ITEMS torch plain)
    add_library(zoo_${kind}_pch OBJECT "${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp")
    target_link_libraries(zoo_${kind}_pch PUBLIC zoo::fmt zoo::json zoo::cli11)
    zoo_compile_options(zoo_${kind}_pch)
    target_precompile_headers(zoo_${kind}_pch PRIVATE "${PROJECT_SOURCE_DIR}/cmake/${kind}_pch.h")
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
      # ccache may bring back a precompiled header that is older than the file it was made from.
      target_compile_options(zoo_${kind}_pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
  endforeach()
  target_link_libraries(zoo_torch_pch PUBLIC zoo::torch)
endfunction()

# zoo_add_library(name [TORCH] SOURCES ... [PUBLIC libraries...] [PRIVATE libraries...]): the library of one room, zoo::name.
# PUBLIC are those that its headers include.
function(zoo_add_library name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(zoo_${name} STATIC ${ARG_SOURCES})
  add_library(zoo::${name} ALIAS zoo_${name})
  target_link_libraries(zoo_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  if(ARG_TORCH)
    zoo_target_defaults(zoo_${name} TORCH)
  else()
    zoo_target_defaults(zoo_${name})
  endif()
endfunction()

# zoo_add_program(FOLDER/name [TORCH] LIBRARIES ...): builds name from FOLDER/name_main.cpp.
function(zoo_add_program path)
  cmake_parse_arguments(ARG "TORCH" "" "LIBRARIES" ${ARGN})
  cmake_path(GET path FILENAME name)
  add_executable(${name} ${path}_main.cpp)
  target_link_libraries(${name} PRIVATE zoo::app ${ARG_LIBRARIES})
  if(ARG_TORCH)
    zoo_target_defaults(${name} TORCH)
  else()
    zoo_target_defaults(${name})
  endif()
  set_property(GLOBAL APPEND PROPERTY ZOO_PROGRAMS ${name})
endfunction()

# zoo_add_test(name [TORCH] [LABEL unit] SOURCES ... LIBRARIES ... [APART suite...]): one executable and one ctest entry a
# folder. APART: suites ("TrainBert*") that take long get an entry of their own, so that ctest runs them side by side.
function(zoo_add_test name)
  cmake_parse_arguments(ARG "TORCH" "LABEL" "SOURCES;LIBRARIES;APART" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE zoo::test_main ${ARG_LIBRARIES})
  if(ARG_TORCH)
    zoo_target_defaults(${name} TORCH)
  else()
    zoo_target_defaults(${name})
  endif()
  # Tests are compiled once and run once: optimising them costs more than it gains.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  list(JOIN ARG_APART ":" apart)
  add_test(NAME ${name} COMMAND ${name} "--gtest_filter=-${apart}" WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set(entries ${name})
  foreach(suite IN LISTS ARG_APART)
    string(REPLACE "*" "" part "${name}_${suite}")
    add_test(NAME ${part} COMMAND ${name} "--gtest_filter=${suite}" WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    list(APPEND entries ${part})
  endforeach()
  set_tests_properties(${entries} PROPERTIES LABELS "${ARG_LABEL}" SKIP_RETURN_CODE 77 TIMEOUT 900
    ENVIRONMENT "OMP_NUM_THREADS=1")  # tests run side by side; threads of tiny models only wait for each other
endfunction()
