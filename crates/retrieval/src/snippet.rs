//! The part of a passage that tells most about a question.
//!
//! A text is taken apart into sentences, headings, rows and blocks of code ([`units`]). Shown is the run of them that
//! answers most of the question, or two runs where together they answer more, with what follows them as far as there
//! is room. What is left out is marked by an ellipsis.

pub(crate) mod sentences;
mod units;

use std::collections::HashMap;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::words::{each_word, is_function_word, stem};
use units::{Kind, Unit, units};

/// The most words of a question that are looked for: a bit each.
const MAX_TERMS: usize = 64;
/// What one sentence that has several of the words adds to a run that has them somewhere.
const TOGETHER: f64 = 0.5;
/// What a word in a heading weighs for what stands under it.
const HEADING_WEIGHT: f64 = 0.75;
/// What a run outside of the passage that was found best weighs.
const ELSEWHERE_WEIGHT: f64 = 0.9;
/// By how much two runs must answer more than one.
const WORTH_TWO: f64 = 1.15;
/// Room for the ellipses and line ends of a run.
const MARKS: usize = 6;
/// Stands for what is left out.
const ELLIPSIS: char = '…';

/// The words of a question, with their weights.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    bits: HashMap<String, u32>,
    /// What the stems begin with: words that begin otherwise need not be stemmed.
    beginnings: Vec<Beginning>,
    weights: Vec<f64>,
}

/// The words that a text has, a bit each.
pub(crate) type Found = u64;

impl Terms {
    /// The words of a question that say what it is about; of one that has none, all of them.
    #[must_use]
    pub(crate) fn new(question: &str) -> Self {
        let mut terms = Self { bits: HashMap::new(), beginnings: Vec::new(), weights: Vec::new() };
        each_word(question, |word| {
            if !is_function_word(word) {
                terms.add(word);
            }
        });
        if terms.weights.is_empty() {
            each_word(question, |word| terms.add(word));
        }
        terms
    }

    fn add(&mut self, word: &str) {
        let stem = stem(word);
        if self.weights.len() < MAX_TERMS && !self.bits.contains_key(&stem) {
            self.beginnings.push(beginning(&stem));
            self.bits.insert(stem, u32::try_from(self.weights.len()).unwrap_or_default());
            self.weights.push(1.0);
        }
    }

    /// Weighs the words by how rare they are among texts, of which these are the words found.
    pub(crate) fn weigh(&mut self, texts: &[Found]) {
        let count = |bit: usize| texts.iter().filter(|found| *found >> bit & 1 == 1).count();
        for (bit, weight) in self.weights.iter_mut().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a few hundred texts")]
            let ratio = texts.len() as f64 / count(bit).max(1) as f64;
            *weight *= ratio.ln_1p();
        }
    }

    /// The bit of a word in lower case, if the question has it.
    pub(crate) fn find(&self, word: &str) -> Found {
        let bit = self.beginnings.contains(&beginning(word)).then(|| self.bits.get(&stem(word))).flatten();
        bit.map_or(0, |bit| 1 << bit)
    }

    fn weight(&self, mut found: Found) -> f64 {
        let mut sum = 0.0;
        while found != 0 {
            sum += self.weights[found.trailing_zeros() as usize];
            found &= found - 1;
        }
        sum
    }
}

/// The two characters that a word and its stem begin with. (Three words differ there, of which `dying` is one.)
type Beginning = (Option<char>, Option<char>);

fn beginning(word: &str) -> Beginning {
    let mut chars = word.chars();
    (chars.next(), chars.next())
}

/// What is shown of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) shown: String,
    /// The runs that are shown, in their places in the text.
    pub(crate) spans: Vec<Range<usize>>,
}

/// At most `max_chars` characters of a text without invisible characters: the sentences that answer a question, in whole. White
/// space within sentences is folded; headings, items, rows and code stand on lines of their own. Of runs that answer nearly as much,
/// one within `home` is taken.
pub(crate) fn excerpt(text: &str, home: Range<usize>, terms: &Terms, max_chars: usize) -> Excerpt {
    let room = max_chars.saturating_sub(2 * MARKS).max(1);
    let choice = Choice::new(text, &home, units(text, room), terms, max_chars);
    let mut selection = choice.best(room);
    choice.add_leads(&mut selection);
    choice.fill(&mut selection);
    Excerpt { shown: cut(choice.rendered(&selection), max_chars), spans: choice.spans(&selection) }
}

