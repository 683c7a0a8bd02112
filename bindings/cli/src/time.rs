//! Times: RFC 3339 for tools, words for people.

use std::fmt;

use serde::{Serialize, Serializer};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Milliseconds since 1970. Serializes as `YYYY-MM-DDTHH:MM:SSZ`; shows as `3 days ago`.
#[derive(Clone, Copy)]
pub(crate) struct Time(pub(crate) u64);

const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
/// Beyond this many days a date says more.
const LONGEST: u64 = 60;

impl Time {
    /// The form for tools.
    pub(crate) fn stamp(self) -> String {
        let seconds = i64::try_from(self.0 / 1000).unwrap_or(i64::MAX);
        let time = OffsetDateTime::from_unix_timestamp(seconds).ok();
        time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| "unknown".to_owned())
    }

    fn words(self, now: u64) -> String {
        let seconds = self.0.abs_diff(now) / 1000;
        if seconds / 86_400 > LONGEST {
            return self.stamp().split('T').next().unwrap_or_default().to_owned();
        }
        let unit = UNITS.iter().find(|(length, _)| seconds >= *length);
        let Some((length, name)) = unit else { return "now".to_owned() };
        let count = seconds / length;
        let plural = if count == 1 { "" } else { "s" };
        match self.0 > now {
            true => format!("in {count} {name}{plural}"),
            false => format!("{count} {name}{plural} ago"),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.stamp())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = since.map(|since| since.as_millis() as u64).unwrap_or_default();
        f.write_str(&self.words(now))
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn words_name_the_greatest_unit() {
        let now = 1_767_225_600_000;
        let ago = |seconds: u64| Time(now - seconds * 1000).words(now);
        assert_eq!(ago(0), "now");
        assert_eq!(ago(1), "1 second ago");
        assert_eq!(ago(119), "1 minute ago");
        assert_eq!(ago(7_200), "2 hours ago");
        assert_eq!(ago(86_400 * 60), "60 days ago");
        assert_eq!(ago(86_400 * 61), "2025-11-01");
        assert_eq!(Time(now + 172_800_000).words(now), "in 2 days");
    }
}
