//! What stands after the `?` of a target.

/// The names and values of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `name=value&…`, with `%41` and `+` as forms write them.
    pub(crate) fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        });
        Self(pairs.collect())
    }

    /// The first value of a name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| &**value)
    }
}

/// Text without its escapes; those that are none stay as they are.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = match after {
            [high, low, after @ ..] if *first == b'%' => {
                digits(*high, *low).map(|byte| (byte, after))
            }
            _ => None,
        };
        let plain = if *first == b'+' { b' ' } else { *first };
        let (byte, after) = escape.unwrap_or((plain, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digits(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_read_as_forms_write_them() {
        for (query, case, agent) in [
            ("case=1&agent=a", Some("1"), Some("a")),
            (
                "agent=My+Client%2F1.0&case=301",
                Some("301"),
                Some("My Client/1.0"),
            ),
            ("case=2&case=3", Some("2"), None),
            ("case&agent=", Some(""), Some("")),
            ("agent=%zz%4&&=x", None, Some("%zz%4")),
            ("agent=%C3%A9%ff", None, Some("é\u{FFFD}")),
            ("", None, None),
        ] {
            let read = Query::parse(query);
            assert_eq!(
                (read.value("case"), read.value("agent")),
                (case, agent),
                "{query}"
            );
        }
    }
}
