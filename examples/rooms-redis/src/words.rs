//! What members are told: JSON, one object a message. README.md has the table.

use crate::id::Id;
use serde_json::Value;

/// Redis cannot be reached: nothing can be said or heard.
pub(crate) const AWAY: &str = r#"{"type":"away"}"#;
/// Redis can be reached again.
pub(crate) const BACK: &str = r#"{"type":"back"}"#;
/// What was said after the last message that the member heard may be missing here.
pub(crate) const GAP: &str = r#"{"type":"gap"}"#;

/// The member has heard everything up to here, and will hear what follows.
pub(crate) fn here(id: Id) -> String {
    format!(r#"{{"type":"here","id":"{id}"}}"#)
}

/// Somebody said this: another member, or the one who is told.
pub(crate) fn message(id: Id, text: &str) -> String {
    let text = Value::from(text);
    format!(r#"{{"type":"message","id":"{id}","text":{text}}}"#)
}

/// The answer to what a member said: it is kept, and all will hear it.
pub(crate) fn said(id: Id) -> String {
    format!(r#"{{"type":"said","as":"{id}"}}"#)
}

/// The answer to what a member said: nobody will ever hear it.
pub(crate) fn refused(text: &str, why: &str) -> String {
    let (text, why) = (Value::from(text), Value::from(why));
    format!(r#"{{"type":"refused","text":{text},"why":{why}}}"#)
}

/// The answer to what a member said: it may have been kept, or not.
pub(crate) fn unknown(text: &str, why: &str) -> String {
    let (text, why) = (Value::from(text), Value::from(why));
    format!(r#"{{"type":"unknown","text":{text},"why":{why}}}"#)
}
