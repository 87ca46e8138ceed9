# Writes a generated page, or fails when the one checked in differs (StrataDocs.cmake).
separate_arguments(OPTIONS)
execute_process(COMMAND ${TBLGEN} ${OPTIONS} -I ${INCLUDE} -I ${STRATA_SOURCE} ${SOURCE}
  OUTPUT_VARIABLE text ERROR_VARIABLE errors RESULT_VARIABLE status)
if(status)
  message(FATAL_ERROR "mlir-tblgen could not make ${PAGE}:\n${errors}")
endif()
# The file ends in one line feed, however many the generator writes.
string(REGEX REPLACE "\n+$" "\n" text "${text}")

if(MODE STREQUAL "write")
  file(WRITE ${PAGE} "${text}")
  return()
endif()
set(current "")
if(EXISTS ${PAGE})
  file(READ ${PAGE} current)
endif()
if(NOT current STREQUAL text)
  message(FATAL_ERROR "${PAGE} is stale: run 'cmake --build ${BUILD} --target refresh-docs' and commit the page")
endif()
