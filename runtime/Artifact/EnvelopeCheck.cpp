// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"
#include "runtime/Schema/Envelope.h"
#include "runtime/Schema/SchemaHash.h"

#include <fmt/format.h>

namespace strata::artifact {

/// An artifact belongs to the schema it was written by: one major version is refused by another (A03), and what was
/// added since, which the hash shows, is required and not optional (A04).
static Result<void> checkVersion(const schema::Envelope &envelope) {
  bool sameMajor = envelope.major == schema::kSchemaMajor;
  if (sameMajor && envelope.minor == schema::kSchemaMinor && envelope.schemaHash == schema::kSchemaHash)
    return {};
  return refuse(sameMajor ? "A04" : "A03",
                fmt::format("it has artifact schema {}.{} ({:016x}) and this runtime reads {}.{} ({:016x}): recompile "
                            "with strata-compile",
                            envelope.major, envelope.minor, envelope.schemaHash, schema::kSchemaMajor,
                            schema::kSchemaMinor, schema::kSchemaHash));
}

static Result<void> checkLength(const schema::Envelope &envelope, uint64_t fileBytes) {
  uint64_t present = fileBytes - schema::kEnvelopeBytes;
  if (envelope.payloadBytes > present)
    return refuse("A08", fmt::format("it is cut short: {} of its {} bytes after the header are missing; copy or "
                                     "compile it again",
                                     envelope.payloadBytes - present, envelope.payloadBytes));
  if (envelope.payloadBytes < present)
    return refuse("A08", fmt::format("{} bytes follow its end at byte {}; copy or compile it again",
                                     present - envelope.payloadBytes, envelope.payloadBytes + schema::kEnvelopeBytes));
  return {};
}

Result<std::span<const std::byte>> checkEnvelope(std::span<const std::byte> file) {
  if (file.size() < schema::kEnvelopeBytes)
    return refuse("A01", fmt::format("it has {} bytes, fewer than an artifact's header of {}; copy or compile it again",
                                     file.size(), schema::kEnvelopeBytes));
  if (file.size() > schema::kEnvelopeBytes + schema::kMaximumPayloadBytes - 1)
    return refuse("A01",
                  fmt::format("it has {} bytes, and an artifact is smaller than 1 GiB; is it the model?", file.size()));
  auto envelope = schema::decodeEnvelope(file.first<schema::kEnvelopeBytes>());
  if (!envelope)
    return refuse("A02", "it does not begin as an artifact does; give a file that strata-compile wrote");
  STRATA_TRY(checkVersion(*envelope));
  STRATA_TRY(checkLength(*envelope, file.size()));
  std::span<const std::byte> payload = file.subspan(schema::kEnvelopeBytes);
  if (schema::hashPayload(payload) != envelope->payloadHash)
    return refuse("A05", "its content does not have the hash that its header records: it was damaged while compiling "
                         "or copying; copy or compile it again");
  return payload;
}

} // namespace strata::artifact
