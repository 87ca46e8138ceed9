// The whole pipeline on a model with one dense layer and two with experts, in the form that import gives it.
// RUN: %python %S/Inputs/raw_model.py 3 1 | strata-opt --moe-verify-model --moe-optimise | FileCheck %s
// RUN: %python %S/Inputs/raw_model.py 3 1 | strata-opt --moe-optimise=absorb=false | FileCheck %s --check-prefix=EXPANDED

// CHECK-LABEL: moe.block @dense_layer (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>)
// CHECK-NOT: moe.dequant %
// CHECK: %[[N:.*]] = moe.rms_norm %x, %attn_norm
// CHECK: %[[QA:.*]] = moe.dequant_matmul %[[N]], %attn_q_a :
// CHECK: %[[QN:.*]] = moe.rms_norm %[[QA]], %attn_q_a_norm
// CHECK: %[[Q:.*]] = moe.dequant_matmul %[[QN]], %attn_q_b :
// CHECK: %[[KV_A:.*]] = moe.dequant_matmul %[[N]], %attn_kv_a_mqa :
// CHECK: %nope, %rope = moe.query_rope %[[Q]], %positions
// CHECK: %[[CACHE:.*]] = moe.kv_append %[[KV_A]], %attn_kv_a_norm, %positions, %kv
// CHECK: %[[LATENT:.*]] = moe.dequant_head_matmul %nope, %attn_k_b
// CHECK: %[[SUM:.*]] = moe.latent_attention %[[LATENT]], %rope, %[[CACHE]], %positions
// CHECK: %[[VALUES:.*]] = moe.dequant_head_matmul %[[SUM]], %attn_v_b
// CHECK: %[[H:.*]] = moe.dequant_matmul %[[VALUES]], %attn_output residual %x :
// CHECK: %[[M:.*]] = moe.rms_norm %[[H]], %ffn_norm
// CHECK: %[[G:.*]] = moe.gated_matmul %[[M]], %ffn_gate, %ffn_up :
// CHECK: %[[Y:.*]] = moe.dequant_matmul %[[G]], %ffn_down residual %[[H]] :
// CHECK-NEXT: moe.yield %[[Y]]

// CHECK-LABEL: moe.block @moe_layer (
// CHECK-NOT: moe.dequant %
// CHECK: %[[H:.*]] = moe.dequant_matmul %{{.*}}, %attn_output residual %x :
// CHECK: %[[M:.*]] = moe.rms_norm %[[H]], %ffn_norm
// CHECK: %[[L:.*]] = moe.dequant_matmul %[[M]], %ffn_gate_inp : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
// CHECK: %ids, %weights = moe.route sigmoid %[[L]] bias %exp_probs_b groups 2 of 4 experts 2 scale 2.500000e+00 normalise
// CHECK: %[[Y:.*]] = moe.grouped_experts %[[M]], %ids, %weights, %ffn_gate_exps, %ffn_up_exps, %ffn_down_exps
// CHECK-SAME: shared %ffn_gate_shexp, %ffn_up_shexp, %ffn_down_shexp residual %[[H]] :
// CHECK-NEXT: moe.yield %[[Y]]

// CHECK-LABEL: moe.model @main
// CHECK: %[[X:.*]] = moe.embed %tokens, %token_embd
// CHECK-NEXT: %[[A:.*]] = moe.layers @dense_layer(%[[X]], %positions) from 0 count 1 : tensor<?x64xf32>
// CHECK-NEXT: %[[B:.*]] = moe.layers @moe_layer(%[[A]], %positions) from 1 count 2 : tensor<?x64xf32>
// CHECK: %[[N:.*]] = moe.rms_norm %[[B]], %output_norm
// CHECK: %[[LOGITS:.*]] = moe.dequant_matmul %[[N]], %output :
// CHECK-NEXT: moe.return %[[LOGITS]]

// The expanded form stays available.
// EXPANDED-COUNT-2: moe.mla
// EXPANDED-NOT: moe.latent_attention

// 61 layers are 2 blocks, and not a line more than 3 layers are.
// RUN: %python %S/Inputs/raw_model.py 3 1 | strata-opt --moe-optimise | sed 's/[0-9][0-9]*//g' > %t.3
// RUN: %python %S/Inputs/raw_model.py 61 3 | strata-opt --moe-verify-model --moe-optimise | sed 's/[0-9][0-9]*//g' > %t.61
// RUN: cmp %t.3 %t.61
// RUN: %python %S/Inputs/raw_model.py 61 3 | strata-opt --moe-optimise --remark-format=emitRemark --remarks-filter-analyse='moe-.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS

// STATISTICS: Category:moe-absorb-mla | absorbed=61
// STATISTICS: Category:moe-fuse-dequant-matmul | experts=58, products=608
// STATISTICS: Category:moe-fuse-gated-matmul | fused=61
// STATISTICS: Category:moe-group-experts | grouped=58, shared=58
// STATISTICS: Category:moe-fuse-residual | fused=64
// STATISTICS: Category:moe-outline-layers | blocks=2, layers=61, runs=2

// One tensor of another encoding, as an importance matrix makes it, is a third block.
// RUN: %python %S/Inputs/raw_model.py 61 3 blk.0.ffn_down.weight=!moe.q4_1 | strata-opt --moe-optimise | FileCheck %s --check-prefix=THIRD

// THIRD: moe.block @dense_layer (
// THIRD: moe.weight "blk.*.ffn_down.weight" : tensor<64x96x!moe.q4_1>
// THIRD: moe.block @dense_layer_1 (
// THIRD: moe.weight "blk.*.ffn_down.weight" : tensor<64x96x!moe.q4_0>
// THIRD: moe.block @moe_layer (
// THIRD: moe.layers @dense_layer(%{{.*}}) from 0 count 1
// THIRD-NEXT: moe.layers @dense_layer_1(%{{.*}}) from 1 count 2
// THIRD-NEXT: moe.layers @moe_layer(%{{.*}}) from 3 count 58
