//! One line more or less in the account's list of keys that may sign in (`~/.ssh/authorized_keys`).
//!
//! What others wrote there is kept byte for byte. A folder or file that is a link, or somebody else's,
//! is left alone.

use super::files::{Entry, EntryKind, FilesError, Replacement, ServerFiles};

/// The folder, below the account's home.
const FOLDER: &str = ".ssh";

/// The list, below the account's home.
pub const LIST: &str = ".ssh/authorized_keys";

/// A longer list is none that people keep.
const LONGEST: usize = 1024 * 1024;

/// What became of a line that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there now.
    Now,
    /// The key was in the list before, and nothing was written.
    Before,
}

/// What became of a line that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is gone now.
    Now,
    /// It was not there.
    Before,
}

/// Adds one line, given without its end, unless its key is in the list already.
///
/// # Errors
/// The list is byte for byte as it was whenever this fails.
pub async fn add(files: &ServerFiles, line: &str) -> Result<Added, FilesError> {
    let folder_path = files.in_home(FOLDER);
    let folder = match files.look(&folder_path).await? {
        Some(folder) => folder,
        None => {
            files.make_private_folder(&folder_path).await?;
            let made = files.look(&folder_path).await?;
            made.ok_or_else(|| FilesError::Missing {
                path: folder_path.clone(),
            })?
        }
    };
    must_be(EntryKind::Folder, &folder_path, &folder)?;
    let list = List::read(files).await?;
    let Some(content) = with_line(&list.content, line) else {
        return Ok(Added::Before);
    };
    let replacement = list.replaced_by(&content, (&folder_path, &folder));
    files.replace(&replacement).await?;
    Ok(Added::Now)
}

/// Removes exactly this line, wherever it stands in the list.
///
/// # Errors
/// The list is byte for byte as it was whenever this fails.
pub async fn remove(files: &ServerFiles, line: &str) -> Result<Removed, FilesError> {
    let folder_path = files.in_home(FOLDER);
    let Some(folder) = files.look(&folder_path).await? else {
        return Ok(Removed::Before);
    };
    must_be(EntryKind::Folder, &folder_path, &folder)?;
    let list = List::read(files).await?;
    let Some(content) = without_line(&list.content, line) else {
        return Ok(Removed::Before);
    };
    let replacement = list.replaced_by(&content, (&folder_path, &folder));
    files.replace(&replacement).await?;
    Ok(Removed::Now)
}

/// The list as it was found.
struct List {
    path: String,
    entry: Option<Entry>,
    content: Vec<u8>,
}

impl List {
    async fn read(files: &ServerFiles) -> Result<Self, FilesError> {
        let path = files.in_home(LIST);
        let entry = files.look(&path).await?;
        let content = match &entry {
            None => Vec::new(),
            Some(entry) => {
                must_be(EntryKind::File, &path, entry)?;
                let read = files.read(&path, LONGEST).await?;
                read.map(|content| content.to_vec()).unwrap_or_default()
            }
        };
        // What is to replace it must be made of what was looked at.
        if entry.as_ref().map_or(0, |entry| entry.size) != content.len() as u64 {
            return Err(FilesError::Changed { path });
        }
        Ok(Self {
            path,
            entry,
            content,
        })
    }

    fn replaced_by<'a>(
        &'a self,
        content: &'a [u8],
        folder: (&'a str, &'a Entry),
    ) -> Replacement<'a> {
        Replacement {
            path: &self.path,
            folder,
            before: self.entry.as_ref(),
            content,
            mode: self.entry.as_ref().map_or(0o600, |entry| entry.mode),
        }
    }
}

fn must_be(wanted: EntryKind, path: &str, entry: &Entry) -> Result<(), FilesError> {
    let path = path.to_owned();
    if entry.kind == wanted {
        return Ok(());
    }
    Err(match (entry.kind, wanted) {
        (EntryKind::Link, _) => FilesError::Link { path },
        (_, EntryKind::Folder) => FilesError::WrongKind {
            path,
            wanted: "folder",
        },
        _ => FilesError::WrongKind {
            path,
            wanted: "file",
        },
    })
}

