//! Bilinear sampling.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use striate_kernels as kernels;
use striate_kernels::{Corners, MapShape};

use super::{failed, gradient, stored, values, with_values};

const PLACE: &str = "bilinear_sample";

/// As [`crate::ops::bilinear_sample`].
pub(crate) fn bilinear_sample(
    map: &Tensor,
    grid: &Tensor,
    [batch, height, width, channels, points]: [usize; 5],
) -> Result<Tensor> {
    let shape = MapShape::new([batch, height, width, channels]).map_err(failed(PLACE))?;
    map.contiguous()?
        .apply_op2(&grid.contiguous()?, Sample { shape, points })
}

struct Sample {
    shape: MapShape,
    points: usize,
}

impl CustomOp2 for Sample {
    fn name(&self) -> &'static str {
        PLACE
    }

    fn cpu_fwd(
        &self,
        map: &CpuStorage,
        map_layout: &Layout,
        grid: &CpuStorage,
        grid_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let [batch, _, _, channels] = self.shape.dims();
        let mut out = vec![0.0; batch * self.points * channels];
        kernels::bilinear_sample_forward(
            &self.shape,
            self.points,
            Corners::Aligned,
            values(map, map_layout)?,
            values(grid, grid_layout)?,
            &mut out,
        )
        .map_err(failed(PLACE))?;
        Ok(stored(out, (batch, self.points, channels)))
    }

    fn bwd(
        &self,
        map: &Tensor,
        grid: &Tensor,
        _out: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut grad_map = vec![0.0; self.shape.len()];
        let mut grad_grid = vec![0.0; grid.elem_count()];
        with_values(&grad.contiguous()?, |grad| {
            with_values(map, |map| {
                with_values(grid, |grid| {
                    kernels::bilinear_sample_backward(
                        &self.shape,
                        self.points,
                        Corners::Aligned,
                        map,
                        grid,
                        grad,
                        &mut grad_map,
                        &mut grad_grid,
                    )
                    .map_err(failed(PLACE))
                })
            })
        })?;
        Ok((gradient(grad_map, map)?, gradient(grad_grid, grid)?))
    }
}
