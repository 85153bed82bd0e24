//! One optimiser step's worth of learners, laid out for the network: rows for answers, pairs of answers and skills, packed runs.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::dataset::{Sequence, Vocabulary};
use super::evidence::{Evidence, ItemView, SetView, SkillSets, Tally};
use super::ops::Runs;
use super::random::Stream;
use super::record::{Record, answer_features, gap_buckets, learner_features, own_features};

/// One recurrence's rows, in packed order.
#[derive(Debug, Clone, Default)]
pub struct Track {
    pub runs: Runs,
    /// The gap before each row: rows of the forget gate's tables.
    pub gap_steps: Arc<Vec<u32>>,
    pub gap_times: Arc<Vec<u32>>,
    /// The answer of each row, and its (skill set, result) code.
    pub answer: Arc<Vec<u32>>,
    pub code: Arc<Vec<u32>>,
}

/// Rows are answers, learner by learner, in order.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Vocabulary positions of the items in it, sorted; `item` counts in these.
    pub items: Vec<u32>,
    /// How far each of these items' own vectors is trusted, see [`fade`].
    pub fade: Vec<f32>,
    /// Skill sets in it; `set` counts in these.
    pub sets: Arc<Vec<Vec<u32>>>,
    pub item: Arc<Vec<u32>>,
    pub set: Arc<Vec<u32>>,
    /// 1 or 0.
    pub correct: Vec<f32>,
    /// The item's shrunken logit, by others' counts.
    pub base: Vec<f32>,
    /// [answers, FEATURES]: known before the answer.
    pub features: Vec<f32>,
    /// [answers, FEATURES + ANSWER_FEATURES]: known after it.
    pub inputs: Vec<f32>,
    /// Pairs of answer and skill: those of answer i are `pairs[i]..pairs[i + 1]`.
    pub pairs: Arc<Vec<u32>>,
    pub domain: Track,
    pub skill: Track,
    /// Whether the output layer is kept from reading the domain's state, and the skills'.
    pub hidden_states: (bool, bool),
}

/// Answers after which an item's own vector counts half.
pub const FADE_IN: f32 = 10.0;

/// attempts / (attempts + [`FADE_IN`]): an item few have answered is known by its counts and its skills.
pub fn fade(attempts: f32) -> f32 {
    attempts / (attempts + FADE_IN)
}

/// In training an item's own vector is withheld from a whole step with this chance, less the more answers speak for it: what few
/// answers taught is learned by heart, and an item that nobody has answered must be dealt with too.
const WITHHELD: f32 = 0.5;
/// Answers after which that chance is halved.
const WITHHELD_LESS: f32 = 100.0;

fn withheld(attempts: f32, chance: &mut Stream) -> bool {
    chance.unit() < WITHHELD * WITHHELD_LESS / (attempts + WITHHELD_LESS)
}

/// How much of the evidence a batch may see.
pub enum Sight<'a> {
    /// All: the batch's learners are no part of it.
    Whole,
    /// All but the batch's own answers, and each of the rest with a chance of `share`: the network gets to know thin evidence as
    /// well as rich.
    Others { share: f32, chance: &'a mut Stream },
}

/// Counts above this are scaled instead of drawn: the difference would not be seen.
const DRAWN: f32 = 64.0;

fn thinned(tally: Tally, share: f32, chance: &mut Stream) -> Tally {
    let mut draw = |count: f32| match count > DRAWN {
        true => (count * share).round(),
        false => (0..count as u32).filter(|_| chance.unit() < share).count() as f32,
    };
    let (right, wrong) = (draw(tally.right), draw(tally.attempts - tally.right));
    Tally { attempts: right + wrong, right }
}

/// What a batch's answers can know of others: views by place in the batch.
struct Views {
    items: Vec<u32>,
    fade: Vec<f32>,
    of_item: Vec<ItemView>,
    set_of_item: Vec<u32>,
    sets: Vec<Vec<u32>>,
    of_set: Vec<SetView>,
}

