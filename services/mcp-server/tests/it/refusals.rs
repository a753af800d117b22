//! Who is not let in, and what they are told: real statuses, one challenge, and no detail.

use std::collections::BTreeSet;
use std::time::Duration;

use autri_db::test_support::TestDatabase;
use autri_db::{Database, DatabaseOptions, Tls, roles};
use autri_domain::ConnectorId;
use serde_json::{Value, json};

use crate::support::{
    Answer, Ask, Era, KID, NOW, PUBLIC_URL, Server, Setup, claims, machine_token, person_token, signer,
};

fn list() -> Ask {
    Era::Legacy("2025-11-25").request("tools/list", json!({}))
}

/// All that a client sees, but the request's own id.
fn visible(answer: &Answer) -> String {
    let mut headers = answer.headers.clone();
    let request_id = headers.remove("x-request-id").unwrap();
    let shown = format!("{} {headers:?} {}", answer.status, answer.text());
    assert!(!shown.contains(request_id.to_str().unwrap()));
    shown
}

fn changed(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[tokio::test]
async fn a_missing_token_gets_a_challenge_without_an_error_code() {
    let server = Server::start().await;
    let asks = [
        list(),
        list().header("authorization", "Basic dXNlcjpwYXNz"),
        list().header("authorization", "Bearer"),
        list().header("authorization", "Bearer "),
    ];
    for ask in asks {
        let answer = server.send(ask).await;
        assert_eq!(answer.status, 401);
        let challenge = format!(
            r#"Bearer scope="mcp.autri.ai/mcp.invoke", resource_metadata="{PUBLIC_URL}/.well-known/oauth-protected-resource/mcp""#
        );
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(answer.json()["error"], "missing_token");
    }
    assert_eq!(server.keys.fetches(), 0, "nobody without a token makes us fetch keys");
}

/// Everything from nonsense to a valid token of a revoked connector looks alike; only our own log tells them apart.
#[tokio::test]
async fn bad_tokens_and_closed_connectors_look_the_same() {
    let mut setup = Setup::default();
    setup.cognito.audience = Some("https://mcp.example.com".to_owned());
    let clients = ["acme-machine", "acme-people", "other-machine"];
    setup.cognito.client_ids = Some(clients.map(str::to_owned).to_vec());
    let server = setup.start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    let (issuer, stranger) = (signer(0), signer(1));
    let audience = json!({ "aud": "https://mcp.example.com" });
    let good = changed(claims(acme.machine, "acme-machine", "acme-machine"), &audience);
    assert_eq!(server.send(list().token(&issuer.token(&good))).await.status, 200, "the claims are good ones");
    let person = changed(claims(acme.interactive, "acme-people", "acme-person"), &audience);
    assert_eq!(server.send(list().token(&issuer.token(&person))).await.status, 200, "and so are a person's");
    server.revoke(other.machine).await;

    let with = |changes: Value| issuer.token(&changed(good.clone(), &changes));
    let header = |header: Value| issuer.sign(&header, &good);
    let signed = with(json!({}));
    let (head, rest) = signed.split_once('.').unwrap();
    let foreign_payload = issuer.token(&changed(good.clone(), &json!({ "sub": "x" })));
    let spliced =
        format!("{head}.{}.{}", foreign_payload.split('.').nth(1).unwrap(), rest.split_once('.').unwrap().1);
    let cases = [
        ("malformed", "nonsense".to_owned()),
        ("malformed", "a.b.c".to_owned()),
        ("malformed", "x".repeat(20_000)),
        ("malformed", header(json!({ "alg": "RS256" }))),
        ("algorithm", header(json!({ "alg": "none", "kid": KID }))),
        ("algorithm", header(json!({ "alg": "HS256", "kid": KID }))),
        ("unknown_key", header(json!({ "alg": "RS256", "kid": "another" }))),
        ("signature", stranger.token(&good)),
        ("signature", spliced),
        ("issuer", with(json!({ "iss": "https://evil.example" }))),
        ("expired", with(json!({ "exp": NOW - 3600 }))),
        ("not_yet_valid", with(json!({ "nbf": NOW + 3600 }))),
        ("issued_in_future", with(json!({ "iat": NOW + 3600 }))),
        ("token_use", with(json!({ "token_use": "id" }))),
        ("client", with(json!({ "client_id": "not-on-the-list" }))),
        ("audience", with(json!({ "aud": "https://other.example" }))),
        ("connector", with(json!({ "connector_id": "not-a-uuid" }))),
        // Valid tokens, whose connector does not open.
        ("closed_connector", with(json!({ "connector_id": ConnectorId::new() }))),
        ("closed_connector", with(json!({ "connector_id": other.interactive }))),
        ("closed_connector", with(json!({ "connector_id": acme.interactive }))),
        ("closed_connector", with(json!({ "sub": "acme-person" }))),
        ("closed_connector", issuer.token(&changed(person.clone(), &json!({ "sub": "a-stranger" })))),
        ("closed_connector", issuer.token(&changed(person, &json!({ "sub": "acme-people" })))),
        (
            "closed_connector",
            issuer.token(&changed(claims(other.machine, "other-machine", "other-machine"), &audience)),
        ),
    ];
    let mut seen = BTreeSet::new();
    for (reason, token) in cases {
        server.log.clear();
        for ask in [list(), Era::Modern.call("search", &json!({ "query": "x" })), Ask::get("/mcp")] {
            let answer = server.send(ask.token(&token)).await;
            assert_eq!(answer.status, 401, "{reason}");
            seen.insert(visible(&answer));
        }
        for line in server.log.lines() {
            assert_eq!((&line["refusal"], &line["status"]), (&json!(reason), &json!(401)), "{line}");
        }
    }
    assert_eq!(seen.len(), 1, "they can be told apart: {seen:#?}");
    let only = seen.pop_first().unwrap();
    assert!(only.contains("invalid_token"), "{only}");
    assert_eq!(server.audit_statuses().await, Vec::<String>::new(), "nobody called a tool");
}

#[tokio::test]
async fn two_tokens_are_none() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let twice = list().token(&token).another_header("authorization", &format!("Bearer {token}"));
    let joined = list().header("authorization", &format!("Bearer {token}, Bearer {token}"));
    let beside = list().token(&token).another_header("authorization", "Basic dXNlcjpwYXNz");
    for ask in [twice, joined, beside] {
        let answer = server.send(ask).await;
        assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_token")));
    }
}