/// A text's units and what each has of the question.
struct Choice<'t> {
    units: Vec<Unit>,
    found: Vec<Found>,
    /// Whether a unit answers nothing itself: a heading, or a line that says what the question says and no more, as in
    /// a table of contents.
    is_bare: Vec<bool>,
    is_home: Vec<bool>,
    terms: &'t Terms,
    max_chars: usize,
}

/// A run of units, and what it is worth.
#[derive(Debug, Clone)]
struct Run {
    units: Range<usize>,
    /// What its units have of the question.
    found: Found,
    /// What stands above them.
    above: Found,
    worth: f64,
    chars: usize,
}

/// What is shown.
#[derive(Debug, Clone, Default)]
struct Selection {
    /// The best first.
    runs: Vec<Range<usize>>,
    /// Heads of tables and headings that the runs stand under.
    leads: Vec<usize>,
}

impl Selection {
    /// In the order of the text. The others, of which a text may have thousands, are not looked at.
    fn units(&self) -> Vec<usize> {
        let mut units: Vec<usize> =
            self.runs.iter().cloned().flatten().chain(self.leads.iter().copied()).collect();
        units.sort_unstable();
        units.dedup();
        units
    }

    fn has(&self, unit: usize) -> bool {
        self.leads.contains(&unit) || self.runs.iter().any(|run| run.contains(&unit))
    }
}

impl<'t> Choice<'t> {
    fn new(text: &str, home: &Range<usize>, units: Vec<Unit>, terms: &'t Terms, max_chars: usize) -> Self {
        let (mut found, mut is_bare) = (Vec::new(), Vec::new());
        for unit in &units {
            let (mut all, mut says_more) = (0, unit.kind != Kind::Prose);
            each_word(&text[unit.span.clone()], |word| match terms.find(word) {
                0 => says_more = says_more || !is_function_word(word),
                bit => all |= bit,
            });
            found.push(all);
            let names_others = matches!(unit.kind, Kind::Heading | Kind::TableHead);
            is_bare.push(names_others || !says_more);
        }
        let is_home = units.iter().map(|unit| home.contains(&unit.span.start)).collect();
        Self { units, found, is_bare, is_home, terms, max_chars }
    }

    /// The run that answers most, or the two of them.
    fn best(&self, room: usize) -> Selection {
        let runs = match (self.best_run(room, 0, None), self.best_pair(room)) {
            (Some(single), Some(pair)) if pair.0.worth + pair.1.worth > single.worth * WORTH_TWO => {
                vec![pair.0.units, pair.1.units]
            }
            (Some(single), _) => vec![single.units],
            // Nothing of the question stands in it: its beginning.
            (None, _) => {
                let first = self.is_home.iter().position(|is_home| *is_home).unwrap_or(0);
                self.units.get(first).map(|_| first..first + 1).into_iter().collect()
            }
        };
        Selection { runs, leads: Vec::new() }
    }

    /// The best run in half of the room, and the one that adds most to it.
    fn best_pair(&self, room: usize) -> Option<(Run, Run)> {
        let first = self.best_run(room / 2, 0, None)?;
        let rest = room.saturating_sub(first.chars + MARKS);
        let second = self.best_run(rest, first.found | first.above, Some(&first.units))?;
        Some((first, second))
    }

    /// The best run of at most `room` characters, for what is not `known` already, that has nothing of `taken`. Of
    /// equals the first, and of that no more than is worth as much.
    fn best_run(&self, room: usize, known: Found, taken: Option<&Range<usize>>) -> Option<Run> {
        let mut best: Option<Run> = None;
        for start in 0..self.units.len() {
            let mut run = Run { units: start..start, found: 0, above: 0, worth: 0.0, chars: 0 };
            let mut together = 0.0_f64;
            for end in start..self.units.len() {
                run.chars += self.units[end].chars + usize::from(end > start);
                if run.chars > room || taken.is_some_and(|taken| taken.contains(&end)) {
                    break;
                }
                let found = self.found[end] & !known;
                if self.is_bare[end] {
                    run.above |= found;
                } else {
                    let lead = self.units[end].lead.map_or(0, |lead| self.found[lead]) & !known;
                    run.found |= found;
                    run.above |= lead;
                    together = together.max(self.weight(found, lead));
                }
                run.units.end = end + 1;
                let is_home = self.is_home[start] && self.is_home[end];
                run.worth = self.weight(run.found, run.above) + TOGETHER * together;
                run.worth *= if is_home { 1.0 } else { ELSEWHERE_WEIGHT };
                let beats = |best: &Run| {
                    let is_part = run.units.start < best.units.end && run.chars < best.chars;
                    run.worth > best.worth || (is_part && run.worth >= best.worth)
                };
                if run.worth > 0.0 && best.as_ref().is_none_or(beats) {
                    best = Some(run.clone());
                }
            }
        }
        best
    }

