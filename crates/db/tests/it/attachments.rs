//! Knowledge bases come into libraries and leave them.

use autri_db::tenancy::{self, Attachment};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{ScopedTx, content, roles};
use autri_domain::{KnowledgeBaseId, LibraryId};

use crate::search::{find, words};

/// What refuses a base of another org or model.
const SAME: &str = "library_kbs_knowledge_base_same_org_and_model";

#[tokio::test]
async fn a_base_is_searched_in_the_libraries_that_have_it_and_in_no_other() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    for tenant in [&acme, &other] {
        tenant.add_document(&database, "a.md", "Stones", &["granite"]).await;
    }
    let admin = database.connect(roles::ADMIN);
    let (library, base) = (acme.library_id, acme.knowledge_base_id);
    let libraries = async || tenancy::find_knowledge_base(&admin, base).await.unwrap().unwrap().1;
    assert_eq!(tenancy::attach(&admin, library, base).await.unwrap(), Attachment::AlreadyAttached);
    assert_eq!(libraries().await, [library]);

    assert!(tenancy::detach(&admin, library, base).await.unwrap());
    assert!(!tenancy::detach(&admin, library, base).await.unwrap());
    assert_eq!(libraries().await, []);
    assert_eq!(find(&database, &acme, &words("granite")).await, [], "gone from the next search");
    let mcp = database.connect(roles::MCP);
    let mut tx =
        ScopedTx::enter(&mcp, &acme.machine_principal()).await.unwrap().expect("the connector is open");
    assert_eq!(content::list_knowledge_bases(&mut tx).await.unwrap(), []);
    assert_eq!(find(&database, &other, &words("granite")).await.len(), 1);

    assert_eq!(tenancy::attach(&admin, library, base).await.unwrap(), Attachment::Attached);
    assert_eq!(
        find(&database, &acme, &words("granite")).await.len(),
        1,
        "the documents were there all along"
    );
    assert!(!tenancy::detach(&admin, other.library_id, base).await.unwrap());
    assert_eq!(libraries().await, [library]);
}

#[tokio::test]
async fn what_does_not_go_together_is_refused() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    let tiny = Tenant::create_with_model(&database, "tiny", "tiny", 2).await;
    let admin = database.connect(roles::ADMIN);
    let semantic = tenancy::insert_library(&admin, acme.org_id, "semantic", "tiny").await.unwrap().id;
    for (library, base) in [
        (acme.library_id, other.knowledge_base_id),
        (acme.library_id, tiny.knowledge_base_id),
        (semantic, acme.knowledge_base_id),
        (semantic, tiny.knowledge_base_id),
    ] {
        let error = tenancy::attach(&admin, library, base).await.unwrap_err();
        assert_eq!(error.constraint(), Some(SAME), "{error}");
    }
    let nowhere = tenancy::attach(&admin, LibraryId::new(), acme.knowledge_base_id).await.unwrap();
    assert_eq!(nowhere, Attachment::NoLibrary);
    let nothing = tenancy::attach(&admin, acme.library_id, KnowledgeBaseId::new()).await.unwrap();
    assert_eq!(nothing, Attachment::NoKnowledgeBase);
}
