//! Where a message stands in its room: the id of an entry of a Redis stream.

use redis::{FromRedisValue, ParsingError, Value};
use std::fmt;
use std::str::FromStr;

/// When the entry was added, in milliseconds of Redis's clock, and its number within that millisecond. The ids of a
/// stream only grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(u64, u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

impl FromStr for Id {
    type Err = String;

    /// As Redis writes it, and in no other way.
    fn from_str(text: &str) -> Result<Self, String> {
        let halves = text.split_once('-');
        let id =
            halves.and_then(|(time, number)| Some(Self(time.parse().ok()?, number.parse().ok()?)));
        id.filter(|id| id.to_string() == text)
            .ok_or_else(|| format!("{text:?} is no id of a message, as 1700000000000-0 is"))
    }
}

impl FromRedisValue for Id {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        Ok(String::from_redis_value(value)?.parse::<Self>()?)
    }
}
