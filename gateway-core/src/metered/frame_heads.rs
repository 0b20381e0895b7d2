//! Reads along where WebSocket frames begin, to see how large one says it is before it comes.

/// Follows frame after frame (RFC 6455 §5.2).
#[derive(Debug)]
pub(super) struct FrameHeads {
    most: u64,
    /// The bytes of a head that has begun.
    head: Vec<u8>,
    /// Bytes of the current frame's payload that are still to come.
    payload: u64,
}

/// Flag of the second byte: a mask of four bytes follows.
const MASKED: u8 = 0x80;

impl FrameHeads {
    /// Returns one that lets frames of at most `most` bytes of payload begin.
    pub(super) fn new(most: u64) -> Self {
        Self {
            most,
            head: Vec::new(),
            payload: 0,
        }
    }

    /// Reads on; returns whether every frame that has begun may.
    pub(super) fn admit(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((first, rest)) = bytes.split_first() {
            if self.payload > 0 {
                let skipped = self.payload.min(bytes.len() as u64);
                self.payload -= skipped;
                bytes = usize::try_from(skipped)
                    .ok()
                    .and_then(|skipped| bytes.get(skipped..))
                    .unwrap_or_default();
                continue;
            }
            self.head.push(*first);
            bytes = rest;
            if let Some(length) = self.whole_head() {
                if length > self.most {
                    return false;
                }
                self.head.clear();
                self.payload = length;
            }
        }
        true
    }

    /// Returns the length of the payload once the head is whole.
    fn whole_head(&self) -> Option<u64> {
        let second = *self.head.get(1)?;
        let (extended, short) = match second & !MASKED {
            126 => (2, None),
            127 => (8, None),
            short => (0, Some(u64::from(short))),
        };
        let mask = if second & MASKED == 0 { 0 } else { 4 };
        if self.head.len() < 2 + extended + mask {
            return None;
        }
        Some(short.unwrap_or_else(|| {
            let bytes = self.head.iter().skip(2).take(extended);
            bytes.fold(0, |length, byte| (length << 8) | u64::from(*byte))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: u64, masked: bool) -> Vec<u8> {
        let mask = if masked { MASKED } else { 0 };
        let mut bytes = vec![0x81];
        match length {
            0..126 => bytes.push(mask | length as u8),
            126..=0xFFFF => {
                bytes.push(mask | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(mask | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        if masked {
            bytes.extend([1, 2, 3, 4]);
        }
        bytes
    }

    #[test]
    fn a_claim_is_judged_when_its_head_is_whole_and_not_before() {
        for (length, is_admitted) in [
            (0, true),
            (125, true),
            (126, true),
            (1000, true),
            (1001, false),
            (65_535, false),
            (65_536, false),
            (u64::MAX, false),
        ] {
            for masked in [true, false] {
                let head = frame(length, masked);
                let (last, before) = head.split_last().unwrap();
                let mut heads = FrameHeads::new(1000);
                assert!(heads.admit(before), "{length}");
                assert_eq!(heads.admit(&[*last]), is_admitted, "{length}");
            }
        }
    }

    #[test]
    fn what_looks_like_a_head_inside_a_payload_is_none() {
        let mut bytes = frame(300, true);
        bytes.extend([0xFF; 300]);
        bytes.extend(frame(2000, true));
        // However it is cut, it is the last byte of the second head that is refused.
        for piece in [1, 7, 299, bytes.len()] {
            let mut heads = FrameHeads::new(1000);
            let admitted = bytes.chunks(piece).take_while(|piece| heads.admit(piece));
            let read: usize = admitted.map(<[u8]>::len).sum();
            assert_eq!(read, (bytes.len() - 1) / piece * piece);
        }
    }
}
