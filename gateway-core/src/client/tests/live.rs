//! A session after hello.

use crate::client::fake_gateway::{FakeGateway, session};
use crate::client::{CallError, CloseReason, Session, SessionEvent};
use crate::protocol::event::Event;
use crate::protocol::method::agent::{Agent, AgentParams};
use crate::protocol::method::health::{Health, HealthParams};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

const LIMIT: Duration = Duration::from_secs(10);

fn ask(
    session: &Session,
    method: &'static str,
) -> tokio::task::JoinHandle<Result<serde_json::Value, CallError>> {
    let session = session.clone();
    tokio::spawn(async move { session.call_raw(method, json!({}), LIMIT).await })
}

#[tokio::test(start_paused = true)]
async fn answers_reach_whoever_asked_in_any_order() {
    let (live, mut gateway) = session().await;
    let first = ask(&live.session, "first");
    let one = gateway.request().await;
    let second = ask(&live.session, "second");
    let two = gateway.request().await;

    gateway.answer(&two, json!("two")).await;
    gateway.answer(&one, json!("one")).await;

    assert_eq!(second.await.unwrap().unwrap(), json!("two"));
    assert_eq!(first.await.unwrap().unwrap(), json!("one"));
}

#[tokio::test(start_paused = true)]
async fn a_typed_call_returns_its_payload() {
    let (live, mut gateway) = session().await;
    let calling = tokio::spawn(async move {
        live.session
            .call::<Health>(
                HealthParams {
                    probe: Some(true),
                    ..Default::default()
                },
                LIMIT,
            )
            .await
    });

    let request = gateway.request().await;
    gateway
        .answer(&request, json!({"ok": true, "novel": 1}))
        .await;

    assert_eq!(request.params, Some(json!({"probe": true})));
    assert_eq!(calling.await.unwrap().unwrap().ok, Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_two_phase_call_waits_for_the_second_answer() {
    let (live, mut gateway) = session().await;
    let calling = tokio::spawn(async move {
        live.session
            .call_two_phase::<Agent>(AgentParams::new("hi", "key-1"), None)
            .await
    });

    let request = gateway.request().await;
    gateway
        .answer(&request, json!({"runId": "key-1", "status": "accepted"}))
        .await;
    gateway.tell("tick", json!({"ts": 1})).await;
    gateway
        .answer(&request, json!({"runId": "key-1", "status": "ok"}))
        .await;

    assert_eq!(calling.await.unwrap().unwrap().status, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_fails_at_its_deadline_and_the_session_lives_on() {
    let (live, mut gateway) = session().await;
    let started = Instant::now();

    let error = live
        .session
        .call_raw("slow", json!({}), Duration::from_secs(3))
        .await
        .unwrap_err();

    assert_eq!(started.elapsed(), Duration::from_secs(3));
    assert!(matches!(error, CallError::Deadline { .. }) && error.leaves_doubt());
    let late = gateway.request().await;
    gateway.answer(&late, json!("too late")).await;
    let next = ask(&live.session, "next");
    let request = gateway.request().await;
    gateway.answer(&request, json!("in time")).await;
    assert_eq!(next.await.unwrap().unwrap(), json!("in time"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_says_why() {
    let (live, mut gateway) = session().await;
    let calling = ask(&live.session, "config.set");
    let request = gateway.request().await;

    gateway
        .refuse(
            &request,
            json!({"code": "FORBIDDEN", "message": "no",
        "details": {"code": "MISSING_SCOPE", "missingScope": "operator.admin"}}),
        )
        .await;

    let error = calling.await.unwrap().unwrap_err();
    assert_eq!(
        error.refusal().unwrap().missing_scope(),
        Some("operator.admin")
    );
    assert!(!error.leaves_doubt());
}

#[tokio::test(start_paused = true)]
async fn a_gap_in_the_numbers_is_reported_before_the_event_behind_it() {
    let (mut live, mut gateway) = session().await;
    gateway.tell("tick", json!({"ts": 1})).await;
    gateway
        .send(json!({"type": "event", "event": "voicewake.changed", "payload": {"triggers": []}}))
        .await;
    gateway.skip(2);
    gateway.tell("tick", json!({"ts": 2})).await;

    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(live.events.recv().await.unwrap());
    }

    assert!(matches!(&told[0], SessionEvent::Event(Event::Tick(_))));
    assert!(
        matches!(&told[1], SessionEvent::Event(Event::VoicewakeChanged(_))),
        "has no number"
    );
    assert_eq!(
        told[2],
        SessionEvent::Gap {
            expected: 2,
            got: 4
        }
    );
    assert!(matches!(&told[3], SessionEvent::Event(Event::Tick(_))));
}

#[tokio::test(start_paused = true)]
async fn events_nobody_takes_are_dropped_and_reported_as_a_gap() {
    let (mut live, mut gateway) = session().await;
    for ts in 0..3_000 {
        gateway.tell("tick", json!({"ts": ts})).await;
    }
    // Answers are not held up by the full queue.
    let calling = ask(&live.session, "health");
    let request = gateway.request().await;
    gateway.answer(&request, json!({})).await;
    calling.await.unwrap().unwrap();

    let mut taken = 0;
    while live.events.try_recv().is_ok() {
        taken += 1;
    }
    gateway.tell("tick", json!({"ts": 9})).await;

    assert_eq!(
        live.events.recv().await.unwrap(),
        SessionEvent::Gap {
            expected: taken + 1,
            got: 3_001
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_falls_silent_is_given_up_after_two_ticks() {
    let (live, mut gateway) = session().await;
    let waiting = ask(&live.session, "agent");
    drop(gateway.request().await);
    let started = Instant::now();

    tokio::time::sleep(Duration::from_secs(50)).await;
    gateway.tell("tick", json!({"ts": 1})).await;
    let reason = live.session.closed().await;

    assert_eq!(started.elapsed(), Duration::from_secs(110));
    assert_eq!(
        reason,
        CloseReason::Silent {
            silent_for: Duration::from_secs(60)
        }
    );
    assert!(waiting.await.unwrap().is_err());
    let Some(Message::Close(Some(frame))) = gateway.message().await else {
        panic!()
    };
    assert_eq!(u16::from(frame.code), 4000);
}

#[tokio::test(start_paused = true)]
async fn every_close_code_has_its_meaning() {
    for (code, meaning) in [
        (1000, CloseReason::Normal),
        (1008, CloseReason::Refused { text: "why".into() }),
        (1009, CloseReason::OursTooLarge),
        (1012, CloseReason::Restart { expected_in: None }),
        (1013, CloseReason::Starting),
        (4001, CloseReason::DeviceRemoved),
        (
            4099,
            CloseReason::Other {
                code: 4099,
                text: "why".into(),
            },
        ),
    ] {
        let (mut live, mut gateway) = session().await;
        gateway.close(code, "why").await;

        assert_eq!(live.session.closed().await, meaning, "{code}");
        assert_eq!(
            live.events.recv().await,
            Some(SessionEvent::Closed(meaning))
        );
        assert_eq!(live.events.recv().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_says_when_the_gateway_expects_to_be_back() {
    let (live, mut gateway) = session().await;

    gateway
        .tell(
            "shutdown",
            json!({"reason": "gateway restarting", "restartExpectedMs": 1500}),
        )
        .await;
    gateway.close(1012, "service restart").await;

    assert_eq!(
        live.session.closed().await,
        CloseReason::Restart {
            expected_in: Some(Duration::from_millis(1500))
        }
    );
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_fail_when_the_session_ends_and_are_not_repeated() {
    let (live, mut gateway) = session().await;
    let waiting = ask(&live.session, "chat.send");
    drop(gateway.request().await);

    drop(gateway);

    let error = waiting.await.unwrap().unwrap_err();
    assert!(
        matches!(
            &error,
            CallError::Closed {
                reason: CloseReason::Lost { .. },
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.leaves_doubt());
    let after = live
        .session
        .call_raw("health", json!({}), LIMIT)
        .await
        .unwrap_err();
    assert!(matches!(after, CallError::Closed { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_frame_beyond_the_policy_closes_with_1009() {
    let (connecting, stream) =
        crate::client::fake_gateway::dial(crate::client::fake_gateway::hello_request());
    let (mut gateway, request) = FakeGateway::challenge(stream).await;
    let mut hello = crate::client::fake_gateway::hello_ok();
    hello["policy"]["maxPayload"] = json!(1_000);
    gateway.answer(&request, hello).await;
    let live = connecting.await.unwrap().unwrap();

    let ours = live
        .session
        .call_raw("x", json!("y".repeat(2_000)), LIMIT)
        .await
        .unwrap_err();
    gateway.tell("novel", json!("z".repeat(2_000))).await;

    assert!(matches!(ours, CallError::TooLarge { limit: 1_000, .. }));
    assert_eq!(
        live.session.closed().await,
        CloseReason::FrameTooLarge { limit: 1_000 }
    );
    let Some(Message::Close(Some(frame))) = gateway.message().await else {
        panic!()
    };
    assert_eq!(u16::from(frame.code), 1009);
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered() {
    let (_live, mut gateway) = session().await;

    gateway.send_message(Message::Ping("beat".into())).await;

    assert_eq!(gateway.message().await, Some(Message::Pong("beat".into())));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_ends_the_connection() {
    let (live, mut gateway) = session().await;
    let clone = live.session.clone();

    drop(live.session);
    drop(clone);

    assert!(matches!(
        gateway.message().await,
        Some(Message::Close(_)) | None
    ));
    let mut events = live.events;
    assert_eq!(
        events.recv().await,
        Some(SessionEvent::Closed(CloseReason::Ours))
    );
}

#[tokio::test(start_paused = true)]
async fn nonsense_after_hello_is_ignored() {
    let (live, mut gateway) = session().await;
    gateway.send_message(Message::text("not json")).await;
    gateway
        .send(json!({"type": "res", "id": "nobody", "ok": true}))
        .await;
    gateway.send(json!({"type": "novel"})).await;

    let calling = ask(&live.session, "health");
    let request = gateway.request().await;
    gateway.answer(&request, json!({})).await;

    calling.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_reads_nothing_does_not_keep_us_from_reading() {
    let (live, mut gateway) = session().await;
    // More than the stream between us holds, and the gateway takes none of it.
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let session = live.session.clone();
            tokio::spawn(async move {
                session
                    .call_raw("x", json!("y".repeat(200_000)), LIMIT)
                    .await
            })
        })
        .collect();
    let mut events = live.events;
    gateway.tell("tick", json!({"ts": 1})).await;

    assert!(matches!(
        events.recv().await,
        Some(SessionEvent::Event(Event::Tick(_)))
    ));
    for call in calls {
        let outcome = call.await.unwrap();
        assert!(
            matches!(outcome, Err(CallError::Deadline { .. })),
            "{outcome:?}"
        );
    }
}
