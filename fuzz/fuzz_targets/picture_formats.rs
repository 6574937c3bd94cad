#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| likeness_tests::hostile::picture_formats(bytes));