impl Views {
    fn new(sequences: &[&Sequence], vocabulary: &Vocabulary, skill_sets: &SkillSets, evidence: &Evidence, mut sight: Sight<'_>) -> Self {
        let mut own_items: FxHashMap<u32, Tally> = FxHashMap::default();
        for answer in sequences.iter().flat_map(|sequence| &sequence.answers) {
            own_items.entry(answer.item).or_default().note(answer.correct);
        }
        let mut items: Vec<u32> = own_items.keys().copied().collect();
        items.sort_unstable();
        let (mut own_skills, mut own_sets): (FxHashMap<u32, Tally>, FxHashMap<u32, Tally>) = Default::default();
        let (mut own, mut share) = (Tally::default(), 1.0);
        if let Sight::Others { share: seen, .. } = &sight {
            share = *seen;
            for item in &items {
                own.add(own_items[item]);
                own_sets.entry(skill_sets.of_item[*item as usize]).or_default().add(own_items[item]);
                for skill in &vocabulary.item_skills[*item as usize] {
                    own_skills.entry(*skill).or_default().add(own_items[item]);
                }
            }
        }
        let seen = |own: Option<&Tally>, all: Tally| all.less(own.copied().unwrap_or_default()).times(share);
        let all = seen(Some(&own), evidence.all);
        let mut views =
            Self { items, fade: Vec::new(), of_item: Vec::new(), set_of_item: Vec::new(), sets: Vec::new(), of_set: Vec::new() };
        let mut place_of: FxHashMap<u32, u32> = FxHashMap::default();
        for &item in &views.items {
            let set = skill_sets.of_item[item as usize];
            let place = *place_of.entry(set).or_insert_with(|| {
                let skills = &skill_sets.sets[set as usize];
                let of_skills = skills.iter().map(|skill| seen(own_skills.get(skill), evidence.skills[*skill as usize]));
                views.of_set.push(SetView::new(all, of_skills, Some(seen(own_sets.get(&set), evidence.sets[set as usize]))));
                views.sets.push(skills.clone());
                views.of_set.len() as u32 - 1
            });
            let all = evidence.items[item as usize];
            let (tally, trusted) = match &mut sight {
                Sight::Whole => (all, fade(all.attempts)),
                Sight::Others { share, chance } => {
                    let tally = thinned(all.less(own_items[&item]), *share, chance);
                    (tally, if withheld(all.attempts, chance) { 0.0 } else { fade(tally.attempts) })
                }
            };
            views.fade.push(trusted);
            views.of_item.push(views.of_set[place as usize].item(tally));
            views.set_of_item.push(place);
        }
        views
    }
}

/// The rows of one recurrence as they come, before packing.
#[derive(Default)]
struct Rows {
    runs: Vec<Vec<u32>>,
    gaps: Vec<(u32, u32)>,
    answer: Vec<u32>,
}

impl Rows {
    /// The next row of a run, for `answer`.
    fn push(&mut self, run: usize, gap: (u32, u32), answer: u32) {
        self.runs[run].push(self.answer.len() as u32);
        self.gaps.push(gap);
        self.answer.push(answer);
    }

    fn pack(self, codes: &[u32]) -> Track {
        let runs = Runs::pack(self.runs, self.answer.len());
        let pick = |of: &dyn Fn(usize) -> u32| Arc::new(runs.source.iter().map(|row| of(*row as usize)).collect::<Vec<u32>>());
        Track {
            gap_steps: pick(&|row| self.gaps[row].0),
            gap_times: pick(&|row| self.gaps[row].1),
            answer: pick(&|row| self.answer[row]),
            code: pick(&|row| codes[self.answer[row] as usize]),
            runs,
        }
    }
}

impl Batch {
    pub fn new(sequences: &[&Sequence], vocabulary: &Vocabulary, skill_sets: &SkillSets, evidence: &Evidence, sight: Sight<'_>) -> Self {
        let views = Views::new(sequences, vocabulary, skill_sets, evidence, sight);
        let place_of: FxHashMap<u32, u32> = views.items.iter().copied().zip(0..).collect();
        let mut batch = Self::default();
        let (mut items, mut sets, mut pairs) = (Vec::new(), Vec::new(), vec![0]);
        let (mut domain, mut skill) = (Rows::default(), Rows::default());
        let mut record = Record::default();
        for sequence in sequences {
            record.clear();
            domain.runs.push(Vec::with_capacity(sequence.answers.len()));
            let mut run_of: FxHashMap<u32, usize> = FxHashMap::default();
            let mut seen = sequence.views.iter().peekable();
            for (answer, number) in sequence.answers.iter().zip(0u32..) {
                while let Some(view) = seen.next_if(|view| view.before <= number) {
                    record.view(view.item, &view.skills);
                }
                let row = items.len() as u32;
                let place = place_of[&answer.item];
                let set = views.set_of_item[place as usize];
                let (view, of_set) = (&views.of_item[place as usize], &views.of_set[set as usize]);
                let skills = views.sets[set as usize].as_slice();
                let (step, time) = (record.overall.step + 1, answer.occurred_at);
                items.push(place);
                sets.push(set);
                batch.correct.push(f32::from(u8::from(answer.correct)));
                batch.base.push(view.base);
                let start = batch.features.len();
                batch.features.extend(view.features);
                batch.features.extend(of_set.features);
                batch.features.extend(learner_features(&record.overall, |skill| record.skills.get(&skill).copied(), skills, time));
                batch.features.extend(own_features(&record.item(answer.item), &record.overall, time));
                batch.inputs.extend_from_slice(&batch.features[start..]);
                batch.inputs.extend(answer_features(&answer.marks));
                domain.push(domain.runs.len() - 1, gap_buckets(&record.overall, step, time), row);
                for &of in skills {
                    let run = *run_of.entry(of).or_insert_with(|| {
                        skill.runs.push(Vec::new());
                        skill.runs.len() - 1
                    });
                    skill.push(run, gap_buckets(&record.skill(of), step, time), row);
                }
                pairs.push(skill.answer.len() as u32);
                record.note(Some(answer.item), skills, answer.correct, view.expected, time);
            }
        }
        let codes: Vec<u32> = sets.iter().zip(&batch.correct).map(|(set, correct)| 2 * set + *correct as u32).collect();
        Self {
            items: views.items,
            fade: views.fade,
            sets: Arc::new(views.sets),
            item: Arc::new(items),
            set: Arc::new(sets),
            pairs: Arc::new(pairs),
            domain: domain.pack(&codes),
            skill: skill.pack(&codes),
            ..batch
        }
    }