    /// What words weigh of which some stand above only.
    fn weight(&self, found: Found, above: Found) -> f64 {
        self.terms.weight(found) + HEADING_WEIGHT * self.terms.weight(above & !found)
    }

    /// Shows the head of the table, or the heading within the text, that a run begins under.
    fn add_leads(&self, selection: &mut Selection) {
        for at in 0..selection.runs.len() {
            let lead = self.units[selection.runs[at].start].lead;
            // The text's first heading is said beside the snippet.
            let lead = lead.filter(|lead| *lead > 0 || self.units[*lead].kind == Kind::TableHead);
            if let Some(lead) = lead.filter(|lead| !selection.has(*lead)) {
                selection.leads.push(lead);
                if !self.fits(selection) {
                    selection.leads.pop();
                }
            }
        }
    }

    /// Shows what follows the runs, and then what goes before, as far as there is room.
    fn fill(&self, selection: &mut Selection) {
        let all = 0..selection.runs.len();
        while all.clone().any(|run| self.grow(selection, run, Self::after)) {}
        while all.clone().any(|run| self.grow(selection, run, Self::before)) {}
    }

    fn grow(
        &self,
        selection: &mut Selection,
        run: usize,
        longer: fn(&Self, &Range<usize>) -> Range<usize>,
    ) -> bool {
        let old = selection.runs[run].clone();
        let new = longer(self, &old);
        let may = new != old && new.end <= self.units.len();
        if may {
            selection.runs[run] = new;
            if self.fits(selection) {
                return true;
            }
            selection.runs[run] = old;
        }
        false
    }

    /// A heading is shown with something that stands under it.
    fn after(&self, run: &Range<usize>) -> Range<usize> {
        let heading = self.units.get(run.end).is_some_and(|unit| unit.kind == Kind::Heading);
        run.start..run.end + 1 + usize::from(heading)
    }

    #[expect(clippy::unused_self, reason = "as its counterpart")]
    fn before(&self, run: &Range<usize>) -> Range<usize> {
        run.start.saturating_sub(1)..run.end
    }

    fn fits(&self, selection: &Selection) -> bool {
        self.rendered(selection).chars().count() <= self.max_chars
    }

    fn rendered(&self, selection: &Selection) -> String {
        let mut text = String::new();
        let mut last = None;
        for (at, unit) in selection.units().into_iter().map(|at| (at, &self.units[at])) {
            let is_next = last.map_or(at == 0, |last| last + 1 == at);
            if !is_next {
                self.push_ellipsis(&mut text, last);
            }
            let same_block = last.is_none_or(|last| self.units[last].block == unit.block);
            let is_plain = unit.kind == Kind::Prose && (same_block || !is_next);
            match (text.is_empty(), is_plain, unit.is_glued) {
                (true, ..) | (false, true, true) => {}
                (false, true, false) => text.push(' '),
                (false, false, _) => text.push('\n'),
            }
            text.push_str(&unit.shown);
            last = Some(at);
        }
        if last.is_some_and(|last| last + 1 < self.units.len()) {
            self.push_ellipsis(&mut text, last);
        }
        text
    }

    /// Marks that what follows the last unit is left out.
    fn push_ellipsis(&self, text: &mut String, last: Option<usize>) {
        let is_glued = last.and_then(|last| self.units.get(last + 1)).is_some_and(|next| next.is_glued);
        if !is_glued && !text.is_empty() {
            text.push(' ');
        }
        text.push(ELLIPSIS);
    }

    fn spans(&self, selection: &Selection) -> Vec<Range<usize>> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        let mut last = None;
        for (at, unit) in selection.units().into_iter().map(|at| (at, &self.units[at])) {
            match spans.last_mut() {
                Some(span) if last.is_some_and(|last: usize| last + 1 == at) => span.end = unit.span.end,
                _ => spans.push(unit.span.clone()),
            }
            last = Some(at);
        }
        spans
    }
}

/// Where not even one unit has room, as much of it as has.
fn cut(mut text: String, max_chars: usize) -> String {
    if text.chars().count() > max_chars {
        let (mut bytes, mut chars) = (0, 1);
        for grapheme in text.graphemes(true) {
            chars += grapheme.chars().count();
            if chars > max_chars {
                break;
            }
            bytes += grapheme.len();
        }
        text.truncate(bytes);
        text.push(ELLIPSIS);
    }
    text
}

#[cfg(test)]
mod tests;
