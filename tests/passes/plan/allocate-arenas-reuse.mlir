// RUN: strata-opt %s --plan-allocate-arenas --split-input-file | FileCheck %s
// RUN: strata-opt %s --plan-allocate-arenas --plan-allocate-arenas --split-input-file | FileCheck %s
// RUN: strata-opt %s --plan-allocate-arenas=print-waste --split-input-file -o /dev/null | FileCheck %s --check-prefix=WASTE

// Which buffers share bytes, and where: most of the rows are of f32, so that offsets are the same under all encodings.

// What is dead makes room: c comes when a has gone, but b is still there.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 512, i16 = 512, f32 = 512> live <i8 = 512, i16 = 512, f32 = 512>
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // CHECK: "a" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 256>
    %a = plan.buffer "a" role intermediate in @decode : <step x 64 x f32>
    // CHECK: "b" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %b = plan.buffer "b" role intermediate in @decode : <step x 64 x f32>
    // CHECK: "c" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 256>
    %c = plan.buffer "c" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// A buffer is live between its first and its last use, whether or not it is used there.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 512, i16 = 512, f32 = 512> live <i8 = 512, i16 = 512, f32 = 512>
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // CHECK: "a" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %a = plan.buffer "a" role intermediate in @decode : <step x 64 x f32>
    // CHECK: "b" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 256>
    %b = plan.buffer "b" role intermediate in @decode : <step x 64 x f32>
    // CHECK: "c" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 256>
    %c = plan.buffer "c" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Offsets are multiples of 64; what is rounded up is not live. Of equal sizes the longer live is placed first.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 256, i16 = 256, f32 = 256> live <i8 = 136, i16 = 136, f32 = 136>
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // CHECK: "a" role intermediate in @decode at <i8 = 128, i16 = 128, f32 = 128>
    %a = plan.buffer "a" role intermediate in @decode : <step x 1 x f32>
    // CHECK: "b" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %b = plan.buffer "b" role intermediate in @decode : <step x 17 x f32>
    // CHECK: "c" role intermediate in @decode at <i8 = 192, i16 = 192, f32 = 192>
    %c = plan.buffer "c" role intermediate in @decode : <step x 16 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 1 x f32>, !plan.buffer<step x 1 x f32>) -> !plan.buffer<step x 1 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 17 x f32>, !plan.buffer<step x 17 x f32>) -> !plan.buffer<step x 17 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 16 x f32>, !plan.buffer<step x 16 x f32>) -> !plan.buffer<step x 16 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 17 x f32>, !plan.buffer<step x 17 x f32>) -> !plan.buffer<step x 17 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 1 x f32>, !plan.buffer<step x 1 x f32>) -> !plan.buffer<step x 1 x f32>
    }
  }
  plan.run @b
}

// -----

