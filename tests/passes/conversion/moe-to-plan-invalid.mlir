// RUN: strata-opt %s --convert-moe-to-plan --split-input-file --verify-diagnostics

// Options that contradict, for a model that is fine.
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 | strata-opt --moe-optimise -o %t.moe
// RUN: not strata-opt %t.moe --convert-moe-to-plan=context=0 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not strata-opt %t.moe --convert-moe-to-plan=sequences=0 2>&1 | FileCheck %s --check-prefix=ZERO
// ZERO: error: context and sequences must not be 0
// RUN: not strata-opt %t.moe --convert-moe-to-plan="context=64 prompt-tokens=65" 2>&1 | FileCheck %s --check-prefix=ROWS
// RUN: not strata-opt %t.moe --convert-moe-to-plan="prompt-tokens=64 chunk-tokens=65" 2>&1 | FileCheck %s --check-prefix=ROWS
// ROWS: error: chunk-tokens must be at most prompt-tokens, and that at most context
// RUN: not strata-opt %t.moe --convert-moe-to-plan=split-positions=0 2>&1 | FileCheck %s --check-prefix=SPLITS
// RUN: not strata-opt %t.moe --convert-moe-to-plan=split-positions=100 2>&1 | FileCheck %s --check-prefix=SPLITS
// SPLITS: error: split-positions must be a multiple of 64
// RUN: not strata-opt %t.moe --convert-moe-to-plan=sequences=2147483647 2>&1 | FileCheck %s --check-prefix=BLOCKS
// BLOCKS: error: the KV cache has more than 2^31 - 1 position blocks; choose fewer sequences or a smaller context

// Weights of one row that are not all in blocks.
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 blk.1.ffn_down_shexp.weight=f16 | strata-opt --moe-optimise -o %t.mixed
// RUN: not strata-opt %t.mixed --convert-moe-to-plan 2>&1 | FileCheck %s --check-prefix=PRODUCT
// PRODUCT: error: cannot be one dispatch: some of its weights are quantised in blocks and some are not, but they multiply the same rows; quantise the model again with one type for them

// A model as it is imported: every pass that moe-optimise consists of is missing.
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 | not strata-opt --convert-moe-to-plan 2>&1 | FileCheck %s --check-prefix=RAW
// RAW: error: the module cannot be planned: 6 kinds of operation in it have no dispatch
// RAW-DAG: note: moe.layer, 3 times, first here: run --moe-outline-layers before
// RAW-DAG: note: moe.mla, 3 times, first here: run --moe-absorb-mla before
// RAW-DAG: note: moe.dequant, 34 times, first here: run --moe-fuse-dequant-matmul before
// RAW-DAG: note: moe.silu, 3 times, first here: run --moe-fuse-gated-matmul before
// RAW-DAG: note: moe.mul, 3 times, first here: run --moe-fuse-gated-matmul before
// RAW-DAG: note: moe.experts, 2 times, first here: run --moe-group-experts before

// One report names all that no dispatch computes, with the pass that was left out.

// expected-error @below {{the module cannot be planned: 2 kinds of operation in it have no dispatch}}
module {
  moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
    %w = moe.weight "w" : tensor<64x64x!moe.q4_0>
    // expected-note @below {{moe.dequant, 2 times, first here: run --moe-fuse-dequant-matmul before}}
    %0 = moe.dequant %w : (tensor<64x64x!moe.q4_0>) -> tensor<64x64xf32>
    %1 = moe.dequant %w : (tensor<64x64x!moe.q4_0>) -> tensor<64x64xf32>
    // expected-note @below {{moe.silu, 1 time, first here: run --moe-fuse-gated-matmul before}}
    %2 = moe.silu %x : tensor<?x64xf32>
    moe.yield %2 : tensor<?x64xf32>
  }
}

// -----

// What the pass itself makes has no dispatch.
// expected-error @below {{the module cannot be planned: 1 kind of operation in it has no dispatch}}
module {
  // expected-note @below {{plan.settings, 1 time, first here: no pass replaces it}}
  plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 64 decode_activations i16 prompt_activations i8 kv f16
}

// -----

// expected-error @below {{the module cannot be planned: it has 0 models instead of one}}
module {
}

// -----

// expected-error @below {{the module cannot be planned: it has 2 models instead of one}}
module {
  moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
    moe.yield %x : tensor<?x64xf32>
  }
  moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
      nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
      expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
    %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
    %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
    %2 = moe.dequant_matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
    moe.return %2 : tensor<?x128xf32>
  }
  moe.model @other <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
      nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
      expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
    %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
    %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
    %2 = moe.dequant_matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
    moe.return %2 : tensor<?x128xf32>
  }
}

// -----

// A model without layers.
// expected-error @below {{the model cannot be planned: it has no layers}}
moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.dequant_matmul %0, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %1 : tensor<?x128xf32>
}

// -----

// Layers that do not follow each other.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "blk.*.attn_norm.weight" : tensor<64xf32>
  %0 = moe.rms_norm %x, %w epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  moe.yield %0 : tensor<?x64xf32>
}
moe.model @main <layers = 2, dense_layers = 2, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  // expected-error @below {{cannot be planned: its input is not the result of the layers before}}
  %2 = moe.layers @b(%0, %positions) from 1 count 1 : tensor<?x64xf32>
  %3 = moe.dequant_matmul %2, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %3 : tensor<?x128xf32>
}

// -----

// A block whose result is not added to its input, and so cannot take its place.
// expected-error @below {{the result of b cannot replace its input: the input is used after it}}
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "blk.*.attn_norm.weight" : tensor<64xf32>
  %0 = moe.rms_norm %x, %w epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  moe.yield %0 : tensor<?x64xf32>
}
moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  %3 = moe.dequant_matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %3 : tensor<?x128xf32>
}

// -----

// A layer without weights.
// expected-error @below {{cannot be planned: a layer without weights does nothing of its own}}
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  moe.yield %x : tensor<?x64xf32>
}
moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  %3 = moe.dequant_matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %3 : tensor<?x128xf32>
}
