// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/FreshSlabs.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <sys/mman.h>

namespace strata::bench {

Result<std::unique_ptr<FreshSlabs>> FreshSlabs::open(const std::string &path) {
  STRATA_ASSIGN(gguf::Model model, gguf::Model::open(path));
  std::unique_ptr<FreshSlabs> slabs(new FreshSlabs(std::move(model)));
  const auto &tensors = slabs->model.tensors();
  auto found = std::find_if(tensors.begin(), tensors.end(), [](const gguf::TensorInfo &tensor) {
    return tensor.encoding == Encoding::Q4_0 && tensor.dimensions.size() == 3 &&
           tensor.name.find("_exps.") != std::string::npos;
  });
  if (found == tensors.end())
    return fail(ExitCode::Input, "",
                fmt::format("{} has no experts in Q4_0 whose slabs could be read: give another model, or none",
                            escapeName(path)));
  slabs->tensor = *found;
  slabs->slabBytes = found->bytes / found->dimensions[0];
  STRATA_ASSIGN(slabs->files, WeightFiles::open(slabs->model.files()));
  STRATA_ASSIGN(slabs->reads, openReads(slabs->files, {}));
  slabs->bufferBytes = (Checked(slabs->slabBytes) + 2 * kReadAlignment).alignUp(kReadAlignment).value();
  constexpr uint64_t kHugePage = uint64_t{2} << 20;
  uint64_t allocated = Checked(slabs->bufferBytes).alignUp(kHugePage).value();
  slabs->buffer.reset(std::aligned_alloc(kHugePage, allocated));
  if (!slabs->buffer)
    return fail(ExitCode::Machine, "", fmt::format("{} bytes of memory cannot be had: free memory", allocated));
  madvise(slabs->buffer.get(), allocated, MADV_HUGEPAGE);
  return slabs;
}

Result<BoundOperand> FreshSlabs::next() {
  uint64_t offset = tensor.offset + number++ % tensor.dimensions[0] * slabBytes;
  uint64_t skew = offset % kReadAlignment;
  auto *begin = static_cast<std::byte *>(buffer.get());
  uint64_t asked = Checked(skew + slabBytes).alignUp(kReadAlignment).value();
  for (uint64_t done = 0; done < skew + slabBytes;) {
    ReadRequest request;
    request.file = tensor.file;
    request.offset = offset - skew + done;
    request.to = {begin + done, asked - done};
    reads->submit(request);
    std::array<ReadCompletion, 1> completion;
    while (reads->wait(completion, std::chrono::seconds(1)) == 0)
      ;
    // What comes after a short read must begin at a block of the disk again.
    int64_t result = completion[0].result;
    uint64_t whole = done + static_cast<uint64_t>(std::max<int64_t>(result, 0));
    uint64_t next = whole >= skew + slabBytes ? whole : whole / kReadAlignment * kReadAlignment;
    if (next == done)
      return fail(ExitCode::Machine, "",
                  fmt::format("{} cannot be read at byte {} of its file ({})", escapeName(tensor.name), request.offset,
                              result < 0 ? std::strerror(static_cast<int>(-result)) : "the file ends there"));
    done = next;
  }
  BoundOperand operand;
  operand.kind = schema::OperandKind::weight;
  operand.data = begin + skew;
  operand.encoding = tensor.encoding;
  operand.dimensions = {1, rows(), columns()};
  return operand;
}

} // namespace strata::bench
