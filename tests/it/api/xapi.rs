//! `/xapi`: statements as LMSs send them, good and bad, and what becomes of them.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Reply, TestApp};

const VERSION: &str = "x-experience-api-version";
const ANSWERED: &str = "http://adlnet.gov/expapi/verbs/answered";
const ID: &str = "6690e6c9-3ef0-4ed3-8b37-7f3964730bee";

async fn post(app: &TestApp, body: &Value) -> Reply {
    let request = app.request(Method::POST, "/xapi/statements").basic_auth("lms", Some(&app.key)).header(VERSION, "1.0.3");
    app.send(request.json(body)).await
}

fn statement(id: &str, learner: &str, correct: bool) -> Value {
    json!({
        "id": id,
        "actor": {"name": "Ada Lovelace", "account": {"homePage": "http://lms.example", "name": learner}},
        "verb": {"id": ANSWERED},
        "object": {"id": "http://lms.example/q/1", "definition": {"name": {"en": "Ada's own question"}}},
        "result": {"success": correct, "response": "a secret answer"},
        "context": {"instructor": {"mbox": "mailto:teacher@lms.example"}},
        "timestamp": "2026-03-01T09:30:00+01:00"
    })
}

async fn attempts(app: &TestApp, learner: &str) -> i64 {
    app.learner(learner).knowledge().await["attempts"].as_i64().expect("a number")
}

#[tokio::test]
async fn an_answer_counts_once_however_often_it_is_sent() {
    let app = TestApp::start().await;
    let one = json!([statement(ID, "42", true)]);
    assert_eq!(post(&app, &one).await.ok(), json!([ID]));
    assert_eq!(post(&app, &one).await.ok(), json!([ID]));
    assert_eq!(attempts(&app, "42").await, 1);

    let other = post(&app, &json!([statement(ID, "42", false), statement("6690e6c9-3ef0-4ed3-8b37-7f3964730bef", "42", true)])).await;
    assert_eq!((other.problem(409), &other.json["ids"]), ("conflict", &json!([ID])));
    assert_eq!(attempts(&app, "42").await, 2, "the other statement was taken");
}

#[tokio::test]
async fn one_bad_statement_and_none_is_taken() {
    let app = TestApp::start().await;
    let mut bad = statement("6690e6c9-3ef0-4ed3-8b37-7f3964730bef", "42", true);
    bad["result"]["score"] = json!({"scaled": 7});
    let reply = post(&app, &json!([statement(ID, "42", true), bad])).await;
    assert_eq!(reply.problem(400), "invalid_statement");
    assert_eq!((&reply.json["index"], &reply.json["place"]), (&json!(1), &json!("statement.result.score.scaled")));
    assert_eq!(attempts(&app, "42").await, 0);
    for body in ["17", "{", "[null]"] {
        let request = app.request(Method::POST, "/xapi/statements").bearer_auth(&app.key).header(VERSION, "2.0.0");
        let reply = app.send(request.header("content-type", "application/json").body(body)).await;
        assert_eq!(reply.problem(400), "invalid_statement");
        assert_eq!(reply.headers[VERSION], "2.0.0");
    }
}

