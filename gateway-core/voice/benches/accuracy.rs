//! How well triggers and commands are understood: `scripts/bench voice`.
//!
//! A speech synthesiser says everything, in three voices, clean and with two levels of white noise. That
//! says how the parts fit and compares one setting with another; of real people, rooms and microphones
//! it says nothing. `--every N` takes one in N of everything, for trying a setting out. Times are those of the recording, as if it had been spoken live.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a report on standard output, by a program that may stop where it stands"
)]

use std::collections::HashMap;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use voice::engine::{self, Choice, Engine};
use voice::recording;
use voice::rehearsal::{Happened, Start, rehearse_again};
use voice::speech::RATE;
use voice::timing::Timing;
use voice::triggers::Triggers;

const VOICES: [&str; 3] = ["slt", "rms", "awb"];
/// White noise by its amplitude, of full scale.
const NOISE: [(&str, f32); 3] = [("clean", 0.0), ("noise 0.003", 0.003), ("noise 0.01", 0.01)];
const TRIGGERS: [&str; 4] = ["hey openclaw", "openclaw", "computer", "claude"];
/// How a synthesiser has to read them.
const SPOKEN: [&str; 4] = ["hey open claw", "open claw", "computer", "claude"];
const COMMANDS: [&str; 12] = [
    "what is the weather today",
    "what time is it",
    "turn on the light in the kitchen",
    "stop the music",
    "call my mother tomorrow",
    "read my messages",
    "how long is the way to work",
    "set an alarm for seven",
    "what is on the list for today",
    "write a letter to the bank",
    "close the door please",
    "tell me the news",
];
/// Sentences that come near to a trigger, by their beginnings and their ends: 15 × 14.
const NEAR: [&str; 15] = [
    "the open door",
    "an open clause",
    "hey open the car",
    "open class",
    "hope and claws",
    "the commuter",
    "a computed value",
    "company tutor",
    "come put her",
    "the compute room",
    "a cloud",
    "the clod",
    "she clawed",
    "he applauded",
    "hey over there",
];
const NEAR_ENDS: [&str; 14] = [
    "was left behind",
    "came in today",
    "is on the table",
    "went to the store",
    "was very old",
    "made a noise",
    "took a long time",
    "is not for me",
    "fell to the floor",
    "was in the news",
    "looks good to us",
    "was cold and wet",
    "is all we have",
    "stayed where it was",
];

/// What was spoken already, by voice and words.
type Spoken = HashMap<(String, String), Vec<i16>>;

/// One sentence as a synthesiser says it.
fn said(voice: &str, text: &str) -> Vec<i16> {
    static KEPT: Mutex<Option<Spoken>> = Mutex::new(None);
    let key = (voice.to_owned(), text.to_owned());
    if let Some(kept) = KEPT.lock().unwrap().get_or_insert_default().get(&key) {
        return kept.clone();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("said.wav");
    let status = Command::new("flite")
        .args(["-voice", voice, "-t", text, "-o"])
        .arg(&file)
        .status()
        .expect("flite is installed by scripts/setup bench");
    assert!(status.success());
    let samples = trimmed(recording::read(&file).unwrap());
    KEPT.lock()
        .unwrap()
        .get_or_insert_default()
        .insert(key, samples.clone());
    samples
}

/// Without the quiet before and after.
fn trimmed(samples: Vec<i16>) -> Vec<i16> {
    let loud = |sample: &i16| sample.unsigned_abs() > 300;
    let first = samples.iter().position(loud).unwrap_or(0);
    let last = samples.iter().rposition(loud).unwrap_or(0);
    samples[first..=last].to_vec()
}

fn quiet(seconds: f32) -> Vec<i16> {
    vec![0; (seconds * RATE as f32) as usize]
}

fn noisy(samples: &mut [i16], amplitude: f32) {
    let mut state = 0x9e37_79b9_u32;
    for sample in samples {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let unit = state as f32 / u32::MAX as f32 * 2.0 - 1.0;
        *sample = sample.saturating_add((unit * amplitude * 32_767.0) as i16);
    }
}

#[derive(Default, Clone, Copy)]
struct Tally {
    tried: usize,
    woken: usize,
    words: usize,
    wrong: usize,
    sent: usize,
    wake_ms: u128,
    sent_ms: u128,
}

/// Words to insert, remove or replace.
fn word_errors(wanted: &str, heard: &str) -> usize {
    let heard: Vec<&str> = heard.split_whitespace().collect();
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (index, word) in wanted.split_whitespace().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for column in 1..row.len() {
            let replaced = diagonal + usize::from(word != heard[column - 1]);
            diagonal = row[column];
            row[column] = replaced.min(row[column] + 1).min(row[column - 1] + 1);
        }
    }
    row[heard.len()]
}

struct Case {
    trigger: usize,
    voice: usize,
    command: usize,
    noise: usize,
}

fn engine() -> Box<dyn Engine> {
    engine::open(&Choice::PocketSphinx(None)).expect("the engine of scripts/setup bench")
}

