//! Documents, questions and files made of words whose frequencies fall as in natural language (Zipf's law). The same on each run.

use std::fmt::Write as _;

const VOCABULARY: u64 = 20_000;
const WORDS_A_DOCUMENT: usize = 120;
const WORDS_A_QUERY: usize = 6;
const FILES_A_FOLDER: usize = 500;

/// Texts of 120 words.
pub(crate) fn documents(count: usize) -> impl Iterator<Item = String> {
    texts(1, count, WORDS_A_DOCUMENT)
}

/// Questions of 6 words.
pub(crate) fn queries(count: usize) -> impl Iterator<Item = String> {
    texts(2, count, WORDS_A_QUERY)
}

fn texts(seed: u64, count: usize, words: usize) -> impl Iterator<Item = String> {
    let mut numbers = Numbers(seed);
    (0..count).map(move |_| (0..words).map(|_| numbers.word()).collect::<Vec<_>>().join(" "))
}

/// A file of a folder to ingest.
pub(crate) struct File {
    /// Its path in the folder, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Files as a team's documentation has them: Markdown and HTML by turns, most of them short and some long (a section of a
/// kilobyte to so many), with headings, lists and code.
pub(crate) fn files(count: usize, most_sections: u64) -> impl Iterator<Item = File> {
    let mut numbers = Numbers(3);
    (0..count).map(move |number| {
        let sections = numbers.up_to(most_sections);
        let (extension, text) = if number % 2 == 0 {
            ("md", markdown(&mut numbers, sections))
        } else {
            ("html", html(&mut numbers, sections))
        };
        File { path: format!("{}/{number}.{extension}", number / FILES_A_FOLDER), text }
    })
}

fn markdown(numbers: &mut Numbers, sections: u64) -> String {
    let mut text = format!("# {}\n\n", numbers.words(4));
    for _ in 0..sections {
        let (heading, paragraph, item) = (numbers.words(3), numbers.words(90), numbers.words(8));
        let _ =
            write!(text, "## {heading}\n\n{paragraph}.\n\n- {item}\n- **{item}**, [{heading}](other.md)\n\n");
        let _ = write!(text, "```sh\n{item}\n```\n\n{}.\n\n", numbers.words(40));
    }
    text
}

fn html(numbers: &mut Numbers, sections: u64) -> String {
    let title = numbers.words(4);
    let mut text = format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title><style>p {{ color: black }}</style>\
         <script>console.log(\"{title}\")</script></head><body><nav><a href=/>{title}</a></nav><main><h1>{title}</h1>\n"
    );
    for _ in 0..sections {
        let (heading, paragraph, item) = (numbers.words(3), numbers.words(90), numbers.words(8));
        let _ = write!(
            text,
            "<section><h2>{heading}</h2><p>{paragraph}.</p><ul><li>{item}<li><b>{item}</b></ul>"
        );
        let _ = writeln!(text, "<pre><code>{item}</code></pre><p>{}.</p></section>", numbers.words(40));
    }
    text + "</main><!-- generated --></body></html>\n"
}

/// `SplitMix64`: a corpus must be the same tomorrow, which no crate's default generator promises.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 1 to `most`, small numbers more often: the logarithm is uniform.
    fn up_to(&mut self, most: u64) -> u64 {
        self.rank(most + 1)
    }

    fn words(&mut self, count: usize) -> String {
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    /// The rank is exponential in a uniform number, which makes frequencies fall as one over the rank.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks are small"
    )]
    fn rank(&mut self, below: u64) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (below as f64).powf(uniform) as u64
    }

    fn word(&mut self) -> String {
        let mut rank = self.rank(VOCABULARY);
        let mut word = String::new();
        for _ in 0..4 {
            word.push(char::from(b"bdfgklmnprstvz"[(rank % 14) as usize]));
            word.push(char::from(b"aeiou"[(rank % 5) as usize]));
            rank /= 14;
        }
        word
    }
}
