// Products on a GPU get a schedule each, from a table, and kernels are built with what stands there.
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 | strata-opt --moe-optimise --convert-moe-to-plan="context=128 device=gpu" --plan-allocate-arenas --plan-choose-schedules -o %t.plan
// RUN: FileCheck %s < %t.plan

// CHECK-LABEL: plan.program @decode_step
// CHECK: plan.dispatch rms_norm few on gpu
// CHECK-NOT: schedules
// CHECK: plan.dispatch matmul few on gpu {{.*}} schedules [#plan.schedule<columns = 1, rows = 1, ctas = 5>]
// The routed experts and the shared one.
// CHECK: plan.dispatch experts_gate_up few on gpu {{.*}} schedules [#plan.schedule<columns = 1, rows = 1, ctas = 5>, #plan.schedule<columns = 1, rows = 1, ctas = 5>]
// CHECK-LABEL: plan.program @prompt_step
// A tile of the tensor cores.
// CHECK: plan.dispatch matmul many on gpu {{.*}} schedules [#plan.schedule<columns = 64, rows = 64, ctas = 2>]
// The router's weight is f32: four columns at a time.
// CHECK: plan.dispatch matmul many on gpu {{.*}}ffn_gate_inp.weight{{.*}} schedules [#plan.schedule<columns = 4, rows = {{[12]}}, ctas = 2>]

// One that has schedules keeps them, and its kernel has two rows per lane and room for three CTAs.
// RUN: sed 's/columns = 1, rows = 1, ctas = 5/columns = 1, rows = 2, ctas = 3/g' %t.plan > %t.changed
// RUN: strata-opt %t.changed --plan-choose-schedules --convert-plan-to-kern | FileCheck %s --check-prefix=CHANGED
// CHANGED: kern.func @matmulFew_Q4_0_I16_{{.*}}_1x2
// CHANGED-SAME: minimum_ctas = 3
// CHANGED-NOT: matmulFew_Q4_0_I16_{{[0-9x]*}}_1x1

// What cannot be built is refused.
// RUN: sed 's/columns = 64, rows = 64/columns = 64, rows = 128/' %t.plan > %t.tile
// RUN: not strata-opt %t.tile --convert-plan-to-kern -o /dev/null 2>&1 | FileCheck %s --check-prefix=TILE
// TILE: has a schedule of 128 rows and 64 columns, but a tensor-core tile has 64 and 64
// RUN: sed 's/columns = 1, rows = 1/columns = 1, rows = 99/' %t.plan > %t.rows
// RUN: not strata-opt %t.rows --convert-plan-to-kern -o /dev/null 2>&1 | FileCheck %s --check-prefix=ROWS
// ROWS: has a schedule of 99 rows per lane: 1 to 8 can be built
// RUN: sed 's/columns = 1, rows = 1, ctas = 5/columns = 2, rows = 1, ctas = 5/' %t.plan > %t.columns
// RUN: not strata-opt %t.columns --convert-plan-to-kern -o /dev/null 2>&1 | FileCheck %s --check-prefix=COLUMNS
// COLUMNS: has a schedule of 2 columns, but launches with 1
