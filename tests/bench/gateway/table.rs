//! Which figures are compared, and what is meant to come of each.

use crate::crowd::{CROWD, FanOut, LISTENERS};
use crate::figures::as_f64;
use crate::rate::Rate;
use crate::report::Row;
use crate::turns::{TURNS, Turn};
use crate::{CONNECTIONS, IDLE, Seen};

/// What both were seen to do, in every round.
struct Both<'a> {
    official: &'a [Seen],
    ours: &'a [Seen],
}

impl Both<'_> {
    fn less(&self, name: &str, unit: &'static str, of: impl Fn(&Seen) -> f64) -> Row {
        Row::less(name, unit, &each(self.official, &of), &each(self.ours, &of))
    }

    fn more(&self, name: &str, unit: &'static str, of: impl Fn(&Seen) -> f64) -> Row {
        Row::more(name, unit, &each(self.official, &of), &each(self.ours, &of))
    }
}

fn each(seen: &[Seen], of: impl Fn(&Seen) -> f64) -> Vec<f64> {
    seen.iter().map(of).collect()
}

/// Every row of the table.
pub(crate) fn rows(official: &[Seen], ours: &[Seen]) -> Vec<Row> {
    let both = Both { official, ours };
    let mut rows = resources(&both);
    rows.extend(requests(&both));
    rows.extend(crowds(&both));
    rows.extend(waits(&both));
    rows
}

fn resources(both: &Both<'_>) -> Vec<Row> {
    let mib = |kib: f64| kib / 1024.0;
    let idle = format!("computing in {} s of idleness", IDLE.as_secs());
    vec![
        both.less("start to hello", "ms", |seen| seen.start_ms)
            .goal(0.02)
            .absolute(200.0),
        both.less("memory, idle, RSS", "MiB", |seen| mib(seen.idle.resident))
            .goal(0.05)
            .absolute(45.0),
        both.less("memory, idle, PSS", "MiB", |seen| {
            mib(seen.idle.proportional)
        })
        .goal(0.05),
        both.less("memory, after load, RSS", "MiB", |seen| {
            mib(seen.after_load.resident)
        })
        .goal(0.05)
        .absolute(45.0),
        both.less("memory, after load, PSS", "MiB", |seen| {
            mib(seen.after_load.proportional)
        })
        .goal(0.05),
        both.less(&idle, "ms", |seen| seen.idle_computing_ms)
            .goal(0.05),
    ]
}

/// The rate depends on the client as much as on the gateway: the reference client alone needs more
/// computing for a request than ours does, and both have to share the machine. So the rates, and the
/// reference client's hello, have limits short of their goals, and the gateway's own computing for
/// each request is held to the goal; but for one connection alone, where each request costs us
/// twice as much and both have half of what they are held to.
fn requests(both: &Both<'_>) -> Vec<Row> {
    type Of = fn(&Seen) -> &Vec<Rate>;
    let clients: [(&str, Of, [f64; 3]); 2] = [
        ("reference client", |seen| &seen.reference, [1.5, 0.2, 5.0]),
        ("lean client", |seen| &seen.lean, [0.6, 0.1, 10.0]),
    ];
    let mut rows = Vec::new();
    for (client, of, [hello_limit, p50_limit, rate_limit]) in clients {
        let figure = |at: usize, what: fn(&Rate) -> f64| {
            move |seen: &Seen| of(seen).get(at).map_or(f64::NAN, what)
        };
        rows.push(
            both.less(
                &format!("hello, {client}"),
                "ms",
                figure(CONNECTIONS.len() - 1, |rate| rate.hello_ms),
            )
            .goal_and_limit(0.6, hello_limit),
        );
        for (at, connections) in CONNECTIONS.iter().enumerate() {
            let name = |what: &str| format!("health, {client}, {connections} at once, {what}");
            let slack = if *connections == 1 { 2.0 } else { 1.0 };
            rows.extend([
                both.less(&name("p50"), "ms", figure(at, |rate| rate.p50_ms))
                    .goal_and_limit(0.1, p50_limit),
                both.less(&name("p99"), "ms", figure(at, |rate| rate.p99_ms)),
                both.more(&name("rate"), "/s", figure(at, |rate| rate.per_second))
                    .goal_and_limit(20.0, rate_limit / slack),
                both.less(
                    &name("gateway's CPU"),
                    "us",
                    figure(at, |rate| rate.gateway_us),
                )
                .goal_and_limit(0.05, 0.05 * slack),
                both.less(
                    &name("client's CPU"),
                    "us",
                    figure(at, |rate| rate.client_us),
                ),
            ]);
        }
    }
    rows
}

fn crowds(both: &Both<'_>) -> Vec<Row> {
    let mut rows = vec![
        both.more(&format!("held of {CROWD} that came at once"), "", |seen| {
            as_f64(seen.crowd.held)
        })
        .goal(1.0)
        .absolute(as_f64(CROWD)),
        both.more("answered with all of them there", "", |seen| {
            as_f64(seen.crowd.answered)
        })
        .goal(1.0)
        .absolute(as_f64(CROWD)),
        both.less("memory of each of them", "KiB", |seen| seen.crowd.kib_each)
            .absolute(20.0),
        both.less("until the last of them was in", "s", |seen| {
            seen.crowd.seconds
        }),
    ];
    type Of = fn(&Seen) -> &FanOut;
    // Ours tells of wake words after the flush to the disk, which takes what it takes.
    let events: [(&str, Of, f64); 2] = [
        ("presence", |seen| &seen.presence, 1.0),
        ("wake words", |seen| &seen.wake_words, 2.0),
    ];
    for (event, of, limit) in events {
        let name = |which: &str| format!("{event}, told to {LISTENERS}, {which}");
        rows.extend([
            both.less(&name("first"), "ms", |seen| of(seen).first_ms),
            both.less(&name("last"), "ms", |seen| of(seen).last_ms)
                .goal_and_limit(1.0, limit),
        ]);
    }
    rows
}

fn waits(both: &Both<'_>) -> Vec<Row> {
    type Of = fn(&Seen) -> &Turn;
    let tenth = format!("turn {TURNS} of a conversation");
    let turns: [(&str, Of); 3] = [
        ("first turn after the start", |seen| &seen.turns.coldest),
        ("turn 1 of a conversation", |seen| &seen.turns.first),
        (&tenth, |seen| &seen.turns.tenth),
    ];
    turns
        .into_iter()
        .flat_map(|(name, of)| {
            [
                both.less(&format!("{name}, first words"), "ms", |seen| {
                    of(seen).first_words_ms
                })
                .goal(0.1),
                both.less(&format!("{name}, end"), "ms", |seen| of(seen).final_ms)
                    .goal(0.1),
            ]
        })
        .collect()
}
