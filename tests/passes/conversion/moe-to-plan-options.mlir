// What the options of the conversion change, and what it counts.
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 | strata-opt --moe-optimise -o %t.moe
// RUN: strata-opt %t.moe --convert-moe-to-plan="context=1000 sequences=3 prompt-tokens=700 chunk-tokens=100 decode-activations=f32 prompt-activations=i16 kv=f32 split-positions=128" | FileCheck %s --check-prefix=ALL

// Cache blocks have 64 positions: 16 for 1000. Splits of 128 positions: 8, for two heads with 34 numbers each.
// ALL: plan.settings context 1000 sequences 3 prompt_tokens 700 chunk_tokens 100 decode_activations f32 prompt_activations i16 kv f32
// ALL: plan.kv_cache in @kv layers 3 blocks 48 blocks_per_sequence 16 block_positions 64
// ALL: %attention.splits = plan.buffer "attention.splits" role intermediate in @decode : <step x 544 x f32>
// ALL: split_positions = 128

// Without them a prompt is as long as the context, and a chunk 512 or the prompt.
// RUN: strata-opt %t.moe --convert-moe-to-plan | FileCheck %s --check-prefix=NONE
// NONE: plan.settings context 4096 sequences 1 prompt_tokens 4096 chunk_tokens 512 decode_activations i16 prompt_activations i8 kv f16
// RUN: strata-opt %t.moe --convert-moe-to-plan=context=96 | FileCheck %s --check-prefix=SHORT
// SHORT: plan.settings context 96 sequences 1 prompt_tokens 96 chunk_tokens 96

// RUN: strata-opt %t.moe --convert-moe-to-plan --remark-format=emitRemark --remarks-filter-analyse=convert-moe-to-plan -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS
// STATISTICS: Category:convert-moe-to-plan | dispatches=96, quantise-shared=4

// Experts of another encoding than their shared expert, both in blocks, read one activation.
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 blk.1.ffn_down_exps.weight=!moe.q4_1 blk.1.ffn_down_shexp.weight=!moe.q8_0 | strata-opt --moe-optimise --convert-moe-to-plan | FileCheck %s --check-prefix=MIXED
// MIXED: experts_down few on host reads(%expert_hidden.quantised, %expert_ids, %expert_weights, %ffn_down_exps.weight, %ffn_down_shexp.weight, %residual) writes(%residual)
// MIXED-SAME: tensor<8x64x32x!moe.q4_1>, tensor<64x32x!moe.q8_0>
// MIXED: plan.run @dense_layer layers 0 count 1
// MIXED-NEXT: plan.run @moe_layer layers 1 count 1
// MIXED-NEXT: plan.run @moe_layer_1 layers 2 count 1
