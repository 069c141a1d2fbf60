//! The one entry. Invariant: images that are classified wrongly as they are are not attacked.

use crate::job::Job;
use crate::{
    Attack, AttackConfig, Error, Network, Observer, Outcome, Progress, Result, Task, boundary,
    gradient,
};

/// Attacks every image of the task that the network classifies correctly.
///
/// `epsilons` are sizes of perturbations in the attack's norm, in units of the pixels'
/// range: 1/255 is one gray level. The gradient attacks search in the ball of each;
/// the boundary attack searches for the nearest image that is classified otherwise
/// and compares its distance with them (there it may be empty).
///
/// # Errors
///
/// If the inputs do not fit each other, a pixel is not in `[0, 1]`, a setting is out of
/// its range, the network fails, gives no finite scores or does not depend on the
/// image, or the observer stops the work.
pub fn attack(
    network: &Network<'_>,
    task: &Task<'_>,
    attack: Attack,
    epsilons: &[f64],
    config: &AttackConfig,
    observer: &mut Observer<'_>,
) -> Result<Outcome> {
    let job = Job::new(network, task, attack, epsilons, config)?;
    let mut records = job.records();
    let rows: Vec<usize> = (0..records.len()).filter(|r| records[*r].clean).collect();
    let total = rows.len();
    let mut monitor = |share: f64, finished: usize| {
        let progress = Progress {
            attack,
            share,
            finished,
            total,
        };
        match observer(&progress).is_break() {
            true => Err(Error::Interrupted { finished, total }),
            false => Ok(()),
        }
    };
    match attack {
        Attack::FgsmLinf | Attack::FgsmL2 => {
            gradient::fgsm(&job, &rows, &mut records, &mut monitor)?;
        }
        Attack::PgdLinf | Attack::PgdL2 => {
            gradient::pgd(&job, &rows, &mut records, &mut monitor)?;
        }
        Attack::Boundary => boundary::search(&job, &rows, &mut records, &mut monitor)?,
    }
    monitor(1.0, total)?;
    Ok(Outcome {
        attack,
        epsilons: epsilons.to_vec(),
        images: records,
    })
}