/// Works through a list on all cores, each with an engine of its own.
fn on_all_cores<R: Send>(
    count: usize,
    work: impl Fn(usize, &mut Option<Box<dyn Engine>>) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let mut engine = Some(engine());
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= count {
                        break;
                    }
                    let result = work(place, &mut engine);
                    done.lock().unwrap().push((place, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

fn tried(case: &Case, kept: &mut Option<Box<dyn Engine>>) -> Tally {
    let voice = VOICES[case.voice];
    let mut samples = quiet(0.6);
    samples.extend(said(voice, SPOKEN[case.trigger]));
    let trigger_end = recording::duration(samples.len());
    samples.extend(quiet(0.5));
    samples.extend(said(voice, COMMANDS[case.command]));
    let command_end = recording::duration(samples.len());
    samples.extend(quiet(3.0));
    noisy(&mut samples, NOISE[case.noise].1);
    let triggers = Triggers::new(&[TRIGGERS[case.trigger]]);
    let opened = kept.take().unwrap_or_else(engine);
    let (report, back) =
        rehearse_again(&samples, opened, &triggers, Timing::USUAL, Start::Trigger).unwrap();
    *kept = back;
    let wanted = COMMANDS[case.command];
    let mut tally = Tally {
        tried: 1,
        ..Tally::default()
    };
    for happened in report.happened {
        match happened {
            Happened::Wake { at, .. } if tally.woken == 0 => {
                tally.woken = 1;
                tally.wake_ms = at.saturating_sub(trigger_end).as_millis();
            }
            Happened::Transcript { at, text, .. } if tally.sent == 0 => {
                tally.sent = 1;
                tally.words = wanted.split_whitespace().count();
                tally.wrong = word_errors(wanted, &text);
                tally.sent_ms = at.saturating_sub(command_end).as_millis();
            }
            Happened::Wake { .. } | Happened::Transcript { .. } | Happened::Nothing { .. } => {}
        }
    }
    tally
}

fn sum(tallies: impl Iterator<Item = Tally>) -> Tally {
    tallies.fold(Tally::default(), |one, other| Tally {
        tried: one.tried + other.tried,
        woken: one.woken + other.woken,
        words: one.words + other.words,
        wrong: one.wrong + other.wrong,
        sent: one.sent + other.sent,
        wake_ms: one.wake_ms + other.wake_ms,
        sent_ms: one.sent_ms + other.sent_ms,
    })
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

fn mean(sum: u128, count: usize) -> u128 {
    sum / (count.max(1) as u128)
}

fn main() {
    let began = Instant::now();
    let mut args = std::env::args().skip_while(|arg| arg != "--every").skip(1);
    let every: usize = args
        .next()
        .map_or(1, |every| every.parse().expect("a number"));
    let mut cases = Vec::new();
    for trigger in 0..TRIGGERS.len() {
        for voice in 0..VOICES.len() {
            for command in 0..COMMANDS.len() {
                for noise in 0..NOISE.len() {
                    cases.push(Case {
                        trigger,
                        voice,
                        command,
                        noise,
                    });
                }
            }
        }
    }
    let cases: Vec<Case> = cases.into_iter().step_by(every).collect();
    let tallies = on_all_cores(cases.len(), |place, engine| tried(&cases[place], engine));
    println!(
        "Synthesised speech ({}), {} commands each; it says nothing of real people.\n",
        VOICES.join(", "),
        COMMANDS.len()
    );
    println!("| trigger | sound | woken | words wrong | wake after trigger | sent after speech |");
    println!("|---|---|---|---|---|---|");
    for (trigger, name) in TRIGGERS.iter().enumerate() {
        for (noise, (sound, _)) in NOISE.iter().enumerate() {
            let all = sum(cases
                .iter()
                .zip(&tallies)
                .filter(|(case, _)| case.trigger == trigger && case.noise == noise)
                .map(|(_, tally)| *tally));
            println!(
                "| {name} | {sound} | {}/{} ({:.0} %) | {:.0} % of {} | {} ms | {} ms |",
                all.woken,
                all.tried,
                percent(all.woken, all.tried),
                percent(all.wrong, all.words),
                all.words,
                mean(all.wake_ms, all.woken),
                mean(all.sent_ms, all.sent),
            );
        }
    }

    let near: Vec<(usize, String)> = NEAR
        .iter()
        .flat_map(|one| NEAR_ENDS.iter().map(move |end| format!("{one} {end}")))
        .step_by(every)
        .enumerate()
        .collect();
    let results = on_all_cores(near.len(), |place, kept| {
        let (number, sentence) = &near[place];
        let mut samples = quiet(0.6);
        samples.extend(said(VOICES[number % VOICES.len()], sentence));
        let spoken = samples.len();
        samples.extend(quiet(1.5));
        let opened = kept.take().unwrap_or_else(engine);
        let (report, back) = rehearse_again(
            &samples,
            opened,
            &Triggers::new(&TRIGGERS),
            Timing::USUAL,
            Start::Trigger,
        )
        .unwrap();
        *kept = back;
        let woken: Vec<String> = report
            .happened
            .into_iter()
            .filter_map(|happened| {
                let Happened::Wake { trigger, .. } = happened else {
                    return None;
                };
                Some(trigger)
            })
            .collect();
        (spoken, woken, sentence.clone())
    });
    let speech: Duration = results
        .iter()
        .map(|(spoken, ..)| recording::duration(*spoken))
        .sum();
    let hours = speech.as_secs_f64() / 3600.0;
    println!(
        "\nNear misses: {} sentences, {:.1} minutes of speech, all four triggers listened for at once.\n",
        results.len(),
        speech.as_secs_f64() / 60.0
    );
    println!("| trigger | false accepts | per hour of near misses |");
    println!("|---|---|---|");
    for trigger in TRIGGERS {
        let false_accepts = results
            .iter()
            .flat_map(|(_, woken, _)| woken)
            .filter(|woken| *woken == trigger)
            .count();
        println!(
            "| {trigger} | {false_accepts} | {:.0} |",
            false_accepts as f64 / hours
        );
    }
    for (_, woken, sentence) in results.iter().filter(|(_, woken, _)| !woken.is_empty()) {
        println!("  {}: \"{sentence}\"", woken.join(", "));
    }
    println!("\nTook {:.0} s.", began.elapsed().as_secs_f64());
}
