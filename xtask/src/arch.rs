//! Holds the directions of `docs/ARCHITECTURE.md`: which member may use which, and where the types of a framework stop.
//!
//! It looks at what the manifests declare, so a dependency behind a feature or for one platform counts like any other.

use std::collections::BTreeMap;

use anyhow::bail;
use cargo_metadata::DependencyKind;

use crate::workspace::{self, Dependency, Package};

/// For each crate the workspace crates that it may use, in its tests too. A crate without a line here is a violation: who
/// adds one decides where it stands.
const CRATES: &[(&str, &[&str])] = &[
    ("crates/admission", &["crates/aws", "crates/db", "crates/domain"]),
    ("crates/audit-log", &["crates/db", "crates/domain"]),
    ("crates/auth", &["crates/domain"]),
    // The database whose credentials are kept in a secret.
    ("crates/aws", &["crates/db"]),
    // The embedded Postgres, for the databases that `db` hands out to tests.
    ("crates/db", &["crates/domain", "crates/local-postgres"]),
    ("crates/domain", &[]),
    ("crates/local-lambda", &[]),
    ("crates/local-postgres", &[]),
    ("crates/oauth-front-door", &["crates/audit-log", "crates/auth", "crates/db", "crates/domain"]),
    // AWS: embeddings of Amazon Bedrock, behind a feature.
    ("crates/retrieval", &["crates/aws", "crates/db", "crates/domain"]),
    ("crates/settings", &[]),
    ("crates/telemetry", &[]),
];

/// External packages that only some members may use: one folder, or all that lie under one that ends with a slash.
const FENCED: &[Fence] = &[
    Fence { package: "axum", homes: &["services/", "crates/oauth-front-door"], in_tests: &["crates/"] },
    Fence { package: "rmcp", homes: &["services/"], in_tests: &[] },
    Fence { package: "sqlx", homes: &["crates/db"], in_tests: &["crates/"] },
    Fence { package: "aws-config", homes: &["crates/aws"], in_tests: &[] },
    Fence { package: "aws-credential-types", homes: &["crates/aws"], in_tests: &[] },
    Fence { package: "aws-sdk-bedrockruntime", homes: &["crates/aws"], in_tests: &[] },
    Fence { package: "aws-sdk-cognitoidentityprovider", homes: &["crates/aws"], in_tests: &[] },
    Fence { package: "aws-sdk-s3", homes: &["crates/aws"], in_tests: &[] },
    Fence { package: "aws-sdk-secretsmanager", homes: &["crates/aws"], in_tests: &[] },
    Fence { package: "aws-sdk-ssm", homes: &["crates/aws"], in_tests: &[] },
    Fence { package: "aws-smithy-runtime-api", homes: &["crates/aws"], in_tests: &[] },
    Fence { package: "aws-types", homes: &["crates/aws"], in_tests: &[] },
    Fence { package: "lambda_runtime", homes: &["lambdas/"], in_tests: &[] },
    Fence { package: "lambda_http", homes: &["lambdas/"], in_tests: &[] },
    Fence { package: "aws_lambda_events", homes: &["lambdas/"], in_tests: &[] },
];

struct Fence {
    package: &'static str,
    homes: &'static [&'static str],
    /// Who may use it as a dev-dependency besides, for a stub or to look at what was written.
    in_tests: &'static [&'static str],
}

/// Checks the workspace and lists all violations.
pub(crate) fn run() -> anyhow::Result<()> {
    let packages = workspace::load()?.packages;
    let violations = violations(&packages);
    if violations.is_empty() {
        println!("{} members keep to their directions", packages.len());
        return Ok(());
    }
    for violation in &violations {
        eprintln!("{violation}");
    }
    bail!("{} violations of the architecture; the rules are in xtask/src/arch.rs", violations.len());
}

fn violations(packages: &[Package]) -> Vec<String> {
    let folders: BTreeMap<&str, &str> =
        packages.iter().map(|package| (package.name.as_str(), package.folder.as_str())).collect();
    let mut found = Vec::new();
    for package in packages {
        found.extend(misnamed(package));
        for dependency in &package.dependencies {
            let refusal = match folders.get(dependency.name.as_str()) {
                Some(folder) => refused_member(&package.folder, folder),
                None => refused_external(&package.folder, dependency),
            };
            found.extend(refusal.map(|why| format!("{} uses {}: {why}", package.folder, dependency.name)));
        }
    }
    found
}

/// `crates/auth` is the package `autri-auth`; a Lambda's package, which names its deployed function, is its folder's name.
fn misnamed(package: &Package) -> Option<String> {
    let (kind, name) = package.folder.split_once('/').unwrap_or(("", &package.folder));
    let expected = match kind {
        "crates" | "services" => format!("autri-{name}"),
        _ => name.to_owned(),
    };
    (package.name != expected)
        .then(|| format!("{} holds the package {}, but should hold {expected}", package.folder, package.name))
}

