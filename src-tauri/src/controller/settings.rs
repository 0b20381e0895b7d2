//! The settings in force, and what a form makes of them.

mod address;
mod desktop;
mod gateways;
mod invitation;
mod owners;

pub(super) use address::check_address;
use gateways::called;
pub(super) use owners::KeptOwner;

use super::problems::{capitalised, sentence, ui_error};
use crate::logging::LogSwitch;
use crate::login_start::LoginStart;
use crate::tongue::Tongue;
use crate::view_model::{
    FieldError, FileProblemView, FoundConfigView, HostKeyPolicy, KeychainView, NotKept, RunsWhere,
    SettingsForm, SettingsView, ShortcutsView, SignInChoice, Transport, UiError, UserAction,
};
use gateway_core::{
    config::{
        self, Environment, FileProblem, GatewayUrl, Impact, Places, Profile, ProfileId, SaveError,
        Settings, SettingsFile,
        openclaw_json::{
            OfficialConfig,
            credentials::OfficialCredentials,
            write::{Change, WriteError},
        },
        paths::SshSurroundings,
    },
    connection::{explain, ssh_plan::SshPlan},
    credentials::{CredentialStore, Keeping, secret::GatewayToken},
    tunnel::{SshTarget, TargetError, TunnelError},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The settings in force and where they are kept.
pub struct KeptSettings {
    file: SettingsFile,
    environment: Environment,
    store: Arc<dyn CredentialStore>,
    login: LoginStart,
    log: LogSwitch,
    has_token: bool,
    found: Option<FoundConfigView>,
}

/// What became of a form.
#[derive(Debug)]
pub(super) struct Saved {
    /// What has to be redone.
    pub(super) impact: Impact,
    /// The gateway that was described.
    pub(super) gateway: ProfileId,
    /// What is to become of the gateway token.
    pub(super) token: TokenChange,
}

/// What a form says about the gateway token.
#[derive(Debug)]
pub(super) enum TokenChange {
    /// Nothing.
    Keep,
    /// Remove it.
    Forget,
    /// Keep this one from now on.
    Store(GatewayToken),
}

impl KeptSettings {
    /// Reads the settings; a file that cannot be read leaves those of a first start in force. `log` is
    /// told how much is to be logged, now and whenever that changes.
    pub fn load(
        places: &Places,
        environment: Environment,
        store: Arc<dyn CredentialStore>,
        log: LogSwitch,
    ) -> Self {
        let mut file = SettingsFile::new(places.settings_file());
        if let Err(problem) = file.load() {
            tracing::warn!(%problem, "the settings file cannot be used");
        }
        let mut kept = Self {
            file,
            login: LoginStart::of(&environment),
            log,
            environment,
            store,
            has_token: false,
            found: None,
        };
        kept.log.set(kept.file.settings().log_level);
        kept.look_for_official_config();
        kept
    }

    /// Returns everything that is set.
    pub(super) fn all(&self) -> &Settings {
        self.file.settings()
    }

    /// Returns what is wrong with the settings file, if anything.
    pub(super) fn file_problem(&self) -> Option<&FileProblem> {
        self.file.problem()
    }

    /// Returns where secrets are kept.
    pub(super) fn store(&self) -> Arc<dyn CredentialStore> {
        Arc::clone(&self.store)
    }

    /// Returns the profile in use.
    pub fn profile(&self) -> Profile {
        self.file
            .settings()
            .active()
            .cloned()
            .unwrap_or_else(|| Profile::new(ProfileId::generate()))
    }

    /// Returns the name under which what belongs to the gateway in use is kept: secrets, messages that
    /// wait for it.
    pub(super) fn gateway(&self) -> ProfileId {
        self.profile().secrets()
    }

    /// Returns the gateway a window named, or the one in use where that is no name.
    pub(super) fn gateway_named(&self, id: &str) -> ProfileId {
        ProfileId::parse(id).unwrap_or_else(|| self.gateway())
    }

    /// Returns whether there is anything to connect to.
    pub(super) fn is_configured(&self) -> bool {
        let profile = self.profile();
        match profile.runs {
            config::RunsWhere::ThisComputer => true,
            config::RunsWhere::AnotherComputer if profile.is_direct() => !profile.url.is_empty(),
            config::RunsWhere::AnotherComputer => !profile.address.is_empty(),
            config::RunsWhere::NotConfigured => false,
        }
    }

    /// Returns why the address in the file cannot be used; a saved form never has such a fault.
    pub(super) fn address_problem(&self) -> Option<UiError> {
        let profile = self.profile();
        if profile.is_direct() && !profile.url.is_empty() {
            let problem = profile.direct().err()?;
            return Some(ui_error(&explain::direct_settings_problem(&problem)));
        }
        if profile.runs != config::RunsWhere::AnotherComputer
            || profile.is_direct()
            || profile.address.is_empty()
        {
            return None;
        }
        let problem = self.target(&profile.address).err()?;
        Some(UiError {
            code: "badTarget".to_owned(),
            message: address::fault_of(&problem).message,
            action: Some(UserAction::EditAddress),
        })
    }

    /// Reads an address; one without an account needs a local account to take the name from, or an SSH
    /// configuration that names one.
    fn target(&self, address: &str) -> Result<SshTarget, TargetError> {
        let target: SshTarget = address.parse()?;
        let local_user = SshSurroundings::find(&self.environment).local_user;
        if target.user.is_none() && local_user.is_none() {
            // Nothing is dialled by this plan, so that it needs no list of host keys.
            let plan = SshPlan::new(target.clone(), PathBuf::new(), &self.environment);
            if let Err(TunnelError::BadTarget(problem)) = plan.tunnel() {
                return Err(problem);
            }
        }
        Ok(target)
    }

    /// Notes whether a gateway token is stored; returns whether that is news.
    pub(super) fn note_token(&mut self, stored: bool) -> bool {
        std::mem::replace(&mut self.has_token, stored) != stored
    }

    /// Returns the settings as shown; `waiting` counts the messages that wait for a gateway.
    pub(super) fn view(
        &self,
        waiting: impl Fn(&ProfileId) -> usize,
        shortcuts: ShortcutsView,
        not_kept: Option<NotKept>,
    ) -> SettingsView {
        let profile = self.profile();
        SettingsView {
            profile: profile.id.to_string(),
            gateways: self.gateways(waiting),
            first_run_done: self.file.settings().first_run_done,
            runs: runs_view(profile.runs),
            transport: transport_view(profile.transport),
            url: profile.url,
            tls_fingerprint: profile.tls_fingerprint,
            address: profile.address,
            sign_in: sign_in_view(profile.sign_in),
            identity_file: profile.identity_file.display().to_string(),
            host_key_policy: match profile.host_key_policy {
                config::HostKeyPolicy::Strict => HostKeyPolicy::Strict,
                config::HostKeyPolicy::OpenSsh => HostKeyPolicy::Openssh,
            },
            has_gateway_token: self.has_token,
            local_port: profile.local_port,
            remote_port: profile.remote_port,
            connect_on_launch: profile.connect_on_launch,
            listener_enabled: profile.listener_enabled,
            also_run_here: profile.also_run_here,
            notifications: self.notifications().into(),
            shortcuts,
            start_at_login: self.login.is_on(),
            language: self.file.settings().language,
            system_language: Tongue::of_system(&self.environment),
            theme: self.theme(),
            log_level: self.file.settings().log_level,
            log_level_fixed: self.log.is_fixed(),
            keychain: match self.store.keeping() {
                Keeping::Keychain => KeychainView::Available,
                Keeping::SessionOnly { reason } => KeychainView::SessionOnly { reason },
            },
            not_kept,
            found: self.found.clone(),
            file_problem: self.file.problem().map(problem_view),
        }
    }

    /// Saves a form, or says which fields stand in the way; nothing is saved then.
    pub(super) fn save(&mut self, form: SettingsForm) -> Result<Saved, Vec<FieldError>> {
        let mut settings = self.file.settings().clone();
        let token = form
            .gateway_token
            .as_ref()
            .map_or(TokenChange::Keep, |token| match token.expose().trim() {
                "" => TokenChange::Forget,
                token => TokenChange::Store(GatewayToken::new(token)),
            });
        let mut faults = Vec::new();
        settings.notifications = form.notifications.into();
        settings.language = form.language;
        settings.theme = form.theme;
        settings.log_level = form.log_level;
        let start_at_login = form.start_at_login;
        // The form may be older than a choice of another gateway in the tray.
        let mut profiles = settings.profiles.iter_mut();
        let Some(profile) = profiles.find(|profile| profile.id.as_str() == form.profile) else {
            return Err(vec![fault(
                "address",
                "This gateway was taken off the list. Discard the changes.".to_owned(),
            )]);
        };
        self.fill(profile, form, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        let gateway = profile.secrets();
        self.choose_login_start(start_at_login)?;
        let impact = self
            .write(&settings)
            .map_err(|problem| vec![fault("settingsFile", save_sentence(&problem))])?;
        Ok(Saved {
            impact,
            gateway,
            token,
        })
    }

    /// Leaves first run for good.
    pub(super) fn finish_first_run(&mut self) -> Result<(), UiError> {
        let mut settings = self.file.settings().clone();
        settings.first_run_done = true;
        self.write(&settings)
            .map(drop)
            .map_err(|problem| save_error(&problem))
    }

    /// Takes over what the official config says.
    pub(super) fn use_found_config(&mut self) -> Result<Saved, UiError> {
        let official = OfficialConfig::read(&self.environment)
            .map_err(|problem| unreadable(&problem))?
            .ok_or_else(|| UiError {
                code: "noFoundConfig".to_owned(),
                message: "There is no OpenClaw config on this computer any more.".to_owned(),
                action: None,
            })?;
        let token = OfficialCredentials::find(Some(&official), &self.environment)
            .map_err(|problem| UiError {
                code: "foundConfigCredential".to_owned(),
                message: format!("The token in the OpenClaw config cannot be used: {problem}."),
                action: Some(UserAction::EnterToken),
            })?
            .token;
        let prefill = official.prefill();
        let mut settings = self.file.settings().clone();
        if let Some(profile) = settings.active_mut() {
            profile.runs = prefill.runs;
            profile.transport = prefill.transport;
            // An official config may hold anything; what cannot be used is said when somebody connects.
            let url = prefill.url.unwrap_or_default();
            profile.url = GatewayUrl::pasted(&url).map_or(url, |url| url.to_string());
            profile.tls_fingerprint = prefill.tls_fingerprint.unwrap_or_default();
            profile.address = prefill.address.unwrap_or_default();
            if let Some(identity) = prefill.identity_file {
                profile.sign_in = config::SignInChoice::KeyFile;
                profile.identity_file = identity;
            }
            profile.host_key_policy = prefill.host_key_policy;
            profile.local_port = prefill.local_port;
            profile.remote_port = prefill.remote_port;
        }
        let impact = self
            .write(&settings)
            .map_err(|problem| save_error(&problem))?;
        Ok(Saved {
            impact,
            gateway: self.gateway(),
            token: token.map_or(TokenChange::Keep, |(token, _)| TokenChange::Store(token)),
        })
    }

    /// Writes down where the gateway listens on the server; `None` if that is what stands there.
    pub(super) fn keep_gateway_port(&mut self, port: u16) -> Result<Option<Impact>, UiError> {
        let mut settings = self.file.settings().clone();
        match settings.active_mut() {
            Some(profile) if profile.remote_port != port => profile.remote_port = port,
            Some(_) | None => return Ok(None),
        }
        self.write(&settings)
            .map(Some)
            .map_err(|problem| save_error(&problem))
    }

    /// Pins the certificate that a person has just trusted.
    pub(super) fn keep_certificate(&mut self, fingerprint: String) -> Result<(), UiError> {
        let mut settings = self.file.settings().clone();
        if let Some(profile) = settings.active_mut().filter(|profile| profile.is_direct()) {
            profile.tls_fingerprint = fingerprint;
        }
        self.write(&settings)
            .map(drop)
            .map_err(|problem| save_error(&problem))
    }

    /// Chooses "This computer", where nothing was chosen yet.
    ///
    /// # Errors
    ///
    /// Fails when the settings cannot be saved.
    pub(super) fn choose_this_computer(&mut self) -> Result<(), UiError> {
        if self.is_configured() {
            return Ok(());
        }
        let mut settings = self.file.settings().clone();
        settings.first_run_done = true;
        if let Some(profile) = settings.active_mut() {
            profile.runs = config::RunsWhere::ThisComputer;
        }
        self.write(&settings)
            .map(drop)
            .map_err(|problem| save_error(&problem))
    }

    fn write(&mut self, settings: &Settings) -> Result<Impact, SaveError> {
        let impact = Impact::between(self.file.settings(), settings);
        let was = self.file.settings().log_level;
        self.file.save(settings)?;
        if settings.log_level != was {
            self.log.set(settings.log_level);
        }
        Ok(impact)
    }

    fn fill(&self, profile: &mut Profile, form: SettingsForm, faults: &mut Vec<FieldError>) {
        profile.runs = runs(form.runs);
        profile.sign_in = sign_in(form.sign_in);
        profile.host_key_policy = match form.host_key_policy {
            HostKeyPolicy::Strict => config::HostKeyPolicy::Strict,
            HostKeyPolicy::Openssh => config::HostKeyPolicy::OpenSsh,
        };
        profile.connect_on_launch = form.connect_on_launch;
        profile.listener_enabled = form.listener_enabled;
        profile.also_run_here = form.also_run_here;
        profile.identity_file = self
            .environment
            .expand(Path::new(form.identity_file.trim()));
        profile.transport = transport(form.transport);
        profile.address = form.address.trim().to_owned();
        profile.url = form.url.trim().to_owned();
        profile.tls_fingerprint = form.tls_fingerprint.trim().to_owned();
        for (field, port) in [
            ("localPort", form.local_port),
            ("remotePort", form.remote_port),
        ] {
            if port == 0 {
                faults.push(fault(
                    field,
                    "A port is a number from 1 to 65535.".to_owned(),
                ));
            }
        }
        profile.local_port = form.local_port;
        profile.remote_port = form.remote_port;
        // Neither is ever written into the file, whatever is chosen.
        for (field, text) in [("address", &form.address), ("url", &form.url)] {
            if let Err(refused) = address::refuse_invitation(field, text) {
                faults.push(refused);
                return;
            }
        }
        if form.runs != RunsWhere::AnotherComputer {
            return;
        }
        if profile.is_direct() {
            address::fill_direct(profile, faults);
            return;
        }
        match self.target(&form.address) {
            Ok(target) => {
                profile.address = target.to_string();
                // A pasted command that names a key means: sign in with that key.
                if let Some(identity) = target.identity_file
                    && profile.identity_file.as_os_str().is_empty()
                {
                    profile.sign_in = config::SignInChoice::KeyFile;
                    profile.identity_file = self.environment.expand(&identity);
                }
            }
            Err(problem) => faults.push(address::fault_of(&problem)),
        }
        if profile.sign_in == config::SignInChoice::KeyFile {
            faults.extend(key_file_fault(&profile.identity_file));
        }
    }

    /// Works out what would be written into the official config for the profile in use.
    pub(super) fn openclaw_change(&self) -> Result<Change, WriteError> {
        Change::of(&self.profile(), &self.environment)
    }

    /// Notes that the official config says something else now.
    pub(super) fn official_config_changed(&mut self) {
        self.look_for_official_config();
    }

    /// An official config that cannot be read is no reason to trouble anybody who never asked.
    fn look_for_official_config(&mut self) {
        let official = match OfficialConfig::read(&self.environment) {
            Ok(official) => official,
            Err(problem) => {
                tracing::info!(%problem, "the OpenClaw config cannot be used");
                None
            }
        };
        self.found = official.as_ref().map(|official| {
            let prefill = official.prefill();
            let has_token = OfficialCredentials::find(Some(official), &self.environment)
                .is_ok_and(|found| found.token.is_some());
            FoundConfigView {
                path: prefill.path.display().to_string(),
                runs: runs_view(prefill.runs),
                url: prefill.url,
                address: prefill.address,
                identity_file: prefill.identity_file.map(|path| path.display().to_string()),
                remote_port: Some(prefill.remote_port),
                has_token,
            }
        });
    }
}

fn key_file_fault(path: &Path) -> Option<FieldError> {
    if path.as_os_str().is_empty() {
        return Some(fault("identityFile", "Choose the key file.".to_owned()));
    }
    (!path.is_file()).then(|| {
        fault(
            "identityFile",
            format!(
                "There is no file at {}. Choose another one.",
                path.display()
            ),
        )
    })
}

fn fault(field: &str, message: String) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message,
    }
}

