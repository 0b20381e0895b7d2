//! The cases, family by family.

use super::super::super::socket::MAX_PAYLOAD;
use super::super::raw::{
    BINARY, CLOSE, CONTINUATION, FIN, Length, PING, PONG, TEXT, any_frame, bare_frame,
    connect_request, frame, health_request,
};
use super::{Case, Outcome, answered, closed, echoed, lives};

const MASK: [u8; 4] = [1, 2, 3, 4];

/// Returns every case.
pub(super) fn all() -> Vec<Case> {
    [
        opcodes(),
        reserved_bits(),
        masks(),
        lengths(),
        sizes(),
        fragments(),
        sequences_of_fragments(),
        control_frames(),
        invalid_text(),
        valid_text(),
        closes(),
        after_a_close(),
        before_hello(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn request(id: &str) -> Vec<u8> {
    health_request(id).to_string().into_bytes()
}

fn joined(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.concat()
}

fn opcodes() -> Vec<Case> {
    let mut cases = Vec::new();
    for opcode in 0..16_u8 {
        for payload in [b"".as_slice(), b"\x03\xe8"] {
            let outcome = match opcode {
                TEXT if payload.is_empty() => lives(),
                TEXT => closed(1007),
                BINARY | PONG => lives(),
                PING => echoed(&[payload]),
                CLOSE if payload.is_empty() => Outcome::Closed(None),
                CLOSE => closed(1000),
                _ => closed(1002),
            };
            let size = payload.len();
            cases.push(Case::new(
                format!("opcode {opcode}, final, {size} bytes"),
                frame(FIN | opcode, payload),
                outcome,
            ));
            if !matches!(opcode, TEXT | BINARY) {
                // A control frame in pieces, a continuation of nothing, a reserved opcode.
                cases.push(Case::new(
                    format!("opcode {opcode}, not final, {size} bytes"),
                    frame(opcode, payload),
                    closed(1002),
                ));
            }
        }
    }
    cases
}

fn reserved_bits() -> Vec<Case> {
    let mut cases = Vec::new();
    for bits in 1..8_u8 {
        for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
            cases.push(Case::new(
                format!("reserved bits {bits:03b} on opcode {opcode}"),
                frame(FIN | bits << 4 | opcode, b""),
                closed(1002),
            ));
        }
        cases.push(Case::new(
            format!("reserved bits {bits:03b} on a continuation"),
            joined(&[
                frame(TEXT, b"{"),
                frame(FIN | bits << 4 | CONTINUATION, b"}"),
            ]),
            closed(1002),
        ));
    }
    cases
}

fn masks() -> Vec<Case> {
    let mut cases = Vec::new();
    for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
        for size in [0, 2, 125] {
            cases.push(Case::new(
                format!("no mask on opcode {opcode}, {size} bytes"),
                bare_frame(FIN | opcode, &vec![b' '; size]),
                closed(1002),
            ));
        }
    }
    cases.push(Case::new(
        "no mask on a continuation",
        joined(&[frame(TEXT, b"{"), bare_frame(FIN, b"}")]),
        closed(1002),
    ));
    for mask in [[0; 4], [0xff; 4], [0, 0, 0, 1], [0x80, 0, 0, 0]] {
        cases.push(Case::new(
            format!("mask {mask:?}"),
            any_frame(FIN | TEXT, Some(mask), Length::Shortest, &request("m")),
            answered(&["m"]),
        ));
    }
    cases
}

/// A request with blanks after it, so that it has this length.
fn request_of(size: usize) -> Vec<u8> {
    let mut request = request("m");
    request.resize(size, b' ');
    request
}

fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [
        60, 64, 124, 125, 126, 127, 128, 255, 256, 4095, 4096, 65535, 65536, 65537, 131_072,
    ] {
        for opcode in [TEXT, BINARY] {
            cases.push(Case::new(
                format!("opcode {opcode}, {size} bytes"),
                frame(FIN | opcode, &request_of(size)),
                answered(&["m"]),
            ));
        }
    }
    // Senders must use the shortest form; receivers need not mind, and the official gateway does not.
    for (form, sizes) in [
        (Length::In16, [60, 100, 125].as_slice()),
        (Length::In64, &[60, 125, 126, 1000, 65535]),
    ] {
        for size in sizes {
            cases.push(Case::new(
                format!("{size} bytes, length {form:?}"),
                any_frame(FIN | TEXT, Some(MASK), form, &request_of(*size)),
                answered(&["m"]),
            ));
        }
        cases.push(Case::new(
            format!("a ping of 4 bytes, length {form:?}"),
            any_frame(FIN | PING, Some(MASK), form, b"ping"),
            echoed(&[b"ping"]),
        ));
        cases.push(Case::new(
            format!("an empty text, length {form:?}"),
            any_frame(FIN | TEXT, Some(MASK), form, b""),
            lives(),
        ));
    }
    cases
}