    pub fn answers(&self) -> usize {
        self.item.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::record::{FEATURES, OWN_FEATURES};
    use crate::learning::sample::Class;

    #[test]
    fn a_batch_sees_others_only() {
        let dataset = Class { learners: 12, answers: 20, items: 6, skills: 2 }.dataset(3);
        let (all, sets) = (dataset.counts(), dataset.vocabulary.sets());
        let tallies = |sequences: &[Sequence]| {
            let counts =
                crate::learning::dataset::Dataset { vocabulary: dataset.vocabulary.clone(), sequences: sequences.to_vec() }.counts();
            let tally = |item: &crate::domain::ItemId| counts.of(item);
            dataset.vocabulary.items.iter().map(tally).map(|(n, r)| Tally { attempts: n as f32, right: r as f32 }).collect::<Vec<_>>()
        };
        assert_eq!(all.items.len(), 6);
        let batch: Vec<&Sequence> = dataset.sequences[..4].iter().collect();
        let everyone = Evidence::new(tallies(&dataset.sequences), &sets, 2);
        let others = Evidence::new(tallies(&dataset.sequences[4..]), &sets, 2);
        let mut chance = Stream::new(1, "test", b"");
        let sight = Sight::Others { share: 1.0, chance: &mut chance };
        let one = Batch::new(&batch, &dataset.vocabulary, &sets, &everyone, sight);
        let two = Batch::new(&batch, &dataset.vocabulary, &sets, &others, Sight::Whole);
        assert_eq!((one.features.len(), one.answers()), (80 * FEATURES, 80));
        assert_eq!((one.base, one.features), (two.base, two.features));
        assert!(one.fade.iter().zip(&two.fade).all(|(one, two)| *one == 0.0 || one == two), "a vector is withheld or it is not");
    }

    #[test]
    fn thinning_keeps_about_the_share_and_never_more_right_than_answered() {
        let mut chance = Stream::new(7, "test", b"");
        let (mut kept, tally) = (0.0, Tally { attempts: 30.0, right: 12.0 });
        for _ in 0..500 {
            let thin = thinned(tally, 0.6, &mut chance);
            assert!(thin.right <= thin.attempts && thin.right <= 12.0);
            kept += thin.attempts;
        }
        assert!((kept / 500.0 - 18.0f32).abs() < 0.5);
        assert_eq!(thinned(Tally { attempts: 300.0, right: 100.0 }, 0.5, &mut chance), Tally { attempts: 150.0, right: 50.0 });
    }

    #[test]
    fn a_view_comes_before_its_answer() {
        let mut dataset = Class { learners: 9, answers: 3, items: 1, skills: 1 }.dataset(3);
        dataset.sequences[0].views.push(crate::learning::dataset::View { before: 2, item: Some(0), skills: vec![] });
        let sets = dataset.vocabulary.sets();
        let evidence = Evidence::new(vec![Tally::default()], &sets, 1);
        let batch = Batch::new(&[&dataset.sequences[0]], &dataset.vocabulary, &sets, &evidence, Sight::Whole);
        let views: Vec<f32> = batch.features.chunks_exact(FEATURES).map(|row| row[FEATURES - 1]).collect();
        assert_eq!(views, [0.0, 0.0, 2f32.ln()]);
        assert_eq!(OWN_FEATURES, 6);
    }
}