/// RFC 9728 §3.3: a client must find, where the challenge sends it, metadata whose `resource` is the URL it called.
#[tokio::test]
async fn a_challenge_leads_to_the_metadata_of_the_url_that_was_called() {
    let server = Server::start().await;
    let connector = ConnectorId::new();
    let of_connector = format!("/c/{connector}/mcp");
    let at_edge = list().header("x-autri-connector-id", &connector.to_string());
    let cases = [
        (list(), "/mcp", "https://auth.example.com".to_owned()),
        (list().at("/mcp/"), "/mcp", "https://auth.example.com".to_owned()),
        (list().at("/c/not-a-uuid/mcp"), "/mcp", "https://auth.example.com".to_owned()),
        (list().at(&of_connector), &of_connector, format!("https://auth.example.com/c/{connector}")),
        (
            list().at_connector(connector).token("nonsense"),
            &of_connector,
            format!("https://auth.example.com/c/{connector}"),
        ),
        (at_edge, &of_connector, format!("https://auth.example.com/c/{connector}")),
    ];
    for (ask, path, issuer) in cases {
        let called = ask.path.clone();
        let answer = server.send(ask).await;
        assert_eq!(answer.status, 401, "{called}");
        let challenge = answer.header("www-authenticate");
        let url = challenge.split(r#"resource_metadata=""#).nth(1).unwrap().trim_end_matches('"');
        let metadata_path = url.strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("not absolute: {url}"));
        let metadata = server.send(Ask::get(metadata_path)).await;
        assert_eq!(metadata.status, 200, "{url}");
        let expected = json!({
            "resource": format!("{PUBLIC_URL}{path}"),
            "authorization_servers": [issuer],
            "scopes_supported": ["mcp.autri.ai/mcp.invoke"],
            "bearer_methods_supported": ["header"],
        });
        assert_eq!(metadata.json(), expected, "{called}");
    }
    let at_root = server.send(Ask::get("/.well-known/oauth-protected-resource")).await;
    assert_eq!(at_root.json()["resource"], format!("{PUBLIC_URL}/mcp"));
    for path in ["/c/not-a-uuid/mcp", "/c", "/other"] {
        let answer = server.send(Ask::get(&format!("/.well-known/oauth-protected-resource{path}"))).await;
        assert_eq!((answer.status, &answer.json()["error"]), (404, &json!("not_found")), "{path}");
    }
}