fn sizes() -> Vec<Case> {
    let most = MAX_PAYLOAD as u64;
    let mut cases = Vec::new();
    for (name, length) in [
        ("one byte more than allowed", most + 1),
        ("2^31", 1 << 31),
        ("2^32", 1 << 32),
        ("2^62", 1 << 62),
        ("2^63 - 1", i64::MAX as u64),
        ("2^63", 1 << 63),
        ("2^64 - 1", u64::MAX),
    ] {
        for opcode in [TEXT, BINARY] {
            cases.push(Case::new(
                format!("opcode {opcode} claims {name}"),
                any_frame(FIN | opcode, Some(MASK), Length::Claimed(length), b""),
                closed(1009),
            ));
        }
        cases.push(Case::new(
            format!("a fragment claims {name}"),
            joined(&[
                frame(TEXT, b"{"),
                any_frame(FIN, Some(MASK), Length::Claimed(length), b""),
            ]),
            closed(1009),
        ));
    }
    let half = vec![b' '; MAX_PAYLOAD / 2 + 1];
    cases.push(Case::new(
        "two fragments that are too much together",
        joined(&[frame(TEXT, &half), frame(FIN, &half)]),
        closed(1009),
    ));
    cases
}

fn fragments() -> Vec<Case> {
    let whole = request("m");
    let mut cases = Vec::new();
    for at in 0..=whole.len() {
        let (head, tail) = whole.split_at(at);
        cases.push(Case::new(
            format!("in two pieces, the first of {at} bytes"),
            joined(&[frame(TEXT, head), frame(FIN, tail)]),
            answered(&["m"]),
        ));
    }
    for at in (0..=whole.len()).step_by(6) {
        let (head, tail) = whole.split_at(at);
        for (name, between, pongs) in [
            (
                "a ping",
                frame(FIN | PING, b"in between"),
                vec![b"in between".to_vec()],
            ),
            ("a pong", frame(FIN | PONG, b"nobody asked"), Vec::new()),
        ] {
            cases.push(Case::new(
                format!("{name} between two pieces, the first of {at} bytes"),
                joined(&[frame(TEXT, head), between, frame(FIN, tail)]),
                Outcome::Lives {
                    answers: vec!["m".to_owned()],
                    pongs,
                },
            ));
        }
    }
    let single = |opcode: u8| {
        let mut frames = vec![frame(opcode, b"")];
        frames.extend(whole.iter().map(|byte| frame(CONTINUATION, &[*byte])));
        frames.push(frame(FIN, b""));
        joined(&frames)
    };
    cases.push(Case::new(
        "in pieces of one byte",
        single(TEXT),
        answered(&["m"]),
    ));
    cases.push(Case::new(
        "binary in pieces of one byte",
        single(BINARY),
        answered(&["m"]),
    ));
    let mut empty = vec![frame(TEXT, b"")];
    empty.extend(vec![frame(CONTINUATION, b""); 500]);
    empty.push(frame(FIN, &whole));
    cases.push(Case::new(
        "500 empty pieces and all of it in the last",
        joined(&empty),
        answered(&["m"]),
    ));
    cases
}

