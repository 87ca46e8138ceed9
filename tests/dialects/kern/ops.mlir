// RUN: strata-opt %s | FileCheck %s
// RUN: strata-opt %s | strata-opt | FileCheck %s
// RUN: strata-opt %s --mlir-print-op-generic | strata-opt | FileCheck %s
// RUN: strata-opt %s --verify-roundtrip --emit-bytecode | strata-opt | FileCheck %s

// Every operation, with all its optional parts and without them.

// CHECK-LABEL: kern.func @add_7168(%left: !kern.pointer<f32, read>, %right: !kern.pointer<f32, read>, %result: !kern.pointer<f32, write>, %rows: i32)
// CHECK-SAME: launch <threads = 128, grid_x = 14, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 4> texts ["Rows.cuh"] {
kern.func @add_7168(%left: !kern.pointer<f32, read>, %right: !kern.pointer<f32, read>, %result: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 14, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 4> texts ["Rows.cuh"] {
  // CHECK-NEXT: main_loop "strata::add<7168>"(%left, %right, %result) : !kern.pointer<f32, read>, !kern.pointer<f32, read>, !kern.pointer<f32, write>
  kern.main_loop "strata::add<7168>"(%left, %right, %result) : !kern.pointer<f32, read>, !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// CHECK-LABEL: kern.func @product(
// CHECK-SAME: launch <threads = 256, grid_x = 3, rows_per_cta = 0, shared_bytes = 98304, minimum_ctas = 1> repeat <group = 2, per_row = 8, segment_rows = 512> texts ["A.cuh", "B.cuh"] {
kern.func @product(%input: !kern.pointer<bytes, read>, %ids: !kern.pointer<i32, write>, %residual: !kern.pointer<f32, read>,
                   %result: !kern.pointer<f32, write>, %rows: i32, %segment: i32)
    launch <threads = 256, grid_x = 3, rows_per_cta = 0, shared_bytes = 98304, minimum_ctas = 1>
    repeat <group = 2, per_row = 8, segment_rows = 512> texts ["A.cuh", "B.cuh"] {
  // CHECK-NEXT: %[[EPSILON:.*]] = constant 9.99999997E-7{{$}}
  %0 = kern.constant 1.0e-6
  // CHECK-NEXT: %[[NULL:.*]] = null : <f32, read>
  %1 = kern.null : !kern.pointer<f32, read>
  // CHECK-NEXT: %[[TABLE:.*]] = table [1.000000e+00, 5.000000e-01] : <f32, read>
  %2 = kern.table [1.0, 0.5] : !kern.pointer<f32, read>
  // CHECK-NEXT: main_loop "strata::f<96, epilogue, 1>"(%input, %ids, %[[EPSILON]], %[[NULL]], %[[TABLE]], %rows, %segment, %residual, %result)
  // CHECK-SAME: epilogue [7, 8] (%value, %row, %column) {
  kern.main_loop "strata::f<96, epilogue, 1>"(%input, %ids, %0, %1, %2, %rows, %segment, %residual, %result)
      : !kern.pointer<bytes, read>, !kern.pointer<i32, write>, f32, !kern.pointer<f32, read>, !kern.pointer<f32, read>, i32, i32,
        !kern.pointer<f32, read>, !kern.pointer<f32, write> epilogue [7, 8] (%value, %row, %column) {
    // CHECK-NEXT: %[[BEFORE:.*]] = kern.load %residual[%row, %column] columns 96 : <f32, read>
    %3 = kern.load %residual[%row, %column] columns 96 : <f32, read>
    // CHECK-NEXT: %[[SUM:.*]] = arith.addf %value, %[[BEFORE]] : f32
    %4 = arith.addf %value, %3 : f32
    // CHECK-NEXT: kern.store %[[SUM]], %result[%row, %column] columns 96 : <f32, write>
    kern.store %4, %result[%row, %column] columns 96 : <f32, write>
  }
}
