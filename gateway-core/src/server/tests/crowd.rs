//! Many at once: those who say nothing, those who all come together, one who does not read.

use super::raw::{FIN, Heard, PING, Raw, connect_request, frame, health_request, upgrade_head};
use super::replay::Device;
use super::running;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How many stuck connections there are to be, if the system has the file handles: each is two of
/// them, because both ends are in this process.
const STUCK: usize = 2000;
/// How many clients come together.
const CLIENTS: usize = 500;
/// How many of them are desktops, which show in the list of who is here.
const DESKTOPS: usize = 100;
/// File handles for everything else.
const OTHER_HANDLES: usize = 500;

/// Raises the limit of file handles as far as it goes; returns how many pairs of sockets fit.
fn pairs_of_sockets() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where it may not be raised, fewer sockets are made.
    let _is_raised = setrlimit(Resource::Nofile, raised).is_ok();
    let handles = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(handles)
        .unwrap_or(usize::MAX)
        .saturating_sub(OTHER_HANDLES)
        / 2
}

fn resident_kib() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * 4
}

/// A connection that stays where it is: silent, amid a head, or before its connect request.
async fn stuck(address: SocketAddr, number: usize) -> Raw {
    match number % 3 {
        0 => Raw::dial(address).await,
        1 => {
            let mut raw = Raw::dial(address).await;
            let head = upgrade_head(address, "");
            raw.send(&head.as_bytes()[..head.len() / 2]).await;
            raw
        }
        _ => {
            let mut raw = Raw::open(address, "").await;
            raw.challenge().await;
            raw
        }
    }
}

#[tokio::test]
async fn stuck_connections_keep_no_good_client_out() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let count = STUCK.min(pairs_of_sockets());
    let before = resident_kib();
    let mut all = Vec::new();
    let mut waits = Vec::new();
    for number in 0..count {
        all.push(stuck(address, number).await);
        if number % 50 == 49 {
            let began = Instant::now();
            drop(Raw::greeted(address).await);
            waits.push(began.elapsed());
        }
    }
    let grown = resident_kib().saturating_sub(before);
    waits.sort();
    let (middle, worst) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    println!(
        "{count} stuck connections: {} good hellos, median {middle:?}, worst {worst:?}; \
         {grown} KiB more memory, both ends",
        waits.len()
    );
    assert!(running.gateway.state.door.unproven() <= super::super::door::MOST_UNPROVEN);
    assert!(worst < Duration::from_secs(5), "{worst:?}");
    running.gateway.stop().await;
}

/// A desktop client with a device of its own, which hears of everything.
fn desktop_request(number: usize, challenge: &Value) -> Value {
    let device = Device::of(&format!("desktop {number}"));
    let mut request = connect_request("hello", "gateway-client", "ui");
    request["params"]["scopes"] = json!(["operator.read", "operator.write"]);
    request["params"]["device"] = json!({
        "id": device.id(), "publicKey": device.public_key(),
        "signedAt": challenge["ts"], "nonce": challenge["nonce"],
    });
    let signature = device.sign(&request["params"], "v3");
    request["params"]["device"]["signature"] = json!(signature);
    request
}

#[tokio::test]
async fn five_hundred_clients_come_together_and_each_is_served() {
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let count = CLIENTS.min(pairs_of_sockets());
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for number in 0..count {
        clients.spawn(async move {
            let mut raw = Raw::open(address, "").await;
            let challenge = raw.challenge().await;
            let request = if number < DESKTOPS {
                desktop_request(number, &challenge)
            } else {
                connect_request("hello", "gateway-client", "backend")
            };
            raw.say(&request).await;
            let hello = raw.answer().await;
            assert_eq!(hello["payload"]["type"], "hello-ok", "{hello}");
            raw.say(&health_request("health")).await;
            loop {
                match raw.hear().await {
                    Heard::Text(frame) if frame["id"] == "health" => {
                        assert_eq!(frame["payload"]["ok"], true);
                        return raw;
                    }
                    Heard::Text(frame) => assert_eq!(frame["event"], "presence", "{frame}"),
                    other @ (Heard::Pong(_) | Heard::Close { .. } | Heard::End) => {
                        panic!("client {number}: {other:?}")
                    }
                }
            }
        });
    }
    let served = clients.join_all().await;
    println!(
        "{}/{count} clients at once were served within {:?}",
        served.len(),
        began.elapsed()
    );
    assert_eq!(served.len(), count);
    assert_eq!(running.gateway.state.peers.count(|_| true), count);
    assert_eq!(running.gateway.state.door.unproven(), 0);
    running.gateway.stop().await;
}

#[tokio::test]
async fn who_does_not_read_is_dropped_and_the_others_go_on() {
    const EVENTS: usize = 40;
    let running = running().await;
    let address = running.gateway.addresses()[0];
    let state = &running.gateway.state;
    let mut slow = Raw::greeted(address).await;
    let mut good = Raw::greeted(address).await;
    let large = json!({"ts": 1, "padding": "x".repeat(1024 * 1024)});

    for seq in 1..=EVENTS {
        state.announce("tick", &large, |_| true);
        // It is not that it had gone: it goes on sending.
        slow.send(&frame(FIN | PING, b"alive")).await;
        match good.hear().await {
            Heard::Text(event) => assert_eq!(event["seq"], seq),
            other @ (Heard::Pong(_) | Heard::Close { .. } | Heard::End) => panic!("{other:?}"),
        }
    }
    let mut asked = 0;
    while state.peers.count(|_| true) > 1 {
        good.say(&health_request("again")).await;
        assert_eq!(good.answer().await["ok"], true);
        asked += 1;
        assert!(asked < 10_000, "the slow one is still there");
    }

    let mut heard = 0;
    let mut last = slow.hear().await;
    while let Heard::Text(_) | Heard::Pong(_) = last {
        heard += usize::from(matches!(last, Heard::Text(_)));
        last = slow.hear().await;
    }
    println!("slow consumer: {heard} of {EVENTS} events of 1 MiB were on their way, then {last:?}");
    assert!(heard < EVENTS, "{heard}");
    // No tick of ours is that large.
    running.gateway.state.said.forget();
    running.gateway.stop().await;
}