fn sequences_of_fragments() -> Vec<Case> {
    let (start, piece, end) = (
        frame(TEXT, b"{"),
        frame(CONTINUATION, b" "),
        frame(FIN, b"}"),
    );
    let mut cases = Vec::new();
    let quiet = [frame(TEXT, b"("), frame(FIN, b")")].concat();
    for (name, frames) in [
        ("a continuation of nothing", vec![piece.clone()]),
        ("the end of nothing", vec![end.clone()]),
        (
            "a continuation of nothing, then its end",
            vec![piece.clone(), end.clone()],
        ),
        ("an end after an end", vec![quiet.clone(), end.clone()]),
        ("a continuation after an end", vec![quiet, piece.clone()]),
        (
            "a continuation after a whole text",
            vec![frame(FIN | TEXT, b"x"), piece.clone()],
        ),
        (
            "an end after a whole text",
            vec![frame(FIN | TEXT, b"x"), end.clone()],
        ),
        (
            "an end after whole binary",
            vec![frame(FIN | BINARY, b""), end],
        ),
        (
            "an end after a pong",
            vec![frame(FIN | PONG, b""), frame(FIN, b"")],
        ),
    ] {
        cases.push(Case::new(name, joined(&frames), closed(1002)));
    }
    for opcode in [TEXT, BINARY] {
        for begun in [TEXT, BINARY] {
            for (name, fin) in [("whole", FIN), ("in pieces", 0)] {
                cases.push(Case::new(
                    format!("opcode {opcode}, {name}, amid a message of opcode {begun}"),
                    joined(&[frame(begun, b"{"), piece.clone(), frame(fin | opcode, b"}")]),
                    closed(1002),
                ));
            }
        }
    }
    for opcode in (3..8).chain(11..16) {
        cases.push(Case::new(
            format!("reserved opcode {opcode} amid a message"),
            joined(&[start.clone(), frame(FIN | opcode, b"")]),
            closed(1002),
        ));
    }
    for (name, payload, code) in [
        ("an empty close", b"".as_slice(), None),
        ("a close with 1001", b"\x03\xe9", Some(1001)),
    ] {
        cases.push(Case::new(
            format!("{name} amid a message"),
            joined(&[start.clone(), frame(FIN | CLOSE, payload)]),
            Outcome::Closed(code),
        ));
    }
    cases
}

fn control_frames() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [0, 1, 2, 64, 124, 125] {
        let payload = vec![0xfe; size];
        cases.push(Case::new(
            format!("a ping of {size} bytes"),
            frame(FIN | PING, &payload),
            echoed(&[&payload]),
        ));
        cases.push(Case::new(
            format!("a pong of {size} bytes"),
            frame(FIN | PONG, &payload),
            lives(),
        ));
    }
    for opcode in [CLOSE, PING, PONG] {
        for size in [126, 127, 1000, 65535, 65536] {
            cases.push(Case::new(
                format!("opcode {opcode} of {size} bytes"),
                frame(FIN | opcode, &vec![0; size]),
                closed(1002),
            ));
        }
        cases.push(Case::new(
            format!("opcode {opcode} in pieces, then its end"),
            joined(&[frame(opcode, b""), frame(FIN, b"")]),
            closed(1002),
        ));
    }
    cases.push(Case::new(
        "three pings in a row",
        joined(&[
            frame(FIN | PING, b"1"),
            frame(FIN | PING, b"2"),
            frame(FIN | PING, b"3"),
        ]),
        echoed(&[b"1", b"2", b"3"]),
    ));
    let mut many = Vec::new();
    for number in 0..200_u8 {
        many.push(frame(FIN | PING, &[number]));
    }
    let pongs: Vec<[u8; 1]> = (0..200_u8).map(|number| [number]).collect();
    let pongs: Vec<&[u8]> = pongs.iter().map(<[u8; 1]>::as_slice).collect();
    cases.push(Case::new(
        "200 pings in a row",
        joined(&many),
        echoed(&pongs),
    ));
    cases.push(Case::new(
        "two requests in one segment",
        joined(&[
            frame(FIN | TEXT, &request("a")),
            frame(FIN | TEXT, &request("b")),
        ]),
        answered(&["a", "b"]),
    ));
    cases
}

