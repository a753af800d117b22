//! Bounds on results: clients break on results of more than some 25,000 tokens, and each goes out twice, as structured
//! content and as text.

/// The most bytes of text in one result: about 8,000 tokens at four bytes each.
pub(crate) const MAX_RESULT_BYTES: usize = 32_000;

/// The longest prefix of `items` that fits, but at least the first one: a result that is empty for want of room would
/// never end. `size` gives an item's bytes.
pub(crate) fn fitting<T>(items: &[T], size: impl Fn(&T) -> usize) -> usize {
    let mut used = 0;
    let fits = items.iter().take_while(|item| {
        used += size(item);
        used <= MAX_RESULT_BYTES
    });
    fits.count().max(usize::from(!items.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_fits_and_never_nothing() {
        assert_eq!(fitting(&[10_000, 20_000, 3_000], |n| *n), 2);
        assert_eq!(fitting(&[50_000, 1], |n| *n), 1);
        assert_eq!(fitting::<usize>(&[], |n| *n), 0);
        assert_eq!(fitting(&[1, 1], |n| *n), 2);
    }
}
