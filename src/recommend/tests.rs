//! Properties of every answer, over random catalogues, histories and requests; and the stories that name a behaviour.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    Catalog, Course, Event, EventKey, EventKind, Item, ItemId, ItemState, Micros, Prerequisite, Pseudonym, Skill, SkillId, Titles,
};
use crate::learning::online::Profile;
use crate::learning::{Counts, Predictor};

const NOW: Micros = Micros(1_800_000_000_000_000);

fn item_id(number: usize) -> ItemId {
    ItemId::parse(format!("item-{number:03}")).unwrap()
}

fn skill_id(number: usize) -> SkillId {
    SkillId::parse(format!("skill-{number}")).unwrap()
}

#[derive(Debug, Clone)]
struct World {
    catalog: Catalog,
    counts: Counts,
}

impl World {
    fn ground(&self) -> Ground {
        let predictor = Predictor::load(&[], Arc::new(self.catalog.clone()), Arc::new(self.counts.clone())).unwrap();
        Ground::new(predictor, Arc::default(), Some("version".into()), None)
    }
}

fn item(number: usize, skills: &[usize], course: Option<&str>, state: ItemState, language: Option<&str>) -> Item {
    Item {
        id: item_id(number),
        titles: Titles::default(),
        skills: skills.iter().map(|skill| skill_id(*skill)).collect::<BTreeSet<_>>().into_iter().collect(),
        kind: "exercise".into(),
        course: course.map(Into::into),
        module: None,
        position: number as i64,
        duration_minutes: (!number.is_multiple_of(3)).then_some(2.0 + number as f32),
        language: language.map(Into::into),
        tags: Vec::new(),
        state,
    }
}

fn catalog(items: Vec<Item>, edges: Vec<(usize, usize)>) -> Catalog {
    let skills: BTreeSet<SkillId> = items.iter().flat_map(|item| item.skills.clone()).collect();
    Catalog {
        revision: 1,
        items: items.into_iter().map(|item| (item.id.clone(), item)).collect(),
        skills: skills
            .into_iter()
            .map(|id| (id.clone(), Skill { id, titles: Titles { fr: Some("Additionner".into()), en: None } }))
            .collect(),
        courses: [("algebra".to_string(), Course { id: "algebra".into(), titles: Titles::default(), position: 0 })].into(),
        prerequisites: edges
            .into_iter()
            .map(|(skill, requires)| Prerequisite { skill: skill_id(skill), requires: skill_id(requires) })
            .collect(),
        ..Catalog::default()
    }
}

fn answer(number: usize, correct: bool, days_ago: f64, key: u64) -> Event {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&key.to_be_bytes());
    Event {
        key: EventKey(bytes),
        learner: Pseudonym([7; 16]),
        item: item_id(number),
        kind: EventKind::Attempt,
        occurred_at: Micros(NOW.0 - (days_ago * Micros::DAY as f64) as i64),
        score: Some(f32::from(u8::from(correct))),
        correct: Some(correct),
        response_ms: None,
        attempt_number: None,
        hints: None,
        skill_hints: Vec::new(),
    }
}

fn history(ground: &Ground, mut events: Vec<Event>) -> Profile {
    events.sort_by_key(|event| (event.occurred_at, event.key));
    Profile::from_events(&ground.predictor, &events)
}

fn worlds() -> impl Strategy<Value = World> {
    let state = prop_oneof![4 => Just(ItemState::Active), 1 => Just(ItemState::Hidden), 1 => Just(ItemState::Expired)];
    let language = prop_oneof![Just(None), Just(Some("fr")), Just(Some("fr-CA")), Just(Some("en"))];
    let course = prop_oneof![Just(None), Just(Some("algebra")), Just(Some("unlisted"))];
    let items = prop::collection::vec((prop::collection::vec(0usize..6, 0..3), course, state, language, 0i64..30, 0i64..30), 0..40);
    (items, prop::collection::vec((0usize..7, 0usize..7), 0..8)).prop_map(|(rows, edges)| {
        let counts = rows.iter().enumerate().map(|(number, row)| (item_id(number), (row.4 + row.5, row.5))).collect();
        let items = rows.iter().enumerate().map(|(number, row)| item(number, &row.0, row.1, row.2, row.3)).collect();
        World { catalog: catalog(items, edges), counts: Counts { items: counts } }
    })
}

