// RUN: strata-opt %s | FileCheck %s
// RUN: strata-opt %s | strata-opt | FileCheck %s
// RUN: strata-opt %s --mlir-print-op-generic | strata-opt | FileCheck %s
// RUN: strata-opt %s --verify-roundtrip --emit-bytecode | strata-opt | FileCheck %s

// Every operation once, with all its optional parts and without them: of a decode step,

#kv_append = #plan.kv_append<epsilon = 1.0e-6 : f32, frequencies = [1.0, 0.5, 0.25, 0.125], magnitude = 1.0 : f32>
#rope = #plan.rope<heads = 2, nope = 16, frequencies = [1.0, 0.5, 0.25, 0.125], magnitude = 1.0 : f32>

// CHECK: plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @weights kind weights on host in ram bytes <all = 1024> live <all = 1000>
plan.arena @weights kind weights on host in ram bytes <all = 1024> live <all = 1000>
// CHECK: plan.arena @kv kind kv on host in ram bytes <f16 = 5120, f32 = 10240> live <f16 = 5120, f32 = 10240>
plan.arena @kv kind kv on host in ram bytes <f16 = 5120, f32 = 10240> live <f16 = 5120, f32 = 10240>
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 64, i16 = 128, f32 = 256> live <i8 = 64, i16 = 128, f32 = 256>
plan.arena @decode kind decode on host in ram bytes <i8 = 64, i16 = 128, f32 = 256> live <i8 = 64, i16 = 128, f32 = 256>
// CHECK: plan.arena @prompt kind prompt on host in ram
plan.arena @prompt kind prompt on host in ram
// CHECK: plan.arena @chunk kind chunk on host in ram
plan.arena @chunk kind chunk on host in ram
// CHECK: %kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
// CHECK: plan.tensor "token_embd.weight" in gpu : tensor<16x64x!moe.q8_0>
plan.tensor "token_embd.weight" in gpu : tensor<16x64x!moe.q8_0>
// CHECK: plan.tensor "blk.*.attn_norm.weight" layers 3 count 58 in disk : tensor<64xf32>
plan.tensor "blk.*.attn_norm.weight" layers 3 count 58 in disk : tensor<64xf32>

