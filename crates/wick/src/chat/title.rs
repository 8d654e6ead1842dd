//! A chat's first title, made from its first message.

/// Longest title in characters: what fits the sidebar.
const MAX_CHARS: usize = 60;

/// The first line that says something, without markdown marks, cut at a word.
pub fn title_from(text: &str) -> String {
    let line = text
        .lines()
        .map(|line| line.trim_matches(|c: char| c.is_whitespace() || "#>*`-_".contains(c)))
        .find(|line| line.chars().any(char::is_alphanumeric))
        .unwrap_or_else(|| text.trim());
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_CHARS {
        return line;
    }
    let cut: String = line.chars().take(MAX_CHARS).collect();
    let at_word = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    // A single very long word (a link, a language without spaces) is cut where it is.
    let kept = match at_word.chars().count() * 2 < MAX_CHARS {
        true => cut.as_str(),
        false => at_word,
    };
    format!("{}…", kept.trim_end_matches([',', '.', ';', ':', ' ']))
}

#[cfg(test)]
mod tests {
    use super::title_from;

    #[test]
    fn a_title_is_the_first_line_that_says_something() {
        for (text, title) in [
            (
                "What is the capital of France?",
                "What is the capital of France?",
            ),
            ("\n\n## Plan\nmore", "Plan"),
            ("```\nfn main() {}\n```", "fn main() {}"),
            ("  two\t words ", "two words"),
            ("???", "???"),
        ] {
            assert_eq!(title_from(text), title);
        }
    }

    #[test]
    fn a_long_title_is_cut_at_a_word_and_never_inside_a_character() {
        let long = "Summarise the lease, clause by clause, and tell me what I should worry about";
        assert_eq!(
            title_from(long),
            "Summarise the lease, clause by clause, and tell me what I…"
        );
        assert_eq!(title_from(&"é".repeat(100)), format!("{}…", "é".repeat(60)));
    }
}