fn save_sentence(problem: &SaveError) -> String {
    sentence(problem)
}

fn save_error(problem: &SaveError) -> UiError {
    UiError {
        code: "settingsNotSaved".to_owned(),
        message: save_sentence(problem),
        action: matches!(problem, SaveError::Broken(_)).then_some(UserAction::ShowSettingsFile),
    }
}

fn unreadable(problem: &FileProblem) -> UiError {
    UiError {
        code: "foundConfigUnreadable".to_owned(),
        message: format!("The OpenClaw config cannot be read: {problem}."),
        action: None,
    }
}

fn problem_view(problem: &FileProblem) -> FileProblemView {
    FileProblemView {
        path: problem.path.display().to_string(),
        line: problem.line,
        column: problem.column,
        key: problem.key.clone(),
        message: problem.message.clone(),
    }
}

fn runs_view(runs: config::RunsWhere) -> RunsWhere {
    match runs {
        config::RunsWhere::NotConfigured => RunsWhere::NotConfigured,
        config::RunsWhere::ThisComputer => RunsWhere::ThisComputer,
        config::RunsWhere::AnotherComputer => RunsWhere::AnotherComputer,
    }
}

fn runs(runs: RunsWhere) -> config::RunsWhere {
    match runs {
        RunsWhere::NotConfigured => config::RunsWhere::NotConfigured,
        RunsWhere::ThisComputer => config::RunsWhere::ThisComputer,
        RunsWhere::AnotherComputer => config::RunsWhere::AnotherComputer,
    }
}

fn transport_view(transport: config::Transport) -> Transport {
    match transport {
        config::Transport::Ssh => Transport::Ssh,
        config::Transport::Direct => Transport::Direct,
    }
}

fn transport(transport: Transport) -> config::Transport {
    match transport {
        Transport::Ssh => config::Transport::Ssh,
        Transport::Direct => config::Transport::Direct,
    }
}

fn sign_in_view(choice: config::SignInChoice) -> SignInChoice {
    match choice {
        config::SignInChoice::Automatic => SignInChoice::Automatic,
        config::SignInChoice::KeyFile => SignInChoice::KeyFile,
        config::SignInChoice::Password => SignInChoice::Password,
    }
}

fn sign_in(choice: SignInChoice) -> config::SignInChoice {
    match choice {
        SignInChoice::Automatic => config::SignInChoice::Automatic,
        SignInChoice::KeyFile => config::SignInChoice::KeyFile,
        SignInChoice::Password => config::SignInChoice::Password,
    }
}
