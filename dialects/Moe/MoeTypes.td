// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_MOE_MOETYPES_TD
#define STRATA_DIALECTS_MOE_MOETYPES_TD

include "dialects/Moe/MoeDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"

//===-- Encodings ---------------------------------------------------------------------------------------------===//

class Moe_EncodingType<string cppName, string typeMnemonic, string formula> : TypeDef<Moe_Dialect, cppName> {
  let mnemonic = typeMnemonic;
  let summary = "One number of a " # cppName # " tensor";
  let description = formula # [{

    Only an element type of tensors: a row is stored as whole blocks, so that the last dimension of a weight is a
    multiple of the block's numbers. `strata::moe::encodingOf` gives the `strata::Encoding`.
  }];
}

def Moe_Q4_0 : Moe_EncodingType<"Q4_0", "q4_0", [{
    32 numbers in 18 bytes: a scale d (f16), then 32 nibbles q; `w = (q - 8) * d`.}]>;
def Moe_Q4_1 : Moe_EncodingType<"Q4_1", "q4_1", [{
    32 numbers in 20 bytes: a scale d and a minimum m (f16), then 32 nibbles q; `w = q * d + m`.}]>;
def Moe_Q8_0 : Moe_EncodingType<"Q8_0", "q8_0", [{
    32 numbers in 34 bytes: a scale d (f16), then 32 signed bytes q; `w = q * d`.}]>;
def Moe_Q6_K : Moe_EncodingType<"Q6_K", "q6_k", [{
    256 numbers in 210 bytes: six bits q of each, a signed byte s for every 16, a scale d (f16);
    `w = (q - 32) * s * d`.}]>;

//===-- State ---------------------------------------------------------------------------------------------------===//

def Moe_Kv : TypeDef<Moe_Dialect, "Kv"> {
  let mnemonic = "kv";
  let summary = "The cache of the running layer";
  let description = [{
    For every position of every sequence one row of `latent + rope` numbers: the normalised latent, from which keys and
    values of all heads are made, and the rotated part of the key that the heads share. A value of this type is a state
    of the cache: `moe.kv_append` takes one and gives the next.

    ```mlir
    !moe.kv<512, 64>   // DeepSeek V3: 576 numbers for a position and a layer
    ```
  }];
  let parameters = (ins "uint32_t":$latent, "uint32_t":$rope);
  let assemblyFormat = "`<` $latent `,` $rope `>`";
  let genVerifyDecl = 1;
}

def Moe_Positions : TypeDef<Moe_Dialect, "Positions"> {
  let mnemonic = "positions";
  let summary = "Where each row stands: its sequence, and its position in it";
  let description = [{
    One (sequence, position) for each row of the step. Rotary embedding turns by the position; attention of a row sees
    the positions of its sequence up to its own.
  }];
}

//===-- Constraints ---------------------------------------------------------------------------------------------===//

class Moe_TensorConstraint<string predicate, string text> : Type<CPred<predicate>, text, "::mlir::RankedTensorType">;

def Moe_Rows : Moe_TensorConstraint<"::strata::moe::isRows($_self)", "rows of f32, tensor<?xKxf32>">;
def Moe_Ids : Moe_TensorConstraint<"::strata::moe::isIds($_self)", "rows of expert numbers, tensor<?xkxi32>">;
def Moe_Tokens : Moe_TensorConstraint<"::strata::moe::isTokens($_self)", "token ids, tensor<?xi32>">;

def Moe_Weight : Moe_TensorConstraint<"::strata::moe::isWeight($_self)", "static tensor of a known encoding">;

class Moe_EncodedWeight<int rank, string text>
    : Moe_TensorConstraint<"::strata::moe::isWeight($_self, " # rank # ")", text # " of a known encoding">;
def Moe_Matrix : Moe_EncodedWeight<2, "matrix [N, K]">;
def Moe_Stack : Moe_EncodedWeight<3, "stack of matrices [X, N, K]">;

class Moe_F32Weight<int rank, string text>
    : Moe_TensorConstraint<"::strata::moe::isF32Weight($_self, " # rank # ")", text # " of f32">;
def Moe_F32Vector : Moe_F32Weight<1, "vector [K]">;
def Moe_F32Matrix : Moe_F32Weight<2, "matrix [N, K]">;
def Moe_F32Stack : Moe_F32Weight<3, "stack of matrices [H, N, K]">;

def Moe_KvValue : Type<Moe_Kv.predicate, "cache of the running layer", "::strata::moe::KvType">;
def Moe_PositionsValue : Type<Moe_Positions.predicate, "positions", "::strata::moe::PositionsType">,
                         BuildableType<"$_builder.getType<::strata::moe::PositionsType>()">;

#endif // STRATA_DIALECTS_MOE_MOETYPES_TD