#[tokio::test]
async fn the_standard_s_manners_are_kept() {
    let app = TestApp::start().await;
    let about = app.send(app.request(Method::GET, "/xapi/about")).await;
    assert_eq!(about.headers[VERSION], "1.0.3");
    assert_eq!(about.ok()["version"], json!(["1.0.3", "2.0.0"]));

    let without_version = app.post("/xapi/statements", json!([statement(ID, "42", true)])).await;
    assert_eq!(without_version.problem(400), "invalid_parameter");
    let without_key = app.send(app.request(Method::POST, "/xapi/statements").header(VERSION, "1.0.3").json(&json!([]))).await;
    assert_eq!(without_key.problem(401), "unauthenticated");

    let put = async |id: &str, body: Value| {
        let request = app.request(Method::PUT, &format!("/xapi/statements?statementId={id}")).bearer_auth(&app.key);
        app.send(request.header(VERSION, "1.0.3").json(&body)).await
    };
    let mut nameless = statement(ID, "42", true);
    nameless.as_object_mut().unwrap().remove("id");
    assert_eq!(put(ID, nameless).await.status, 204);
    assert_eq!(put(ID, statement(ID, "42", true)).await.status, 204);
    assert_eq!(put("6690e6c9-3ef0-4ed3-8b37-7f3964730bef", statement(ID, "42", true)).await.problem(400), "invalid_statement");
    assert_eq!(attempts(&app, "42").await, 1);

    assert_eq!(app.get("/xapi/statements").await.problem(501), "not_implemented");
    assert_eq!(app.get("/xapi/activities/state").await.problem(501), "not_implemented");
    let multipart = app.request(Method::POST, "/xapi/statements").bearer_auth(&app.key).header(VERSION, "1.0.3");
    let multipart = app.send(multipart.header("content-type", "multipart/mixed; boundary=x").body("--x--")).await;
    assert_eq!(multipart.problem(400), "invalid_statement");
}

