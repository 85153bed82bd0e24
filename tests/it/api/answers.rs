//! Answers about a learner: always of the same shape.

use serde_json::json;

use crate::support::app::TestApp;

#[tokio::test]
async fn an_empty_catalogue_and_a_stranger_get_an_answer() {
    let app = TestApp::start().await;
    let reply = app.post("/v1/recommendations", json!({ "learner_id": "ada" })).await;
    assert_eq!(reply.headers["cache-control"], "private, no-store");
    let answer = reply.ok();
    assert_eq!(answer["fallback_reason"], "empty_catalogue", "{answer}");
    assert_eq!(answer["items"], json!([]));
    assert!(answer["recommendation_id"].is_string());
    let path = app.post("/v1/paths", json!({ "learner_id": "ada", "goal_id": "nowhere" })).await.ok();
    assert!(path["fallback_reason"].is_string(), "{path}");
    let predictions = app.post("/v1/predictions", json!({ "learner_id": "ada", "items": ["2+2", "unseen"] })).await.ok();
    let known: Vec<_> = predictions["predictions"].as_array().expect("a list").iter().map(|one| one["in_catalog"].clone()).collect();
    assert_eq!(known, [false, false], "{predictions}");
}

#[tokio::test]
async fn an_answer_sent_a_moment_ago_counts_in_the_next_response() {
    let app = TestApp::start().await;
    let ada = app.learner("ada");
    for n in 1..=3 {
        ada.answered("2+2", true).await;
        assert_eq!(ada.knowledge().await["attempts"], n);
    }
}

#[tokio::test]
async fn a_prediction_says_whether_the_catalogue_has_the_item() {
    let app = TestApp::start().await;
    app.put("/v1/catalog", course()).await.ok();
    let answer = app.post("/v1/predictions", json!({ "learner_id": "ada", "items": ["3+4", "3+5"] })).await.ok();
    let known: Vec<_> = answer["predictions"].as_array().expect("a list").iter().map(|one| one["in_catalog"].clone()).collect();
    assert_eq!(known, [true, false], "{answer}");
}

#[tokio::test]
async fn feedback_needs_a_known_recommendation_and_one_of_its_items() {
    let app = TestApp::start().await;
    let unknown = json!({ "recommendation_id": uuid::Uuid::now_v7(), "item_id": "2+2", "kind": "clicked" });
    assert_eq!(app.post("/v1/feedback", unknown).await.problem(404), "not_found");
    let answer = app.learner("ada").answered("2+2", true).await.recommendations(1).await;
    let strange = json!({ "recommendation_id": answer["recommendation_id"], "item_id": "never shown", "kind": "clicked" });
    assert_eq!(app.post("/v1/feedback", strange).await.problem(422), "invalid_body");
    let wrong = json!({ "recommendation_id": answer["recommendation_id"], "item_id": "2+2", "kind": "adored" });
    assert_eq!(app.post("/v1/feedback", wrong).await.problem(422), "invalid_body");
}

/// Two skills in order, three items.
fn course() -> serde_json::Value {
    json!({
        "skills": [{ "id": "add", "titles": { "en": "Adding", "fr": "Additionner" } }, { "id": "multiply" }],
        "prerequisites": [{ "skill": "multiply", "requires": "add" }],
        "items": [
            { "id": "2+2", "skills": ["add"], "titles": { "en": "Two and two" } },
            { "id": "3+4", "skills": ["add"] },
            { "id": "2x3", "skills": ["multiply"] },
        ],
    })
}

fn shown(answer: &serde_json::Value) -> Vec<&str> {
    let mut items: Vec<_> = answer["items"].as_array().into_iter().flatten().filter_map(|item| item["item_id"].as_str()).collect();
    items.sort_unstable();
    items
}

#[tokio::test]
async fn a_catalogue_comes_in_parts_and_is_used_at_once() {
    let app = TestApp::start().await;
    let report = app.put("/v1/catalog", course()).await.ok();
    assert_eq!(report["items"]["added"], 3, "{report}");
    let answer = app.learner("ada").recommendations(10).await;
    // Multiplying waits for adding.
    assert_eq!(shown(&answer), ["2+2", "3+4"], "{answer}");
    assert_eq!(answer["fallback_reason"], "no_model", "{answer}");
    app.put("/v1/catalog", json!({ "items": [{ "id": "3+4", "state": "hidden" }] })).await.ok();
    let answer = app.learner("ada").recommendations(10).await;
    assert_eq!(shown(&answer), ["2+2"], "{answer}");
    let summary = app.get("/v1/catalog").await.ok();
    assert_eq!((&summary["items"], &summary["active_items"]), (&json!(3), &json!(2)), "{summary}");
}

#[tokio::test]
async fn a_catalogue_may_come_as_csv() {
    let app = TestApp::start().await;
    let csv = "item_id,skills,title_en\n2+2,add,Two and two\n";
    let request = app.request(reqwest::Method::PUT, "/v1/catalog").bearer_auth(&app.key).header("content-type", "text/csv").body(csv);
    assert_eq!(app.send(request).await.ok()["items"]["added"], 1);
    let broken = app.put("/v1/catalog", json!({ "items": [{ "id": "2+2", "duration_minutes": -1 }] })).await;
    assert_eq!(broken.problem(422), "invalid_body");
    assert_eq!(broken.json["field"], "items[0].duration_minutes", "{}", broken.text);
}

#[tokio::test]
async fn a_path_leads_to_the_goal_through_its_prerequisites() {
    let app = TestApp::start().await;
    app.put("/v1/catalog", course()).await.ok();
    let path = app.post("/v1/paths", json!({ "learner_id": "ada", "goal_id": "multiply" })).await.ok();
    assert!(path["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{path}");
    let answer = app.learner("ada").answered("2+2", false).await.recommendations(2).await;
    let shown = json!({ "recommendation_id": answer["recommendation_id"], "item_id": answer["items"][0]["item_id"], "kind": "clicked" });
    assert_eq!(app.post("/v1/feedback", shown).await.status, 204);
}
