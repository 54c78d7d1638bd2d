//! The time of day as the clock tells it: `2019.04.24 19:15:40`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The time here and now.
pub(crate) fn now() -> String {
    shown(Timestamp::now(), &TimeZone::system())
}

/// A time where this zone holds.
pub(crate) fn shown(time: Timestamp, zone: &TimeZone) -> String {
    let time = time.to_zoned(zone.clone());
    time.strftime("%Y.%m.%d %H:%M:%S").to_string()
}
