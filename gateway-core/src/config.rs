//! Our settings file, and what we read of the official `openclaw.json`.
//!
//! In reading order: [`environment`] is what the process was started with, handed in once;
//! [`paths`] turns it into places; [`document`] is JSON5 with positions, so that an error names a
//! line and a key and a change touches nothing else; [`settings`] are our own values and
//! [`settings_file`] keeps them; [`layer`] says which of default, file, environment and command
//! line wins, [`impact`] what a change redoes; [`openclaw_json`] reads the official file, and
//! writes it only when a person has seen what and said so; [`gateway_here`] gathers what a gateway on this computer is started with;
//! [`gateway_url`] says which addresses may be dialled without encryption, and [`tls_fingerprint`]
//! pins the certificate of those that are encrypted; [`invitation`] reads setup codes and links;
//! [`shortcut`] is a combination of keys as a value.

pub mod document;
pub mod environment;
pub mod gateway_here;
pub mod gateway_url;
pub mod impact;
pub mod invitation;
pub mod layer;
pub mod log_level;
pub mod machine;
pub mod notifications;
pub mod openclaw_json;
pub mod paths;
pub mod private_file;
pub mod problem;
pub mod settings;
pub mod settings_file;
pub mod shortcut;
pub mod tls_fingerprint;
pub mod voice;

pub use environment::{Environment, Platform};
pub use gateway_url::GatewayUrl;
pub use impact::Impact;
pub use invitation::Invitation;
pub use layer::{Origin, Overrides, Setting, Settled};
pub use log_level::LogLevel;
pub use notifications::Notifications;
pub use paths::Places;
pub use problem::FileProblem;
pub use settings::{
    HostKeyPolicy, Profile, ProfileId, RunsWhere, Settings, SignInChoice, Transport,
};
pub use settings_file::{SaveError, SettingsFile};
pub use tls_fingerprint::TlsFingerprint;