// CHECK-LABEL: plan.program @decode_step phase decode {
plan.program @decode_step phase decode {
  // CHECK: %tokens = plan.buffer "tokens" role tokens in @decode : <step x 1 x i32>
  %tokens = plan.buffer "tokens" role tokens in @decode : <step x 1 x i32>
  // CHECK: %positions = plan.buffer "positions" role positions in @decode : <step x 1 x i32>
  %positions = plan.buffer "positions" role positions in @decode : <step x 1 x i32>
  // CHECK: %sequences = plan.buffer "sequences" role sequences in @decode : <step x 1 x i32>
  %sequences = plan.buffer "sequences" role sequences in @decode : <step x 1 x i32>
  // CHECK: %residual = plan.buffer "residual" role residual in @decode : <step x 64 x f32>
  %residual = plan.buffer "residual" role residual in @decode : <step x 64 x f32>
  // CHECK: %logits = plan.buffer "logits" role logits in @decode : <step x 64 x f32>
  %logits = plan.buffer "logits" role logits in @decode : <step x 64 x f32>
  // CHECK: plan.block @embedding {
  plan.block @embedding {
    %emb = plan.weight "token_embd.weight" : tensor<16x64x!moe.q8_0>
    // CHECK: plan.stage step {
    plan.stage step {
      // CHECK: plan.dispatch embed few on host reads(%tokens, %token_embd.weight) writes(%residual) : (!plan.buffer<step x 1 x i32>, tensor<16x64x!moe.q8_0>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch embed few on host reads(%tokens, %emb) writes(%residual) : (!plan.buffer<step x 1 x i32>, tensor<16x64x!moe.q8_0>) -> !plan.buffer<step x 64 x f32>
    }
  }
  // CHECK: plan.block @layer {
  plan.block @layer {
    // CHECK: %norm = plan.weight "blk.*.norm" : tensor<64xf32>
    %norm = plan.weight "blk.*.norm" : tensor<64xf32>
    // CHECK: %latent_norm = plan.weight "blk.*.latent_norm" : tensor<32xf32>
    %latent_norm = plan.weight "blk.*.latent_norm" : tensor<32xf32>
    // CHECK: %a = plan.weight "blk.*.a" : tensor<48x64x!moe.q4_0>
    %a = plan.weight "blk.*.a" : tensor<48x64x!moe.q4_0>
    // CHECK: %square = plan.weight "blk.*.square" : tensor<64x64x!moe.q8_0>
    %square = plan.weight "blk.*.square" : tensor<64x64x!moe.q8_0>
    // CHECK: %k_b = plan.weight "blk.*.k_b" : tensor<2x32x16xf16>
    %k_b = plan.weight "blk.*.k_b" : tensor<2x32x16xf16>
    // CHECK: %router = plan.weight "blk.*.router" : tensor<8x64xf32>
    %router = plan.weight "blk.*.router" : tensor<8x64xf32>
    // CHECK: %bias = plan.weight "blk.*.bias" : tensor<8xf32>
    %bias = plan.weight "blk.*.bias" : tensor<8xf32>
    // CHECK: %gate = plan.weight "blk.*.gate" : tensor<8x32x64x!moe.q4_0>
    %gate = plan.weight "blk.*.gate" : tensor<8x32x64x!moe.q4_0>
    // CHECK: %up = plan.weight "blk.*.up" : tensor<8x32x64x!moe.q4_1>
    %up = plan.weight "blk.*.up" : tensor<8x32x64x!moe.q4_1>
    // CHECK: %down = plan.weight "blk.*.down" : tensor<8x64x32x!moe.q4_0>
    %down = plan.weight "blk.*.down" : tensor<8x64x32x!moe.q4_0>
    // CHECK: %sgate = plan.weight "blk.*.sgate" : tensor<32x64x!moe.q4_0>
    %sgate = plan.weight "blk.*.sgate" : tensor<32x64x!moe.q4_0>
    // CHECK: %sup = plan.weight "blk.*.sup" : tensor<32x64x!moe.q4_0>
    %sup = plan.weight "blk.*.sup" : tensor<32x64x!moe.q4_0>
    // CHECK: %sdown = plan.weight "blk.*.sdown" : tensor<64x32x!moe.q4_1>
    %sdown = plan.weight "blk.*.sdown" : tensor<64x32x!moe.q4_1>
    // CHECK: %x = plan.buffer "x" role intermediate in @decode at <i8 = 0, i16 = 64, f32 = 128> : <step x 64 x f32>
    %x = plan.buffer "x" role intermediate in @decode at <i8 = 0, i16 = 64, f32 = 128> : <step x 64 x f32>
    %xq = plan.buffer "xq" role intermediate in @decode : <step x 64 x activation>
    %q = plan.buffer "q" role intermediate in @decode : <step x 48 x f32>
    %nope = plan.buffer "nope" role intermediate in @decode : <step x 32 x f32>
    %rope = plan.buffer "rope" role intermediate in @decode : <step x 16 x f32>
    %kva = plan.buffer "kva" role intermediate in @decode : <step x 40 x f32>
    %absorbed = plan.buffer "absorbed" role intermediate in @decode : <step x 64 x f32>
    %parts = plan.buffer "parts" role intermediate in @decode : <step x 68 x f32>
    %latent = plan.buffer "latent" role intermediate in @decode : <step x 64 x f32>
    %scores = plan.buffer "scores" role intermediate in @decode : <step x 8 x f32>
    %ids = plan.buffer "ids" role intermediate in @decode : <step x 2 x i32>
    %shares = plan.buffer "shares" role intermediate in @decode : <step x 2 x f32>
    %hidden = plan.buffer "hidden" role intermediate in @decode : <step x 96 x f32>
    %hq = plan.buffer "hq" role intermediate in @decode : <step x 96 x activation>
    %sum = plan.buffer "sum" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // CHECK: plan.dispatch rms_norm few on host reads(%residual, %norm) writes(%x) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch rms_norm few on host reads(%residual, %norm) writes(%x) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
      // CHECK: plan.dispatch quantise few on host reads(%x) writes(%xq) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
      plan.dispatch quantise few on host reads(%x) writes(%xq) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
      // CHECK: plan.dispatch matmul few on host reads(%xq, %a, none) writes(%q) : (!plan.buffer<step x 64 x activation>, tensor<48x64x!moe.q4_0>) -> !plan.buffer<step x 48 x f32>
      plan.dispatch matmul few on host reads(%xq, %a, none) writes(%q) : (!plan.buffer<step x 64 x activation>, tensor<48x64x!moe.q4_0>) -> !plan.buffer<step x 48 x f32>
      // CHECK: plan.dispatch query_rope few on host reads(%q, %positions) writes(%nope, %rope) with(#rope) : (!plan.buffer<step x 48 x f32>, !plan.buffer<step x 1 x i32>) -> (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 16 x f32>)
      plan.dispatch query_rope few on host reads(%q, %positions) writes(%nope, %rope) with(#rope) : (!plan.buffer<step x 48 x f32>, !plan.buffer<step x 1 x i32>) -> (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 16 x f32>)
      // CHECK: plan.dispatch kv_append few on host reads(%kva, %latent_norm, %positions, %sequences) writes(%kv) with(#kv_append) : (!plan.buffer<step x 40 x f32>, tensor<32xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
      plan.dispatch kv_append few on host reads(%kva, %latent_norm, %positions, %sequences) writes(%kv) with(#kv_append) : (!plan.buffer<step x 40 x f32>, tensor<32xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
      // CHECK: plan.dispatch head_matmul few on host reads(%nope, %k_b) writes(%absorbed) with(#plan.head<heads = 2>) : (!plan.buffer<step x 32 x f32>, tensor<2x32x16xf16>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch head_matmul few on host reads(%nope, %k_b) writes(%absorbed) with(#plan.head<heads = 2>) : (!plan.buffer<step x 32 x f32>, tensor<2x32x16xf16>) -> !plan.buffer<step x 64 x f32>
      // CHECK: plan.dispatch attention_splits few on host reads(%absorbed, %rope, %kv, %positions, %sequences) writes(%parts) with(#plan.attention<heads = 2, scale = 1.250000e-01 : f32, split_positions = 64>) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 68 x f32>
      plan.dispatch attention_splits few on host reads(%absorbed, %rope, %kv, %positions, %sequences) writes(%parts) with(#plan.attention<heads = 2, scale = 1.250000e-01 : f32, split_positions = 64>) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 68 x f32>
      // CHECK: plan.dispatch attention_combine few on host reads(%parts, %positions) writes(%latent) with(#plan.attention<heads = 2, scale = 1.250000e-01 : f32, split_positions = 64>) : (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch attention_combine few on host reads(%parts, %positions) writes(%latent) with(#plan.attention<heads = 2, scale = 1.250000e-01 : f32, split_positions = 64>) : (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
      // CHECK: plan.dispatch matmul few on host reads(%xq, %square, %residual) writes(%residual) : (!plan.buffer<step x 64 x activation>, tensor<64x64x!moe.q8_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch matmul few on host reads(%xq, %square, %residual) writes(%residual) : (!plan.buffer<step x 64 x activation>, tensor<64x64x!moe.q8_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      // CHECK: plan.dispatch gated_matmul few on host reads(%xq, %square, %square) writes(%sum) : (!plan.buffer<step x 64 x activation>, tensor<64x64x!moe.q8_0>, tensor<64x64x!moe.q8_0>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch gated_matmul few on host reads(%xq, %square, %square) writes(%sum) : (!plan.buffer<step x 64 x activation>, tensor<64x64x!moe.q8_0>, tensor<64x64x!moe.q8_0>) -> !plan.buffer<step x 64 x f32>
      // CHECK: plan.dispatch matmul few on host reads(%x, %router, none) writes(%scores) : (!plan.buffer<step x 64 x f32>, tensor<8x64xf32>) -> !plan.buffer<step x 8 x f32>
      plan.dispatch matmul few on host reads(%x, %router, none) writes(%scores) : (!plan.buffer<step x 64 x f32>, tensor<8x64xf32>) -> !plan.buffer<step x 8 x f32>
      // CHECK: plan.dispatch route few on host reads(%scores, %bias) writes(%ids, %shares) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 2.500000e+00 : f32, normalise = true>) : (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
      plan.dispatch route few on host reads(%scores, %bias) writes(%ids, %shares) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 2.500000e+00 : f32, normalise = true>) : (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
      // CHECK: plan.dispatch route few on host reads(%scores, none) writes(%ids, %shares) with(#plan.route<gate = softmax, groups = 1, groups_used = 1, experts_used = 2, scale = 1.000000e+00 : f32, normalise = false>) : (!plan.buffer<step x 8 x f32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
      plan.dispatch route few on host reads(%scores, none) writes(%ids, %shares) with(#plan.route<gate = softmax, groups = 1, groups_used = 1, experts_used = 2, scale = 1.000000e+00 : f32, normalise = false>) : (!plan.buffer<step x 8 x f32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
      // CHECK: plan.dispatch experts_gate_up few on host reads(%xq, %ids, %gate, %up, %sgate, %sup) writes(%hidden) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>) : (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_1>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
      plan.dispatch experts_gate_up few on host reads(%xq, %ids, %gate, %up, %sgate, %sup) writes(%hidden) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>) : (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_1>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
      // CHECK: plan.dispatch experts_down few on host reads(%hq, %ids, %shares, %down, %sdown, %residual) writes(%residual) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>) : (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<8x64x32x!moe.q4_0>, tensor<64x32x!moe.q4_1>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch experts_down few on host reads(%hq, %ids, %shares, %down, %sdown, %residual) writes(%residual) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>) : (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<8x64x32x!moe.q4_0>, tensor<64x32x!moe.q4_1>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      // CHECK: plan.dispatch add few on host reads(%residual, %sum) writes(%residual) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%residual, %sum) writes(%residual) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  // CHECK: plan.run @embedding
  plan.run @embedding
  // CHECK: plan.run @layer layers 3 count 58
  plan.run @layer layers 3 count 58
}

// and of a prompt.

// CHECK-LABEL: plan.program @prompt_step phase prompt {
plan.program @prompt_step phase prompt {
  %positions = plan.buffer "positions" role positions in @prompt : <prompt x 1 x i32>
  %sequences = plan.buffer "sequences" role sequences in @prompt : <prompt x 1 x i32>
  %residual = plan.buffer "residual" role residual in @prompt : <prompt x 64 x f32>
  plan.block @layer {
    %gate = plan.weight "blk.*.gate" : tensor<8x32x64x!moe.q4_0>
    %up = plan.weight "blk.*.up" : tensor<8x32x64x!moe.q4_1>
    %down = plan.weight "blk.*.down" : tensor<8x64x32x!moe.q4_0>
    %sgate = plan.weight "blk.*.sgate" : tensor<32x64x!moe.q4_0>
    %sup = plan.weight "blk.*.sup" : tensor<32x64x!moe.q4_0>
    %sdown = plan.weight "blk.*.sdown" : tensor<64x32x!moe.q4_1>
    %absorbed = plan.buffer "absorbed" role intermediate in @chunk : <chunk x 64 x f32>
    %rope = plan.buffer "rope" role intermediate in @chunk : <chunk x 16 x f32>
    %y = plan.buffer "y" role intermediate in @chunk : <chunk x 64 x f32>
    %xq = plan.buffer "xq" role intermediate in @prompt : <prompt x 64 x activation>
    %ids = plan.buffer "ids" role intermediate in @prompt : <prompt x 2 x i32>
    %shares = plan.buffer "shares" role intermediate in @prompt : <prompt x 2 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    // CHECK: plan.stage chunk {
    plan.stage chunk {
      // CHECK: plan.dispatch attention many on host reads(%absorbed, %rope, %kv, %positions, %sequences) writes(%y) with(#plan.attention<heads = 2, scale = 1.250000e-01 : f32, split_positions = 64>) : (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<prompt x 1 x i32>) -> !plan.buffer<chunk x 64 x f32>
      plan.dispatch attention many on host reads(%absorbed, %rope, %kv, %positions, %sequences) writes(%y) with(#plan.attention<heads = 2, scale = 1.250000e-01 : f32, split_positions = 64>) : (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<prompt x 1 x i32>) -> !plan.buffer<chunk x 64 x f32>
    }
    // CHECK: plan.stage prompt {
    plan.stage prompt {
      // CHECK: plan.dispatch experts many on host reads(%xq, %ids, %shares, %gate, %up, %down, %sgate, %sup, %sdown, %residual, %sum, %rows, %h, %hq) writes(%residual, %sum, %rows, %h, %hq) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>) : (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_1>, tensor<8x64x32x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<64x32x!moe.q4_1>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>) -> (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>)
      plan.dispatch experts many on host reads(%xq, %ids, %shares, %gate, %up, %down, %sgate, %sup, %sdown, %residual, %sum, %rows, %h, %hq) writes(%residual, %sum, %rows, %h, %hq) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>) : (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_1>, tensor<8x64x32x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<64x32x!moe.q4_1>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>) -> (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>)
    }
    // CHECK: plan.stage output {
    plan.stage output {
    }
  }
  plan.run @layer layers 3 count 58
}
