//! The judge here and the judge in PyTorch see the same: `evaluation.py parity` wrote down what it saw
//! in the first reference pictures of the set.

use std::path::Path;

use likeness_eval::{Judge, Picture, Set};
use serde_json::Value;

#[test]
fn sees_what_pytorch_saw() {
    let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/starter");
    let set = Set::read(&starter.join("eval"), None).expect("the set is whole");
    let judge = Judge::read(&starter.join("judges")).expect("the judge is whole");
    let text = std::fs::read(starter.join("judges/parity.json")).expect("the numbers are there");
    let expected: Vec<Value> = serde_json::from_slice(&text).expect("they are JSON");
    assert!(expected.len() >= 3, "a few pictures");

    let pictures: Vec<Picture> =
        set.reference_pictures.iter().take(expected.len()).filter_map(Picture::of).collect();
    for (i, (seen, expected)) in
        judge.look(&pictures).expect("they fit").iter().zip(&expected).enumerate()
    {
        let far = |own: &[f32], name: &str| {
            let other = expected[name].as_array().expect("a list of numbers");
            assert_eq!(own.len(), other.len(), "picture {i}: as many numbers of {name}");
            let pairs = own.iter().zip(other);
            let differences =
                pairs.map(|(a, b)| (f64::from(*a) - b.as_f64().expect("a number")).abs());
            let largest = differences.fold(0.0, f64::max);
            assert!(largest < 1e-3, "picture {i}: {name} differs by {largest}");
        };
        for (name, scores) in &seen.heads {
            far(scores, name);
        }
        far(&seen.embedding, "embedding");
        assert_eq!(seen.retrieved, expected["retrieved"], "picture {i}");
    }
}
