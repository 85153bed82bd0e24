//! `parcours export`: usable events and the catalogue as Parquet, for notebooks.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use polars::prelude::*;
use polars_io::parquet::write::ParquetWriter;
use serde_json::json;

use super::Globals;
use crate::domain::hash::Hasher;
use crate::domain::{Catalog, Event, ShardId};
use crate::store;

/// Write the events a model may use, one Parquet file a shard, and the catalogue.
///
/// Learners go by ids of this export alone, which nothing in the database leads to. Files: events-000.parquet (learner, item, kind,
/// occurred_at in microseconds, correct, score, response_ms, attempt_number, hints, skills), items.parquet, skills.parquet and
/// prerequisites.parquet. Delete the files when you are done: a later erasure does not reach them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub tenant: super::TenantArg,
    /// Folder to write into; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let app = globals.open().await?;
    let tenant = args.tenant.tenant;
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot create {}", args.out.display()))?;
    let key: [u8; 32] = rand::random();
    // One snapshot for all files.
    let mut tx = app.store.read().await?;
    let catalog = store::catalog::load(&mut tx, &tenant).await?;
    let (mut events, mut answers, mut files) = (0, 0, Vec::new());
    let shards = app.config.model.shards;
    for shard in 0..shards {
        let usable = store::events::usable_in(&mut tx, &tenant, ShardId(shard).buckets(shards)).await?;
        events += usable.len();
        answers += usable.iter().filter(|event| event.is_answer()).count();
        files.push(write(&args.out, &format!("events-{shard:03}.parquet"), events_frame(&usable, &catalog, &key)?)?);
    }
    drop(tx);
    files.push(write(&args.out, "items.parquet", items_frame(&catalog)?)?);
    files.push(write(&args.out, "skills.parquet", skills_frame(&catalog)?)?);
    files.push(write(&args.out, "prerequisites.parquet", prerequisites_frame(&catalog)?)?);
    app.close().await;
    let summary = json!({
        "tenant": tenant.as_str(),
        "out": args.out,
        "files": files,
        "shards": shards,
        "events": events,
        "answers": answers,
        "items": catalog.items.len(),
        "skills": catalog.skills.len(),
    });
    globals.print(&summary, || {
        format!(
            "{events} usable events ({answers} answers) in {shards} shards, and {} items, in {}.",
            catalog.items.len(),
            args.out.display()
        )
    })
}

fn write(folder: &Path, name: &str, mut frame: DataFrame) -> anyhow::Result<String> {
    let path = folder.join(name);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    ParquetWriter::new(file)
        .finish(&mut frame)
        .map_err(|error| anyhow::Error::new(error).context(format!("cannot write {}", path.display())))?;
    Ok(name.to_owned())
}

/// A column of lists of texts.
fn lists<'a, T>(name: &str, rows: impl ExactSizeIterator<Item = &'a [T]>) -> Column
where
    T: AsRef<str> + 'a,
{
    let mut builder = ListStringChunkedBuilder::new(name.into(), rows.len(), rows.len());
    for row in rows {
        builder.append_values_iter(row.iter().map(AsRef::as_ref));
    }
    builder.finish().into_series().into_column()
}

fn events_frame(events: &[Event], catalog: &Catalog, key: &[u8; 32]) -> PolarsResult<DataFrame> {
    let learner = |event: &Event| hex::encode(Hasher::keyed(key, "export").part(event.learner.as_bytes()).finish16());
    let skills: Vec<Vec<&str>> = (events.iter())
        .map(|event| catalog.skills_of(&event.item, &event.skill_hints).iter().map(|skill| skill.as_str()).collect())
        .collect();
    let frame = df!(
        "learner" => events.iter().map(learner).collect::<Vec<_>>(),
        "item" => events.iter().map(|event| event.item.as_str()).collect::<Vec<_>>(),
        "kind" => events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(),
        "occurred_at" => events.iter().map(|event| event.occurred_at.0).collect::<Vec<_>>(),
        "correct" => events.iter().map(|event| event.correct).collect::<Vec<_>>(),
        "score" => events.iter().map(|event| event.score).collect::<Vec<_>>(),
        "response_ms" => events.iter().map(|event| event.response_ms).collect::<Vec<_>>(),
        "attempt_number" => events.iter().map(|event| event.attempt_number).collect::<Vec<_>>(),
        "hints" => events.iter().map(|event| event.hints).collect::<Vec<_>>(),
    )?;
    // By the export's own ids, so that the order of the database's says nothing either.
    frame.hstack(&[lists("skills", skills.iter().map(Vec::as_slice))])?.sort(["learner", "occurred_at"], SortMultipleOptions::default())
}

