# strata_add_tool_test(NAME FILE.py): a Python test that runs the tools as processes (tests/support/strata_test.py).
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(strata_add_tool_test name file)
  add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900 ENVIRONMENT
    "PYTHONPATH=${CMAKE_SOURCE_DIR}/tests/support;STRATA_BIN=${CMAKE_BINARY_DIR}/bin;STRATA_MODELS=${CMAKE_SOURCE_DIR}/tests/models;STRATA_DERIVED_MODELS=${CMAKE_BINARY_DIR}/tests/models;STRATA_WORK=${CMAKE_BINARY_DIR}/tests/work")
endfunction()
