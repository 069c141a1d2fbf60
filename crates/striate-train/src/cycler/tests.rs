use super::*;
use proptest::prelude::*;

/// Writes a plan as training.md 11 does: neural batches as letters, image batches as
/// numbers, S for a step.
fn written(turns: &[Turn], neural_batches: usize) -> String {
    turns
        .iter()
        .map(|turn| {
            let name = match turn.task {
                Task::Images => turn.batch.to_string(),
                Task::Neural(_) => ["a", "b", "c"][turn.batch % neural_batches].to_owned(),
            };
            name + if turn.step { "S" } else { "" }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn mtl_as_the_authors_function() {
    // Vectors of training.md 11: neural batches a, b, c and five image batches.
    let cases = [
        (1.0, "a 0S b 1S c 2S a 3S b 4S"),
        (2.0, "a b 0S c a 1S b c 2S a b 3S c a 4S"),
        (0.5, "0S a 1S 2S b 3S 4S"),
        (0.0, "0S 1S 2S 3S 4S"),
    ];
    for (ratio, expected) in cases {
        let plan = Cycler::mtl(Ratio::new(ratio).unwrap())
            .plan(1, Some(5), &[3])
            .unwrap();
        assert_eq!(written(&plan, 3), expected, "ratio {ratio}");
    }
}

#[test]
fn long_as_the_authors_function() {
    // Vector of training.md 11: s1 has batches 1, 2, 3 and s2 has batch 9.
    let plan = Cycler::default().plan(1, None, &[3, 1]).unwrap();
    let seen: Vec<(usize, usize, bool)> = plan
        .iter()
        .map(|turn| match turn.task {
            Task::Neural(0) => (0, [1, 2, 3][turn.batch % 3], turn.step),
            _ => (1, 9, turn.step),
        })
        .collect();
    let expected = [
        (0, 1, false),
        (1, 9, true),
        (0, 2, false),
        (1, 9, true),
        (0, 3, false),
        (1, 9, true),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn one_stream_steps_after_each_batch() {
    let plan = Cycler::default().plan(1, Some(3), &[]).unwrap();
    assert_eq!(written(&plan, 1), "0S 1S 2S");
}

#[test]
fn short_stops_with_the_shortest() {
    let plan = Cycler::Short { accumulate: None }
        .plan(1, None, &[3, 1])
        .unwrap();
    assert_eq!(plan.len(), 2);
}

#[test]
fn the_ratio_changes_with_the_epoch() {
    let ratio = |r| Ratio::new(r).unwrap();
    let cycler = Cycler::Mtl {
        ratio: [("1", 1.0), ("3", 0.0), ("10", 2.0)]
            .map(|(epoch, r)| (epoch.to_owned(), ratio(r)))
            .into(),
    };
    let length = |epoch| cycler.plan(epoch, Some(4), &[2]).unwrap().len();
    assert_eq!([1, 2, 3, 9, 10].map(length), [8, 8, 4, 4, 12]);
}

#[test]
fn what_cannot_be_cycled_is_refused() {
    assert!(Ratio::new(0.3).is_err());
    assert!(Ratio::new(1.5).is_err());
    assert!(Ratio::new(-1.0).is_err());
    assert!(Ratio::new(f64::NAN).is_err());
    assert!(Ratio::new(1.0 / 15.0).is_ok());
    let read = |text: &str| text.parse::<Ratio>();
    assert_eq!(read("1:15").unwrap(), Ratio::new(1.0 / 15.0).unwrap());
    assert_eq!(read("5:1").unwrap(), Ratio::new(5.0).unwrap());
    assert_eq!(read("0").unwrap(), Ratio::new(0.0).unwrap());
    for wrong in ["2:3", "1:0", "1:", "-1:2", "a", "1:2:3", "1e9"] {
        let message = read(wrong).unwrap_err().to_string();
        assert!(message.contains("whole number"), "{message}");
    }
    assert!(Cycler::default().plan(1, None, &[]).is_err());
    assert!(Cycler::default().plan(1, Some(0), &[]).is_err());
    let mtl = Cycler::mtl(Ratio::new(1.0).unwrap());
    let message = mtl.plan(1, None, &[3]).unwrap_err().to_string();
    assert!(message.contains("cycler.kind"), "{message}");
}

proptest! {
    /// An epoch of the multi-task cycler has one step per image batch, whatever
    /// the ratio and the sessions.
    #[test]
    fn an_epoch_is_one_pass_over_the_images(
        images in 1usize..40,
        sessions in prop::collection::vec(1usize..6, 0..4),
        inverse in any::<bool>(),
        k in 1u32..6,
    ) {
        let ratio = if inverse { 1.0 / f64::from(k) } else { f64::from(k) };
        let plan = Cycler::mtl(Ratio::new(ratio).unwrap()).plan(1, Some(images), &sessions).unwrap();
        prop_assert_eq!(plan.iter().filter(|turn| turn.step).count(), images);
        let order: Vec<usize> = plan.iter().filter(|t| t.task == Task::Images).map(|t| t.batch).collect();
        prop_assert_eq!(order, (0..images).collect::<Vec<_>>());
        prop_assert!(plan.last().is_some_and(|turn| turn.step));
    }
}
