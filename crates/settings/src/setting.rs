//! How a setting is declared and documented.

/// A setting, for the documentation and for the errors.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What it is without one; `required` if there is nothing to fall back on.
    pub default: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

/// Declares a binary's settings: a private constant each, and `SETTINGS` with all of them.
///
/// ```
/// autri_settings::settings! {
///     BIND = "AUTRI_BIND", "`0.0.0.0:8000`", "The address to listen on.";
/// }
/// assert_eq!(SETTINGS.len(), 1);
/// assert_eq!(BIND.name, "AUTRI_BIND");
/// ```
#[macro_export]
macro_rules! settings {
    ($($constant:ident = $name:literal, $default:literal, $meaning:literal;)+) => {
        $(const $constant: $crate::Setting = $crate::Setting { name: $name, default: $default, meaning: $meaning };)+
        /// All settings, in the order of the documentation's table.
        #[allow(unreachable_pub, reason = "whether it is reachable is up to the module that declares its settings")]
        pub const SETTINGS: &[$crate::Setting] = &[$($constant),+];
    };
}

/// The documentation's table: a head, and a row a setting.
#[must_use]
pub fn markdown_table(settings: &[Setting]) -> String {
    let head = "| Variable | Default | Meaning |\n|---|---|---|\n".to_owned();
    settings.iter().fold(head, |table, Setting { name, default, meaning }| {
        table + &format!("| `{name}` | {default} | {meaning} |\n")
    })
}

#[cfg(test)]
mod tests {
    settings! {
        HOST = "TEST_HOST", "required", "Where it is.";
        PORT = "TEST_PORT", "`80`", "Behind which door.";
    }

    #[test]
    fn the_table_has_a_row_a_setting_in_their_order() {
        let expected = "| Variable | Default | Meaning |\n\
                        |---|---|---|\n\
                        | `TEST_HOST` | required | Where it is. |\n\
                        | `TEST_PORT` | `80` | Behind which door. |\n";
        assert_eq!(super::markdown_table(SETTINGS), expected);
        assert_eq!((HOST.name, PORT.default), ("TEST_HOST", "`80`"));
    }
}
