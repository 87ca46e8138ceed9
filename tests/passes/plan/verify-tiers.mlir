// What plan-verify refuses of plans over several tiers, each in a plan that is in order but for one thing.
// DEFINE: %{plan} = %S/Inputs/gpu-and-host.plan.mlir
// DEFINE: %{verify} = not strata-opt --plan-verify 2>&1

// Budgets, with what is reserved and with head room: all of it fits to the byte, and one byte less does not.
// RUN: sed -e 's/budget gpu bytes 16777216 reserved 1048576 head_room 1048576/budget gpu bytes 2401088 reserved 1048576 head_room 1048576/' %{plan} | strata-opt --plan-verify > %t
// RUN: sed -e 's/budget gpu bytes 16777216 reserved 1048576 head_room 1048576/budget gpu bytes 2401087 reserved 1048576 head_room 1048576/' %{plan} | %{verify} | FileCheck %s --check-prefix=GPU
// GPU: error: 'plan.budget' op the plan needs 303936 bytes of gpu, which has 2401087, with 1048576 reserved and 1048576 of head room
// RUN: sed -e 's/budget ram bytes 16777216 reserved 1048576 head_room 1048576/budget ram bytes 2100000 reserved 1048576 head_room 1048576/' %{plan} | %{verify} | FileCheck %s --check-prefix=RAM
// RAM: error: 'plan.budget' op the plan needs 251712 bytes of ram, which has 2100000
// RUN: sed -e 's/budget disk bytes 0/budget disk bytes 1000/' %{plan} | %{verify} | FileCheck %s --check-prefix=DISK
// DISK: bytes of disk, which has 1000, with 0 reserved and 0 of head room

// Layers and their experts.
// RUN: sed -e 's/\(plan.experts layers 1 [a-z]*\) 1/\1 2/' %{plan} | %{verify} | FileCheck %s --check-prefix=TWICE
// TWICE: error: 'plan.experts' op layer 2 is in two lines
// RUN: sed -e '/plan.experts layers 2/d' %{plan} | %{verify} | FileCheck %s --check-prefix=NEVER
// NEVER: "blk.*.ffn_gate_exps.weight" of layer 2 is by experts, and the layer is in no plan.experts
// RUN: sed -e 's/of 8 gpu <1> ram <0, 2 to 4> disk <5 to 7>/of 9 gpu <1> ram <0, 2 to 4> disk <5 to 8>/' %{plan} | %{verify} | FileCheck %s --check-prefix=COUNT
// COUNT: "blk.*.ffn_gate_exps.weight" has not the 9 experts that plan.experts has in layer 2
// RUN: sed -e 's/gpu <> ram <0 to 3> disk <4 to 7> pinned <> slots 4 decode_gpu <> prompt_gpu <>/gpu <> ram <0 to 3> disk <4 to 7> pinned <> slots 4 decode_gpu <> prompt_gpu <0>/' %S/Inputs/host-and-disk.plan.mlir | %{verify} | FileCheck %s --check-prefix=NOBODY
// NOBODY: "blk.*.ffn_gate_exps.weight" in layer 1: experts of the gpu are computed by nothing
// RUN: sed -e 's/prompt_gpu <0 to 7>/prompt_gpu <0 to 6>/' %{plan} | %{verify} | FileCheck %s --check-prefix=NOHOST
// NOHOST: "blk.*.ffn_gate_exps.weight" in layer 1: experts of the host are computed by nothing
// RUN: sed -e 's/\(attn_v_b.weight" layers.*\) in gpu/\1 by experts/' %{plan} | %{verify} | FileCheck %s --check-prefix=WHOLE
// WHOLE: 'plan.dispatch' op reads "blk.*.attn_v_b.weight" as a whole, and it is by experts in the weight table

