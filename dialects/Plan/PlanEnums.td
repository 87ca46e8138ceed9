// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The enumerations of runtime/Schema/artifact.fbs, with its names and numbers.
#ifndef STRATA_DIALECTS_PLAN_PLANENUMS_TD
#define STRATA_DIALECTS_PLAN_PLANENUMS_TD

include "dialects/Plan/PlanDialect.td"
include "mlir/IR/EnumAttr.td"

class Plan_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::strata::plan";
}

def Plan_ActivationEncoding : Plan_Enum<"ActivationEncoding", "How an activation row is stored", [
  I32EnumAttrCase<"i8", 0>, I32EnumAttrCase<"i16", 1>, I32EnumAttrCase<"f32", 2>]>;

def Plan_KvEncoding : Plan_Enum<"KvEncoding", "How the KV cache is stored", [
  I32EnumAttrCase<"f16", 0>, I32EnumAttrCase<"f32", 1>]>;

def Plan_Tier : Plan_Enum<"Tier", "Where bytes live", [
  I32EnumAttrCase<"gpu", 0>, I32EnumAttrCase<"ram", 1>, I32EnumAttrCase<"disk", 2>]>;

def Plan_DeviceKind : Plan_Enum<"DeviceKind", "What runs a dispatch", [
  I32EnumAttrCase<"host", 0>, I32EnumAttrCase<"gpu", 1>]>;

def Plan_ArenaKind : Plan_Enum<"ArenaKind", "What an arena holds", [
  I32EnumAttrCase<"weights", 0>, I32EnumAttrCase<"kv", 1>, I32EnumAttrCase<"decode", 2>, I32EnumAttrCase<"prompt", 3>,
  I32EnumAttrCase<"chunk", 4>, I32EnumAttrCase<"experts", 5>, I32EnumAttrCase<"staging", 6>]>;

def Plan_CachePolicy : Plan_Enum<"CachePolicy", "Which of the experts in slots makes room for another", [
  I32EnumAttrCase<"pinned", 0>, I32EnumAttrCase<"lru", 1>, I32EnumAttrCase<"lfu", 2>, I32EnumAttrCase<"pinned_lru", 3>]>;

def Plan_Rows : Plan_Enum<"Rows", "How many rows a buffer has, or over which rows a stage runs", [
  I32EnumAttrCase<"step", 0>, I32EnumAttrCase<"chunk", 1>, I32EnumAttrCase<"prompt", 2>, I32EnumAttrCase<"output", 3>]>;

def Plan_Element : Plan_Enum<"Element", "What the numbers of a row are", [
  I32EnumAttrCase<"f32", 0>, I32EnumAttrCase<"i32", 1>, I32EnumAttrCase<"activation", 2>]>;

def Plan_Role : Plan_Enum<"Role", "What a buffer is for", [
  I32EnumAttrCase<"intermediate", 0>, I32EnumAttrCase<"tokens", 1>, I32EnumAttrCase<"positions", 2>,
  I32EnumAttrCase<"sequences", 3>, I32EnumAttrCase<"residual", 4>, I32EnumAttrCase<"logits", 5>]>;

def Plan_OperationKind : Plan_Enum<"OperationKind", "What a dispatch computes", [
  I32EnumAttrCase<"embed", 0>, I32EnumAttrCase<"rms_norm", 1>, I32EnumAttrCase<"quantise", 2>, I32EnumAttrCase<"matmul", 3>,
  I32EnumAttrCase<"gated_matmul", 4>, I32EnumAttrCase<"head_matmul", 5>, I32EnumAttrCase<"query_rope", 6>,
  I32EnumAttrCase<"kv_append", 7>, I32EnumAttrCase<"attention_splits", 8>, I32EnumAttrCase<"attention_combine", 9>,
  I32EnumAttrCase<"attention", 10>, I32EnumAttrCase<"route", 11>, I32EnumAttrCase<"experts_gate_up", 12>,
  I32EnumAttrCase<"experts_down", 13>, I32EnumAttrCase<"experts", 14>, I32EnumAttrCase<"add", 15>,
  I32EnumAttrCase<"experts_grouped", 16>, I32EnumAttrCase<"rms_norm_quantise", 17>, I32EnumAttrCase<"rms_norm_both", 18>,
  I32EnumAttrCase<"transfer", 19>, I32EnumAttrCase<"wait", 20>, I32EnumAttrCase<"stream", 21>]>;

def Plan_Form : Plan_Enum<"Form", "Which order sums have", [I32EnumAttrCase<"few", 0>, I32EnumAttrCase<"many", 1>]>;

def Plan_Gate : Plan_Enum<"Gate", "What makes scores of a router's numbers", [
  I32EnumAttrCase<"softmax", 0>, I32EnumAttrCase<"sigmoid", 1>]>;

def Plan_Phase : Plan_Enum<"Phase", "Which entry point a program is", [
  I32EnumAttrCase<"decode", 0>, I32EnumAttrCase<"prompt", 1>]>;

#endif
