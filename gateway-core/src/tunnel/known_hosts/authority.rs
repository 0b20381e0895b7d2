//! Servers that an authority vouches for (`@cert-authority` lines), and which names such a line is for.

use super::line::Marker;
use super::{DEFAULT_PORT, KnownHosts, Placed, Verdict, lookup_name};
use crate::tunnel::host_certificate::{self, CertificateFault};
use crate::tunnel::host_key::{HOST_KEY_ALGORITHMS, PresentedKey};
use russh::keys::{Algorithm, Certificate};
use std::time::SystemTime;

impl KnownHosts {
    /// Says whether to trust a server that shows a certificate for `key`, its own key.
    ///
    /// As in OpenSSH, a certificate that is not good leaves the question whether the key itself is known.
    pub(in crate::tunnel) fn verdict_on_certificate(
        &self,
        key: &PresentedKey,
        certificate: &Certificate,
        now: SystemTime,
    ) -> Verdict {
        let Ok(authority) = host_certificate::authority(certificate).to_bytes() else {
            return self.verdict(key);
        };
        let names = self.names_of(key.host(), key.port());
        let matching = || names.iter().flat_map(|name| self.matching(name));
        let is_one_of = |placed: &Placed, keys: &[&[u8]]| {
            placed
                .line
                .blob
                .as_deref()
                .is_some_and(|blob| keys.contains(&blob))
        };
        let revoked = matching().find(|placed| {
            placed.line.marker == Marker::Revoked && is_one_of(placed, &[key.blob(), &authority])
        });
        if let Some(placed) = revoked {
            return Verdict::Revoked {
                by: placed.describe(),
            };
        }
        let is_trusted = matching().any(|placed| {
            placed.line.marker == Marker::Authority && is_one_of(placed, &[&authority])
        });
        let fault = if is_trusted {
            host_certificate::fault(certificate, key.host(), now)
        } else {
            Some(CertificateFault::OtherAuthority)
        };
        let Some(fault) = fault else {
            return Verdict::Trusted;
        };
        match self.verdict(key) {
            Verdict::AuthorityOnly { authority, .. } => Verdict::AuthorityOnly { authority, fault },
            verdict @ (Verdict::Trusted
            | Verdict::Unknown
            | Verdict::Changed { .. }
            | Verdict::Revoked { .. }) => verdict,
        }
    }

    /// Returns the algorithms of certificates to offer: none, unless an authority is trusted for the host.
    pub fn certificate_algorithms_for(&self, host: &str, port: u16) -> Vec<Algorithm> {
        let has_authority = self.names_of(host, port).iter().any(|name| {
            self.matching(name)
                .iter()
                .any(|placed| placed.line.marker == Marker::Authority)
        });
        if has_authority {
            HOST_KEY_ALGORITHMS.to_vec()
        } else {
            Vec::new()
        }
    }

    /// Returns the names a server goes by here: its own, and without the port (as ssh has it).
    fn names_of(&self, host: &str, port: u16) -> Vec<String> {
        let mut names = vec![lookup_name(host, port)];
        if port != DEFAULT_PORT {
            names.push(lookup_name(host, DEFAULT_PORT));
        }
        names
    }
}

#[cfg(test)]
mod tests;