// The smallest gap that has room is taken: 512 bytes where d was, not the first, 768 where b was.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 3392, i16 = 3392, f32 = 3392> live <i8 = 3392, i16 = 3392, f32 = 3392>
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // CHECK: "a" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %a = plan.buffer "a" role intermediate in @decode : <step x 256 x f32>
    // CHECK: "b" role intermediate in @decode at <i8 = 1024, i16 = 1024, f32 = 1024>
    %b = plan.buffer "b" role intermediate in @decode : <step x 192 x f32>
    // CHECK: "c" role intermediate in @decode at <i8 = 1792, i16 = 1792, f32 = 1792>
    %c = plan.buffer "c" role intermediate in @decode : <step x 160 x f32>
    // CHECK: "d" role intermediate in @decode at <i8 = 2432, i16 = 2432, f32 = 2432>
    %d = plan.buffer "d" role intermediate in @decode : <step x 128 x f32>
    // CHECK: "e" role intermediate in @decode at <i8 = 2944, i16 = 2944, f32 = 2944>
    %e = plan.buffer "e" role intermediate in @decode : <step x 112 x f32>
    // CHECK: "f" role intermediate in @decode at <i8 = 2432, i16 = 2432, f32 = 2432>
    %f = plan.buffer "f" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 256 x f32>, !plan.buffer<step x 256 x f32>) -> !plan.buffer<step x 256 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 160 x f32>, !plan.buffer<step x 160 x f32>) -> !plan.buffer<step x 160 x f32>
      plan.dispatch add few on host reads(%e, %e) writes(%e) : (!plan.buffer<step x 112 x f32>, !plan.buffer<step x 112 x f32>) -> !plan.buffer<step x 112 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 192 x f32>, !plan.buffer<step x 192 x f32>) -> !plan.buffer<step x 192 x f32>
      plan.dispatch add few on host reads(%d, %d) writes(%d) : (!plan.buffer<step x 128 x f32>, !plan.buffer<step x 128 x f32>) -> !plan.buffer<step x 128 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 192 x f32>, !plan.buffer<step x 192 x f32>) -> !plan.buffer<step x 192 x f32>
      plan.dispatch add few on host reads(%f, %f) writes(%f) : (!plan.buffer<step x 96 x f32>, !plan.buffer<step x 96 x f32>) -> !plan.buffer<step x 96 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 256 x f32>, !plan.buffer<step x 256 x f32>) -> !plan.buffer<step x 256 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 160 x f32>, !plan.buffer<step x 160 x f32>) -> !plan.buffer<step x 160 x f32>
      plan.dispatch add few on host reads(%e, %e) writes(%e) : (!plan.buffer<step x 112 x f32>, !plan.buffer<step x 112 x f32>) -> !plan.buffer<step x 112 x f32>
    }
  }
  plan.run @b
}

// -----

// A gap of just the right size is one, too.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 512, i16 = 512, f32 = 512> live <i8 = 512, i16 = 512, f32 = 512>
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // CHECK: "a" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %a = plan.buffer "a" role intermediate in @decode : <step x 64 x f32>
    // CHECK: "b" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 256>
    %b = plan.buffer "b" role intermediate in @decode : <step x 64 x f32>
    // CHECK: "c" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %c = plan.buffer "c" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Largest first would need 448 bytes here; longest first needs what is live at most.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 384, i16 = 384, f32 = 384> live <i8 = 384, i16 = 384, f32 = 384>
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // CHECK: "a" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 256>
    %a = plan.buffer "a" role intermediate in @decode : <step x 32 x f32>
    // CHECK: "b" role intermediate in @decode at <i8 = 128, i16 = 128, f32 = 128>
    %b = plan.buffer "b" role intermediate in @decode : <step x 32 x f32>
    // CHECK: "c" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %c = plan.buffer "c" role intermediate in @decode : <step x 32 x f32>
    // CHECK: "d" role intermediate in @decode at <i8 = 128, i16 = 128, f32 = 128>
    %d = plan.buffer "d" role intermediate in @decode : <step x 48 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%d, %d) writes(%d) : (!plan.buffer<step x 48 x f32>, !plan.buffer<step x 48 x f32>) -> !plan.buffer<step x 48 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// Both would need 448 bytes here; the order in which they are used needs what is live at most.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 384, i16 = 384, f32 = 384> live <i8 = 384, i16 = 384, f32 = 384>
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // CHECK: "a" role intermediate in @decode at <i8 = 128, i16 = 128, f32 = 128>
    %a = plan.buffer "a" role intermediate in @decode : <step x 32 x f32>
    // CHECK: "b" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %b = plan.buffer "b" role intermediate in @decode : <step x 32 x f32>
    // CHECK: "c" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 256>
    %c = plan.buffer "c" role intermediate in @decode : <step x 32 x f32>
    // CHECK: "d" role intermediate in @decode at <i8 = 128, i16 = 128, f32 = 128>
    %d = plan.buffer "d" role intermediate in @decode : <step x 48 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%d, %d) writes(%d) : (!plan.buffer<step x 48 x f32>, !plan.buffer<step x 48 x f32>) -> !plan.buffer<step x 48 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// No order needs only what is live here, and all need 512 bytes: the first, largest first, is kept.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 512, i16 = 512, f32 = 512> live <i8 = 384, i16 = 384, f32 = 384>
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // CHECK: "a" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %a = plan.buffer "a" role intermediate in @decode : <step x 64 x f32>
    // CHECK: "b" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 256>
    %b = plan.buffer "b" role intermediate in @decode : <step x 32 x f32>
    // CHECK: "c" role intermediate in @decode at <i8 = 384, i16 = 384, f32 = 384>
    %c = plan.buffer "c" role intermediate in @decode : <step x 32 x f32>
    // CHECK: "d" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %d = plan.buffer "d" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%c, %c) writes(%c) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch add few on host reads(%d, %d) writes(%d) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// What nothing uses lies over everything, but inside the arena.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 256, i16 = 256, f32 = 256> live <i8 = 128, i16 = 128, f32 = 128>
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // CHECK: "a" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %a = plan.buffer "a" role intermediate in @decode : <step x 32 x f32>
    // CHECK: "b" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0>
    %b = plan.buffer "b" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// Blocks follow each other: nothing of one is left in the next. What belongs to the program is.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 512, i16 = 512, f32 = 512> live <i8 = 512, i16 = 512, f32 = 512>
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  // CHECK: "residual" role residual in @decode at <i8 = 0, i16 = 0, f32 = 0>
  %residual = plan.buffer "residual" role residual in @decode : <step x 64 x f32>
  plan.block @first {
    // CHECK: "a" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 256>
    %a = plan.buffer "a" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%a, %a) writes(%a) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.block @second {
    // CHECK: "b" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 256>
    %b = plan.buffer "b" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%b, %b) writes(%b) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @first
  plan.run @second
}

