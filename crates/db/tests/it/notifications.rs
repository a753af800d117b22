//! What people are told.

use autri_db::test_support::TestDatabase;
use autri_db::{notifications, people, roles};
use autri_domain::UserId;

use crate::people::{person, provision};
use crate::raw_sql::run;

#[tokio::test]
async fn notifications_are_listed_for_one_and_for_all() {
    let database = TestDatabase::create().await;
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap().user_id;
    let bea = provision(&database, &person("bea-sub", "bea@example.com")).await.unwrap().user_id;
    let news = format!(
        "INSERT INTO notifications (id, user_id, type, title, body) VALUES (gen_random_uuid(), '{ada}', 'news', 'N', 'b')"
    );
    run(&mut database.connection(roles::ADMIN).await, &news).await.unwrap();
    let admin = database.connect(roles::ADMIN);
    let kinds = async |user: Option<UserId>| {
        let list = notifications::list(&admin, user).await.unwrap();
        list.into_iter().map(|one| (one.email, one.kind, one.link)).collect::<Vec<_>>()
    };
    let row = |email: &str, kind: &str, link: Option<&str>| {
        (email.to_owned(), kind.to_owned(), link.map(ToOwned::to_owned))
    };
    let welcome = row("ada@example.com", "welcome", Some("/help"));
    let other = row("bea@example.com", "welcome", Some("/help"));
    let news = row("ada@example.com", "news", None);
    assert_eq!(kinds(None).await, [welcome.clone(), other.clone(), news.clone()]);
    assert_eq!(kinds(Some(ada)).await, [welcome, news]);
    assert_eq!(kinds(Some(bea)).await, [other]);
    assert_eq!(kinds(Some(UserId::new())).await, []);
}

#[tokio::test]
async fn a_welcome_with_another_text_is_unread_again() {
    let database = TestDatabase::create().await;
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap().user_id;
    let bea = provision(&database, &person("bea-sub", "bea@example.com")).await.unwrap().user_id;
    let read = "UPDATE notifications SET read_at = now()";
    run(&mut database.connection(roles::ADMIN).await, read).await.unwrap();
    let admin = database.connect(roles::ADMIN);
    assert!(people::set_welcome_body(&admin, ada, "Your connector is ready.").await.unwrap());
    let changed = notifications::list(&admin, Some(ada)).await.unwrap().remove(0);
    assert_eq!((changed.body.as_str(), changed.read_at), ("Your connector is ready.", None));
    assert_eq!(changed.title, "Welcome");
    let kept = notifications::list(&admin, Some(bea)).await.unwrap().remove(0);
    assert_eq!(kept.body, "Good day.");
    assert!(kept.read_at.is_some());
    assert!(!people::set_welcome_body(&admin, UserId::new(), "x").await.unwrap());
}
