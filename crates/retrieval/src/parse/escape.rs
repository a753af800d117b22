//! Text that is no Markdown, put into Markdown so that it reads the same.
//!
//! Only what would change how the lines after it are read is escaped: a model and an index of words read this, and
//! `snake\_case` serves neither.

/// Adds the text, line by line, without the space around each line.
pub(super) fn push_lines(markdown: &mut String, text: &str) {
    for (index, line) in text.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        if index > 0 {
            markdown.push('\n');
        }
        if begins_markup(line) {
            markdown.push('\\');
        }
        markdown.push_str(line);
    }
}

/// Whether a line would begin a heading, a quotation, HTML or a fence, or make a heading of the line above it.
pub(super) fn begins_markup(line: &str) -> bool {
    let is_underline = |mark: u8| line.bytes().all(|byte| byte == mark);
    let after_marks = line.trim_start_matches('#');
    let is_heading = matches!(line.len() - after_marks.len(), 1..=6)
        && (after_marks.is_empty() || after_marks.starts_with([' ', '\t']));
    is_heading
        || line.starts_with(['>', '<'])
        || line.starts_with("```")
        || line.starts_with("~~~")
        || is_underline(b'=')
        || is_underline(b'-')
}

/// Adds a heading of the level, 1 to 6, on a line of its own.
pub(super) fn push_heading(markdown: &mut String, level: u8, text: &str) {
    markdown.extend(std::iter::repeat_n('#', usize::from(level.clamp(1, 6))));
    for word in text.split_whitespace() {
        markdown.push(' ');
        // `Vec<T>` would lose what looks like an HTML tag; `# ` ends a heading.
        if word.starts_with(['<', '#']) {
            markdown.push('\\');
            markdown.push_str(word);
        } else {
            markdown.push_str(&word.replace('<', "\\<"));
        }
    }
}

/// Code as a fenced block, in a fence that no line of it ends.
pub(super) fn fenced(code: &str, language: &str) -> String {
    let fence = "`".repeat(longest_run(code, '`').max(2) + 1);
    format!("{fence}{language}\n{code}\n{fence}")
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for char in text.chars() {
        run = if char == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::headings;

    #[test]
    fn text_makes_no_headings_and_hides_none() {
        for text in [
            "# apt-get install",
            "Text\n===",
            "Text\n---",
            "```\nfence",
            "~~~ fence",
            "<pre>",
            "<!-- open",
            "> quoted",
            "    # indented",
        ] {
            let mut markdown = String::new();
            push_lines(&mut markdown, text);
            markdown.push_str("\n\n");
            push_heading(&mut markdown, 2, "After it");
            let found: Vec<_> = headings(&markdown).into_iter().map(|heading| heading.text).collect();
            assert_eq!(found, ["After it"], "{markdown}");
        }
    }

    #[test]
    fn a_headings_text_is_kept() {
        for text in ["Vec<T> and <b>", "The # sign", "C #", "4.9.1 Foo", "a_b_c"] {
            let mut markdown = String::new();
            push_heading(&mut markdown, 1, text);
            assert_eq!(headings(&markdown)[0].text, text, "{markdown}");
        }
    }
}
