//! How long the steps of opening a tunnel may take.

use std::time::Duration;

/// How long each step may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TunnelLimits {
    /// Looking up the name.
    pub resolve: Duration,
    /// Connecting to any of its addresses.
    pub tcp: Duration,
    /// The key exchange.
    pub key_exchange: Duration,
    /// Signing in, without the time an agent's owner takes to agree.
    pub sign_in: Duration,
    /// Opening one channel.
    pub forward: Duration,
}

impl Default for TunnelLimits {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(3),
            tcp: Duration::from_secs(5),
            key_exchange: Duration::from_secs(5),
            sign_in: Duration::from_secs(10),
            forward: Duration::from_secs(5),
        }
    }
}

/// How many round trips a step may take beyond its limit: its own three or four, and a lost packet's.
const ROUND_TRIPS: u32 = 5;
/// A round trip that every limit has room for.
const NEAR: Duration = Duration::from_millis(200);

impl TunnelLimits {
    /// The limits of the steps that follow where connecting took so long: a far server is not a dead one.
    pub(super) fn so_far_away(self, round_trip: Duration) -> Self {
        let more = round_trip.saturating_sub(NEAR) * ROUND_TRIPS;
        Self {
            key_exchange: self.key_exchange + more,
            sign_in: self.sign_in + more,
            forward: self.forward + more,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_server_has_no_more_time_and_a_far_one_has_a_lost_packets_more() {
        let usual = TunnelLimits::default();
        assert_eq!(usual.so_far_away(NEAR), usual);
        let far = usual.so_far_away(NEAR + Duration::from_secs(2));
        assert_eq!((far.resolve, far.tcp), (usual.resolve, usual.tcp));
        assert_eq!(far.key_exchange, Duration::from_secs(15));
        assert_eq!(far.sign_in, Duration::from_secs(20));
        assert_eq!(far.forward, Duration::from_secs(15));
    }
}
