//! What the offline model answers to a text.
//!
//! | the user's text contains | the reply |
//! | --- | --- |
//! | `SLOW` | 60 small parts, half a second apart: time to stop it, or to cut the line |
//! | `LONG` | 400 words in 40 parts |
//! | `FLOOD` | 100 KB of Markdown in 2,000 parts, 200 a second, that ends in the text's last word |
//! | `PROMPTLY` | `Echo: ` and the text's last line, with no pause: for timing what is around it |
//! | `FAIL500` | HTTP 500 with an error body |
//! | `FAILSTREAM` | two parts, then the connection is cut |
//! | `CALL tool {…}` at the end | a call of that tool with those arguments, then `The tool said: ` and its result |
//! | `REPEAT` in its first line | the other lines, in about forty parts |
//! | anything else | `Echo: ` and the text's last line, in about eight parts |

use std::time::Duration;

use serde_json::Value;

/// A reply and the way it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its parts, each one event of the stream.
    pub parts: Vec<String>,
    /// How long before each part.
    pub pause: Duration,
    /// Whether the request is refused with a server error instead.
    pub fails: bool,
    /// Whether the connection is cut after the parts.
    pub cut: bool,
    /// The tool that is called instead of saying anything.
    pub call: Option<Call>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// Its arguments, as JSON.
    pub arguments: String,
}

impl Reply {
    /// Returns the reply to a chat-completions request.
    pub fn to_request(body: &Value) -> Self {
        let last = body.get("messages").and_then(Value::as_array);
        match last.and_then(|messages| messages.last()) {
            Some(said) if said.get("role").and_then(Value::as_str) == Some("tool") => {
                let result = content_text(said.get("content"));
                Self::in_parts(vec![format!("The tool said: {result}")], 0)
            }
            Some(_) | None => Self::to(&last_user_text(body)),
        }
    }

    fn in_parts(parts: Vec<String>, pause_ms: u64) -> Self {
        Self {
            parts,
            pause: Duration::from_millis(pause_ms),
            fails: false,
            cut: false,
            call: None,
        }
    }

    /// Returns the reply to `text`.
    pub fn to(text: &str) -> Self {
        let plain = Self::in_parts;
        if let Some((first, others)) = text.split_once('\n')
            && first.ends_with("REPEAT")
        {
            let letters: Vec<char> = others.trim().chars().collect();
            let size = letters.len().div_ceil(40).max(1);
            return plain(letters.chunks(size).map(String::from_iter).collect(), 1);
        }
        if let Some((tool, arguments)) = text
            .split_once("CALL ")
            .and_then(|(_, call)| call.split_once(' '))
        {
            return Self {
                call: Some(Call {
                    tool: tool.to_owned(),
                    arguments: arguments.trim().to_owned(),
                }),
                ..plain(Vec::new(), 0)
            };
        }
        if text.contains("FAIL500") {
            return Self {
                fails: true,
                ..plain(Vec::new(), 0)
            };
        }
        if text.contains("FAILSTREAM") {
            return Self {
                cut: true,
                ..plain(vec!["partial ".to_owned(), "answer ".to_owned()], 50)
            };
        }
        if text.contains("SLOW") {
            return plain((0..60).map(|n| format!("slow{n} ")).collect(), 500);
        }
        if text.contains("FLOOD") {
            let mark = text.split_whitespace().last().unwrap_or_default();
            let mut parts: Vec<String> = (0..1_999).map(part_of_a_flood).collect();
            parts.push(format!("\n\nAnd so {FLOOD_ENDS}: {mark}"));
            return plain(parts, 5);
        }
        if text.contains("LONG") {
            let words = |part: usize| (0..10).map(|n| format!("word{} ", part * 10 + n)).collect();
            return plain((0..40).map(words).collect(), 30);
        }
        let last_line = text.lines().last().unwrap_or_default();
        let said = format!("Echo: {last_line}");
        let words: Vec<&str> = said.split_inclusive(' ').collect();
        let size = words.len().div_ceil(8).max(1);
        let pause_ms = if text.contains("PROMPTLY") { 0 } else { 20 };
        plain(words.chunks(size).map(<[&str]>::concat).collect(), pause_ms)
    }
}

/// The last words of a flood, followed by a colon and the last word of what was asked.
pub const FLOOD_ENDS: &str = "the flood is over";

/// Some fifty bytes of a long answer: paragraphs, headings, lists, and here and there a block of code.
fn part_of_a_flood(part: usize) -> String {
    let text = match part % 40 {
        0 => format!("\n\n## Chapter {}\n\n", part / 40 + 1),
        12 => "\n\n- the first thing to **remember**".to_owned(),
        13 | 14 => "\n- another thing, and `some code`".to_owned(),
        15 => "\n\nWhat follows is said in ".to_owned(),
        28 => "\n\n```ts\n".to_owned(),
        29..=34 => format!("const value{part} = compute({part}, \"text\");\n"),
        35 => "```\n\nThat was the code; ".to_owned(),
        _ => format!("words of part {part}, one after the other, "),
    };
    // What is too short ends in a word more; a line of code ends with its line.
    match text.len() {
        length if length < 54 && !text.ends_with('\n') => {
            format!("{text}{} ", "o".repeat(53 - length))
        }
        _ => text,
    }
}

