// Plans over several tiers of a small model, pinned to the byte. Experts are any sets, another in each layer; what the host computes
// when decoding is sent and comes back, what a prompt does not find on the GPU is streamed.
// RUN: cat %S/Inputs/gpu-and-host.tiers.mlir > %t.mlir
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 >> %t.mlir
// RUN: strata-opt %t.mlir --moe-optimise --convert-moe-to-plan="context=128 device=gpu" --plan-allocate-arenas --plan-verify | diff %S/Inputs/gpu-and-host.plan.mlir -

// A host with a disk: the programs are those of one tier, but for where experts are.
// RUN: cat %S/Inputs/host-and-disk.tiers.mlir > %t.mlir
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 >> %t.mlir
// RUN: strata-opt %t.mlir --moe-optimise --convert-moe-to-plan=context=128 --plan-allocate-arenas --plan-verify | diff %S/Inputs/host-and-disk.plan.mlir -
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 | strata-opt --moe-optimise --convert-moe-to-plan=context=128 --plan-allocate-arenas > %t.one
// RUN: grep -e plan.dispatch -e plan.stage %t.one > %t.one.programs
// RUN: grep -e plan.dispatch -e plan.stage %S/Inputs/host-and-disk.plan.mlir | diff %t.one.programs -

// The text, the generic form and bytecode say the same.
// RUN: strata-opt %S/Inputs/gpu-and-host.plan.mlir --mlir-print-op-generic | strata-opt | diff %S/Inputs/gpu-and-host.plan.mlir -
// RUN: strata-opt %S/Inputs/gpu-and-host.plan.mlir --emit-bytecode | strata-opt | diff %S/Inputs/gpu-and-host.plan.mlir -

// Without experts on the host nothing is sent but the embedding.
// RUN: sed -e '/layers 2/d; s/\(plan.experts layers 1 [a-z]*\) .*/\1 2 of 8 gpu <0 to 7> ram <> disk <> pinned <> slots 0 decode_gpu <0 to 7> prompt_gpu <0 to 7>/' %S/Inputs/gpu-and-host.tiers.mlir > %t.mlir
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 >> %t.mlir
// RUN: strata-opt %t.mlir --moe-optimise --convert-moe-to-plan="context=128 device=gpu" --plan-allocate-arenas --plan-verify | FileCheck %s --check-prefix=GPU
// GPU: plan.dispatch embed few on host
// GPU-NEXT: [[EVENT:%.*]] = plan.transfer %embedding.host to %residual
// GPU-NEXT: plan.wait [[EVENT]] on gpu
// GPU-NOT: plan.transfer
// GPU: plan.program @prompt_step
// GPU: plan.transfer %embedding.host to %residual
// GPU-NOT: plan.transfer
// GPU-NOT: plan.stream

// What the tiers do not allow.
// RUN: sed -e '/@ring/d' %S/Inputs/gpu-and-host.tiers.mlir > %t.mlir
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 >> %t.mlir
// RUN: not strata-opt %t.mlir --moe-optimise --convert-moe-to-plan="context=128 device=gpu" 2>&1 | FileCheck %s --check-prefix=RING
// RING: error: a prompt brings experts to the gpu, and the module has no plan.arena of kind staging for them in ram
// RUN: sed -e '/layers 2/d' %S/Inputs/gpu-and-host.tiers.mlir > %t.mlir
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 >> %t.mlir
// RUN: not strata-opt %t.mlir --moe-optimise --convert-moe-to-plan="context=128 device=gpu" 2>&1 | FileCheck %s --check-prefix=LAYER
// LAYER: error: the experts of layer 2 are in no plan.experts
// RUN: cat %S/Inputs/gpu-and-host.tiers.mlir > %t.mlir
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 >> %t.mlir
// RUN: not strata-opt %t.mlir --moe-optimise --convert-moe-to-plan=context=128 2>&1 | FileCheck %s --check-prefix=HOST
// HOST: error: 'plan.experts' op gives experts to a gpu, and the plan is for the host
// RUN: sed -e 's/prompt_gpu <0 to 7>/prompt_gpu <0 to 6>/' %t.mlir | not strata-opt --moe-optimise --convert-moe-to-plan="context=128 device=gpu" 2>&1 | FileCheck %s --check-prefix=PROMPT
// PROMPT: error: 'plan.experts' op gives experts of a prompt to the host, and with a gpu all are computed there

// Some experts are still without kernels.
// RUN: strata-opt %S/Inputs/gpu-and-host.plan.mlir --plan-choose-schedules --convert-plan-to-kern | FileCheck %s --check-prefix=KERN
// KERN: plan.dispatch experts_gate_up few on gpu {{.*}}shared_width = 0>) schedules [{{[^@]*}}] : (
// KERN: plan.dispatch gated_matmul few on gpu {{.*}} kernels [@
