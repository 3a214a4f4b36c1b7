//! Words in configuration files: dates and times as strings, how a word is shown, which known word it is like.

use chrono::{NaiveDate, NaiveTime};

/// `YYYY-MM-DD`, nothing else.
pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    let shape = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    shape
        .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .flatten()
}

/// `HH:MM` or `HH:MM:SS`, nothing else.
pub(crate) fn parse_time(text: &str) -> Option<NaiveTime> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let format = match text.len() {
        5 => "%H:%M",
        8 => "%H:%M:%S",
        _ => return None,
    };
    // A leap second (:60) is no time at which a day can be billed.
    let leap = text.len() == 8 && text.ends_with("60");
    (digits && !leap)
        .then(|| NaiveTime::parse_from_str(text, format).ok())
        .flatten()
}

/// What someone wrote, in quotes and escaped, cut when it is long: for messages.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", shorten(text))
}

/// What someone wrote, escaped and cut when it is long: for messages.
pub(crate) fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    let cut: String = text.chars().take(LONGEST).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{dots}", cut.escape_debug())
}

/// The known word that is most like `word`, if one is like it at all.
pub(crate) fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    // A guess at something absurdly long helps nobody, and takes time.
    if word.len() > 100 {
        return None;
    }
    let lower = word.to_lowercase();
    known
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| distance * 3 <= candidate.chars().count().max(3))
        .min()
        .map(|(_, candidate)| candidate)
}
