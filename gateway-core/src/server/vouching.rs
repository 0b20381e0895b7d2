//! Callers somebody else speaks for: an identity-aware proxy, or Tailscale.
//!
//! What a request's head says is looked at when it comes, and used only where the configuration says
//! so and the client sends no credential of its own. It never approves a device: that is for
//! somebody who is let in already.

use super::State;
use super::exposure::{LocalAuth, TrustedProxyAuth};
use super::network::Network;
use super::peer_address::{
    Arrival, TailscaleClaim, TailscaleRefusal, is_forwarded, tailscale_claim,
};
use super::request_head::RequestHead;
use std::net::SocketAddr;

/// The longest name of a user, in bytes; e-mail addresses are shorter.
const LONGEST_USER: usize = 320;

/// What was said for a caller, and whether it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Vouched {
    /// Nothing that would count here.
    Nobody,
    /// A proxy names this user, by its rules.
    ByProxy(Result<String, ProxyRefusal>),
    /// Tailscale's fields are there; Tailscale itself has to be asked.
    ByTailscale(Result<TailscaleClaim, TailscaleRefusal>),
}

/// Why a proxy's word does not count. Each has its `details.code` (protocol §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProxyRefusal {
    /// The request did not come through a proxy of `gateway.trustedProxies`.
    #[error("the request did not come through a trusted proxy (gateway.trustedProxies)")]
    NotThroughProxy,
    /// A field the proxy has to set is missing, empty, or there twice.
    #[error("the proxy did not name the user in the fields of gateway.auth.trustedProxy")]
    FieldMissing,
    /// The user is not one of `allowUsers`.
    #[error("this user may not come in (gateway.auth.trustedProxy.allowUsers)")]
    NotAllowed,
}

impl ProxyRefusal {
    /// Returns the code of the protocol.
    pub(super) fn detail_code(self) -> &'static str {
        match self {
            Self::FieldMissing => "AUTH_IDENTITY_HEADER_REQUIRED",
            Self::NotThroughProxy | Self::NotAllowed => "AUTH_UNAUTHORIZED",
        }
    }
}

/// Looks at what a head says for its sender.
pub(super) fn look(
    gateway: &State,
    remote: SocketAddr,
    arrival: Arrival,
    head: &RequestHead<'_>,
) -> Vouched {
    let exposure = &gateway.config.exposure;
    match &exposure.auth {
        LocalAuth::TrustedProxy(rules) => Vouched::ByProxy(proxy_user(
            remote,
            arrival,
            head,
            rules,
            &exposure.trusted_proxies,
        )),
        LocalAuth::Token(_)
        | LocalAuth::Password(_)
        | LocalAuth::GenerateToken
        | LocalAuth::None => {
            match tailscale_claim(remote, head, arrival, exposure.allow_tailscale) {
                Ok(None) => Vouched::Nobody,
                Ok(Some(claim)) => Vouched::ByTailscale(Ok(claim)),
                Err(refusal) => Vouched::ByTailscale(Err(refusal)),
            }
        }
    }
}

