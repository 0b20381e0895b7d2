//! Patterns with `*` and `?`, and lists of them with negation (ssh_config(5), "PATTERNS").

/// Returns whether a pattern fits the whole text. Letter case counts.
pub(super) fn fits(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut at, mut next) = (0, 0);
    // Where to go on when what follows the last star does not fit: a later star makes earlier ones
    // irrelevant, so one place is enough and the work stays bounded.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some(b'*') => {
                star = Some((next + 1, at));
                next += 1;
            }
            Some(b'?') => {
                at += 1;
                next += 1;
            }
            Some(byte) if text.get(at) == Some(byte) => {
                at += 1;
                next += 1;
            }
            Some(_) | None => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    next = after;
                    at = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(next).all(|byte| *byte == b'*')
}

/// Returns whether a comma-separated list fits: one entry does, and no negated entry does.
pub(super) fn list_fits(text: &str, list: &str) -> bool {
    let mut found = false;
    for entry in list.split(',') {
        match entry.strip_prefix('!') {
            Some(unwanted) if fits(text, unwanted) => return false,
            Some(_) => {}
            None => found |= fits(text, entry),
        }
    }
    found
}

/// As [`list_fits`] for a host name, where letter case does not count.
pub(super) fn host_list_fits(host: &str, list: &str) -> bool {
    list_fits(&host.to_ascii_lowercase(), &list.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_what_the_manual_says() {
        let table = [
            ("box", "box", true),
            ("box", "Box", false),
            ("box", "b?x", true),
            ("box", "b??x", false),
            ("box", "*", true),
            ("", "*", true),
            ("", "", true),
            ("", "?", false),
            ("a.example.org", "*.example.org", true),
            ("example.org", "*.example.org", false),
            ("aXbXc", "a*X*c", true),
            ("aXbXc", "a*X*d", false),
            ("mississippi", "*iss*ppi", true),
            ("box", "box*", true),
            ("box", "**x", true),
        ];
        for (text, pattern, expected) in table {
            assert_eq!(fits(text, pattern), expected, "{text:?} {pattern:?}");
        }
    }

    #[test]
    fn a_negated_entry_outweighs_every_other() {
        assert!(list_fits("a.net", "*.net,!b.net"));
        assert!(!list_fits("b.net", "*.net,!b.net"));
        assert!(!list_fits("c.org", "!b.net"));
        assert!(host_list_fits("BOX", "box"));
    }

    #[test]
    fn many_stars_do_not_make_it_slow() {
        assert!(!fits(&"a".repeat(5_000), &format!("{}b", "a*".repeat(500))));
    }
}
