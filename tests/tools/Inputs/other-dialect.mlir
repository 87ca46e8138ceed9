%0 = tosa.abs %1 : tensor<1xf32>
