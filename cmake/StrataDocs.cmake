# Pages of docs/ that are generated from TableGen. They are checked in, and a test fails when they are stale.

add_custom_target(refresh-docs COMMENT "Writing the generated pages of docs/")

# strata_add_generated_doc(docs-moe-dialect PAGE docs/dialects/Moe.md SOURCE dialects/Moe/MoeOps.td
#                          OPTIONS "-gen-dialect-doc -dialect=moe"):
# a test of that name compares the page, and `refresh-docs` writes it.
function(strata_add_generated_doc name)
  cmake_parse_arguments(ARG "" "PAGE;SOURCE;OPTIONS" "" ${ARGN})
  set(arguments -DPAGE=${CMAKE_SOURCE_DIR}/${ARG_PAGE} -DSOURCE=${CMAKE_SOURCE_DIR}/${ARG_SOURCE}
                -DTBLGEN=${STRATA_LLVM_ROOT}/bin/mlir-tblgen -DSTRATA_SOURCE=${CMAKE_SOURCE_DIR} -DBUILD=${CMAKE_BINARY_DIR}
                -DINCLUDE=${STRATA_LLVM_ROOT}/include "-DOPTIONS=${ARG_OPTIONS}")
  add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} ${arguments} -DMODE=check -P ${CMAKE_SOURCE_DIR}/cmake/GeneratedDoc.cmake)
  set_tests_properties(${name} PROPERTIES LABELS docs)
  add_custom_target(refresh-${name}
    COMMAND ${CMAKE_COMMAND} ${arguments} -DMODE=write -P ${CMAKE_SOURCE_DIR}/cmake/GeneratedDoc.cmake VERBATIM)
  add_dependencies(refresh-docs refresh-${name})
endfunction()

# strata_add_dialect_doc(Moe dialects/Moe/MoeOps.td): docs/dialects/Moe.md, tested as docs-moe-dialect.
function(strata_add_dialect_doc name source)
  string(TOLOWER ${name} lower)
  strata_add_generated_doc(docs-${lower}-dialect PAGE docs/dialects/${name}.md SOURCE ${source}
    OPTIONS "-gen-dialect-doc -dialect=${lower}")
endfunction()

# strata_add_pass_doc(Moe passes/Moe/Passes.td): docs/passes/Moe.md, tested as docs-moe-passes.
function(strata_add_pass_doc name source)
  string(TOLOWER ${name} lower)
  strata_add_generated_doc(docs-${lower}-passes PAGE docs/passes/${name}.md SOURCE ${source} OPTIONS -gen-pass-doc)
endfunction()
