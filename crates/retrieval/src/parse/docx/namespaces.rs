//! What an element's or an attribute's namespace says of it.
//!
//! A name means something in a namespace only: with `mc:Ignorable` a file may hold elements of any other, which Word passes
//! over with all that is in them (ECMA-376 part 3, Ignorable).

/// A namespace that means something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// Of the text and its properties.
    Word,
    /// Of formulas.
    Math,
    /// Of what stands around text in a drawing.
    Drawing,
    /// Nothing in it is text, but Word understands it.
    Textless,
    /// Of alternatives.
    Compatibility,
    /// Of the package's relationships.
    Relationships,
    /// Of what refers to one of them.
    References,
    /// Of the title among the properties.
    DublinCore,
    /// Of what holds the properties.
    CoreProperties,
}

/// The namespaces of ECMA-376 in its transitional form (part 4) and in its strict one (part 1), and those of Word's extensions
/// that text may stand in ([MS-DOCX] and [MS-ODRAWXML], "Namespaces"). Word, `LibreOffice` and Google write the transitional ones.
const SPACES: &[(&str, Space)] = &[
    ("http://schemas.openxmlformats.org/wordprocessingml/2006/main", Space::Word),
    ("http://purl.oclc.org/ooxml/wordprocessingml/main", Space::Word),
    ("http://schemas.openxmlformats.org/officeDocument/2006/math", Space::Math),
    ("http://purl.oclc.org/ooxml/officeDocument/math", Space::Math),
    ("http://schemas.openxmlformats.org/drawingml/2006/main", Space::Drawing),
    ("http://purl.oclc.org/ooxml/drawingml/main", Space::Drawing),
    ("http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing", Space::Drawing),
    ("http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing", Space::Drawing),
    ("http://schemas.microsoft.com/office/word/2010/wordprocessingDrawing", Space::Drawing),
    ("http://schemas.microsoft.com/office/word/2010/wordprocessingShape", Space::Drawing),
    ("http://schemas.microsoft.com/office/word/2010/wordprocessingGroup", Space::Drawing),
    ("http://schemas.microsoft.com/office/word/2010/wordprocessingCanvas", Space::Drawing),
    ("urn:schemas-microsoft-com:vml", Space::Drawing),
    ("urn:schemas-microsoft-com:office:office", Space::Drawing),
    ("urn:schemas-microsoft-com:office:word", Space::Drawing),
    ("http://schemas.openxmlformats.org/markup-compatibility/2006", Space::Compatibility),
    ("http://schemas.openxmlformats.org/package/2006/relationships", Space::Relationships),
    ("http://purl.org/dc/elements/1.1/", Space::DublinCore),
    ("http://schemas.openxmlformats.org/package/2006/metadata/core-properties", Space::CoreProperties),
    ("http://schemas.openxmlformats.org/drawingml/2006/picture", Space::Textless),
    ("http://purl.oclc.org/ooxml/drawingml/picture", Space::Textless),
    ("http://schemas.openxmlformats.org/drawingml/2006/chart", Space::Textless),
    ("http://purl.oclc.org/ooxml/drawingml/chart", Space::Textless),
    ("http://schemas.openxmlformats.org/drawingml/2006/diagram", Space::Textless),
    ("http://purl.oclc.org/ooxml/drawingml/diagram", Space::Textless),
    ("http://schemas.openxmlformats.org/officeDocument/2006/relationships", Space::References),
    ("http://purl.oclc.org/ooxml/officeDocument/relationships", Space::References),
    ("http://schemas.microsoft.com/office/word/2010/wordprocessingInk", Space::Textless),
    ("http://schemas.microsoft.com/office/word/2006/wordml", Space::Textless),
    ("http://schemas.microsoft.com/office/word/2010/wordml", Space::Textless),
    ("http://schemas.microsoft.com/office/word/2012/wordml", Space::Textless),
    ("http://schemas.microsoft.com/office/word/2015/wordml/symex", Space::Textless),
    ("http://schemas.microsoft.com/office/word/2016/wordml/cid", Space::Textless),
    ("http://schemas.microsoft.com/office/word/2018/wordml", Space::Textless),
    ("http://schemas.microsoft.com/office/drawing/2010/main", Space::Textless),
    ("http://schemas.microsoft.com/office/drawing/2014/main", Space::Textless),
    ("http://schemas.microsoft.com/office/drawing/2014/chartex", Space::Textless),
    ("http://schemas.microsoft.com/office/drawing/2015/9/8/chartex", Space::Textless),
    ("http://schemas.microsoft.com/office/drawing/2016/ink", Space::Textless),
    ("http://schemas.microsoft.com/office/drawing/2017/model3d", Space::Textless),
];

impl Space {
    /// What is known of a namespace. Of others nothing is read.
    pub(super) fn of(namespace: &str) -> Option<Self> {
        SPACES.iter().find(|(known, _)| *known == namespace).map(|(_, space)| *space)
    }

    /// Whether there may be text in an element of it, or what says something about text.
    pub(super) const fn is_read(self) -> bool {
        !matches!(self, Self::Textless | Self::Compatibility | Self::References)
    }
}
