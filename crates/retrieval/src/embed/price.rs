//! What vectors cost where a service makes them.

use std::fmt;

/// Bytes of text that make a token, on average: four of English prose, with the tokenizers of today
/// (<https://help.openai.com/en/articles/4936856-what-are-tokens-and-how-to-count-them>). Other scripts have fewer: an
/// estimate of Chinese text is a third too low.
const BYTES_PER_TOKEN: u64 = 4;

/// What a service asks for its work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// US dollars for a million tokens; `None` where nobody has said.
    pub usd_per_million_tokens: Option<f64>,
}

/// What a run will cost, about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// How many tokens the texts have.
    pub tokens: u64,
    /// US dollars; `None` where the price is not known.
    pub usd: Option<f64>,
    price: Price,
}

impl Price {
    /// What texts of this size cost.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an estimate, of fewer than 2^52 tokens")]
    pub fn estimate(self, bytes: u64) -> Estimate {
        let tokens = bytes.div_ceil(BYTES_PER_TOKEN);
        let usd = self.usd_per_million_tokens.map(|price| tokens as f64 / 1e6 * price);
        Estimate { tokens, usd, price: self }
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.usd_per_million_tokens {
            Some(usd) => write!(f, "US${usd} per million tokens"),
            None => write!(f, "a price that is not known"),
        }
    }
}

impl fmt::Display for Estimate {
    /// `about 1.2 million tokens, US$0.02 at US$0.02 per million tokens`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "about {}, ", Tokens(self.tokens))?;
        match self.usd {
            Some(usd) if usd > 0.0 && usd < 0.005 => write!(f, "less than US$0.01")?,
            Some(usd) => write!(f, "US${usd:.2}")?,
            None => return write!(f, "price unknown"),
        }
        write!(f, " at {}", self.price)
    }
}

/// A count that a person can read.
struct Tokens(u64);

impl fmt::Display for Tokens {
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => write!(f, "1 token"),
            count @ ..1_000 => write!(f, "{count} tokens"),
            count @ 1_000..999_500 => write!(f, "{},000 tokens", (count + 500) / 1_000),
            count => write!(f, "{:.1} million tokens", count as f64 / 1e6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(usd_per_million_tokens: Option<f64>, bytes: u64) -> String {
        Price { usd_per_million_tokens }.estimate(bytes).to_string()
    }

    #[test]
    fn an_estimate_says_how_much_of_what_at_which_price() {
        let cases = [
            (Some(0.02), 4_800_000, "about 1.2 million tokens, US$0.02 at US$0.02 per million tokens"),
            (
                Some(0.13),
                4_000_000_000,
                "about 1000.0 million tokens, US$130.00 at US$0.13 per million tokens",
            ),
            (Some(0.02), 100_000, "about 25,000 tokens, less than US$0.01 at US$0.02 per million tokens"),
            (Some(0.02), 3_997_600, "about 999,000 tokens, US$0.02 at US$0.02 per million tokens"),
            (Some(0.02), 3_998_000, "about 1.0 million tokens, US$0.02 at US$0.02 per million tokens"),
            (Some(0.0), 40, "about 10 tokens, US$0.00 at US$0 per million tokens"),
            (None, 3, "about 1 token, price unknown"),
            (None, 0, "about 0 tokens, price unknown"),
        ];
        for (price, bytes, expected) in cases {
            assert_eq!(said(price, bytes), expected);
        }
    }

    #[test]
    fn the_numbers_are_there_for_a_program() {
        let estimate = Price { usd_per_million_tokens: Some(2.0) }.estimate(4_000_001);
        assert_eq!(estimate.tokens, 1_000_001);
        let usd = estimate.usd.unwrap();
        assert!((usd - 2.000_002).abs() < 1e-9, "{usd}");
        assert_eq!(Price { usd_per_million_tokens: None }.estimate(u64::MAX).usd, None);
    }
}
