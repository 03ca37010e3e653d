//! Conditional requests (RFC 9110 section 13), for a representation with a strong validator.

use crate::domain::Timestamp;

/// The conditions of a request, as its headers give them.
#[derive(Clone, Copy, Default, Debug)]
pub struct Conditions<'a> {
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<&'a str>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<&'a str>,
    /// `If-Range`.
    pub if_range: Option<&'a str>,
}

/// What the conditions come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConditionResult {
    /// Go on; ranges count.
    Proceed,
    /// Go on with the whole: the client's part is of something else.
    ProceedWhole,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

/// Evaluates the conditions in the order of section 13.2.2. `etag` is strong and quoted.
pub fn evaluate(conditions: &Conditions<'_>, etag: &str, modified: Timestamp) -> ConditionResult {
    let seconds = modified.unix_seconds();
    if let Some(list) = conditions.if_match {
        if !lists(list, |tag| tag == etag) {
            return ConditionResult::Failed;
        }
    } else if let Some(since) = conditions.if_unmodified_since.and_then(http_date)
        && seconds > since
    {
        return ConditionResult::Failed;
    }
    if let Some(list) = conditions.if_none_match {
        if lists(list, |tag| tag.strip_prefix("W/").unwrap_or(tag) == etag) {
            return ConditionResult::NotModified;
        }
    } else if let Some(since) = conditions.if_modified_since.and_then(http_date)
        && seconds <= since
    {
        return ConditionResult::NotModified;
    }
    match conditions.if_range {
        None => ConditionResult::Proceed,
        Some(tag) if tag == etag => ConditionResult::Proceed,
        // A date must be exactly the file's; a weak tag never counts.
        Some(date) if http_date(date) == Some(seconds) => ConditionResult::Proceed,
        Some(_) => ConditionResult::ProceedWhole,
    }
}

/// Whether a list of entity tags is `*` or holds one that `matches`.
fn lists(list: &str, matches: impl Fn(&str) -> bool) -> bool {
    // Commas inside a tag are possible in general, but never in ours.
    list.trim() == "*" || list.split(',').any(|tag| matches(tag.trim()))
}

fn http_date(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";
    const DATE: &str = "Tue, 24 Nov 2026 09:41:00 GMT";
    const EARLIER: &str = "Tue, 24 Nov 2026 09:40:59 GMT";

    fn outcome(conditions: Conditions<'_>) -> ConditionResult {
        evaluate(&conditions, TAG, Timestamp::parse("2026-11-24T09:41:00.7Z").unwrap())
    }

    #[test]
    fn none_match_and_dates() {
        let none = Conditions::default();
        for (list, wanted) in [
            ("\"abc\"", ConditionResult::NotModified),
            ("W/\"abc\"", ConditionResult::NotModified),
            ("\"x\", \"abc\"", ConditionResult::NotModified),
            ("*", ConditionResult::NotModified),
            ("\"x\"", ConditionResult::Proceed),
        ] {
            assert_eq!(outcome(Conditions { if_none_match: Some(list), ..none }), wanted, "{list}");
        }
        assert_eq!(outcome(Conditions { if_modified_since: Some(DATE), ..none }), ConditionResult::NotModified);
        assert_eq!(outcome(Conditions { if_modified_since: Some(EARLIER), ..none }), ConditionResult::Proceed);
        assert_eq!(outcome(Conditions { if_modified_since: Some("yesterday"), ..none }), ConditionResult::Proceed);
        let both = Conditions { if_none_match: Some("\"x\""), if_modified_since: Some(DATE), ..none };
        assert_eq!(outcome(both), ConditionResult::Proceed, "the tag has precedence");
    }

    #[test]
    fn match_and_range() {
        let none = Conditions::default();
        assert_eq!(outcome(Conditions { if_match: Some("\"x\""), ..none }), ConditionResult::Failed);
        assert_eq!(outcome(Conditions { if_match: Some("W/\"abc\""), ..none }), ConditionResult::Failed, "strong only");
        assert_eq!(outcome(Conditions { if_unmodified_since: Some(EARLIER), ..none }), ConditionResult::Failed);
        for (value, wanted) in [
            (TAG, ConditionResult::Proceed),
            ("W/\"abc\"", ConditionResult::ProceedWhole),
            ("\"x\"", ConditionResult::ProceedWhole),
            (DATE, ConditionResult::Proceed),
            (EARLIER, ConditionResult::ProceedWhole),
        ] {
            assert_eq!(outcome(Conditions { if_range: Some(value), ..none }), wanted, "{value}");
        }
    }
}
