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
    assert_eq!(predictions["predictions"].as_array().map(Vec::len), Some(2), "{predictions}");
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