fn histories() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0usize..45, any::<bool>(), 0.0f64..60.0), 0..60)
        .prop_map(|rows| rows.into_iter().zip(0..).map(|((number, correct, days), key)| answer(number, correct, days, key)).collect())
}

fn requests() -> impl Strategy<Value = RecommendationRequest> {
    let named = || prop::collection::vec((0usize..45).prop_map(item_id), 0..30);
    let goal = prop_oneof![
        3 => Just(None),
        1 => Just(Some("algebra".to_string())),
        1 => Just(Some("nowhere".to_string())),
        2 => (0usize..7).prop_map(|skill| Some(format!("skill-{skill}"))),
    ];
    let languages = prop_oneof![Just(Vec::new()), Just(vec!["fr".to_string()])];
    (goal, 1u32..60, prop::option::weighted(0.3, named()), named(), 0usize..6, languages).prop_map(
        |(goal_id, count, candidates, exclude, scenario, languages)| RecommendationRequest {
            goal_id,
            count,
            candidates,
            exclude,
            filter: ItemFilter { languages, ..ItemFilter::default() },
            scenario: Scenario::ALL[scenario],
            explain: true,
        },
    )
}

fn check_answer(world: &World, request: &RecommendationRequest, answer: &Recommendations) -> Result<(), TestCaseError> {
    prop_assert!(answer.items.len() <= request.count as usize);
    let ids: BTreeSet<&ItemId> = answer.items.iter().map(|item| &item.item_id).collect();
    prop_assert_eq!(ids.len(), answer.items.len(), "an item twice");
    for item in &answer.items {
        let entry = &world.catalog.items[&item.item_id];
        prop_assert_eq!(entry.state, ItemState::Active);
        prop_assert!(!request.exclude.contains(&item.item_id));
        prop_assert!(request.candidates.as_ref().is_none_or(|only| only.contains(&item.item_id)));
        prop_assert!(request.filter.languages.is_empty() || entry.language.as_deref().is_none_or(|language| language.starts_with("fr")));
        prop_assert!(item.p_correct > 0.0 && item.p_correct < 1.0 && item.score.is_finite());
        let sum: f32 = item.reasons.iter().map(|reason| reason.contribution).sum();
        prop_assert!((sum - item.score).abs() < 1e-4, "reasons say {sum}, the score is {}", item.score);
        for reason in &item.reasons {
            prop_assert!((reason.weight * reason.value - reason.contribution).abs() < 1e-6);
            prop_assert!(reason.text.fr.as_ref().is_some_and(|text| !text.is_empty()));
            prop_assert!(reason.text.en.as_ref().is_some_and(|text| !text.is_empty()));
        }
    }
    prop_assert_eq!(answer.items.is_empty() && answer.fallback_reason.is_none(), false, "nothing, and no reason");
    Ok(())
}

