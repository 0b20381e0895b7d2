//! The fields of a request's head as the security rules look at them.
//!
//! A rule that wants one value must notice a second one: two readers might each believe another.

/// The target and the fields of one request, borrowed from whatever read them.
#[derive(Debug, Clone)]
pub struct RequestHead<'a> {
    target: &'a str,
    fields: Vec<(&'a str, &'a [u8])>,
}

/// A field that may stand once stands several times, or is not ASCII text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ambiguous;

impl<'a> RequestHead<'a> {
    /// Takes the request target as it was sent, and every field in order.
    pub fn new(target: &'a str, fields: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self {
            target,
            fields: fields.into_iter().collect(),
        }
    }

    /// Returns the request target.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// Returns every value of a field, in order, without the blanks around them.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_ascii())
    }

    /// Returns whether a field stands in the head at all, even an empty one.
    pub fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// Returns whether the head holds a field whose name begins like this, in any case.
    pub fn has_prefix(&self, prefix: &str) -> bool {
        self.fields.iter().any(|(name, _)| {
            name.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        })
    }

    /// Returns the value of a field that may stand once.
    ///
    /// # Errors
    ///
    /// Fails when it stands more than once or holds anything but printable ASCII.
    pub fn only(&self, name: &str) -> Result<Option<&'a str>, Ambiguous> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => std::str::from_utf8(value)
                .ok()
                .filter(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
                .map(Some)
                .ok_or(Ambiguous),
            (Some(_), Some(_)) => Err(Ambiguous),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_any_case_and_a_second_one_is_noticed() {
        let head = RequestHead::new(
            "/",
            [
                ("HOST", b" a ".as_slice()),
                ("X-A", b"1"),
                ("x-a", b"2"),
                ("x-b", b"\xff"),
            ],
        );

        assert_eq!(head.only("host"), Ok(Some("a")));
        assert_eq!(head.only("x-a"), Err(Ambiguous));
        assert_eq!(head.only("x-b"), Err(Ambiguous));
        assert_eq!(head.only("x-c"), Ok(None));
        assert!(head.has_prefix("X-") && !head.has_prefix("x-abc"));
    }
}
