# How Strata's own libraries, tools and tests are declared.

set(STRATA_WARNINGS -Wall -Wextra -Wpedantic -Werror)
# Narrowing is how "all sizes come from a file" becomes a hole: forbidden below the compiler.
set(STRATA_RUNTIME_WARNINGS ${STRATA_WARNINGS} -Wconversion -Wshadow)
set(STRATA_SANITIZE "" CACHE STRING "Sanitizers for all targets, as -fsanitize= takes them")

function(strata_common target)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  # Sums have a written order (docs/numbers.md): the compiler may neither fuse nor reorder them.
  target_compile_options(${target} PRIVATE -ffp-contract=off)
  if(STRATA_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${STRATA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${STRATA_SANITIZE})
  endif()
endfunction()

# strata_add_library(StrataWeights SOURCES a.cpp LINK StrataBase): no LLVM.
function(strata_add_library target)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${target} STATIC ${ARG_SOURCES})
  strata_common(${target})
  target_compile_options(${target} PRIVATE ${STRATA_RUNTIME_WARNINGS})
  target_link_libraries(${target} PUBLIC ${ARG_LINK})
endfunction()

# strata_add_mlir_library(StrataMoe SOURCES a.cpp DEPENDS MoeIncGen LINK StrataSupport): uses MLIR's shared library.
function(strata_add_mlir_library target)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${target} STATIC ${ARG_SOURCES})
  strata_common(${target})
  target_include_directories(${target} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_compile_options(${target} PRIVATE ${STRATA_WARNINGS} -Wno-unused-parameter)
  target_link_libraries(${target} PUBLIC ${ARG_LINK} MLIR LLVM)
  if(ARG_DEPENDS)
    add_dependencies(${target} ${ARG_DEPENDS})
  endif()
endfunction()

# strata_add_tool(strata-run SOURCES strata-run.cpp LINK StrataExec [MLIR])
function(strata_add_tool target)
  cmake_parse_arguments(ARG "MLIR" "" "SOURCES;LINK" ${ARGN})
  add_executable(${target} ${ARG_SOURCES})
  strata_common(${target})
  if(ARG_MLIR)
    target_include_directories(${target} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
    target_compile_options(${target} PRIVATE ${STRATA_WARNINGS} -Wno-unused-parameter)
    target_link_libraries(${target} PRIVATE ${ARG_LINK} MLIR LLVM)
  else()
    target_compile_options(${target} PRIVATE ${STRATA_RUNTIME_WARNINGS})
    target_link_libraries(${target} PRIVATE ${ARG_LINK})
  endif()
endfunction()

# strata_add_test(WeightsTest SOURCES GgufTest.cpp LINK StrataWeights [LABELS slow]): one GoogleTest program, run by ctest.
# STRATA_TEST_MODELS, STRATA_DERIVED_MODELS and STRATA_BIN tell it where tests/models, the models derived from them
# (tests/models/CMakeLists.txt) and the tools are.
function(strata_add_test target)
  cmake_parse_arguments(ARG "MLIR" "" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${target} ${ARG_SOURCES})
  strata_common(${target})
  if(ARG_MLIR)
    target_include_directories(${target} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
    target_link_libraries(${target} PRIVATE MLIR LLVM)
  endif()
  target_compile_options(${target} PRIVATE ${STRATA_WARNINGS})
  if(ARG_MLIR)
    # The ops that TableGen generates have parameters without a use.
    target_compile_options(${target} PRIVATE -Wno-unused-parameter)
  endif()
  target_compile_definitions(${target} PRIVATE
    STRATA_TEST_MODELS="${CMAKE_SOURCE_DIR}/tests/models"
    STRATA_DERIVED_MODELS="${CMAKE_BINARY_DIR}/tests/models"
    STRATA_BIN="${CMAKE_BINARY_DIR}/bin")
  add_dependencies(${target} StrataDerivedModels)
  target_link_libraries(${target} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest_main)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${target} COMMAND ${target})
  set_tests_properties(${target} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 600)
endfunction()