/// Recomputes each term from the figures its reason states.
fn check_figures(policy: &Policy, reason: &Reason) -> Result<(), TestCaseError> {
    let number = |name: &str| reason.numbers[name];
    let value = match reason.code {
        ReasonCode::ExpectedGain => {
            let p = number("p_correct");
            p * number("after_right") + (1.0 - p) * number("after_wrong") - number("mastery")
        }
        ReasonCode::DesirableDifficulty => policy.difficulty(number("p_correct")),
        ReasonCode::ReviewDue => number("mastery") * (1.0 - number("retained")),
        ReasonCode::Novelty => reason.numbers.get("days_since_seen").map_or(1.0, |days| 1.0 - 0.5f32.powf(days / policy.novelty_days)),
        ReasonCode::Information => score::openness(number("p_correct")) / (1.0 + number("attempts")).sqrt(),
        ReasonCode::Goal => score::goal_value(number("steps_from_goal") as u8),
        ReasonCode::Diversity => -number("alike") / number("placed"),
        ReasonCode::CourseOrder => number("course_share") * score::order_value(number("steps_ahead") as i32),
        ReasonCode::Popularity => ground::popularity_value(number("attempts"), number("most_attempts")),
    };
    prop_assert!((value - reason.value).abs() < 1e-5, "{:?}: the figures give {value}, the term is {}", reason.code, reason.value);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_recommendation_keeps_to_the_request_and_its_reasons_add_up(world in worlds(), events in histories(), request in requests()) {
        let ground = world.ground();
        let profile = history(&ground, events);
        let answer = recommend(&ground, Who::Learner(&profile), &request, NOW, Uuid::nil());
        check_answer(&world, &request, &answer)?;
        for reason in answer.items.iter().flat_map(|item| &item.reasons) {
            check_figures(&ground.policy, reason)?;
        }
        prop_assert_eq!(&answer, &recommend(&ground, Who::Learner(&profile), &request, NOW, Uuid::nil()), "the same question, another answer");
        prop_assert_eq!(answer.personalised, profile.events > 0);
    }

    #[test]
    fn the_twin_has_the_same_shape_and_says_why(world in worlds(), request in requests()) {
        let ground = world.ground();
        let answer = recommend(&ground, Who::Anyone(FallbackReason::OptedOut), &request, NOW, Uuid::nil());
        check_answer(&world, &request, &answer)?;
        prop_assert!(!answer.personalised && answer.fallback_reason == Some(FallbackReason::OptedOut) && answer.model_version.is_none());
        let any = world.catalog.items.values().any(|item| item.state == ItemState::Active);
        let open = request.goal_id.is_none() && request.candidates.is_none() && request.exclude.is_empty() && request.filter.languages.is_empty();
        prop_assert!(!(any && open && answer.items.is_empty()), "the twin must be useful");
    }

    #[test]
    fn a_path_never_repeats_and_stays_within_its_budget(
        world in worlds(), events in histories(), skills in prop::collection::vec(0usize..7, 1..4), count in 1u32..30,
        minutes in prop::option::of(1.0f32..120.0), exclude in prop::collection::vec((0usize..40).prop_map(item_id), 0..20),
    ) {
        let ground = world.ground();
        let profile = history(&ground, events);
        let goal_skills = skills.into_iter().map(skill_id).collect();
        let request = PathRequest { goal_skills, count, minutes, exclude, ..PathRequest::default() };
        let answer = path(&ground, Who::Learner(&profile), &request, NOW, Uuid::nil());
        let ids: BTreeSet<&ItemId> = answer.steps.iter().map(|step| &step.item_id).collect();
        prop_assert_eq!(ids.len(), answer.steps.len(), "an item twice");
        prop_assert!(answer.steps.len() <= count as usize);
        prop_assert!((answer.steps.iter().map(|step| step.minutes).sum::<f32>() - answer.minutes).abs() < 1e-3);
        prop_assert!(minutes.is_none_or(|budget| answer.minutes <= budget + 1e-3));
        for step in &answer.steps {
            prop_assert_eq!(world.catalog.items[&step.item_id].state, ItemState::Active);
            prop_assert!(!request.exclude.contains(&step.item_id));
            prop_assert!(step.skills.contains(&step.target_skill));
            prop_assert!(step.goal_spread >= 0.0 && step.expected_mastery > 0.0 && step.expected_mastery < 1.0);
        }
        prop_assert!(!answer.steps.is_empty() || answer.complete || answer.fallback_reason.is_some());
        prop_assert_eq!(&answer, &path(&ground, Who::Learner(&profile), &request, NOW, Uuid::nil()));
    }

    #[test]
    fn a_profile_does_not_depend_on_how_often_it_was_advanced(world in worlds(), mut events in histories(), cut in 0usize..60) {
        let ground = world.ground();
        events.sort_by_key(|event| (event.occurred_at, event.key));
        let (first, _) = events.split_at(cut.min(events.len()));
        // The live counts hold what was sent so far, the learner's own answers among it.
        let live = |events: &[Event]| {
            let mut counts = world.counts.clone();
            for event in events.iter().filter(|event| event.is_answer()) {
                let sum = counts.items.entry(event.item.clone()).or_default();
                *sum = (sum.0 + 1, sum.1 + i64::from(event.correct == Some(true)));
            }
            ground.predictor.with_counts(Arc::new(counts))
        };
        let (then, now) = (live(first), live(&events));
        let mut profile = Profile::from_events(&then, first);
        profile.take_from(&now, &events, first.len());
        let whole = Profile::from_events(&now, &events);
        prop_assert_eq!((&profile.items, &profile.skills, profile.attempts), (&whole.items, &whole.skills, whole.attempts));
        let p = |profile: &Profile| now.predict_all(&profile.state, NOW);
        prop_assert_eq!(p(&profile), p(&whole));
    }
}

