;; A value of a slot of the stack goes on into a block that is an entry of the dispatch's table as well (build_resume.c).
;; Resumed there, the function finds what is in memory, traps where it would have, and not before.

(module (type $go (func (param i32) (result i32)))
(memory (export "m") 1)
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i64) (i64.const 0)) (global $seen (mut i64) (i64.const 0))
(global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(func (export "at") (param i32 i64 i64 i64) local.get 0 global.set $sp i64.const 0 global.set $seen
  global.get $sp local.get 1 i64.store offset=8 global.get $sp local.get 2 i64.store offset=16 global.get $sp local.get 3 i64.store offset=24)
(func (export "sp") (param i32) local.get 0 global.set $sp i64.const 0 global.set $seen)
(func (export "look") (param i32) (result i64) local.get 0 i64.load)
(func (export "seen") (result i64) global.get $seen)

(func (export "plain") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x global.get 0 global.get 0 i64.load offset=8 i64.store offset=16
    end i32.const 64 global.get 0 i64.load offset=8 local.get $x i64.add i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "bits") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 global.get 0 i64.load offset=8 i32.wrap_i64 i64.extend_i32_u i64.store offset=16
    end i32.const 64 global.get 0 i64.load offset=16 i64.const 0xffffffff i64.and global.get 0 i64.load offset=16 i64.const 32 i64.shr_u i64.add i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "loaded_bits") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load32_u offset=8 i64.const 1 i64.mul local.set $x
    end i32.const 64 global.get 0 i64.load32_u offset=8 i64.const 0xffffffff i64.and local.get $x i64.add i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "compared_bits") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 global.get 0 i64.load offset=8 i64.const 5 i64.eq i64.extend_i32_u i64.store offset=16
    end i32.const 64 global.get 0 i64.load offset=16 i64.const 1 i64.and global.get 0 i64.load offset=16 i64.add i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "two_slots") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 global.get 0 i64.load offset=8 i64.store offset=16
    end i32.const 64 global.get 0 i64.load offset=8 i64.const 100 i64.mul global.get 0 i64.load offset=16 i64.const 10 i64.mul i64.add global.get 0 i64.load offset=24 i64.add i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "narrow") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 global.get 0 i64.load offset=8 i64.const 3 i64.mul i32.wrap_i64 i32.store offset=16
    end i32.const 64 global.get 0 i32.load offset=16 i64.extend_i32_u i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "pointer") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b2 block $b1 block $b0 local.get 0 br_table $b0 $b1 $b2 $b2
    end global.get 0 i64.load offset=8 i32.wrap_i64 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end i32.const 64 global.get 0 i64.load offset=8 i32.wrap_i64 i64.load offset=8 global.get 0 i64.load offset=8 i32.wrap_i64 i64.load offset=16 i64.add local.get $x i64.add i64.store
    end i32.const 72 global.get 0 i64.load offset=8 i32.wrap_i64 i64.load offset=16 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "chain") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b3 block $b2 block $b1 block $b0 local.get 0 br_table $b0 $b1 $b2 $b3 $b3
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end local.get $x i64.const 1 i64.add local.set $x
    end local.get $x global.get 0 i64.load offset=8 i64.add local.set $x
    end i32.const 64 local.get $x global.get 0 i64.load offset=8 i64.add i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "float") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 f64.load offset=8 f64.neg f64.neg local.set $f
    end i32.const 64 global.get 0 f64.load offset=8 local.get $f f64.add i64.reinterpret_f64 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "back") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b2 block $b1 block $b0 local.get 0 br_table $b0 $b1 $b2 $b2
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $y i32.const 3 local.set $n
    end local.get $x global.get 0 i64.load offset=8 i64.add local.set $x i32.const 4096 i32.const 8 i32.add i64.const 50 i64.store local.get $n if local.get $n i32.const 1 i32.sub local.set $n i32.const 1 local.set 0 br $l end
    end i32.const 64 local.get $x i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "back_slot") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b2 block $b1 block $b0 local.get 0 br_table $b0 $b1 $b2 $b2
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $y i32.const 3 local.set $n
    end local.get $x global.get 0 i64.load offset=8 i64.add local.set $x global.get 0 local.get $x i64.store offset=8 local.get $n if local.get $n i32.const 1 i32.sub local.set $n i32.const 1 local.set 0 br $l end
    end i32.const 64 local.get $x i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "global_first") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end i64.const 7 global.set $seen i32.const 64 global.get 0 i64.load offset=8 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "store_first") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end global.get 0 i64.const 77 i64.store i32.const 64 global.get 0 i64.load offset=8 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "narrow_first") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end global.get 0 i32.const 77 i32.store offset=8 global.get 0 i64.load offset=16 drop i32.const 64 global.get 0 i64.load offset=8 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "half_reached") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end global.get 0 i32.const 77 i32.store offset=4 i32.const 64 global.get 0 i64.load offset=8 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "division_first") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end i32.const 64 i64.const 1 local.get $y i64.div_u global.get 0 i64.load offset=8 i64.add i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "reached") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end global.get 0 i64.const 9 i64.store offset=16 i32.const 64 global.get 0 i64.load offset=8 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "not_taken") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end local.get $y i64.eqz if else i32.const 64 global.get 0 i64.load offset=8 i64.store end i32.const 72 i64.const 5 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "behind_reached") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b2 block $b1 block $b0 local.get 0 br_table $b0 $b1 $b2 $b2
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end global.get 0 i64.load offset=16 local.set $y
    end local.get $y i64.eqz if else i32.const 64 global.get 0 i64.load offset=8 i64.store end i32.const 72 i64.const 6 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "wrapped_sum") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end i32.const 64 global.get 0 i32.const 8 i32.add i64.load i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "sp_changes") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end global.get 0 i32.const 8 i32.add global.set 0 global.get 0 local.set 1 i32.const 64 global.get 0 i64.load offset=8 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "sp_changes_first") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end global.get 0 i32.const 16 i32.sub local.tee 1 global.set 0 global.get 0 i64.load offset=24 local.set $x global.get 0 i32.const 16 i32.add local.tee 1 global.set 0 i32.const 64 global.get 0 i64.load offset=8 i64.store
    i32.const 0 return
  end
  unreachable)

