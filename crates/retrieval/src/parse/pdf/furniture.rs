//! Running heads, feet and page numbers, which are of the page and not of the text.

use std::collections::{HashMap, HashSet};

use super::bookmarks::Bookmark;
use super::headings::{body_size, comparable};
use super::{Line, Page};

/// How much of a page's height, at its top and at its bottom, may be furniture.
const ZONE: f64 = 0.12;

/// On how many pages a line must stand in the same place, with nothing but its numbers changed, to be furniture.
const MIN_PAGES: usize = 3;

/// Type that is larger than the text's by this factor is a heading's: "Chapter 1" stands in the same place on each page
/// that begins a chapter.
const MAX_ENLARGEMENT: f64 = 1.15;

/// Removes it. A line that a bookmark of its page names is never furniture.
pub(super) fn remove(pages: &mut [Page], bookmarks: &[Bookmark]) {
    let largest = body_size(pages) * MAX_ENLARGEMENT;
    let mut named: HashMap<usize, HashSet<String>> = HashMap::new();
    for bookmark in bookmarks {
        named.entry(bookmark.page).or_default().insert(comparable(&bookmark.title));
    }
    let key_of = |number: usize, page: &Page, line: &Line| {
        let is_named = || named.get(&number).is_some_and(|titles| titles.contains(&comparable(&line.text)));
        if line.size > largest || is_named() { None } else { key(page, line) }
    };
    let titles: HashSet<String> = named.values().flatten().cloned().collect();
    let key_of = |number: usize, page: &Page, line: &Line| {
        let (height, text) = key_of(number, page, line)?;
        let running = running_head(number, &line.text).filter(|(_, title)| titles.contains(title));
        Some((height, running.map_or(text, |(offset, _)| offset.to_string())))
    };
    let mut counted: HashMap<Key, HashSet<usize>> = HashMap::new();
    for (number, page) in pages.iter().enumerate() {
        for line in &page.lines {
            if let Some(key) = key_of(number, page, line) {
                counted.entry(key).or_default().insert(number);
            }
        }
    }
    for (number, page) in pages.iter_mut().enumerate() {
        let is_furniture: Vec<bool> = page
            .lines
            .iter()
            .map(|line| {
                let seen_on = key_of(number, page, line).and_then(|key| counted.get(&key));
                seen_on.is_some_and(|pages| pages.len() >= MIN_PAGES)
            })
            .collect();
        let mut is_furniture = is_furniture.into_iter();
        page.lines.retain(|_| !is_furniture.next().unwrap_or(false));
    }
}

/// What is alike in furniture: the height, in units of 2 points, and the text with its numbers taken out. Instead of the text
/// of a head that names a section: how far its number is from the page's.
type Key = (i64, String);

fn key(page: &Page, line: &Line) -> Option<Key> {
    let zone = page.height * ZONE;
    let height = line.baseline - page.bottom;
    let is_outer = height < zone || height > page.height - zone;
    #[expect(clippy::cast_possible_truncation, reason = "a page is some thousand points high")]
    let height = (line.baseline / 2.0).round() as i64;
    is_outer.then(|| (height, without_numbers(&line.text)))
}

/// If the line begins or ends with a number: how far that is from the page's, and what else there is. The heads of many
/// books name the section, which changes after a page or two, beside the page's number, which goes on with the pages.
fn running_head(page: usize, text: &str) -> Option<(i64, String)> {
    let text = text.trim();
    let last = text.rsplit_once(' ').map(|(rest, last)| (last, rest));
    let sides = [last, text.split_once(' ')];
    sides.into_iter().flatten().find_map(|(number, rest)| {
        let number: i64 = number.parse().ok()?;
        Some((number.checked_sub_unsigned(page as u64)?, comparable(rest)))
    })
}

/// Numbers as `#`, also Roman ones that stand alone.
fn without_numbers(text: &str) -> String {
    let word = |word: &str| {
        let is_roman = word.len() <= 6 && word.chars().all(|char| "ivxlc".contains(char));
        if is_roman {
            return "#".to_owned();
        }
        let mut masked = String::new();
        for char in word.chars() {
            let shown = if char.is_ascii_digit() { '#' } else { char };
            if shown != '#' || !masked.ends_with('#') {
                masked.push(shown);
            }
        }
        masked
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, baseline: f64, size: f64) -> Line {
        Line { text: text.to_owned(), left: 72.0, right: 300.0, baseline, size }
    }

    fn page(lines: Vec<Line>) -> Page {
        Page { height: 800.0, lines, ..Page::default() }
    }

    #[test]
    fn what_repeats_at_the_edges_is_removed_and_nothing_else() {
        let mut pages: Vec<Page> = (1..=4)
            .map(|number| {
                page(vec![
                    line(&format!("Chapter {number}"), 760.0, 20.0),
                    line("The Manual", 780.0, 8.0),
                    line("The same words in the text", 400.0, 10.0),
                    line(
                        &format!("A first line, of {}", ["Ann", "Ben", "Cay", "Dan"][number - 1]),
                        750.0,
                        10.0,
                    ),
                    line("Introduction", 770.0, 10.0),
                    line(&format!("{number} of 4"), 30.0, 8.0),
                ])
            })
            .collect();
        pages.push(page(vec![line("iv", 30.0, 8.0), line("The Manual", 700.0, 8.0)]));
        let bookmarks: Vec<_> =
            (0..4).map(|page| Bookmark { title: "Introduction".to_owned(), level: 1, page }).collect();
        remove(&mut pages, &bookmarks);
        let texts: Vec<&str> = pages[0].lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(
            texts,
            ["Chapter 1", "The same words in the text", "A first line, of Ann", "Introduction"]
        );
        assert_eq!(pages[4].lines.len(), 2, "seen once: {:?}", pages[4].lines);
    }

    #[test]
    fn heads_that_name_the_section_beside_the_number_are_removed() {
        let bookmarks: Vec<_> = [("First steps", 0), ("Onwards", 2), ("Method", 4)]
            .map(|(title, page)| Bookmark { title: title.to_owned(), level: 1, page })
            .into();
        let heads =
            ["1.1. First steps 7", "8 First steps", "1.2. Onwards 9", "10 Onwards", "5 Method", "12 apples"];
        let mut pages: Vec<Page> = heads
            .iter()
            .map(|head| page(vec![line(head, 780.0, 8.0), line("Some text", 400.0, 10.0)]))
            .collect();
        remove(&mut pages, &bookmarks);
        let left: Vec<usize> = pages.iter().map(|page| page.lines.len()).collect();
        assert_eq!(left, [1, 1, 1, 1, 2, 2], "a heading with its own number stays, and so does text");
    }
}
