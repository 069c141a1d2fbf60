//! The choice of the instruction set.

use super::{Isa, describe, fma_peak, with_isa};

#[test]
fn a_forced_instruction_set_holds_inside_only() {
    let before = Isa::current();
    with_isa(Isa::PORTABLE, || {
        assert_eq!(Isa::current(), Isa::PORTABLE);
        let last = *Isa::available().last().unwrap();
        with_isa(last, || assert_eq!(Isa::current(), last));
        assert_eq!(Isa::current(), Isa::PORTABLE);
    });
    assert_eq!(Isa::current(), before);
}

#[test]
fn the_description_names_the_instruction_set_and_threads() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3);
    let text = pool.build().unwrap().install(|| describe().to_string());
    assert!(text.contains(Isa::current().name()), "{text}");
    assert!(text.contains("3 threads"), "{text}");
}

#[test]
fn the_peak_is_a_speed() {
    // The slowest machine that runs this reaches more than one multiply-add per
    // 10 ns, none more than 1 TFLOP/s in one thread.
    let peak = with_isa(Isa::PORTABLE, fma_peak);
    assert!((0.2..1000.0).contains(&peak), "{peak}");
}
