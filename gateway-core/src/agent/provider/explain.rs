//! What a failure of `genai` or of the HTTP client below it means.
//!
//! Providers write their errors freely, so besides the status a few well-known words decide.

use super::super::model::{ModelError, ModelErrorKind};
use crate::credentials::secret::ProviderKey;
use genai::webc::StreamTimeout;
use reqwest::header::HeaderMap;
use rustls::CertificateError;
use serde_json::Value;
use std::error::Error as StdError;
use std::time::Duration;

/// How much of a provider's own words is passed on, in bytes.
const LONGEST_MESSAGE: usize = 300;

/// By these words providers say that the conversation is too long.
const TOO_LONG: [&str; 9] = [
    "context_length_exceeded",
    "context length",
    "context window",
    "prompt is too long",
    "too many tokens",
    "maximum context",
    "exceed_context_size",
    "exceeds the available context",
    "request_too_large",
];

/// By these words a provider says that it will not answer.
const REFUSED: [&str; 3] = [
    "content_policy",
    "content_filter",
    "content management policy",
];

/// By these words a refusal for now is one for good: the account has no money left.
const NO_CREDIT: [&str; 3] = ["insufficient_quota", "credit balance", "billing"];

/// Explains a failure; the key never appears in the words.
pub(super) fn explain(
    model: &str,
    host: &str,
    key: Option<&ProviderKey>,
    error: genai::Error,
) -> ModelError {
    let (kind, message, status, retry_after) =
        by_certificate(&error, host).unwrap_or_else(|| sort(error));
    ModelError {
        kind,
        model: model.to_owned(),
        message: presentable(&message, key),
        status,
        retry_after,
    }
}

type Sorted = (ModelErrorKind, String, Option<u16>, Option<Duration>);

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "genai's errors are many and grow; the ones not named are faults of the request"
)]
fn sort(error: genai::Error) -> Sorted {
    match error {
        genai::Error::HttpError {
            status,
            body,
            headers,
            ..
        } => {
            let status = status.as_u16();
            let words = words(&body);
            let message = format!("HTTP {status}: {words}");
            (
                by_status(status, &body),
                message,
                Some(status),
                retry_after(&headers),
            )
        }
        genai::Error::WebStream { error, cause, .. } => match error.downcast::<genai::Error>() {
            Ok(inner) => sort(*inner),
            Err(error) => by_cause(error.as_ref(), &cause),
        },
        genai::Error::WebModelCall { webc_error, .. } => {
            (ModelErrorKind::Network, webc_error.to_string(), None, None)
        }
        genai::Error::ChatResponse { body, .. } => {
            let text = body.to_string();
            (by_words(&text), words(&text), None, None)
        }
        genai::Error::StreamParse { serde_error, .. } => (
            ModelErrorKind::Server,
            format!("the provider sent something that is no answer: {serde_error}"),
            None,
            None,
        ),
        other => (ModelErrorKind::BadRequest, other.to_string(), None, None),
    }
}

/// Finds out whether the provider could not show who it is, or did not speak TLS at all.
fn by_certificate(error: &genai::Error, host: &str) -> Option<Sorted> {
    let fault = tls_fault(error)?;
    let (kind, message) = if let rustls::Error::InvalidCertificate(fault) = fault {
        (
            ModelErrorKind::Certificate,
            format!(
                "the certificate of {host} is not accepted: {}",
                reason(fault)
            ),
        )
    } else {
        (
            ModelErrorKind::Network,
            format!("the encrypted connection to {host} failed: {fault}"),
        )
    };
    Some((kind, message, None, None))
}

/// Looks for TLS's own error behind the ones that are wrapped around it.
fn tls_fault<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    if let Some(fault) = error.downcast_ref::<rustls::Error>() {
        return Some(fault);
    }
    // These two hide what they hold from `source`.
    if let Some(inner) = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref)
    {
        return tls_fault(inner);
    }
    if let Some(genai::Error::WebStream { error, .. }) = error.downcast_ref::<genai::Error>() {
        return tls_fault(error.as_ref());
    }
    tls_fault(error.source()?)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the faults are many and grow; the ones not named say themselves what they are"
)]
fn reason(fault: &CertificateError) -> String {
    match fault {
        CertificateError::UnknownIssuer => "nobody this computer trusts has signed it".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it was made for another name".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet".to_owned()
        }
        CertificateError::BadSignature => "the one it names did not sign it".to_owned(),
        CertificateError::Revoked => "it was revoked".to_owned(),
        other => other.to_string(),
    }
}