fn invalid_text() -> Vec<Case> {
    let mut cases = Vec::new();
    let whole = request("m");
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] = 0xff;
        cases.push(Case::new(
            format!("byte {at} of a text is 0xff"),
            frame(FIN | TEXT, &broken),
            closed(1007),
        ));
    }
    for (name, bytes) in [
        ("a continuation byte alone", b"\x80".as_slice()),
        ("the last continuation byte alone", b"\xbf"),
        ("the start of two bytes", b"\xc3"),
        ("the start of three bytes", b"\xe2"),
        ("two of three bytes", b"\xe2\x82"),
        ("three of four bytes", b"\xf0\x9f\x98"),
        ("a start and no continuation", b"\xc3("),
        ("an overlong slash in two bytes", b"\xc0\xaf"),
        ("an overlong slash in three bytes", b"\xe0\x80\xaf"),
        ("an overlong slash in four bytes", b"\xf0\x80\x80\xaf"),
        ("an overlong NUL", b"\xc0\x80"),
        ("the overlong U+007F", b"\xc1\xbf"),
        ("the first surrogate", b"\xed\xa0\x80"),
        ("the last surrogate", b"\xed\xbf\xbf"),
        ("a pair of surrogates", b"\xed\xa0\xbd\xed\xb8\x80"),
        ("beyond U+10FFFF", b"\xf4\x90\x80\x80"),
        ("a start of five bytes", b"\xf8\x88\x80\x80\x80"),
        ("a start of six bytes", b"\xfc\x84\x80\x80\x80\x80"),
        ("0xfe", b"\xfe"),
        ("a byte order mark of UTF-16", b"\xff\xfe{\0}\0"),
    ] {
        cases.push(Case::new(
            format!("a text that is {name}"),
            frame(FIN | TEXT, bytes),
            closed(1007),
        ));
        cases.push(Case::new(
            format!("a text in pieces that ends with {name}"),
            joined(&[frame(TEXT, b"\"a"), frame(FIN, bytes)]),
            closed(1007),
        ));
        // What is no text is ignored (protocol §1).
        cases.push(Case::new(
            format!("binary that is {name}"),
            frame(FIN | BINARY, bytes),
            lives(),
        ));
    }
    cases
}

fn valid_text() -> Vec<Case> {
    let mut cases = Vec::new();
    let whole = health_request("å€😀").to_string().into_bytes();
    let first = whole.iter().position(|byte| !byte.is_ascii()).unwrap();
    for at in first..=first + "å€😀".len() {
        let (head, tail) = whole.split_at(at);
        cases.push(Case::new(
            format!("a text cut after {} bytes of its characters", at - first),
            joined(&[frame(TEXT, head), frame(FIN, tail)]),
            answered(&["å€😀"]),
        ));
    }
    for (name, text) in [
        ("U+0000", "\0"),
        ("U+007F", "\x7f"),
        ("U+0080", "\u{80}"),
        ("U+07FF", "\u{7ff}"),
        ("U+0800", "\u{800}"),
        ("U+D7FF", "\u{d7ff}"),
        ("U+E000", "\u{e000}"),
        ("U+FEFF", "\u{feff}"),
        ("U+FFFE", "\u{fffe}"),
        ("U+FFFF", "\u{ffff}"),
        ("U+10000", "\u{10000}"),
        ("U+10FFFF", "\u{10ffff}"),
        ("no JSON", "garbage"),
        ("half of an object", "{\"type\":"),
        ("an object and more", "{} {}"),
    ] {
        cases.push(Case::new(
            format!("a text that is {name}"),
            frame(FIN | TEXT, text.as_bytes()),
            lives(),
        ));
    }
    cases
}

fn closes() -> Vec<Case> {
    let mut cases = Vec::new();
    let good = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4001,
        4999,
    ];
    let bad = [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 32768, 65535,
    ];
    for (codes, what) in [
        (good.as_slice(), "allowed"),
        (bad.as_slice(), "not allowed"),
    ] {
        for code in codes {
            for reason in ["", "bye"] {
                let mut payload = u16::to_be_bytes(*code).to_vec();
                payload.extend(reason.as_bytes());
                let expected = if what == "allowed" { *code } else { 1002 };
                cases.push(Case::new(
                    format!("close {code}, {what}, reason {reason:?}"),
                    frame(FIN | CLOSE, &payload),
                    closed(expected),
                ));
            }
        }
    }
    let long = "x".repeat(123);
    let mut payload = 4000_u16.to_be_bytes().to_vec();
    payload.extend(long.as_bytes());
    cases.push(Case::new(
        "close 4000 with the longest reason",
        frame(FIN | CLOSE, &payload),
        Outcome::ClosedSaying(4000, long),
    ));
    cases.push(Case::new(
        "close with half a code",
        frame(FIN | CLOSE, b"\x03"),
        closed(1002),
    ));
    for bytes in [
        b"\x03\xe8\xff".as_slice(),
        b"\x03\xe8\xc3",
        b"\x03\xe8ok\xed\xa0\x80",
    ] {
        cases.push(Case::new(
            format!(
                "close 1000 with the reason {:?}, which is no text",
                &bytes[2..]
            ),
            frame(FIN | CLOSE, bytes),
            closed(1007),
        ));
    }
    cases
}

