//! Whoever is invited ends with a usable account, once.

use autri_db::{notifications, roles};

use crate::support::{POOL, World, event, with_attributes};

#[tokio::test]
async fn an_invited_person_ends_with_all_records() {
    let world = World::new().await;
    let confirmed = event("post_confirmation_sign_up");
    world.sign_up(Some(event("pre_sign_up")), confirmed.clone()).await.unwrap();
    assert_eq!(world.rows().await, [1; 8]);
    assert!(world.deletions().is_empty());
    let [person] = &world.people().await[..] else { panic!("one person") };
    assert_eq!(
        (person.cognito_sub.as_str(), person.email.as_str()),
        ("5f6c1c2e-7031-70a4-1f3b-0e6f0a8d9b11", "Ada@example.com")
    );
    assert_eq!(person.user_pool_id.as_deref(), Some(POOL));
    assert_eq!(person.user_name.as_deref(), confirmed["userName"].as_str());
    assert!(person.personal_org.is_some() && person.personal_library.is_some());

    let admin = world.database.connect(roles::ADMIN);
    let [welcome] = &notifications::list(&admin, Some(person.id)).await.unwrap()[..] else {
        panic!("one welcome")
    };
    assert_eq!((welcome.kind.as_str(), welcome.title.as_str()), ("welcome", "Welcome to Autri"));
    assert_eq!(welcome.link.as_deref(), Some("/help/claude-desktop"));
    assert!(world.failures().is_empty());
    assert_eq!(world.outcomes().last().unwrap().1, "provisioned");
}

#[tokio::test]
async fn a_federated_person_does_by_their_providers_word() {
    let world = World::new().await;
    world
        .sign_up(Some(event("pre_sign_up_external_provider")), event("post_confirmation_federated"))
        .await
        .unwrap();
    assert_eq!(world.rows().await, [1; 8]);
    assert_eq!(world.people().await[0].user_name.as_deref(), Some("google_108204268033311374519"));
}

#[tokio::test]
async fn everyone_at_a_listed_domain_is_invited() {
    let world = World::new().await;
    let event = with_attributes(event("post_confirmation_sign_up"), &[("email", "Grace@Example.ORG")]);
    world.handle(event).await.unwrap();
    assert_eq!(world.people().await[0].email, "Grace@Example.ORG");
}

#[tokio::test]
async fn the_same_event_three_times_at_once_makes_one_account() {
    let world = World::new().await;
    let instances = [world.another_trigger(), world.another_trigger(), world.another_trigger()];
    let [one, two, three] = &instances;
    let attempt =
        |trigger| post_confirmation::trigger::handle(trigger, event("post_confirmation_sign_up"), "r");
    let (one, two, three) = tokio::join!(attempt(one), attempt(two), attempt(three));
    assert_eq!([one, two, three], [(); 3].map(|()| Ok(event("post_confirmation_sign_up"))));
    assert_eq!(world.rows().await, [1; 8]);
    let mut outcomes: Vec<String> = world.outcomes().into_iter().map(|(_, outcome, _)| outcome).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["present", "present", "provisioned"]);
}

#[tokio::test]
async fn what_a_person_says_of_themselves_is_kept_where_it_is_usable() {
    let world = World::new().await;
    let long = "x".repeat(2_048);
    for (number, (name, picture)) in [
        ("Ada", "javascript:alert(1)"),
        ("A\0da\n", "http://example.com/a.png"),
        ("", ""),
        (long.as_str(), "https://example.com/\u{7}"),
    ]
    .into_iter()
    .enumerate()
    {
        let event = with_attributes(
            event("post_confirmation_sign_up"),
            &[
                ("sub", &format!("sub-{number}")),
                ("email", &format!("ada{number}@example.org")),
                ("given_name", name),
                ("family_name", name),
                ("picture", picture),
            ],
        );
        let event = crate::malformed::replaced(event, "/userName", format!("user-{number}").into());
        world.handle(event).await.unwrap();
    }
    let mut session = world.database.admin_session().await;
    assert_eq!(session.number("SELECT count(*) FROM users").await, 4);
    assert_eq!(session.number("SELECT count(picture) FROM users").await, 0);
    assert_eq!(session.number("SELECT count(given_name) FROM users").await, 2);
}

#[tokio::test]
async fn the_library_has_the_model_that_was_set() {
    let mut world = World::new().await;
    let admin = world.database.connect(roles::ADMIN);
    autri_db::tenancy::upsert_embedding_model(&admin, "static-256", 256).await.unwrap();
    world.trigger.rules.embedding_model = "static-256".to_owned();
    world.handle(event("post_confirmation_sign_up")).await.unwrap();
    let mut session = world.database.admin_session().await;
    let libraries =
        "SELECT count(*) FROM libraries WHERE embedding_model = 'static-256' AND name = 'Personal'";
    assert_eq!(session.number(libraries).await, 1);
}
