use proptest::prelude::*;

use super::*;
use crate::{Allowlist, EmailAddress};

const STRING: ParameterKind = ParameterKind::String;
const STRING_LIST: ParameterKind = ParameterKind::StringList;

fn entry(text: &str) -> Entry {
    text.parse().unwrap()
}

fn added(text: &str, kind: ParameterKind, new: &str) -> String {
    match add_entry(text, kind, &entry(new)).unwrap() {
        Edit::Changed(text) => text,
        Edit::Unchanged => panic!("{new} should not have been in {text:?}"),
    }
}

fn removed(text: &str, old: &str) -> String {
    match remove_entry(text, &entry(old)) {
        Edit::Changed(text) => text,
        Edit::Unchanged => panic!("{old} should have been in {text:?}"),
    }
}

#[test]
fn an_entry_is_added_in_the_lists_own_form() {
    for (text, kind, expected) in [
        ("", STRING, "ada@example.com"),
        (" \n", STRING, "ada@example.com"),
        ("none", STRING, "ada@example.com"),
        ("none", STRING_LIST, "ada@example.com"),
        ("b@x", STRING, "b@x\nada@example.com"),
        ("b@x\n", STRING, "b@x\nada@example.com\n"),
        ("b@x\r\nc@x", STRING, "b@x\r\nc@x\r\nada@example.com"),
        ("b@x\r\n", STRING, "b@x\r\nada@example.com\r\n"),
        ("b@x,c@x", STRING, "b@x,c@x,ada@example.com"),
        ("b@x,c@x,", STRING, "b@x,c@x,ada@example.com"),
        ("b@x,c@x\n", STRING, "b@x,c@x\nada@example.com\n"),
        ("b@x # Bob", STRING, "b@x # Bob\nada@example.com"),
        ("# ada@example.com", STRING, "# ada@example.com\nada@example.com"),
        ("*@example.com", STRING, "*@example.com\nada@example.com"),
        ("b@x", STRING_LIST, "b@x,ada@example.com"),
        ("b@x,c@x", STRING_LIST, "b@x,c@x,ada@example.com"),
        ("b@x,c@x\n", STRING_LIST, "b@x,c@x,ada@example.com"),
        ("b@x,#c@x", STRING_LIST, "ada@example.com,b@x,#c@x"),
    ] {
        assert_eq!(added(text, kind, "ada@example.com"), expected, "{text:?}");
    }
    assert_eq!(added("b@x", STRING, "*@Example.com"), "b@x\n*@example.com");
    assert_eq!(added("b@x", ParameterKind::SecureString, "c@x"), "b@x\nc@x");
}

#[test]
fn an_entry_that_is_there_is_not_added_again() {
    for text in ["Ada@Example.com", "b@x , ada@EXAMPLE.com", "\u{feff}ada@example.com # x"] {
        assert_eq!(add_entry(text, STRING, &entry("ada@example.com")).unwrap(), Edit::Unchanged, "{text:?}");
    }
    assert_eq!(add_entry("*@X", STRING, &entry("*@x")).unwrap(), Edit::Unchanged);
}

#[test]
fn an_entry_is_removed_and_nothing_else() {
    for (text, expected) in [
        ("ada@example.com", "none"),
        ("ada@example.com\n", "none"),
        ("\u{feff}ada@example.com,\n", "none"),
        ("ada@example.com\nb@x", "b@x"),
        ("b@x\nada@example.com", "b@x"),
        ("b@x\r\nada@example.com", "b@x"),
        ("b@x\r\nADA@example.com\r\nc@x\r\n", "b@x\r\nc@x\r\n"),
        ("b@x\rada@example.com\rc@x\r", "b@x\rc@x\r"),
        ("b@x, ada@example.com, c@x", "b@x, c@x"),
        ("ada@example.com, b@x", "b@x"),
        ("b@x, ada@example.com", "b@x"),
        ("  ada@example.com,  b@x", "  b@x"),
        ("b@x,ada@example.com,Ada@example.com\nada@example.com", "b@x"),
        ("# people\n\nada@example.com # Ada\nb@x\n", "# people\n\n# Ada\nb@x\n"),
        ("b@x,ada@example.com # both", "b@x# both"),
        ("ada@example.com\n# ada@example.com\n", "# ada@example.com\n"),
        ("\u{feff}ada@example.com\nb@x", "b@x"),
        ("what is this\nada@example.com\n", "what is this\n"),
    ] {
        assert_eq!(removed(text, "ada@example.com"), expected, "{text:?}");
    }
    assert_eq!(removed("*@EXAMPLE.com,ada@example.com", "*@example.com"), "ada@example.com");
}

