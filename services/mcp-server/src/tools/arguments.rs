//! Reading a tool's arguments.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::calls::CallError;

/// The longest text that an argument other than a query may have, in characters.
const MAX_ARGUMENT_CHARS: usize = 1_000;

/// The arguments as the tool's own type. What does not fit is the caller's mistake, and the error says what was expected.
pub(super) fn parse<T: DeserializeOwned>(arguments: &Map<String, Value>) -> Result<T, CallError> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        // Of what is missing serde gives the name itself, and the path is the whole.
        let place = Some(error.path()).filter(|path| path.iter().next().is_some());
        let place = place.map(|path| format!("`{path}`: ")).unwrap_or_default();
        // Serde quotes what it read.
        let reason: String = format!("{place}{}", error.inner()).chars().take(300).collect();
        CallError::caller(format!("the arguments do not fit the tool's input schema: {reason}"))
    })
}

/// `limit`, or the tool's default.
pub(super) fn limit(given: Option<i64>, default: u32, max: u32) -> Result<u32, CallError> {
    let Some(given) = given else { return Ok(default) };
    u32::try_from(given).ok().filter(|limit| (1..=max).contains(limit)).ok_or_else(|| {
        CallError::caller(format!("limit must be from 1 to {max}; leave it out for {default}"))
    })
}

/// A time: RFC 3339, or a date that stands for its beginning in UTC.
pub(super) fn time(name: &str, given: Option<&str>) -> Result<Option<DateTime<Utc>>, CallError> {
    let Some(given) = given else { return Ok(None) };
    let as_time = || Some(DateTime::parse_from_rfc3339(given).ok()?.to_utc());
    let as_date = || Some(given.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc());
    // RFC 3339 has four-digit years; Postgres has none before 4713 BC.
    let fits = |time: &DateTime<Utc>| (0..=9999).contains(&time.year());
    as_time().or_else(as_date).filter(fits).map(Some).ok_or_else(|| {
        CallError::caller(format!(
            "{name} must be a date or a time, such as 2026-01-31 or 2026-01-31T12:00:00Z"
        ))
    })
}

/// A short text.
pub(super) fn short<'a>(name: &str, given: &'a str) -> Result<&'a str, CallError> {
    if given.is_empty() || given.chars().count() > MAX_ARGUMENT_CHARS {
        return Err(CallError::caller(format!("{name} must have 1 to {MAX_ARGUMENT_CHARS} characters")));
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Given {
        #[expect(dead_code, reason = "only its type is looked at")]
        query: String,
        #[expect(dead_code, reason = "only its type is looked at")]
        limit: Option<i64>,
    }

    /// Nothing is taken for something else, and an error names the argument.
    #[test]
    fn arguments_are_of_their_types() {
        let given =
            |value: Value| parse::<Given>(value.as_object().unwrap()).map_err(|error| error.to_string());
        assert!(given(serde_json::json!({ "query": "x", "limit": null })).is_ok());
        for (value, expected) in [
            (
                serde_json::json!({ "query": "x", "limit": "3" }),
                "`limit`: invalid type: string \"3\", expected i64",
            ),
            (serde_json::json!({ "query": ["x"] }), "`query`: invalid type: sequence, expected a string"),
            (serde_json::json!({ "limit": 3 }), "missing field `query`"),
            (serde_json::json!({ "query": "x", "offset": 3 }), "`offset`"),
        ] {
            let error = given(value).unwrap_err();
            assert!(error.contains("input schema: ") && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_limit_is_within_its_range() {
        assert_eq!(limit(None, 10, 50).unwrap(), 10);
        assert_eq!(limit(Some(50), 10, 50).unwrap(), 50);
        for bad in [0, -1, 51, i64::MAX, i64::MIN] {
            assert!(matches!(limit(Some(bad), 10, 50), Err(CallError::Caller(_))), "{bad}");
        }
    }

    #[test]
    fn a_time_is_a_date_or_rfc_3339() {
        for good in ["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+02:00"] {
            assert!(time("updated_after", Some(good)).unwrap().is_some(), "{good}");
        }
        for bad in ["", "yesterday", "2026-13-01", "1700000000", "-5000-01-01", "+12026-01-01"] {
            assert!(time("updated_after", Some(bad)).is_err(), "{bad}");
        }
    }
}
