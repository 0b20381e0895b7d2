//! How many requests are answered, and how soon: asked by the reference client, and by a client that
//! costs next to nothing, because the reference client needs more computing than our gateway does.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::process::Program;
use e2e::tools;
use serde_json::{Value, json};

use crate::figures::{as_f64, at_part, milliseconds};
use crate::side::{Side, computed_by};
use crate::wire::Caller;

/// How long each number of connections asks, after a while for warming up.
const ASKING: Duration = Duration::from_secs(3);
const WARMING: Duration = Duration::from_millis(500);
/// How long a run of the load program may take: the connections are made one after the other.
const LOAD_LIMIT: Duration = Duration::from_secs(60);
/// Of so many answers, one is read to its end.
const LOOKED_AT: usize = 256;

/// What one kind of client saw over one number of connections.
#[derive(Debug)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// From the start of a connection to its hello.
    pub(crate) hello_ms: f64,
    /// Computing time of the client and of the gateway for each request.
    pub(crate) client_us: f64,
    pub(crate) gateway_us: f64,
}

/// Has the reference client ask for health.
pub(crate) async fn reference(side: &Side, connections: usize) -> Result<Rate> {
    let before = side.computed()?;
    let done = Program::new(tools::node()?)
        .arg(crate::side::load_program())
        .arg(tools::reference_client()?)
        .arg(format!("ws://127.0.0.1:{}", side.port))
        .arg(&side.token_file)
        .arg(connections.to_string())
        .arg(WARMING.as_millis().to_string())
        .arg(ASKING.as_millis().to_string())
        .run(LOAD_LIMIT)
        .await?
        .ok()?;
    let computed = side.computed()? - before;
    let told: Value = serde_json::from_str(done.trim())?;
    let number = |name: &str| told[name].as_f64().with_context(|| format!("no {name}"));
    is_health(&told["last"])?;
    Ok(Rate {
        per_second: number("perSecond")?,
        p50_ms: number("p50Ms")?,
        p99_ms: number("p99Ms")?,
        hello_ms: number("helloMs")?,
        client_us: number("clientUs")?,
        gateway_us: computed * 1e6 / number("requestsInAll")?,
    })
}

/// Asks for health over blocking sockets, one thread for each connection.
pub(crate) fn lean(side: &Side, connections: usize) -> Result<Rate> {
    let mut callers = Vec::new();
    let mut hellos = Vec::new();
    for _ in 0..connections {
        let began = Instant::now();
        callers.push(Caller::connect(side.port, &side.token)?);
        hellos.push(milliseconds(began.elapsed()));
    }
    ask_all(&mut callers, WARMING)?;
    let (own, gateway) = (computed_by(std::process::id())?, side.computed()?);
    let began = Instant::now();
    let took = ask_all(&mut callers, ASKING)?;
    let seconds = began.elapsed().as_secs_f64();
    let (own, gateway) = (
        computed_by(std::process::id())? - own,
        side.computed()? - gateway,
    );
    let requests = as_f64(took.len());
    Ok(Rate {
        per_second: requests / seconds,
        p50_ms: at_part(&took, 0.5)?,
        p99_ms: at_part(&took, 0.99)?,
        hello_ms: at_part(&hellos, 0.5)?,
        client_us: own * 1e6 / requests,
        gateway_us: gateway * 1e6 / requests,
    })
}

/// How many requests in a second one connection has answered, whoever answers them.
pub(crate) fn of_one(caller: Caller) -> Result<f64> {
    let mut callers = [caller];
    ask_all(&mut callers, WARMING)?;
    let began = Instant::now();
    let took = ask_all(&mut callers, ASKING)?;
    Ok(as_f64(took.len()) / began.elapsed().as_secs_f64())
}

fn ask_all(callers: &mut [Caller], during: Duration) -> Result<Vec<f64>> {
    let until = Instant::now() + during;
    std::thread::scope(|scope| {
        let asking: Vec<_> = callers
            .iter_mut()
            .map(|caller| scope.spawn(move || ask(caller, until)))
            .collect();
        let mut took = Vec::new();
        for one in asking {
            took.extend(one.join().ok().context("a thread broke")??);
        }
        Ok(took)
    })
}

/// Asks again and again; returns how long each answer took, in milliseconds.
fn ask(caller: &mut Caller, until: Instant) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        let id = caller.send("health", &json!({}))?;
        let marks = [format!(r#""id":"{id}""#), r#""ok":true"#.to_owned()];
        let heard = loop {
            let heard = caller.hear()?.context("no answer in time")?;
            // Events come in between.
            if heard.text.starts_with(r#"{"type":"res""#) {
                break heard;
            }
        };
        took.push(milliseconds(heard.at - began));
        let head = heard.text.get(..96).context("an answer without content")?;
        ensure!(
            marks.iter().all(|mark| head.contains(mark)),
            "another answer: {head}"
        );
        if took.len() % LOOKED_AT == 1 {
            let answer: Value = serde_json::from_str(&heard.text)?;
            is_health(&answer["payload"])?;
        }
    }
    Ok(took)
}

fn is_health(payload: &Value) -> Result<()> {
    ensure!(
        payload["ok"] == true && payload["agents"].is_array() && payload["sessions"].is_object(),
        "an answer without content: {payload}"
    );
    Ok(())
}
