//! Codes that sign in one browser page each: made by the gateway, shown to whoever runs it, good
//! once, for a minute, on this computer.
//!
//! Only their hashes are kept. A code that was used or has expired is remembered for a while, so
//! that the page can say which it was. Time is handed in.

use super::random_secret;
use crate::credentials::secret::SingleUseCode;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

/// How long a code is good. Long enough to click a link, too short to be found later.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(60);
/// How many codes are remembered, spent ones included; the oldest makes room.
const MOST_REMEMBERED: usize = 32;

/// The codes that were made lately.
#[derive(Debug, Default)]
pub(super) struct SingleUseCodes {
    /// Oldest first.
    made: VecDeque<Made>,
}

#[derive(Debug)]
struct Made {
    digest: [u8; 32],
    good_until: Instant,
    is_used: bool,
}

/// Why a code lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum CodeRefusal {
    /// It signed somebody in already.
    #[error("this single-use code was used before (make a new link on the gateway's computer)")]
    Used,
    /// Its minute is over.
    #[error("this single-use code has expired (make a new link on the gateway's computer)")]
    Expired,
    /// This gateway did not make it, or not since its last start.
    #[error("this single-use code is not known (make a new link on the gateway's computer)")]
    Unknown,
    /// The caller is not on this computer.
    #[error("single-use codes are only good on the gateway's own computer")]
    Elsewhere,
}

impl CodeRefusal {
    /// Returns the word for `details.authReason`.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Used => "bootstrap_token_used",
            Self::Expired => "bootstrap_token_expired",
            Self::Unknown => "bootstrap_token_unknown",
            Self::Elsewhere => "bootstrap_token_not_local",
        }
    }
}

impl SingleUseCodes {
    /// Makes a code.
    pub(super) fn make(&mut self, now: Instant) -> SingleUseCode {
        let code = SingleUseCode::new(random_secret().as_str());
        while self.made.len() >= MOST_REMEMBERED {
            self.made.pop_front();
        }
        self.made.push_back(Made {
            digest: Sha256::digest(code.expose()).into(),
            good_until: now + GOOD_FOR,
            is_used: false,
        });
        code
    }

    /// Uses a code up.
    ///
    /// # Errors
    ///
    /// Says why it is not good. Every code is compared, and in constant time.
    pub(super) fn redeem(&mut self, sent: &SingleUseCode, now: Instant) -> Result<(), CodeRefusal> {
        let digest = Sha256::digest(sent.expose());
        let mut found = None;
        for made in &mut self.made {
            if made.digest.ct_eq(digest.as_slice()).into() {
                found = Some(made);
            }
        }
        let made = found.ok_or(CodeRefusal::Unknown)?;
        if made.is_used {
            return Err(CodeRefusal::Used);
        }
        if now >= made.good_until {
            return Err(CodeRefusal::Expired);
        }
        made.is_used = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once() {
        let (mut codes, now) = (SingleUseCodes::default(), Instant::now());
        let (first, second) = (codes.make(now), codes.make(now));

        assert_eq!(codes.redeem(&first, now), Ok(()));
        assert_eq!(codes.redeem(&first, now), Err(CodeRefusal::Used));
        assert_eq!(codes.redeem(&second, now), Ok(()));
    }

    #[test]
    fn a_code_is_good_for_a_minute() {
        let (mut codes, now) = (SingleUseCodes::default(), Instant::now());
        let (early, late) = (codes.make(now), codes.make(now));
        let last_moment = now + Duration::from_millis(59_999);

        assert_eq!(codes.redeem(&early, last_moment), Ok(()));
        let over = now + Duration::from_secs(60);
        assert_eq!(codes.redeem(&late, over), Err(CodeRefusal::Expired));
        assert_eq!(codes.redeem(&early, over), Err(CodeRefusal::Used));
    }

    #[test]
    fn a_guess_is_not_known_and_uses_nothing_up() {
        let (mut codes, now) = (SingleUseCodes::default(), Instant::now());
        let code = codes.make(now);
        let shorter = code.expose().get(1..).unwrap_or_default();

        for guess in ["", " ", shorter, "0000"] {
            let guess = SingleUseCode::new(guess);
            assert_eq!(codes.redeem(&guess, now), Err(CodeRefusal::Unknown));
        }
        assert_eq!(codes.redeem(&code, now), Ok(()));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let (mut codes, now) = (SingleUseCodes::default(), Instant::now());
        let first = codes.make(now);
        for _ in 0..MOST_REMEMBERED {
            drop(codes.make(now));
        }

        assert_eq!(codes.made.len(), MOST_REMEMBERED);
        assert_eq!(codes.redeem(&first, now), Err(CodeRefusal::Unknown));
    }

    #[test]
    fn codes_do_not_repeat_and_are_not_shown() {
        let (mut codes, now) = (SingleUseCodes::default(), Instant::now());
        let (one, other) = (codes.make(now), codes.make(now));

        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), 43);
        assert!(!format!("{codes:?}").contains(one.expose()));
    }
}
