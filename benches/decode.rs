//! From a request's body to a checked Polars frame: events a second without a database.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput};
use parcours::config::IngestConfig;
use parcours::domain::Micros;
use parcours::ingest::Batch;

/// 2026-03-01T08:50:00Z.
const NOW: Micros = Micros(1_772_355_000_000_000);
const EVENTS: usize = 10_000;

/// NDJSON of 500 learners, each event with what LMSs usually send.
fn body() -> String {
    let mut text = String::new();
    for number in 0..EVENTS {
        let (learner, item, correct, second) = (number % 500, number * 7 % 900, number % 3 != 0, number / 500);
        let _ = writeln!(
            text,
            r#"{{"id":"event-{number}","learner_id":"learner-{learner}","item_id":"item-{item}","kind":"attempt","occurred_at":"2026-02-01T10:00:{second:02}Z","correct":{correct},"response_ms":{},"attempt_number":1}}"#,
            1_000 + number,
        );
    }
    text
}

pub fn decode(criterion: &mut Criterion) {
    let lines = body();
    let array = format!("[{}]", lines.trim_end().replace('\n', ","));
    let broken = lines.replacen("\"correct\":true", "\"corect\":true", EVENTS / 100);
    let config = IngestConfig::default();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(20);
    for (name, body) in [("ndjson", &lines), ("json_array", &array), ("ndjson_with_typos", &broken)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(Batch::decode(body.as_bytes(), &config, NOW).expect("the body is JSON")))
        });
    }
    group.finish();
}
