//! Characters with their places, put together to lines.

mod direction;
mod glyphs;

use pdf_extract::{MediaBox, OutputDev, OutputError, Transform};

use self::glyphs::{Glyphs, Writer};
use super::{Line, Page};
use crate::chunk::MAX_CHARS;
use crate::limits::{Deadline, Limits};
use crate::parse::ParseError;

/// How many characters pass between two looks at the clock.
const CHARACTERS_BETWEEN_CHECKS: usize = 4096;

/// A step up or down by that part of the type's size begins a line. A raised note's mark stays below it.
const LINE_STEP: f64 = 0.55;

/// A step back by that part of the type's size begins a line: a new column. Kerning and accents take less.
const BACK_STEP: f64 = 1.0;

/// More glyphs are no line. What is kept of each is some ten times its text.
const MAX_GLYPHS: usize = 4096;

/// Smaller type, in points, cannot be read.
const MIN_SIZE: f64 = 1.0;

/// Farther out of the page than that, in points, nothing is seen.
const MARGIN: f64 = 2.0;

/// Collects pages. It stops when time or room is up.
pub(super) struct Characters {
    pub(super) pages: Vec<Page>,
    /// How many runs of characters nobody sees: out of the page, or too small.
    pub(super) hidden: u32,
    pub(super) stopped_by: Option<ParseError>,
    line: Option<Open>,
    writer: Writer,
    is_hiding: bool,
    media_box: MediaBox,
    count: usize,
    most: usize,
    max_chunks: usize,
    deadline: Deadline,
}

/// The line that is being read.
struct Open {
    line: Line,
    glyphs: Glyphs,
    /// The direction of writing, of length 1.
    direction: (f64, f64),
    /// Where on the direction the last character ended.
    end: f64,
    /// What of the direction the line takes so far.
    reach: (f64, f64),
    /// The line's place across the direction.
    across: f64,
}

impl Open {
    /// Whether the glyph stands where this line goes on.
    fn goes_on(&self, (start, end): (f64, f64), size: f64, is_right_to_left: bool) -> bool {
        let back_step = BACK_STEP * size;
        let middle = f64::midpoint(start, end);
        if self.glyphs.len() >= MAX_GLYPHS {
            return false;
        }
        if !(is_right_to_left || self.glyphs.has_right_to_left()) {
            return start > self.end - back_step;
        }
        // Drawn from the right or from the left, with words and numbers in it that are drawn the other way. What is drawn
        // over the line anew, to make it bold, is another.
        let (left, right) = self.reach;
        middle <= left || middle >= right || (start - self.end).abs() < 2.0 * back_step
    }
}

impl Characters {
    pub(super) fn new(deadline: Deadline, limits: &Limits) -> Self {
        Self {
            pages: Vec::new(),
            hidden: 0,
            stopped_by: None,
            line: None,
            writer: Writer::default(),
            is_hiding: false,
            media_box: MediaBox { llx: 0.0, lly: 0.0, urx: 0.0, ury: 0.0 },
            count: 0,
            most: limits.max_chunks.saturating_mul(MAX_CHARS),
            max_chunks: limits.max_chunks,
            deadline,
        }
    }

    fn check(&mut self) -> Result<(), OutputError> {
        self.count += 1;
        let checked = if self.count > self.most {
            Err(ParseError::TooManyChunks { limit: self.max_chunks })
        } else if self.count.is_multiple_of(CHARACTERS_BETWEEN_CHECKS) {
            self.deadline.check()
        } else {
            Ok(())
        };
        self.stopped_unless(checked)
    }

    fn stopped_unless(&mut self, checked: Result<(), ParseError>) -> Result<(), OutputError> {
        checked.map_err(|error| {
            self.stopped_by = Some(error);
            OutputError::FormatError(std::fmt::Error)
        })
    }

    fn end_line(&mut self) {
        if let Some(Open { mut line, glyphs, .. }) = self.line.take()
            && let Some(page) = self.pages.last_mut()
        {
            line.text = glyphs.into_text(&mut self.writer);
            if !line.text.trim().is_empty() {
                page.lines.push(line);
            }
        }
    }

    fn is_seen(&self, x: f64, y: f64, size: f64) -> bool {
        let MediaBox { llx, lly, urx, ury } = self.media_box;
        let (left, right) = (llx.min(urx), llx.max(urx));
        let (bottom, top) = (lly.min(ury), lly.max(ury));
        let within =
            (left - MARGIN..=right + MARGIN).contains(&x) && (bottom - MARGIN..=top + MARGIN).contains(&y);
        within && size >= MIN_SIZE
    }
}

impl OutputDev for Characters {
    fn begin_page(
        &mut self,
        _: u32,
        media_box: &MediaBox,
        _: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.stopped_unless(self.deadline.check())?;
        self.media_box = *media_box;
        let bottom = media_box.lly.min(media_box.ury);
        self.pages.push(Page { bottom, height: (media_box.ury - media_box.lly).abs(), lines: Vec::new() });
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        self.end_line();
        Ok(())
    }

    fn output_character(
        &mut self,
        transform: &Transform,
        width: f64,
        spacing: f64,
        font_size: f64,
        text: &str,
    ) -> Result<(), OutputError> {
        self.check()?;
        let (x, y) = (transform.m31, transform.m32);
        let stretch = transform.m11.hypot(transform.m12);
        let area = (transform.m11 * transform.m22 - transform.m12 * transform.m21).abs();
        let size = area.sqrt() * font_size.abs();
        let has_place = x.is_finite() && y.is_finite() && size.is_finite() && stretch > 0.0;
        if !(has_place && self.is_seen(x, y, size)) {
            if !self.is_hiding && !text.trim().is_empty() {
                self.hidden = self.hidden.saturating_add(1);
                self.is_hiding = true;
            }
            return Ok(());
        }
        self.is_hiding = false;
        let sign = if font_size < 0.0 { -1.0 } else { 1.0 };
        let direction = (sign * transform.m11 / stretch, sign * transform.m12 / stretch);
        let along = x * direction.0 + y * direction.1;
        let across = y * direction.0 - x * direction.1;
        let end = along + width * font_size.abs() * stretch;
        let is_right_to_left = direction::is_right_to_left(text);

        let goes_on = self.line.as_ref().is_some_and(|open| {
            let turn = open.direction.0 * direction.0 + open.direction.1 * direction.1;
            let type_size = open.line.size.max(size);
            turn > 0.99
                && (open.across - across).abs() < LINE_STEP * type_size
                && open.goes_on((along, end), type_size, is_right_to_left)
        });
        if !goes_on {
            self.end_line();
        }
        let open = self.line.get_or_insert_with(|| Open {
            line: Line { left: x, right: x, baseline: y, size, text: String::new() },
            glyphs: Glyphs::default(),
            direction,
            end: along,
            reach: (along, along),
            across,
        });
        open.glyphs.push(text, (along, end), spacing * sign * stretch, size);
        open.line.size = open.line.size.max(size);
        open.line.left = open.line.left.min(x);
        open.line.right = open.line.right.max(x + (end - along) * direction.0.abs());
        open.end = end;
        open.reach = (open.reach.0.min(along), open.reach.1.max(end));
        Ok(())
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
