//! What a model thinks before it answers.

/// Whether a text is a mark of reasoning.
pub(crate) fn is_mark(_text: &str) -> bool {
    false
}
