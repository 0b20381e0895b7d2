//! Host and Origin: whether a request was meant for this gateway, and which page sent it.
//!
//! Called for every route and every upgrade, before anything else is looked at. A page of another
//! site can make a browser on this computer connect to us, and its owner can point a name of theirs
//! at us (DNS rebinding). So the Host has to be a name of ours, and an Origin, if there is one, has
//! to be a page we served or one listed in `gateway.controlUi.allowedOrigins`. Native clients send no
//! Origin (protocol §13); its absence allows nothing by itself, signing in comes after.

use super::request_head::RequestHead;
use crate::web_address::{Authority, OwnNames, WebOrigin, target_authority};

/// The key of the list of further origins.
pub const ALLOWED_ORIGINS_KEY: &str = "gateway.controlUi.allowedOrigins";

/// The names and origins one gateway answers to.
#[derive(Debug, Clone)]
pub struct Screen {
    own: OwnNames,
    public_names: Vec<Authority>,
    allowed: Vec<WebOrigin>,
    /// Origins of apps (`tauri://localhost`), compared to the byte.
    allowed_apps: Vec<String>,
    ignored: Vec<Ignored>,
}

/// An entry of a list that cannot be used and therefore allows nothing; to be told to the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// In `gateway.controlUi.allowedOrigins`.
    #[error(
        "{ALLOWED_ORIGINS_KEY}[{index}] allows nothing: write one origin such as https://gateway.example, \
         without a path; wildcards, null and file: are not accepted"
    )]
    Origin {
        /// Its position, from 0.
        index: usize,
    },
    /// In the list of public names.
    #[error("public name {index} allows nothing: write a host name, with a port if it needs one")]
    Name {
        /// Its position, from 0.
        index: usize,
    },
}

/// Who sent a request, as far as its head says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// No browser page: a program, or a browser that was told to open the address.
    Native,
    /// A page of this origin, which is allowed. In lower case, so that it can be counted by.
    Page(String),
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadRefusal {
    /// It is meant for another host, for none or for several.
    #[error("this address does not belong to this host name")]
    Host,
    /// It comes from a page that is not on the list. On the WebSocket the connect request is refused
    /// with `CONTROL_UI_ORIGIN_NOT_ALLOWED` (protocol §4).
    #[error("pages of this origin may not talk to the gateway")]
    Origin,
}

impl HeadRefusal {
    /// Returns the HTTP status: 421 for a host that is not ours (RFC 9110 §15.5.20), else 403.
    pub fn status(self) -> u16 {
        match self {
            Self::Host => 421,
            Self::Origin => 403,
        }
    }
}

impl Screen {
    /// Builds the screen of one gateway.
    ///
    /// `public_names` are what else it is called in a Host field, behind a proxy or Tailscale Serve;
    /// one without a port is meant with the usual ports. `allowed_origins` is
    /// `gateway.controlUi.allowedOrigins`. What cannot be used is left out, see [`Self::ignored`].
    pub fn new(own: OwnNames, public_names: &[String], allowed_origins: &[String]) -> Self {
        let mut screen = Self {
            own,
            public_names: Vec::new(),
            allowed: Vec::new(),
            allowed_apps: Vec::new(),
            ignored: Vec::new(),
        };
        for (index, name) in public_names.iter().enumerate() {
            match Authority::parse(name) {
                Some(name) if name.host() != "0.0.0.0" && name.host() != "[::]" => {
                    screen.public_names.push(name);
                }
                Some(_) | None => screen.ignored.push(Ignored::Name { index }),
            }
        }
        for (index, entry) in allowed_origins.iter().enumerate() {
            if let Some(origin) = WebOrigin::parse(entry) {
                screen.allowed.push(origin);
            } else if is_app_origin(entry) {
                screen.allowed_apps.push(entry.clone());
            } else {
                screen.ignored.push(Ignored::Origin { index });
            }
        }
        screen
    }

    /// Returns the entries of either list that allow nothing.
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// Judges one request.
    ///
    /// # Errors
    ///
    /// Refuses a request whose Host is not exactly one name of ours, or whose Origin is not exactly
    /// one that is allowed.
    pub fn judge(&self, head: &RequestHead<'_>) -> Result<Caller, HeadRefusal> {
        let target = target_authority(head.target()).map_err(|_| HeadRefusal::Host)?;
        if target.is_some_and(|authority| !self.is_host(authority)) {
            return Err(HeadRefusal::Host);
        }
        match head.only("host") {
            Ok(Some(host)) if self.is_host(host) => {}
            Ok(Some(_) | None) | Err(_) => return Err(HeadRefusal::Host),
        }
        match head.only("origin") {
            Ok(None) => Ok(Caller::Native),
            Ok(Some(origin)) if self.is_origin(origin) => {
                Ok(Caller::Page(origin.to_ascii_lowercase()))
            }
            Ok(Some(_)) | Err(_) => Err(HeadRefusal::Origin),
        }
    }

    fn is_host(&self, text: &str) -> bool {
        self.own.is_host(text)
            || Authority::parse(text).is_some_and(|asked| {
                self.public_names.iter().any(|name| {
                    name.host() == asked.host()
                        && match name.port() {
                            Some(port) => asked.port() == Some(port),
                            None => matches!(asked.port(), None | Some(80 | 443)),
                        }
                })
            })
    }

    fn is_origin(&self, text: &str) -> bool {
        match WebOrigin::parse(text) {
            Some(origin) => self.own.is_origin(&origin) || self.allowed.contains(&origin),
            None => self.allowed_apps.iter().any(|allowed| allowed == text),
        }
    }
}

/// Accepts the origin of an app's own scheme, such as `tauri://localhost`.
fn is_app_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    // Every local file and every sandboxed page shares one such origin.
    let is_own = ![
        "http", "https", "ws", "wss", "file", "null", "data", "blob", "about",
    ]
    .contains(&scheme.to_ascii_lowercase().as_str());
    let is_word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'+'))
    };
    is_own && is_word(scheme) && is_word(host)
}

#[cfg(test)]
mod tests;
