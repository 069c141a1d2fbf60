use super::*;

#[test]
fn half_of_the_images_stay_clean_and_the_rest_is_uniform() {
    let oracle = Augmentation::oracle();
    let pixels: Vec<u8> = (0..16 * 16 * 3).map(|i| (i * 7 % 251) as u8).collect();
    let image = ImageRef::new(&pixels, 16, 16, 3).unwrap();
    let mut corruptor = Corruptor::new(oracle.table());
    let mut out = vec![0; pixels.len()];
    let seed = Seed::new(2).child("augment");
    let (mut clean, mut severities) = (0, [0; 5]);
    let mut counts = std::collections::BTreeMap::new();
    let draws = 4000;
    for i in 0..draws {
        let choice = oracle
            .apply(image, &mut corruptor, &seed.index(i), &mut out)
            .unwrap();
        match choice {
            None => {
                clean += 1;
                assert_eq!(out, pixels);
            }
            Some((corruption, severity)) => {
                *counts.entry(corruption).or_insert(0) += 1;
                severities[severity.index()] += 1;
            }
        }
    }
    // Five standard deviations of the binomial counts.
    assert!((f64::from(clean) - 2000.0).abs() < 5.0 * 31.7, "{clean}");
    assert_eq!(counts.len(), 14);
    for (corruption, count) in counts {
        assert!(oracle.has_seen(corruption));
        assert!(
            (f64::from(count) - 142.9).abs() < 60.0,
            "{corruption} {count}"
        );
    }
    for count in severities {
        assert!(
            (f64::from(count) - 400.0).abs() < 5.0 * 19.0,
            "{severities:?}"
        );
    }
}

#[test]
fn a_report_can_say_what_was_seen() {
    let mut benchmark = Benchmark::study(Table::ImageCorruptions);
    benchmark.corruptions.push(Corruption::GlassBlur);
    let oracle = Augmentation::oracle();
    let unseen: Vec<_> = benchmark
        .seen_in(&oracle)
        .filter(|(_, seen)| !seen)
        .collect();
    assert_eq!(unseen, [(Corruption::GlassBlur, false)]);
    assert_eq!(benchmark.cells().count(), 75);
}

#[test]
fn bad_configurations_are_errors() {
    assert!(Augmentation::new(Table::CifarC, vec![], 0.5).is_err());
    assert!(Augmentation::new(Table::CifarC, vec![Corruption::Fog], 1.5).is_err());
    assert!(Augmentation::new(Table::CifarC, vec![Corruption::Fog], f64::NAN).is_err());
}
