//! Many connections: hundreds that come at once, and an event that all of them hear.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::figures::{as_f64, median, milliseconds};
use crate::side::Side;
use crate::wire::Caller;

/// How many come at once.
pub(crate) const CROWD: usize = 500;
/// How long they stay before the memory is read: what was only for their coming is given back.
const STAY: Duration = Duration::from_secs(3);
/// How often those who stay look whether they may go.
const GLANCE: Duration = Duration::from_millis(200);
/// How many hear one event, and how often.
pub(crate) const LISTENERS: usize = 50;
const EVENTS: usize = 12;
/// Between two events: ours puts changes of presence together that come within half a second, and the
/// time of one event is asked for.
const APART: Duration = Duration::from_millis(600);

/// What became of a crowd.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// How many were let in and got an answer with all the others there, if only that it is busy.
    pub(crate) held: usize,
    /// How many of them got what they had asked for.
    pub(crate) answered: usize,
    /// What each took of the gateway's memory, in KiB.
    pub(crate) kib_each: f64,
    /// From the first knock until the last of them was in.
    pub(crate) seconds: f64,
    /// Why the first who got no place, or no answer, did not.
    pub(crate) refusal: Option<String>,
}

/// Lets them all come at once.
pub(crate) fn crowd(side: &Side) -> Result<Crowd> {
    let before = side.memory()?.proportional;
    let (start, all_came) = (Barrier::new(CROWD + 1), Barrier::new(CROWD + 1));
    let may_go = AtomicBool::new(false);
    let (told, came) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..CROWD {
            let (told, start, all_came, may_go) = (told.clone(), &start, &all_came, &may_go);
            scope.spawn(move || {
                start.wait();
                let mut caller = Caller::connect(side.port, &side.token);
                all_came.wait();
                drop(told.send(match &mut caller {
                    Ok(caller) => place(caller),
                    Err(error) => Place::None(format!("{error:#}")),
                }));
                // What is not read would pile up in the gateway.
                if let Ok(caller) = &mut caller
                    && caller.patience(GLANCE).is_ok()
                {
                    while !may_go.load(Ordering::Relaxed) && caller.hear().is_ok() {}
                }
            });
        }
        start.wait();
        let began = Instant::now();
        all_came.wait();
        let seconds = began.elapsed().as_secs_f64();
        let places: Vec<Place> = came.iter().take(CROWD).collect();
        thread::sleep(STAY);
        let after = side.memory();
        may_go.store(true, Ordering::Relaxed);
        let answered = places.iter().filter(|place| **place == Place::Served);
        let answered = answered.count();
        let is_held = |place: &&Place| !matches!(place, Place::None(_));
        let held = places.iter().filter(is_held).count();
        let refusal = places.into_iter().find_map(|place| match place {
            Place::None(why) | Place::Refused(why) => Some(why),
            Place::Served => None,
        });
        ensure!(held > 0, "nobody of {CROWD} was let in: {refusal:?}");
        Ok(Crowd {
            held,
            answered,
            kib_each: (after?.proportional - before) / as_f64(held),
            seconds,
            refusal,
        })
    })
}

/// What one of the crowd got.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    None(String),
    Refused(String),
    Served,
}

fn place(caller: &mut Caller) -> Place {
    let asked = caller.send("health", &json!({}));
    match asked.and_then(|id| caller.next(|frame| frame["id"] == id.as_str())) {
        Ok((answer, _)) if answer["ok"] == true => Place::Served,
        Ok((answer, _)) => Place::Refused(answer["error"].to_string()),
        Err(error) => Place::None(format!("{error:#}")),
    }
}

/// How long an event takes to the first and to the last of its listeners, in milliseconds.
#[derive(Debug)]
pub(crate) struct FanOut {
    pub(crate) first_ms: f64,
    pub(crate) last_ms: f64,
}

/// An event that one client causes and everybody is told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cause {
    /// A machine says that it is there: kept in memory.
    Presence,
    /// The words that wake the assistant: kept on disk before anybody is told.
    WakeWords,
}

/// One client causes it; every listener must hear it.
pub(crate) fn fan_out(side: &Side, cause: Cause) -> Result<FanOut> {
    let (mut firsts, mut lasts) = (Vec::new(), Vec::new());
    let mut listeners = (0..LISTENERS)
        .map(|_| Caller::connect(side.port, &side.token))
        .collect::<Result<Vec<Caller>>>()?;
    let mut speaker = Caller::connect(side.port, &side.token)?;
    for event in 0..EVENTS {
        let mark = format!("benchmark-{event}-");
        let ready = Barrier::new(LISTENERS + 1);
        let (began, mut heard) = thread::scope(|scope| {
            let hearing: Vec<_> = listeners
                .iter_mut()
                .map(|listener| {
                    let (mark, ready) = (&mark, &ready);
                    scope.spawn(move || {
                        ready.wait();
                        arrival(listener, cause, mark)
                    })
                })
                .collect();
            ready.wait();
            // They all wait for the socket by then.
            thread::sleep(APART);
            let began = Instant::now();
            match cause {
                Cause::Presence => speaker.call("system-event", &json!({"text": mark}))?,
                Cause::WakeWords => speaker.call("voicewake.set", &json!({"triggers": [&mark]}))?,
            };
            let heard = hearing
                .into_iter()
                .map(|one| one.join().ok().context("a thread broke")?)
                .collect::<Result<Vec<Instant>>>()?;
            anyhow::Ok((began, heard))
        })?;
        heard.sort();
        firsts.extend(heard.first().map(|at| milliseconds(*at - began)));
        lasts.extend(heard.last().map(|at| milliseconds(*at - began)));
    }
    Ok(FanOut {
        first_ms: median(&firsts)?,
        last_ms: median(&lasts)?,
    })
}

/// When the event with this mark was here.
fn arrival(listener: &mut Caller, cause: Cause, mark: &str) -> Result<Instant> {
    let event = match cause {
        Cause::Presence => r#""event":"presence""#,
        Cause::WakeWords => r#""event":"voicewake.changed""#,
    };
    loop {
        let heard = listener.hear()?.context("a listener was not told")?;
        if heard.text.contains(event) && heard.text.contains(mark) {
            return Ok(heard.at);
        }
    }
}
