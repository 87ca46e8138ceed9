// A model of a dense layer and two with experts, all the way to dispatches.
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 | strata-opt --moe-optimise --convert-moe-to-plan=context=128 | FileCheck %s

// CHECK: plan.settings context 128 sequences 1 prompt_tokens 128 chunk_tokens 128 decode_activations i16 prompt_activations i8 kv f16
// CHECK-NEXT: plan.arena @weights kind weights on host in ram
// CHECK-NEXT: plan.arena @kv kind kv on host in ram
// CHECK-NEXT: plan.arena @decode kind decode on host in ram
// CHECK-NEXT: plan.arena @prompt kind prompt on host in ram
// CHECK-NEXT: plan.arena @chunk kind chunk on host in ram
// CHECK-NEXT: plan.kv_cache in @kv layers 3 blocks 2 blocks_per_sequence 2 block_positions 64 : <latent = 32, rope = 8>

// Layers that have a weight of the same type share a line of the weight table.
// CHECK-NEXT: plan.tensor "token_embd.weight" in ram : tensor<128x64x!moe.q4_0>
// CHECK: plan.tensor "blk.*.attn_norm.weight" layers 0 count 3 in ram : tensor<64xf32>
// CHECK: plan.tensor "blk.*.ffn_gate.weight" layers 0 count 1 in ram
// CHECK: plan.tensor "blk.*.ffn_gate_exps.weight" layers 1 count 2 in ram : tensor<8x32x64x!moe.q4_0>

// CHECK-LABEL: plan.program @decode_step phase decode {
// CHECK: plan.block @embedding {
// CHECK: plan.dispatch embed few on host reads(%tokens, %token_embd.weight) writes(%residual)

// What a product reads is quantised once for all its readers, and residuals are added in place.
// CHECK: plan.block @dense_layer {
// CHECK: plan.stage step {
// CHECK-NEXT: rms_norm few on host reads(%residual, %attn_norm.weight) writes(%attn_norm)
// CHECK-NEXT: quantise few on host reads(%attn_norm) writes(%attn_norm.quantised)
// CHECK-NEXT: matmul few on host reads(%attn_norm.quantised, %attn_q_a.weight, none) writes(%attn_q_a)
// CHECK-NEXT: rms_norm few on host reads(%attn_q_a, %attn_q_a_norm.weight) writes(%attn_q_a_norm)
// CHECK-NEXT: quantise few on host reads(%attn_q_a_norm) writes(%attn_q_a_norm.quantised)
// CHECK-NEXT: matmul few on host reads(%attn_q_a_norm.quantised, %attn_q_b.weight, none) writes(%attn_q_b)
// CHECK-NEXT: matmul few on host reads(%attn_norm.quantised, %attn_kv_a_mqa.weight, none) writes(%attn_kv_a_mqa)
// CHECK-NEXT: query_rope few on host reads(%attn_q_b, %positions) writes(%query_nope, %query_rope) with(#rope)
// CHECK-NEXT: kv_append few on host reads(%attn_kv_a_mqa, %attn_kv_a_norm.weight, %positions, %sequences) writes(%kv) with(#kv_append)
// CHECK-NEXT: quantise few on host reads(%query_nope) writes(%query_nope.quantised)
// CHECK-NEXT: head_matmul few on host reads(%query_nope.quantised, %attn_k_b.weight) writes(%attn_k_b) with(#plan.head<heads = 2>)
// CHECK-NEXT: attention_splits few on host reads(%attn_k_b, %query_rope, %kv, %positions, %sequences) writes(%attention.splits)
// CHECK-NEXT: attention_combine few on host reads(%attention.splits, %positions) writes(%attention)
// CHECK-NEXT: quantise few on host reads(%attention) writes(%attention.quantised)
// CHECK-NEXT: head_matmul few on host reads(%attention.quantised, %attn_v_b.weight) writes(%attn_v_b)
// CHECK-NEXT: quantise few on host reads(%attn_v_b) writes(%attn_v_b.quantised)
// CHECK-NEXT: matmul few on host reads(%attn_v_b.quantised, %attn_output.weight, %residual) writes(%residual)
// CHECK-NEXT: rms_norm few on host reads(%residual, %ffn_norm.weight) writes(%ffn_norm)
// CHECK-NEXT: quantise few on host reads(%ffn_norm) writes(%ffn_norm.quantised)
// CHECK-NEXT: gated_matmul few on host reads(%ffn_norm.quantised, %ffn_gate.weight, %ffn_up.weight) writes(%ffn_gate)
// CHECK-NEXT: quantise few on host reads(%ffn_gate) writes(%ffn_gate.quantised)
// CHECK-NEXT: matmul few on host reads(%ffn_gate.quantised, %ffn_down.weight, %residual) writes(%residual)
// CHECK-NEXT: }

