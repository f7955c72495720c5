# Lessons: percent-format files that become programs (notebooks-cpp/kernel/tangle.py).
find_program(ZOO_PYTHON python3)
mark_as_advanced(ZOO_PYTHON)
if(NOT ZOO_PYTHON)
  message(STATUS "python3 not found: lessons are not built")
endif()

# zoo_add_lesson(NN_topic LIBRARIES ...): from NN_topic.cpp the program lesson_NN_topic and its ctest entry, label lesson; a
# second entry tells whether NN_topic.ipynb beside it holds the same text and code (scripts/notebook.sh --weave NN).
function(zoo_add_lesson name)
  if(NOT ZOO_PYTHON)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "LIBRARIES" ${ARGN})
  set(kernel "${PROJECT_SOURCE_DIR}/notebooks-cpp/kernel")
  set(lesson "${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp")
  set(program "${CMAKE_CURRENT_BINARY_DIR}/lesson_${name}.cpp")
  add_custom_command(OUTPUT "${program}"
    COMMAND "${ZOO_PYTHON}" "${kernel}/tangle.py" "${lesson}" "${program}"
    DEPENDS "${lesson}" "${kernel}/tangle.py" "${kernel}/lesson.py" "${kernel}/cpp_source.py"
    COMMENT "Tangling ${name}"
    VERBATIM)
  add_executable(lesson_${name} "${program}")
  target_link_libraries(lesson_${name} PRIVATE zoo::nb ${ARG_LIBRARIES})
  zoo_target_defaults(lesson_${name} TORCH)
  # Compiled once and run once, as tests are.
  target_compile_options(lesson_${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  add_test(NAME lesson_${name} COMMAND lesson_${name} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(lesson_${name} PROPERTIES LABELS lesson TIMEOUT 300 ENVIRONMENT "OMP_NUM_THREADS=1")
  add_test(NAME notebook_${name} COMMAND "${ZOO_PYTHON}" "${kernel}/weave.py" --check "${lesson}")
  set_tests_properties(notebook_${name} PROPERTIES LABELS unit)
endfunction()
