//! Secrets as the command line gives them: files, standard input, and two flags that warn.

use crate::args::SecretArgs;
use crate::output::{self, Exit, Stop};
use gateway_core::config::private_file;
use gateway_core::credentials::secret::{GatewayPassword, GatewayToken};
use gateway_core::credentials::slots;
use gateway_core::device_identity::DeviceIdentity;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longer input is no token.
const LONGEST: u64 = 64 * 1024;

/// What was given by hand.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The token, and the flag it came by.
    pub(crate) token: Option<(GatewayToken, &'static str)>,
    /// The password, and the flag it came by.
    pub(crate) password: Option<(GatewayPassword, &'static str)>,
    /// This device's identity.
    pub(crate) device: Option<Arc<DeviceIdentity>>,
}

impl Given {
    /// Reads what the flags name.
    pub(crate) fn read(args: SecretArgs) -> Result<Self, Stop> {
        let token = if let Some(token) = args.token {
            output::remark(
                "warning: --token can be seen by others on this computer; use --token-file",
            );
            Some((Zeroizing::new(token), "--token"))
        } else if let Some(file) = &args.token_file {
            Some((from_file(file)?, "--token-file"))
        } else if args.token_stdin {
            Some((from_stdin()?, "--token-stdin"))
        } else {
            None
        };
        let password = if let Some(password) = args.password {
            output::remark(
                "warning: --password can be seen by others on this computer; use --password-file",
            );
            Some((Zeroizing::new(password), "--password"))
        } else if let Some(file) = &args.password_file {
            Some((from_file(file)?, "--password-file"))
        } else {
            None
        };
        for (text, flag) in token.iter().chain(&password) {
            if text.trim().is_empty() {
                return Err(Stop::new(
                    Exit::Usage,
                    format!("{flag} gave nothing but blanks"),
                ));
            }
        }
        Ok(Self {
            token: token.map(|(text, flag)| (GatewayToken::new(text.trim()), flag)),
            password: password.map(|(text, flag)| {
                (
                    GatewayPassword::new(text.trim_end_matches(['\r', '\n'])),
                    flag,
                )
            }),
            device: args.device_key_file.as_deref().map(device).transpose()?,
        })
    }
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, Stop> {
    private_file::read_secret(path).map_err(|error| Stop::because(Exit::Configuration, &error))
}

fn from_stdin() -> Result<Zeroizing<String>, Stop> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|_| Stop::new(Exit::Usage, "no token could be read from standard input"))?;
    Ok(text)
}

fn device(path: &Path) -> Result<Arc<DeviceIdentity>, Stop> {
    let key = slots::device_key_in_file(path, || DeviceIdentity::generate(&mut rand::rng()).key())
        .map_err(|error| Stop::because(Exit::Configuration, &error))?;
    DeviceIdentity::from_key(&key)
        .map(Arc::new)
        .map_err(|error| {
            Stop::new(
                Exit::Configuration,
                format!("{} holds no device key: {error}", path.display()),
            )
        })
}
