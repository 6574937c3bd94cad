//! What does not fit is an error, whatever the sizes: zero, too large, larger than numbers go.

use likeness_kernels::{
    Before, Blocks, Channelwise, Convolution, Error, Finish, Format, Gate, Gated, HeadNorm, Heads,
    Isa, KeyValues, LayerNorm, Matrix, Moments, Over, Walk, attention, attention_with, cpu, gated,
    group_norm, layer_norm, matmul, matmul_after, norm_heads, rms_norm, softmax,
};

/// Sizes that overflow in one product or another.
const HUGE: [usize; 5] = [1 << 25, 1 << 32, 1 << 62, usize::MAX / 2 + 1, usize::MAX];

#[test]
fn a_set_that_the_processor_lacks_is_refused() {
    let lacking = [Isa::Neon, Isa::Avx2, Isa::AvxVnni, Isa::Avx512, Isa::Amx]
        .into_iter()
        .filter(|isa| !isa.runs());
    for isa in lacking {
        let refused = Err(Error::Absent(isa.name()));
        let before = Before { x: &[&[1.0]], m: 1, norm: None };
        let w = Matrix::pack_rows(&[1.0], 1, 1, Format::F32).unwrap();
        let finish = Finish::default();
        assert_eq!(matmul_after(isa, before, &w, &finish, &mut [0.0]), refused);
        let layer = Gated::pack(&[1.0; 2], None, 1, 1, Gate::SwiGlu, Format::F32).unwrap();
        assert_eq!(layer.forward_with(isa, before, &mut [0.0]), refused);
        let conv = Convolution::pack(&[1.0], 1, 1, 1, Format::F32).unwrap();
        let over = Over { parts: &[&[1.0]], walk: Walk::same(1, 1, 1), first: None };
        assert_eq!(conv.forward_over(isa, over, &finish, &mut [0.0], None), refused);
        let one =
            KeyValues { keys: &[1.0], keys_stride: 1, values: &[1.0], values_stride: 1, count: 1 };
        let heads = Heads { count: 1, size: 1, bf16: false };
        assert_eq!(attention_with(isa, &[1.0], 1, 1, &[one], heads, &mut [0.0]), refused);
    }
}

#[test]
fn products() {
    let w = Matrix::pack_rows(&[1.0; 6], 2, 3, Format::F32).unwrap();
    let finish = Finish::default();
    let run = |x: usize, m: usize, out: usize, finish: &Finish| {
        matmul(&vec![0.0; x], m, &w, finish, &mut vec![0.0; out])
    };
    assert!(run(6, 2, 4, &finish).is_ok());
    for (x, m, out) in [(5, 2, 4), (7, 2, 4), (6, 2, 3), (6, 2, 5), (6, 0, 4), (0, 2, 4), (6, 3, 6)]
    {
        assert!(run(x, m, out, &finish).is_err(), "{x}, {m}, {out}");
    }
    for short in [
        Finish { bias: Some(&[0.0]), ..finish },
        Finish { gate: Some(&[0.0; 3]), ..finish },
        Finish { residual: Some(&[0.0; 3]), ..finish },
    ] {
        assert!(run(6, 2, 4, &short).is_err(), "{short:?}");
    }
    let norm = LayerNorm { weight: Some(&[0.0; 2]), bias: None, eps: 1e-5 };
    let before = Before { x: &[&[0.0; 6]], m: 2, norm: Some(norm) };
    assert!(matmul_after(Isa::get(), before, &w, &finish, &mut [0.0; 4]).is_err());
    for huge in HUGE {
        assert!(run(6, huge, 4, &finish).is_err());
        for format in [Format::F32, Format::Bf16, Format::F16, Format::Int8] {
            for (n, k) in
                [(huge, 3), (2, huge), (huge, huge), (huge, 0), (0, huge), (0, 0), (0, 3), (2, 0)]
            {
                assert!(Matrix::pack(n, k, format, |_, _| 0.0).is_err(), "{n} x {k}");
                assert!(Matrix::pack_rows(&[0.0; 6], n, k, format).is_err(), "{n} x {k}");
                assert!(Matrix::pack_rows(&[], n, k, format).is_err(), "{n} x {k}");
                for blocks in [Blocks::Q8_0, Blocks::Q4K] {
                    assert!(Matrix::of_blocks(&[], n, k, blocks).is_err(), "{n} x {k}");
                }
                for gate in [Gate::SwiGlu, Gate::GeGlu] {
                    assert!(Gated::pack(&[], None, n, k, gate, format).is_err(), "{n} x {k}");
                    assert!(
                        Gated::pack(&[0.0; 12], None, n, k, gate, format).is_err(),
                        "{n} x {k}"
                    );
                }
            }
        }
    }
    assert!(matches!(Matrix::pack(2, 32, Format::Q8_0, |_, _| 0.0), Err(Error::Format(_))));
    assert!(Gated::pack(&[0.0; 12], Some(&[0.0; 3]), 2, 3, Gate::GeGlu, Format::F32).is_err());
    let layer = Gated::pack(&[0.0; 12], None, 2, 3, Gate::GeGlu, Format::F32).unwrap();
    for (x, m, out) in [(6, 2, 3), (5, 2, 4), (6, 1, 4), (6, usize::MAX, 4)] {
        let (x, mut out) = (vec![0.0; x], vec![0.0; out]);
        assert!(layer.forward(Before { x: &[&x], m, norm: None }, &mut out).is_err());
    }
    assert!(layer.forward(Before { x: &[&[]], m: 0, norm: None }, &mut []).is_ok());
}

