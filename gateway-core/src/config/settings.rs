//! Our own settings, as values.
//!
//! What the file holds besides these is none of this module's business: [`super::settings_file`]
//! changes single keys and leaves the rest, so unknown keys and a newer version's keys survive.

use super::document::{Document, Fault, Step};
use super::gateway_url::{GatewayUrl, GatewayUrlError};
use super::log_level::LogLevel;
use super::notifications::Notifications;
use super::shortcut::Shortcuts;
use super::tls_fingerprint::{TlsFingerprint, TlsFingerprintError};
use super::voice::VoiceSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;
use uuid::Uuid;

/// The version of the file's shape that this program writes.
pub const VERSION: u64 = 1;

/// The gateway's port on both ends where nothing else is said.
pub const DEFAULT_PORT: u16 = 18789;

/// Names one profile for as long as it lives; secrets are stored under it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ProfileId(String);

impl ProfileId {
    /// Longer ones do not fit every keychain's account field comfortably.
    const LONGEST: usize = 64;

    /// Makes a new one that no other profile has.
    pub fn generate() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// Names the gateway on this computer, of which there is one whatever the profiles are.
    pub fn this_computer() -> Self {
        Self("this-computer".to_owned())
    }

    /// Takes one from a file: letters, digits, `-`, `_` and `.`, at most 64 of them.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (!text.is_empty() && text.len() <= Self::LONGEST && text.bytes().all(plain))
            .then(|| Self(text.to_owned()))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where OpenClaw runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunsWhere {
    /// Not decided.
    NotConfigured,
    /// On this computer.
    ThisComputer,
    /// On another computer or server.
    AnotherComputer,
}

/// How another computer's gateway is reached; spelled as `gateway.remote.transport`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Transport {
    /// Through an SSH tunnel; what an absent key means.
    Ssh,
    /// By its URL.
    Direct,
}

/// How to sign in to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignInChoice {
    /// Agent and keys, then whatever the server asks.
    Automatic,
    /// One key file.
    KeyFile,
    /// The account's password.
    Password,
}

/// How unknown host keys are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostKeyPolicy {
    /// A person is asked, whatever the SSH configuration says.
    #[default]
    Strict,
    /// As `StrictHostKeyChecking` of the SSH configuration says. Changed keys stop us all the same.
    OpenSsh,
}

/// The language of the windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Language {
    /// As the system says.
    System,
    /// English.
    English,
    /// Danish.
    Danish,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Theme {
    /// As the system says.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Why a profile's URL cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectSettingsError {
    /// The URL.
    #[error(transparent)]
    Url(GatewayUrlError),
    /// The fingerprint.
    #[error(transparent)]
    Fingerprint(TlsFingerprintError),
}

/// Everything the user can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The profile in use.
    pub active_profile: ProfileId,
    /// Whether first run was finished or skipped.
    pub first_run_done: bool,
    /// The language of the windows.
    pub language: Language,
    /// Light or dark.
    pub theme: Theme,
    /// How much is written to the log.
    pub log_level: LogLevel,
    /// Which notifications are shown.
    #[serde(flatten)]
    pub notifications: Notifications,
    /// How this computer listens.
    #[serde(flatten)]
    pub voice: VoiceSettings,
    /// Which keys work while another program has the keyboard.
    #[serde(flatten)]
    pub shortcuts: Shortcuts,
    /// One entry for each gateway the user has described; never empty.
    pub profiles: Vec<Profile>,
}

/// One gateway and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Names the profile for as long as it lives.
    pub id: ProfileId,
    /// What the user calls it; empty where its server's name will do.
    pub name: String,
    /// Where OpenClaw runs.
    pub runs: RunsWhere,
    /// How another computer's gateway is reached.
    pub transport: Transport,
    /// The gateway's URL, for [`Transport::Direct`]; empty when not given.
    pub url: String,
    /// The certificate that alone is accepted at a `wss://` URL; empty when the system decides.
    pub tls_fingerprint: String,
    /// The server's SSH address as typed; empty when not given.
    pub address: String,
    /// How to sign in to the server.
    pub sign_in: SignInChoice,
    /// The key file for [`SignInChoice::KeyFile`]; empty when none.
    pub identity_file: PathBuf,
    /// How unknown host keys are treated.
    pub host_key_policy: HostKeyPolicy,
    /// The port local programs use.
    pub local_port: u16,
    /// The gateway's port on the server.
    pub remote_port: u16,
    /// Whether to connect when the app starts.
    pub connect_on_launch: bool,
    /// Whether the loopback port is opened at all.
    pub listener_enabled: bool,
    /// Whether a gateway runs on this computer too while another computer's is used.
    pub also_run_here: bool,
}

