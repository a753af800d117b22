//! Where a link leads, as far as that is told.

use url::Url;

/// The longest target of a link that is kept, in bytes.
const MAX_URL_BYTES: usize = 2_000;

/// The target, if it means something outside of the document: an absolute http or https URL without credentials, or the
/// address of a mail, without what a program would write into that.
pub(super) fn target(text: &str) -> Option<String> {
    let mut url = Url::parse(text.trim()).ok()?;
    let is_plain = match url.scheme() {
        "http" | "https" => url.username().is_empty() && url.password().is_none(),
        "mailto" => {
            url.set_query(None);
            url.set_fragment(None);
            let is_sound = |byte: u8| byte.is_ascii_graphic() && !b"()<>[]\"\\`".contains(&byte);
            url.path().contains('@') && url.path().bytes().all(is_sound)
        }
        _ => false,
    };
    (is_plain && url.as_str().len() <= MAX_URL_BYTES).then(|| url.to_string())
}

/// A link in Markdown; nothing where its target is what is `shown`, or nothing is. `text` is that as Markdown.
pub(super) fn markdown(text: &str, shown: &str, target: &str) -> Option<String> {
    let bare = |url: &str| url.strip_prefix("mailto:").unwrap_or(url).trim_end_matches('/').to_owned();
    let is_one_line = !shown.is_empty() && !shown.contains('\n');
    (is_one_line && bare(target) != bare(shown))
        .then(|| format!("[{text}]({})", target.replace('(', "%28").replace(')', "%29")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_lead_out_of_the_document_and_carry_no_secret() {
        for (text, expected) in [
            ("https://example.com/a b?c#d", Some("https://example.com/a%20b?c#d")),
            (" HTTP://EXAMPLE.com ", Some("http://example.com/")),
            ("mailto:a.b@example.com", Some("mailto:a.b@example.com")),
            ("mailto:a@example.com?subject=x&body=UNSEEN", Some("mailto:a@example.com")),
            ("mailto:read this a@example.com", None),
            ("mailto:nobody", None),
            ("https://user:secret@example.com", None),
            ("https://user@example.com", None),
            ("javascript:alert(1)", None),
            ("file:///etc/passwd", None),
            ("data:text/html,x", None),
            ("../b.docx", None),
            ("#top", None),
        ] {
            assert_eq!(target(text).as_deref(), expected, "{text}");
        }
        assert_eq!(target(&format!("https://example.com/{}", "x".repeat(MAX_URL_BYTES))), None);
    }

    #[test]
    fn a_target_that_is_shown_is_not_told_twice() {
        for (shown, target, expected) in [
            ("portal", "https://example.com/(a)", Some("[portal](https://example.com/%28a%29)")),
            ("https://example.com", "https://example.com/", None),
            ("a@example.com", "mailto:a@example.com", None),
            ("write", "mailto:a@example.com", Some("[write](mailto:a@example.com)")),
            ("", "https://example.com/", None),
            ("a\nb", "https://example.com/", None),
        ] {
            assert_eq!(markdown(shown, shown, target).as_deref(), expected, "{shown}");
        }
    }
}