fn small_world() -> World {
    // Three skills, each requiring the one before, four items each; the fourth skill has no items.
    let items = (0..12).map(|number| item(number, &[number / 4], Some("algebra"), ItemState::Active, None)).collect();
    World { catalog: catalog(items, vec![(1, 0), (2, 1)]), counts: Counts::default() }
}

fn ask(scenario: Scenario) -> RecommendationRequest {
    RecommendationRequest { scenario, ..RecommendationRequest::default() }
}

#[test]
fn an_empty_catalogue_is_answered() {
    let ground = World { catalog: Catalog::default(), counts: Counts::default() }.ground();
    let profile = Profile::new(&ground.predictor);
    for who in [Who::Learner(&profile), Who::Anyone(FallbackReason::OptedOut)] {
        let answer = recommend(&ground, who, &RecommendationRequest::default(), NOW, Uuid::nil());
        assert!(answer.items.is_empty() && !answer.complete && answer.fallback_reason.is_some());
        assert!(
            path(&ground, who, &PathRequest { goal_id: Some("x".into()), ..PathRequest::default() }, NOW, Uuid::nil()).steps.is_empty()
        );
        assert!(knowledge(&ground, who, &KnowledgeRequest::default(), NOW).skills.is_empty());
        let request = PredictionRequest { items: vec![item_id(1)] };
        assert_eq!(predictions(&ground, who, &request, NOW).predictions.len(), 1);
    }
    let answer = recommend(&ground, Who::Learner(&profile), &RecommendationRequest::default(), NOW, Uuid::nil());
    assert_eq!(answer.fallback_reason, Some(FallbackReason::EmptyCatalogue));
}

#[test]
fn an_unknown_goal_is_said_and_ignored() {
    let ground = small_world().ground();
    let profile = Profile::new(&ground.predictor);
    let request = RecommendationRequest { goal_id: Some("nowhere".into()), ..RecommendationRequest::default() };
    let answer = recommend(&ground, Who::Learner(&profile), &request, NOW, Uuid::nil());
    assert_eq!((answer.fallback_reason, answer.items.is_empty()), (Some(FallbackReason::UnknownGoal), false));
}

#[test]
fn a_new_learner_begins_at_the_beginning() {
    let ground = small_world().ground();
    let profile = Profile::new(&ground.predictor);
    for scenario in [Scenario::Learn, Scenario::Next] {
        let answer = recommend(&ground, Who::Learner(&profile), &ask(scenario), NOW, Uuid::nil());
        assert_eq!((answer.fallback_reason, answer.personalised), (Some(FallbackReason::NewLearner), false));
        assert_eq!(answer.items[0].item_id, item_id(0), "{scenario:?}");
        assert!(answer.items.iter().all(|item| item.skills == [skill_id(0)]), "prerequisites are not met yet: {scenario:?}");
    }
}

#[test]
fn what_was_just_answered_right_is_not_asked_again_and_the_next_item_is() {
    let ground = small_world().ground();
    let profile = history(&ground, vec![answer(0, true, 0.01, 1)]);
    let answer = recommend(&ground, Who::Learner(&profile), &ask(Scenario::Next), NOW, Uuid::nil());
    assert_eq!(answer.items[0].item_id, item_id(1));
    assert!(answer.items.iter().all(|item| item.item_id != item_id(0)));
    assert!(answer.personalised && answer.fallback_reason.is_none());
}

#[test]
fn a_review_is_of_what_was_practised_long_ago() {
    let ground = small_world().ground();
    let events =
        (0..4).map(|number| answer(number, true, 40.0, number as u64)).chain((4..8).map(|number| answer(number, true, 0.1, number as u64)));
    let profile = history(&ground, events.collect());
    let answer = recommend(&ground, Who::Learner(&profile), &ask(Scenario::Review), NOW, Uuid::nil());
    assert_eq!(answer.items[0].skills, [skill_id(0)]);
    let reason = answer.items[0].reasons.iter().find(|reason| reason.code == ReasonCode::ReviewDue).unwrap();
    assert_eq!((reason.numbers["attempts"], reason.numbers["correct"], reason.numbers["days"].round()), (4.0, 4.0, 40.0));
    assert!(reason.text.fr.as_ref().unwrap().contains("« Additionner » pratiqué il y a 40 jours, 4 réussites sur 4"));
}

