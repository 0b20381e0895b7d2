//! Devices that ask to connect, from the request to what was decided (protocol §5).

use super::State;
use super::clock::now_ms;
use super::handshake::pending_on_the_wire;
use crate::protocol::connect::Scope;
use crate::protocol::{DeviceId, PairingRequestId};
use crate::store::{PendingPairing, StoreError};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Mutex;
use tokio::sync::watch;

/// How long a request waits, in milliseconds. A client that still wants in asks again.
const KEPT_MS: u64 = 5 * 60 * 1000;
/// How many decisions are remembered for those who wait for them.
const MOST_DECIDED: usize = 256;

/// What was decided about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decided {
    /// The device may do what it asked for.
    Approved,
    /// It may not, or it has asked for something else since.
    Rejected,
    /// Nobody decided in time.
    Expired,
}

impl Decided {
    /// Returns the word of the protocol.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }
}

/// The last decisions.
#[derive(Debug, Default)]
pub(super) struct Pairings {
    decided: Mutex<VecDeque<(PairingRequestId, DeviceId, Decided)>>,
    changed: watch::Sender<()>,
    /// Held from taking a request out of the store until its decision is noted, so that whoever looks
    /// in between does not find neither.
    settling: tokio::sync::Mutex<()>,
}

impl Pairings {
    fn note(&self, request: &PairingRequestId, device: &DeviceId, decided: Decided) {
        let mut all = super::held(&self.decided);
        if all.len() >= MOST_DECIDED {
            all.pop_front();
        }
        all.push_back((request.clone(), device.clone(), decided));
        drop(all);
        self.changed.send_replace(());
    }

    /// Waits for its turn to settle a request: to take it out of the store, and to tell.
    pub(super) async fn settling(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.settling.lock().await
    }

    /// Forgets a decision: what came of it has been handed out.
    pub(super) fn forget(&self, request: &PairingRequestId) {
        super::held(&self.decided).retain(|(known, _, _)| known != request);
    }

    fn find(&self, request: &PairingRequestId, device: &DeviceId) -> Option<Decided> {
        super::held(&self.decided)
            .iter()
            .find(|(known, of, _)| known == request && of == device)
            .map(|(_, _, decided)| *decided)
    }
}

/// Tells whoever may approve devices, and whoever waits, what was decided.
pub(super) fn told(
    gateway: &State,
    request: &PairingRequestId,
    device: &DeviceId,
    decided: Decided,
) {
    let payload = json!({
        "requestId": request, "deviceId": device, "decision": decided.as_str(), "ts": now_ms(),
    });
    tell_approvers(gateway, "device.pair.resolved", &payload);
    gateway.pairings.note(request, device, decided);
}

fn tell_approvers(gateway: &State, event: &'static str, payload: &Value) {
    gateway.announce(event, payload, |peer| peer.facts.may(&Scope::Pairing));
}

/// Puts a request down and tells whoever may approve it; returns the one that stands.
pub(super) async fn put_down(
    gateway: &State,
    asked: PendingPairing,
) -> Result<PairingRequestId, StoreError> {
    let _settling = gateway.pairings.settling().await;
    let requested = gateway.store.request_pairing(asked).await?;
    if let Some(replaced) = &requested.replaced {
        told(
            gateway,
            replaced,
            &requested.standing.device_id,
            Decided::Rejected,
        );
    }
    if requested.is_new {
        let pending = pending_on_the_wire(&requested.standing);
        tell_approvers(gateway, "device.pair.requested", &pending);
    }
    Ok(requested.standing.request_id)
}

/// Takes back what nobody decided about in time.
pub(super) async fn expire(gateway: &State) -> Result<(), StoreError> {
    let before = now_ms().saturating_sub(KEPT_MS);
    let _settling = gateway.pairings.settling().await;
    for expired in gateway.store.expire_pairings(before).await? {
        told(
            gateway,
            &expired.request_id,
            &expired.device_id,
            Decided::Expired,
        );
    }
    Ok(())
}

/// Waits for what is decided about a request of this device; `None` where it has none of that id.
pub(super) async fn decision(
    gateway: &State,
    request: &PairingRequestId,
    device: &DeviceId,
) -> Result<Option<Decided>, StoreError> {
    let mut changed = gateway.pairings.changed.subscribe();
    loop {
        if let Some(decided) = gateway.pairings.find(request, device) {
            return Ok(Some(decided));
        }
        let pending = gateway.store.pending_pairings().await?;
        let waits = pending
            .iter()
            .any(|asked| asked.request_id == *request && asked.device_id == *device);
        if !waits {
            // It may have been decided between the two looks, or is being noted now.
            let _settling = gateway.pairings.settling().await;
            return Ok(gateway.pairings.find(request, device));
        }
        tokio::select! {
            changed = changed.changed() => {
                if changed.is_err() {
                    return Ok(None);
                }
            }
            () = gateway.stop.cancelled() => return Ok(Some(Decided::Expired)),
        }
    }
}
