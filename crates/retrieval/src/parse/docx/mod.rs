//! Word documents (Office Open XML, ECMA-376): what Word shows of them, as Markdown.
//!
//! What a reader sees without asking for more: the text with its headings, lists, tables, notes and text boxes, tracked
//! changes as if accepted. Not hidden text, not deleted text, not comments, not macros; not headers and footers, which
//! repeat; not the table of contents, which repeats the headings. Nothing outside of the file is looked at.

mod body;
mod flow;
mod inline;
mod links;
mod look;
mod namespaces;
mod numbering;
mod package;
mod styles;
mod table;
mod tag;
mod xml;

use std::collections::HashMap;

use self::body::Surroundings;
use self::links::Links;
use self::namespaces::Space;
use self::numbering::Numbering;
use self::package::Package;
use self::styles::Styles;
use self::xml::{Item, Part};
use super::{Draft, Flaw, ParseError, Syntax, markdown};
use crate::limits::{Deadline, Limits};
use crate::sanitize::is_invisible;

/// Where Word puts the document. Others may put it elsewhere, and say so in [`RELATIONSHIPS`].
const USUAL_DOCUMENT: &str = "word/document.xml";

/// What the package says of its parts (ECMA-376 part 2, §9.3).
const RELATIONSHIPS: &str = "_rels/.rels";

pub(super) fn parse(bytes: &[u8], limits: &Limits, deadline: Deadline) -> Result<Draft, ParseError> {
    let mut package = Package::open(bytes, limits)?;
    let name = document_name(&mut package, deadline)?;
    let document = package.find_text(&name)?.ok_or(ParseError::Broken(Flaw::NoDocumentPart))?;
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = |file: &str| if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };

    let styles = package.find_text(&beside("styles.xml"))?;
    let styles = styles.map_or_else(|| Ok(Styles::default()), |xml| Styles::read(&xml, deadline))?;
    let numbering = package.find_text(&beside("numbering.xml"))?;
    let numbering =
        numbering.map_or_else(|| Ok(Numbering::default()), |xml| Numbering::read(&xml, deadline))?;
    let mut notes = HashMap::new();
    for (file, prefix) in [("footnotes.xml", ""), ("endnotes.xml", "e")] {
        if let Some(xml) = package.find_text(&beside(file))? {
            let links = links(&mut package, &beside(&format!("_rels/{file}.rels")), deadline)?;
            notes.extend(body::read_notes(&xml, prefix, &styles, links, deadline)?);
        }
    }
    let core_title = core_title(&mut package, deadline)?;
    let file = name.rsplit('/').next().unwrap_or_default();
    let links = links(&mut package, &beside(&format!("_rels/{file}.rels")), deadline)?;
    let body = body::read(&document, Surroundings { styles: &styles, numbering, notes, links }, deadline)?;
    // What stands on the first page goes before a property that a template may have left behind.
    let title = body.title.or(core_title).or_else(|| markdown::first_title(&body.markdown));
    Ok(Draft {
        title,
        text: body.markdown,
        syntax: Syntax::Markdown,
        page_starts: Vec::new(),
        removed: body.removed,
    })
}

fn document_name(package: &mut Package<'_>, deadline: Deadline) -> Result<String, ParseError> {
    let Some(relationships) = package.find_text(RELATIONSHIPS)? else { return Ok(USUAL_DOCUMENT.to_owned()) };
    let mut part = Part::new(&relationships, deadline);
    while let Some(item) = part.next()? {
        let Item::Open(element) = item else { continue };
        let is_document = element.space() == Space::Relationships
            && element.plain_attribute("Type").is_some_and(|kind| kind.ends_with("/officeDocument"));
        if let Some(target) = element.plain_attribute("Target").filter(|_| is_document) {
            let target = target.trim_start_matches('/');
            // Of a workbook it is xl/workbook.xml.
            let is_words = target.rsplit('/').next().is_some_and(|file| file.starts_with("document"));
            return if is_words {
                Ok(target.to_owned())
            } else {
                Err(ParseError::Broken(Flaw::NoDocumentPart))
            };
        }
    }
    Ok(USUAL_DOCUMENT.to_owned())
}

/// Where the links of a part lead. `name` is of the part that says so.
fn links(package: &mut Package<'_>, name: &str, deadline: Deadline) -> Result<Links, ParseError> {
    let relationships = package.find_text(name)?;
    relationships.map_or_else(|| Ok(Links::default()), |xml| Links::read(&xml, deadline))
}

/// The title among the properties, if it is one that somebody wrote.
fn core_title(package: &mut Package<'_>, deadline: Deadline) -> Result<Option<String>, ParseError> {
    let Some(xml) = package.find_text("docProps/core.xml")? else { return Ok(None) };
    let mut part = Part::new(&xml, deadline);
    let mut is_title = false;
    let mut title = String::new();
    while let Some(item) = part.next()? {
        match item {
            Item::Open(element) => {
                is_title = element.space() == Space::DublinCore && element.name() == "title";
            }
            Item::Close => is_title = false,
            Item::Text(text) if is_title => title.push_str(&text),
            Item::Text(_) => {}
        }
    }
    Ok(Some(title).filter(|title| is_told(title)))
}

/// Whether a title among a file's properties says more than the program that made the file: `Microsoft Word - a.doc`,
/// `untitled`, `report.dvi`.
pub(super) fn is_told(title: &str) -> bool {
    let lower = title.trim().to_lowercase();
    let is_file_name =
        [".doc", ".docx", ".dot", ".dotx", ".pdf", ".tex", ".dvi", ".ps", ".indd", ".qxd", ".fm", ".rtf"]
            .iter()
            .any(|ending| lower.ends_with(ending));
    let is_placeholder = ["untitled", "unknown", "document", "title", "normal"]
        .iter()
        .any(|word| lower.trim_end_matches(|char: char| char.is_ascii_digit() || char == ' ') == *word);
    let shown: usize = lower.chars().filter(|char| char.is_alphanumeric() && !is_invisible(*char)).count();
    shown >= 2 && !is_file_name && !is_placeholder && !lower.starts_with("microsoft word -")
}

#[cfg(test)]
mod tests;