impl Profile {
    /// Returns a profile in which nothing is decided yet.
    pub fn new(id: ProfileId) -> Self {
        Self {
            id,
            name: String::new(),
            runs: RunsWhere::NotConfigured,
            transport: Transport::Ssh,
            url: String::new(),
            tls_fingerprint: String::new(),
            address: String::new(),
            sign_in: SignInChoice::Automatic,
            identity_file: PathBuf::new(),
            host_key_policy: HostKeyPolicy::default(),
            local_port: DEFAULT_PORT,
            remote_port: DEFAULT_PORT,
            connect_on_launch: true,
            listener_enabled: true,
            also_run_here: false,
        }
    }

    /// Returns whether it is reached by its URL.
    pub fn is_direct(&self) -> bool {
        self.runs == RunsWhere::AnotherComputer && self.transport == Transport::Direct
    }

    /// Returns the way to a gateway that is reached by its URL.
    ///
    /// # Errors
    ///
    /// When the URL or the fingerprint in the settings cannot be used.
    pub fn direct(&self) -> Result<(GatewayUrl, Option<TlsFingerprint>), DirectSettingsError> {
        let url = self.url.parse().map_err(DirectSettingsError::Url)?;
        let pin = match self.tls_fingerprint.trim() {
            "" => None,
            text => Some(text.parse().map_err(DirectSettingsError::Fingerprint)?),
        };
        Ok((url, pin))
    }

    /// Returns the name under which its gateway's secrets are kept. The gateway on this computer has
    /// its own: what lets us into another computer's has to survive a change to this one and back.
    pub fn secrets(&self) -> ProfileId {
        match self.runs {
            RunsWhere::ThisComputer => ProfileId::this_computer(),
            RunsWhere::AnotherComputer | RunsWhere::NotConfigured => self.id.clone(),
        }
    }
}

impl Settings {
    /// Returns the settings of a first start, with one undecided profile.
    pub fn new(id: ProfileId) -> Self {
        Self {
            active_profile: id.clone(),
            first_run_done: false,
            language: Language::System,
            theme: Theme::System,
            log_level: LogLevel::default(),
            notifications: Notifications::default(),
            voice: VoiceSettings::default(),
            shortcuts: Shortcuts::default(),
            profiles: vec![Profile::new(id)],
        }
    }

    /// Returns the profile in use; `None` only if the list was emptied by hand.
    pub fn active(&self) -> Option<&Profile> {
        self.profiles
            .iter()
            .find(|profile| profile.id == self.active_profile)
            .or_else(|| self.profiles.first())
    }

    /// Returns the profile in use for changing it.
    pub fn active_mut(&mut self) -> Option<&mut Profile> {
        let index = self
            .profiles
            .iter()
            .position(|profile| profile.id == self.active_profile)
            .unwrap_or(0);
        self.profiles.get_mut(index)
    }

