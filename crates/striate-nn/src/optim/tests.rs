use candle_core::{Device, Tensor, Var};
use striate_testkit::{Golden, assert_close};

use super::*;
use crate::Backend;
use crate::testing::{flat, tensor};

const BACKENDS: [Backend; 2] = [Backend::Auto, Backend::Reference];

fn vars(golden: &Golden) -> Vec<(String, Var)> {
    ["p0", "p1"]
        .map(|name| {
            (
                name.to_owned(),
                Var::from_tensor(&tensor(golden, name)).unwrap(),
            )
        })
        .to_vec()
}

/// Gradients with the given values: those of `sum(gradient * var)`.
fn gradients(golden: &Golden, vars: &[(String, Var)], step: usize) -> Gradients {
    let mut sum = Gradients::new(vars);
    for (i, (_, var)) in vars.iter().enumerate() {
        let gradient = tensor(golden, &format!("steps_g{i}")).get(step).unwrap();
        sum.add(&(var.as_tensor() * gradient).unwrap().sum_all().unwrap())
            .unwrap();
    }
    sum
}

/// Follows torch for 10 steps; after the fifth the optimiser is replaced by
/// one restored from its state.
fn follow<O: Optimizer>(name: &str, rate: f64, make: impl Fn(Vec<(String, Var)>) -> O) {
    let golden = Golden::open(&format!("nn/{name}"));
    let vars = vars(&golden);
    let mut optimizer = make(vars.clone());
    let mut lr = rate;
    for step in 0..10 {
        lr *= 0.9;
        if step == 5 {
            let state = optimizer.state().unwrap();
            optimizer = make(vars.clone());
            optimizer.load_state(&state).unwrap();
        }
        optimizer
            .step(&gradients(&golden, &vars, step), lr)
            .unwrap();
        for (i, (_, var)) in vars.iter().enumerate() {
            let expected = tensor(&golden, &format!("steps_p{i}")).get(step).unwrap();
            // f32 against f64 over up to ten steps.
            assert_close(&flat(var), &flat(&expected), 1e-6, 2e-6);
        }
    }
}

#[test]
fn sgd_follows_torch() {
    for backend in BACKENDS {
        follow("sgd", 0.1, |vars| {
            Sgd::new(SgdConfig::default(), vars)
                .unwrap()
                .with_backend(backend)
        });
    }
}

#[test]
fn adam_follows_torch() {
    for backend in BACKENDS {
        follow("adam", 0.01, |vars| {
            Adam::new(AdamConfig::default(), vars)
                .unwrap()
                .with_backend(backend)
        });
    }
}

#[test]
fn a_variable_without_gradient_is_left_alone() {
    let var = Var::new(&[1f32, 2.0], &Device::Cpu).unwrap();
    let other = Var::new(&[3f32], &Device::Cpu).unwrap();
    let vars = vec![
        ("a".to_owned(), var.clone()),
        ("b".to_owned(), other.clone()),
    ];
    let mut gradients = Gradients::new(&vars);
    gradients
        .add(&other.as_tensor().sqr().unwrap().sum_all().unwrap())
        .unwrap();
    assert_close(&[gradients.norm().unwrap()], &[6.0], 0.0, 0.0);
    let mut optimizer = Sgd::new(SgdConfig::default(), vars).unwrap();
    optimizer.step(&gradients, 0.1).unwrap();
    assert_eq!(flat(&var), [1.0, 2.0]);
    assert!(flat(&other)[0] < 3.0);
    gradients.clear();
    assert!(gradients.get("b").is_none());
}

#[test]
fn gradients_of_several_losses_are_summed() {
    let var = Var::new(&[1f32, 2.0], &Device::Cpu).unwrap();
    let mut gradients = Gradients::new(&[("a".to_owned(), var.clone())]);
    for _ in 0..3 {
        gradients
            .add(&var.as_tensor().sqr().unwrap().sum_all().unwrap())
            .unwrap();
    }
    assert_eq!(flat(gradients.get("a").unwrap()), [6.0, 12.0]);
    // A broadcast gradient shares one value; adding to it must not spread.
    let mut gradients = Gradients::new(&[("a".to_owned(), var.clone())]);
    gradients.add(&var.as_tensor().sum_all().unwrap()).unwrap();
    gradients
        .add(&var.as_tensor().sqr().unwrap().sum_all().unwrap())
        .unwrap();
    assert_eq!(flat(gradients.get("a").unwrap()), [3.0, 5.0]);
}

#[test]
fn a_foreign_state_is_refused() {
    let var = |n: usize| {
        vec![(
            "a".to_owned(),
            Var::new(vec![0f32; n], &Device::Cpu).unwrap(),
        )]
    };
    let state = Sgd::new(SgdConfig::default(), var(2))
        .unwrap()
        .state()
        .unwrap();
    let mut other = Sgd::new(SgdConfig::default(), var(3)).unwrap();
    assert_eq!(
        other.load_state(&state).unwrap_err().to_string(),
        "state of the optimiser: 0 missing [], 0 unexpected [], \
         1 of another shape [a.velocity: expected [3], found [2]]"
    );
    assert!(
        other
            .load_state(&BTreeMap::<String, Tensor>::new())
            .is_err()
    );
}