/// The older gateway follows the user's words with a message of its own that begins so.
const SENDER_NOTE: &str = "Sender (untrusted metadata):";

/// Returns the last thing the user said in a chat-completions request, without what the gateway
/// adds for the model alone.
pub fn last_user_text(body: &Value) -> String {
    let messages = body.get("messages").and_then(Value::as_array);
    messages
        .into_iter()
        .flatten()
        .rev()
        .filter(|message| message.get("role").and_then(Value::as_str) == Some("user"))
        .map(|message| without_wrapping(&content_text(message.get("content"))))
        .find(|text| !text.is_empty() && !text.starts_with(SENDER_NOTE))
        .unwrap_or_default()
}

fn content_text(content: Option<&Value>) -> String {
    let part_text = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(part_text)
            .collect::<Vec<_>>()
            .join("\n"),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            String::new()
        }
    }
}

/// What the gateway wraps around the user's words for the model: notes between two marks, a line
/// about its runtime at the end, and the time in brackets at the beginning.
fn without_wrapping(text: &str) -> String {
    const BEGIN: &str = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>";
    const END: &str = "<<<END_OPENCLAW_INTERNAL_CONTEXT>>>";
    const RUNTIME: &str = "\n\nRuntime: agent=";
    let mut rest = text.to_owned();
    while let Some(begin) = rest.find(BEGIN) {
        let end = rest[begin..]
            .find(END)
            .map_or(rest.len(), |at| begin + at + END.len());
        rest.replace_range(begin..end, "");
    }
    let words = rest.split(RUNTIME).next().unwrap_or_default().trim();
    let said = words
        .strip_prefix('[')
        .and_then(|stamped| stamped.split_once(" UTC] "))
        .map_or(words, |(_, said)| said);
    said.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_ordinary_text_is_echoed_in_parts() {
        let reply = Reply::to("a note\nhow are you this fine morning, dear friend of mine?");
        assert!(reply.parts.len() > 3);
        assert_eq!(
            reply.parts.concat(),
            "Echo: how are you this fine morning, dear friend of mine?"
        );
    }

    #[test]
    fn words_in_the_text_steer_the_reply() {
        assert!(Reply::to("please FAIL500").fails);
        assert!(Reply::to("please FAILSTREAM").cut);
        assert_eq!(Reply::to("SLOW").parts.len(), 60);
        assert_eq!(
            Reply::to("LONG").parts.concat().split_whitespace().count(),
            400
        );
    }

    #[test]
    fn a_flood_is_long_and_ends() {
        let reply = Reply::to("FLOOD of-mine");
        assert_eq!(reply.parts.len(), 2_000);
        assert!((95_000..=105_000).contains(&reply.parts.concat().len()));
        assert!(reply.parts[1_999].ends_with(&format!("{FLOOD_ENDS}: of-mine")));
    }

    #[test]
    fn a_text_is_repeated_word_for_word() {
        let reply = Reply::to("REPEAT\n\nSLOW **one**\n\nCALL two {}");
        assert_eq!(reply.parts.concat(), "SLOW **one**\n\nCALL two {}");
        assert_eq!(reply.call, None);
    }

    #[test]
    fn a_tool_is_called_once_and_its_result_told() {
        let asked = json!({"role": "user", "content": "please CALL exec {\"command\": \"date\"}"});
        let call = Reply::to_request(&json!({"messages": [asked]}))
            .call
            .unwrap();
        assert_eq!(call.tool, "exec");
        assert_eq!(call.arguments, r#"{"command": "date"}"#);

        let result = json!({"role": "tool", "tool_call_id": "call-1", "content": "noon"});
        let told = Reply::to_request(&json!({"messages": [asked, result]}));
        assert_eq!(told.call, None);
        assert_eq!(told.parts, ["The tool said: noon"]);
    }

    #[test]
    fn what_the_gateway_adds_for_the_model_is_not_what_the_user_said() {
        let body = json!({"messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": [{"type": "text", "text":
                "[Mon 2026-11-23 01:25 UTC] hello\n\nRuntime: agent=main | host=box"}]},
            {"role": "user", "content":
                "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> it is noon <<<END_OPENCLAW_INTERNAL_CONTEXT>>>"},
            {"role": "user", "content": "Sender (untrusted metadata):\n{}"},
        ]});
        assert_eq!(last_user_text(&body), "hello");
    }
}
