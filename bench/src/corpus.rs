//! Documents and questions made of words whose frequencies fall as in natural language (Zipf's law). The same on each run.

const VOCABULARY: u64 = 20_000;
const WORDS_A_DOCUMENT: usize = 120;
const WORDS_A_QUERY: usize = 6;

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

/// `SplitMix64`: a corpus must be the same tomorrow, which no crate's default generator promises.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The rank is exponential in a uniform number, which makes frequencies fall as one over the rank.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks are small"
    )]
    fn word(&mut self) -> String {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut rank = (VOCABULARY as f64).powf(uniform) as u64;
        let mut word = String::new();
        for _ in 0..4 {
            word.push(char::from(b"bdfgklmnprstvz"[(rank % 14) as usize]));
            word.push(char::from(b"aeiou"[(rank % 5) as usize]));
            rank /= 14;
        }
        word
    }
}
