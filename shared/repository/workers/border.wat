;; Where content is cut, as restic cuts it (content-cutter.ts): a window of 64 bytes runs over it, and there is a border behind each
;; byte where the lowest 20 bits of its fingerprint are zero. The fingerprint is the window as a polynomial over GF(2), modulo one of
;; degree 53. It depends on nothing but the window, so it can be begun anywhere with the 64 bytes before.
;;
;; This is WebAssembly because it has numbers of 64 bits. Each step of a window waits for the one before it; therefore four of
;; them run side by side, each over a quarter of a block: twice to three times as fast as one.
;;
;; Memory, in bytes:
;;      0  what a byte takes out of the fingerprint when it falls out of the window: 256 of 8 bytes
;;   2048  what is subtracted for the byte that grew out of the degree: 256 of 8 bytes
;;   4096  the 64 bytes before the block
;;   4160  the block: 32768 bytes, four quarters of 8192
;;
;; After `.ci/write-wasm.ts` has made border-wasm.ts of it, a test compares the two.
(module
  (memory (export "memory") 1)

  ;; One byte more: times x^8, plus the byte, minus what grew out.
  ;;   d = (d << 8 | byte) ^ grown[d >> 45]
  ;; and one byte less, which was at the window's other end, 64 before:
  ;;   d ^= left[byte 64 before]

  ;; The first border behind one of the first `length` bytes of the block, counted from its begin; 0 where there is none.
  (func (export "border") (param $length i32) (result i32)
    (if (i32.eq (local.get $length) (i32.const 32768))
      (then (if (i32.eqz (call $anywhere)) (then (return (i32.const 0))))))
    (call $first (local.get $length)))

  ;; With one window.
  (func $first (param $length i32) (result i32)
    (local $at i32)
    (local $d i64)
    (loop $fill
      (local.set $d
        (i64.xor
          (i64.or (i64.shl (local.get $d) (i64.const 8)) (i64.load8_u offset=4096 (local.get $at)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d) (i64.const 45))) (i32.const 3)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $fill (i32.lt_u (local.get $at) (i32.const 64))))
    (local.set $at (i32.const 0))
    (loop $next
      (if (i32.ge_u (local.get $at) (local.get $length)) (then (return (i32.const 0))))
      (local.set $d
        (i64.xor
          (i64.xor
            (i64.or (i64.shl (local.get $d) (i64.const 8)) (i64.load8_u offset=4160 (local.get $at)))
            (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d) (i64.const 45))) (i32.const 3))))
          (i64.load (i32.shl (i32.load8_u offset=4096 (local.get $at)) (i32.const 3)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.and (i32.wrap_i64 (local.get $d)) (i32.const 0xfffff))))
    (local.get $at))

  ;; With four windows: whether there is one anywhere in the whole block.
  (func $anywhere (result i32)
    (local $at i32)
    (local $a i64)
    (local $b i64)
    (local $c i64)
    (local $d i64)
    (loop $fill
      (local.set $a
        (i64.xor
          (i64.or (i64.shl (local.get $a) (i64.const 8)) (i64.load8_u offset=4096 (local.get $at)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const 45))) (i32.const 3)))))
      (local.set $b
        (i64.xor
          (i64.or (i64.shl (local.get $b) (i64.const 8)) (i64.load8_u offset=12288 (local.get $at)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $b) (i64.const 45))) (i32.const 3)))))
      (local.set $c
        (i64.xor
          (i64.or (i64.shl (local.get $c) (i64.const 8)) (i64.load8_u offset=20480 (local.get $at)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $c) (i64.const 45))) (i32.const 3)))))
      (local.set $d
        (i64.xor
          (i64.or (i64.shl (local.get $d) (i64.const 8)) (i64.load8_u offset=28672 (local.get $at)))
          (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d) (i64.const 45))) (i32.const 3)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $fill (i32.lt_u (local.get $at) (i32.const 64))))
    (local.set $at (i32.const 0))
    (block $found
      (loop $next
        (local.set $a
          (i64.xor
            (i64.xor
              (i64.or (i64.shl (local.get $a) (i64.const 8)) (i64.load8_u offset=4160 (local.get $at)))
              (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const 45))) (i32.const 3))))
            (i64.load (i32.shl (i32.load8_u offset=4096 (local.get $at)) (i32.const 3)))))
        (local.set $b
          (i64.xor
            (i64.xor
              (i64.or (i64.shl (local.get $b) (i64.const 8)) (i64.load8_u offset=12352 (local.get $at)))
              (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $b) (i64.const 45))) (i32.const 3))))
            (i64.load (i32.shl (i32.load8_u offset=12288 (local.get $at)) (i32.const 3)))))
        (local.set $c
          (i64.xor
            (i64.xor
              (i64.or (i64.shl (local.get $c) (i64.const 8)) (i64.load8_u offset=20544 (local.get $at)))
              (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $c) (i64.const 45))) (i32.const 3))))
            (i64.load (i32.shl (i32.load8_u offset=20480 (local.get $at)) (i32.const 3)))))
        (local.set $d
          (i64.xor
            (i64.xor
              (i64.or (i64.shl (local.get $d) (i64.const 8)) (i64.load8_u offset=28736 (local.get $at)))
              (i64.load offset=2048 (i32.shl (i32.wrap_i64 (i64.shr_u (local.get $d) (i64.const 45))) (i32.const 3))))
            (i64.load (i32.shl (i32.load8_u offset=28672 (local.get $at)) (i32.const 3)))))
        (br_if $found (i32.eqz (i32.and (i32.wrap_i64 (local.get $a)) (i32.const 0xfffff))))
        (br_if $found (i32.eqz (i32.and (i32.wrap_i64 (local.get $b)) (i32.const 0xfffff))))
        (br_if $found (i32.eqz (i32.and (i32.wrap_i64 (local.get $c)) (i32.const 0xfffff))))
        (br_if $found (i32.eqz (i32.and (i32.wrap_i64 (local.get $d)) (i32.const 0xfffff))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $at) (i32.const 8192))))
      (return (i32.const 0)))
    (i32.const 1)))
