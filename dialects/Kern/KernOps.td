// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The operations of the kern dialect.

#ifndef STRATA_DIALECTS_KERN_KERNOPS_TD
#define STRATA_DIALECTS_KERN_KERNOPS_TD

include "dialects/Kern/KernTypes.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Kern_Op<string mnemonic, list<Trait> traits = []> : Op<Kern_Dialect, mnemonic, traits>;

def Kern_FuncOp : Kern_Op<"func", [
    HasParent<"::mlir::ModuleOp">, IsolatedFromAbove, Symbol, SingleBlock, NoTerminator,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "One kernel: an entry point of the GPU's code";
  let description = [{
    The arguments are addresses, then the number of rows, and in a repeated launch the number of the segment. `texts` are the
    files of main loops that it needs. The body has constants and one `kern.main_loop`.

    Example:
    ```mlir
    kern.func @add_7168(%left: !kern.pointer<f32, read>, %right: !kern.pointer<f32, read>, %result: !kern.pointer<f32, write>, %rows: i32)
        launch <threads = 128, grid_x = 14, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 4> texts ["Rows.cuh"] {
      kern.main_loop "strata::add<7168>"(%left, %right, %result)
          : !kern.pointer<f32, read>, !kern.pointer<f32, read>, !kern.pointer<f32, write>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Kern_LaunchAttr:$launch, OptionalAttr<Kern_RepeatAttr>:$repeat,
                       StrArrayAttr:$texts, StrArrayAttr:$names);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Addresses: the arguments without rows and segment.
    unsigned getPointerCount();
    static ::llvm::StringRef getDefaultDialect() { return "kern"; }
  }];
}

def Kern_ConstantOp : Kern_Op<"constant", [Pure]> {
  let summary = "A number that the main loop is called with";
  let description = [{
    In CUDA a literal that gives the same f32.

    Example:
    ```mlir
    %0 = kern.constant 1.0e-6
    ```
  }];
  let arguments = (ins F32Attr:$value);
  let results = (outs F32:$result);
  let assemblyFormat = "$value attr-dict";
}

def Kern_NullOp : Kern_Op<"null", [Pure]> {
  let summary = "The address of nothing";
  let description = [{
    For what a main loop can do without: `nullptr`.

    Example:
    ```mlir
    %0 = kern.null : !kern.pointer<f32, read>
    ```
  }];
  let results = (outs Kern_PointerType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Kern_TableOp : Kern_Op<"table", [Pure]> {
  let summary = "Numbers in constant memory";
  let description = [{
    As the frequencies of a rotation: an array of the kernel's own.

    Example:
    ```mlir
    %0 = kern.table [1.000000e+00, 5.000000e-01]
    ```
  }];
  let arguments = (ins DenseF32ArrayAttr:$values);
  let results = (outs Kern_PointerType:$result);
  let assemblyFormat = "$values attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Kern_MainLoopOp : Kern_Op<"main_loop", [
    HasParent<"FuncOp">, NoTerminator, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "Calls a main loop";
  let description = [{
    `callee` is a device function with its template arguments. If it has `epilogue` among them, the region is that: what happens
    to a number that the loop has made, `value`, for a `row` of the input and a `column` of the result. The loop hands the operands
    that are listed before it on to it.

    Example:
    ```mlir
    kern.main_loop "strata::matmulFew<strata::Q4_0, strata::I16, 96, 256, epilogue, 1, 1>"(%input, %weight, %rows, %residual, %result)
        : !kern.pointer<bytes, read>, !kern.pointer<bytes, read>, i32, !kern.pointer<f32, read>, !kern.pointer<f32, write>
        epilogue [3, 4] (%value, %row, %column) {
      kern.store %value, %result[%row, %column] columns 96 : !kern.pointer<f32, write>
    }
    ```
  }];
  let arguments = (ins StrAttr:$callee, Variadic<AnyTypeOf<[Kern_PointerType, F32, I32]>>:$operands_,
                       DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$handed);
  let regions = (region MaxSizedRegion<1>:$epilogue);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
}

class Kern_ElementOp<string mnemonic, list<Trait> traits> : Kern_Op<mnemonic, traits> {
  let hasVerifier = 1;
}

def Kern_LoadOp : Kern_ElementOp<"load", [MemoryEffects<[MemRead]>, HasParent<"MainLoopOp">]> {
  let summary = "A number of a matrix, in an epilogue";
  let description = [{
    `matrix[row · columns + column]`.

    Example:
    ```mlir
    %0 = kern.load %residual[%row, %column] columns 7168 : !kern.pointer<f32, read>
    ```
  }];
  let arguments = (ins Kern_PointerType:$matrix, I32:$row, I32:$column, I64Attr:$columns);
  let results = (outs F32:$result);
  let assemblyFormat = "$matrix `[` $row `,` $column `]` `columns` $columns attr-dict `:` type($matrix)";
}

def Kern_StoreOp : Kern_ElementOp<"store", [MemoryEffects<[MemWrite]>, HasParent<"MainLoopOp">]> {
  let summary = "Writes a number of a matrix, in an epilogue";
  let description = [{
    `matrix[row · columns + column] = value`.

    Example:
    ```mlir
    kern.store %0, %result[%row, %column] columns 7168 : !kern.pointer<f32, write>
    ```
  }];
  let arguments = (ins F32:$value, Kern_PointerType:$matrix, I32:$row, I32:$column, I64Attr:$columns);
  let assemblyFormat = "$value `,` $matrix `[` $row `,` $column `]` `columns` $columns attr-dict `:` type($matrix)";
}

#endif
