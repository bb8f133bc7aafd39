use super::Language;

/// What stands above a form, ready to be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Banner {
    pub(super) tone: Tone,
    pub(super) text: String,
}

impl Banner {
    pub(super) fn error(text: impl Into<String>) -> Self {
        Self {
            tone: Tone::Error,
            text: text.into(),
        }
    }

    pub(super) fn info(text: impl Into<String>) -> Self {
        Self {
            tone: Tone::Info,
            text: text.into(),
        }
    }

    pub(super) fn is_error(&self) -> bool {
        self.tone == Tone::Error
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Info,
    Error,
}

/// Puts `value` where `{}` stands in a text.
pub(super) fn fill(text: &str, value: &str) -> String {
    text.replacen("{}", value, 1)
}

/// A waiting time in words: seconds below two minutes, else minutes, rounded up.
pub(super) fn duration(language: Language, seconds: u64) -> String {
    let texts = language.texts();
    match seconds {
        0 | 1 => texts.one_second.to_owned(),
        2..120 => fill(texts.seconds, &seconds.to_string()),
        _ => fill(texts.minutes, &seconds.div_ceil(60).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let english = |seconds| duration(Language::English, seconds);
        assert_eq!(english(0), "1 second");
        assert_eq!(english(1), "1 second");
        assert_eq!(english(45), "45 seconds");
        assert_eq!(english(121), "3 minutes");
        assert_eq!(duration(Language::TraditionalChinese, 45), "45 秒");
        assert_eq!(english(u64::MAX), format!("{} minutes", u64::MAX / 60 + 1));
    }
}
