//! Times in words, for people; tools get RFC 3339.

use agentsecrets_core::report::When;

const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
/// Beyond this many days a date says more.
const LONGEST: u64 = 60;

/// As `3 days ago`.
pub(crate) fn words(time: When) -> String {
    since_then(time, now())
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map(|since| since.as_millis() as u64).unwrap_or_default()
}

fn since_then(time: When, now: u64) -> String {
    let seconds = time.0.abs_diff(now) / 1000;
    if seconds / 86_400 > LONGEST {
        return time.to_string().split('T').next().unwrap_or_default().to_owned();
    }
    let unit = UNITS.iter().find(|(length, _)| seconds >= *length);
    let Some((length, name)) = unit else { return "now".to_owned() };
    let count = seconds / length;
    let plural = if count == 1 { "" } else { "s" };
    match time.0 > now {
        true => format!("in {count} {name}{plural}"),
        false => format!("{count} {name}{plural} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::{When, since_then};

    #[test]
    fn words_name_the_greatest_unit() {
        let now = 1_767_225_600_000;
        let ago = |seconds: u64| since_then(When(now - seconds * 1000), now);
        assert_eq!(ago(0), "now");
        assert_eq!(ago(1), "1 second ago");
        assert_eq!(ago(119), "1 minute ago");
        assert_eq!(ago(7_200), "2 hours ago");
        assert_eq!(ago(86_400 * 60), "60 days ago");
        assert_eq!(ago(86_400 * 61), "2025-11-01");
        assert_eq!(since_then(When(now + 172_800_000), now), "in 2 days");
    }
}
