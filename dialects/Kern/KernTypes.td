// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Types and attributes of the kern dialect.

#ifndef STRATA_DIALECTS_KERN_KERNTYPES_TD
#define STRATA_DIALECTS_KERN_KERNTYPES_TD

include "dialects/Kern/KernDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Kern_Element : I32EnumAttr<"Element", "What a pointer points to", [
  I32EnumAttrCase<"f32", 0>, I32EnumAttrCase<"i32", 1>, I32EnumAttrCase<"bytes", 2>]> {
  let cppNamespace = "::strata::kern";
}

def Kern_Access : I32EnumAttr<"Access", "What is done through a pointer", [
  I32EnumAttrCase<"read", 0>, I32EnumAttrCase<"write", 1>]> {
  let cppNamespace = "::strata::kern";
}

def Kern_PointerType : TypeDef<Kern_Dialect, "Pointer"> {
  let mnemonic = "pointer";
  let summary = "An address in the GPU's memory";
  let description = [{
    Of numbers, or of bytes whose meaning the main loop knows (weights, activations, the cache). In CUDA `const float *`,
    `unsigned char *` and so on: what is only read is const.

    ```mlir
    !kern.pointer<f32, read>
    ```
  }];
  let parameters = (ins EnumParameter<Kern_Element>:$element, EnumParameter<Kern_Access>:$access);
  let assemblyFormat = "`<` $element `,` $access `>`";
}

def Kern_LaunchAttr : AttrDef<Kern_Dialect, "Launch"> {
  let mnemonic = "launch";
  let summary = "The geometry of a launch";
  let description = [{
    CTAs of `threads` threads: `grid_x` of them along x, and along y one for every `rows_per_cta` rows (0: one for all).
    `shared_bytes` of shared memory come on top of what the main loop declares. Of a multiprocessor's registers
    `minimum_ctas` CTAs must have room.
  }];
  let parameters = (ins "uint32_t":$threads, "uint32_t":$gridX, "uint32_t":$rowsPerCta, "uint32_t":$sharedBytes,
                        "uint32_t":$minimumCtas);
  let assemblyFormat = [{
    `<` `threads` `=` $threads `,` `grid_x` `=` $gridX `,` `rows_per_cta` `=` $rowsPerCta `,` `shared_bytes` `=` $sharedBytes `,`
    `minimum_ctas` `=` $minimumCtas `>`
  }];
  let genVerifyDecl = 1;
}

def Kern_RepeatAttr : AttrDef<Kern_Dialect, "Repeat"> {
  let mnemonic = "repeat";
  let summary = "How often a launch is repeated";
  let description = [{
    For every `segment_rows` of `per_row` times the rows, with the number of the segment as the last parameter; together with the
    neighbours of the same `group`: first all of the group for segment 0, then for 1.
  }];
  let parameters = (ins "uint32_t":$group, "uint32_t":$perRow, "uint32_t":$segmentRows);
  let assemblyFormat = "`<` `group` `=` $group `,` `per_row` `=` $perRow `,` `segment_rows` `=` $segmentRows `>`";
  let genVerifyDecl = 1;
}

#endif
