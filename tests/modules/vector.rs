// The vector instructions by their names, each against the same in plain Rust.
use std::arch::wasm32::*;

fn lanes8(v: v128) -> [u8; 16] {
    unsafe { std::mem::transmute(v) }
}

fn lanes32(v: v128) -> [i32; 4] {
    unsafe { std::mem::transmute(v) }
}

fn lanes64(v: v128) -> [f64; 2] {
    unsafe { std::mem::transmute(v) }
}

fn check(name: &str, ok: bool) {
    println!("{} {}", name, if ok { "right" } else { "WRONG" });
}

fn main() {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let (mut a, mut b, mut x, mut y) = ([0u8; 16], [0u8; 16], [0i32; 4], [0i32; 4]);
    let (mut swizzle, mut add, mut mul, mut trunc, mut float, mut masks) = (true, true, true, true, true, true);
    for _ in 0..2000 {
        a.iter_mut().chain(b.iter_mut()).for_each(|v| *v = next() as u8);
        x.iter_mut().chain(y.iter_mut()).for_each(|v| *v = next() as i32);
        let (va, vb): (v128, v128) = unsafe { (std::mem::transmute(a), std::mem::transmute(b)) };
        let (vx, vy): (v128, v128) = unsafe { (std::mem::transmute(x), std::mem::transmute(y)) };
        let wanted: Vec<u8> = b.iter().map(|&i| if i < 16 { a[i as usize] } else { 0 }).collect();
        swizzle &= lanes8(u8x16_swizzle(va, vb)) == wanted[..];
        add &= (0..16).all(|i| lanes8(u8x16_add_sat(va, vb))[i] == a[i].saturating_add(b[i]));
        add &= lanes8(u8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(va, vb))[3] == b[1];
        mul &= (0..4).all(|i| lanes32(i32x4_mul(vx, vy))[i] == x[i].wrapping_mul(y[i]));
        mul &= (0..4).all(|i| lanes32(i32x4_shr(vx, 5))[i] == x[i] >> 5);
        let f = [x[0] as f32 * 3.7, f32::NAN, y[0] as f32 * 1e9, -0.5];
        let vf = f32x4(f[0], f[1], f[2], f[3]);
        trunc &= (0..4).all(|i| lanes32(i32x4_trunc_sat_f32x4(vf))[i] == f[i] as i32);
        let (p, q) = (x[1] as f64 / 3.0, y[1] as f64 / 7.0);
        let d = lanes64(f64x2_div(f64x2(p, q), f64x2(q, p)));
        float &= d[0].to_bits() == (p / q).to_bits() && d[1].to_bits() == (q / p).to_bits();
        let bits = (0..16).fold(0, |m, i| m | (((a[i] >> 7) as u16) << i));
        masks &= u8x16_bitmask(va) == bits && v128_any_true(va) == (a != [0; 16]);
    }
    check("swizzle", swizzle);
    check("add", add);
    check("mul", mul);
    check("trunc", trunc);
    check("float", float);
    check("masks", masks);
}
