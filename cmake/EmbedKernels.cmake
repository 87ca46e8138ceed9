# Writes the files KERNELS of FOLDER as string literals: what compiler/Codegen/KernelSources.cpp looks up.
set(text "// Generated from compiler/Codegen/Kernels.\n#include \"compiler/Codegen/KernelSources.h\"\n\nnamespace strata {\n\n")
string(APPEND text "std::span<const KernelText> kernelTexts() {\n  static constexpr KernelText kTexts[] = {\n")
foreach(kernel IN LISTS KERNELS)
  file(READ ${FOLDER}/${kernel} source)
  string(APPEND text "{\"${kernel}\", R\"cuh(${source})cuh\"},\n")
endforeach()
string(APPEND text "  };\n  return kTexts;\n}\n\n} // namespace strata\n")
file(WRITE ${OUTPUT} "${text}")
