//! Rows looked up and added, and rows of a set averaged: products are made once for a table, answers read its rows.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Device, Layout, Result, Shape, Tensor};
use multiversion::multiversion;

use super::linear::{cpu, numbers};

/// Which row of a table each row of the result reads; `None`: the one at its own place.
pub type Rows = Option<Arc<Vec<u32>>>;

/// result[r] = a[rows_a[r]] + b[rows_b[r]]; tables [_, d].
pub fn sum2(a: (&Tensor, Rows), b: (&Tensor, Rows)) -> Result<Tensor> {
    a.0.apply_op2(b.0, SumRows([a.1, b.1]))
}

/// result[r] = a[rows_a[r]] + b[rows_b[r]] + c[rows_c[r]]; tables [_, d].
pub fn sum3(a: (&Tensor, Rows), b: (&Tensor, Rows), c: (&Tensor, Rows)) -> Result<Tensor> {
    a.0.apply_op3(b.0, c.0, SumRows([a.1, b.1, c.1]))
}

struct SumRows<const TABLES: usize>([Rows; TABLES]);

impl<const TABLES: usize> SumRows<TABLES> {
    fn forward(&self, tables: [(&CpuStorage, &Layout); TABLES]) -> Result<(CpuStorage, Shape)> {
        let (rows, d) = tables[0].1.shape().dims2()?;
        let rows = self.0[0].as_ref().map_or(rows, |rows| rows.len());
        let mut sum = vec![0.0; rows * d];
        for ((storage, layout), of) in tables.into_iter().zip(&self.0) {
            let table = numbers(storage, layout)?;
            match of {
                None => add(&mut sum, table),
                Some(of) => add_rows(&mut sum, table, of, d),
            }
        }
        Ok((CpuStorage::F32(sum), (rows, d).into()))
    }

    /// The slope of one table: rows that were read several times sum up, in order.
    fn backward(&self, place: usize, table: &Tensor, slope: &Tensor) -> Result<Option<Tensor>> {
        let (_, d) = table.dims2()?;
        let (storage, layout) = slope.storage_and_layout();
        let slope = cpu(&storage, layout)?;
        let values = match &self.0[place] {
            None => slope.to_vec(),
            Some(of) => {
                let mut values = vec![0.0f32; table.elem_count()];
                add_back(&mut values, slope, of, d);
                values
            }
        };
        Tensor::from_vec(values, table.shape().clone(), &Device::Cpu).map(Some)
    }
}

#[inline(always)]
fn add(sum: &mut [f32], row: &[f32]) {
    sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
}

#[multiversion(targets("x86_64+avx2"))]
fn add_rows(sum: &mut [f32], table: &[f32], rows: &[u32], d: usize) {
    sum.chunks_exact_mut(d).zip(rows).for_each(|(sum, row)| add(sum, &table[*row as usize * d..][..d]));
}

#[multiversion(targets("x86_64+avx2"))]
fn add_back(table: &mut [f32], slopes: &[f32], rows: &[u32], d: usize) {
    slopes.chunks_exact(d).zip(rows).for_each(|(slope, row)| add(&mut table[*row as usize * d..][..d], slope));
}

impl CustomOp2 for SumRows<2> {
    fn name(&self) -> &'static str {
        "parcours-sum-rows"
    }

    fn cpu_fwd(&self, a: &CpuStorage, la: &Layout, b: &CpuStorage, lb: &Layout) -> Result<(CpuStorage, Shape)> {
        self.forward([(a, la), (b, lb)])
    }

    fn bwd(&self, a: &Tensor, b: &Tensor, _: &Tensor, slope: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((self.backward(0, a, slope)?, self.backward(1, b, slope)?))
    }
}

impl CustomOp3 for SumRows<3> {
    fn name(&self) -> &'static str {
        "parcours-sum-rows"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        la: &Layout,
        b: &CpuStorage,
        lb: &Layout,
        c: &CpuStorage,
        lc: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.forward([(a, la), (b, lb), (c, lc)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        _: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        Ok((self.backward(0, a, slope)?, self.backward(1, b, slope)?, self.backward(2, c, slope)?))
    }
}

/// result[r] = mean of the table's rows `sets[r]`; zeros for an empty set.
pub fn mean_rows(table: &Tensor, sets: Arc<Vec<Vec<u32>>>) -> Result<Tensor> {
    table.apply_op1(MeanRows(sets))
}

struct MeanRows(Arc<Vec<Vec<u32>>>);

impl CustomOp1 for MeanRows {
    fn name(&self) -> &'static str {
        "parcours-mean-rows"
    }

    fn cpu_fwd(&self, table: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, d) = layout.shape().dims2()?;
        let table = numbers(table, layout)?;
        let mut means = vec![0.0f32; self.0.len() * d];
        for (mean, set) in means.chunks_exact_mut(d).zip(self.0.iter()) {
            let weight = 1.0 / set.len().max(1) as f32;
            for row in set {
                mean.iter_mut().zip(&table[*row as usize * d..][..d]).for_each(|(mean, value)| *mean += weight * value);
            }
        }
        Ok((CpuStorage::F32(means), (self.0.len(), d).into()))
    }

    fn bwd(&self, table: &Tensor, _: &Tensor, slope: &Tensor) -> Result<Option<Tensor>> {
        let (_, d) = table.dims2()?;
        let (storage, layout) = slope.storage_and_layout();
        let slope = cpu(&storage, layout)?;
        let mut sums = vec![0.0f32; table.elem_count()];
        for (slope, set) in slope.chunks_exact(d).zip(self.0.iter()) {
            let weight = 1.0 / set.len().max(1) as f32;
            for row in set {
                sums[*row as usize * d..][..d].iter_mut().zip(slope).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        Tensor::from_vec(sums, table.shape().clone(), &Device::Cpu).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_same_slopes, variable};
    use super::*;

    #[test]
    fn rows_looked_up_and_added_agree_with_candle() {
        let (a, b, c) = (variable("a", &[4, 3]), variable("b", &[2, 3]), variable("c", &[5, 3]));
        let (of_a, of_b) = (vec![3u32, 0, 3, 1, 1], vec![1u32, 0, 1, 1, 0]);
        let pick = |table: &Tensor, of: &[u32]| table.index_select(&Tensor::from_slice(of, of.len(), &Device::Cpu).unwrap(), 0).unwrap();
        let rows = |of: &[u32]| Some(Arc::new(of.to_vec()));
        let two = ((pick(&a, &of_a) + pick(&b, &of_b)).unwrap(), sum2((&a, rows(&of_a)), (&b, rows(&of_b))).unwrap());
        assert_same_slopes(&two.1, &two.0, &[&a, &b]);
        let three = sum3((&a, rows(&of_a)), (&b, rows(&of_b)), (&c, None)).unwrap();
        assert_same_slopes(&three, &(two.0 + c.as_tensor()).unwrap(), &[&a, &b, &c]);
    }

    #[test]
    fn means_of_sets_agree_with_candle() {
        let table = variable("table", &[4, 3]);
        let means = mean_rows(&table, Arc::new(vec![vec![0, 2], vec![], vec![3]])).unwrap();
        let row = |at: usize| table.narrow(0, at, 1).unwrap();
        let nothing = Tensor::zeros((1, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
        let slow = Tensor::cat(&[((row(0) + row(2)).unwrap() * 0.5).unwrap(), nothing, row(3)], 0).unwrap();
        assert_same_slopes(&means, &slow, &[&table]);
    }
}
