//! Bounds on results: clients break on results of more than some 25,000 tokens, and each goes out twice, as structured
//! content and as text.

/// The most bytes of text in one result: about 8,000 tokens at four bytes each.
const MAX_RESULT_BYTES: usize = 32_000;

/// The longest prefix of `items` that fits, but at least the first one: a result that is empty for want of room would
/// never end. `size` gives an item's bytes.
pub(crate) fn fitting<T>(items: &[T], size: impl Fn(&T) -> usize) -> usize {
    fitting_beside(0, items, size)
}

/// The same in a result that has `beside` bytes of something else.
pub(super) fn fitting_beside<T>(beside: usize, items: &[T], size: impl Fn(&T) -> usize) -> usize {
    let mut used = beside;
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
        assert_eq!(fitting_beside(400, &[30_000, 1_600, 1], |n| *n), 2);
        assert_eq!(fitting_beside(401, &[30_000, 1_600, 1], |n| *n), 1);
        assert_eq!(fitting_beside(MAX_RESULT_BYTES, &[1], |n| *n), 1);
    }
}
