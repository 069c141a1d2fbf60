//! Attacks in `striate evaluate`: their arguments, rows and warnings.

use std::ops::ControlFlow;
use std::str::FromStr;

use striate_attack::{Attack, AttackConfig, BoundaryConfig, Norm, Outcome, Progress};
use striate_data::ImageSet;
use striate_run::{AttackGoal, Error, StopFlag, TrainedNetwork};

use crate::display::Display;

/// Above this share of images without gradient an attack overrates the network.
const WARN_ABOVE: f64 = 0.01;

#[derive(clap::Args)]
pub struct Attacks {
    /// Attacks on the clean images: fgsm-linf, fgsm-l2, pgd-linf, pgd-l2, boundary, with
    /// commas between them, or all. They change the gray image that the network sees.
    #[arg(long, value_name = "NAMES", value_parser = attacks)]
    attack: Option<List<Attack>>,
    /// Largest changes of a pixel for the linf attacks, as fractions of the range of gray.
    #[arg(long, value_name = "SIZES", default_value = "1/255,2/255,4/255,8/255", value_parser = sizes)]
    epsilon: List<f64>,
    /// L2 norms of the change for the l2 attacks and boundary, in the same unit.
    #[arg(long, value_name = "SIZES", default_value = "0.25,0.5,1,2", value_parser = sizes)]
    epsilon_l2: List<f64>,
    /// Steps of pgd, each 2.5 epsilon over their number.
    #[arg(long, default_value_t = AttackConfig::default().steps)]
    steps: usize,
    /// Random starts of pgd.
    #[arg(long, default_value_t = AttackConfig::default().restarts)]
    restarts: usize,
    /// Steps of boundary at most; each asks the network once or twice.
    #[arg(long, value_name = "STEPS", default_value_t = BoundaryConfig::default().steps)]
    boundary_steps: usize,
    /// Attack at most so many images, spread evenly over the set [default: all].
    #[arg(long, value_name = "IMAGES")]
    limit: Option<usize>,
}

/// Values with commas between them.
#[derive(Clone, Debug)]
struct List<T>(Vec<T>);

impl Attacks {
    /// Whether there is any.
    pub fn any(&self) -> bool {
        self.attack.is_some()
    }

    /// Makes the attacks and prints their rows; whether all were made.
    ///
    /// A row of epsilon 0 comes first: the images of this attack as they are.
    pub fn run(
        &self,
        network: &TrainedNetwork,
        set: &ImageSet,
        seed: u64,
        stop: &StopFlag,
    ) -> Result<bool, Error> {
        let config = AttackConfig {
            steps: self.steps,
            restarts: self.restarts,
            boundary: BoundaryConfig {
                steps: self.boundary_steps,
                ..BoundaryConfig::default()
            },
            ..AttackConfig::default()
        };
        for attack in self.attack.iter().flat_map(|list| &list.0) {
            let goal = AttackGoal {
                attack: *attack,
                epsilons: match attack.norm() {
                    Norm::Linf => &self.epsilon.0,
                    Norm::L2 => &self.epsilon_l2.0,
                },
                config: &config,
                seed,
            };
            let mut display = Display::new(false);
            let mut observer = |progress: &Progress| {
                if display.is_due() {
                    let text = line(progress, &display);
                    display.show((progress.share * 1000.0) as u64, 1000, text);
                }
                if stop.is_raised() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let limit = self.limit.unwrap_or(0);
            let found = network.attack(set, limit, &goal, &mut observer);
            display.clear();
            match found {
                Err(Error::Attack(striate_attack::Error::Interrupted { .. })) => return Ok(false),
                found => print(&found?),
            }
        }
        Ok(true)
    }
}

fn line(progress: &Progress, display: &Display) -> String {
    let done = (progress.share * 1000.0) as u64;
    format!(
        "{}: {:.0} %, {} of {} images, at most {:#} left",
        progress.attack,
        progress.share * 100.0,
        progress.finished,
        progress.total,
        display.left(done, 1000 - done.min(1000)),
    )
}

/// The rows of an attack, in the columns that [`crate::apply`] prints.
fn print(found: &Outcome) {
    let images = found.images.len();
    let masked = match found.attack {
        Attack::Boundary => String::new(),
        _ => found.zero_gradients().to_string(),
    };
    let median = match (found.attack, found.median_distance()) {
        (Attack::Boundary, Some(median)) => median.to_string(),
        _ => String::new(),
    };
    let row = |epsilon: f64, correct: usize, rest: String| {
        let share = correct as f64 / images.max(1) as f64;
        let attack = found.attack;
        println!("clean,0,{share},{correct},{images},{attack},{epsilon},{rest}");
    };
    row(0.0, found.clean(), ",".to_owned());
    for (which, epsilon) in found.epsilons.iter().enumerate() {
        let rest = format!("{median},{masked}");
        row(*epsilon, found.correct(which), rest);
    }
    if found.zero_gradients() > WARN_ABOVE {
        eprintln!(
            "striate: warning: {}: {:.1} % of the images had no gradient somewhere; what \
             withstands this attack there may be no robustness (compare with boundary)",
            found.attack,
            found.zero_gradients() * 100.0
        );
    }
}

fn attacks(text: &str) -> Result<List<Attack>, striate_attack::Error> {
    if text == "all" {
        return Ok(List(Attack::ALL.to_vec()));
    }
    let names = text.split(',').map(|name| Attack::from_str(name.trim()));
    names.collect::<Result<_, _>>().map(List)
}

/// Positive numbers, or fractions such as 8/255.
fn sizes(text: &str) -> Result<List<f64>, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let size = |text: &str| {
        let value = match text.split_once('/') {
            Some((a, b)) => number(a).zip(number(b)).map(|(a, b)| a / b),
            None => number(text),
        };
        let fits = value.filter(|v| v.is_finite() && *v > 0.0);
        fits.ok_or_else(|| format!("expected positive numbers like 0.5 or 8/255, found {text:?}"))
    };
    text.split(',')
        .map(size)
        .collect::<Result<_, _>>()
        .map(List)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        assert_eq!(sizes("1/255, 0.5").unwrap().0, [1.0 / 255.0, 0.5]);
        for bad in ["", "1/0", "0", "-1", "a", "1/2/3", "0.1,,0.2"] {
            assert!(sizes(bad).is_err(), "{bad}");
        }
        let two = attacks("boundary,pgd-l2").unwrap().0;
        assert_eq!(two, [Attack::Boundary, Attack::PgdL2]);
        assert_eq!(attacks("all").unwrap().0, Attack::ALL);
        assert!(attacks("pgd").is_err());
    }
}