// Memory.
// RUN: sed -e 's/@experts_host kind experts on host in ram/@experts_host kind experts on host in gpu/' %{plan} | %{verify} | FileCheck %s --check-prefix=SEES
// SEES: error: 'plan.arena' op @experts_host: the host does not see gpu
// RUN: sed -e 's/@staging kind staging on gpu in gpu/@staging kind staging on gpu in ram/; s/@ring kind staging on gpu in ram/@ring kind staging on gpu in gpu/' %{plan} | %{verify} | FileCheck %s --check-prefix=SWAPPED
// SWAPPED: error: 'plan.stream' op @ring is not the gpu's arena of kind staging in ram
// RUN: sed -e 's/plan.arena @ring.*/&\n  plan.arena @other kind staging on gpu in ram bytes <all = 1> live <all = 1>/' %{plan} | %{verify} | FileCheck %s --check-prefix=SECOND
// SECOND: error: 'plan.arena' op @other is a second arena of kind staging on the gpu in ram
// RUN: sed -e 's/@experts_host kind experts on host in ram bytes <all = 147456> live <all = 147456>/@experts_host kind experts on host in ram bytes <all = 147455> live <all = 147455>/' %{plan} | %{verify} | FileCheck %s --check-prefix=SMALL
// SMALL: error: 'plan.arena' op @experts_host has 147455 bytes for 147456
// RUN: sed -e '/plan.arena @experts_host/d' %{plan} | %{verify} | FileCheck %s --check-prefix=NOEXPERTS
// NOEXPERTS: error: the plan has experts in ram and no arena of kind experts there
// RUN: sed -e '/plan.arena @weights_host/d' %{plan} | %{verify} | FileCheck %s --check-prefix=NOWEIGHTS
// NOWEIGHTS: error: the plan has weights in ram and no arena of kind weights there
// RUN: sed -e 's/plan.tensor "output.weight" in gpu.*/&\n  plan.tensor "other" in disk : tensor<64xf32>/' %{plan} | %{verify} | FileCheck %s --check-prefix=ONDISK
// ONDISK: error: 'plan.tensor' op "other" is on disk as a whole; only experts can be
// RUN: sed -e 's/"output.weight" in gpu/"output.weight" in ram/; s/@weights_host kind weights on host in ram bytes <all = 4608> live <all = 4608>/@weights_host kind weights on host in ram bytes <all = 99999> live <all = 0>/' %{plan} | %{verify} | FileCheck %s --check-prefix=UNSEEN
// UNSEEN: error: 'plan.dispatch' op runs on gpu, which does not see "output.weight" in ram

// Streams: before what reads them, and only of what is by experts.
// RUN: sed -e '/plan.stream/d' %{plan} | %{verify} | FileCheck %s --check-prefix=STREAM
// STREAM: computes experts of "blk.*.ffn_gate_exps.weight" in layer 1 on the gpu that are not there, and no plan.stream before it brings them
// RUN: sed -e 's/\(ffn_up_exps.weight" layers.*\) by experts/\1 in gpu/; s/@weights kind weights on gpu in gpu bytes <all = [0-9]*> live <all = [0-9]*>/@weights kind weights on gpu in gpu bytes <all = 99999> live <all = 0>/; s/few on host reads(%ffn_norm.quantised.host, %expert_ids.host, %ffn_gate_exps.weight, %ffn_up_exps.weight/few on host reads(%ffn_norm.quantised.host, %expert_ids.host, %ffn_gate_exps.weight, %ffn_gate_exps.weight/' %{plan} | %{verify} | FileCheck %s --check-prefix=RESIDENT
// RESIDENT: error: 'plan.stream' op brings "blk.*.ffn_up_exps.weight", which is not by experts but in gpu

// Order: what is copied was written, and whoever needs what another device does waits for it.
// RUN: awk 'NR == FNR { if (/plan.transfer %%expert_sum.host/) line = $0; next } /plan.transfer %%expert_sum.host/ { next } { print } /plan.wait .* on host/ { print line }' %{plan} %{plan} | not strata-opt --plan-allocate-arenas --plan-verify 2>&1 | FileCheck %s --check-prefix=UNWRITTEN
// UNWRITTEN: error: 'plan.transfer' op copies expert_sum.host before anything is written to it
// RUN: sed -e '/plan.wait .* on host/d' %{plan} | %{verify} | FileCheck %s --check-prefix=HOSTWAIT
// HOSTWAIT: error: 'plan.dispatch' op on host begins a block, and nothing makes it wait for the end of the one before
// RUN: sed -e 's/plan.wait %2 on host/plan.wait %0 on host/' %{plan} | %{verify} | FileCheck %s --check-prefix=EARLY
// EARLY: error: 'plan.dispatch' op on host reads expert_ids.host, and nothing makes it wait for what the gpu does with it before
// RUN: sed -e '/plan.wait %3 on gpu/d' %{plan} | %{verify} | FileCheck %s --check-prefix=GPUWAIT
// GPUWAIT: error: 'plan.dispatch' op on gpu reads expert_sum.returned, and nothing makes it wait for what the host does with it before
// RUN: sed -e '/plan.wait %0 on gpu/d' %{plan} | %{verify} | FileCheck %s --check-prefix=BLOCK
// BLOCK: error: 'plan.dispatch' op on gpu begins a block, and nothing makes it wait for the end of the one before
// RUN: sed -e '/plan.wait %3 on gpu/d; s/reads(%expert_sum, %expert_sum.returned)/reads(%expert_sum, %expert_sum)/' %{plan} | %{verify} | FileCheck %s --check-prefix=JOIN
// JOIN: error: 'plan.block' op @moe_layer ends, and neither device has waited for the other

// Two results in one buffer.
// RUN: sed -e '/experts_grouped/s/%expert_places/%expert_pairs/g' %{plan} | %{verify} | FileCheck %s --check-prefix=RESULTS
// RESULTS: error: 'plan.dispatch' op experts_grouped: read 12 must not be write 2 too
