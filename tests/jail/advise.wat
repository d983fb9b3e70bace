;; Opens the file `file` of its first directory, and says that its bytes are not needed.
;; advise.wasm is made from this by wat2wasm.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_advise" (func $advise (param i32 i64 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (func (export "_start")
    (call $exit (i32.or
      (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 130) (i64.const 0)
        (i32.const 0) (i32.const 16))
      (call $advise (i32.load (i32.const 16)) (i64.const 0) (i64.const 0) (i32.const 4))))))
