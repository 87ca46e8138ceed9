// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Kernels that do something wrong, and the sentence that they end with.

#include "tests/runtime/Simulator/KernelTest.h"

namespace strata::sim {
namespace {
using testing::HasSubstr;

const std::string kTile = ".shared .align 4 .b8 tile[256];";
/// %rd2: the thread's word of the tile; %rd3: the next one's.
const std::string kAddresses =
    "mul.wide.u32 %rd2, %r0, 4;\n mov.u64 %rd3, tile;\n add.s64 %rd2, %rd3, %rd2;\n add.s64 %rd3, %rd2, 4;\n";

TEST(Checks, GlobalMemory) {
  KernelRun("", "ld.global.u32 %r1, [%rd0+256];").expectFault("which no allocation holds");
  KernelRun("", "st.global.u32 [%rd0+-4], %r0;").expectFault("which no allocation holds");
  KernelRun("", "ld.global.u32 %r1, [%rd0+2];").expectFault("which is no multiple of that");
  KernelRun("", "ld.global.v2.u32 {%r1, %r2}, [%rd0+4];").expectFault("accesses 8 bytes at");
  // The last bytes of an allocation are there, those behind it are not.
  KernelRun("", "ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd0+240];", 1).expect({});
  KernelRun("", "ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd0+256];", 1).expectFault("which no allocation holds");
  KernelRun unwritten("", "st.global.u32 [%rd1], %r0;\n ld.global.u32 %r1, [%rd1+4];", 8);
  unwritten.written = false;
  unwritten.expectFault("thread (7, 0, 0) of CTA (0, 0, 0) reads 4 bytes");
}

TEST(Checks, NamesKernelLineAndThread) {
  KernelRun run("", "setp.eq.u32 %p1, %r0, 5;\n @%p1 ld.global.u32 %r1, [%rd0+256];", 40);
  run.expectFault("kernel test, PTX line 17, ld.global.u32: thread (5, 0, 0) of CTA (0, 0, 0) accesses 4 bytes at 0x");
}

TEST(Checks, SharedAndLocalMemory) {
  KernelRun(kTile, "ld.shared.u32 %r1, [tile+256];").expectFault("of shared memory at 256, beyond its end");
  KernelRun(kTile, "ld.shared.u32 %r1, [tile];").expectFault("of shared memory at 0 that nothing has written");
  KernelRun(".local .b8 stack[8];", "st.local.u32 [stack+8], %r0;").expectFault("of local memory at 8, beyond its end");
  KernelRun(kTile, "st.shared.u32 [tile+2], %r0;", 1)
      .expectFault("accesses 4 bytes at 0x2, which is no multiple of that");
}

TEST(Checks, Registers) {
  KernelRun("", "add.u32 %r1, %r2, 1;").expectFault("reads a register that nothing has written");
  KernelRun("", "@%p5 add.u32 %r1, %r0, 1;").expectFault("reads a register that nothing has written");
  // Written by some lanes, read by all.
  KernelRun("", "setp.lt.u32 %p1, %r0, 9;\n @%p1 mov.u32 %r1, 1;\n add.u32 %r2, %r1, 1;")
      .expectFault("thread (9, 0, 0)");
  KernelRun off("", "add.u32 %r1, %r2, 1;");
  off.options.checks.unwritten = false;
  off.expect({});
}

TEST(Checks, Races) {
  // A thread reads what another writes without a barrier: of another warp, and of its own.
  const std::string exchange = kAddresses + "st.shared.u32 [%rd2], %r0;\n";
  KernelRun(kTile, exchange + "setp.lt.u32 %p1, %r0, 31;\n @%p1 ld.shared.u32 %r1, [%rd3];")
      .expectFault("without a barrier between them");
  KernelRun(kTile, exchange + "bar.warp.sync -1;\n setp.lt.u32 %p1, %r0, 31;\n @%p1 ld.shared.u32 %r1, [%rd3];")
      .expect({});
  KernelRun(kTile, exchange + "bar.sync 0;\n setp.lt.u32 %p1, %r0, 63;\n @%p1 ld.shared.u32 %r1, [%rd3];", 64)
      .expect({});
  KernelRun(
      kTile,
      exchange + "bar.sync 0;\n" +
          "st.shared.u32 [%rd2], 1;\n bar.warp.sync -1;\n setp.eq.u32 %p1, %r0, 31;\n @%p1 ld.shared.u32 %r1, [%rd3];",
      64)
      .expectFault("without a barrier between them");
  // A shuffle orders no memory.
  KernelRun(kTile,
            exchange +
                "shfl.sync.idx.b32 %r5, %r0, 0, 31, -1;\n setp.lt.u32 %p1, %r0, 31;\n @%p1 ld.shared.u32 %r1, [%rd3];")
      .expectFault("without a barrier between them");
  // Reading first and writing then is a race as well; so are two writes; atomics among themselves are none.
  KernelRun(kTile,
            exchange +
                "bar.sync 0;\n ld.shared.u32 %r1, [tile];\n setp.eq.u32 %p1, %r0, 3;\n @%p1 st.shared.u32 [tile], %r0;")
      .expectFault("without a barrier between them");
  KernelRun(kTile, "st.shared.u32 [tile], %r0;").expectFault("without a barrier between them");
  KernelRun(kTile,
            "setp.eq.u32 %p1, %r0, 0;\n @%p1 st.shared.u32 [tile], 0;\n bar.sync 0;\n red.shared.add.u32 [tile], 1;")
      .expect({});
  // Bytes of one word that different threads touch are none.
  KernelRun(kTile,
            "cvt.u64.u32 %rd2, %r0;\n mov.u64 %rd3, tile;\n add.s64 %rd2, %rd3, %rd2;\n st.shared.u8 [%rd2], %r0;")
      .expect({});
}

TEST(Checks, LanesThatAreNotThere) {
  const std::string low = "setp.lt.u32 %p1, %r0, 16;\n @!%p1 bra END;\n";
  KernelRun("", low + "shfl.sync.idx.b32 %r1, %r0, 0, 31, -1;\nEND:").expectFault("its member mask is 0xffffffff");
  KernelRun("", low + "shfl.sync.idx.b32 %r1, %r0, 20, 31, 0xffff;\nEND:")
      .expectFault("shuffles from lane 20, which does not take part");
  KernelRun("", low + "vote.sync.any.pred %p2, %p1, -1;\nEND:").expectFault("its member mask is 0xffffffff");
  KernelRun("", low + "bar.warp.sync -1;\nEND:").expectFault("its member mask is 0xffffffff");
  KernelRun("", low + "bar.sync 0;\nEND:").expectFault("is not there: all lanes of the warp must be");
  KernelRun("", "mov.u32 %r1, 0;\n mov.u32 %r2, 0;\n mov.f32 %f0, 0f00000000;\n" + low +
                    "mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4, %f5, %f6, %f7, %f8}, {%r1, "
                    "%r2}, {%r1, %r2}, "
                    "{%f0, %f0, %f0, %f0, %f0, %f0, %f0, %f0};\nEND:")
      .expectFault("is not there: all lanes of the warp must be");
}

TEST(Checks, KernelsThatDoNotEnd) {
  KernelRun loop("", "LOOP:\n add.u32 %r0, %r0, 1;\n bra LOOP;");
  loop.options.mostWarpInstructions = 1000;
  loop.expectFault("after 1000 instructions it has not ended");
  KernelRun("", "setp.lt.u32 %p1, %r0, 32;\n @!%p1 bra END;\n bar.sync 1;\nEND:\n bar.sync 0;", 64)
      .expectFault("warps wait at barriers that the others never reach");
  KernelRun("", "trap;").expectFault("met a trap");
}

TEST(Checks, LaunchesThatCannotBe) {
  auto refused = [](auto change, const std::string &sentence) {
    KernelRun run(kTile, "");
    change(run.options);
    run.expectFault(sentence);
  };
  refused([](LaunchOptions &o) { o.block = {1025, 1, 1}; }, "a CTA has 1 to 1024 threads, and not 1025");
  refused([](LaunchOptions &o) { o.block = {0, 1, 1}; }, "a CTA has 1 to 1024 threads, and not 0");
  refused([](LaunchOptions &o) { o.grid = {1, 70000, 1}; }, "its grid is empty or larger than a grid can be");
  refused([](LaunchOptions &o) { o.dynamicSharedBytes = 98304; }, "of shared memory are more than the 98304 of a CTA");
}

/// What a module may not have, with the line and the name of it.
TEST(Checks, TextThatIsNotKnown) {
  const std::pair<std::string, std::string> bodies[] = {
      {"frobnicate.b32 %r1, %r0;", "PTX line 16: the instruction frobnicate.b32 is not known"},
      {"add.q32 %r1, %r0, 1;", "the modifier .q32 is not known"},
      {"ld.global.strange.u32 %r1, [%rd0];", "the modifier .strange is not known"},
      {"add.u32 %r1, %r0;", "it has 2 operands"},
      {"add.u32 %r99, %r0, 1;", "the result is no register that is declared"},
      {"add.u32 %r1, %x, 1;", "the register \"%x\" is not known"},
      {"add.u32 %r1, %rd0, 1;", "is of another size than its type"},
      {"add.u64 %rd2, %r0, 1;", "is of another size than its type"},
      {"bra NOWHERE;", "the label NOWHERE does not exist"},
      {"@%r0 bra END;\nEND:", "\"%r0\" is no predicate"},
      {"setp.xx.u32 %p1, %r0, 1;", "the comparison .xx is not known"},
      {"shfl.idx.b32 %r1, %r0, 0, 31;", "only the .sync form exists since Volta"},
      {"mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f0}, {%r1}, {%r1}, {%f0};", "sm_70 has m8n8k4"},
      {"call.uni f, ();", "expected"},
      {"ld.global.v4.u32 {%r1, %r2}, [%rd0];", "the vector has another length than its type"},
      {"ld.param.u32 %r1, [nothing];", "it reads no parameter of the kernel"},
      {"ld.param.u64 %rd1, [buffer+8];", "it reads beyond the parameter buffer"},
      {"st.const.u32 [%rd0], %r0;", "that memory is not written"},
      {".unknown 5;", "the directive .unknown is not known"},
      {"mov.u32 %r1, 12x;", "\"12x\" is no number"},
      {"mov.u32 %r1, \"text", "a string has no end"},
      {"mov.u32 %r1, ?;", "has no meaning"},
      {"/* never closed", "a comment has no end"},
      {"{", "expected \"}\""},
  };
  for (const auto &[body, sentence] : bodies) {
    SCOPED_TRACE(body);
    KernelRun run("", body);
    run.expectFault(sentence);
  }
}

TEST(Checks, NoTextMakesTheReaderCrash) {
  std::string good = kernelText(
      kTile, kAddresses + "ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd0+16];\n shfl.sync.idx.b32 %r5|%p1, "
                          "%r0, 0, 31, -1;\n @!%p1 bra END;\n mov.b64 {%r6, %r7}, %rd1;\nEND:\n bar.sync 0;");
  GlobalMemory memory;
  ASSERT_TRUE(Module::load(good, memory));
  for (size_t length = 0; length < good.size(); ++length)
    (void)Module::load(good.substr(0, length), memory);
  for (size_t at = 0; at < good.size(); ++at)
    for (char replacement : {'\0', '{', '9', '%', ';', '\xff'}) {
      std::string changed = good;
      changed[at] = replacement;
      (void)Module::load(changed, memory);
    }
}

} // namespace
} // namespace strata::sim
