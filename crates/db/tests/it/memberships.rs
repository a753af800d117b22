//! Who belongs to an org, and who may use a library.

use autri_db::memberships::{
    OrgRole, Removal, add_member, grant_library, list_members, remove_member, revoke_all_access,
    revoke_library_access,
};
use autri_db::test_support::{Tenant, TestDatabase, principal};
use autri_db::{Database, TenantScope, roles, tenancy};
use autri_domain::{LibraryId, OrgId, UserId};

use crate::people::{all_rows, person, provision};

async fn members(admin: &Database, org: OrgId) -> Vec<(UserId, OrgRole)> {
    let members = list_members(admin, org).await.unwrap();
    members.into_iter().map(|member| (member.user_id, member.role)).collect()
}

#[tokio::test]
async fn a_member_joins_changes_and_leaves() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap().user_id;
    let bea = provision(&database, &person("bea-sub", "bea@example.com")).await.unwrap().user_id;
    let admin = database.connect(roles::ADMIN);
    assert_eq!(members(&admin, acme.org_id).await, []);
    add_member(&admin, acme.org_id, ada, OrgRole::Owner).await.unwrap();
    add_member(&admin, acme.org_id, bea, OrgRole::Member).await.unwrap();
    add_member(&admin, acme.org_id, bea, OrgRole::Admin).await.unwrap();
    assert_eq!(members(&admin, acme.org_id).await, [(ada, OrgRole::Owner), (bea, OrgRole::Admin)]);
    assert_eq!(list_members(&admin, acme.org_id).await.unwrap()[1].email, "bea@example.com");
    let left = Removal::LeftOrg { had_access: false };
    assert_eq!(remove_member(&admin, acme.org_id, ada).await.unwrap(), left);
    assert_eq!(remove_member(&admin, acme.org_id, ada).await.unwrap(), Removal::NoMember);
    assert_eq!(members(&admin, acme.org_id).await, [(bea, OrgRole::Admin)]);
}

#[tokio::test]
async fn who_leaves_an_org_loses_its_libraries_and_no_others() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    let admin = database.connect(roles::ADMIN);
    let second = tenancy::insert_library(&admin, acme.org_id, "second", "none").await.unwrap();
    add_member(&admin, acme.org_id, ada.user_id, OrgRole::Member).await.unwrap();
    for library in [acme.library_id, second.id, other.library_id] {
        assert!(grant_library(&admin, library, ada.user_id).await.unwrap());
    }
    let mcp = database.connect(roles::MCP);
    let in_acme = principal(acme.interactive, &acme.interactive_client(), "ada-sub");
    let in_other = principal(other.interactive, &other.interactive_client(), "ada-sub");
    assert!(TenantScope::find(&mcp, &in_acme).await.unwrap().is_some());

    let left = Removal::LeftOrg { had_access: true };
    assert_eq!(remove_member(&admin, acme.org_id, ada.user_id).await.unwrap(), left);
    assert_eq!(TenantScope::find(&mcp, &in_acme).await.unwrap(), None);
    assert!(!revoke_library_access(&admin, second.id, ada.user_id).await.unwrap(), "gone already");
    assert!(TenantScope::find(&mcp, &in_other).await.unwrap().is_some());
    assert!(!grant_library(&admin, ada.library_id, ada.user_id).await.unwrap(), "her own is still hers");
    let colleague = acme.person_principal();
    assert!(TenantScope::find(&mcp, &colleague).await.unwrap().is_some(), "others keep theirs");
}

/// Access needs no membership, so whoever "removes" a person must not leave it open.
#[tokio::test]
async fn who_was_no_member_loses_the_libraries_as_well() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    let admin = database.connect(roles::ADMIN);
    assert!(grant_library(&admin, acme.library_id, ada.user_id).await.unwrap());
    assert_eq!(remove_member(&admin, acme.org_id, ada.user_id).await.unwrap(), Removal::LostAccess);
    assert_eq!(remove_member(&admin, acme.org_id, ada.user_id).await.unwrap(), Removal::NoMember);
    assert!(!revoke_library_access(&admin, acme.library_id, ada.user_id).await.unwrap(), "gone already");
}

#[tokio::test]
async fn all_libraries_are_taken_from_one_person() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    let admin = database.connect(roles::ADMIN);
    assert!(grant_library(&admin, acme.library_id, ada.user_id).await.unwrap());
    assert_eq!(revoke_all_access(&admin, ada.user_id).await.unwrap(), 2, "her own, and a shared one");
    assert_eq!(revoke_all_access(&admin, ada.user_id).await.unwrap(), 0);
    let mcp = database.connect(roles::MCP);
    assert!(TenantScope::find(&mcp, &acme.person_principal()).await.unwrap().is_some(), "others keep theirs");
}

#[tokio::test]
async fn a_personal_org_keeps_its_owner() {
    let database = TestDatabase::create().await;
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    let bea = provision(&database, &person("bea-sub", "bea@example.com")).await.unwrap();
    let admin = database.connect(roles::ADMIN);
    let before = all_rows(&database).await;
    assert_eq!(remove_member(&admin, ada.org_id, ada.user_id).await.unwrap(), Removal::PersonalOwner);
    add_member(&admin, ada.org_id, ada.user_id, OrgRole::Member).await.unwrap();
    assert_eq!(remove_member(&admin, ada.org_id, bea.user_id).await.unwrap(), Removal::NoMember);
    assert_eq!(all_rows(&database).await, before);
    add_member(&admin, ada.org_id, bea.user_id, OrgRole::Member).await.unwrap();
    let left = Removal::LeftOrg { had_access: false };
    assert_eq!(remove_member(&admin, ada.org_id, bea.user_id).await.unwrap(), left);
    assert_eq!(all_rows(&database).await, before);
}

#[tokio::test]
async fn a_library_is_granted_and_taken() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap().user_id;
    let admin = database.connect(roles::ADMIN);
    let mcp = database.connect(roles::MCP);
    let caller = principal(acme.interactive, &acme.interactive_client(), "ada-sub");
    assert_eq!(TenantScope::find(&mcp, &caller).await.unwrap(), None);
    assert!(grant_library(&admin, acme.library_id, ada).await.unwrap());
    assert!(!grant_library(&admin, acme.library_id, ada).await.unwrap());
    assert!(TenantScope::find(&mcp, &caller).await.unwrap().is_some());
    assert!(revoke_library_access(&admin, acme.library_id, ada).await.unwrap());
    assert!(!revoke_library_access(&admin, acme.library_id, ada).await.unwrap());
    assert_eq!(TenantScope::find(&mcp, &caller).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_and_nothing_is_refused_by_name() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap().user_id;
    let admin = database.connect(roles::ADMIN);
    let rule = |outcome: Result<bool, autri_db::DbError>| {
        outcome.unwrap_err().constraint().expect("a rule").to_owned()
    };
    let granted = grant_library(&admin, LibraryId::new(), ada).await;
    assert_eq!(rule(granted), "library_access_library_fkey");
    let granted = grant_library(&admin, acme.library_id, UserId::new()).await;
    assert_eq!(rule(granted), "library_access_user_fkey");
    let added = add_member(&admin, OrgId::new(), ada, OrgRole::Member).await.map(|()| true);
    assert_eq!(rule(added), "org_members_org_fkey");
    let added = add_member(&admin, acme.org_id, UserId::new(), OrgRole::Member).await.map(|()| true);
    assert_eq!(rule(added), "org_members_user_fkey");
    assert_eq!(remove_member(&admin, OrgId::new(), ada).await.unwrap(), Removal::NoOrg);
    assert_eq!(members(&admin, OrgId::new()).await, []);
}