fn items_frame(catalog: &Catalog) -> PolarsResult<DataFrame> {
    let items: Vec<_> = catalog.items.values().collect();
    let skills: Vec<Vec<&str>> = items.iter().map(|item| item.skills.iter().map(|skill| skill.as_str()).collect()).collect();
    let frame = df!(
        "item" => items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(),
        "title_fr" => items.iter().map(|item| item.titles.fr.as_deref()).collect::<Vec<_>>(),
        "title_en" => items.iter().map(|item| item.titles.en.as_deref()).collect::<Vec<_>>(),
        "kind" => items.iter().map(|item| item.kind.as_str()).collect::<Vec<_>>(),
        "course" => items.iter().map(|item| item.course.as_deref()).collect::<Vec<_>>(),
        "module" => items.iter().map(|item| item.module.as_deref()).collect::<Vec<_>>(),
        "position" => items.iter().map(|item| item.position).collect::<Vec<_>>(),
        "duration_minutes" => items.iter().map(|item| item.duration_minutes).collect::<Vec<_>>(),
        "language" => items.iter().map(|item| item.language.as_deref()).collect::<Vec<_>>(),
        "state" => items.iter().map(|item| item.state.as_str()).collect::<Vec<_>>(),
    )?;
    frame.hstack(&[lists("skills", skills.iter().map(Vec::as_slice)), lists("tags", items.iter().map(|item| item.tags.as_slice()))])
}

fn skills_frame(catalog: &Catalog) -> PolarsResult<DataFrame> {
    df!(
        "skill" => catalog.skills.keys().map(|skill| skill.as_str()).collect::<Vec<_>>(),
        "title_fr" => catalog.skills.values().map(|skill| skill.titles.fr.as_deref()).collect::<Vec<_>>(),
        "title_en" => catalog.skills.values().map(|skill| skill.titles.en.as_deref()).collect::<Vec<_>>(),
    )
}

fn prerequisites_frame(catalog: &Catalog) -> PolarsResult<DataFrame> {
    df!(
        "skill" => catalog.prerequisites.iter().map(|pair| pair.skill.as_str()).collect::<Vec<_>>(),
        "requires" => catalog.prerequisites.iter().map(|pair| pair.requires.as_str()).collect::<Vec<_>>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EventKey, EventKind, ItemId, Micros, Pseudonym, SkillId};
    use polars_io::SerReader;
    use polars_io::parquet::read::ParquetReader;

    #[test]
    fn what_is_written_can_be_read_and_holds_no_pseudonym() {
        let event = |learner: u8, minute: i64, skill: &str| Event {
            key: EventKey([minute as u8; 16]),
            learner: Pseudonym([learner; 16]),
            item: ItemId::parse("i").unwrap(),
            kind: EventKind::Attempt,
            occurred_at: Micros(minute),
            score: Some(1.0),
            correct: Some(true),
            response_ms: None,
            attempt_number: None,
            hints: None,
            skill_hints: vec![SkillId::parse(skill).unwrap()],
        };
        let events = [event(1, 1, "x"), event(1, 2, "y"), event(2, 3, "x")];
        let frame = events_frame(&events, &Catalog::default(), &[7; 32]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "events.parquet", frame).unwrap();
        let read = ParquetReader::new(File::open(folder.path().join("events.parquet")).unwrap()).finish().unwrap();
        assert_eq!(read.height(), 3);
        assert_eq!(read.column("learner").unwrap().n_unique().unwrap(), 2);
        assert_eq!(read.column("skills").unwrap().list().unwrap().len(), 3);
        // A shard without learners has the same columns.
        let empty = events_frame(&[], &Catalog::default(), &[7; 32]).unwrap();
        assert_eq!((empty.height(), empty.schema()), (0, read.schema()));
        let learners = read.column("learner").unwrap().str().unwrap().iter().flatten().collect::<Vec<_>>().join(",");
        assert!(!learners.contains(&hex::encode([1; 16])) && !learners.contains(&hex::encode([2; 16])));
    }
}
