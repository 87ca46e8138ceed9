// A GPU without room for all layers: the host computes the last ones and the head. Pinned to the byte.
// RUN: cat %S/Inputs/host-layers.tiers.mlir > %t.mlir
// RUN: %python %S/../moe/Inputs/raw_model.py 4 1 >> %t.mlir
// RUN: strata-opt %t.mlir --moe-optimise --convert-moe-to-plan="context=128 device=gpu" --plan-allocate-arenas --plan-verify | diff %S/Inputs/host-layers.plan.mlir -
// RUN: strata-opt %S/Inputs/host-layers.plan.mlir --mlir-print-op-generic | strata-opt | diff %S/Inputs/host-layers.plan.mlir -

// The GPU has no layer at all: it computes nothing when decoding, and in prompts experts.
// RUN: sed -e 's/host_layers from 2/host_layers from 0/; s/layers 2 \([a-z]*\) 2 of/layers 1 \1 3 of/; /layers 1 [a-z]* 1/d' %t.mlir > %t.0.mlir
// RUN: strata-opt %t.0.mlir --moe-optimise --convert-moe-to-plan="context=128 device=gpu" --plan-allocate-arenas --plan-verify | FileCheck %s --check-prefix=NONE
// NONE-NOT: kind kv on gpu
// NONE: plan.arena @kv_host kind kv on host in ram
// NONE-NOT: plan.kv_cache in @kv
// NONE: plan.kv_cache in @kv_host layers 4
// NONE-NOT: in gpu :
// NONE: plan.program @decode_step
// NONE-NOT: on gpu
// NONE-NOT: plan.transfer
// NONE: plan.run @dense_layer_host layers 0 count 1
// NONE-NEXT: plan.run @moe_layer_host layers 1 count 3
// NONE-NEXT: plan.run @head
// NONE: plan.program @prompt_step
// NONE: plan.dispatch experts_grouped many on gpu
// NONE-NOT: @hand_over

// Only the head has no room.
// RUN: sed -e 's/host_layers from 2/host_layers from 4/' %t.mlir | strata-opt --moe-optimise --convert-moe-to-plan="context=128 device=gpu" --plan-allocate-arenas --plan-verify | FileCheck %s --check-prefix=HEAD
// HEAD-NOT: kind kv on host
// HEAD: plan.kv_cache in @kv layers 4
// HEAD: plan.tensor "output_norm.weight" in ram
// HEAD-NOT: positions.host
// HEAD: %residual.host = plan.buffer
// HEAD: plan.run @moe_layer layers 1 count 3
// HEAD-NEXT: plan.run @hand_over
// HEAD-NEXT: plan.run @head

// An embedding that is the head's matrix too is where the head is, once.
// RUN: sed -e 's/"output.weight"/"token_embd.weight"/' %t.mlir > %t.tied.mlir
// RUN: strata-opt %t.tied.mlir --moe-optimise --convert-moe-to-plan="context=128 device=gpu" --plan-allocate-arenas --plan-verify | FileCheck %s --check-prefix=TIED-HOST
// TIED-HOST: plan.tensor "token_embd.weight" in ram
// TIED-HOST-NOT: plan.tensor "token_embd.weight"
// TIED-HOST: plan.dispatch embed few on host
// TIED-HOST: plan.dispatch matmul few on host {{.*}}%token_embd.weight
// RUN: sed -e '/host_layers/d' %t.tied.mlir | strata-opt --moe-optimise --convert-moe-to-plan="context=128 device=gpu" --plan-allocate-arenas --plan-verify | FileCheck %s --check-prefix=TIED-GPU
// TIED-GPU: plan.tensor "token_embd.weight" in gpu
// TIED-GPU-NOT: plan.tensor "token_embd.weight"
// TIED-GPU: plan.dispatch embed few on gpu reads(%tokens, %token_embd.weight) writes(%residual)
// TIED-GPU: plan.dispatch matmul few on gpu {{.*}}%token_embd.weight

