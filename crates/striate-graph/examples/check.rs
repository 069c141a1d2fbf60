//! Compares a graph with its sample, and times it: `check FILE [IMAGES] [PASSES]`.

use std::error::Error;
use std::time::Instant;

use candle_core::{DType, Device, Tensor, Var};
use striate_graph::Graph;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("expected a file")?;
    let mut number = |usual: usize| match arguments.next() {
        Some(text) => text.parse(),
        None => Ok(usual),
    };
    let (images, passes) = (number(1)?, number(5)?);
    let start = Instant::now();
    let graph = Graph::open(file.as_ref(), &Device::Cpu)?;
    println!("opened in {:.2} s", start.elapsed().as_secs_f64());
    for deviation in graph.check()?.deviations {
        println!(
            "{}: largest deviation {:.2e}, {:.2e} of the largest value",
            deviation.output, deviation.largest, deviation.relative
        );
    }
    let (channels, height, width) = graph.input().dims();
    let x = Tensor::ones((images, height, width, channels), DType::F32, &Device::Cpu)?;
    let x = x.permute((0, 3, 1, 2))?;
    let name = graph.outputs().last().unwrap_or_default().to_owned();
    let mut best = [f64::INFINITY; 2];
    for _ in 0..passes {
        let start = Instant::now();
        graph.run_one(&name, &x)?;
        best[0] = best[0].min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let x = Var::from_tensor(&x)?;
        graph.run_one(&name, &x)?.sum_all()?.backward()?;
        best[1] = best[1].min(start.elapsed().as_secs_f64());
    }
    println!(
        "{images} images: {:.3} s, with the gradient {:.3} s",
        best[0], best[1]
    );
    Ok(())
}
