//! The same bits with any number of threads. The number is set once a process, so each is one.

mod reference;

use std::process::Command;

use likeness_kernels::{
    Before, Blocks, Convolution, Finish, Format, Gate, Gated, HeadNorm, Heads, KeyValues,
    LayerNorm, Matrix, Moments, Over, Walk, Walks, attention_with, cpu, gated, group_norm,
    layer_norm, matmul_after, norm_heads, pool, rms_norm, softmax,
};
use reference::random;

const THREADS: &str = "LIKENESS_TEST_THREADS";

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let lines = |threads: &str| {
        let program = std::env::current_exe().expect("a test is a program");
        let answer = Command::new(program)
            .args(["--exact", "as_many_threads_as_it_is_told", "--nocapture"])
            .env(THREADS, threads)
            .output()
            .expect("it starts again");
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert!(answer.status.success(), "{text}{}", String::from_utf8_lossy(&answer.stderr));
        let lines: Vec<String> =
            text.lines().filter(|line| line.contains(" bits ")).map(str::to_owned).collect();
        assert!(lines.len() > 10, "{text}");
        lines
    };
    let one = lines("1");
    for threads in ["2", "3", "7"] {
        for (a, b) in one.iter().zip(lines(threads)) {
            assert_eq!(*a, b, "{threads} threads");
        }
    }
}

/// Prints a sum over the bits of what each kernel gives, in a process of its own.
#[test]
fn as_many_threads_as_it_is_told() {
    let Some(threads) = std::env::var(THREADS).ok().and_then(|text| text.parse().ok()) else {
        return;
    };
    assert!(pool::set_threads(threads), "nothing ran before");
    assert_eq!(pool::threads(), threads);
    for &isa in cpu::available() {
        for (m, n, k) in [(1, 300, 70), (300, 200, 130), (1000, 33, 300)] {
            products(isa, m, n, k);
        }
        convolutions(isa);
        attentions(isa);
    }
    rows();
}

fn print(name: std::fmt::Arguments, numbers: &[f32]) {
    let bits = numbers.iter().fold(0xcbf2_9ce4_8422_2325u64, |sum, x| {
        (sum ^ u64::from(x.to_bits())).wrapping_mul(0x100_0000_01b3)
    });
    println!("{name} bits {bits:016x}");
}

fn products(isa: cpu::Isa, m: usize, n: usize, k: usize) {
    let (x, w, bias) = (random(m * k, 1), random(2 * n * k, 2), random(n, 3));
    let norm = LayerNorm { weight: None, bias: None, eps: 1e-5 };
    let finish = Finish { bias: Some(&bias), ..Finish::default() };
    let mut out = vec![0.0; m * n];
    for format in [Format::F32, Format::Bf16, Format::F16, Format::Int8] {
        let packed = Matrix::pack_rows(&w[..n * k], n, k, format).unwrap();
        for norm in [None, Some(norm)] {
            let before = Before { x: &[&x], m, norm };
            matmul_after(isa, before, &packed, &finish, &mut out).unwrap();
            print(format_args!("{isa:?} {format:?} {m} {n} {k}"), &out);
        }
        let layer = Gated::pack(&w, None, n, k, Gate::GeGlu, format).unwrap();
        layer.forward_with(isa, Before { x: &[&x], m, norm: None }, &mut out).unwrap();
        print(format_args!("{isa:?} {format:?} gated {m} {n} {k}"), &out);
    }
    let k = k / 32 * 32;
    let blocks: Vec<u8> = w[..n * k]
        .chunks(32)
        .flat_map(|b| {
            [&[0, 40][..], &b.iter().map(|x| (x * 127.0) as i8 as u8).collect::<Vec<_>>()].concat()
        })
        .collect();
    let packed = Matrix::of_blocks(&blocks, n, k, Blocks::Q8_0).unwrap();
    let before = Before { x: &[&x[..m * k]], m, norm: None };
    matmul_after(isa, before, &packed, &finish, &mut out).unwrap();
    print(format_args!("{isa:?} Q8_0 {m} {n} {k}"), &out);
}

fn convolutions(isa: cpu::Isa) {
    let (h, w, c, n) = (30, 37, 40, 48);
    let x = random(h * w * c, 1);
    let k = random(n * c * 9, 2);
    for format in [Format::F32, Format::Bf16] {
        for (walks, stride, doubled) in [
            (Walks::Any, 1, false),
            (Walks::Any, 2, false),
            (Walks::Any, 1, true),
            (Walks::Same, 1, false),
            (Walks::Doubled, 1, true),
        ] {
            let conv = Convolution::pack_for(walks, &k, n, c, 3, format).unwrap();
            let walk = Walk { height: h, width: w, stride, before: 1, doubled };
            let (height, width) = walk.out(3);
            let mut out = vec![0.0; height * width * n];
            let mut moments = Moments::default();
            let over = Over { parts: &[&x], walk, first: None };
            conv.forward_over(isa, over, &Finish::default(), &mut out, Some(&mut moments)).unwrap();
            print(format_args!("{isa:?} {format:?} {walks:?} {walk:?}"), &out);
            let norm = moments.group_norm(8, &k[..n], &k[n..2 * n], 1e-5, true).unwrap();
            print(
                format_args!("{isa:?} {format:?} {walks:?} {walk:?} moments"),
                &[norm.scale, norm.shift].concat(),
            );
        }
    }
}

fn attentions(isa: cpu::Isa) {
    for (heads, size, n, m) in [(3, 40, 130, 300), (1, 64, 1000, 77), (8, 32, 10, 600)] {
        let width = heads * size;
        let (q, kv) = (random(n * width, 1), random(2 * m * width, 2));
        let (k, v) = kv.split_at(m * width);
        let parts =
            [KeyValues { keys: k, keys_stride: width, values: v, values_stride: width, count: m }];
        let mut out = vec![0.0; n * width];
        for bf16 in [false, true] {
            let heads = Heads { count: heads, size, bf16 };
            attention_with(isa, &q, width, n, &parts, heads, &mut out).unwrap();
            print(format_args!("{isa:?} {heads:?} {n} {m}"), &out);
        }
    }
}

fn rows() {
    let (m, n) = (700, 96);
    let (x, weight) = (random(m * n, 1), random(n, 2));
    let mut out = vec![0.0; m * n];
    layer_norm(&x, n, Some(&weight), None, 1e-5, &mut out).unwrap();
    print(format_args!("layer norm"), &out);
    rms_norm(&x, n, &weight, 1e-5, &mut out).unwrap();
    print(format_args!("rms norm"), &out);
    let norm = group_norm(&x, n, 8, &weight, &weight, 1e-5, true).unwrap();
    norm.apply(&x, &mut out).unwrap();
    print(format_args!("group norm"), &out);
    let turns = random(m * n / 6, 3);
    let how = HeadNorm {
        heads: 3,
        size: n / 3,
        weight: &weight[..n / 3],
        eps: 1e-5,
        turns: Some((&turns, &turns)),
    };
    out.copy_from_slice(&x);
    norm_heads(&mut out, n, m, how).unwrap();
    print(format_args!("heads"), &out);
    gated(&x, n, m, n / 2, Gate::SwiGlu, &mut out[..m * n / 2]).unwrap();
    print(format_args!("gate"), &out[..m * n / 2]);
    let mut soft = x.clone();
    softmax(&mut soft, n).unwrap();
    print(format_args!("softmax"), &soft);
}