/// Returns the user a trusted proxy names.
///
/// # Errors
///
/// [`ProxyRefusal`] unless the request came through a trusted proxy that says for whom, every
/// required field stands there once and says something, and the user is one that may.
fn proxy_user(
    remote: SocketAddr,
    arrival: Arrival,
    head: &RequestHead<'_>,
    rules: &TrustedProxyAuth,
    proxies: &[Network],
) -> Result<String, ProxyRefusal> {
    let peer = remote.ip().to_canonical();
    let is_proxy = proxies.iter().any(|range| range.contains(peer));
    // A program beside the proxy sends no forwarding field; it is not spoken for.
    if arrival != Arrival::Ordinary || !is_proxy || !is_forwarded(head) {
        return Err(ProxyRefusal::NotThroughProxy);
    }
    let value = |name: &str| match head.only(name) {
        Ok(Some(text)) if !text.trim().is_empty() => Ok(text.trim()),
        Ok(_) | Err(_) => Err(ProxyRefusal::FieldMissing),
    };
    for name in &rules.required_headers {
        value(name)?;
    }
    let user = value(&rules.user_header)?;
    if user.len() > LONGEST_USER {
        return Err(ProxyRefusal::FieldMissing);
    }
    if rules.allow_users.is_empty() || rules.allow_users.iter().any(|allowed| allowed == user) {
        Ok(user.to_owned())
    } else {
        Err(ProxyRefusal::NotAllowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORWARDED: (&str, &str) = ("X-Forwarded-For", "203.0.113.7");
    const USER: (&str, &str) = ("X-User", "ada@example.com");
    const PROVEN: (&str, &str) = ("X-Proven", "yes");

    fn judged(
        peer: &str,
        arrival: Arrival,
        fields: &[(&str, &str)],
        allow: &[&str],
    ) -> Result<String, ProxyRefusal> {
        let rules = TrustedProxyAuth {
            user_header: "x-user".to_owned(),
            required_headers: vec!["x-proven".to_owned()],
            allow_users: allow.iter().map(|user| (*user).to_owned()).collect(),
        };
        let head = RequestHead::new(
            "/",
            fields.iter().map(|(name, value)| (*name, value.as_bytes())),
        );
        let proxies: Vec<Network> = ["10.0.0.1", "fd00::1"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let remote = SocketAddr::new(peer.parse().unwrap(), 4711);
        proxy_user(remote, arrival, &head, &rules, &proxies)
    }

    /// A name, the peer, the listener, the fields, `allowUsers`, and what comes of it.
    type Case<'a> = (
        &'a str,
        &'a str,
        Arrival,
        Vec<(&'a str, &'a str)>,
        &'a [&'a str],
        Result<String, ProxyRefusal>,
    );

    /// Everything that has to be right, and each of it wrong alone.
    #[test]
    fn a_proxys_word_counts_only_if_everything_is_right() {
        use Arrival::{Ordinary, TailscaleManaged};
        use ProxyRefusal::{FieldMissing, NotAllowed, NotThroughProxy};
        let right = [FORWARDED, USER, PROVEN];
        let ada = Ok("ada@example.com".to_owned());
        let long = "a".repeat(LONGEST_USER + 1);
        let table: Vec<Case<'_>> = vec![
            (
                "everybody",
                "10.0.0.1",
                Ordinary,
                right.into(),
                &[],
                ada.clone(),
            ),
            (
                "over IPv6",
                "fd00::1",
                Ordinary,
                right.into(),
                &[],
                ada.clone(),
            ),
            (
                "mapped",
                "::ffff:10.0.0.1",
                Ordinary,
                right.into(),
                &[],
                ada.clone(),
            ),
            (
                "on the list",
                "10.0.0.1",
                Ordinary,
                right.into(),
                &["bo", "ada@example.com"],
                ada,
            ),
            (
                "not on the list",
                "10.0.0.1",
                Ordinary,
                right.into(),
                &["bo"],
                Err(NotAllowed),
            ),
            (
                "other capitals",
                "10.0.0.1",
                Ordinary,
                right.into(),
                &["Ada@example.com"],
                Err(NotAllowed),
            ),
            (
                "a beginning",
                "10.0.0.1",
                Ordinary,
                right.into(),
                &["ada@example.co"],
                Err(NotAllowed),
            ),
            (
                "another peer",
                "10.0.0.2",
                Ordinary,
                right.into(),
                &[],
                Err(NotThroughProxy),
            ),
            (
                "this computer",
                "127.0.0.1",
                Ordinary,
                right.into(),
                &[],
                Err(NotThroughProxy),
            ),
            (
                "Tailscale's listener",
                "10.0.0.1",
                TailscaleManaged,
                right.into(),
                &[],
                Err(NotThroughProxy),
            ),
            (
                "for nobody",
                "10.0.0.1",
                Ordinary,
                vec![USER, PROVEN],
                &[],
                Err(NotThroughProxy),
            ),
            (
                "no user",
                "10.0.0.1",
                Ordinary,
                vec![FORWARDED, PROVEN],
                &[],
                Err(FieldMissing),
            ),
            (
                "a blank user",
                "10.0.0.1",
                Ordinary,
                vec![FORWARDED, ("X-User", " "), PROVEN],
                &[],
                Err(FieldMissing),
            ),
            (
                "two users",
                "10.0.0.1",
                Ordinary,
                vec![FORWARDED, USER, USER, PROVEN],
                &[],
                Err(FieldMissing),
            ),
            (
                "a strange user",
                "10.0.0.1",
                Ordinary,
                vec![FORWARDED, ("X-User", "ad\u{e4}"), PROVEN],
                &[],
                Err(FieldMissing),
            ),
            (
                "a long user",
                "10.0.0.1",
                Ordinary,
                vec![FORWARDED, ("X-User", &long), PROVEN],
                &[],
                Err(FieldMissing),
            ),
            (
                "no proof",
                "10.0.0.1",
                Ordinary,
                vec![FORWARDED, USER],
                &[],
                Err(FieldMissing),
            ),
            (
                "a blank proof",
                "10.0.0.1",
                Ordinary,
                vec![FORWARDED, USER, ("X-Proven", "")],
                &[],
                Err(FieldMissing),
            ),
            (
                "two proofs",
                "10.0.0.1",
                Ordinary,
                vec![FORWARDED, USER, PROVEN, PROVEN],
                &[],
                Err(FieldMissing),
            ),
        ];
        for (name, peer, arrival, fields, allow, expected) in table {
            assert_eq!(judged(peer, arrival, &fields, allow), expected, "{name}");
        }
    }
}
