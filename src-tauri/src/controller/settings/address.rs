//! Addresses as people type and paste them: of a server that is reached over SSH, and of a gateway.

use super::{capitalised, fault};
use crate::view_model::FieldError;
use gateway_core::{
    config::{GatewayUrl, Invitation, Profile, TlsFingerprint},
    tunnel::{SshTarget, TargetError},
};

/// Reads the fields of a gateway that is reached by its URL.
pub(super) fn fill_direct(profile: &mut Profile, faults: &mut Vec<FieldError>) {
    let url = match url(&profile.url) {
        Ok(url) => url,
        Err(problem) => {
            faults.push(problem);
            return;
        }
    };
    profile.url = url.to_string();
    if profile.tls_fingerprint.is_empty() {
        return;
    }
    match profile.tls_fingerprint.parse::<TlsFingerprint>() {
        Err(problem) => faults.push(fault(
            "tlsFingerprint",
            format!("{}.", capitalised(&problem.to_string())),
        )),
        // A pin that could never be looked at would only seem to protect.
        Ok(_) if !url.is_encrypted() => faults.push(fault(
            "tlsFingerprint",
            "A ws:// gateway shows no certificate. Write wss://, or leave this empty.".to_owned(),
        )),
        Ok(pin) => profile.tls_fingerprint = pin.to_string(),
    }
}

/// Refuses what is no address but a setup code or a link, which may hold a secret and is read elsewhere.
pub(super) fn refuse_invitation(field: &str, text: &str) -> Result<(), FieldError> {
    if Invitation::looks_like_one(text) {
        return Err(fault(
            field,
            "This is a setup code or link, not an address. Paste it here in one piece.".to_owned(),
        ));
    }
    Ok(())
}

fn url(text: &str) -> Result<GatewayUrl, FieldError> {
    let fault = |problem: String| fault("url", format!("{}.", capitalised(&problem)));
    let url = GatewayUrl::pasted(text).map_err(|problem| fault(problem.to_string()))?;
    url.check_plain()
        .map_err(|problem| fault(problem.to_string()))?;
    Ok(url)
}

/// Reads an address as people paste it, of a server or of a gateway, and returns it as it will be
/// dialled.
pub(in crate::controller) fn check_address(text: &str) -> Result<String, FieldError> {
    refuse_invitation("address", text)?;
    if GatewayUrl::looks_like_one(text) {
        return url(text).map(|url| url.to_string());
    }
    text.parse::<SshTarget>()
        .map(|target| target.to_string())
        .map_err(|problem| fault_of(&problem))
}

pub(super) fn fault_of(problem: &TargetError) -> FieldError {
    let fix = match problem {
        TargetError::Empty => {
            return fault(
                "address",
                "Enter the server's address, such as me@home-server.".to_owned(),
            );
        }
        TargetError::PasswordInAddress => "",
        TargetError::RemoteCommand => " Leave the command out.",
        TargetError::UnsupportedOption(_) => " Leave it out.",
        TargetError::PortOutOfRange | TargetError::DanglingColon | TargetError::PortTwice => {
            " Write the port once, as in me@home-server:2222."
        }
        TargetError::LeadingDash
        | TargetError::Whitespace
        | TargetError::ControlCharacter
        | TargetError::EmptyUser
        | TargetError::EmptyHost
        | TargetError::BadHost(_)
        | TargetError::BadBrackets
        | TargetError::BadUri
        | TargetError::MissingOptionValue(_)
        | TargetError::UnclosedQuote
        | TargetError::UserTwice => " Write it as me@home-server, or paste the whole ssh command.",
    };
    fault(
        "address",
        format!("{}.{fix}", capitalised(&problem.to_string())),
    )
}