#[test]
fn what_is_not_there_is_not_removed() {
    for text in ["", "none", "# ada@example.com", "*@example.com", "lada@example.com", "ada@example.com.br"] {
        assert_eq!(remove_entry(text, &entry("ada@example.com")), Edit::Unchanged, "{text:?}");
    }
}

#[test]
fn a_list_that_would_not_fit_is_refused_before_it_is_written() {
    let text = "a".repeat(MAX_LIST_BYTES - "\nada@example.com".len());
    assert_eq!(added(&text, STRING, "ada@example.com").len(), MAX_LIST_BYTES);
    let text = format!("{text}a");
    assert_eq!(
        add_entry(&text, STRING, &entry("ada@example.com")),
        Err(ListTooLong { bytes: MAX_LIST_BYTES + 1 })
    );
    let long = format!("{text}\nada@example.com");
    assert!(
        matches!(remove_entry(&long, &entry("ada@example.com")), Edit::Changed(_)),
        "one can always remove"
    );
}

#[test]
fn a_text_is_given_other_entries_and_keeps_the_rest() {
    for (text, wanted, expected) in [
        ("a@x # A\n# B\nb@x", "a@x,c@x", "a@x # A\n# B\nc@x"),
        ("a@x\nb@x", "B@x", "b@x"),
        ("a@x", "", "none"),
        ("none", "a@x", "a@x"),
    ] {
        assert_eq!(with_entries(text, STRING, &entries(wanted)).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn the_order_of_a_list_is_not_worth_a_write() {
    for (one, other, expected) in [
        ("a@x\nb@x", "b@x\r\na@x\n", true),
        ("a@x,b@x", "b@x, a@x", true),
        ("a@x # A\nb@x", "b@x\na@x # A", true),
        ("a@x # A\nb@x", "b@x\na@x", false),
        ("a@x", "a@x,a@x", false),
        ("a@x", "b@x", false),
    ] {
        assert_eq!(has_same_parts(one, other), expected, "{one:?} {other:?}");
    }
}

/// Texts as people make them: addresses, domains, rubbish and comments, with all kinds of separators.
fn any_list() -> impl Strategy<Value = String> {
    let item = prop_oneof![
        3 => "[a-cA-C]{1,2}@[x-z]\\.[a-c]",
        1 => "\\*@[x-zX-Z]\\.[a-c]",
        1 => "#[ a-c@,]{0,8}",
        1 => "[a-c@ .*;\"#]{0,6}",
        1 => Just("none".to_owned()),
        1 => "\u{feff}[a-c]@x\\.[a-c]",
    ];
    let separator = prop_oneof!["\n", "\r\n", "\r", ",", ", ", "[ \t]"];
    proptest::collection::vec((item, separator), 0..12)
        .prop_map(|parts| parts.into_iter().flat_map(|(item, separator)| [item, separator]).collect())
}

fn any_entry() -> impl Strategy<Value = Entry> {
    prop_oneof!["[a-cA-C]{1,2}@[x-zX-Z]\\.[a-c]", "\\*@[x-z]\\.[a-c]"].prop_map(|text| entry(&text))
}

fn any_kind() -> impl Strategy<Value = ParameterKind> {
    prop_oneof![Just(STRING), Just(STRING_LIST), Just(ParameterKind::SecureString)]
}

fn comments(text: &str) -> Vec<String> {
    let lines = text.split(['\n', '\r']);
    lines.filter_map(|line| line.split_once('#')).map(|(_, comment)| comment.trim_end().to_owned()).collect()
}

fn whole_lines(text: &str) -> Vec<&str> {
    lines(text).map(|(line, _)| line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_added_is_listed_and_nobody_else_was_moved(list in any_list(), kind in any_kind(), new in any_entry()) {
        let before = entries(&list);
        match add_entry(&list, kind, &new).unwrap() {
            Edit::Unchanged => prop_assert!(before.contains(&new)),
            Edit::Changed(text) => {
                prop_assert!(!before.contains(&new));
                let after = entries(&text);
                prop_assert!(after.contains(&new), "{text:?}");
                let others: Vec<Entry> = after.into_iter().filter(|entry| *entry != new).collect();
                prop_assert_eq!(others, before);
                prop_assert_eq!(comments(&text), comments(&list));
                prop_assert_eq!(add_entry(&text, kind, &new).unwrap(), Edit::Unchanged);
                let taken_back = remove_entry(&text, &new).applied_to(text);
                prop_assert!(!entries(&taken_back).contains(&new));
            }
        }
    }

    #[test]
    fn what_was_removed_is_gone_and_nobody_else_was_moved(list in any_list(), old in any_entry()) {
        let before = entries(&list);
        match remove_entry(&list, &old) {
            Edit::Unchanged => prop_assert!(!before.contains(&old)),
            Edit::Changed(text) => {
                let others: Vec<Entry> = before.into_iter().filter(|entry| *entry != old).collect();
                prop_assert_eq!(entries(&text), others);
                prop_assert_eq!(comments(&text), comments(&list));
                prop_assert!(!text.is_empty());
                let mut kept = whole_lines(&text).into_iter();
                for line in whole_lines(&list).into_iter().filter(|line| !entries(line).contains(&old)) {
                    prop_assert!(text == NOBODY || kept.any(|kept| kept == line), "{line:?} in {text:?}");
                }
                prop_assert_eq!(remove_entry(&text, &old), Edit::Unchanged);
            }
        }
    }

    #[test]
    fn a_string_list_stays_one(
        addresses in proptest::collection::vec("[a-c]{1,2}@[x-z]\\.[a-c]", 1..8),
        steps in proptest::collection::vec((any::<bool>(), any_entry()), 0..12),
    ) {
        let mut text = addresses.join(",");
        for (is_addition, entry) in steps {
            let edit =
                if is_addition { add_entry(&text, STRING_LIST, &entry).unwrap() } else { remove_entry(&text, &entry) };
            text = edit.applied_to(text);
            prop_assert!(!text.contains(['\n', '\r', '#', ' ']), "{text:?}");
            prop_assert!(text.split(',').all(|item| !item.is_empty()), "{text:?}");
        }
    }

    #[test]
    fn an_addition_that_is_taken_back_leaves_the_list_as_it_was(
        addresses in proptest::collection::vec("[a-c]{1,2}@[x-z]\\.[a-c]", 1..8),
        separator in prop_oneof!["\n", "\r\n", ",", ", "],
        kind in any_kind(),
    ) {
        let list = addresses.join(&separator);
        let text = added(&list, kind, "new@example.com");
        prop_assert_eq!(removed(&text, "new@example.com"), list);
    }

    #[test]
    fn whatever_is_in_a_list_only_what_reads_as_an_entry_lets_anybody_in(list in "\\PC{0,40}", local in "[a-z]{1,5}") {
        let stranger: EmailAddress = format!("{local}@unlisted.example").parse().unwrap();
        prop_assert_eq!(Allowlist::parse(&list).contains(&stranger), list.contains("unlisted.example"));
    }
}
