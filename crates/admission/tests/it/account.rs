//! The account that follows, and whose address it is.

use autri_admission::{EmailAddress, Newcomer, Provisioned, provision};
use autri_db::test_support::TestDatabase;
use autri_db::{DbError, people, roles};

fn ada(email: &EmailAddress) -> Newcomer<'_> {
    Newcomer {
        cognito_sub: "ada-sub",
        user_pool_id: "eu-central-1_A",
        user_name: "ada",
        email,
        given_name: Some("Ada"),
        family_name: None,
        picture: None,
        embedding_model: "none",
    }
}

#[tokio::test]
async fn an_account_is_made_once_and_may_be_asked_for_again() {
    let database = TestDatabase::create().await;
    let trigger = database.connect(roles::POST_CONFIRMATION);
    let email = "Ada@example.com".parse().unwrap();
    let first = provision(&trigger, &ada(&email)).await.unwrap();
    let Provisioned::Account(account) = first else { panic!("{first:?}") };
    assert!(account.is_new);
    let again = provision(&trigger, &ada(&email)).await.unwrap();
    assert_eq!(again, Provisioned::Account(people::Account { is_new: false, ..account }));
}

#[tokio::test]
async fn what_a_person_says_of_themselves_is_kept_where_it_is_usable() {
    let database = TestDatabase::create().await;
    let trigger = database.connect(roles::POST_CONFIRMATION);
    let [usable, unusable] = ["ada@example.com", "eve@example.com"].map(|text| text.parse().unwrap());
    let picture = Some("https://example.com/ada.png");
    let whole = Newcomer { family_name: Some("Lovelace"), picture, ..ada(&usable) };
    let broken = Newcomer {
        cognito_sub: "eve-sub",
        user_name: "eve",
        given_name: Some("E\0ve"),
        family_name: Some(""),
        picture: Some("javascript:alert(1)"),
        ..ada(&unusable)
    };
    for newcomer in [whole, broken] {
        let made = provision(&trigger, &newcomer).await.unwrap();
        assert!(matches!(made, Provisioned::Account(_)), "{made:?}");
    }
    let mut session = database.admin_session().await;
    let as_said = "SELECT count(*) FROM users WHERE cognito_sub = 'ada-sub' AND given_name = 'Ada' \
                   AND family_name = 'Lovelace' AND picture = 'https://example.com/ada.png'";
    assert_eq!(session.number(as_said).await, 1);
    let without = "SELECT count(*) FROM users WHERE cognito_sub = 'eve-sub' AND given_name IS NULL \
                   AND family_name IS NULL AND picture IS NULL";
    assert_eq!(session.number(without).await, 1);
}

#[tokio::test]
async fn an_address_and_a_name_stay_whose_they_are() {
    let database = TestDatabase::create().await;
    let trigger = database.connect(roles::POST_CONFIRMATION);
    let [email, folded, other] =
        ["Ada@example.com", "aDA@EXAMPLE.com", "ada@example.net"].map(|text| text.parse().unwrap());
    provision(&trigger, &ada(&email)).await.unwrap();

    let same_address = Newcomer { cognito_sub: "eve-sub", user_name: "eve", email: &folded, ..ada(&email) };
    assert_eq!(provision(&trigger, &same_address).await.unwrap(), Provisioned::AddressTaken);
    let same_name = Newcomer { cognito_sub: "eve-sub", email: &other, ..ada(&email) };
    assert_eq!(provision(&trigger, &same_name).await.unwrap(), Provisioned::UserNameTaken);
    let both = Newcomer { cognito_sub: "eve-sub", ..ada(&email) };
    assert_eq!(provision(&trigger, &both).await.unwrap(), Provisioned::AddressTaken);

    let admin = database.connect(roles::ADMIN);
    let people = people::list(&admin).await.unwrap();
    assert_eq!(people.iter().map(|person| person.cognito_sub.as_str()).collect::<Vec<_>>(), ["ada-sub"]);
}

#[tokio::test]
async fn a_model_that_the_database_does_not_know_is_an_error_and_makes_nothing() {
    let database = TestDatabase::create().await;
    let trigger = database.connect(roles::POST_CONFIRMATION);
    let email = "ada@example.com".parse().unwrap();
    let error =
        provision(&trigger, &Newcomer { embedding_model: "no-such", ..ada(&email) }).await.unwrap_err();
    assert!(matches!(error, DbError::Rule { .. }), "{error:?}");
    assert!(people::list(&database.connect(roles::ADMIN)).await.unwrap().is_empty());
}