(func (export "chain_seen") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b2 block $b1 block $b0 local.get 0 br_table $b0 $b1 $b2 $b2
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end i64.const 7 global.set $seen
    end i32.const 64 global.get 0 i64.load offset=8 i64.store
    i32.const 0 return
  end
  unreachable)

)
(invoke "at" (i32.const 4096) (i64.const 1) (i64.const 2) (i64.const 3))
(assert_return (invoke "plain" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 2))
(invoke "at" (i32.const 4096) (i64.const 1) (i64.const 2) (i64.const 3))
(assert_return (invoke "plain" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 1))
(invoke "at" (i32.const 4096) (i64.const 0x700000005) (i64.const 0x900000002) (i64.const 3))
(assert_return (invoke "bits" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 5))
(invoke "at" (i32.const 4096) (i64.const 0x700000005) (i64.const 0x900000002) (i64.const 3))
(assert_return (invoke "bits" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 11))
(invoke "at" (i32.const 4096) (i64.const 0x700000005) (i64.const 2) (i64.const 3))
(assert_return (invoke "loaded_bits" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 10))
(invoke "at" (i32.const 4096) (i64.const 0x700000005) (i64.const 2) (i64.const 3))
(assert_return (invoke "loaded_bits" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 5))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "compared_bits" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 2))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 7) (i64.const 3))
(assert_return (invoke "compared_bits" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 8))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "two_slots" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 553))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "two_slots" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 523))
(invoke "at" (i32.const 4096) (i64.const 0x700000005) (i64.const 0x9fffffff2) (i64.const 3))
(assert_return (invoke "narrow" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 15))
(invoke "at" (i32.const 4096) (i64.const 0x700000005) (i64.const 0x9fffffff2) (i64.const 3))
(assert_return (invoke "narrow" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 0xfffffff2))
(invoke "at" (i32.const 4096) (i64.const 0x700001000) (i64.const 20) (i64.const 300))
(assert_return (invoke "pointer" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 60129550356))
(assert_return (invoke "look" (i32.const 72)) (i64.const 20))
(invoke "at" (i32.const 4096) (i64.const 0x700001008) (i64.const 20) (i64.const 300))
(assert_return (invoke "pointer" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 320))
(assert_return (invoke "look" (i32.const 72)) (i64.const 300))
(invoke "at" (i32.const 4096) (i64.const 0x900001008) (i64.const 20) (i64.const 300))
(assert_return (invoke "pointer" (i32.const 2)) (i32.const 0))
(assert_return (invoke "look" (i32.const 72)) (i64.const 300))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "chain" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 16))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "chain" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 11))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "chain" (i32.const 2)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 10))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "chain" (i32.const 3)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 5))
(invoke "at" (i32.const 4096) (i64.const 0x4000000000000000) (i64.const 2) (i64.const 3))
(assert_return (invoke "float" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 0x4010000000000000))
(invoke "at" (i32.const 4096) (i64.const 0x4000000000000000) (i64.const 2) (i64.const 3))
(assert_return (invoke "float" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 0x4000000000000000))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "back" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 155))
(invoke "at" (i32.const 4096) (i64.const 6) (i64.const 2) (i64.const 3))
(assert_return (invoke "back" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 6))
(invoke "at" (i32.const 4096) (i64.const 1) (i64.const 2) (i64.const 3))
(assert_return (invoke "back" (i32.const 2)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 0))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "back_slot" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 40))
(invoke "at" (i32.const 4096) (i64.const 6) (i64.const 2) (i64.const 3))
(assert_return (invoke "back_slot" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 6))
(invoke "at" (i32.const 4096) (i64.const 1) (i64.const 2) (i64.const 3))
(assert_return (invoke "global_first" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 1))
(invoke "sp" (i32.const 65528))
(assert_trap (invoke "global_first" (i32.const 1)) "out of bounds memory access")
(assert_return (invoke "seen") (i64.const 7))
(invoke "at" (i32.const 4096) (i64.const 1) (i64.const 2) (i64.const 3))
(assert_return (invoke "store_first" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 1))
(invoke "sp" (i32.const 65528))
(assert_trap (invoke "store_first" (i32.const 1)) "out of bounds memory access")
(assert_return (invoke "look" (i32.const 65528)) (i64.const 77))
(invoke "sp" (i32.const 65524))
(assert_trap (invoke "narrow_first" (i32.const 1)) "out of bounds memory access")
(assert_return (invoke "look" (i32.const 65528)) (i64.const 330712481869))
(invoke "at" (i32.const 4096) (i64.const 1) (i64.const 2) (i64.const 3))
(assert_return (invoke "half_reached" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 1))
(invoke "sp" (i32.const 65528))
(assert_trap (invoke "half_reached" (i32.const 1)) "out of bounds memory access")
(assert_return (invoke "look" (i32.const 65528)) (i64.const 330712481869))
(invoke "sp" (i32.const 65528))
(assert_trap (invoke "division_first" (i32.const 1)) "integer divide by zero")
(invoke "at" (i32.const 4096) (i64.const 1) (i64.const 2) (i64.const 3))
(assert_return (invoke "reached" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 1))
(invoke "at" (i32.const 4096) (i64.const 4) (i64.const 5) (i64.const 6))
(assert_return (invoke "reached" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 4))
(assert_return (invoke "look" (i32.const 4112)) (i64.const 9))
(invoke "sp" (i32.const 65520))
(assert_trap (invoke "reached" (i32.const 1)) "out of bounds memory access")
(invoke "sp" (i32.const 65528))
(assert_return (invoke "not_taken" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 72)) (i64.const 5))
(invoke "sp" (i32.const 65528))
(assert_return (invoke "behind_reached" (i32.const 2)) (i32.const 0))
(assert_return (invoke "look" (i32.const 72)) (i64.const 6))
(invoke "at" (i32.const 4096) (i64.const 4) (i64.const 5) (i64.const 6))
(assert_return (invoke "behind_reached" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 4))
(invoke "at" (i32.const 4096) (i64.const 8) (i64.const 5) (i64.const 6))
(assert_return (invoke "behind_reached" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 8))
(invoke "at" (i32.const 4096) (i64.const 1) (i64.const 2) (i64.const 3))
(assert_return (invoke "wrapped_sum" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 1))
(invoke "sp" (i32.const -8))
(assert_return (invoke "wrapped_sum" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 0))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "sp_changes" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 2))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "sp_changes" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 2))
(invoke "at" (i32.const 4096) (i64.const 5) (i64.const 2) (i64.const 3))
(assert_return (invoke "sp_changes_first" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 5))
(invoke "sp" (i32.const 65528))
(assert_trap (invoke "sp_changes_first" (i32.const 1)) "out of bounds memory access")
(invoke "at" (i32.const 4096) (i64.const 1) (i64.const 2) (i64.const 3))
(assert_return (invoke "chain_seen" (i32.const 0)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 1))
(invoke "sp" (i32.const 65528))
(assert_trap (invoke "chain_seen" (i32.const 1)) "out of bounds memory access")
(assert_return (invoke "seen") (i64.const 7))
;; Global 2 of i32, which lives in a register whole.
(module (type $go (func (param i32) (result i32)))
(memory (export "m") 1)
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i32) (i32.const 0)) (global $seen (mut i64) (i64.const 0))
(global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(func (export "at") (param i32 i64 i64 i64) local.get 0 global.set $sp i64.const 0 global.set $seen
  global.get $sp local.get 1 i64.store offset=8 global.get $sp local.get 2 i64.store offset=16 global.get $sp local.get 3 i64.store offset=24)
(func (export "sp") (param i32) local.get 0 global.set $sp i64.const 0 global.set $seen)
(func (export "look") (param i32) (result i64) local.get 0 i64.load)
(func (export "g") (result i32) global.get $g)

(func (export "pinned") (type $go) (local i32) (local $x i64) (local $y i64) (local $f f64) (local $n i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end global.get 0 i64.load offset=8 i64.const 1 i64.mul local.set $x
    end i32.const 9 global.set $g i32.const 64 global.get 0 i64.load offset=8 i64.store
    i32.const 0 return
  end
  unreachable)

)
(invoke "sp" (i32.const 65528))
(assert_trap (invoke "pinned" (i32.const 1)) "out of bounds memory access")
(assert_return (invoke "g") (i32.const 9))
;; A value of 32 bits that was stored to a slot as one of 64: resumed, the function finds an upper half there.
(module (type $go (func (param i32) (result i32)))
(memory (export "m") 1)
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i64) (i64.const 0)) (global $seen (mut i64) (i64.const 0))
(global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(data (i32.const 4104) "\05\00\00\00\07\00\00\00\02\00\00\00\09\00\00\00")
(func (export "look") (param i32) (result i64) local.get 0 i64.load)
(func (export "compared") (type $go) (local i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end (i64.store offset=16 (global.get 0) (i64.extend_i32_u (i64.eq (i64.load offset=8 (global.get 0)) (i64.const 5))))
    end (i64.store (i32.const 64) (i64.and (i64.load offset=16 (global.get 0)) (i64.const 0xffffffff)))
    (i64.store (i32.const 72) (i64.shr_u (i64.load offset=16 (global.get 0)) (i64.const 32)))
    i32.const 0 return
  end
  unreachable)
(func (export "masked") (type $go) (local i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end (i64.store offset=16 (global.get 0) (i64.and (i64.add (i64.load offset=8 (global.get 0)) (i64.const 5)) (i64.const 0xffffffff)))
    end (i64.store (i32.const 64) (i64.and (i64.load offset=16 (global.get 0)) (i64.const 0xffffffff)))
    (i64.store (i32.const 72) (i64.shr_u (i64.load offset=16 (global.get 0)) (i64.const 32)))
    i32.const 0 return
  end
  unreachable)
(func (export "loaded") (type $go) (local i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end (i64.store offset=16 (global.get 0) (i64.extend_i32_u (i32.load offset=8 (global.get 0))))
    end (i64.store (i32.const 64) (i64.and (i64.load offset=16 (global.get 0)) (i64.const 0xffffffff)))
    (i64.store (i32.const 72) (i64.shr_u (i64.load offset=16 (global.get 0)) (i64.const 32)))
    i32.const 0 return
  end
  unreachable)
(func (export "added") (type $go) (local i32)
  global.get 0 local.set 1
  loop $l
    block $b1 block $b0 local.get 0 br_table $b0 $b1 $b1
    end (i64.store offset=16 (global.get 0) (i64.extend_i32_u (i32.add (i32.load offset=8 (global.get 0)) (i32.const 1))))
    end (i64.store (i32.const 64) (i64.and (i64.load offset=16 (global.get 0)) (i64.const 0xffffffff)))
    (i64.store (i32.const 72) (i64.shr_u (i64.load offset=16 (global.get 0)) (i64.const 32)))
    i32.const 0 return
  end
  unreachable)
)
(assert_return (invoke "compared" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 2))
(assert_return (invoke "look" (i32.const 72)) (i64.const 9))
(assert_return (invoke "masked" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 2))
(assert_return (invoke "look" (i32.const 72)) (i64.const 9))
(assert_return (invoke "loaded" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 2))
(assert_return (invoke "look" (i32.const 72)) (i64.const 9))
(assert_return (invoke "added" (i32.const 1)) (i32.const 0))
(assert_return (invoke "look" (i32.const 64)) (i64.const 2))
(assert_return (invoke "look" (i32.const 72)) (i64.const 9))