    /// Reads the settings out of a document, filling what is absent from `fresh`.
    ///
    /// A value this version does not understand is a fault, unless the file says that a newer
    /// version wrote it: then the value stays in the file and `fresh`'s is used.
    ///
    /// # Errors
    ///
    /// Names the first key whose value cannot be used.
    pub fn read(document: &Document, fresh: &Self) -> Result<Self, Fault> {
        let version = document.get(&["version".into()]);
        let newer = version.and_then(|version| version.as_u64()) > Some(VERSION);
        let reader = Reader { document, newer };
        if !document.value().is_object() {
            return Err(document.fault(&[], "the settings must be one object in braces"));
        }
        let root = Place::default();
        let mut profiles = Vec::new();
        for index in 0..reader.list_len("profiles")? {
            let place = root.at("profiles").at(index);
            profiles.push(reader.profile(&place)?);
        }
        if let Some(twice) = repeated(&profiles) {
            let place = root.at("profiles").at(twice).at("id");
            return Err(document.fault(&place.0, "another profile already has this id"));
        }
        if profiles.is_empty() {
            profiles.clone_from(&fresh.profiles);
        }
        let first = profiles
            .first()
            .map_or(&fresh.active_profile, |profile| &profile.id);
        Ok(Self {
            active_profile: reader.id(&root.at("activeProfile"), Some(first))?,
            first_run_done: reader.flag(&root.at("firstRunDone"), fresh.first_run_done)?,
            language: reader.choice(
                &root.at("language"),
                fresh.language,
                "must be \"system\", \"english\" or \"danish\"",
            )?,
            theme: reader.choice(
                &root.at("theme"),
                fresh.theme,
                "must be \"system\", \"light\" or \"dark\"",
            )?,
            log_level: reader.choice(
                &root.at("logLevel"),
                fresh.log_level,
                "must be \"info\", \"debug\" or \"trace\"",
            )?,
            notifications: reader.notifications(fresh.notifications)?,
            voice: reader.voice(&fresh.voice)?,
            shortcuts: reader.shortcuts(fresh.shortcuts)?,
            profiles,
        })
    }
}

fn repeated(profiles: &[Profile]) -> Option<usize> {
    (0..profiles.len()).find(|index| {
        profiles
            .iter()
            .take(*index)
            .any(|earlier| Some(&earlier.id) == profiles.get(*index).map(|profile| &profile.id))
    })
}

/// A path being built, key by key.
#[derive(Debug, Clone, Default)]
struct Place(Vec<Step>);

impl Place {
    fn at(&self, step: impl Into<Step>) -> Self {
        let mut path = self.0.clone();
        path.push(step.into());
        Self(path)
    }
}

struct Reader<'a> {
    document: &'a Document,
    newer: bool,
}