#[test]
fn a_learner_at_the_end_of_everything_is_told_so() {
    let ground = small_world().ground();
    let events = (0..600).map(|round| answer(round % 12, true, 30.0 - round as f64 / 100.0, round as u64)).collect();
    let profile = history(&ground, events);
    let answer = recommend(&ground, Who::Learner(&profile), &ask(Scenario::Learn), NOW, Uuid::nil());
    assert!(answer.complete && answer.items.is_empty());
    assert_eq!(answer.fallback_reason, Some(FallbackReason::NoEligibleItems));
    let request = PathRequest { goal_id: Some("skill-2".into()), ..PathRequest::default() };
    let path = path(&ground, Who::Learner(&profile), &request, NOW, Uuid::nil());
    assert!(path.complete && path.steps.is_empty() && path.goal[0].mastered);
    assert!(!recommend(&ground, Who::Learner(&profile), &ask(Scenario::Review), NOW, Uuid::nil()).items.is_empty());
}

#[test]
fn a_path_takes_prerequisites_first() {
    let ground = small_world().ground();
    let profile = Profile::new(&ground.predictor);
    let request = PathRequest { goal_id: Some("skill-2".into()), count: 12, ..PathRequest::default() };
    let answer = path(&ground, Who::Learner(&profile), &request, NOW, Uuid::nil());
    let first = |skill| answer.steps.iter().position(|step| step.target_skill == skill_id(skill)).unwrap();
    assert!(first(0) < first(1) && first(1) < first(2), "{:?}", answer.steps);
    assert_eq!(answer.goal.len(), 1);
}

#[test]
fn a_path_over_a_circle_of_prerequisites_says_what_it_left_out() {
    let mut world = small_world();
    world.catalog.prerequisites.push(Prerequisite { skill: skill_id(0), requires: skill_id(2) });
    let ground = world.ground();
    let profile = Profile::new(&ground.predictor);
    let request = PathRequest { goal_id: Some("algebra".into()), ..PathRequest::default() };
    let answer = path(&ground, Who::Learner(&profile), &request, NOW, Uuid::nil());
    assert_eq!(answer.ignored_prerequisites.len(), 1);
    assert!(!answer.steps.is_empty());
}

#[test]
fn knowledge_comes_with_its_evidence_and_the_average_has_none() {
    let ground = small_world().ground();
    let profile = history(&ground, vec![answer(0, true, 1.0, 1), answer(1, false, 0.9, 2), answer(4, false, 0.8, 3)]);
    let request = KnowledgeRequest { goal_id: None, skills: Some(vec![skill_id(0), skill_id(2)]) };
    let known = knowledge(&ground, Who::Learner(&profile), &request, NOW);
    assert_eq!(known.skills.iter().map(|skill| (skill.attempts, skill.correct)).collect::<Vec<_>>(), [(2, 1), (0, 0)]);
    assert_eq!((known.attempts, known.correct, known.personalised), (3, 1, true));
    let average = knowledge(&ground, Who::Anyone(FallbackReason::OptedOut), &request, NOW);
    assert!(average.attempts == 0 && average.skills.iter().all(|skill| skill.attempts == 0) && !average.personalised);
}

#[test]
fn an_assessment_spreads_over_skills() {
    let ground = small_world().ground();
    let profile = Profile::new(&ground.predictor);
    let request = RecommendationRequest { count: 3, ..ask(Scenario::Assess) };
    let mut world = small_world();
    world.catalog.prerequisites.clear();
    let free = world.ground();
    let answer = recommend(&free, Who::Learner(&profile), &request, NOW, Uuid::nil());
    let skills: BTreeSet<_> = answer.items.iter().flat_map(|item| item.skills.clone()).collect();
    assert_eq!(skills.len(), 3);
    assert!(!recommend(&ground, Who::Learner(&profile), &request, NOW, Uuid::nil()).items.is_empty());
}