fn after_a_close() -> Vec<Case> {
    [
        ("a request", frame(FIN | TEXT, &request("late"))),
        ("a ping", frame(FIN | PING, b"late")),
        ("another close", frame(FIN | CLOSE, b"\x0f\xa0")),
        ("a fragment", frame(TEXT, b"late")),
        (
            "a frame that is not allowed",
            bare_frame(FIN | 0x70 | 15, b"late"),
        ),
    ]
    .into_iter()
    .map(|(name, bytes)| {
        Case::new(
            format!("{name} after a close"),
            joined(&[frame(FIN | CLOSE, b"\x03\xe8"), bytes]),
            closed(1000),
        )
    })
    .collect()
}

fn before_hello() -> Vec<Case> {
    const MOST: usize = 64 * 1024;
    let connect = connect_request("m", "cli", "cli").to_string().into_bytes();
    let (head, tail) = connect.split_at(connect.len() / 2);
    let mut cases = vec![
        Case::new("a ping", frame(FIN | PING, b"there?"), echoed(&[b"there?"])),
        Case::new("a pong", frame(FIN | PONG, b""), lives()),
        Case::new("no JSON", frame(FIN | TEXT, b"hello there"), closed(1000)),
        Case::new(
            "binary that is no text",
            frame(FIN | BINARY, b"\xff"),
            closed(1000),
        ),
        Case::new(
            "JSON but no request",
            frame(FIN | TEXT, b"{\"hello\":1}"),
            Outcome::ClosedSaying(1008, "invalid request frame".to_owned()),
        ),
        Case::new("an empty text", frame(FIN | TEXT, b""), closed(1000)),
        Case::new("invalid text", frame(FIN | TEXT, b"\xff"), closed(1007)),
        Case::new("a close", frame(FIN | CLOSE, b"\x0f\xa0"), closed(4000)),
        Case::new(
            "an empty close",
            frame(FIN | CLOSE, b""),
            Outcome::Closed(None),
        ),
        Case::new("no mask", bare_frame(FIN | TEXT, b"{}"), closed(1002)),
        Case::new(
            "64 KiB that are no JSON",
            frame(FIN | TEXT, &vec![b'x'; MOST]),
            closed(1000),
        ),
        Case::new(
            "64 KiB and one byte",
            frame(FIN | TEXT, &vec![b'x'; MOST + 1]),
            closed(1009),
        ),
        Case::new(
            "a megabyte",
            frame(FIN | TEXT, &vec![b'x'; 1 << 20]),
            closed(1009),
        ),
        Case::new(
            "fragments of more than 64 KiB together",
            joined(&[
                frame(TEXT, &vec![b'x'; MOST / 2]),
                frame(FIN, &vec![b'x'; MOST / 2 + 1]),
            ]),
            closed(1009),
        ),
        Case::new(
            "a claim of 64 KiB and one byte, and nothing more",
            any_frame(
                FIN | TEXT,
                Some(MASK),
                Length::Claimed(MOST as u64 + 1),
                b"",
            ),
            closed(1009),
        ),
        Case::new(
            "a claim of what is allowed after hello, and nothing more",
            any_frame(
                FIN | TEXT,
                Some(MASK),
                Length::Claimed(MAX_PAYLOAD as u64),
                b"",
            ),
            closed(1009),
        ),
        Case::new(
            "a claim of more than anything",
            any_frame(FIN | TEXT, Some(MASK), Length::Claimed(1 << 40), b""),
            closed(1009),
        ),
    ];
    for opcode in (3..8).chain(11..16) {
        cases.push(Case::new(
            format!("reserved opcode {opcode}"),
            frame(FIN | opcode, b""),
            closed(1002),
        ));
    }
    for bits in 1..8 {
        cases.push(Case::new(
            format!("reserved bits {bits:03b}"),
            frame(FIN | bits << 4 | TEXT, b"{}"),
            closed(1002),
        ));
    }
    let mut cases: Vec<Case> = cases.into_iter().map(Case::before_hello).collect();
    // The case's own request for hello comes second then, and is refused as such.
    for (name, bytes) in [
        (
            "connect in two pieces",
            joined(&[frame(TEXT, head), frame(FIN, tail)]),
        ),
        (
            "connect in two pieces around a pong",
            joined(&[frame(TEXT, head), frame(FIN | PONG, b""), frame(FIN, tail)]),
        ),
        ("connect as binary", frame(FIN | BINARY, &connect)),
    ] {
        cases.push(Case::new(name, bytes, answered(&["m"])).before_hello());
    }
    cases
}
