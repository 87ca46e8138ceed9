# The first 16 hexadecimal digits of the schema's SHA-256, without its comments and white space.
file(READ ${SCHEMA} text)
string(REGEX REPLACE "//[^\n]*" "" text "${text}")
string(REGEX REPLACE "[ \t\r\n]+" " " text "${text}")
string(SHA256 digest "${text}")
string(SUBSTRING ${digest} 0 16 digest)
file(WRITE ${OUTPUT} "// Generated from artifact.fbs.\n#pragma once\n#include <cstdint>\nnamespace strata::schema {\ninline constexpr uint64_t kSchemaHash = 0x${digest};\n}\n")
