//! A file of lines that stays bounded: full, it is set aside under a number and begun anew.
//!
//! For logs and other records, each in one write. The file is its owner's alone, and one that was
//! readable by others before is not any more.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How large a file becomes, and how many that were full are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// A file of so many bytes gets no further write.
    pub largest: u64,
    /// So many full ones are kept beside it.
    pub older: u32,
}

/// The open end of such a file.
#[derive(Debug)]
pub struct BoundedFile {
    path: PathBuf,
    bounds: Bounds,
    /// Nothing after the disk refused; the next write tries again.
    page: Option<Page>,
}

#[derive(Debug)]
struct Page {
    file: File,
    size: u64,
}

impl BoundedFile {
    /// Opens the file, making it where it is missing; its folder must be there.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be opened for writing.
    pub fn open(path: PathBuf, bounds: Bounds) -> io::Result<Self> {
        let page = Some(open(&path)?);
        Ok(Self { path, bounds, page })
    }

    /// Removes the file and those that were set aside; the next record begins a new one.
    ///
    /// # Errors
    ///
    /// Fails when one of them cannot be removed.
    pub fn forget(&mut self) -> io::Result<()> {
        self.page = None;
        let older = (1..=self.bounds.older).map(|number| set_aside(&self.path, number));
        for path in older.chain([self.path.clone()]) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn make_room(&mut self) -> io::Result<()> {
        // Closed first: Windows renames no open file.
        self.page = None;
        for number in (1..self.bounds.older).rev() {
            let from = set_aside(&self.path, number);
            if from.exists() {
                fs::rename(from, set_aside(&self.path, number + 1))?;
            }
        }
        match self.bounds.older {
            0 => fs::remove_file(&self.path),
            _ => fs::rename(&self.path, set_aside(&self.path, 1)),
        }
    }
}

impl Write for BoundedFile {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.write_all(record)?;
        Ok(record.len())
    }

    fn write_all(&mut self, record: &[u8]) -> io::Result<()> {
        let is_full = |page: &Page| page.size >= self.bounds.largest;
        if self.page.as_ref().is_some_and(is_full) {
            self.make_room()?;
        }
        let page = match &mut self.page {
            Some(page) => page,
            none => none.insert(open(&self.path)?),
        };
        page.file.write_all(record)?;
        page.size += record.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<Page> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let size = file.metadata()?.len();
    Ok(Page { file, size })
}

/// Names a full file: `gateway.1.jsonl` for `gateway.jsonl`.
fn set_aside(path: &Path, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}.{number}.{}", extension.to_string_lossy()),
        None => format!("{stem}.{number}"),
    };
    path.with_file_name(name)
}

/// Reads the last whole lines of such a file and of the full ones before it, `most` bytes at most;
/// nothing where there is no file. What is no UTF-8 is replaced.
///
/// # Errors
///
/// Fails when a file is there and cannot be read.
pub fn tail(path: &Path, bounds: Bounds, most: u64) -> io::Result<String> {
    let mut parts = Vec::new();
    let mut room = most;
    let older = (1..=bounds.older).map(|number| set_aside(path, number));
    for path in std::iter::once(path.to_owned()).chain(older) {
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        let size = file.metadata()?.len();
        let start = size.saturating_sub(room);
        // One byte earlier tells whether a line begins at the start.
        let from = start.saturating_sub(1);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(size - from).read_to_end(&mut bytes)?;
        if start > 0 {
            let line = bytes.iter().position(|byte| *byte == b'\n');
            bytes.drain(..line.map_or(bytes.len(), |end| end + 1));
        }
        parts.push(bytes);
        room = room.saturating_sub(size);
        if room == 0 {
            break;
        }
    }
    parts.reverse();
    Ok(String::from_utf8_lossy(&parts.concat()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        largest: 8,
        older: 2,
    };

    #[test]
    fn a_full_file_is_set_aside_whole_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut file = BoundedFile::open(path, BOUNDS).unwrap();

        for line in ["one 111\n", "two 222\n", "three 3\n", "four 44\n"] {
            file.write_all(line.as_bytes()).unwrap();
        }

        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            [text("a.log"), text("a.1.log"), text("a.2.log")],
            ["four 44\n", "three 3\n", "two 222\n"]
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn what_was_full_before_the_start_is_set_aside_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "of the run before").unwrap();

        let mut file = BoundedFile::open(path.clone(), BOUNDS).unwrap();
        file.write_all(b"now").unwrap();

        assert_eq!(fs::read_to_string(&path).unwrap(), "now");
        let before = fs::read_to_string(folder.path().join("log.1")).unwrap();
        assert_eq!(before, "of the run before");
    }

    #[test]
    fn a_tail_is_whole_lines_across_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let bounds = Bounds {
            largest: 6,
            older: 1,
        };
        let mut file = BoundedFile::open(path.clone(), bounds).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            file.write_all(line.as_bytes()).unwrap();
        }

        let tail = |most| tail(&path, bounds, most).unwrap();

        assert_eq!(tail(100), "one\ntwo\nthree\n");
        assert_eq!(tail(11), "two\nthree\n");
        assert_eq!(tail(10), "two\nthree\n");
        assert_eq!(tail(9), "three\n");
        assert_eq!(tail(3), "");
        assert_eq!(
            super::tail(&folder.path().join("none"), bounds, 9).unwrap(),
            ""
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone_whatever_it_was() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

        let _file = BoundedFile::open(path.clone(), BOUNDS).unwrap();

        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
