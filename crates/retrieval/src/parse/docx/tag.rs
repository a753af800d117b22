//! The elements of a body that mean something here.

use super::namespaces::Space;
use super::xml::Element;

/// The elements that mean something here, by what they are to their children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Paragraph,
    ParagraphProperties,
    ListPlace,
    Run,
    RunProperties,
    Text,
    /// What a field shows, as a program is told it.
    Instruction,
    /// What it stands around is a link.
    Link,
    MathRun,
    MathText,
    Table,
    Row,
    RowProperties,
    Cell,
    CellProperties,
    TextBox,
    /// A footnote or an endnote, in the part that holds them.
    Note,
    /// Nothing below it is shown.
    Hidden,
    /// Nothing below it is text; not worth counting.
    Skipped,
    Other,
}

impl Tag {
    pub(super) fn of(element: &Element<'_>) -> Self {
        match element.space() {
            Space::Word => Self::of_word(element.name()),
            Space::Math => match element.name() {
                "r" => Self::MathRun,
                "t" => Self::MathText,
                // What only takes up its room.
                "phant" => Self::Hidden,
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }

    fn of_word(name: &str) -> Self {
        match name {
            "p" => Self::Paragraph,
            "pPr" => Self::ParagraphProperties,
            "numPr" => Self::ListPlace,
            "r" => Self::Run,
            "rPr" => Self::RunProperties,
            "t" => Self::Text,
            "instrText" => Self::Instruction,
            "hyperlink" | "fldSimple" => Self::Link,
            "tbl" => Self::Table,
            "tr" => Self::Row,
            "trPr" => Self::RowProperties,
            "tc" => Self::Cell,
            "tcPr" => Self::CellProperties,
            "txbxContent" => Self::TextBox,
            "footnote" | "endnote" => Self::Note,
            // Tracked changes: what was deleted, and where something was moved from.
            "del" | "moveFrom" => Self::Hidden,
            // The reading of a character; properties as they were before a change.
            "rt" => Self::Skipped,
            _ if name.ends_with("Change") => Self::Skipped,
            _ => Self::Other,
        }
    }
}