fn by_cause(error: &(dyn std::error::Error + Send + Sync + 'static), cause: &str) -> Sorted {
    let (kind, message) = if error.downcast_ref::<StreamTimeout>().is_some() {
        (ModelErrorKind::Timeout, cause.to_owned())
    } else if let Some(http) = error.downcast_ref::<reqwest::Error>() {
        if http.is_connect() || http.is_timeout() {
            // A connection that is not made in time is one that is not made.
            (
                ModelErrorKind::Network,
                "the provider cannot be reached".to_owned(),
            )
        } else if http.is_body() || http.is_decode() {
            (ModelErrorKind::CutStream, "the answer broke off".to_owned())
        } else {
            (
                ModelErrorKind::Network,
                "the connection to the provider failed".to_owned(),
            )
        }
    } else {
        (ModelErrorKind::CutStream, cause.to_owned())
    };
    (kind, message, None, None)
}

fn by_status(status: u16, body: &str) -> ModelErrorKind {
    let says = |words: &[&str]| {
        let body = body.to_ascii_lowercase();
        words.iter().any(|word| body.contains(word))
    };
    match status {
        401..=403 => ModelErrorKind::Auth,
        408 => ModelErrorKind::Timeout,
        413 => ModelErrorKind::ContextTooLong,
        429 if says(&NO_CREDIT) => ModelErrorKind::Auth,
        429 => ModelErrorKind::RateLimit,
        503 | 529 => ModelErrorKind::Overloaded,
        // llama.cpp and Ollama answer a conversation that is too long with 500.
        400..=599 if says(&TOO_LONG) => ModelErrorKind::ContextTooLong,
        400..=499 if says(&REFUSED) => ModelErrorKind::Refused,
        500..=599 => ModelErrorKind::Server,
        _ => ModelErrorKind::BadRequest,
    }
}

/// Sorts an error that came inside a stream, where there is no status.
fn by_words(body: &str) -> ModelErrorKind {
    let body = body.to_ascii_lowercase();
    let says = |word: &str| body.contains(word);
    if says("overloaded") {
        ModelErrorKind::Overloaded
    } else if says("rate_limit") {
        ModelErrorKind::RateLimit
    } else if says("authentication") || says("permission_error") || says("invalid_api_key") {
        ModelErrorKind::Auth
    } else if TOO_LONG.iter().any(|word| says(word)) {
        ModelErrorKind::ContextTooLong
    } else if REFUSED.iter().any(|word| says(word)) {
        ModelErrorKind::Refused
    } else if says("invalid_request") {
        ModelErrorKind::BadRequest
    } else {
        ModelErrorKind::Server
    }
}

/// Finds the words for people in a provider's error: `error.message`, `error` or `message`.
fn words(body: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    parsed
        .as_ref()
        .and_then(|value| {
            ["/error/message", "/error", "/message", "/detail"]
                .iter()
                .find_map(|place| value.pointer(place).and_then(Value::as_str))
        })
        .unwrap_or(if parsed.is_some() || body.trim_start().starts_with('<') {
            "no explanation"
        } else {
            body
        })
        .to_owned()
}

/// `Retry-After` in seconds, or the finer `retry-after-ms` of OpenAI; a date is not followed.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("retry-after-ms")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}

fn presentable(message: &str, key: Option<&ProviderKey>) -> String {
    let mut message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(key) = key.map(ProviderKey::expose).filter(|key| !key.is_empty()) {
        message = message.replace(key, "***");
    }
    message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_words_give_the_kind() {
        let cases = [
            (401, "", ModelErrorKind::Auth),
            (
                429,
                r#"{"error":{"message":"slow down"}}"#,
                ModelErrorKind::RateLimit,
            ),
            (
                429,
                r#"{"error":{"code":"insufficient_quota"}}"#,
                ModelErrorKind::Auth,
            ),
            (
                400,
                r#"{"error":{"code":"context_length_exceeded"}}"#,
                ModelErrorKind::ContextTooLong,
            ),
            (
                400,
                r#"{"error":{"message":"prompt is too long: 9 tokens"}}"#,
                ModelErrorKind::ContextTooLong,
            ),
            (
                400,
                r#"{"error":{"code":"content_policy_violation"}}"#,
                ModelErrorKind::Refused,
            ),
            (
                404,
                r#"{"error":"model 'x' not found"}"#,
                ModelErrorKind::BadRequest,
            ),
            (500, "", ModelErrorKind::Server),
            (529, "", ModelErrorKind::Overloaded),
        ];
        for (status, body, kind) in cases {
            assert_eq!(by_status(status, body), kind, "{status} {body}");
        }
        assert_eq!(
            by_words(r#"{"type":"error","error":{"type":"overloaded_error"}}"#),
            ModelErrorKind::Overloaded
        );
    }

    #[test]
    fn the_providers_own_words_are_found_and_a_page_of_html_is_not_passed_on() {
        assert_eq!(words(r#"{"error":{"message":"no"}}"#), "no");
        assert_eq!(words(r#"{"error":"no"}"#), "no");
        assert_eq!(words("<html>…"), "no explanation");
    }

    #[test]
    fn a_key_in_a_providers_words_is_struck_out() {
        let key = ProviderKey::new("sk-canary");

        let shown = presentable(
            &format!("bad key sk-canary {}", "é".repeat(400)),
            Some(&key),
        );

        assert!(shown.starts_with("bad key *** é") && shown.len() <= LONGEST_MESSAGE);
    }
}
