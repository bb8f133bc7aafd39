//! Rust source as far as the rules need it: code without comments, literals and tests.

/// The text with comments and literals blanked; lines and columns stay where they are.
pub(crate) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end > at {
            code.extend(
                chars[at..end]
                    .iter()
                    .map(|c| if *c == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        } else {
            code.push(chars[at]);
            at += 1;
        }
    }
    code
}

/// Everything above a trailing `#[cfg(test)] mod tests { … }`.
pub(crate) fn without_tests(code: &str) -> &str {
    let mut offset = 0;
    let mut attribute = None;
    for line in code.split_inclusive('\n') {
        let trimmed = line.trim();
        match attribute {
            Some(start) if trimmed.starts_with("mod ") && trimmed.ends_with('{') => {
                return &code[..start];
            }
            _ if line.starts_with("#[cfg(test)]") => attribute = Some(offset),
            Some(_) if trimmed.is_empty() || trimmed.starts_with("#[") => {}
            _ => attribute = None,
        }
        offset += line.len();
    }
    code
}

/// Whether a file holds nothing but tests, by its place.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/benches/")
}

/// Every place of `word` in `text` that is not part of a longer word, as a byte offset.
pub(crate) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word)
        .map(|(start, _)| start)
        .filter(move |start| {
            let before = text[..*start].chars().next_back();
            let after = text[start + word.len()..].chars().next();
            let open = |edge: Option<char>, neighbour: Option<char>| {
                !(edge.is_some_and(is_word) && neighbour.is_some_and(is_word))
            };
            open(word.chars().next(), before) && open(word.chars().next_back(), after)
        })
}

/// The line of a byte offset, counted from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The end of the comment or literal that starts at `at`, or `at` where none does.
fn literal_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match (chars[at], next) {
        ('/', Some('/')) => find(chars, at, |rest| rest[0] == '\n'),
        ('/', Some('*')) => block_comment_end(chars, at),
        ('"', _) => quoted_end(chars, at, '"'),
        ('\'', Some('\\')) => quoted_end(chars, at, '\''),
        ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => at + 3,
        ('r', Some('"' | '#')) if starts_literal(chars, at) => raw_end(chars, at),
        _ => at,
    }
}

fn starts_literal(chars: &[char], at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n).map(|index| chars[index]);
    match before(1) {
        Some('b' | 'c') => !before(2).is_some_and(is_word),
        other => !other.is_some_and(is_word),
    }
}

fn raw_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return at;
    }
    let body = at + 2 + hashes;
    let close = find(chars, body, |rest| {
        rest[0] == '"' && rest[1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    });
    (close + 1 + hashes).min(chars.len())
}

fn quoted_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut index = at + 1;
    while index < chars.len() && chars[index] != quote {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    (index + 1).min(chars.len())
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut index = at;
    while index < chars.len() {
        match (chars[index], chars.get(index + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                index += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                index += 2;
            }
            _ => index += 1,
        }
        if depth == 0 {
            break;
        }
    }
    index.min(chars.len())
}

fn find(chars: &[char], from: usize, found: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len())
        .find(|index| found(&chars[*index..]))
        .unwrap_or(chars.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_in_place() {
        let text = "let a = \"x\\\"y\"; // std::fs\nlet b = r#\"q\"q\"#; /* a /* b */ c */ end";
        let code = code_only(text);
        assert_eq!(code.chars().count(), text.chars().count());
        assert_eq!(
            code.replace(' ', ""),
            "leta=;\nletb=r;end".replace("=r;", "=;")
        );
    }

    #[test]
    fn a_lifetime_is_no_literal() {
        assert_eq!(
            code_only("fn f<'a>(x: &'a str, c: char) { c == '\\'' || c == '\"' }").trim(),
            { "fn f<'a>(x: &'a str, c: char) { c ==      || c ==     }" }
        );
    }

    #[test]
    fn trailing_tests_are_cut() {
        let code =
            "fn a() {}\n\n#[cfg(test)]\nuse b;\n\n#[cfg(test)]\nmod tests {\n fn x() {}\n}\n";
        assert_eq!(without_tests(code), "fn a() {}\n\n#[cfg(test)]\nuse b;\n\n");
        assert_eq!(
            without_tests("#[cfg(test)]\nmod tests;\n"),
            "#[cfg(test)]\nmod tests;\n"
        );
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(
            words("tokio_x tokio::y xtokio", "tokio").collect::<Vec<_>>(),
            [8]
        );
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
