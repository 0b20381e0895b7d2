//! What a program prints, bounded: its beginning and its end are kept, the middle is counted.

use std::collections::VecDeque;

/// How much of the beginning and of the end is kept, in bytes. Together less than a model is shown
/// of any tool.
const HEAD: usize = 16 * 1024;
const TAIL: usize = 32 * 1024;
/// How much of the end is shown while the program runs, in bytes.
const SHOWN: usize = 2 * 1024;

/// What was printed so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
}

impl Output {
    /// Takes in what was printed next.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = (HEAD - self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
        self.dropped += surplus as u64;
    }

    /// Returns what is kept of it; bytes that are no text are shown as such.
    pub(super) fn text(&self) -> String {
        let head = String::from_utf8_lossy(&self.head);
        let (one, other) = self.tail.as_slices();
        let tail = [one, other].concat();
        if self.dropped == 0 {
            // Together, as a character may lie across the seam.
            return String::from_utf8_lossy(&[self.head.as_slice(), &tail].concat()).into_owned();
        }
        let tail = String::from_utf8_lossy(&tail);
        format!("{head}\n[… {} bytes left out …]\n{tail}", self.dropped)
    }

    /// Returns its end, as it is shown while the program runs.
    pub(super) fn end(&self) -> String {
        let text = self.text();
        let from = text.ceil_char_boundary(text.len().saturating_sub(SHOWN));
        text.get(from..).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end_are_kept_and_the_middle_is_counted() {
        let mut output = Output::default();
        output.push(b"first\n");
        for _ in 0..1000 {
            output.push(&[b'x'; 1000]);
        }
        output.push(b"last\n");

        let text = output.text();

        assert!(text.starts_with("first\n") && text.ends_with("last\n"));
        assert!(text.len() < HEAD + TAIL + 100, "{}", text.len());
        assert!(text.contains(&format!("[… {} bytes left out …]", 1_000_011 - HEAD - TAIL)));
        assert!(output.end().len() <= SHOWN && output.end().ends_with("last\n"));
    }

    #[test]
    fn a_character_across_two_pieces_stays_whole() {
        let mut output = Output::default();
        output.push(&[b'a'; HEAD - 1]);
        output.push("é".as_bytes());

        assert!(output.text().ends_with("aé"));
    }
}
