use proptest::prelude::*;

use super::ticks::{Ticks, nice_range, sound_range};

#[test]
fn ticks_are_round() {
    assert_eq!(
        Ticks::new(0.0, 1.0, 6).values,
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    );
    assert_eq!(
        Ticks::new(50.0, 150.0, 5).values,
        [60.0, 80.0, 100.0, 120.0, 140.0]
    );
    assert_eq!(Ticks::new(-0.3, 0.3, 4).values, [-0.2, 0.0, 0.2]);
    let ticks = Ticks::new(-0.3, 0.3, 4);
    assert_eq!(ticks.label(-0.2), "\u{2212}0.2");
    assert_eq!(ticks.label(0.0), "0.0");
}

#[test]
fn odd_ranges_are_widened() {
    assert_eq!(sound_range(f64::NAN, 1.0), (0.0, 1.0));
    assert_eq!(sound_range(2.0, 1.0), (1.0, 2.0));
    assert_eq!(sound_range(4.0, 4.0), (2.0, 6.0));
    assert_eq!(nice_range([], 5), (0.0, 1.0));
    assert_eq!(nice_range([0.0, 1.0], 5), (0.0, 1.0));
    assert_eq!(nice_range([0.3, 0.93], 5), (0.2, 1.0));
}

proptest! {
    #[test]
    fn ticks_stay_in_their_range(low in -1e6f64..1e6, span in 1e-4f64..1e6, most in 2usize..12) {
        let (low, high) = (low, low + span);
        let (low_sound, high_sound) = sound_range(low, high);
        let ticks = Ticks::new(low, high, most);
        prop_assert!(ticks.values.len() <= most);
        let slack = 1e-6 * ticks.step;
        for pair in ticks.values.windows(2) {
            prop_assert!((pair[1] - pair[0] - ticks.step).abs() <= slack);
        }
        for v in &ticks.values {
            prop_assert!(*v >= low_sound - slack && *v <= high_sound + slack);
            prop_assert!(!(*v == 0.0 && v.is_sign_negative()));
        }
        // The next smaller step would not have been much too fine.
        prop_assert!(ticks.step <= 5.0 * (high_sound - low_sound));
        prop_assert!((most < 3) || !ticks.values.is_empty());
    }

    #[test]
    fn labels_tell_ticks_apart(low in -1e3f64..1e3, span in 1e-3f64..1e3) {
        let ticks = Ticks::new(low, low + span, 6);
        let mut labels: Vec<_> = ticks.values.iter().map(|v| ticks.label(*v)).collect();
        let count = labels.len();
        labels.dedup();
        prop_assert_eq!(labels.len(), count);
    }

    #[test]
    fn a_nice_range_holds_its_values(values in prop::collection::vec(-1e5f64..1e5, 1..20)) {
        let (low, high) = nice_range(values.clone(), 5);
        prop_assert!(low < high);
        for v in values {
            prop_assert!(low <= v && v <= high);
        }
    }
}
