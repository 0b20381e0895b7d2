//! What must hold of any text as an invitation.

use super::*;

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let read = Invitation::read(&text);
    if text.len() > LONGEST {
        assert_eq!(read.err(), Some(InvitationError::TooLong));
        return;
    }
    let Ok(invitation) = read else {
        return;
    };
    assert!(
        Invitation::looks_like_one(&text),
        "it would be taken for an address"
    );
    assert!(invitation.name.chars().count() <= 60);
    assert!(!invitation.name.chars().any(char::is_control));
    match &invitation.place {
        InvitedTo::Gateway(url) => {
            // What is shown is what is dialled, and never in the clear to a stranger's host.
            assert_eq!(url.to_string().parse().as_ref(), Ok(url));
            assert!(url.check_plain().is_ok());
            assert!(invitation.tls_fingerprint.is_none() || url.is_encrypted());
        }
        InvitedTo::Server {
            target,
            gateway_port,
        } => {
            assert_eq!(target.check(), Ok(()));
            assert_eq!(target.identity_file, None, "it names a file of ours");
            assert_ne!(*gateway_port, Some(0));
            assert!(invitation.tls_fingerprint.is_none());
        }
    }
    let secret = match &invitation.secret {
        Some(InvitedSecret::Token(token)) => token.expose(),
        Some(InvitedSecret::Password(password)) => password.expose(),
        Some(InvitedSecret::SetupCode(code)) => code.expose(),
        None => return,
    };
    assert!(!secret.is_empty() && secret.len() <= LONGEST_SECRET);
    if secret.len() >= 12 {
        assert!(!format!("{invitation:?}").contains(secret), "it is shown");
    }
}
