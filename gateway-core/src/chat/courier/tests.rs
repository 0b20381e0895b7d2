//! The courier over sessions with a gateway in memory, on a paused clock.

use super::*;
use crate::chat::DeliveryState;
use crate::client::fake_gateway::{FakeGateway, session};
use serde_json::json;
use std::time::Duration;

fn message(key: &str) -> (RunId, SessionKey, String) {
    (
        RunId::from(key),
        SessionKey::from("main"),
        format!("text of {key}"),
    )
}

async fn send(courier: &Courier, key: &str) {
    let (key, session_key, text) = message(key);
    courier.send(key, session_key, text).await.unwrap();
}

async fn state_of(news: &mut CourierNews, key: &str, wanted: &DeliveryState) {
    loop {
        let delivery = news.recv().await.unwrap();
        if delivery.key.as_str() == key && delivery.state == *wanted {
            return;
        }
    }
}

async fn connected(courier: &Courier) -> FakeGateway {
    let (live, gateway) = session().await;
    courier.session_up(live.session, 4).await;
    gateway
}

#[tokio::test(start_paused = true)]
async fn a_message_written_offline_goes_out_with_the_next_session() {
    let (courier, mut news) = Courier::start();
    send(&courier, "a").await;

    let mut gateway = connected(&courier).await;
    let request = gateway.request().await;
    gateway
        .answer(&request, json!({"runId": "a", "status": "started"}))
        .await;

    assert_eq!(request.method, "chat.send");
    let params = request.params.unwrap();
    assert_eq!(
        params,
        json!({"sessionKey": "main", "message": "text of a", "idempotencyKey": "a"})
    );
    state_of(&mut news, "a", &DeliveryState::Delivered).await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_between_send_and_answer_is_settled_by_the_history() {
    let (courier, mut news) = Courier::start();
    send(&courier, "a").await;
    send(&courier, "b").await;
    let mut gateway = connected(&courier).await;
    gateway.request().await;
    drop(gateway);

    let mut gateway = connected(&courier).await;
    let look = gateway.request().await;
    assert_eq!(look.method, "chat.history");
    gateway
        .answer(
            &look,
            json!({"sessionKey": "main", "messages": [
            {"role": "user", "content": "text of a", "idempotencyKey": "a:user"}]}),
        )
        .await;
    let next = gateway.request().await;

    assert_eq!(next.params.unwrap()["idempotencyKey"], "b");
    state_of(&mut news, "a", &DeliveryState::Delivered).await;
}

#[tokio::test(start_paused = true)]
async fn a_busy_gateway_is_asked_again_after_the_wait_it_asks_for() {
    let (courier, _news) = Courier::start();
    let mut gateway = connected(&courier).await;
    send(&courier, "a").await;
    let request = gateway.request().await;
    let refused_at = Instant::now();
    gateway
        .refuse(
            &request,
            json!({"code": "UNAVAILABLE", "message": "busy", "retryable": true,
            "retryAfterMs": 700}),
        )
        .await;

    let again = gateway.request().await;

    assert_eq!(again.params, request.params);
    assert_eq!(refused_at.elapsed(), Duration::from_millis(700));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_is_given_back() {
    let (courier, mut news) = Courier::start();
    let mut gateway = connected(&courier).await;
    send(&courier, "a").await;
    let request = gateway.request().await;
    gateway
        .refuse(&request, json!({"code": "FORBIDDEN", "message": "no"}))
        .await;

    loop {
        let delivery = news.recv().await.unwrap();
        if let DeliveryState::Failed { refusal, message } = delivery.state {
            assert_eq!(message, "no");
            assert_eq!(refusal.unwrap().code, ErrorCode::Forbidden);
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_does_not_answer_is_looked_at_before_the_message_goes_again() {
    let (courier, _news) = Courier::start();
    let mut gateway = connected(&courier).await;
    send(&courier, "a").await;
    gateway.request().await;
    gateway.tell("tick", json!({"ts": 1})).await;

    let look = gateway.request().await;

    assert_eq!(look.method, "chat.history");
}

#[tokio::test(start_paused = true)]
async fn an_abort_confirms_the_run_it_stopped() {
    let (courier, _news) = Courier::start();
    let mut gateway = connected(&courier).await;
    send(&courier, "a").await;
    let request = gateway.request().await;
    gateway
        .answer(&request, json!({"runId": "a", "status": "started"}))
        .await;
    let aborting = {
        let courier = courier.clone();
        tokio::spawn(async move {
            courier
                .abort(SessionKey::from("main"), Some(RunId::from("a")))
                .await
        })
    };
    let request = gateway.request().await;
    gateway
        .answer(
            &request,
            json!({"ok": true, "aborted": true, "runIds": ["a"]}),
        )
        .await;
    assert!(aborting.await.unwrap().unwrap().aborted);
    drop(gateway);

    // Nothing is left to settle, so the next session begins with the next message.
    let mut gateway = connected(&courier).await;
    send(&courier, "b").await;
    assert_eq!(
        gateway.request().await.params.unwrap()["idempotencyKey"],
        "b"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_nothing_can_be_stopped() {
    let (courier, _news) = Courier::start();

    let error = courier
        .abort(SessionKey::from("main"), None)
        .await
        .unwrap_err();

    assert_eq!(error, AbortError::NotConnected);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_courier_lets_the_session_go() {
    let (courier, _news) = Courier::start();
    let mut gateway = connected(&courier).await;

    drop(courier);

    assert!(!matches!(gateway.message_or_end().await, Some(message) if message.is_text()));
}
