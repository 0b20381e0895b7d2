//! The status in words: what is counted is named, and times are said as people say them.

use super::super::intent::Language;
use super::choose;
use serde_json::Value;

/// Words a status for people. What is not known is left out; nothing is made up.
pub(in super::super) fn status(language: Language, status: &Value) -> String {
    let gateway = |key: &str| status.pointer(&format!("/gateway/{key}"));
    let session = |key: &str| status.pointer(&format!("/session/{key}"));
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    let mut lines = Vec::new();
    match (language, text(gateway("version"))) {
        (Language::English, Some(version)) => lines.push(format!("Gateway: version {version}")),
        (Language::Danish, Some(version)) => lines.push(format!("Gateway: version {version}")),
        (_, None) => {}
    }
    if let Some(ms) = number(gateway("uptimeMs")) {
        let uptime = duration(language, ms / 1000);
        lines.push(match language {
            Language::English => format!("Running for: {uptime}"),
            Language::Danish => format!("Har kørt i: {uptime}"),
        });
    }
    if let Some(time) = text(gateway("time")) {
        lines.push(match language {
            Language::English => format!("Time here: {time}"),
            Language::Danish => format!("Tid her: {time}"),
        });
    }
    let present: Vec<String> = [
        ("clients", ["client", "clients"], ["klient", "klienter"]),
        ("nodes", ["node", "nodes"], ["node", "noder"]),
    ]
    .into_iter()
    .filter_map(|(key, english, danish)| {
        Some(counted(
            language,
            number(gateway(key))?,
            [english, danish],
            "",
        ))
    })
    .collect();
    if !present.is_empty() {
        let label = choose(language, ["Connected", "Forbundet"]);
        let and = choose(language, [" and ", " og "]);
        lines.push(format!("{label}: {}", present.join(and)));
    }
    if let Some(count) = number(gateway("sessions")) {
        let words = [["conversation", "conversations"], ["samtale", "samtaler"]];
        let kept = choose(language, [" kept", " gemt"]);
        lines.push(capital(&counted(language, count, words, kept)));
    }
    if let Some(count) = number(gateway("runs")) {
        let words = [["answer", "answers"], ["svar", "svar"]];
        let under_way = choose(
            language,
            [" under way, this one included", " i gang, dette medregnet"],
        );
        lines.push(capital(&counted(language, count, words, under_way)));
    }
    if let Some(model) = text(session("model")).or_else(|| text(status.get("model"))) {
        let label = choose(language, ["Model of this conversation", "Samtalens model"]);
        let model = if model == "builtin/helper" {
            choose(
                language,
                [
                    "the built-in helper (no AI model yet)",
                    "den indbyggede hjælper (ingen AI-model endnu)",
                ],
            )
            .to_owned()
        } else {
            model
        };
        lines.push(format!("{label}: {model}"));
    }
    let tokens = [
        number(session("inputTokens")),
        number(session("outputTokens")),
    ];
    if let [Some(read), Some(written)] = tokens
        && read + written > 0
    {
        lines.push(match language {
            Language::English => {
                format!("Tokens of this conversation: {read} read, {written} written")
            }
            Language::Danish => format!("Samtalens tokens: {read} læst, {written} skrevet"),
        });
    }
    let mut said = choose(language, ["This is the status:", "Her er status:"]).to_owned();
    for line in lines {
        said.push_str("\n- ");
        said.push_str(&line);
    }
    said
}

/// A duration as people say it: its two largest parts at most, and none smaller than seconds.
fn duration(language: Language, seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, [["day", "days"], ["dag", "dage"]]),
        (seconds / 3_600 % 24, [["hour", "hours"], ["time", "timer"]]),
        (
            seconds / 60 % 60,
            [["minute", "minutes"], ["minut", "minutter"]],
        ),
        (
            seconds % 60,
            [["second", "seconds"], ["sekund", "sekunder"]],
        ),
    ];
    let first = parts
        .iter()
        .position(|(count, _)| *count > 0)
        .unwrap_or(parts.len());
    let said: Vec<String> = parts
        .iter()
        .skip(first)
        // Beside minutes nobody counts seconds.
        .take(if first == 2 { 1 } else { 2 })
        .filter(|(count, _)| *count > 0)
        .map(|(count, [english, danish])| match (language, count) {
            (Language::English, 1) => format!("1 {}", english[0]),
            (Language::English, count) => format!("{count} {}", english[1]),
            (Language::Danish, 1) => format!("1 {}", danish[0]),
            (Language::Danish, count) => format!("{count} {}", danish[1]),
        })
        .collect();
    if said.is_empty() {
        return choose(language, ["less than a second", "under et sekund"]).to_owned();
    }
    said.join(choose(language, [" and ", " og "]))
}

/// A count in words up to twelve, and what is counted.
fn counted(language: Language, count: u64, words: [[&str; 2]; 2], rest: &str) -> String {
    const ENGLISH: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    const DANISH: [&str; 13] = [
        "ingen", "en", "to", "tre", "fire", "fem", "seks", "syv", "otte", "ni", "ti", "elleve",
        "tolv",
    ];
    let [english, danish] = words;
    let (names, [one, many]) = match language {
        Language::English => (ENGLISH, english),
        Language::Danish => (DANISH, danish),
    };
    let word = if count == 1 { one } else { many };
    let number = usize::try_from(count)
        .ok()
        .and_then(|at| names.get(at).copied());
    match number {
        // "svar" is the only neuter word counted here.
        Some("en") if one == "svar" => format!("et {word}{rest}"),
        Some(number) => format!("{number} {word}{rest}"),
        None => format!("{count} {word}{rest}"),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_as_people_say_them() {
        for (seconds, english, danish) in [
            (0, "less than a second", "under et sekund"),
            (1, "1 second", "1 sekund"),
            (59, "59 seconds", "59 sekunder"),
            (60, "1 minute", "1 minut"),
            (199, "3 minutes", "3 minutter"),
            (3600, "1 hour", "1 time"),
            (7_260, "2 hours and 1 minute", "2 timer og 1 minut"),
            (86_400, "1 day", "1 dag"),
            (
                2 * 86_400 + 3 * 3_600 + 59,
                "2 days and 3 hours",
                "2 dage og 3 timer",
            ),
        ] {
            let said = |language| duration(language, seconds);
            assert_eq!(said(Language::English), english);
            assert_eq!(said(Language::Danish), danish);
        }
    }
}