// What cannot be divided so.
// RUN: not strata-opt %t.mlir --moe-optimise --convert-moe-to-plan=context=128 2>&1 | FileCheck %s --check-prefix=HOST
// HOST: error: 'plan.host_layers' op divides layers between a gpu and the host, and the plan is for the host
// RUN: sed -e 's/from 2 of 4/from 2 of 5/' %t.mlir | not strata-opt --moe-optimise --convert-moe-to-plan="context=128 device=gpu" 2>&1 | FileCheck %s --check-prefix=COUNT
// COUNT: error: 'plan.host_layers' op is for 5 layers, and the model has 4
// RUN: sed -e '/plan.experts/d' %t.mlir | not strata-opt --moe-optimise --convert-moe-to-plan="context=128 device=gpu" 2>&1 | FileCheck %s --check-prefix=EXPERTS
// EXPERTS: error: 'plan.host_layers' op needs plan.experts: they are in more tiers than one too
// RUN: sed -e 's/from 2 of 4/from 1 of 4/' %t.mlir | not strata-opt --moe-optimise --convert-moe-to-plan="context=128 device=gpu" 2>&1 | FileCheck %s --check-prefix=GPU
// GPU: error: 'plan.experts' op has experts in gpu of layers from 1 on, which plan.host_layers gives to the host
// RUN: sed -e 's/from 2 of 4/from 5 of 4/' %t.mlir | not strata-opt 2>&1 | FileCheck %s --check-prefix=BEYOND
// BEYOND: error: 'plan.host_layers' op there is no layer 5 of 4
// RUN: sed -e 's/\(plan.host_layers .*\)/\1\n\1/' %t.mlir | not strata-opt 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: 'plan.host_layers' op a module has at most one

// What the verifier finds in a plan that is not as it says.
// RUN: sed -e 's/\(attn_norm.weight" layers 2 [a-z]* 2 in\) ram/\1 gpu/' %S/Inputs/host-layers.plan.mlir | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=TIER
// TIER: error: 'plan.dispatch' op runs on host, which does not see "blk.*.attn_norm.weight" in gpu
// RUN: sed -e 's/host_layers from 2/host_layers from 3/' %S/Inputs/host-layers.plan.mlir | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=LATER
// LATER: error: 'plan.tensor' op "blk.*.attn_norm.weight" of layer 2 is in ram, and plan.host_layers gives the layer to the gpu
// RUN: sed -e 's/host_layers from 2/host_layers from 1/' %S/Inputs/host-layers.plan.mlir | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=EARLIER
// EARLIER: error: 'plan.tensor' op "blk.*.attn_norm.weight" of layer 1 is in gpu, and plan.host_layers gives the layer to the host
// RUN: sed -e 's/@kv_host from 2 layers 2/@kv_host from 1 layers 2/' %S/Inputs/host-layers.plan.mlir | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=CACHE
// CACHE: error: 'plan.run' op runs @moe_layer_host for layers 2 to 3, and its cache is that of layers 1 to 2
// RUN: sed -e 's/@kv_host from 2 layers 2/@kv from 2 layers 2/' %S/Inputs/host-layers.plan.mlir | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=ONE-CACHE
// ONE-CACHE: error: 'plan.dispatch' op runs on host, which does not see the KV cache in gpu
// RUN: sed -e 's/<f16 = 20480, f32 = 40960>/<f16 = 20480, f32 = 40959>/g' %S/Inputs/host-layers.plan.mlir | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=SMALL
// SMALL: error: 'plan.arena' op @kv has 40959 bytes for 40960
// RUN: sed -e '/plan.wait %3 on host/d' %S/Inputs/host-layers.plan.mlir | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=WAIT
// WAIT: error: 'plan.dispatch' op on host reads expert_result.host, and nothing makes it wait for what the gpu does with it before
// RUN: sed -e '/plan.run @hand_over/d' %S/Inputs/host-layers.plan.mlir | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=HAND
// HAND: error: 'plan.dispatch' op reads residual.host before anything is written to it

// Kernels are made for the GPU's layers, and for experts there are none yet.
// RUN: strata-opt %S/Inputs/host-layers.plan.mlir --plan-choose-schedules --convert-plan-to-kern | FileCheck %s --check-prefix=KERN
// KERN: plan.dispatch attention_splits few on gpu {{.*}} kernels [@
// KERN: plan.block @moe_layer_host
// KERN-NOT: on host {{.*}} kernels [@
// KERN: plan.dispatch experts_grouped many on gpu {{.*}}none, none, none, none, %expert_sum
