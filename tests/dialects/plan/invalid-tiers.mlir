// RUN: strata-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expert 3 is in two tiers}}
plan.experts layers 0 count 1 of 8 gpu <0 to 3> ram <3> disk <4 to 7> pinned <> slots 1 decode_gpu <0 to 3> prompt_gpu <0 to 7>

// -----

// expected-error @below {{expert 5 is in no tier}}
plan.experts layers 0 count 1 of 8 gpu <0 to 3> ram <4> disk <6 to 7> pinned <> slots 1 decode_gpu <0 to 3> prompt_gpu <0 to 7>

// -----

// expected-error @below {{ranges of experts must ascend, and neighbours be one: 6 stands after 5}}
plan.experts layers 0 count 1 of 8 gpu <0 to 3> ram <4> disk <5, 6, 7> pinned <> slots 1 decode_gpu <0 to 3> prompt_gpu <0 to 7>

// -----

// expected-error @below {{a range of experts cannot be from 3 to 2}}
plan.experts layers 0 count 1 of 8 gpu <3 to 2> ram <4> disk <5> pinned <> slots 1 decode_gpu <> prompt_gpu <>

// -----

// expected-error @below {{there is no expert 8 of 8}}
plan.experts layers 0 count 1 of 8 gpu <> ram <0 to 8> disk <> pinned <> slots 9 decode_gpu <> prompt_gpu <>

// -----

// expected-error @below {{expert 7 is in no tier}}
plan.experts layers 0 count 1 of 8 gpu <> ram <0 to 6> disk <> pinned <> slots 7 decode_gpu <> prompt_gpu <>

// -----

// expected-error @below {{experts are pinned that are not in ram}}
plan.experts layers 0 count 1 of 8 gpu <> ram <0 to 3> disk <4 to 7> pinned <4> slots 3 decode_gpu <> prompt_gpu <>

// -----

// expected-error @below {{ram has 4 experts, but 1 that are pinned and 4 slots}}
plan.experts layers 0 count 1 of 8 gpu <> ram <0 to 3> disk <4 to 7> pinned <1> slots 4 decode_gpu <> prompt_gpu <>

// -----

// expected-error @below {{the policy pinned has no slots, and these are 3}}
plan.experts layers 0 count 1 of 8 gpu <> ram <0 to 3> disk <4 to 7> pinned <1> slots 3 policy pinned decode_gpu <> prompt_gpu <>

// -----

// expected-error @below {{the host would compute experts in a decode program that it does not see: they are in gpu}}
plan.experts layers 0 count 1 of 8 gpu <0 to 3> ram <> disk <4 to 7> pinned <> slots 0 decode_gpu <0> prompt_gpu <0 to 7>

// -----

// expected-error @below {{the host would compute experts in a prompt program that it does not see: they are in gpu}}
plan.experts layers 0 count 1 of 8 gpu <0 to 3> ram <> disk <4 to 7> pinned <> slots 0 decode_gpu <0 to 3> prompt_gpu <0>

// -----

// expected-error @below {{the gpu would compute experts when decoding that it does not see: they are not in gpu}}
plan.experts layers 0 count 1 of 8 gpu <0 to 3> ram <> disk <4 to 7> pinned <> slots 0 decode_gpu <0 to 4> prompt_gpu <0 to 7>

// -----

// expected-error @below {{the count of layers must not be zero, nor the last one beyond 2^31 - 1}}
plan.experts layers 0 count 0 of 1 gpu <> ram <0> disk <> pinned <> slots 1 decode_gpu <> prompt_gpu <>

// -----

// expected-error @below {{a size must not be negative}}
plan.budget ram bytes -1 reserved 0 head_room 0

// -----

plan.budget ram bytes 1 reserved 0 head_room 0
// expected-error @below {{the tier ram has two budgets}}
plan.budget ram bytes 1 reserved 0 head_room 0

// -----

// expected-error @below {{by experts are only matrices of a layer's experts: weights with a * and three dimensions}}
plan.tensor "output.weight" by experts : tensor<16x64xf32>

// -----

// expected-error @below {{has no kernel that repacks it: its experts are where plan.experts says}}
plan.tensor "blk.*.ffn_up_exps.weight" layers 0 count 1 by experts : tensor<8x16x64xf32> repacked by @repack

// -----

plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on gpu in gpu
plan.arena @decode_host kind decode on host in ram
plan.program @decode_step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode_host : <step x 64 x f32>
    %z = plan.buffer "z" role intermediate in @decode_host : <step x 64 x i32>
    plan.stage step {
      %0 = plan.transfer %x to %y : <step x 64 x f32> to <step x 64 x f32>
      plan.wait %0 on host
      // expected-error @below {{the gpu need not wait for a transfer that is a step of its own}}
      plan.wait %0 on gpu
    }
  }
  plan.run @b
}

// -----

plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on gpu in gpu
plan.arena @decode_host kind decode on host in ram
plan.program @decode_step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode_host : <step x 64 x f32>
    %z = plan.buffer "z" role intermediate in @decode_host : <step x 64 x i32>
    plan.stage step {
      // expected-error @below {{copies rows of one kind: source and destination must agree in columns and element}}
      %0 = plan.transfer %x to %z : <step x 64 x f32> to <step x 64 x i32>
    }
  }
  plan.run @b
}

// -----

plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on gpu in gpu
plan.arena @decode_host kind decode on host in ram
plan.program @decode_step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode_host : <step x 64 x f32>
    %z = plan.buffer "z" role intermediate in @decode_host : <step x 64 x i32>
    plan.stage step {
      // expected-error @below {{source and destination must be on different devices}}
      %0 = plan.transfer %y to %y : <step x 64 x f32> to <step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @chunk kind chunk on gpu in gpu
plan.arena @chunk_host kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @chunk : <chunk x 64 x f32>
    %y = plan.buffer "y" role intermediate in @chunk_host : <output x 64 x f32>
    %up = plan.weight "blk.*.ffn_up_exps.weight" : tensor<8x16x64xf32>
    plan.stage chunk {
      // expected-error @below {{a stage over chunk rows does not see a buffer of output rows}}
      %0 = plan.transfer %x to %y : <chunk x 64 x f32> to <output x 64 x f32>
    }
  }
  plan.run @b layers 0 count 1
}

// -----

plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @decode_step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{transfer: is no dispatch but an operation of its own}}
      plan.dispatch transfer few on host reads(%x) writes(%x) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @decode_step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{absent must have the positions of absent reads, in ascending order}}
      "plan.dispatch"(%x, %x, %x) <{absent = array<i32: 7>, device = 0 : i32, form = 0 : i32, kind = 15 : i32, operandSegmentSizes = array<i32: 2, 1>}> : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> ()
    }
  }
  plan.run @b
}
