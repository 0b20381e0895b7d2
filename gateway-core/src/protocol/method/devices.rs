//! Devices that may connect, and their tokens: `device.pair.*`, `device.token.*`.

use super::{Done, NoParams};
use crate::protocol::connect::IssuedToken;
use crate::protocol::{DeviceId, PairingRequestId};

methods! {
    /// The devices that may connect and those that ask to.
    DevicePairList("device.pair.list", Pairing): NoParams => DevicePairListPayload;
    /// Lets a device connect.
    DevicePairApprove("device.pair.approve", Pairing): PairingDecisionParams => DevicePairApprovePayload;
    /// Refuses a device.
    DevicePairReject("device.pair.reject", Pairing): PairingDecisionParams => DevicePairRejectPayload;
    /// Takes a device's permission away and closes its connections.
    DevicePairRemove("device.pair.remove", Pairing): DeviceParams => DevicePairRemovePayload;
    /// Names a device. Newer gateways only.
    DevicePairRename("device.pair.rename", Pairing): DevicePairRenameParams => Done;
    /// Replaces a device's token; its other connections are closed.
    DeviceTokenRotate("device.token.rotate", Pairing): DeviceTokenParams => DeviceTokenRotatePayload;
    /// Makes a device's token invalid.
    DeviceTokenRevoke("device.token.revoke", Pairing): DeviceTokenParams => DeviceTokenRevokePayload;
}

shape! {
    /// The devices that may connect and those that ask to.
    DevicePairListPayload {
        /// Those that ask.
        pending: Vec<PendingDevice>,
        /// Those that may.
        paired: Vec<PairedDevice>,
    }
}

shape! {
    /// A device that asks to connect. Also the payload of the `device.pair.requested` event.
    PendingDevice {
        /// What to approve or refuse; a later request of the same device replaces it.
        request_id: PairingRequestId,
        /// Which device.
        device_id: DeviceId,
    }
    may have {
        /// Its public key.
        public_key: String,
        /// What it calls itself.
        display_name: String,
        /// Its operating system.
        platform: String,
        /// Which kind of client asks.
        client_id: String,
        /// How that client is used.
        client_mode: String,
        /// The role it asks for.
        role: String,
        /// The scopes it asks for.
        scopes: Vec<String>,
        /// Where it connects from.
        remote_ip: String,
        /// Whether it was known before and asks again.
        is_repair: bool,
        /// When it asked, in milliseconds since 1970.
        ts: u64,
    }
}

shape! {
    /// A device that may connect.
    PairedDevice {
        /// Which device.
        device_id: DeviceId,
    }
    may have {
        /// What it is called.
        display_name: String,
        /// Its operating system.
        platform: String,
        /// Which kind of client it is.
        client_id: String,
        /// How that client is used.
        client_mode: String,
        /// What it may be connected for.
        roles: Vec<String>,
        /// What it may do.
        scopes: Vec<String>,
        /// Whether it is connected now.
        connected: bool,
        /// `silent` for one let in by itself on the gateway's own machine, `owner` …
        approved_via: String,
        /// When it was first let in, in milliseconds since 1970.
        created_at_ms: u64,
        /// When it was last let in, in milliseconds since 1970.
        approved_at_ms: u64,
        /// When it was last connected, in milliseconds since 1970.
        last_seen_at_ms: u64,
        /// Its tokens, without the secret.
        tokens: Vec<TokenSummary>,
    }
}

shape! {
    /// A device token, without the secret.
    TokenSummary {
        /// The role it is for.
        role: String,
    }
    may have {
        /// What it allows.
        scopes: Vec<String>,
        /// When it was issued, in milliseconds since 1970.
        created_at_ms: u64,
        /// When it was replaced last, in milliseconds since 1970.
        rotated_at_ms: u64,
    }
}

params! {
    /// Params of the methods that approve or refuse.
    PairingDecisionParams {
        /// Which request.
        request_id: PairingRequestId,
    }
}

shape! {
    /// The device that may now connect.
    DevicePairApprovePayload {
        /// The request that was approved.
        request_id: PairingRequestId,
        /// The device.
        device: PairedDevice,
    }
}

shape! {
    /// The device that may not connect.
    DevicePairRejectPayload {
        /// The request that was refused.
        request_id: PairingRequestId,
    }
    may have {
        /// Which device.
        device_id: DeviceId,
    }
}

params! {
    /// Params of a method about one device.
    DeviceParams {
        /// Which device.
        device_id: DeviceId,
    }
}

shape! {
    /// The device that was removed.
    DevicePairRemovePayload {
        /// Which device.
        device_id: DeviceId,
    }
}

params! {
    /// Params of `device.pair.rename`.
    DevicePairRenameParams {
        /// Which device.
        device_id: DeviceId,
        /// What to call it.
        label: String,
    }
}

params! {
    /// Params of `device.token.rotate` and `device.token.revoke`.
    DeviceTokenParams {
        /// Which device.
        device_id: DeviceId,
        /// The role the token is for.
        role: String,
    }
}

shape! {
    /// The replaced token.
    DeviceTokenRotatePayload {
        /// Which device.
        device_id: DeviceId,
        /// The role the token is for.
        role: String,
    }
    may have {
        /// What it allows.
        scopes: Vec<String>,
        /// The token; only for the device itself, when it signed in with the old one.
        token: IssuedToken,
        /// `in-band` or why the token is not here.
        token_delivery: String,
        /// When it was replaced, in milliseconds since 1970.
        rotated_at_ms: u64,
    }
}

shape! {
    /// The invalid token.
    DeviceTokenRevokePayload {
        /// Which device.
        device_id: DeviceId,
        /// The role the token was for.
        role: String,
    }
    may have {
        /// When it became invalid, in milliseconds since 1970.
        revoked_at_ms: u64,
    }
}