#[tokio::test]
async fn metadata_tells_nobody_which_connectors_there_are() {
    let mut setup = Setup::default();
    setup.settings.authorization_server = None;
    let server = setup.start().await;
    let acme = server.tenant("acme").await;
    let of = async |id: ConnectorId| {
        let path = format!("/.well-known/oauth-protected-resource/c/{id}/mcp");
        visible(&server.send(Ask::get(&path)).await).replace(&id.to_string(), "ID")
    };
    let (known, unknown) = (of(acme.machine).await, of(ConnectorId::new()).await);
    assert_eq!(known, unknown);
    assert!(!known.contains("authorization_servers"), "none is configured: {known}");
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_which_one_it_lacks() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let good = claims(acme.machine, "acme-machine", "acme-machine");
    for scope in ["", "openid", "mcp.autri.ai/mcp.invoke.more", "mcp.autri.ai"] {
        let token = signer(0).token(&changed(good.clone(), &json!({ "scope": scope })));
        let answer = server.send(list().at_connector(acme.machine).token(&token)).await;
        assert_eq!(answer.status, 403, "{scope}");
        assert_eq!(answer.json()["error"], "insufficient_scope");
        let id = acme.machine;
        let challenge = format!(
            r#"Bearer error="insufficient_scope", scope="mcp.autri.ai/mcp.invoke", resource_metadata="{PUBLIC_URL}/.well-known/oauth-protected-resource/c/{id}/mcp""#
        );
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
}

#[tokio::test]
async fn a_url_can_only_narrow_what_a_token_opens() {
    let server = Server::start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    let token = machine_token(&acme);
    let mine = acme.machine.to_string();
    let theirs = other.machine.to_string();
    let header = "x-autri-connector-id";
    let allowed = [
        list().at_connector(acme.machine),
        list().at(&format!("/c/{mine}/mcp/")),
        list().header(header, &mine),
        list().at_connector(acme.machine).header(header, &mine),
        list().header(header, &mine).another_header(header, &mine),
    ];
    for ask in allowed {
        assert_eq!(server.send(ask.token(&token)).await.status, 200);
    }
    let refused = [
        list().at_connector(other.machine),
        list().at_connector(ConnectorId::new()),
        list().at_connector(acme.interactive),
        list().at("/c/not-a-uuid/mcp"),
        list().at(&format!("/c/{}/mcp", mine.to_uppercase().replace('-', ""))),
        list().header(header, &theirs),
        list().header(header, "nonsense"),
        list().header(header, ""),
        list().at_connector(acme.machine).header(header, &theirs),
        list().at_connector(other.machine).header(header, &mine),
        list().header(header, &mine).another_header(header, &theirs),
        list().header(header, &theirs).another_header(header, &mine),
        list().header(header, &format!("{mine}, {theirs}")),
    ];
    let mut seen = BTreeSet::new();
    for ask in refused {
        server.log.clear();
        let answer = server.send(ask.clone().token(&token)).await;
        assert_eq!(answer.status, 403, "{ask:?}");
        assert_eq!(server.log.only_line()["refusal"], "other_connector");
        seen.insert(visible(&answer));
    }
    assert_eq!(seen.len(), 1, "they can be told apart: {seen:#?}");
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_verdict_on_a_token() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    server.keys.go_away();
    let forged = signer(1).token(&claims(acme.machine, "acme-machine", "acme-machine"));
    for token in [machine_token(&acme), forged] {
        let answer = server.send(list().token(&token)).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.json()["error"], "temporarily_unavailable");
        assert_eq!(answer.header("www-authenticate"), "", "it is not the token's fault");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
    for line in server.log.lines() {
        assert_eq!((&line["status"], &line["refusal"]), (&json!(503), &json!("keys_unavailable")));
    }
}

#[tokio::test]
async fn known_keys_go_on_working_without_the_key_server() {
    let server = Server::start().await;
    let token = person_token(&server.tenant("acme").await);
    assert_eq!(server.send(list().token(&token)).await.status, 200);
    server.keys.go_away();
    server.clock.advance_secs(24 * 3600);
    assert_eq!(server.send(list().token(&token)).await.status, 200);
    assert_eq!(server.keys.fetches(), 2, "a refresh was tried");
}

#[tokio::test]
async fn a_database_that_is_away_is_no_verdict_on_a_token() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let missing = TestDatabase::reserve().await;
    // A name that no database has, and a port that nobody listens on.
    let unreachable = "postgres://autri_mcp@127.0.0.1:1/autri".to_owned().into();
    for url in [missing.url(roles::MCP), unreachable] {
        let options = DatabaseOptions {
            login: url.into(),
            max_connections: 1,
            acquire_timeout: Duration::from_millis(300),
            statement_timeout: Duration::from_secs(1),
            application_name: "nobody",
            tls: Tls::AsUrlSays,
            max_idle: None,
        };
        let database = Some(Database::new(&options).unwrap());
        let away = Setup { database, ..Setup::default() }.start_with(TestDatabase::reserve().await);
        for era in [Era::Legacy("2025-11-25"), Era::Modern] {
            let answer = away.send(era.call("list_documents", &json!({})).token(&machine_token(&acme))).await;
            assert_eq!(answer.status, 503);
            assert_eq!(answer.json()["error"], "temporarily_unavailable");
            assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
        }
        // A token that is no good is refused all the same.
        let forged = signer(1).token(&claims(acme.machine, "acme-machine", "acme-machine"));
        assert_eq!(away.send(list().token(&forged)).await.status, 401);
        assert_eq!(away.log.lines()[0]["refusal"], "database_unavailable");
    }
}