#[test]
fn convolutions() {
    for huge in HUGE {
        for (n, c) in [(huge, 1), (1, huge), (0, huge), (huge, 0), (0, 0), (0, 1), (1, 0)] {
            for side in [1, 3] {
                for weights in [&[][..], &[0.0; 9]] {
                    let packed = Convolution::pack(weights, n, c, side, Format::F32);
                    assert!(packed.is_err(), "{n}, {c}, {side}");
                }
            }
        }
        assert!(Convolution::pack(&[0.0; 9], 1, 1, huge, Format::F32).is_err());
    }
    let conv = Convolution::pack(&[0.0; 36], 2, 2, 3, Format::F32).unwrap();
    let walk = Walk::same(4, 4, 3);
    let run = |x: usize, walk: Walk, first: Option<&Channelwise>, finish: &Finish, out: usize| {
        conv.forward(&vec![0.0; x], walk, first, finish, &mut vec![0.0; out])
    };
    let finish = Finish::default();
    assert!(run(32, walk, None, &finish, 32).is_ok());
    for huge in HUGE {
        for walk in [
            Walk { height: huge, ..walk },
            Walk { width: huge, ..walk },
            Walk { height: huge, width: huge, ..walk },
            Walk { height: huge, width: 0, ..walk },
            Walk { height: 0, width: huge, doubled: true, ..walk },
            Walk { stride: huge, ..walk },
            Walk { before: huge, ..walk },
        ] {
            for (x, out) in [(32, 32), (0, 0), (0, 2)] {
                assert!(run(x, walk, None, &finish, out).is_err(), "{walk:?}");
            }
            // Whatever it answers, it does answer.
            let _ = walk.out(3);
            let _ = Walk { doubled: true, ..walk }.out(huge);
        }
    }
    let how = |scale: usize, shift: usize| Channelwise {
        scale: vec![0.0; scale],
        shift: vec![0.0; shift],
        silu: false,
    };
    assert!(run(32, walk, Some(&how(2, 2)), &finish, 32).is_ok());
    assert!(run(32, walk, Some(&how(1, 2)), &finish, 32).is_err());
    assert!(run(32, walk, Some(&how(2, 1)), &finish, 32).is_err());
    assert!(run(32, walk, None, &Finish { bias: Some(&[0.0]), ..finish }, 32).is_err());
    assert!(run(32, walk, None, &Finish { residual: Some(&[0.0; 31]), ..finish }, 32).is_err());
    let x = [0.0; 32];
    for parts in [&[&x[..15], &x[..17]][..], &[&x[..16]], &[], &[&x, &x]] {
        let over = Over { parts, walk, first: None };
        assert!(conv.forward_over(Isa::get(), over, &finish, &mut [0.0; 32], None).is_err());
    }
    let over = Over { parts: &[&x[..16], &[], &x[..16]], walk, first: None };
    assert!(conv.forward_over(Isa::get(), over, &finish, &mut [0.0; 32], None).is_ok());
}

#[test]
fn attention_over_what_is_not_there() {
    let heads = Heads { count: 2, size: 4, bf16: false };
    let x = [0.0; 24];
    let part = |stride: usize, count: usize| KeyValues {
        keys: &x,
        keys_stride: stride,
        values: &x,
        values_stride: stride,
        count,
    };
    let run = |stride: usize, n: usize, parts: &[KeyValues], heads: Heads, out: usize| {
        attention(&x, stride, n, parts, heads, &mut vec![0.0; out])
    };
    assert!(run(8, 3, &[part(8, 3)], heads, 24).is_ok());
    assert!(run(8, 0, &[part(8, 3)], heads, 0).is_ok(), "no queries are no work");
    assert!(run(7, 3, &[part(8, 3)], heads, 24).is_err());
    assert!(run(8, 3, &[part(8, 3)], heads, 23).is_err());
    assert!(run(8, 3, &[part(8, 0)], heads, 24).is_err());
    let short = KeyValues { values: &x[..23], ..part(8, 3) };
    assert!(run(8, 3, &[short], heads, 24).is_err());
    for huge in HUGE {
        assert!(run(huge, 3, &[part(8, 3)], heads, 24).is_err());
        assert!(run(8, huge, &[part(8, 3)], heads, 24).is_err());
        assert!(run(8, 3, &[part(huge, 3)], heads, 24).is_err());
        assert!(run(8, 3, &[part(8, huge)], heads, 24).is_err());
        assert!(run(8, 3, &[part(8, huge), part(8, huge)], heads, 24).is_err());
        assert!(
            run(8, 3, &[part(8, huge), part(8, usize::MAX - huge), part(8, 1)], heads, 24).is_err()
        );
        assert!(run(8, 3, &[part(8, 3)], Heads { count: huge, ..heads }, 24).is_err());
        assert!(run(8, 3, &[part(8, 3)], Heads { size: huge, ..heads }, 24).is_err());
        assert!(run(8, 3, &[part(8, 3)], Heads { count: huge, size: huge, ..heads }, 24).is_err());
    }
    assert!(run(8, 3, &[part(8, 3)], Heads { count: 0, ..heads }, 0).is_err());
    assert!(run(8, 3, &[part(8, 3)], Heads { size: 0, ..heads }, 0).is_err());
}

