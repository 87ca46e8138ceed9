// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Programs as text: one line for every dispatch, its operands by name.
#include "tools/dump/Dump.h"

#include <iterator>

namespace strata {

namespace {

using Text = std::back_insert_iterator<std::string>;

std::string operandName(const schema::Operand &operand, const schema::Program &program, const schema::Block &block) {
  switch (operand.kind()) {
  case schema::OperandKind::value:
    return "%" + dump::name(program.values()->Get(operand.index())->name());
  case schema::OperandKind::weight:
    return dump::name(block.weights()->Get(operand.index())->name());
  case schema::OperandKind::kv:
    return "kv";
  case schema::OperandKind::none:
    break;
  }
  return "-";
}

std::string operandNames(const flatbuffers::Vector<const schema::Operand *> &operands, const schema::Program &program,
                         const schema::Block &block) {
  std::string text;
  for (const schema::Operand *operand : operands)
    text += (text.empty() ? "" : ", ") + operandName(*operand, program, block);
  return text;
}

std::string rope(float magnitude, const flatbuffers::Vector<float> &frequencies) {
  return fmt::format("magnitude {}, {} frequencies from {} to {}", magnitude, frequencies.size(),
                     frequencies.size() ? frequencies.Get(0) : 0, frequencies.size() ? *(frequencies.end() - 1) : 0);
}

std::string parameters(const schema::Dispatch &dispatch) {
  switch (dispatch.parameters_type()) {
  case schema::Parameters::NormParameters:
    return fmt::format("epsilon {}", dispatch.parameters_as_NormParameters()->epsilon());
  case schema::Parameters::RopeParameters: {
    const auto &rotation = *dispatch.parameters_as_RopeParameters();
    return fmt::format("heads {}, nope {}, {}", rotation.heads(), rotation.nope(),
                       rope(rotation.magnitude(), *rotation.frequencies()));
  }
  case schema::Parameters::KvAppendParameters: {
    const auto &append = *dispatch.parameters_as_KvAppendParameters();
    return fmt::format("epsilon {}, {}", append.epsilon(), rope(append.magnitude(), *append.frequencies()));
  }
  case schema::Parameters::AttentionParameters: {
    const auto &attention = *dispatch.parameters_as_AttentionParameters();
    return fmt::format("heads {}, scale {}, split positions {}", attention.heads(), attention.scale(),
                       attention.split_positions());
  }
  case schema::Parameters::HeadParameters:
    return fmt::format("heads {}", dispatch.parameters_as_HeadParameters()->heads());
  case schema::Parameters::RouteParameters: {
    const auto &route = *dispatch.parameters_as_RouteParameters();
    return fmt::format("gate {}, groups {} of {}, experts used {}, scale {}{}", schema::EnumNameGate(route.gate()),
                       route.groups_used(), route.groups(), route.experts_used(), route.scale(),
                       route.normalise() ? ", normalised" : "");
  }
  case schema::Parameters::ExpertParameters: {
    const auto &experts = *dispatch.parameters_as_ExpertParameters();
    return fmt::format("experts {} of {}, width {}, shared width {}", experts.experts_used(), experts.experts(),
                       experts.width(), experts.shared_width());
  }
  case schema::Parameters::EventParameters:
    return fmt::format("event {}", dispatch.parameters_as_EventParameters()->event());
  case schema::Parameters::StreamParameters: {
    const auto &arenas = *dispatch.parameters_as_StreamParameters();
    return fmt::format("through arena {} into arena {}", arenas.ring(), arenas.staging());
  }
  case schema::Parameters::NoParameters:
  case schema::Parameters::NONE:
    break;
  }
  return "";
}

void writeBlock(Text out, const schema::Program &program, const schema::Block &block) {
  fmt::format_to(out, "\nblock {}\n", dump::name(block.name()));
  if (block.weights())
    for (const schema::WeightSlot *slot : *block.weights())
      fmt::format_to(out, "  weight {:<36}{:<7}{}\n", dump::name(slot->name()), dump::encoding(slot->encoding()),
                     dump::shape(*slot->dimensions()));
  for (const schema::Stage *stage : *block.stages()) {
    fmt::format_to(out, "  stage over {} rows\n", schema::EnumNameRows(stage->rows()));
    for (const schema::Dispatch *dispatch : *stage->dispatches()) {
      std::string settings = parameters(*dispatch);
      fmt::format_to(out, "    {:<18}{:<5}{:<5}{} -> {}{}\n", schema::EnumNameOperation(dispatch->operation()),
                     schema::EnumNameForm(dispatch->form()), schema::EnumNameDeviceKind(dispatch->device()),
                     operandNames(*dispatch->reads(), program, block),
                     operandNames(*dispatch->writes(), program, block),
                     settings.empty() ? "" : fmt::format("  {{{}}}", settings));
    }
  }
}

void writeRun(Text out, const schema::Program &program, const schema::Run &run) {
  std::string block = dump::name(program.blocks()->Get(run.block())->name());
  if (!run.per_layer())
    fmt::format_to(out, "run {}\n", block);
  else if (run.layers() == 1)
    fmt::format_to(out, "run {} for layer {}\n", block, run.first_layer());
  else
    fmt::format_to(out, "run {} for layers {} to {}\n", block, run.first_layer(),
                   uint64_t{run.first_layer()} + run.layers() - 1);
}

} // namespace

std::string dumpPrograms(const LoadedArtifact &artifact) {
  std::string text;
  Text out(text);
  for (const schema::Program *program : *artifact.root().programs()) {
    fmt::format_to(out, "{}", dump::banner(fmt::format("The {} program", schema::EnumNamePhase(program->phase()))));
    for (const schema::Run *run : *program->runs())
      writeRun(out, *program, *run);
    for (const schema::Block *block : *program->blocks())
      writeBlock(out, *program, *block);
  }
  return text;
}

} // namespace strata
