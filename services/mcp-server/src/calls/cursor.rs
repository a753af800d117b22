//! Cursors: base64url of `{v, o, d}` – version, offset, digest of the other arguments.
//!
//! There is no key in it, since instances share none: a cursor is a caller's own bookmark into what its scope lets it
//! see anyway, and all that a forged one can do is skip.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::CallError;

const VERSION: u8 = 1;
/// The longest cursor that is looked at; ours are about 60 bytes.
const MAX_CURSOR_BYTES: usize = 200;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bookmark {
    v: u8,
    o: u32,
    d: String,
}

/// The offset that `cursor` stands for beside these arguments (of which it is one); 0 without one.
///
/// # Errors
/// [`CallError::Caller`] for a cursor that is not ours, belongs to other arguments, or points beyond `max_offset`.
pub(crate) fn offset(
    of: &str,
    arguments: &Map<String, Value>,
    cursor: Option<&str>,
    max_offset: u32,
) -> Result<u32, CallError> {
    let Some(cursor) = cursor else { return Ok(0) };
    let wrong = || {
        CallError::caller(
            "the cursor does not belong to this call: pass next_cursor unchanged, together with the same arguments, \
             or leave it out to start again",
        )
    };
    if cursor.len() > MAX_CURSOR_BYTES {
        return Err(wrong());
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let bookmark: Bookmark = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    if bookmark.v != VERSION || bookmark.d != digest(of, arguments) || bookmark.o > max_offset {
        return Err(wrong());
    }
    Ok(bookmark.o)
}

/// The cursor that continues these arguments at `offset`.
pub(crate) fn next(of: &str, arguments: &Map<String, Value>, offset: u32) -> Result<String, CallError> {
    let bookmark = Bookmark { v: VERSION, o: offset, d: digest(of, arguments) };
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&bookmark)?))
}

fn digest(of: &str, arguments: &Map<String, Value>) -> String {
    let mut others = arguments.clone();
    others.remove("cursor");
    // Canonical (RFC 8785), so that the order in which a client writes its arguments does not matter.
    let canonical = serde_json_canonicalizer::to_vec(&(of, others)).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(&Sha256::digest(canonical)[..12])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arguments(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_cursor_continues_its_own_call_only() {
        let call = arguments(&json!({"query": "leave", "limit": 5}));
        let cursor = next("search", &call, 5).unwrap();
        let mut same = arguments(&json!({"limit": 5, "cursor": cursor, "query": "leave"}));
        assert_eq!(offset("search", &same, Some(&cursor), 200).unwrap(), 5);
        assert!(offset("list_documents", &same, Some(&cursor), 200).is_err());
        assert!(offset("search", &same, Some(&cursor), 4).is_err());
        same.insert("query".into(), json!("other"));
        assert!(offset("search", &same, Some(&cursor), 200).is_err());
        assert_eq!(offset("search", &call, None, 200).unwrap(), 0);
    }

    #[test]
    fn what_is_no_cursor_is_the_callers_mistake() {
        let foreign = URL_SAFE_NO_PAD.encode(r#"{"v":1,"o":-1,"d":""}"#);
        for bad in ["", "x", "%%%", &foreign, &"A".repeat(1_000_000)] {
            let call = arguments(&json!({"query": "leave"}));
            assert!(matches!(offset("search", &call, Some(bad), 200), Err(CallError::Caller(_))));
        }
    }
}
