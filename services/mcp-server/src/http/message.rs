//! What this server itself looks at in a JSON-RPC message, which is little; all else is rmcp's to read.
//!
//! A value of a few bytes takes hundreds as a tree, so that a small body could cost a lot of memory. The message is therefore
//! counted before anything is made of it.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The most values that a message may hold, those inside of others included. A handshake or a call has a few dozen; as a tree,
/// so many take less than a megabyte.
const MAX_VALUES: usize = 1_000;

// JSON-RPC 2.0 §5.1.
const PARSE_ERROR: i32 = -32700;
pub(super) const INVALID_REQUEST: i32 = -32600;

/// Why a body is no message, as a JSON-RPC error's code and text.
pub(super) type Unreadable = (i32, &'static str);

/// The members that matter here. One that has another type than it should have counts as missing: rmcp refuses it.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// Whether it says that it is JSON-RPC 2.0.
    pub(super) is_version_2: bool,
    /// A text or a number, as JSON-RPC has it; a notification has none.
    pub(super) id: Option<Value>,
    pub(super) method: Option<String>,
    /// `params.name`: of a tool's call, the tool.
    pub(super) name: Option<String>,
    /// `params.uri`.
    pub(super) uri: Option<String>,
    /// The protocol version that stands in `params._meta`.
    pub(super) protocol_version: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<&'a RawValue>,
    #[serde(borrow, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    protocol_version: Option<&'a RawValue>,
}

impl Message {
    pub(super) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        check(body)?;
        if !body.trim_ascii_start().starts_with(b"{") {
            let text = "the body must be one JSON-RPC message; batches were removed in MCP 2025-06-18";
            return Err((INVALID_REQUEST, text));
        }
        // A member that stands twice is all that can be wrong now. Of the two, rmcp might take the other (RFC 8259 §4).
        Self::of(body).map_err(|_| (INVALID_REQUEST, "a member of the message stands in it twice"))
    }

    fn of(body: &[u8]) -> serde_json::Result<Self> {
        let envelope: Envelope<'_> = serde_json::from_slice(body)?;
        let params: Params<'_> = members(envelope.params)?;
        let meta: Meta<'_> = members(params.meta)?;
        let id = envelope.id.filter(|id| !id.get().starts_with(['{', '[', 't', 'f']));
        Ok(Self {
            is_version_2: text(envelope.jsonrpc).is_some_and(|version| version == "2.0"),
            id: id.map(|id| serde_json::from_str(id.get())).transpose()?,
            method: text(envelope.method),
            name: text(params.name),
            uri: text(params.uri),
            protocol_version: text(meta.protocol_version),
        })
    }
}

/// An object's members; none of what is no object.
fn members<'a, T: Default + Deserialize<'a>>(raw: Option<&'a RawValue>) -> serde_json::Result<T> {
    match raw.map(RawValue::get) {
        Some(object) if object.starts_with('{') => serde_json::from_str(object),
        _ => Ok(T::default()),
    }
}

fn text(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

/// Whether the body is JSON with no more values than a message may hold. Keeps nothing of it.
fn check(body: &[u8]) -> Result<(), Unreadable> {
    let mut seen = 0;
    let mut json = serde_json::Deserializer::from_slice(body);
    let counted = Counted { seen: &mut seen }.deserialize(&mut json).and_then(|()| json.end());
    match counted {
        Ok(()) => Ok(()),
        Err(_) if seen > MAX_VALUES => Err((INVALID_REQUEST, "the message holds more than 1,000 values")),
        Err(_) => Err((PARSE_ERROR, "the body is not JSON")),
    }
}

struct Counted<'a> {
    seen: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        *self.seen += 1;
        if *self.seen > MAX_VALUES {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Counted { seen: self.seen })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<IgnoredAny>()?.is_some() {
            members.next_value_seed(Counted { seen: self.seen })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &str) -> Result<Message, Unreadable> {
        Message::read(body.as_bytes())
    }

    #[test]
    fn a_message_says_what_it_asks_for() {
        let message = read(
            r#" {"jsonrpc":"2.0","id":"a","method":"tools\/call","params":{"name":"search","arguments":{"name":"x"},
            "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}} "#,
        )
        .unwrap();
        assert!(message.is_version_2);
        assert_eq!(message.id, Some(json!("a")));
        assert_eq!(
            (message.method.as_deref(), message.name.as_deref()),
            (Some("tools/call"), Some("search"))
        );
        assert_eq!((message.uri, message.protocol_version.as_deref()), (None, Some("2026-07-28")));
    }

    #[test]
    fn what_has_another_type_counts_as_missing() {
        for (id, expected) in [
            ("7", Some(json!(7))),
            ("-1.5", Some(json!(-1.5))),
            ("null", None),
            ("[1]", None),
            ("true", None),
        ] {
            let body = format!(r#"{{"jsonrpc":2,"id":{id},"method":{{}},"params":["search"]}}"#);
            let message = read(&body).unwrap();
            assert_eq!(message.id, expected, "{body}");
            assert!(!message.is_version_2 && message.method.is_none() && message.name.is_none());
        }
        let message = read(r#"{"params":{"name":5,"uri":null,"_meta":"x"}}"#).unwrap();
        assert!(message.name.is_none() && message.uri.is_none() && message.protocol_version.is_none());
    }

    #[test]
    fn a_member_that_stands_twice_is_refused() {
        for body in [
            r#"{"method":"ping","method":"tools/call"}"#,
            r#"{"params":{"name":"search","name":"fetch"}}"#,
            r#"{"params":{"name":"search","n\u0061me":"fetch"}}"#,
        ] {
            assert_eq!(read(body).unwrap_err().0, INVALID_REQUEST, "{body}");
        }
    }

    #[test]
    fn a_message_holds_so_many_values_and_no_more() {
        let of =
            |unit: &str, count: usize| format!(r#"{{"params":[{}0]}}"#, format!("{unit},").repeat(count));
        // Beside the units: the message, the list and the last number.
        for (unit, values) in [("1", 1), ("[]", 1), (r#"{"":1}"#, 2), ("[[[]]]", 3), (r#""a,b""#, 1)] {
            let most = (MAX_VALUES - 3) / values;
            assert!(read(&of(unit, most)).is_ok(), "{unit}");
            assert_eq!(read(&of(unit, most + 1)).unwrap_err().0, INVALID_REQUEST, "{unit}");
        }
    }
}