#[test]
fn rows() {
    let (x, w) = ([0.0; 12], [0.0; 4]);
    let mut out = [0.0; 12];
    assert!(layer_norm(&x, 4, Some(&w), Some(&w), 1e-5, &mut out).is_ok());
    assert!(layer_norm(&x, 5, None, None, 1e-5, &mut out).is_err());
    assert!(layer_norm(&x, 4, Some(&w[1..]), None, 1e-5, &mut out).is_err());
    assert!(layer_norm(&x, 4, None, Some(&w[1..]), 1e-5, &mut out).is_err());
    assert!(layer_norm(&x, 4, None, None, 1e-5, &mut out[1..]).is_err());
    assert!(layer_norm(&x, 0, None, None, 1e-5, &mut out).is_err());
    assert!(layer_norm(&[], 4, Some(&w), None, 1e-5, &mut []).is_ok());
    assert!(rms_norm(&x, 4, &w[1..], 1e-5, &mut out).is_err());
    assert!(rms_norm(&x, 0, &[], 1e-5, &mut out).is_err());
    assert!(softmax(&mut out, 5).is_err());
    assert!(softmax(&mut [], 5).is_ok());
    assert!(Moments::of(&x, 5).is_err());
    assert!(Moments::of(&x, 0).is_err());
    assert!(Moments::of(&[], 4).is_err());
    assert!(group_norm(&x, 4, 3, &w, &w, 1e-5, false).is_err());
    assert!(group_norm(&x, 4, 0, &w, &w, 1e-5, false).is_err());
    assert!(group_norm(&x, 4, 2, &w[1..], &w, 1e-5, false).is_err());
    assert!(group_norm(&x, 4, 2, &w, &w[1..], 1e-5, false).is_err());
    assert!(Moments::default().group_norm(1, &[], &[], 1e-5, false).is_err());
    assert!(Moments::join(&[]).group_norm(1, &[], &[], 1e-5, false).is_err());
    let how = Channelwise { scale: w.to_vec(), shift: w[1..].to_vec(), silu: true };
    assert!(how.apply(&x, &mut out).is_err(), "shift is shorter than scale");
    let how = Channelwise { scale: Vec::new(), shift: Vec::new(), silu: true };
    assert!(how.apply(&x, &mut out).is_err());

    let head = HeadNorm { heads: 1, size: 4, weight: &w, eps: 1e-5, turns: None };
    let mut heads = x.to_vec();
    assert!(norm_heads(&mut heads, 4, 3, head).is_ok());
    for how in [
        HeadNorm { size: 3, weight: &w[1..], ..head },
        HeadNorm { heads: 0, ..head },
        HeadNorm { size: 0, weight: &[], ..head },
        HeadNorm { weight: &w[1..], ..head },
        HeadNorm { heads: usize::MAX, ..head },
        HeadNorm { heads: usize::MAX / 2, ..head },
        HeadNorm { turns: Some((&x[..6], &x[..5])), ..head },
        HeadNorm { turns: Some((&x[..5], &x[..6])), ..head },
    ] {
        assert!(norm_heads(&mut heads, 4, 3, how).is_err(), "{how:?}");
    }
    for huge in HUGE {
        assert!(layer_norm(&x, huge, None, None, 1e-5, &mut out).is_err());
        assert!(softmax(&mut out, huge).is_err());
        assert!(Moments::of(&x, huge).is_err());
        assert!(norm_heads(&mut heads, huge, 3, head).is_err());
        assert!(norm_heads(&mut heads, 4, huge, head).is_err());
        for (stride, m, n) in
            [(huge, 3, 2), (4, huge, 2), (4, 3, huge), (huge, huge, huge), (usize::MAX, 0, huge)]
        {
            assert!(
                gated(&x, stride, m, n, Gate::GeGlu, &mut out[..6]).is_err(),
                "{stride} {m} {n}"
            );
        }
    }
    assert!(gated(&x, 4, 3, 2, Gate::GeGlu, &mut out[..6]).is_ok());
    assert!(gated(&x, 3, 3, 2, Gate::GeGlu, &mut out[..6]).is_err(), "rows would overlap");
    assert!(gated(&x, 4, 4, 2, Gate::GeGlu, &mut out[..8]).is_err());
    assert!(gated(&x, 4, 3, 2, Gate::GeGlu, &mut out[..5]).is_err());
    assert!(!cpu::available().is_empty());
}
