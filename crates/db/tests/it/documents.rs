//! Documents as the operator finds and deletes them.

use autri_db::documents::{self, DocumentCounts, DocumentName};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{Database, roles};
use autri_domain::{DocumentId, KnowledgeBaseId};

use crate::search::{find, words};
use crate::stored_content::assert_consistent;

/// Two tenants with the same three documents.
async fn tenants() -> (TestDatabase, Database, Tenant, Tenant) {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    for tenant in [&acme, &other] {
        for key in ["docs/b.md", "docs/a.md", "docs_old/a%.md"] {
            tenant.add_document(&database, key, key, &["granite", "and basalt"]).await;
        }
    }
    let admin = database.connect(roles::ADMIN);
    (database, admin, acme, other)
}

async fn keys(admin: &Database, base: KnowledgeBaseId, prefix: &str, after: &str, limit: u32) -> Vec<String> {
    let found = documents::list(admin, base, prefix, after, limit).await.unwrap();
    found.into_iter().map(|document| document.source_key).collect()
}

#[tokio::test]
async fn documents_are_listed_by_key_page_by_page() {
    let (_database, admin, acme, _) = tenants().await;
    let base = acme.knowledge_base_id;
    assert_eq!(keys(&admin, base, "", "", 2).await, ["docs/a.md", "docs/b.md"]);
    assert_eq!(keys(&admin, base, "", "docs/b.md", 2).await, ["docs_old/a%.md"]);
    assert_eq!(keys(&admin, base, "docs/", "", 9).await, ["docs/a.md", "docs/b.md"]);
    assert_eq!(keys(&admin, base, "docs_", "", 9).await, ["docs_old/a%.md"], "no pattern");
    assert_eq!(keys(&admin, base, "%", "", 9).await, [""; 0]);
    assert_eq!(keys(&admin, KnowledgeBaseId::new(), "", "", 9).await, [""; 0]);
    let first = documents::list(&admin, base, "", "", 1).await.unwrap().remove(0);
    assert_eq!((first.title.as_str(), first.chunk_count, first.byte_count), ("docs/a.md", 2, 17));
}

#[tokio::test]
async fn a_deleted_document_is_gone_from_the_next_search_and_no_other_is() {
    let (database, admin, acme, other) = tenants().await;
    let base = acme.knowledge_base_id;
    let a = documents::list(&admin, base, "docs/a", "", 1).await.unwrap().remove(0);
    let theirs = documents::list(&admin, other.knowledge_base_id, "", "", 1).await.unwrap().remove(0);
    assert_eq!(find(&database, &acme, &words("granite")).await.len(), 3);

    let nothing = [
        DocumentName::Id(theirs.id),
        DocumentName::Id(DocumentId::new()),
        DocumentName::Key("docs"),
        DocumentName::Key("docs/%"),
    ];
    for name in nothing {
        assert_eq!(documents::delete(&admin, base, name).await.unwrap(), None, "{name:?}");
    }
    assert_eq!(documents::delete(&admin, base, DocumentName::Id(a.id)).await.unwrap(), Some(a.clone()));
    let left = find(&database, &acme, &words("granite")).await;
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|hit| hit.document_id != a.id));
    assert_eq!(documents::delete(&admin, base, DocumentName::Id(a.id)).await.unwrap(), None);
    let b = documents::delete(&admin, base, DocumentName::Key("docs/b.md")).await.unwrap().unwrap();
    assert_eq!(b.source_key, "docs/b.md");
    assert_eq!(find(&database, &acme, &words("granite")).await.len(), 1);
    assert_eq!(find(&database, &other, &words("granite")).await.len(), 3, "another tenant's stay");
    assert_consistent(&database).await;
}

#[tokio::test]
async fn documents_are_deleted_by_the_beginning_of_their_keys() {
    let (database, admin, acme, other) = tenants().await;
    let base = acme.knowledge_base_id;
    assert_eq!(
        documents::count(&admin, base, "docs/").await.unwrap(),
        DocumentCounts { documents: 2, chunks: 4 }
    );
    let deleted = documents::delete_some(&admin, base, "docs/").await.unwrap();
    assert_eq!(deleted, DocumentCounts { documents: 2, chunks: 4 });
    assert_eq!(documents::delete_some(&admin, base, "docs/").await.unwrap(), DocumentCounts::default());
    assert_eq!(keys(&admin, base, "", "", 9).await, ["docs_old/a%.md"]);
    assert_eq!(documents::count(&admin, other.knowledge_base_id, "").await.unwrap().documents, 3);
    assert_consistent(&database).await;
}

/// Each transaction is small, whatever a base holds.
#[tokio::test]
async fn much_is_deleted_in_pieces() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let many = vec!["word"; 3_000];
    for key in ["1", "2", "3"] {
        acme.add_document(&database, key, key, &many).await;
    }
    let admin = database.connect(roles::ADMIN);
    let delete = async || documents::delete_some(&admin, acme.knowledge_base_id, "").await.unwrap().documents;
    assert_eq!((delete().await, delete().await, delete().await), (2, 1, 0));
    assert_consistent(&database).await;
}
