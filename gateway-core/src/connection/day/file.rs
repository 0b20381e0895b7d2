//! A day on disk: a ring of one record for each minute of a day.
//!
//! A minute has its place, so one small write keeps it and the file never grows. That is why it is not
//! replaced as a whole, as other files of ours are: each record bears the minute it is of and a
//! checksum, and one that a crash cut in two is as good as absent. Nothing is flushed for it either;
//! what is lost with the power is a minute of a plot.

use super::{Day, MINUTES, Minute};
use crate::config::private_file;
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// What is said of a minute: its number, three spans of seconds, attempts, round trip, two spare bytes.
const SAID: usize = 12;

/// With the first bytes of the SHA-256 of what is said.
const RECORD: usize = SAID + 4;

const LENGTH: u64 = MINUTES as u64 * RECORD as u64;

/// Stands for a round trip that was not measured.
const NOT_MEASURED: u16 = u16::MAX;

/// Where a day is kept.
#[derive(Debug)]
pub struct DayFile {
    file: File,
}

impl DayFile {
    /// Returns the file in `folder` for the day of a server, which its name does not tell.
    pub fn path_of(folder: &Path, server: &str) -> PathBuf {
        let digest = Sha256::digest(server);
        let name: String = digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        folder.join(name).with_extension("day")
    }

    /// Opens a file, or makes it for its owner alone; returns what it holds of any day.
    ///
    /// Records that are broken, or of no minute, are passed over.
    ///
    /// # Errors
    ///
    /// Fails when the system does not let us read and write it.
    pub fn open(path: &Path) -> io::Result<(Self, Day)> {
        private_file::create(path, "").map_err(io::Error::other)?;
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        (&mut file).take(LENGTH).read_to_end(&mut bytes)?;
        let mut minutes: Vec<_> = bytes
            .chunks_exact(RECORD)
            .enumerate()
            .filter_map(|(place, record)| read(record, place))
            .collect();
        minutes.sort_by_key(|minute| minute.number);
        let mut day = Day::default();
        for minute in minutes {
            day.keep(minute);
        }
        Ok((Self { file }, day))
    }

    /// Writes a minute over the one a day before it.
    ///
    /// # Errors
    ///
    /// Fails when the system does not take it.
    pub fn write(&mut self, minute: &Minute) -> io::Result<()> {
        let place = u64::from(minute.number % MINUTES) * RECORD as u64;
        self.file.seek(SeekFrom::Start(place))?;
        self.file.write_all(&record(minute))
    }
}

fn record(minute: &Minute) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..4].copy_from_slice(&minute.number.to_le_bytes());
    record[4..8].copy_from_slice(&[
        minute.connected_s,
        minute.gateway_down_s,
        minute.down_s,
        minute.attempts,
    ]);
    let ping = minute.ping_tenths.unwrap_or(NOT_MEASURED);
    record[8..10].copy_from_slice(&ping.to_le_bytes());
    let check = checksum(&record[..SAID]);
    record[SAID..].copy_from_slice(&check);
    record
}

/// Reads the record at a place; `None` for one that is broken or belongs elsewhere.
fn read(record: &[u8], place: usize) -> Option<Minute> {
    let (said, check) = record.split_at_checked(SAID)?;
    if check != checksum(said) {
        return None;
    }
    let number = u32::from_le_bytes(said[..4].try_into().ok()?);
    let ping = u16::from_le_bytes(said[8..10].try_into().ok()?);
    (number % MINUTES == u32::try_from(place).ok()?).then_some(Minute {
        number,
        connected_s: said[4],
        gateway_down_s: said[5],
        down_s: said[6],
        attempts: said[7],
        ping_tenths: (ping != NOT_MEASURED).then_some(ping),
    })
}

fn checksum(said: &[u8]) -> [u8; RECORD - SAID] {
    let digest = Sha256::digest(said);
    std::array::from_fn(|index| digest[index])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn minute(number: u32) -> Minute {
        Minute {
            number,
            connected_s: 51,
            gateway_down_s: 4,
            down_s: 5,
            attempts: 2,
            ping_tenths: number.is_multiple_of(2).then_some(413),
        }
    }

    fn day_of(numbers: impl IntoIterator<Item = u32>) -> Day {
        let mut day = Day::default();
        for number in numbers {
            day.keep(minute(number));
        }
        day
    }

    /// Writes those minutes to a new file; returns its folder and path.
    fn written(numbers: impl IntoIterator<Item = u32>) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("days/one.day");
        let (mut file, day) = DayFile::open(&path).unwrap();
        assert_eq!(day, Day::default());
        for number in numbers {
            file.write(&minute(number)).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn what_is_written_is_read_again_and_the_file_never_grows_beyond_a_day() {
        let (_folder, path) = written(5_000..5_000 + 2 * MINUTES);

        let (_, day) = DayFile::open(&path).unwrap();

        assert_eq!(day, day_of(5_000 + MINUTES..5_000 + 2 * MINUTES));
        assert_eq!(fs::metadata(&path).unwrap().len(), LENGTH);
    }

    #[test]
    fn a_file_cut_at_any_byte_has_all_records_before_the_cut() {
        let (_folder, path) = written(MINUTES..MINUTES + 8);
        let whole = fs::read(&path).unwrap();

        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();

            let (_, day) = DayFile::open(&path).unwrap();

            let left = u32::try_from(length / RECORD).unwrap();
            assert_eq!(day, day_of(MINUTES..MINUTES + left), "{length} bytes");
        }
    }

    #[test]
    fn a_record_with_any_wrong_bit_is_passed_over() {
        let (_folder, path) = written(MINUTES..MINUTES + 2);
        let whole = fs::read(&path).unwrap();

        for bit in 0..RECORD * 8 {
            let mut broken = whole.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &broken).unwrap();

            let (_, day) = DayFile::open(&path).unwrap();

            assert_eq!(day, day_of([MINUTES + 1]), "bit {bit}");
        }
    }

    #[test]
    fn each_server_has_a_file_whose_name_does_not_tell_of_it() {
        let path = |server| DayFile::path_of(Path::new("/days"), server);

        let one = path("me@home-server");

        assert_eq!(one, path("me@home-server"));
        assert_ne!(one, path("me@other"));
        assert_eq!(one.file_name().unwrap().len(), 16 + ".day".len());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path) = written([]);

        let mode = fs::metadata(&path).unwrap().permissions().mode();

        assert_eq!(mode & 0o777, 0o600);
    }
}