/// However submissions are replayed, reordered, doubled and cut into requests, the learner stands where the clean sequence leaves them.
#[tokio::test]
async fn the_order_and_number_of_deliveries_leave_no_trace() {
    use rand::seq::SliceRandom;
    use rand::{RngExt, SeedableRng};
    let submission = |n: usize| {
        let mut one = statement(&format!("6690e6c9-3ef0-4ed3-8b37-7f39647300{n:02}"), "42", !n.is_multiple_of(3));
        one["object"]["id"] = json!(format!("http://lms.example/q/{}", n % 5));
        one["timestamp"] = json!(format!("2026-03-01T09:{n:02}:00Z"));
        one
    };
    let all: Vec<Value> = (0..16).map(submission).collect();
    let questions: Vec<String> = (0..6).map(|n| format!("http://lms.example/q/{n}")).collect();
    let standing = async |app: &TestApp| {
        let predictions = app.post("/v1/predictions", json!({ "learner_id": "42", "items": questions })).await.ok();
        (app.learner("42").knowledge().await, predictions["predictions"].clone())
    };
    let clean = TestApp::start().await;
    for one in &all {
        post(&clean, &json!([one])).await.ok();
    }
    let expected = standing(&clean).await;
    assert_eq!(expected.0["attempts"], 16);
    for seed in 0..6 {
        let mut chance = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut deliveries = all.clone();
        deliveries.extend((0..10).map(|_| all[chance.random_range(0..all.len())].clone()));
        deliveries.shuffle(&mut chance);
        let app = TestApp::start().await;
        let mut rest = deliveries.as_slice();
        while !rest.is_empty() {
            let (request, later) = rest.split_at(chance.random_range(1..=rest.len().min(5)));
            rest = later;
            // One request may not hold an id twice; the standard refuses that.
            let mut once: Vec<&Value> = Vec::new();
            request.iter().for_each(|one| {
                if !once.iter().any(|other| other["id"] == one["id"]) {
                    once.push(one)
                }
            });
            post(&app, &json!(once)).await.ok();
            if chance.random_bool(0.3) {
                standing(&app).await; // what is read in between must not stick either
            }
        }
        assert_eq!(standing(&app).await, expected, "seed {seed}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn names_addresses_and_answers_stay_at_the_door() {
    let app = TestApp::start().await;
    let mut by_mail = statement("6690e6c9-3ef0-4ed3-8b37-7f3964730bef", "x", true);
    by_mail["actor"] = json!({"name": "Grace Hopper", "mbox": "mailto:grace@lms.example"});
    let mut team = statement("6690e6c9-3ef0-4ed3-8b37-7f3964730be0", "x", true);
    team["actor"] = json!({"objectType": "Group", "name": "Grace's team", "mbox": "mailto:team@lms.example"});
    let mut unknown = statement("6690e6c9-3ef0-4ed3-8b37-7f3964730be1", "learner-canary-9000", true);
    unknown["verb"]["id"] = json!("http://lms.example/verbs/danced");
    post(&app, &json!([statement(ID, "learner-canary-9000", true), by_mail, team, unknown])).await.ok();
    assert_eq!(attempts(&app, "learner-canary-9000").await, 1);
    let reasons = quarantined(&app).await;
    assert_eq!(reasons, ["no_learner", "unmapped_verb"]);

    let canaries = ["Lovelace", "Hopper", "grace@", "team@", "teacher@", "secret answer", "learner-canary-9000", "own question"];
    let on_disk = files(app.folder.path());
    assert!(!on_disk.is_empty());
    for file in on_disk {
        let bytes = std::fs::read(&file).unwrap();
        for canary in canaries {
            assert!(!bytes.windows(canary.len()).any(|window| window == canary.as_bytes()), "{canary} in {}", file.display());
        }
    }
}

async fn quarantined(app: &TestApp) -> Vec<String> {
    let listed = app.get("/v1/quarantine").await.ok();
    let list = listed.as_array().or_else(|| listed.as_object()?.values().find_map(Value::as_array)).expect("a list");
    let mut reasons: Vec<String> = list.iter().map(|event| event["reason"].as_str().expect("a reason").to_string()).collect();
    reasons.sort();
    reasons
}

/// A fixture; `None`, said aloud, when it is not there.
fn fixture(name: &str) -> Option<Value> {
    fixture_of("xapi", name)
}

fn fixture_of(standard: &str, name: &str) -> Option<Value> {
    let base =
        std::env::var_os("PARCOURS_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(base.join("fixtures").join(standard).join(name)) else {
        println!("skipped: {name} is not at hand");
        return None;
    };
    Some(serde_json::from_str(&text).expect("a fixture is JSON"))
}

/// The fixtures of Caliper, in envelopes where they have none: what each adds to the learner's attempts, and to the quarantine.
const CALIPER: [(&str, i64, &[&str]); 15] = [
    ("ims__caliperEnvelopeEventSingle", 0, &[]),
    ("ims__caliperEnvelopeEventBatch", 0, &[]),
    ("ims__caliperEnvelopeMixedBatch", 1, &[]),
    ("ims__caliperEnvelopeEventThinned", 0, &[]),
    ("ims__caliperEventAssessmentItemStarted", 0, &[]),
    ("ims__caliperEventAssessmentItemCompleted", 0, &[]),
    ("ims__caliperEventAssessmentSubmitted", 0, &[]),
    ("ims__caliperEventGradeGradedItem", 1, &[]),
    ("ims__caliperEventToolUseUsedWithProgress", 0, &[]),
    ("ims__caliperEventMediaPausedVideo", 0, &[]),
    ("ims__caliperEventViewViewed", 0, &[]),
    ("ims-invalid__caliperEvent-NoActor", 0, &["missing_field"]),
    ("ims-invalid__caliperEvent-NullId", 0, &["bad_id"]),
    ("ims-invalid__caliperEvent-UnknownAction", 0, &["unmapped_verb"]),
    ("ims-invalid__caliperEventGrade-WrongAction", 0, &["unmapped_verb"]),
];

fn enveloped(event: Value) -> Value {
    if event.get("data").is_some() {
        return event;
    }
    let data = if event.is_array() { event } else { json!([event]) };
    json!({"sensor": "https://lms.example/sensor", "sendTime": "2026-03-01T10:00:00Z",
        "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p2", "data": data})
}

#[tokio::test]
async fn caliper_envelopes_are_understood() {
    for (name, expected, reasons) in CALIPER {
        let Some(event) = fixture_of("caliper", &format!("{name}.json")) else { return };
        let app = TestApp::start().await;
        app.post("/caliper", enveloped(event)).await.ok();
        assert_eq!(attempts(&app, "554433").await, expected, "{name}");
        assert_eq!(quarantined(&app).await, reasons, "{name}");
    }
    let learner = "32e08e30-f8ae-4ce2-94a8-c2bfe38a70cb";
    let app = TestApp::start().await;
    for name in ["problem_check-server", "edx.grades.problem.submitted", "edx.problem.hint.demandhint_displayed", "complete_video"] {
        let event = fixture_of("caliper", &format!("openedx__{name}.json")).expect("its neighbours are there");
        app.post("/caliper", enveloped(event)).await.ok();
    }
    assert_eq!(attempts(&app, learner).await, 1, "graded and submitted are one");
    assert_eq!(quarantined(&app).await, [""; 0]);
    for file in files(app.folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(learner.len()).any(|window| window == learner.as_bytes()), "{}", file.display());
    }
    assert_eq!(app.post("/caliper", json!([1])).await.problem(400), "invalid_envelope");
}

/// Moodle's user 1, and its fixtures' answers: what each file adds to the learner's attempts, and to the quarantine.
const MOODLE: [(&str, i64, &[&str]); 15] = [
    ("mod_quiz__attempt_submitted__truefalse", 1, &[]),
    ("mod_quiz__attempt_submitted__multichoice", 1, &[]),
    ("mod_quiz__attempt_submitted__multichoiceset_withchoices", 1, &[]),
    ("mod_quiz__attempt_submitted__essay_null_response", 0, &["missing_result"]),
    ("mod_quiz__attempt_started__existing_attempt_started", 0, &[]),
    ("mod_quiz__question_manually_graded", 0, &[]),
    ("core__course_module_completion_update__completing_existing_module", 0, &[]),
    ("core__course_completed__completing_existing_course", 0, &[]),
    ("core__user_enrolment_created__existing_user_enrolled", 0, &[]),
    ("core__course_viewed__viewing_existing_course", 0, &[]),
    ("mod_lesson__question_answered__choice", 1, &[]),
    ("mod_assign__assignment_graded__existing_assignment_graded_comment", 0, &[]),
    ("mod_scorm__scoreraw_submitted__existing_scoreraw_submitted", 0, &[]),
    ("mod_book__chapter_viewed__existing_chapter_viewed_with_parent", 0, &[]),
    ("core__user_loggedin__existing_user_loggedin", 0, &[]),
];

#[tokio::test]
async fn moodle_s_statements_are_understood() {
    for (name, expected, reasons) in MOODLE {
        let Some(statements) = fixture(&format!("moodle__{name}.json")) else { return };
        let app = TestApp::start().await;
        post(&app, &statements).await.ok();
        assert_eq!(attempts(&app, "1").await, expected, "{name}");
        assert_eq!(quarantined(&app).await, reasons, "{name}");
        // Graded by a teacher: the attempt is the learner's whose work it was.
        let graded = name.contains("graded");
        assert_eq!(attempts(&app, "2").await, i64::from(graded), "{name}");
    }
}

#[tokio::test]
async fn an_open_edx_submission_counts_once_in_its_three_shapes() {
    let learner = "32e08e30-f8ae-4ce2-94a8-c2bfe38a70cb";
    let app = TestApp::start().await;
    for name in ["problem_check-browser", "problem_check-server", "edx.grades.problem.submitted"] {
        let Some(statements) = fixture(&format!("openedx__{name}.json")) else { return };
        post(&app, &statements).await.ok();
    }
    assert_eq!(attempts(&app, learner).await, 1);
    let several = fixture("openedx__problem_check-server-multiple_questions-partial_correct.json").expect("its neighbours are there");
    post(&app, &several).await.ok();
    assert_eq!(attempts(&app, learner).await, 4, "three questions, not their sum");
    for name in [
        "problem_check-server-string_anwers",
        "problem_check-server-.max_grade_0",
        "edx.problem.hint.demandhint_displayed",
        "showanswer",
        "edx.completion.block_completion.changed",
        "edx.course.enrollment.activated",
        "edx.course.grade.now_passed",
        "complete_video",
        "edx.ui.lms.sequence.next_selected",
        "edx.ui.lms.link_clicked-anonymous_user",
    ] {
        let statements = fixture(&format!("openedx__{name}.json")).expect("its neighbours are there");
        post(&app, &statements).await.ok();
    }
    assert_eq!(quarantined(&app).await, [""; 0]);
    let sample = fixture("ralph__sample-statements.json").expect("its neighbours are there");
    post(&app, &sample).await.ok();
    assert_eq!(quarantined(&app).await, [""; 0]);
}
