//! The learner model: one epoch of training on a small shard, one answer taken in, and scoring a whole catalogue.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput};
use parcours::domain::Micros;
use parcours::learning::train::{Silent, train_member};
use parcours::learning::{Predictor, TrainingConfig, bench, sample};

pub fn training_step(criterion: &mut Criterion) {
    let dataset = bench::shard(40);
    let config = TrainingConfig { max_epochs: 1, ..TrainingConfig::default() };
    let steps = train_member(&dataset, &config, 1, &Silent).expect("the shard is large enough").report.steps;
    let mut group = criterion.benchmark_group("train");
    group.throughput(Throughput::Elements(steps)).sample_size(10);
    group.bench_function("epoch of a shard", |bencher| bencher.iter(|| train_member(black_box(&dataset), &config, 1, &Silent)));
    group.finish();
}

pub fn serving(criterion: &mut Criterion) {
    let dataset = bench::shard(60);
    let config = TrainingConfig { max_epochs: 1, ..TrainingConfig::default() };
    let weights = train_member(&dataset, &config, 1, &Silent).expect("the shard is large enough").weights;
    let catalog = Arc::new(sample::catalog(&dataset.vocabulary));
    let predictor = Predictor::load(&vec![weights; 8], catalog, Arc::new(dataset.counts())).expect("the member was just made");
    let learner = &dataset.sequences[0];
    let mut state = predictor.new_state();
    for answer in &learner.answers {
        predictor.advance(&mut state, &sample::event(&dataset.vocabulary, learner.learner, answer));
    }
    let next = sample::event(&dataset.vocabulary, learner.learner, &learner.answers[0]);
    let now = Micros(1 << 50);

    let mut group = criterion.benchmark_group("serve, 8 members");
    group.bench_function("take an answer in", |bencher| {
        bencher.iter_batched_ref(|| state.clone(), |state| predictor.advance(state, black_box(&next)), criterion::BatchSize::SmallInput);
    });
    group.bench_function("foresee 100 items", |bencher| {
        let items: Vec<u32> = (0..100).map(|n| n * 19).collect();
        bencher.iter(|| predictor.foresee_at(black_box(&state), &items, now));
    });
    group.throughput(Throughput::Elements(dataset.vocabulary.items.len() as u64));
    group.bench_function("score 2,000 items", |bencher| bencher.iter(|| predictor.predict_all(black_box(&state), now)));
    group.finish();
}
