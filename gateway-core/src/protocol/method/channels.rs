//! The messengers a gateway is connected to: `channels.status`.

use serde_json::{Map, Value};

methods! {
    /// How each channel is doing.
    ChannelsStatus("channels.status", Read): ChannelsStatusParams => ChannelsStatusPayload;
}

params! {
    /// Params of `channels.status`.
    ChannelsStatusParams {}
    may have {
        /// Whether to ask the channels' own servers.
        probe: bool,
        /// How long that may take, in milliseconds.
        timeout_ms: u64,
        /// Only this channel.
        channel: String,
    }
}

shape! {
    /// How each channel is doing, by channel id.
    ChannelsStatusPayload {
        /// When this was measured, in milliseconds since 1970.
        ts: u64,
        /// The order to show channels in.
        channel_order: Vec<String>,
        /// What to call each channel.
        channel_labels: Map<String, Value>,
        /// Each channel's state.
        channels: Map<String, Value>,
        /// Each channel's accounts.
        channel_accounts: Map<String, Value>,
        /// The account each channel uses by default.
        channel_default_account_id: Map<String, Value>,
    }
}
