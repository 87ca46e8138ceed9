// RUN: strata-opt %s --plan-allocate-arenas | FileCheck %s
// RUN: strata-opt %s --plan-allocate-arenas=print-waste -o /dev/null | FileCheck %s --check-prefix=WASTE
// RUN: strata-opt %s --plan-allocate-arenas --remark-format=emitRemark --remarks-filter-analyse=plan-allocate-arenas -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS

// Sizes by hand, in bytes. A row of 64 f32 is 256; one of 64 activations 8 + 64 (i8), 8 + 128 (i16) or 256 (f32). Two
// sequences, chunks of 4 rows, prompts of 8.

plan.settings context 64 sequences 2 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16

// Two weights of 34 · 2 = 68 and 100 bytes: 128 each when rounded up, and the second in three layers.
// CHECK: plan.arena @weights kind weights on host in ram bytes <all = 512> live <all = 368>
plan.arena @weights kind weights on host in ram
// 3 layers · 2 blocks · 64 positions · 40 numbers.
// CHECK: plan.arena @kv kind kv on host in ram bytes <f16 = 30720, f32 = 61440> live <f16 = 30720, f32 = 61440>
plan.arena @kv kind kv on host in ram
// Always live: inputs 3 · 8, residual 512, logits 1024. Then x, 512, with its activations, 144, 272 or 512; y takes x's place.
// CHECK: plan.arena @decode kind decode on host in ram bytes <i8 = 2432, i16 = 2560, f32 = 2752> live <i8 = 2216, i16 = 2344, f32 = 2584>
plan.arena @decode kind decode on host in ram
// Always live: inputs 3 · 32, residual 2048. Then the activations of all rows, 576, 1088 or 2048.
// CHECK: plan.arena @prompt kind prompt on host in ram bytes <i8 = 2816, i16 = 3328, f32 = 4288> live <i8 = 2720, i16 = 3232, f32 = 4192>
plan.arena @prompt kind prompt on host in ram
// Always live: logits 512. Then x or y, 1024, or z, 256.
// CHECK: plan.arena @chunk kind chunk on host in ram bytes <i8 = 1536, i16 = 1536, f32 = 1536> live <i8 = 1536, i16 = 1536, f32 = 1536>
plan.arena @chunk kind chunk on host in ram

%kv = plan.kv_cache in @kv layers 3 blocks 2 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.tensor "first.weight" in ram : tensor<2x32x!moe.q8_0>
plan.tensor "blk.*.second.weight" layers 0 count 3 in ram : tensor<25xf32>
plan.tensor "elsewhere.weight" in disk : tensor<1000xf32>

plan.program @decode_step phase decode {
  %tokens = plan.buffer "tokens" role tokens in @decode : <step x 1 x i32>
  %positions = plan.buffer "positions" role positions in @decode : <step x 1 x i32>
  %sequences = plan.buffer "sequences" role sequences in @decode : <step x 1 x i32>
  %residual = plan.buffer "residual" role residual in @decode : <step x 64 x f32>
  %logits = plan.buffer "logits" role logits in @decode : <step x 128 x f32>
  plan.block @all {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %xq = plan.buffer "xq" role intermediate in @decode : <step x 64 x activation>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%residual, %residual) writes(%x) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch quantise few on host reads(%x) writes(%xq) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
      plan.dispatch add few on host reads(%residual, %residual) writes(%y) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @all
}

// WASTE: // arena weights: all 512 bytes, 368 live, 28.12 % waste
// WASTE-NEXT: // arena kv: f16 30720 bytes, 30720 live, 0.00 % waste,  f32 61440 bytes, 61440 live, 0.00 % waste
// WASTE-NEXT: // arena decode: i8 2432 bytes, 2216 live, 8.88 % waste,  i16 2560 bytes, 2344 live, 8.44 % waste,
// WASTE-NEXT: // arena prompt: i8 2816 bytes, 2720 live, 3.41 % waste,
// WASTE-NEXT: // arena chunk: i8 1536 bytes, 1536 live, 0.00 % waste,

// Of the arenas with buffers, as the settings encode them: 2560 + 2816 + 1536.
// STATISTICS: statistics | Category:plan-allocate-arenas | arena-bytes=6912, buffers=17, waste-bytes=312

plan.program @prompt_step phase prompt {
  %tokens = plan.buffer "tokens" role tokens in @prompt : <prompt x 1 x i32>
  %positions = plan.buffer "positions" role positions in @prompt : <prompt x 1 x i32>
  %sequences = plan.buffer "sequences" role sequences in @prompt : <prompt x 1 x i32>
  %residual = plan.buffer "residual" role residual in @prompt : <prompt x 64 x f32>
  %logits = plan.buffer "logits" role logits in @chunk : <output x 128 x f32>
  plan.block @all {
    %x = plan.buffer "x" role intermediate in @chunk : <chunk x 64 x f32>
    %y = plan.buffer "y" role intermediate in @chunk : <chunk x 64 x f32>
    // A chunk writes its rows of it while those of other chunks are there: it lies over nothing of the stages it is used in.
    %xq = plan.buffer "xq" role intermediate in @prompt : <prompt x 64 x activation>
    %z = plan.buffer "z" role intermediate in @chunk : <output x 64 x f32>
    plan.stage chunk {
      plan.dispatch add many on host reads(%residual, %residual) writes(%x) : (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<chunk x 64 x f32>
      plan.dispatch quantise many on host reads(%x) writes(%xq) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<prompt x 64 x activation>
      plan.dispatch add many on host reads(%residual, %residual) writes(%y) : (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<chunk x 64 x f32>
    }
    plan.stage output {
      plan.dispatch add many on host reads(%residual, %residual) writes(%z) : (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<output x 64 x f32>
    }
  }
  plan.run @all
}

// CHECK-LABEL: plan.program @decode_step
// CHECK: "tokens" role tokens in @decode at <i8 = 2240, i16 = 2368, f32 = 2560>
// CHECK: "positions" role positions in @decode at <i8 = 2304, i16 = 2432, f32 = 2624>
// CHECK: "sequences" role sequences in @decode at <i8 = 2368, i16 = 2496, f32 = 2688>
// CHECK: "residual" role residual in @decode at <i8 = 1024, i16 = 1024, f32 = 1024>
// CHECK: "logits" role logits in @decode at <i8 = 0, i16 = 0, f32 = 0>
// CHECK: "x" role intermediate in @decode at <i8 = 1536, i16 = 1536, f32 = 1536>
// CHECK: "xq" role intermediate in @decode at <i8 = 2048, i16 = 2048, f32 = 2048>
// CHECK: "y" role intermediate in @decode at <i8 = 1536, i16 = 1536, f32 = 1536>
// CHECK-LABEL: plan.program @prompt_step
// CHECK: "tokens" role tokens in @prompt at <i8 = 2624, i16 = 3136, f32 = 4096>
// CHECK: "positions" role positions in @prompt at <i8 = 2688, i16 = 3200, f32 = 4160>
// CHECK: "sequences" role sequences in @prompt at <i8 = 2752, i16 = 3264, f32 = 4224>
// CHECK: "residual" role residual in @prompt at <i8 = 0, i16 = 0, f32 = 0>
// CHECK: "logits" role logits in @chunk at <i8 = 1024, i16 = 1024, f32 = 1024>
// CHECK: "x" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0>
// CHECK: "y" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0>
// CHECK: "xq" role intermediate in @prompt at <i8 = 2048, i16 = 2048, f32 = 2048>
// CHECK: "z" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0>
