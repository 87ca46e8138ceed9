// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/Checksums.h"

#include "runtime/Weights/Limits.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <new>
#include <xxhash.h>

namespace strata {

bool isExpertTensor(const gguf::TensorInfo &tensor) {
  std::string_view name = tensor.name;
  return tensor.dimensions.size() == 3 && name.find(".ffn_") != std::string_view::npos &&
         (name.ends_with("_exps.weight"));
}

uint64_t checksumPieceBytes(const gguf::TensorInfo &tensor) {
  return isExpertTensor(tensor) ? tensor.bytes / tensor.dimensions.front() : kChecksumPieceBytes;
}

uint64_t checksumPieces(const gguf::TensorInfo &tensor) {
  uint64_t piece = checksumPieceBytes(tensor);
  return tensor.bytes / piece + (tensor.bytes % piece != 0 ? 1 : 0);
}

ChecksumStream::ChecksumStream() : state(XXH3_createState()) {
  if (!state)
    throw std::bad_alloc();
  reset();
}
void ChecksumStream::Free::operator()(XXH3_state_s *of) const {
  XXH3_freeState(of);
}
void ChecksumStream::reset() {
  XXH3_64bits_reset(state.get());
}
void ChecksumStream::update(std::span<const std::byte> bytes) {
  XXH3_64bits_update(state.get(), bytes.data(), bytes.size());
}
uint64_t ChecksumStream::finish() const {
  return XXH3_64bits_digest(state.get());
}
uint64_t checksumOf(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

static tl::unexpected<Error> refuse(std::string_view id, const std::string &path, std::string_view what) {
  return fail(ExitCode::Input, id,
              fmt::format("the checksums {} cannot be used: {}; delete the file and run strata-verify again",
                          escapeName(path), what));
}

/// S01: the file is there and whole.
static Result<std::span<const std::byte>> checkFile(const std::string &path, std::span<const std::byte> file,
                                                    const schema::Identifier &identifier) {
  if (file.size() < schema::kEnvelopeBytes)
    return refuse("S01", path, fmt::format("it has only {} bytes", file.size()));
  auto envelope = schema::decodeEnvelope(file.first<schema::kEnvelopeBytes>(), identifier);
  if (!envelope)
    return refuse("S01", path, "it does not begin as checksums do");
  if (envelope->major != schema::kSumsMajor)
    return refuse("S02", path,
                  fmt::format("they have format {} and this version reads {}", envelope->major, schema::kSumsMajor));
  std::span<const std::byte> payload = file.subspan(schema::kEnvelopeBytes);
  if (envelope->payloadBytes != payload.size() || schema::hashPayload(payload) != envelope->payloadHash)
    return refuse("S01", path, "the file is damaged");
  return payload;
}

/// S04: what it says about a tensor is what the model's header says.
static bool matches(const schema::TensorSumsT &sums, const gguf::TensorInfo &info) {
  return sums.name == info.name && sums.file == info.file && sums.offset == info.offset && sums.bytes == info.bytes &&
         sums.piece_bytes == checksumPieceBytes(info) && sums.hashes.size() == checksumPieces(info);
}

static Result<void> checkMeaning(const std::string &path, const schema::SumsT &sums, bool whole,
                                 const gguf::Model &model) {
  if (!std::equal(sums.fingerprint.begin(), sums.fingerprint.end(), model.fingerprint().begin(),
                  model.fingerprint().end()))
    return refuse("S03", path, fmt::format("they are of another model than {}", model.files().front().path));
  for (const auto &tensor : sums.tensors) {
    const gguf::TensorInfo *info = model.findTensor(tensor->name);
    if (!info || !matches(*tensor, *info))
      return refuse(
          "S04", path,
          fmt::format("what they say about the tensor \"{}\" is not so in the model", escapeName(tensor->name)));
  }
  if (whole && sums.tensors.size() != model.tensors().size())
    return refuse(
        "S04", path,
        fmt::format("they are of {} tensors and the model has {}", sums.tensors.size(), model.tensors().size()));
  return {};
}

static Result<std::vector<std::byte>> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || file.bad())
    return refuse("S01", path, "it cannot be read");
  std::vector<std::byte> result(bytes.size());
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

Result<schema::SumsT> readSums(const std::string &path, const schema::Identifier &identifier,
                               const gguf::Model &model) {
  STRATA_ASSIGN(std::vector<std::byte> file, readFile(path));
  STRATA_ASSIGN(std::span<const std::byte> payload, checkFile(path, file, identifier));
  const auto *bytes = reinterpret_cast<const uint8_t *>(payload.data());
  flatbuffers::Verifier::Options options;
  options.max_tables = 4 * gguf::limits::kTensors;
  flatbuffers::Verifier verifier(bytes, payload.size(), options);
  if (payload.size() < 8 || !schema::SumsBufferHasIdentifier(bytes) || !schema::VerifySumsBuffer(verifier))
    return refuse("S01", path, "its content is not well-formed");
  schema::SumsT sums;
  schema::GetSums(bytes)->UnPackTo(&sums);
  STRATA_TRY(checkMeaning(path, sums, identifier == schema::kSumsIdentifier, model));
  return sums;
}

std::vector<std::byte> packSums(const schema::SumsT &sums, const schema::Identifier &identifier) {
  flatbuffers::FlatBufferBuilder builder;
  schema::FinishSumsBuffer(builder, schema::Sums::Pack(builder, &sums));
  auto payload = std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
  schema::Envelope envelope;
  envelope.major = schema::kSumsMajor;
  envelope.minor = 0;
  envelope.payloadBytes = payload.size();
  envelope.payloadHash = schema::hashPayload(payload);
  auto header = schema::encodeEnvelope(envelope, identifier);
  std::vector<std::byte> file(header.size() + payload.size());
  std::copy(payload.begin(), payload.end(), std::copy(header.begin(), header.end(), file.begin()));
  return file;
}

Checksums Checksums::of(const schema::SumsT &sums) {
  Checksums result;
  for (const auto &tensor : sums.tensors)
    result.tensors[tensor->name] = {tensor->piece_bytes, tensor->name.ends_with("_exps.weight"), tensor->hashes};
  return result;
}

Result<Checksums> Checksums::load(const std::string &path, const gguf::Model &model) {
  STRATA_ASSIGN(schema::SumsT sums, readSums(path, schema::kSumsIdentifier, model));
  return of(sums);
}

const TensorChecksums *Checksums::find(std::string_view tensor) const {
  auto found = tensors.find(std::string(tensor));
  return found == tensors.end() ? nullptr : &found->second;
}

std::string sumsPathBeside(const std::string &modelPath) {
  return modelPath + ".sums";
}

std::string describePiece(std::string_view tensor, bool slabs, uint64_t piece) {
  return fmt::format("tensor \"{}\", {} {}", escapeName(tensor), slabs ? "expert" : "piece", piece);
}

tl::unexpected<Error> damagedPiece(const gguf::Place &place, uint64_t offset, std::string_view tensor, bool slabs,
                                   uint64_t piece, uint64_t expected, uint64_t found) {
  return place.failAt("F05", offset,
                      fmt::format("the data of {} is damaged: its checksum is {:016x} and was {:016x}; check the disk "
                                  "and get the file again",
                                  describePiece(tensor, slabs, piece), found, expected));
}

} // namespace strata
