//! Questions that try to be something else: tsquery syntax, SQL, JSON, bytes that Postgres has no text for.

use autri_db::search::{SearchRequest, search};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{DbError, ScopedTx, roles};

use crate::search::{find, near, words};

/// Each has the word "granite" in it, and must neither fail nor be read as more than words.
const HOSTILE: [&str; 22] = [
    "granite & | ! <-> :*",
    "granite:*",
    "granite:ABCD",
    "!granite",
    "(((granite",
    "granite <5> basalt",
    "'granite'' \"granite\" `granite`",
    "granite'); DROP TABLE chunks; --",
    "granite\\ \\' \\\\",
    "granite $1 $2 {} {\"a\": [",
    "granite]]}\",\"basalt",
    "<b>granite</b>",
    "https://granite.example/path?query=granite",
    "granite@example.com",
    "granite\u{1f}\u{7f}\u{200b}\u{202e}\u{feff}",
    "granite\r\n\t\u{b}",
    "GRANİTE granite",
    "granite 😀 \u{10ffff}",
    "-granite -- /* granite */",
    "%granite% _granite_ granite",
    "granite-basalt-granite",
    "1e400 -0 granite 0x10",
];

async fn library() -> (TestDatabase, Tenant) {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    acme.add_embedded_document(&database, "a.md", "First", &[("granite", Some(vec![1.0, 0.0]))]).await;
    acme.add_document(&database, "b.md", "Second", &["basalt"]).await;
    (database, acme)
}

#[tokio::test]
async fn a_question_is_words_and_nothing_else() {
    let (database, acme) = library().await;
    for text in HOSTILE {
        let hits = find(&database, &acme, &words(text)).await;
        let is_named = |name: &str| hits.iter().any(|hit| hit.body == name);
        assert!(is_named("granite"), "{text}: {hits:?}");
        assert!(text.contains("basalt") || !is_named("basalt"), "{text}: {hits:?}");
    }
}

#[tokio::test]
async fn operators_take_any_text() {
    let (database, acme) = library().await;
    for text in HOSTILE {
        let piece = vec![text.to_owned()];
        let either = vec![text.to_owned(), "granite".to_owned()];
        let requests = [
            SearchRequest { phrases: piece.clone(), ..words("granite") },
            SearchRequest { negated: piece.clone(), ..words("basalt") },
            SearchRequest { phrases: piece.clone(), ..near(&[1.0, 0.0], 0.5) },
        ];
        for request in requests {
            let hits = find(&database, &acme, &request).await;
            assert!(hits.len() <= 2, "{text}: {hits:?}");
        }
        let either = SearchRequest { any_of: vec![either], ..words("granite basalt") };
        let hits = find(&database, &acme, &either).await;
        assert!(hits.iter().any(|hit| hit.body == "granite"), "{text}: {hits:?}");
        // Negating what every text names leaves no granite, whatever else the text says; phrases of two words aside.
        if text == "granite:*" || text == "!granite" || text == "(((granite" {
            let refusing = SearchRequest { negated: piece, ..words("granite basalt") };
            let hits = find(&database, &acme, &refusing).await;
            assert_eq!(hits.iter().map(|hit| hit.body.as_str()).collect::<Vec<_>>(), ["basalt"], "{text}");
        }
    }
}

/// What Postgres cannot take is an error that ends the transaction, not a panic and not an answer.
#[tokio::test]
async fn what_cannot_be_asked_is_an_error() {
    let (database, acme) = library().await;
    let nul = || vec!["a\0b".to_owned()];
    let requests = [
        words("a\0b"),
        SearchRequest { phrases: nul(), ..words("granite") },
        SearchRequest { negated: nul(), ..words("granite") },
        SearchRequest { any_of: vec![nul()], ..words("granite") },
        SearchRequest { words: "granite".to_owned(), ..near(&[1.0, 0.0, 0.0], 0.5) },
        SearchRequest { words: "granite".to_owned(), ..near(&[], 0.5) },
        SearchRequest { words: "granite".to_owned(), ..near(&[f32::NAN, 0.0], 0.5) },
        SearchRequest { words: "granite".to_owned(), ..near(&[f32::INFINITY, 0.0], 0.5) },
        SearchRequest { words: "granite".to_owned(), ..near(&[1e30, 0.0], 0.5) },
    ];
    let mcp = database.connect(roles::MCP);
    for request in requests {
        let mut tx = ScopedTx::enter(&mcp, &acme.machine_principal()).await.unwrap().unwrap();
        let outcome = search(&mut tx, &request).await;
        assert!(matches!(outcome, Err(DbError::Unexpected(_))), "{request:?}: {outcome:?}");
        assert!(tx.commit().await.is_ok(), "a failed transaction's commit is a rollback");
        // The connection is whole again.
        assert_eq!(find(&database, &acme, &words("granite")).await.len(), 1);
    }
}

#[tokio::test]
async fn a_long_question_is_answered() {
    let (database, acme) = library().await;
    let many = (0..2000).map(|number| format!("word{number}")).collect::<Vec<_>>().join(" ");
    let long_word = "x".repeat(3000);
    for text in [format!("granite {many}"), format!("granite {long_word}"), "granite ".repeat(5000)] {
        let hits = find(&database, &acme, &words(&text)).await;
        assert_eq!(hits.iter().map(|hit| hit.body.as_str()).collect::<Vec<_>>(), ["granite"]);
    }
    let phrases = (0..200).map(|number| format!("word{number} granite")).collect();
    assert_eq!(find(&database, &acme, &SearchRequest { phrases, ..words("granite") }).await, []);
    let negated = (0..200).map(|number| format!("word{number}")).collect();
    assert_eq!(find(&database, &acme, &SearchRequest { negated, ..words("granite") }).await.len(), 1);
}
