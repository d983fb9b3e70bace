;; Modules made by hand that look like Go's and are not: what the passes on Go's shapes must not take them for.
;; Found by a review; each was wrong code, or a crash of the engine.
;; A call that always panics, and jumps back to the dispatch.
(module (type $go (func (param i32) (result i32)))
(memory (export "m") 1)
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(func $panic (type $go) (local i32) global.get 0 local.set 1 i32.const 1)

(func $f (type $go) (local i32) (local $x i64)
  global.get 0 local.set 1
  loop $l
    block $one block $zero
      local.get 0 br_table $zero $one $one
    end
    i64.const 42 local.set $x
    i32.const 1 local.set 0
    i32.const 0 call $panic global.get 0 local.set 1
    br_if $l
    end
    i32.const 64 local.get $x i64.store
    i32.const 0 return
  end
  unreachable)
(func (export "f") (result i32 i64) i32.const 0 call $f i32.const 64 i64.load)
)
(assert_return (invoke "f") (i32.const 0) (i64.const 42))
;; The same as a loop.
(module (type $go (func (param i32) (result i32)))
(memory (export "m") 1)
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(func $panic (type $go) (local i32) global.get 0 local.set 1 i32.const 1)

(func $f (type $go) (local i32) (local $x i64)
  global.get 0 local.set 1
  loop $l
    block $one block $zero
      local.get 0 br_table $zero $one $one
    end
    local.get $x i64.const 1 i64.add local.set $x
    i32.const 64 i32.const 64 i64.load i64.const 1 i64.add i64.store
    i32.const 64 i64.load i64.const 10 i64.ge_u if i32.const 1 local.set 0 end
    i32.const 0 call $panic global.get 0 local.set 1
    br_if $l
    end
    i32.const 72 local.get $x i64.store
    i32.const 0 return
  end
  unreachable)
(func (export "f") (result i32 i64 i64) i32.const 0 call $f i32.const 64 i64.load i32.const 72 i64.load)
)
(assert_return (invoke "f") (i32.const 0) (i64.const 10) (i64.const 10))
;; The same in a leaf in place of its call.
(module (type $go (func (param i32) (result i32)))
(memory (export "m") 1)
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(func $panic (type $go) (local i32) global.get 0 local.set 1 i32.const 1)

(func $leaf (type $go) (local i32) (local $x i64)
  global.get 0 local.set 1
  loop $l
    block $one block $zero
      local.get 0 br_table $zero $one $one
    end
    i32.const 1 local.set 0
    i32.const 1 if
    i32.const 0 call $panic global.get 0 local.set 1
    br_if $l end
    end
    i32.const 64 i64.const 77 i64.store
    i32.const 0 return
  end
  unreachable)
(func $f (type $go) (local i32)
  global.get 0 local.set 1
  block $u
  i32.const 0 call $leaf global.get 0 local.set 1 br_if $u
  i32.const 0 return end
  i32.const 1)
(func (export "f") (result i32 i64) i32.const 0 call $f i32.const 64 i64.load)
)
(assert_return (invoke "f") (i32.const 0) (i64.const 77))
;; A step of SP by a constant that another way has, too.
(module (type $go (func (param i32) (result i32)))
(memory (export "m") 1)
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(func $panic (type $go) (local i32) global.get 0 local.set 1 i32.const 1)

(func $f (param i32) (result i32)
  block $l (result i32)
    i32.const 8
    local.get 0 br_if $l
    global.get 0 i32.const 16 i32.add global.set 0
    global.get 0 i32.add global.set 0
    i32.const 100
  end)
(func (export "f") (param i32) (result i32 i32) local.get 0 call $f global.get 0)
(func (export "f0") (result i32 i32) i32.const 0 call $f global.get 0)
(func (export "f1") (result i32 i32) i32.const 1 call $f global.get 0)
)
(assert_return (invoke "f1") (i32.const 8) (i32.const 4096))
(assert_return (invoke "f0") (i32.const 100) (i32.const 4120))
;; A pointer's lower half, where a block's result is another value by then.
(module (type $go (func (param i32) (result i32)))
(memory (export "m") 1)
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(func $panic (type $go) (local i32) global.get 0 local.set 1 i32.const 1)
(data (i32.const 4104) "\00\10\00\00\01\00\00\00") (data (i32.const 0x1004) "\2a\00\00\00") (data (i32.const 0x2004) "\63\00\00\00")
(func (export "f") (result i32 i32) (local i64 i32 i32)
  i64.const 0x100002000 local.set 0
  block (result i64) global.get 0 i64.load offset=8 br 0 end
  i32.wrap_i64 i32.load offset=4 local.set 1
  block (result i64) local.get 0 br 0 end
  i32.wrap_i64 i32.load offset=4 local.set 2
  local.get 1 local.get 2)
)
(assert_return (invoke "f") (i32.const 0x2a) (i32.const 0x63))
;; The same by an if with a parameter.
(module (type $go (func (param i32) (result i32)))
(memory (export "m") 1)
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(func $panic (type $go) (local i32) global.get 0 local.set 1 i32.const 1)
(data (i32.const 4104) "\00\10\00\00\01\00\00\00") (data (i32.const 0x1004) "\2a\00\00\00") (data (i32.const 0x2004) "\63\00\00\00")
(func (export "f") (result i32 i32) (local i64 i32 i32)
  i64.const 0x100002000 local.set 0
  block (result i64) global.get 0 i64.load offset=8 br 0 end
  i32.wrap_i64 i32.load offset=4 local.set 1
  local.get 0 
  local.get 1 if i32.const 1 local.set 2 end
  i32.wrap_i64 i32.load offset=4 local.set 2
  local.get 1 local.get 2)
(func (export "g") (result i32 i32) (local i64 i32 i32)
  i64.const 0x100002000 local.set 0
  block (result i64) global.get 0 i64.load offset=8 br 0 end
  i32.wrap_i64 i32.load offset=4 local.set 1
  local.get 0 
  local.get 1 if (param i64) (result i32)
  i32.wrap_i64 i32.load offset=4 else drop i32.const 7 end local.set 2
  local.get 1 local.get 2)
)
(assert_return (invoke "f") (i32.const 0x2a) (i32.const 0x63))
(assert_return (invoke "g") (i32.const 0x2a) (i32.const 0x63))
;; A leaf with vectors, which a CPU without SSE4.1 cannot have, and which is not called.
(module (type $go (func (param i32) (result i32)))
(memory (export "m") 1)
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(func $panic (type $go) (local i32) global.get 0 local.set 1 i32.const 1)

(func $leaf (type $go) (local i32) global.get 0 local.set 1
  local.get 1 v128.const i32x4 1 2 3 4 v128.store offset=8
  i32.const 0)
(func $f (type $go) (local i32)
  global.get 0 local.set 1
  block $u
  local.get 1 i32.load if
  i32.const 0 call $leaf global.get 0 local.set 1 br_if $u end
  i32.const 0 return end
  i32.const 1)
(func (export "f") (result i32) i32.const 0 call $f)
)
(assert_return (invoke "f") (i32.const 0))
;; A load from another memory, whose offset is the number of an instruction.
(module (type $go (func (param i32) (result i32)))
(memory 1) (memory $other 1) (data (memory $other) (i32.const 14) "\07")
(global $sp (mut i32) (i32.const 4096)) (global (mut i64) (i64.const 0)) (global $g (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i64) (i64.const 0)) (global (mut i32) (i32.const 0))
(func (export "f") (param i64 i64 i64) (result i64)
  i32.const 0 i32.load8_u $other offset=14 i64.extend_i32_u
  i64.const 0x123456789abcdef i64.const 0x123456789abcdef i64.sub i64.add
  i64.const 0x123456789abcdef i64.const 0x123456789abcdef i64.sub i64.add
  i64.const 0x123456789abcdef i64.const 0x123456789abcdef i64.sub i64.add))
(assert_return (invoke "f" (i64.const 0) (i64.const 0) (i64.const 0)) (i64.const 7))
