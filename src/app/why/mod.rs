//! The questions that are asked most about WebSocket, each with a short answer, where it can be seen, and where it is
//! code. `plainws why` prints them, the lab has them as a bench. `tests/cli_why.rs` checks that whatever they name is there.

pub(crate) mod asked;
mod fields;
mod frames;
mod life;
mod opening;
mod question;
mod stream;

use self::question::Place;
pub(crate) use self::question::{Question, Topic};
use serde_json::{Value, json};

/// All of them, in the order of their numbers.
pub(crate) fn all() -> Vec<&'static Question> {
    let tables: [&[Question]; 4] = [opening::ALL, frames::ALL, stream::ALL, life::ALL];
    let mut all: Vec<_> = tables.into_iter().flatten().collect();
    all.sort_unstable_by_key(|question| question.number);
    all
}

/// The question of that number.
pub(crate) fn numbered(number: u8) -> Option<&'static Question> {
    all().into_iter().find(|question| question.number == number)
}

/// What the lab's page reads: the questions by topic, and what is said about each field of a frame.
pub(crate) fn page() -> Value {
    let all = all();
    let of = |topic: Topic| all.iter().filter(move |question| question.topic == topic);
    let by_topic = Topic::ALL.into_iter().flat_map(of);
    json!({
        "questions": by_topic.map(|question| object(question)).collect::<Value>(),
        "fields": fields::object(),
    })
}

/// A question as an object.
pub(crate) fn object(question: &Question) -> Value {
    let links = question.links.iter();
    json!({
        "n": question.number,
        "topic": question.topic.title(),
        "question": question.question,
        "answer": [question.answer],
        "section": question.section,
        "links": links.map(|link| json!({"to": link.to, "text": link.text})).collect::<Value>(),
        "place": question.place.map(Place::object),
        "try": question.command.map(|command| command.line),
        "exit": question.command.map(|command| command.exit),
    })
}
