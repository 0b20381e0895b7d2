//! One walk over the files for one server: which lines apply, and what they say.

use super::arguments::{Statement, words};
use super::error::{Place, SshConfigError};
use super::files::{ConfigFiles, ReadError};
use super::host_config::{self, HostConfig};
use super::jump::JumpSpec;
use super::keyword::Keyword;
use super::matching::Candidate;
use super::one_line::OneLine;
use super::pattern::{fits, list_fits};
use super::values::{Proxy, Values};
use super::{Asked, Sources, Surroundings, include};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How deeply files may include each other, as in OpenSSH.
const MAX_DEPTH: usize = 16;

/// How many files are read for one server. Files that include each other twice are read twice as
/// often with every level, and nobody means that.
const MAX_FILES: usize = 500;

/// Says what the files have to say about a server.
///
/// `follow_proxy` is false for a server whose way is given already, so that what its files say of
/// jump hosts and proxies does not count.
///
/// # Errors
/// A [`SshConfigError`] for what cannot be read or followed.
pub fn look_up(
    asked: Asked<'_>,
    follow_proxy: bool,
    surroundings: &Surroundings,
    files: &dyn ConfigFiles,
) -> Result<HostConfig, SshConfigError> {
    let values = read(asked, surroundings, files)?;
    HostConfig::finish(&values, asked, surroundings, follow_proxy)
}

/// Reads the values as written; a second time where a `Match final` asks for it.
pub(super) fn read(
    asked: Asked<'_>,
    surroundings: &Surroundings,
    files: &dyn ConfigFiles,
) -> Result<Values, SshConfigError> {
    let typed = Values {
        user: asked.user.map(str::to_owned),
        port: asked.port,
        ..Values::default()
    };
    let mut walk = Walk {
        asked,
        surroundings,
        files,
        name: asked.host.to_owned(),
        is_final: false,
        wants_final_pass: false,
        values: typed,
        files_read: 0,
    };
    walk.sources()?;
    if walk.wants_final_pass {
        // The second pass sees the name that is dialled where the first saw the one asked for.
        walk.name = host_config::dialled(&walk.values, asked.host)?;
        walk.values.dialled = Some(walk.name.clone());
        walk.is_final = true;
        walk.sources()?;
    }
    Ok(walk.values)
}

struct Walk<'a> {
    asked: Asked<'a>,
    surroundings: &'a Surroundings,
    files: &'a dyn ConfigFiles,
    name: String,
    is_final: bool,
    wants_final_pass: bool,
    values: Values,
    files_read: usize,
}

/// Where a file stands among the others.
#[derive(Debug, Clone, Copy)]
struct Scope {
    /// Whether it is the user's rather than the system's.
    is_users: bool,
    must_be_ours: bool,
    /// Whether it is included from lines that do not apply, so that none of its own can.
    never: bool,
    depth: usize,
}

