//! Whom an event means. A person is never taken for a program, or a program for a person.

use autri_db::token_mint::TokenHolder::{self, Machine, Person, PersonByName};
use pre_token_generation::event::{Event, Malformed};
use serde_json::{Value, json};

use crate::support::{Setup, event, granted, with, without};

const ADA: TokenHolder<'_> = PersonByName { user_pool_id: "eu-central-1_EXAMPLE", user_name: "ada" };

fn programs(changes: &[(&str, Value)]) -> Value {
    with(event("client_credentials"), changes)
}

fn peoples(changes: &[(&str, Value)]) -> Value {
    with(event("hosted_auth"), changes)
}

/// Without a subject, as an emulator sends a refresh.
fn nameless(changes: &[(&str, Value)]) -> Value {
    with(event("refresh_tokens_without_attributes"), changes)
}

#[test]
fn whom_an_event_means() {
    let named = |user_name| PersonByName { user_pool_id: "eu-central-1_EXAMPLE", user_name };
    let cases = [
        // A subject rules, whatever the rest looks like.
        (peoples(&[]), Ok(Person { sub: "acme-person" })),
        (peoples(&[("userName", json!("ClientCredentials"))]), Ok(Person { sub: "acme-person" })),
        (peoples(&[("userName", json!("acme-people"))]), Ok(Person { sub: "acme-person" })),
        (peoples(&[("userName", json!(""))]), Ok(Person { sub: "acme-person" })),
        (peoples(&[("userPoolId", json!(null))]), Ok(Person { sub: "acme-person" })),
        (
            programs(&[("request/userAttributes/sub", json!("acme-person"))]),
            Ok(Person { sub: "acme-person" }),
        ),
        (
            programs(&[("request/userAttributes/sub", json!("acme-machine"))]),
            Ok(Person { sub: "acme-machine" }),
        ),
        // Without one, the name; a null is no subject.
        (nameless(&[]), Ok(ADA)),
        (nameless(&[("request/userAttributes", json!(null))]), Ok(ADA)),
        (nameless(&[("request", json!(null))]), Ok(ADA)),
        (nameless(&[("request/userAttributes/email", json!("ada@example.com"))]), Ok(ADA)),
        (peoples(&[("request/userAttributes/sub", json!(null)), ("userName", json!("ada"))]), Ok(ADA)),
        // A person may be called like what stands for no person; then it is no event for a program's token.
        (nameless(&[("userName", json!("ClientCredentials"))]), Ok(named("ClientCredentials"))),
        (nameless(&[("userName", json!("acme-people"))]), Ok(named("acme-people"))),
        (
            without(nameless(&[("userName", json!("ClientCredentials"))]), "triggerSource"),
            Ok(named("ClientCredentials")),
        ),
        // Nor is it one if the name is not exactly that.
        (programs(&[("userName", json!("clientcredentials"))]), Ok(named("clientcredentials"))),
        (programs(&[("userName", json!("ACME-MACHINE"))]), Ok(named("ACME-MACHINE"))),
        (programs(&[("userName", json!("ada"))]), Ok(ADA)),
        // Nothing speaks of a person.
        (programs(&[]), Ok(Machine)),
        (programs(&[("userName", json!("acme-machine"))]), Ok(Machine)),
        (programs(&[("userName", json!(""))]), Ok(Machine)),
        (programs(&[("userName", json!(null))]), Ok(Machine)),
        (programs(&[("request/userAttributes", json!(null))]), Ok(Machine)),
        (
            programs(&[("request/userAttributes/sub", json!(null)), ("userPoolId", json!(null))]),
            Err(Malformed::Person),
        ),
        (programs(&[("userPoolId", json!(null))]), Ok(Machine)),
        (
            programs(&[("triggerSource", json!("TokenGeneration_HostedAuth")), ("userName", json!(null))]),
            Ok(Machine),
        ),
        // A person, and nobody can tell who.
        (programs(&[("request/userAttributes/email", json!("ada@example.com"))]), Err(Malformed::Person)),
        (
            nameless(&[("userName", json!("")), ("request/userAttributes/email", json!("a"))]),
            Err(Malformed::Person),
        ),
        (nameless(&[("userPoolId", json!(null))]), Err(Malformed::Person)),
        (nameless(&[("userPoolId", json!(""))]), Err(Malformed::Person)),
        (nameless(&[("userPoolId", json!(7))]), Err(Malformed::Person)),
    ];
    for (value, expected) in cases {
        let event = Event::new(value.clone()).unwrap();
        let client = event.client_id().unwrap();
        assert_eq!(event.holder(client), expected, "{value:#}");
    }
}

/// What is there and cannot be used is an error: not a reason to look for something else.
#[test]
fn an_unusable_subject_or_name_is_nobody() {
    let long = "x".repeat(129);
    let unusable = [
        json!(" "),
        json!("a b"),
        json!("a\0"),
        json!("\u{2003}"),
        json!(long),
        json!(7),
        json!(true),
        json!([]),
        json!(["a"]),
        json!({}),
    ];
    for bad in &unusable {
        for value in [
            programs(&[("request/userAttributes/sub", bad.clone())]),
            peoples(&[("request/userAttributes/sub", bad.clone())]),
            programs(&[("userName", bad.clone())]),
            nameless(&[("userName", bad.clone())]),
        ] {
            let event = Event::new(value.clone()).unwrap();
            assert_eq!(event.holder(event.client_id().unwrap()), Err(Malformed::Person), "{value:#}");
        }
    }
    let empty = Event::new(peoples(&[("request/userAttributes/sub", json!(""))])).unwrap();
    assert_eq!(
        empty.holder("acme-people"),
        Err(Malformed::Person),
        "an empty subject is not the user name's"
    );
    let longest = "x".repeat(128);
    let event = Event::new(peoples(&[("request/userAttributes/sub", json!(longest))])).unwrap();
    assert_eq!(event.holder("acme-people"), Ok(Person { sub: &longest }));
}

/// The database asks once more: what is read of an event decides nothing alone.
#[tokio::test]
async fn neither_passes_for_the_other_at_the_database() {
    let setup = Setup::new().await;
    let people_client = ("callerContext/clientId", json!("acme-people"));
    let machine_client = ("callerContext/clientId", json!("acme-machine"));
    let cases = [
        (programs(std::slice::from_ref(&people_client)), "machine_on_interactive"),
        (programs(&[people_client.clone(), ("userName", json!("acme-people"))]), "machine_on_interactive"),
        (peoples(std::slice::from_ref(&machine_client)), "person_on_machine"),
        (nameless(&[machine_client.clone(), ("userName", json!("ClientCredentials"))]), "person_on_machine"),
        (nameless(&[machine_client, ("userName", json!("acme-machine"))]), "person_on_machine"),
        (peoples(&[("request/userAttributes/sub", json!("acme-people"))]), "unknown_person"),
        (nameless(&[("userName", json!("Ada"))]), "unknown_person"),
        (nameless(&[("userPoolId", json!("eu-central-1_Other"))]), "unknown_person"),
    ];
    for (event, reason) in cases {
        let failure = setup.handle(&event).await.unwrap_err();
        assert_eq!(failure.reason(), reason, "{event:#}");
    }
    let by_name = nameless(&[]);
    assert_eq!(setup.handle(&by_name).await.unwrap(), granted(&by_name, setup.acme.interactive));
}