/// Returns the list with the line at its end; `None` if its key is there already.
fn with_line(before: &[u8], line: &str) -> Option<Vec<u8>> {
    if before
        .split(|byte| *byte == b'\n')
        .any(|other| is_same_key(other, line))
    {
        return None;
    }
    let mut content = Vec::with_capacity(before.len() + line.len() + 2);
    content.extend_from_slice(before);
    // The last line may lack its end, which must not become one with ours.
    if !before.is_empty() && !before.ends_with(b"\n") {
        content.push(b'\n');
    }
    content.extend_from_slice(line.as_bytes());
    content.push(b'\n');
    Some(content)
}

/// Returns the list without the line; `None` if it is not there.
fn without_line(before: &[u8], line: &str) -> Option<Vec<u8>> {
    let kept: Vec<&[u8]> = before
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|other| other.trim_ascii_end() != line.as_bytes())
        .collect();
    let content = kept.concat();
    (content.len() != before.len()).then_some(content)
}

/// Returns whether a line of the list lets in the key of `line`, whatever options stand before it.
fn is_same_key(other: &[u8], line: &str) -> bool {
    let mut ours = line.split(' ');
    let (Some(kind), Some(key)) = (ours.next(), ours.next()) else {
        return false;
    };
    let other = other.trim_ascii_start();
    if other.starts_with(b"#") {
        return false;
    }
    let words: Vec<&[u8]> = other
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .collect();
    words
        .windows(2)
        .any(|pair| pair == [kind.as_bytes(), key.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "ssh-ed25519 AAAAkey openclaw-tray@laptop";

    fn text(content: Option<Vec<u8>>) -> Option<String> {
        content.map(|content| String::from_utf8(content).unwrap())
    }

    #[test]
    fn the_line_is_added_once_and_what_was_there_stays() {
        let table = [
            ("", format!("{LINE}\n")),
            (
                "ssh-rsa AAAA other\n",
                format!("ssh-rsa AAAA other\n{LINE}\n"),
            ),
            (
                "ssh-rsa AAAA no end",
                format!("ssh-rsa AAAA no end\n{LINE}\n"),
            ),
            ("# a\r\n\r\n", format!("# a\r\n\r\n{LINE}\n")),
            (
                "# ssh-ed25519 AAAAkey switched off\n",
                format!("# ssh-ed25519 AAAAkey switched off\n{LINE}\n"),
            ),
        ];
        for (before, expected) in table {
            let after = text(with_line(before.as_bytes(), LINE));
            assert_eq!(after.as_deref(), Some(expected.as_str()), "{before:?}");
            assert_eq!(with_line(expected.as_bytes(), LINE), None, "{before:?}");
        }
    }

    #[test]
    fn a_key_with_options_or_another_comment_counts_as_there() {
        for there in [
            "restrict,port-forwarding ssh-ed25519 AAAAkey x",
            "  ssh-ed25519\tAAAAkey",
            "from=\"a b\" ssh-ed25519 AAAAkey\r",
        ] {
            assert_eq!(with_line(there.as_bytes(), LINE), None, "{there:?}");
        }
        assert!(with_line(b"ssh-ed25519 AAAAkeys x", LINE).is_some());
        assert!(with_line(b"\xff\xfe AAAAkey", LINE).is_some());
    }

    #[test]
    fn exactly_the_line_is_removed_and_the_rest_keeps_its_bytes() {
        let table = [
            (format!("{LINE}\n"), Some(String::new())),
            (format!("a\n{LINE}\nb"), Some("a\nb".to_owned())),
            (
                format!("a\r\n{LINE}\r\nb\r\n"),
                Some("a\r\nb\r\n".to_owned()),
            ),
            (format!("a\n{LINE}"), Some("a\n".to_owned())),
            (format!("restrict {LINE}\n"), None),
            (format!("# {LINE}\n"), None),
            (String::new(), None),
        ];
        for (before, expected) in table {
            assert_eq!(
                text(without_line(before.as_bytes(), LINE)),
                expected,
                "{before:?}"
            );
        }
    }

    #[test]
    fn adding_and_removing_gives_back_what_was_there() {
        for before in ["", "a\n", "a\nb\n", "\n\n", "# x\r\n"] {
            let added = with_line(before.as_bytes(), LINE).unwrap();
            let removed = without_line(&added, LINE).unwrap();
            assert_eq!(removed, before.as_bytes());
        }
    }
}