/// Why a member may not use another one, if so.
fn refused_member(user: &str, target: &str) -> Option<String> {
    if target == user {
        // For its own tests, with another feature.
        return None;
    }
    if !target.starts_with("crates/") {
        return Some("only crates/* may be used by others".to_owned());
    }
    if !user.starts_with("crates/") {
        return None;
    }
    let Some((_, allowed)) = CRATES.iter().find(|(folder, _)| *folder == user) else {
        return Some("it has no line in xtask/src/arch.rs".to_owned());
    };
    (!allowed.contains(&target)).then(|| match allowed {
        [] => "it may use no workspace crate".to_owned(),
        allowed => format!("it may use {} alone", allowed.join(", ")),
    })
}

/// Why a member may not use an external package, if so.
fn refused_external(user: &str, dependency: &Dependency) -> Option<String> {
    let fence = FENCED.iter().find(|fence| fence.package == dependency.name)?;
    let within = |homes: &[&str]| {
        homes.iter().any(|home| user == *home || home.ends_with('/') && user.starts_with(home))
    };
    let allowed =
        within(fence.homes) || (dependency.kind == DependencyKind::Development && within(fence.in_tests));
    (!allowed).then(|| format!("{} stays in {}", fence.package, fence.homes.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, dependencies: &[(&str, DependencyKind)]) -> Package {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let prefix =
            if folder.starts_with("crates/") || folder.starts_with("services/") { "autri-" } else { "" };
        Package {
            name: format!("{prefix}{name}"),
            folder: folder.to_owned(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: *kind })
                .collect(),
        }
    }

    /// The violations of a small workspace in which `folder` has the given dependencies.
    fn violations_of(folder: &str, dependencies: &[(&str, DependencyKind)]) -> Vec<String> {
        let mut packages: Vec<Package> = [
            "crates/domain",
            "crates/auth",
            "crates/db",
            "crates/telemetry",
            "services/cli",
            "services/mcp-server",
        ]
        .iter()
        .filter(|other| **other != folder)
        .map(|other| package(other, &[]))
        .collect();
        packages.push(package(folder, dependencies));
        violations(&packages)
    }

    const NORMAL: DependencyKind = DependencyKind::Normal;
    const BUILD: DependencyKind = DependencyKind::Build;
    const DEV: DependencyKind = DependencyKind::Development;

    #[test]
    fn what_is_allowed_passes() {
        for (folder, dependencies) in [
            ("crates/domain", [("uuid", NORMAL)]),
            ("crates/auth", [("autri-domain", NORMAL)]),
            ("crates/auth", [("axum", DEV)]),
            ("crates/db", [("sqlx", NORMAL)]),
            ("crates/db", [("autri-db", DEV)]),
            ("crates/retrieval", [("sqlx", DEV)]),
            ("crates/retrieval", [("autri-db", NORMAL)]),
            ("crates/oauth-front-door", [("axum", NORMAL)]),
            ("services/mcp-server", [("rmcp", NORMAL)]),
            ("services/cli", [("autri-auth", NORMAL)]),
            ("lambdas/post-confirmation", [("lambda_runtime", NORMAL)]),
            ("lambdas/post-confirmation", [("autri-db", NORMAL)]),
            ("xtask", [("autri-db", NORMAL)]),
        ] {
            assert_eq!(
                violations_of(folder, &dependencies),
                Vec::<String>::new(),
                "{folder} {dependencies:?}"
            );
        }
    }

    #[test]
    fn what_is_not_allowed_is_found_whatever_its_kind() {
        for (folder, used) in [
            ("crates/domain", "autri-db"),
            ("crates/auth", "autri-db"),
            ("crates/telemetry", "autri-domain"),
            ("crates/retrieval", "autri-auth"),
            ("crates/db", "autri-auth"),
            ("crates/db", "autri-mcp-server"),
            ("crates/brand-new", "autri-domain"),
            ("services/cli", "autri-mcp-server"),
            ("services/mcp-server", "autri-cli"),
            ("crates/db-tools", "rmcp"),
            ("services/mcp-server", "sqlx"),
            ("services/mcp-server", "lambda_runtime"),
            ("services/cli", "aws-sdk-ssm"),
            ("lambdas/post-confirmation", "aws-config"),
            ("lambdas/post-confirmation", "autri-cli"),
            ("lambdas/post-confirmation", "rmcp"),
            ("xtask", "autri-cli"),
        ] {
            for kind in [NORMAL, BUILD, DEV] {
                let found = violations_of(folder, &[(used, kind)]);
                assert_eq!(found.len(), 1, "{folder} uses {used} as {kind}: {found:?}");
                assert!(found[0].starts_with(&format!("{folder} uses {used}: ")), "{found:?}");
            }
        }
    }

    #[test]
    fn a_framework_in_a_crate_is_for_its_tests_alone() {
        for used in ["axum", "sqlx"] {
            for kind in [NORMAL, BUILD] {
                assert_eq!(violations_of("crates/auth", &[(used, kind)]).len(), 1, "{used} as {kind}");
            }
        }
    }

    #[test]
    fn a_package_is_named_for_its_folder() {
        for (folder, name) in [
            ("crates/auth", "auth"),
            ("services/cli", "autri"),
            ("lambdas/post-confirmation", "autri-post-confirmation"),
        ] {
            let misnamed = Package { name: name.to_owned(), ..package(folder, &[]) };
            assert_eq!(violations(&[misnamed]).len(), 1, "{name} in {folder}");
        }
    }
}
