/// The `Content-Security-Policy` under which every page works, scripts and styles included.
///
/// Browsers apply `form-action` to the redirect that follows a form, too.
/// Where a login may lead to another origin, take [`content_security_policy`] with those origins.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; \
    script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same policy, with further origins to which a form's answer may redirect,
/// each as `scheme://host[:port]`.
///
/// What is not such an origin is left out, so that no value can add a directive.
#[must_use]
pub fn content_security_policy<'a>(redirect_origins: impl IntoIterator<Item = &'a str>) -> String {
    let mut form_action = String::from("form-action 'self'");
    for origin in redirect_origins
        .into_iter()
        .filter(|origin| is_origin(origin))
    {
        form_action.push(' ');
        form_action.push_str(origin);
    }
    CONTENT_SECURITY_POLICY.replacen("form-action 'self'", &form_action, 1)
}

fn is_origin(text: &str) -> bool {
    let authority = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    authority.is_some_and(|authority| {
        authority.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
            && authority
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_origins_to_form_action_only() {
        let policy = content_security_policy(["https://app.example.com", "http://[::1]:8080"]);
        assert!(
            policy.contains("form-action 'self' https://app.example.com http://[::1]:8080; base")
        );
        assert_eq!(content_security_policy([]), CONTENT_SECURITY_POLICY);
    }

    #[test]
    fn leaves_out_what_is_no_origin() {
        let hostile = [
            "*",
            "https:",
            "https://*",
            "https://a; script-src *",
            "https://a/b",
            "https://a b",
            "javascript:alert(1)",
            "https://a@b",
            "https://例",
            "",
        ];
        assert_eq!(content_security_policy(hostile), CONTENT_SECURITY_POLICY);
    }
}
