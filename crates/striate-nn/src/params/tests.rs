use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};

use super::*;

fn two() -> Result<(Params, Param, Var)> {
    let params = Params::new(&Device::Cpu);
    let scope = params.root().sub("a");
    let weight = scope.param("weight", &Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?)?;
    let mean = scope.buffer("mean", &Tensor::zeros(2, DType::F32, &Device::Cpu)?)?;
    Ok((params, weight, mean))
}

#[test]
fn a_state_is_a_copy_and_restores() -> Result<()> {
    let (params, weight, _) = two()?;
    let state = params.state()?;
    weight
        .var()
        .set(&Tensor::ones((2, 3), DType::F32, &Device::Cpu)?)?;
    assert_eq!(state["a.weight"].flatten_all()?.to_vec1::<f32>()?, [0.0; 6]);
    params.load_state(&state)?;
    assert_eq!(weight.var().flatten_all()?.to_vec1::<f32>()?, [0.0; 6]);
    assert_eq!(params.count(), 6);
    Ok(())
}

#[test]
fn a_foreign_state_is_refused_with_all_reasons() -> Result<()> {
    let (params, ..) = two()?;
    let zeros = Tensor::zeros(5, DType::F32, &Device::Cpu)?;
    let state = BTreeMap::from([
        ("a.weight".to_owned(), zeros.clone()),
        ("b".to_owned(), zeros),
    ]);
    let message = params.load_state(&state).unwrap_err().to_string();
    assert_eq!(
        message,
        "state of the network: 1 missing [a.mean], 1 unexpected [b], \
         1 of another shape [a.weight: expected [2, 3], found [5]]"
    );
    Ok(())
}

#[test]
fn names_are_unique_and_frozen_parameters_are_not_trained() -> Result<()> {
    let (params, weight, _) = two()?;
    let zeros = Tensor::zeros(1, DType::F32, &Device::Cpu)?;
    assert!(matches!(
        params.root().param("a.weight", &zeros),
        Err(Error::Duplicate(name)) if name == "a.weight"
    ));
    params.root().param("ab", &zeros)?;
    assert_eq!(params.set_trainable("a", false), 1);
    assert!(!weight.is_trainable() && !weight.tensor().track_op());
    let names: Vec<String> = params.trained().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ab"]);
    Ok(())
}
