# The tests that are files: lit runs every .mlir and .test below tests/, one ctest test for each folder there.

find_program(STRATA_LIT lit PATHS ${STRATA_LLVM_ROOT}/bin NO_DEFAULT_PATH REQUIRED)

# strata_add_lit_tests(): `lit-FOLDER` for every folder of the current directory that has such files. Needs the tools built.
function(strata_add_lit_tests)
  configure_file(lit.site.cfg.py.in lit.site.cfg.py @ONLY)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.mlir *.test)
  string(REGEX REPLACE "/[^;]*" "" folders "${files}")
  list(REMOVE_DUPLICATES folders)
  foreach(folder IN LISTS folders)
    add_test(NAME lit-${folder} COMMAND ${STRATA_LIT} -v ${CMAKE_CURRENT_BINARY_DIR}/${folder})
    set_tests_properties(lit-${folder} PROPERTIES LABELS lit TIMEOUT 900)
  endforeach()
endfunction()