impl Reader<'_> {
    fn profile(&self, place: &Place) -> Result<Profile, Fault> {
        let id = self.id(&place.at("id"), None)?;
        let usual = Profile::new(id);
        Ok(Profile {
            name: self.text(&place.at("name"))?,
            runs: self.choice(
                &place.at("runs"),
                usual.runs,
                "must be \"notConfigured\", \"thisComputer\" or \"anotherComputer\"",
            )?,
            transport: self.choice(
                &place.at("transport"),
                usual.transport,
                "must be \"ssh\" or \"direct\"",
            )?,
            url: self.text(&place.at("url"))?,
            tls_fingerprint: self.text(&place.at("tlsFingerprint"))?,
            address: self.text(&place.at("address"))?,
            sign_in: self.choice(
                &place.at("signIn"),
                usual.sign_in,
                "must be \"automatic\", \"keyFile\" or \"password\"",
            )?,
            identity_file: PathBuf::from(self.text(&place.at("identityFile"))?),
            host_key_policy: self.choice(
                &place.at("hostKeyPolicy"),
                usual.host_key_policy,
                "must be \"strict\" or \"openssh\"",
            )?,
            local_port: self.port(&place.at("localPort"))?,
            remote_port: self.port(&place.at("remotePort"))?,
            connect_on_launch: self.flag(&place.at("connectOnLaunch"), usual.connect_on_launch)?,
            listener_enabled: self.flag(&place.at("listenerEnabled"), usual.listener_enabled)?,
            also_run_here: self.flag(&place.at("alsoRunHere"), usual.also_run_here)?,
            id: usual.id,
        })
    }

    fn notifications(&self, usual: Notifications) -> Result<Notifications, Fault> {
        let switch = |key: &str, usual| self.flag(&Place::default().at(key), usual);
        Ok(Notifications {
            needs_you: switch("notifyNeedsYou", usual.needs_you)?,
            lost: switch("notifyLost", usual.lost)?,
            restored: switch("notifyRestored", usual.restored)?,
            requests: switch("notifyRequests", usual.requests)?,
            replies: switch("notifyReplies", usual.replies)?,
        })
    }

    fn voice(&self, usual: &VoiceSettings) -> Result<VoiceSettings, Fault> {
        let at = |key: &str| Place::default().at(key);
        Ok(VoiceSettings {
            wake: self.flag(&at("voiceWake"), usual.wake)?,
            push_to_talk: self.flag(&at("voicePushToTalk"), usual.push_to_talk)?,
            engine: self.choice(
                &at("voiceEngine"),
                usual.engine,
                "must be \"pocketSphinx\" or \"whisper\"",
            )?,
            model: self.text(&at("voiceModel"))?,
            language: self.text(&at("voiceLanguage"))?,
            microphone: self.text(&at("voiceMicrophone"))?,
            microphone_name: self.text(&at("voiceMicrophoneName"))?,
            chimes: self.flag(&at("voiceChimes"), usual.chimes)?,
        })
    }

    fn shortcuts(&self, usual: Shortcuts) -> Result<Shortcuts, Fault> {
        let keys = |key: &str, usual| {
            self.read(
                &Place::default().at(key),
                usual,
                "must be keys such as \"Ctrl+Alt+Space\", or empty for none",
                |value| match value.as_str()? {
                    "" => Some(None),
                    text => text.parse().ok().map(Some),
                },
            )
        };
        Ok(Shortcuts {
            quick_chat: keys("quickChatShortcut", usual.quick_chat)?,
            push_to_talk: keys("pushToTalkShortcut", usual.push_to_talk)?,
        })
    }

    fn list_len(&self, key: &str) -> Result<usize, Fault> {
        let place = Place::default().at(key);
        match (
            self.document.get(&place.0),
            self.document.array_len(&place.0),
        ) {
            (None, _) => Ok(0),
            (Some(_), Some(length)) => Ok(length),
            (Some(_), None) => Err(self.document.fault(&place.0, "must be a list in brackets")),
        }
    }

    fn id(&self, place: &Place, otherwise: Option<&ProfileId>) -> Result<ProfileId, Fault> {
        const WANTED: &str =
            "must be a profile's id: 1 to 64 letters, digits, dashes, dots or underscores";
        let value = self.document.get(&place.0);
        match (value.as_ref().map(Value::as_str), otherwise) {
            (Some(Some(text)), _) => ProfileId::parse(text),
            (None, Some(otherwise)) => Some(otherwise.clone()),
            (Some(None) | None, _) => None,
        }
        .ok_or_else(|| self.document.fault(&place.0, WANTED))
    }

    fn text(&self, place: &Place) -> Result<String, Fault> {
        self.read(place, String::new(), "must be a text in quotes", |value| {
            Some(value.as_str()?.to_owned())
        })
    }

    fn flag(&self, place: &Place, usual: bool) -> Result<bool, Fault> {
        self.read(place, usual, "must be true or false", Value::as_bool)
    }

    fn port(&self, place: &Place) -> Result<u16, Fault> {
        self.read(
            place,
            DEFAULT_PORT,
            "must be a port from 1 to 65535",
            |value| {
                u16::try_from(value.as_u64()?)
                    .ok()
                    .filter(|port| *port != 0)
            },
        )
    }

    fn choice<T: Copy + serde::de::DeserializeOwned>(
        &self,
        place: &Place,
        usual: T,
        wanted: &str,
    ) -> Result<T, Fault> {
        self.read(place, usual, wanted, |value| T::deserialize(value).ok())
    }

    fn read<T>(
        &self,
        place: &Place,
        usual: T,
        wanted: &str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, Fault> {
        match self.document.get(&place.0) {
            None | Some(Value::Null) => Ok(usual),
            Some(value) => match convert(&value) {
                Some(value) => Ok(value),
                None if self.newer => Ok(usual),
                None => Err(self.document.fault(&place.0, wanted)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::voice::VoiceEngine;
    use super::*;

    fn read(text: &str) -> Result<Settings, Fault> {
        let fresh = Settings::new(ProfileId::parse("fresh").unwrap());
        Settings::read(&Document::parse(text).unwrap(), &fresh)
    }

    #[test]
    fn an_empty_object_means_a_first_start() {
        assert_eq!(
            read("{}").unwrap(),
            Settings::new(ProfileId::parse("fresh").unwrap())
        );
    }

    #[test]
    fn every_key_is_read() {
        let settings = read(
            "{ version: 1, activeProfile: 'b', firstRunDone: true, language: 'danish', theme: 'dark', logLevel: 'debug',
               notifyNeedsYou: false, notifyLost: false, notifyRestored: false, notifyRequests: false,
               notifyReplies: false, voiceWake: true, voicePushToTalk: true, voiceEngine: 'whisper', voiceModel: 'base',
               voiceLanguage: 'da', voiceMicrophone: 'alsa:hw', voiceMicrophoneName: 'Desk', voiceChimes: false,
               quickChatShortcut: '', pushToTalkShortcut: 'f9', profiles: [ { id: 'a' }, { id: 'b', name: 'Home', runs: 'anotherComputer', address: 'me@box',
               signIn: 'keyFile', identityFile: '/k', hostKeyPolicy: 'openssh', localPort: 1, remotePort: 65535,
               connectOnLaunch: false, listenerEnabled: false, alsoRunHere: true, transport: 'direct',
               url: 'wss://box', tlsFingerprint: 'sha256:ab' } ] }",
        )
        .unwrap();

        let active = settings.active().unwrap();
        assert_eq!((active.id.as_str(), active.name.as_str()), ("b", "Home"));
        assert_eq!(active.runs, RunsWhere::AnotherComputer);
        assert_eq!(active.sign_in, SignInChoice::KeyFile);
        assert_eq!(active.host_key_policy, HostKeyPolicy::OpenSsh);
        assert_eq!((active.local_port, active.remote_port), (1, 65535));
        assert_eq!(active.transport, Transport::Direct);
        assert_eq!(
            (active.url.as_str(), active.tls_fingerprint.as_str()),
            ("wss://box", "sha256:ab")
        );
        assert!(active.is_direct());
        let voice = VoiceSettings {
            wake: true,
            push_to_talk: true,
            engine: VoiceEngine::Whisper,
            model: "base".to_owned(),
            language: "da".to_owned(),
            microphone: "alsa:hw".to_owned(),
            microphone_name: "Desk".to_owned(),
            chimes: false,
        };
        assert_eq!(settings.voice, voice);
        let shortcuts = Shortcuts {
            quick_chat: None,
            push_to_talk: Some("F9".parse().unwrap()),
        };
        assert_eq!(settings.shortcuts, shortcuts);
        assert!(matches!(
            active.direct(),
            Err(DirectSettingsError::Fingerprint(_))
        ));
        assert!(!active.connect_on_launch && !active.listener_enabled && active.also_run_here);
        assert_eq!(
            (settings.language, settings.theme),
            (Language::Danish, Theme::Dark)
        );
        assert_eq!(settings.log_level, LogLevel::Debug);
        let all_off = Notifications {
            needs_you: false,
            lost: false,
            restored: false,
            requests: false,
            replies: false,
        };
        assert_eq!(settings.notifications, all_off);
    }

    #[test]
    fn a_value_that_cannot_be_used_names_its_key_and_place() {
        let cases = [
            ("{\n  theme: 'pink' }", 2, "theme"),
            ("{ quickChatShortcut: 'Q' }", 1, "quickChatShortcut"),
            (
                "{ profiles: [ { id: 'a',\n localPort: 0 } ] }",
                2,
                "profiles[0].localPort",
            ),
            (
                "{ profiles: [ { id: 'a', address: 5 } ] }",
                1,
                "profiles[0].address",
            ),
            ("{ profiles: [\n{ address: 'x' } ] }", 2, "profiles[0].id"),
            (
                "{ profiles: [ { id: 'a' },\n{ id: 'a' } ] }",
                2,
                "profiles[1].id",
            ),
            ("{ profiles: [ { id: 'a/b' } ] }", 1, "profiles[0].id"),
            ("{ profiles: 1 }", 1, "profiles"),
        ];
        for (text, line, key) in cases {
            let fault = read(text).unwrap_err();
            assert_eq!(
                (fault.line, fault.key.as_deref()),
                (line, Some(key)),
                "{text}"
            );
        }
        assert!(read("[]").is_err());
    }

    #[test]
    fn a_newer_files_unknown_choices_fall_back_instead_of_failing() {
        let settings =
            read("{ version: 2, profiles: [ { id: 'a', runs: 'cloud', signIn: 'passkey' } ] }")
                .unwrap();

        let active = settings.active().unwrap();
        assert_eq!(active.runs, RunsWhere::NotConfigured);
        assert_eq!(active.sign_in, SignInChoice::Automatic);
    }
}
