//! docs/configuration.md has every setting, as the binary describes them.

use autri_settings::test_support::check_documentation;
use post_confirmation::settings::SETTINGS;

#[test]
fn every_setting_is_in_the_documentation_as_it_is_described() {
    check_documentation(env!("CARGO_PKG_NAME"), env!("CARGO_MANIFEST_DIR"), SETTINGS);
}
