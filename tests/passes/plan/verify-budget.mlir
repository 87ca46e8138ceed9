// What a plan needs of RAM: of each arena what the settings choose, with every number a power of two, so that the sum says which.
// RUN: not strata-opt %s --plan-verify=ram-bytes=1 2>&1 | FileCheck %s --check-prefix=DEFAULT
// weights 1, cache f16 2, decode i16 16, prompt i8 64, chunk i8 512.
// DEFAULT: error: the plan needs 595 bytes of ram, but its budget is 1;
// RUN: sed 's/decode_activations i16 prompt_activations i8 kv f16/decode_activations i8 prompt_activations f32 kv f32/' %s | not strata-opt --plan-verify=ram-bytes=1 2>&1 | FileCheck %s --check-prefix=OTHER
// weights 1, cache f32 4, decode i8 8, prompt f32 256, chunk f32 2048.
// OTHER: error: the plan needs 2317 bytes of ram, but its budget is 1;
// RUN: sed 's/@prompt kind prompt on host in ram/@prompt kind prompt on host in gpu/' %s | not strata-opt --plan-verify=ram-bytes=1 2>&1 | FileCheck %s --check-prefix=TIER
// Without the prompt's arena.
// TIER: error: the plan needs 531 bytes of ram, but its budget is 1;

plan.settings context 64 sequences 1 prompt_tokens 1 chunk_tokens 1 decode_activations i16 prompt_activations i8 kv f16
plan.arena @weights kind weights on host in ram bytes <all = 1> live <all = 1>
plan.arena @kv kind kv on host in ram bytes <f16 = 2, f32 = 4> live <f16 = 0, f32 = 0>
plan.arena @decode kind decode on host in ram bytes <i8 = 8, i16 = 16, f32 = 32> live <i8 = 0, i16 = 0, f32 = 0>
plan.arena @prompt kind prompt on host in ram bytes <i8 = 64, i16 = 128, f32 = 256> live <i8 = 0, i16 = 0, f32 = 0>
plan.arena @chunk kind chunk on host in ram bytes <i8 = 512, i16 = 1024, f32 = 2048> live <i8 = 0, i16 = 0, f32 = 0>
plan.program @decode_step phase decode {
  plan.block @b {
    plan.stage step {
    }
  }
  plan.run @b
}
plan.program @prompt_step phase prompt {
  plan.block @b {
    plan.stage chunk {
    }
  }
  plan.run @b
}