// -----

// A chunk stage runs once for every chunk: a and b are live in all of it, though no dispatch needs both, as a chunk's rows
// of one are there when those of the next are written. The next stage has nothing of a. Chunk buffers c and d share.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @prompt kind prompt on host in ram bytes <i8 = 4096, i16 = 4096, f32 = 4096> live <i8 = 4096, i16 = 4096, f32 = 4096>
plan.arena @prompt kind prompt on host in ram
// CHECK: plan.arena @chunk kind chunk on host in ram bytes <i8 = 1024, i16 = 1024, f32 = 1024> live <i8 = 1024, i16 = 1024, f32 = 1024>
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    // CHECK: "a" role intermediate in @prompt at <i8 = 2048, i16 = 2048, f32 = 2048>
    %a = plan.buffer "a" role intermediate in @prompt : <prompt x 64 x f32>
    // CHECK: "b" role intermediate in @prompt at <i8 = 0, i16 = 0, f32 = 0>
    %b = plan.buffer "b" role intermediate in @prompt : <prompt x 64 x f32>
    // CHECK: "next" role intermediate in @prompt at <i8 = 2048, i16 = 2048, f32 = 2048>
    %next = plan.buffer "next" role intermediate in @prompt : <prompt x 64 x f32>
    // CHECK: "c" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0>
    %c = plan.buffer "c" role intermediate in @chunk : <chunk x 64 x f32>
    // CHECK: "d" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0>
    %d = plan.buffer "d" role intermediate in @chunk : <chunk x 64 x f32>
    plan.stage chunk {
      plan.dispatch add many on host reads(%c, %c) writes(%c) : (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x f32>
      plan.dispatch add many on host reads(%a, %a) writes(%a) : (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
      plan.dispatch add many on host reads(%b, %b) writes(%b) : (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
      plan.dispatch add many on host reads(%d, %d) writes(%d) : (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x f32>
    }
    plan.stage prompt {
      plan.dispatch add many on host reads(%b, %b) writes(%next) : (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// An arena that nothing is in.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
// CHECK: plan.arena @chunk kind chunk on host in ram bytes <i8 = 0, i16 = 0, f32 = 0> live <i8 = 0, i16 = 0, f32 = 0>
// WASTE: // arena chunk: i8 0 bytes, 0 live, 0.00 % waste,  i16 0 bytes, 0 live, 0.00 % waste,  f32 0 bytes, 0 live, 0.00 % waste
plan.arena @chunk kind chunk on host in ram