// The router reads the norm in f32, the experts read it quantised.
// CHECK: plan.block @moe_layer {
// CHECK: rms_norm few on host reads(%residual, %ffn_norm.weight) writes(%ffn_norm)
// CHECK-NEXT: matmul few on host reads(%ffn_norm, %ffn_gate_inp.weight, none) writes(%ffn_gate_inp)
// CHECK-NEXT: route few on host reads(%ffn_gate_inp, %exp_probs_b.bias) writes(%expert_ids, %expert_weights)
// CHECK-SAME: with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 2.500000e+00 : f32, normalise = true>)
// CHECK-NEXT: quantise few on host reads(%ffn_norm) writes(%ffn_norm.quantised)
// CHECK-NEXT: experts_gate_up few on host reads(%ffn_norm.quantised, %expert_ids, %ffn_gate_exps.weight, %ffn_up_exps.weight, %ffn_gate_shexp.weight, %ffn_up_shexp.weight) writes(%expert_hidden)
// CHECK-SAME: with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>)
// CHECK-NEXT: quantise few on host reads(%expert_hidden) writes(%expert_hidden.quantised)
// CHECK-NEXT: experts_down few on host reads(%expert_hidden.quantised, %expert_ids, %expert_weights, %ffn_down_exps.weight, %ffn_down_shexp.weight, %residual) writes(%residual)
// CHECK-NEXT: }

// CHECK: plan.block @head {
// CHECK: plan.stage step {
// CHECK: rms_norm few on host reads(%residual, %output_norm.weight) writes(%output_norm)
// CHECK: matmul few on host reads(%output_norm.quantised, %output.weight, none) writes(%logits)
// CHECK: plan.run @embedding
// CHECK-NEXT: plan.run @dense_layer layers 0 count 1
// CHECK-NEXT: plan.run @moe_layer layers 1 count 2
// CHECK-NEXT: plan.run @head

// In a prompt, what a later stage reads has rows for all tokens, and everything else for a chunk. A step can be suspended
// wherever a stage ends: experts have a stage of their own, so that each is read once for all tokens.
// CHECK-LABEL: plan.program @prompt_step phase prompt {
// CHECK-DAG: %residual = plan.buffer "residual" role residual in @prompt : <prompt x 64 x f32>
// CHECK-DAG: %logits = plan.buffer "logits" role logits in @chunk : <output x 128 x f32>
// CHECK: plan.block @dense_layer {
// CHECK: plan.stage chunk {
// CHECK-NOT: plan.stage
// CHECK: plan.block @moe_layer {
// CHECK-DAG: %attn_norm = plan.buffer "attn_norm" role intermediate in @chunk : <chunk x 64 x f32>
// CHECK-DAG: %ffn_norm.quantised = plan.buffer "ffn_norm.quantised" role intermediate in @prompt : <prompt x 64 x activation>
// CHECK-DAG: %expert_ids = plan.buffer "expert_ids" role intermediate in @prompt : <prompt x 2 x i32>
// CHECK-DAG: %expert_hidden = plan.buffer "expert_hidden" role intermediate in @chunk : <chunk x 32 x f32>
// CHECK: plan.stage chunk {
// CHECK: attention many on host reads(%attn_k_b, %query_rope, %kv, %positions, %sequences) writes(%attention)
// CHECK: route many on host
// CHECK: plan.stage prompt {
// CHECK-NEXT: experts many on host reads(%ffn_norm.quantised, %expert_ids, %expert_weights, %ffn_gate_exps.weight, %ffn_up_exps.weight, %ffn_down_exps.weight, %ffn_gate_shexp.weight, %ffn_up_shexp.weight, %ffn_down_shexp.weight, %residual, %expert_sum, %expert_rows, %expert_hidden, %expert_hidden.quantised) writes(%residual, %expert_sum, %expert_rows, %expert_hidden, %expert_hidden.quantised)
// CHECK-NEXT: }
// CHECK: plan.block @head {
// CHECK: plan.stage output {
// CHECK: plan.run @embedding
// CHECK-NEXT: plan.run @dense_layer layers 0 count 1
// CHECK-NEXT: plan.run @moe_layer layers 1 count 2
// CHECK-NEXT: plan.run @head
