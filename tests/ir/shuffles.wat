;; Shuffles that are one instruction: interleaved, a window, a blend, two and two, of one side; and one that is none.
;;! code
(module
  (func $low_words (param v128 v128) (result v128)
    (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get 0) (local.get 1)))
  (func $low_doubles (param v128 v128) (result v128)
    (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get 0) (local.get 1)))
  (func $low_halves (param v128 v128) (result v128)
    (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get 0) (local.get 1)))
  (func $high_bytes (param v128 v128) (result v128)
    (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get 0) (local.get 1)))
  (func $high_halves (param v128 v128) (result v128)
    (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get 0) (local.get 1)))
  (func $window (param v128 v128) (result v128)
    (i8x16.shuffle 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 (local.get 0) (local.get 1)))
  (func $last_window (param v128 v128) (result v128)
    (i8x16.shuffle 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 (local.get 0) (local.get 1)))
  (func $blend (param v128 v128) (result v128)
    (i8x16.shuffle 0 1 18 19 4 5 22 23 24 25 10 11 28 29 30 31 (local.get 0) (local.get 1)))
  (func $blend_of_odd_bytes_is_none (param v128 v128) (result v128)
    (i8x16.shuffle 0 17 2 19 4 5 22 23 24 25 10 11 28 29 30 31 (local.get 0) (local.get 1)))
  (func $two_and_two (param v128 v128) (result v128)
    (i8x16.shuffle 12 13 14 15 4 5 6 7 16 17 18 19 28 29 30 31 (local.get 0) (local.get 1)))
  (func $two_and_two_swapped (param v128 v128) (result v128)
    (i8x16.shuffle 28 29 30 31 20 21 22 23 0 1 2 3 8 9 10 11 (local.get 0) (local.get 1)))
  (func $one_side (param v128 v128) (result v128)
    (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get 0) (local.get 1)))
  (func $reversed (param v128 v128) (result v128)
    (i8x16.shuffle 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 (local.get 0) (local.get 1))))
;;> code: func 0 "low_words" (v128 v128) -> (v128), frame 0, 5 bytes
;;>      0  punpcklwd xmm0, xmm1  ; +5 i8x16.shuffle
;;>      4  ret  ; +23 end
;;> code: func 1 "low_doubles" (v128 v128) -> (v128), frame 0, 5 bytes
;;>      0  punpckldq xmm0, xmm1  ; +5 i8x16.shuffle
;;>      4  ret  ; +23 end
;;> code: func 2 "low_halves" (v128 v128) -> (v128), frame 0, 5 bytes
;;>      0  punpcklqdq xmm0, xmm1  ; +5 i8x16.shuffle
;;>      4  ret  ; +23 end
;;> code: func 3 "high_bytes" (v128 v128) -> (v128), frame 0, 5 bytes
;;>      0  punpckhbw xmm0, xmm1  ; +5 i8x16.shuffle
;;>      4  ret  ; +23 end
;;> code: func 4 "high_halves" (v128 v128) -> (v128), frame 0, 5 bytes
;;>      0  punpckhqdq xmm0, xmm1  ; +5 i8x16.shuffle
;;>      4  ret  ; +23 end
;;> code: func 5 "window" (v128 v128) -> (v128), frame 0, 16 bytes
;;>      0  movaps xmm15, xmm1  ; +5 i8x16.shuffle
;;>      4  palignr xmm15, xmm0, 5
;;>      b  movaps xmm0, xmm15
;;>      f  ret  ; +23 end
;;> code: func 6 "last_window" (v128 v128) -> (v128), frame 0, 16 bytes
;;>      0  movaps xmm15, xmm1  ; +5 i8x16.shuffle
;;>      4  palignr xmm15, xmm0, 15
;;>      b  movaps xmm0, xmm15
;;>      f  ret  ; +23 end
;;> code: func 7 "blend" (v128 v128) -> (v128), frame 0, 7 bytes
;;>      0  pblendw xmm0, xmm1, 218  ; +5 i8x16.shuffle
;;>      6  ret  ; +23 end
;;> code: func 8 "blend_of_odd_bytes_is_none" (v128 v128) -> (v128), frame 0, 80 bytes
;;>      0  movaps xmm15, xmm0  ; +5 i8x16.shuffle
;;>      4  pshufb xmm15, [30]
;;>      e  movaps xmm14, xmm1
;;>     12  pshufb xmm14, [40]
;;>     1c  por xmm15, xmm14
;;>     21  movaps xmm0, xmm15
;;>     25  ret  ; +23 end
;;>     26  bytes cc cc cc cc cc cc cc cc cc cc
;;>     30  bytes 00 80 02 80 04 05 80 80
;;>     38  bytes 80 80 0a 0b 80 80 80 80
;;>     40  bytes 80 01 80 03 80 80 06 07
;;>     48  bytes 08 09 80 80 0c 0d 0e 0f
;;> code: func 9 "two_and_two" (v128 v128) -> (v128), frame 0, 5 bytes
;;>      0  shufps xmm0, xmm1, 199  ; +5 i8x16.shuffle
;;>      4  ret  ; +23 end
;;> code: func 10 "two_and_two_swapped" (v128 v128) -> (v128), frame 0, 14 bytes
;;>      0  movaps xmm15, xmm1  ; +5 i8x16.shuffle
;;>      4  shufps xmm15, xmm0, 135
;;>      9  movaps xmm0, xmm15
;;>      d  ret  ; +23 end
;;> code: func 11 "one_side" (v128 v128) -> (v128), frame 0, 6 bytes
;;>      0  pshufd xmm0, xmm0, 177  ; +5 i8x16.shuffle
;;>      5  ret  ; +23 end
;;> code: func 12 "reversed" (v128 v128) -> (v128), frame 0, 32 bytes
;;>      0  pshufb xmm0, [10]  ; +5 i8x16.shuffle
;;>      9  ret  ; +23 end
;;>      a  bytes cc cc cc cc cc cc
;;>     10  bytes 0f 0e 0d 0c 0b 0a 09 08
;;>     18  bytes 07 06 05 04 03 02 01 00