impl Walk<'_> {
    fn sources(&mut self) -> Result<(), SshConfigError> {
        let whole = |is_users, must_be_ours| Scope {
            is_users,
            must_be_ours,
            never: false,
            depth: 0,
        };
        match &self.surroundings.sources {
            Sources::Nothing => Ok(()),
            // A file that was named has to be there.
            Sources::Only(path) => self.file(path, whole(true, false), &mut true),
            Sources::Usual { user, system } => {
                for (path, scope) in [(user, whole(true, true)), (system, whole(false, false))] {
                    let Some(path) = path else { continue };
                    match self.file(path, scope, &mut true) {
                        Err(SshConfigError::Unreadable {
                            path: unread,
                            source,
                        }) if unread == *path => {
                            tracing::debug!(path = %path.display(), %source, "SSH configuration passed over");
                        }
                        other => other?,
                    }
                }
                Ok(())
            }
        }
    }

    fn file(
        &mut self,
        path: &Path,
        scope: Scope,
        applies: &mut bool,
    ) -> Result<(), SshConfigError> {
        let path_owned = || path.to_owned();
        let text = self
            .files
            .read(path, scope.must_be_ours)
            .map_err(|error| match error {
                ReadError::Missing => SshConfigError::Unreadable {
                    path: path_owned(),
                    source: std::io::ErrorKind::NotFound.into(),
                },
                ReadError::NotOurs => SshConfigError::NotOurs { path: path_owned() },
                ReadError::System(source) => SshConfigError::Unreadable {
                    path: path_owned(),
                    source,
                },
            })?;
        let file: Arc<Path> = path.into();
        for (index, line) in text.split('\n').enumerate() {
            if let Some(statement) = Statement::parse(line) {
                let place = Place::new(Arc::clone(&file), index + 1);
                self.statement(statement, &place, scope, applies)?;
            }
        }
        Ok(())
    }

    fn statement(
        &mut self,
        statement: Statement<'_>,
        place: &Place,
        scope: Scope,
        applies: &mut bool,
    ) -> Result<(), SshConfigError> {
        let line = OneLine { statement, place };
        let lower_case = statement.keyword.to_ascii_lowercase();
        let ignored = self.values.ignore_unknown.as_deref().unwrap_or_default();
        let Some(keyword) = Keyword::find(&lower_case) else {
            if list_fits(&lower_case, &ignored.to_ascii_lowercase()) {
                return Ok(());
            }
            return Err(SshConfigError::Unknown {
                keyword: statement.keyword.to_owned(),
                place: place.clone(),
            });
        };
        if statement.rest.is_empty() {
            return Err(line.bad("lacks its value"));
        }
        let words = words(statement.rest)
            .ok_or_else(|| line.bad("has a quotation mark that is not closed"))?;
        match keyword {
            Keyword::NotNeeded => Ok(()),
            Keyword::Host => self.host(&line, &words, scope, applies),
            Keyword::Match => self.match_(&line, scope, applies),
            Keyword::Include => self.include(&line, &words, scope, applies),
            Keyword::ProxyCommand | Keyword::ProxyJump => self.proxy(keyword, &line, *applies),
            Keyword::Unsupported(option, harmless) => {
                let is_harmless = words
                    .first()
                    .is_some_and(|word| harmless.iter().any(|h| word.eq_ignore_ascii_case(h)));
                if *applies && !is_harmless {
                    return Err(SshConfigError::Unsupported {
                        option: option.to_owned(),
                        place: place.clone(),
                    });
                }
                Ok(())
            }
            Keyword::AddressFamily
            | Keyword::BindAddress
            | Keyword::CertificateFile
            | Keyword::ConnectTimeout
            | Keyword::GlobalKnownHostsFile
            | Keyword::HashKnownHosts
            | Keyword::HostKeyAlias
            | Keyword::HostName
            | Keyword::IdentitiesOnly
            | Keyword::IdentityAgent
            | Keyword::IdentityFile
            | Keyword::IgnoreUnknown
            | Keyword::Port
            | Keyword::ServerAliveCountMax
            | Keyword::ServerAliveInterval
            | Keyword::StrictHostKeyChecking
            | Keyword::Tag
            | Keyword::User
            | Keyword::UserKnownHostsFile => self.value(keyword, &line, &words, *applies),
        }
    }

    fn host(
        &mut self,
        line: &OneLine<'_>,
        patterns: &[String],
        scope: Scope,
        applies: &mut bool,
    ) -> Result<(), SshConfigError> {
        *applies = false;
        for pattern in patterns {
            if pattern.is_empty() {
                return Err(line.bad("has an empty pattern"));
            }
            match pattern.strip_prefix('!') {
                Some(unwanted) if fits(&self.name, unwanted) => {
                    *applies = false;
                    break;
                }
                Some(_) => {}
                None => *applies |= !scope.never && fits(&self.name, pattern),
            }
        }
        Ok(())
    }

    fn match_(
        &mut self,
        line: &OneLine<'_>,
        scope: Scope,
        applies: &mut bool,
    ) -> Result<(), SshConfigError> {
        let candidate = Candidate {
            asked: self.asked,
            name: &self.name,
            values: &self.values,
            local_user: &self.surroundings.local_user,
            is_final: self.is_final,
        };
        let matched = candidate
            .matches(line.statement.rest)?
            .map_err(|why| line.bad(why))?;
        self.wants_final_pass |= matched.wants_final_pass;
        *applies = matched.holds && !scope.never;
        match matched.undecided {
            Some(option) if *applies => Err(SshConfigError::Unsupported {
                option: option.to_owned(),
                place: line.place.clone(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    fn include(
        &mut self,
        line: &OneLine<'_>,
        patterns: &[String],
        scope: Scope,
        applies: &mut bool,
    ) -> Result<(), SshConfigError> {
        let applied = *applies;
        for pattern in patterns {
            let pattern = self.anchored(line, pattern, scope)?;
            for path in include::expand(&pattern, self.files) {
                self.files_read += 1;
                if scope.depth >= MAX_DEPTH || self.files_read > MAX_FILES {
                    return Err(SshConfigError::TooDeep {
                        place: line.place.clone(),
                    });
                }
                let included = Scope {
                    must_be_ours: true,
                    never: scope.never || !applied,
                    depth: scope.depth + 1,
                    ..scope
                };
                let read = self.file(&path, included, applies);
                // What the included file narrowed down ends with it.
                *applies = applied;
                match read {
                    // It was there when the pattern was expanded.
                    Err(SshConfigError::Unreadable { path: gone, source })
                        if gone == path && source.kind() == std::io::ErrorKind::NotFound => {}
                    other => other?,
                }
            }
        }
        Ok(())
    }

    /// Says where an included path starts: at home, or where the including configuration lives.
    fn anchored(
        &self,
        line: &OneLine<'_>,
        pattern: &str,
        scope: Scope,
    ) -> Result<PathBuf, SshConfigError> {
        if pattern.is_empty() {
            return Err(line.bad("has an empty path"));
        }
        let path = Path::new(pattern);
        let environment = &self.surroundings.environment;
        if pattern.starts_with('~') {
            return if !scope.is_users {
                Err(line.bad("starts at a home folder in the system's configuration"))
            } else {
                Ok(environment.expand(path))
            };
        }
        if path.is_absolute() {
            return Ok(path.to_owned());
        }
        let folder = match (&self.surroundings.sources, scope.is_users) {
            (Sources::Usual { system, .. }, false) => system
                .as_ref()
                .and_then(|system| system.parent())
                .map(Path::to_owned),
            (Sources::Usual { .. } | Sources::Only(_) | Sources::Nothing, _) => {
                environment.home().map(|home| home.join(".ssh"))
            }
        };
        folder
            .map(|folder| folder.join(path))
            .ok_or_else(|| line.bad("is relative, and no home folder is known"))
    }

    fn proxy(
        &mut self,
        keyword: Keyword,
        line: &OneLine<'_>,
        applies: bool,
    ) -> Result<(), SshConfigError> {
        let text = line.statement.rest.trim_start_matches([' ', '\t', '=']);
        let is_none = text.eq_ignore_ascii_case("none");
        let proxy = if keyword == Keyword::ProxyCommand {
            if is_none {
                Proxy::Direct
            } else {
                Proxy::Command(line.place.clone())
            }
        } else if is_none {
            Proxy::NoJump
        } else {
            let spec = JumpSpec::parse(text)
                .ok_or_else(|| line.bad("does not name the servers to go through"))?;
            Proxy::Jump(line.placed(spec))
        };
        let gives_way = match &self.values.proxy {
            None => true,
            Some(Proxy::NoJump) => keyword == Keyword::ProxyCommand,
            Some(Proxy::Jump(_) | Proxy::Command(_) | Proxy::Direct) => false,
        };
        if applies && gives_way {
            self.values.proxy = Some(proxy);
        }
        Ok(())
    }

    fn value(
        &mut self,
        keyword: Keyword,
        line: &OneLine<'_>,
        words: &[String],
        applies: bool,
    ) -> Result<(), SshConfigError> {
        let mut unheard = Values::default();
        // What does not apply is still looked at, as ssh does: a mistake shows at once.
        let values = if applies {
            &mut self.values
        } else {
            &mut unheard
        };
        if let Keyword::UserKnownHostsFile | Keyword::GlobalKnownHostsFile = keyword {
            let slot = if keyword == Keyword::UserKnownHostsFile {
                &mut values.user_known_hosts
            } else {
                &mut values.global_known_hosts
            };
            if words.is_empty() || words.iter().any(String::is_empty) {
                return Err(line.bad("has an empty value"));
            }
            slot.get_or_insert_with(|| line.placed(words.to_vec()));
            return Ok(());
        }
        let word = match words {
            [word] if !word.is_empty() => word.as_str(),
            [] | [_] => return Err(line.bad("has an empty value")),
            [_, ..] => return Err(line.bad("has more than one value")),
        };
        let text = || word.to_owned();
        match keyword {
            Keyword::HostName => keep(&mut values.host_name, line.placed(text())),
            Keyword::User => keep(&mut values.user, text()),
            Keyword::Port => keep(&mut values.port, line.port(word)?),
            Keyword::IdentityFile => Values::add(&mut values.identity_files, line.placed(text())),
            Keyword::CertificateFile => {
                Values::add(&mut values.certificate_files, line.placed(text()));
            }
            Keyword::IdentitiesOnly => keep(&mut values.identities_only, line.flag(word)?),
            Keyword::IdentityAgent => keep(&mut values.identity_agent, line.placed(text())),
            Keyword::HostKeyAlias => keep(&mut values.host_key_alias, text()),
            Keyword::StrictHostKeyChecking => keep(&mut values.strict, line.strictness(word)?),
            Keyword::HashKnownHosts => keep(&mut values.hash_known_hosts, line.flag(word)?),
            Keyword::ServerAliveInterval => {
                keep(&mut values.server_alive_interval, line.duration(word)?);
            }
            Keyword::ServerAliveCountMax => {
                let count = word.parse().map_err(|_| line.bad("must be a number"))?;
                keep(&mut values.server_alive_count_max, count);
            }
            // It says nothing, so that a later line may.
            Keyword::ConnectTimeout if word == "none" => {}
            Keyword::ConnectTimeout => keep(&mut values.connect_timeout, line.duration(word)?),
            Keyword::AddressFamily => keep(&mut values.address_family, line.family(word)?),
            Keyword::BindAddress => keep(&mut values.bind_address, text()),
            Keyword::IgnoreUnknown => keep(&mut values.ignore_unknown, text()),
            Keyword::Tag => keep(&mut values.tag, text()),
            Keyword::Host
            | Keyword::Match
            | Keyword::Include
            | Keyword::ProxyCommand
            | Keyword::ProxyJump
            | Keyword::UserKnownHostsFile
            | Keyword::GlobalKnownHostsFile
            | Keyword::Unsupported(..)
            | Keyword::NotNeeded => {}
        }
        Ok(())
    }
}

/// Keeps the first value.
fn keep<T>(slot: &mut Option<T>, value: T) {
    slot.get_or_insert(value);
}
