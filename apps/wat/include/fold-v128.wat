  ;; Folds both halves of a vector into the checksum.
  (func $fold_v128 (param $value v128)
    (call $fold (i64x2.extract_lane 0 (local.get $value)))
    (call $fold (i64x2.extract_lane 1 (local.get $value))))
