//! The network's slow twin, in candle-nn's own layers and candle's own operations, row by row and as plain as the formula: what the
//! fused operations are held to as a whole, values and slopes. For tests only.

use candle_core::{Device, Result, Tensor};
use candle_nn::{Embedding, Linear, Module, ops::sigmoid};

use super::batch::{Batch, Track};
use super::network::{INPUTS, Network, SKILL_ROWS};
use super::record::FEATURES;

fn weight(network: &Network, name: &str) -> Tensor {
    network.weights[name].as_tensor().clone()
}

/// Row `at` of a table, as [1, width].
fn row(table: &Tensor, at: usize) -> Result<Tensor> {
    table.narrow(0, at, 1)
}

fn mean(rows: &[Tensor], width: usize) -> Result<Tensor> {
    match rows.len() {
        0 => Tensor::zeros((1, width), candle_core::DType::F32, &Device::Cpu),
        count => Tensor::cat(rows, 0)?.sum_keepdim(0)? / count as f64,
    }
}

/// What a track shows before each of its source rows.
fn follow(network: &Network, name: &str, track: &Track, inputs: &Tensor, sets: &Tensor) -> Result<Vec<Tensor>> {
    let d = network.width;
    let of_features = Linear::new(weight(network, &format!("{name}.features.weight")), None).forward(inputs)?;
    let of_skills = weight(network, &format!("{name}.skills.weight"));
    let of_skills = Linear::new(of_skills, Some(weight(network, &format!("{name}.skills.bias")))).forward(sets)?; // [sets, 2d]
    let recurrent = weight(network, &format!("{name}.recurrent.weight"));
    let (forget, update) = (Linear::new(recurrent.narrow(0, 0, d)?, None), Linear::new(recurrent.narrow(0, d, d)?, None));
    let steps = Embedding::new(weight(network, &format!("{name}.gap.steps")), d);
    let times = Embedding::new(weight(network, &format!("{name}.gap.times")), d);
    let bucket = |of: u32| Tensor::from_slice(&[of], 1, &Device::Cpu);

    let mut shown: Vec<Option<Tensor>> = vec![None; track.answer.len()];
    let mut states: Vec<Tensor> = Vec::new();
    for step in track.runs.offsets.windows(2) {
        for (run, packed) in (step[0]..step[1]).enumerate() {
            let gap = (steps.forward(&bucket(track.gap_steps[packed])?)? + times.forward(&bucket(track.gap_times[packed])?)?)?;
            let faded = match states.get(run) {
                None => Tensor::zeros((1, d), candle_core::DType::F32, &Device::Cpu)?,
                Some(state) => (state * sigmoid(&(forget.forward(state)? + gap)?)?)?,
            };
            let (set, result) = ((track.code[packed] / 2) as usize, (track.code[packed] % 2) as usize);
            let x = (row(&of_features, track.answer[packed] as usize)? + row(&of_skills, set)?.narrow(1, result * d, d)?)?;
            let state = (&faded + (update.forward(&faded)? + x)?.tanh()?)?;
            shown[track.runs.source[packed] as usize] = Some((faded * 0.5)?.tanh()?);
            match states.get_mut(run) {
                Some(last) => *last = state,
                None => states.push(state),
            }
        }
    }
    Ok(shown.into_iter().flatten().collect())
}

/// Logits [answers], as `Network::forward` without dropout.
fn logits(network: &Network, batch: &Batch, items: &Tensor) -> Result<Tensor> {
    let (n, d) = (batch.answers(), network.width);
    let inputs = Tensor::from_slice(&batch.inputs, (n, INPUTS), &Device::Cpu)?;
    let features = Tensor::from_slice(&batch.features, (n, FEATURES), &Device::Cpu)?;
    let vectors = weight(network, SKILL_ROWS);
    let mean_of = |set: &Vec<u32>| mean(&set.iter().map(|skill| row(&vectors, *skill as usize)).collect::<Result<Vec<_>>>()?, d);
    let sets = Tensor::cat(&batch.sets.iter().map(mean_of).collect::<Result<Vec<_>>>()?, 0)?; // [sets, d]
    let domain = follow(network, "domain", &batch.domain, &inputs, &sets)?;
    let skill = follow(network, "skill", &batch.skill, &inputs, &sets)?;
    let of_states = Linear::new(weight(network, "output.states.weight"), None);
    let of_skills = Linear::new(weight(network, "output.skills.weight"), Some(weight(network, "output.skills.bias")));
    let of_items = Linear::new(weight(network, "output.items.weight"), None);
    let output = Linear::new(weight(network, "output.weight"), Some(weight(network, "output.bias")));
    let logit = |i: usize| -> Result<Tensor> {
        let skills = mean(&skill[batch.pairs[i] as usize..batch.pairs[i + 1] as usize], d)?;
        let seen = Tensor::cat(&[domain[i].clone(), skills, row(&features, i)?], 1)?;
        let z = (of_states.forward(&seen)? + of_skills.forward(&row(&sets, batch.set[i] as usize)?)?)?;
        let z = (z + of_items.forward(&row(items, batch.item[i] as usize)?)?)?;
        output.forward(&z.relu()?)? + f64::from(batch.base[i])
    };
    Tensor::cat(&(0..n).map(logit).collect::<Result<Vec<_>>>()?, 0)?.flatten_all()
}

#[cfg(test)]
mod tests {
    use super::super::batch::Sight;
    use super::super::dataset::Sequence;
    use super::super::evidence::{Evidence, Tally};
    use super::super::sample::Class;
    use super::*;

    #[test]
    fn the_network_and_its_slow_twin_agree_in_values_and_slopes() {
        let mut dataset = Class { learners: 3, answers: 14, items: 9, skills: 3 }.dataset(4);
        dataset.sequences[1].answers.truncate(5);
        dataset.sequences[0].answers[2].marks.response_ms = Some(4_000);
        let sets = dataset.vocabulary.sets();
        let evidence = Evidence::new(vec![Tally { attempts: 20.0, right: 9.0 }; 9], &sets, 3);
        let all: Vec<&Sequence> = dataset.sequences.iter().collect();
        let batch = Batch::new(&all, &dataset.vocabulary, &sets, &evidence, Sight::Whole);
        let network = Network::new(&dataset.vocabulary, 6, 1).unwrap();
        let items = network.item_rows(&batch).unwrap();
        let (fast, slow) = (network.forward(&batch, &items, None).unwrap(), logits(&network, &batch, &items).unwrap());
        let difference =
            |a: &Tensor, b: &Tensor| (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
        assert!(difference(&fast, &slow) < 1e-5);
        let weighting: Vec<f32> = (0..batch.answers()).map(|i| (i as f32 * 0.7).sin()).collect();
        let weighting = Tensor::from_slice(&weighting, batch.answers(), &Device::Cpu).unwrap();
        let slopes = |logits: &Tensor| (logits * &weighting).unwrap().sum_all().unwrap().backward().unwrap();
        let (fast, slow) = (slopes(&fast), slopes(&slow));
        for (name, weight) in network.weights.iter().map(|(name, weight)| (name.as_str(), weight)).chain([("items", &items)]) {
            let (fast, slow) = (fast.get(weight).unwrap(), slow.get(weight).unwrap());
            assert!(difference(fast, slow) < 2e-5, "{name}: {}", difference(fast, slow));
        }
    }
}
