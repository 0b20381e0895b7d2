//! `question.*`: what agents ask people (protocol §11).

use super::super::questions::{self, Standing};
use super::super::refusals::{Refusal, invalid, key_of, read};
use super::super::router::Call;
use super::super::session_keys::{DEFAULT_AGENT, agent_of};
use crate::protocol::SessionKey;
use crate::protocol::id::QuestionSetId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::timeout;

/// How long questions wait where nothing is said, and at most.
const USUAL_WAIT: Duration = Duration::from_secs(15 * 60);
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// How many questions a set has at most, how many answers each offers, how long its header is.
const MOST_QUESTIONS: usize = 3;
const MOST_OPTIONS: usize = 4;
const LONGEST_HEADER: usize = 12;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestParams {
    id: Option<QuestionSetId>,
    questions: Vec<Question>,
    agent_id: Option<String>,
    session_key: Option<SessionKey>,
    timeout_ms: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Question {
    question_id: String,
    header: String,
    question: String,
    options: Vec<Choice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_select: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_other: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_secret: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl Question {
    fn fault(&self) -> Option<&'static str> {
        let mut id = self.question_id.chars();
        let starts = id.next().is_some_and(|c| c.is_ascii_lowercase());
        if !starts || !id.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            Some("questionId must match ^[a-z][a-z0-9_]*$")
        } else if self.header.chars().count() > LONGEST_HEADER {
            Some("header must have 12 characters at most")
        } else if self.question.is_empty() {
            Some("question must not be empty")
        } else if self.options.len() > MOST_OPTIONS {
            Some("options must be 4 at most")
        } else if self.options.iter().any(|option| option.label.is_empty()) {
            Some("label must not be empty")
        } else if self.is_secret == Some(true) {
            // Answers are told to everybody who may answer.
            Some("isSecret is not served: this gateway keeps no secrets for questions")
        } else {
            None
        }
    }
}

/// `question.request`.
pub(super) async fn request(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: RequestParams = read("question.request", params)?;
    let refuse = |what: &str| Err(invalid(&format!("invalid question.request params: {what}")));
    if params.questions.is_empty() || params.questions.len() > MOST_QUESTIONS {
        return refuse("at /questions: must have 1 to 3 items");
    }
    if let Some(fault) = params.questions.iter().find_map(Question::fault) {
        return refuse(&format!("at /questions: {fault}"));
    }
    let ids: BTreeSet<&str> = params
        .questions
        .iter()
        .map(|question| question.question_id.as_str())
        .collect();
    if ids.len() < params.questions.len() {
        return refuse("at /questions: questionId must be unique");
    }
    let key = params.session_key.as_ref().map(key_of).transpose()?;
    let agent = params
        .agent_id
        .as_deref()
        .or(key.as_ref().map(agent_of))
        .unwrap_or(DEFAULT_AGENT);
    let mut record = json!({"questions": params.questions, "agentId": agent});
    if let Some(key) = &key {
        record["sessionKey"] = json!(key);
    }
    let wait = params.timeout_ms.map_or(USUAL_WAIT, Duration::from_millis);
    let id = params
        .id
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string().into());
    let asked = questions::ask(&call.gateway, id, record, wait.min(LONGEST_WAIT));
    let asked = asked.ok_or_else(|| invalid("question id already in use, or too many wait"))?;
    Ok(json!({"id": asked["id"], "expiresAtMs": asked["expiresAtMs"]}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WaitParams {
    id: QuestionSetId,
    timeout_ms: Option<u64>,
}

/// `question.waitAnswer`.
pub(super) async fn wait_answer(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: WaitParams = read("question.waitAnswer", params)?;
    let Some(mut standing) = call.gateway.questions.watch(&params.id) else {
        return Err(unknown());
    };
    // A set always ends by itself, so waiting for it does.
    let wait = params
        .timeout_ms
        .map_or(LONGEST_WAIT, Duration::from_millis);
    let settled = timeout(
        wait.min(LONGEST_WAIT),
        standing.wait_for(|now| *now != Standing::Pending),
    );
    match settled.await {
        Ok(Ok(settled)) => Ok(settled.on_the_wire()),
        Ok(Err(_)) => Ok(Standing::Expired.on_the_wire()),
        Err(_) => Ok(Standing::Pending.on_the_wire()),
    }
}

#[derive(Debug, Deserialize)]
struct ResolveParams {
    id: QuestionSetId,
    answers: Option<Answers>,
    #[serde(default)]
    cancel: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answers {
    answers: BTreeMap<String, Vec<String>>,
}

/// `question.resolve`.
pub(super) async fn resolve(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: ResolveParams = read("question.resolve", params)?;
    let Some(asked) = call.gateway.questions.get(&params.id) else {
        return Err(unknown());
    };
    let standing = match (&params.answers, params.cancel) {
        (None, true) => Standing::Cancelled,
        (Some(answers), false) => {
            check(&asked, answers)?;
            Standing::Answered(json!(answers))
        }
        (Some(_), true) | (None, false) => {
            return Err(invalid(
                "invalid question.resolve params: must have answers or cancel",
            ));
        }
    };
    let answer = standing.on_the_wire();
    if questions::settle(&call.gateway, &params.id, standing) {
        Ok(answer)
    } else {
        Err(invalid("question already resolved"))
    }
}

/// Every answer belongs to a question, every question has one, and only some take several.
fn check(asked: &Value, answers: &Answers) -> Result<(), Refusal> {
    let questions: Vec<Question> =
        serde_json::from_value(asked["questions"].clone()).unwrap_or_default();
    let refuse = |what: &str, id: &str| {
        Err(invalid(&format!(
            "invalid question.resolve params: at /answers/answers/{id}: {what}"
        )))
    };
    for id in answers.answers.keys() {
        if !questions.iter().any(|question| question.question_id == *id) {
            return refuse("no such question", id);
        }
    }
    for question in &questions {
        let id = &question.question_id;
        match answers.answers.get(id).map_or(0, Vec::len) {
            0 => return refuse("must have an answer", id),
            1 => {}
            _ if question.multi_select == Some(true) => {}
            _ => return refuse("must have one answer", id),
        }
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
struct GetParams {
    id: QuestionSetId,
}

/// `question.get`.
pub(super) fn get(call: &Call, params: Value) -> Result<Value, Refusal> {
    let params: GetParams = read("question.get", params)?;
    match call.gateway.questions.get(&params.id) {
        Some(question) => Ok(json!({"question": question})),
        None => Err(unknown()),
    }
}

/// `question.list`.
pub(super) fn list(call: &Call, _params: Value) -> Result<Value, Refusal> {
    Ok(json!({"questions": call.gateway.questions.waiting()}))
}

fn unknown() -> Refusal {
    let mut refusal = invalid("unknown question id");
    let details: Map<String, Value> = [("reason".to_owned(), json!("QUESTION_NOT_FOUND"))]
        .into_iter()
        .collect();
    refusal.details = Some(Value::Object(details));
    refusal
}
