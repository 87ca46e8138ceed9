// The weight table, and what runs. One layer's experts are in another encoding, as an importance matrix makes them.
// RUN: %python %S/../moe/Inputs/raw_model.py 4 1 blk.2.ffn_down_exps.weight=!moe.q4_1 | strata-opt --moe-optimise --convert-moe-to-plan -o %t.plan
// RUN: FileCheck %s --input-file=%t.plan
// RUN: grep -c 'plan.tensor' %t.plan | FileCheck %s --check-prefix=COUNT

// Weights of no layer come first, those of layers in the order of the blocks. A line is for neighbouring layers of one type.
// CHECK: plan.kv_cache
// CHECK-NEXT: plan.tensor "token_embd.weight" in ram : tensor<128x64x!moe.q4_0>
// CHECK-NEXT: plan.tensor "output_norm.weight" in ram : tensor<64xf32>
// CHECK-NEXT: plan.tensor "output.weight" in ram : tensor<128x64x!moe.q4_0>
// CHECK-NEXT: plan.tensor "blk.*.attn_norm.weight" layers 0 count 4 in ram : tensor<64xf32>
// CHECK: plan.tensor "blk.*.ffn_down.weight" layers 0 count 1 in ram : tensor<64x96x!moe.q4_0>
// CHECK-NEXT: plan.tensor "blk.*.ffn_gate_inp.weight" layers 1 count 3 in ram : tensor<8x64xf32>
// CHECK: plan.tensor "blk.*.ffn_down_exps.weight" layers 1 count 1 in ram : tensor<8x64x32x!moe.q4_0>
// CHECK-NEXT: plan.tensor "blk.*.ffn_down_exps.weight" layers 3 count 1 in ram : tensor<8x64x32x!moe.q4_0>
// CHECK: plan.tensor "blk.*.ffn_down_exps.weight" layers 2 count 1 in ram : tensor<8x64x32x!moe.q4_1>
// CHECK-NEXT: plan.program @decode_step
// COUNT: {{^}}26{{$}}

// A block stands once, however often it runs.
// CHECK: plan.block @embedding {
// CHECK: plan.block @dense_layer {
// CHECK: plan.block @moe_layer {
// CHECK: plan.block @moe_layer_1 {
// CHECK: plan.block @head {
// CHECK-NOT: plan.block
// CHECK: plan.run @embedding
// CHECK-NEXT: plan.run @dense_layer layers 0 count 1
// CHECK-NEXT: plan.run @moe_layer layers 1 count 1
// CHECK-NEXT: plan.run @moe_layer_1 layers 2 count 1
// CHECK-NEXT: plan.run @moe_layer layers 3 count 1
// CHECK-NEXT: plan.run @head
// CHECK-NEXT: }
// CHECK-NEXT: plan.program @prompt_step

// A model of 61 layers has not a line more than one of 3.
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 | strata-opt --moe-optimise --convert-moe-to-plan | sed 's/[0-9][0-9]*//g' > %t.3
// RUN: %python %S/../moe/Inputs/raw_model.py 61 3 | strata-opt --moe-optimise --convert-moe-to-plan | sed 's/[0-9][0-9]*//g' > %t.61
// RUN: cmp %t.3 %t.61
