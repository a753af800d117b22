//! Blocks of Markdown, one after the other.

use crate::parse::escape::fenced;

/// Blocks that follow each other: the document, a cell, a text box, a note.
#[derive(Debug, Default)]
pub(super) struct Flow {
    markdown: String,
    in_list: bool,
    /// The code of the paragraphs that were read last, which are one block.
    code: Option<String>,
    /// How many empty paragraphs followed them.
    empty_lines: usize,
}

impl Flow {
    pub(super) fn push_code(&mut self, text: &str) {
        let text = text.trim_matches('\n').trim_end();
        if text.contains('\n') {
            // A whole block; the others have a line each.
            self.push_block(&fenced(text, ""));
            return;
        }
        match &mut self.code {
            Some(code) => {
                code.extend(std::iter::repeat_n('\n', self.empty_lines + 1));
                code.push_str(text);
            }
            None => self.code = Some(text.to_owned()),
        }
        self.empty_lines = 0;
    }

    pub(super) fn push_empty_line(&mut self) {
        self.empty_lines += usize::from(self.code.is_some());
    }

    fn finish_code(&mut self) {
        self.empty_lines = 0;
        if let Some(code) = self.code.take() {
            self.push_block(&fenced(&code, ""));
        }
    }

    pub(super) fn push_block(&mut self, block: &str) {
        self.finish_code();
        if self.in_list {
            self.markdown.push('\n');
            self.in_list = false;
        }
        self.markdown.push_str(block);
        self.markdown.push_str("\n\n");
    }

    pub(super) fn push_item(&mut self, item: &str) {
        self.finish_code();
        self.markdown.push_str(item);
        self.markdown.push('\n');
        self.in_list = true;
    }

    pub(super) fn finish(mut self) -> String {
        self.finish_code();
        self.markdown
    }
}
