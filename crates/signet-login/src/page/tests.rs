use proptest::prelude::*;

use super::*;

mod html;
mod sample;

use html::{Element, elements};
use sample::{login, logout, new_password, pages, session};

/// What tries to leave its place in a page.
const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' autofocus onfocus='alert(1)",
    "</title><style>*{color:red}</style>",
    "--><img src=x onerror=alert(1)>",
    "{{ csrf }} {% if true %}",
    "</p></form><form action=https://evil.example>",
];

/// Tags and attribute names, without their values.
fn structure(html: &str) -> Vec<(String, Vec<String>)> {
    let names = |element: &Element| {
        element
            .attributes
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    };
    elements(html)
        .iter()
        .map(|element| (element.name.clone(), names(element)))
        .collect()
}

fn find<'a>(elements: &'a [Element], name: &str) -> &'a Element {
    elements
        .iter()
        .find(|element| element.attribute("name") == Some(name))
        .unwrap_or_else(|| panic!("no field {name}"))
}

#[test]
fn no_value_changes_the_structure_of_a_page() {
    for language in Language::ALL {
        let harmless: Vec<_> = pages(language, "harmless")
            .iter()
            .map(|html| structure(html))
            .collect();
        for value in HOSTILE {
            for (html, expected) in pages(language, value).iter().zip(&harmless) {
                assert_eq!(&structure(html), expected, "{value}\n{html}");
                assert!(
                    !html.contains(value) || !value.contains(['<', '"', '\'']),
                    "{html}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_string_changes_the_structure_of_a_page(value in "[<>\"'&=/!a-z -]{1,40}|.{1,40}") {
        let harmless = pages(Language::English, "harmless");
        for (html, expected) in pages(Language::English, &value).iter().zip(&harmless) {
            prop_assert_eq!(structure(html), structure(expected));
        }
    }

    #[test]
    fn hidden_fields_come_back_as_they_went(value in any::<String>()) {
        let html = login(Language::English, LoginNotice::None, &value).render();
        let elements = elements(&html);
        for name in ["rd", "csrf", "username"] {
            prop_assert_eq!(find(&elements, name).attribute("value"), Some(value.as_str()));
        }
    }
}

#[test]
fn the_content_security_policy_holds_for_every_page() {
    for language in Language::ALL {
        for html in pages(language, "value") {
            for element in elements(&html) {
                assert_ne!(element.name, "style", "{html}");
                assert_ne!(element.name, "base", "{html}");
                for (name, value) in &element.attributes {
                    assert!(
                        name != "style" && !name.starts_with("on"),
                        "{name} in {html}"
                    );
                    if ["src", "href", "action"].contains(&name.as_str()) {
                        assert!(value.starts_with('/'), "{value} in {html}");
                    }
                }
                if element.name == "script" {
                    assert!(element.attribute("src").is_some(), "{html}");
                    assert_eq!(element.text, "", "{html}");
                }
            }
        }
    }
}

#[test]
fn no_link_leaves_the_web() {
    for value in [
        "javascript:alert(1)",
        "//evil.example",
        "/\\evil.example",
        "data:text/html,x",
    ] {
        for html in pages(Language::English, value) {
            for element in elements(&html).iter().filter(|element| element.name == "a") {
                let href = element.attribute("href").expect("an address");
                assert!(["/", "/logout"].contains(&href), "{href}");
            }
        }
    }
}

#[test]
fn every_page_names_its_language_and_has_a_title_and_one_heading() {
    for language in Language::ALL {
        for html in pages(language, "www.example.com") {
            let elements = elements(&html);
            assert!(html.starts_with("<!doctype html>"));
            assert_eq!(elements[0].name, "html");
            assert_eq!(elements[0].attribute("lang"), Some(language.tag()));
            let count = |name: &str| elements.iter().filter(|e| e.name == name).count();
            assert_eq!(
                (count("title"), count("h1"), count("main")),
                (1, 1, 1),
                "{html}"
            );
        }
    }
}

#[test]
fn ids_are_unique_and_every_reference_has_its_target() {
    for language in Language::ALL {
        for html in pages(language, "value") {
            let elements = elements(&html);
            let mut ids: Vec<_> = elements.iter().filter_map(|e| e.attribute("id")).collect();
            ids.sort_unstable();
            assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
            for element in &elements {
                for attribute in ["for", "aria-describedby", "aria-labelledby"] {
                    let targets = element
                        .attribute(attribute)
                        .unwrap_or("")
                        .split_whitespace();
                    for id in targets {
                        assert!(ids.contains(&id), "{attribute}={id} in {html}");
                    }
                }
                let is_seen =
                    element.name == "input" && element.attribute("type") != Some("hidden");
                if is_seen {
                    let id = element.attribute("id");
                    assert!(
                        elements
                            .iter()
                            .any(|e| e.name == "label" && e.attribute("for") == id)
                    );
                }
            }
        }
    }
}

#[test]
fn forms_have_all_their_fields() {
    let cases = [
        (
            login(Language::English, LoginNotice::None, "v").render(),
            "/login",
            &["csrf", "rd", "username", "password"][..],
        ),
        (
            new_password(Language::English, NewPasswordNotice::FirstTime, "v").render(),
            "/login",
            &[
                "csrf",
                "rd",
                "username",
                "password",
                "new_password",
                "new_password_again",
            ],
        ),
        (
            logout(Language::English, LogoutNotice::None, "v").render(),
            "/logout",
            &["csrf", "rd"],
        ),
    ];
    for (html, action, expected) in cases {
        let elements = elements(&html);
        let form = elements
            .iter()
            .find(|element| element.name == "form")
            .expect("a form");
        assert_eq!(form.attribute("method"), Some("post"));
        assert_eq!(form.attribute("action"), Some(action));
        let fields: Vec<_> = elements
            .iter()
            .filter(|e| e.name != "meta")
            .filter_map(|e| e.attribute("name"))
            .collect();
        assert_eq!(fields, expected);
        assert!(
            elements
                .iter()
                .any(|e| e.attribute("type") == Some("submit"))
        );
    }
}

#[test]
fn password_managers_find_their_way() {
    let html = new_password(Language::English, NewPasswordNotice::FirstTime, "v").render();
    let elements = elements(&html);
    let autocomplete = |name| find(&elements, name).attribute("autocomplete");
    assert_eq!(autocomplete("username"), Some("username"));
    assert_eq!(autocomplete("password"), Some("current-password"));
    assert_eq!(autocomplete("new_password"), Some("new-password"));
    assert_eq!(autocomplete("new_password_again"), Some("new-password"));
}

#[test]
fn the_first_empty_field_has_the_focus() {
    for (username, focused) in [("", "username"), ("alice", "password")] {
        let page = LoginPage {
            username,
            ..login(Language::English, LoginNotice::None, "v")
        };
        let html = page.render();
        let elements = elements(&html);
        let focus: Vec<_> = elements
            .iter()
            .filter(|element| element.attribute("autofocus").is_some())
            .collect();
        assert_eq!(focus.len(), 1);
        assert_eq!(focus[0].attribute("name"), Some(focused));
    }
}

#[test]
fn an_error_is_tied_to_its_fields() {
    let html = login(Language::English, LoginNotice::WrongCredentials, "v").render();
    let fields = elements(&html);
    for name in ["username", "password"] {
        assert_eq!(find(&fields, name).attribute("aria-invalid"), Some("true"));
        assert_eq!(
            find(&fields, name).attribute("aria-describedby"),
            Some("notice")
        );
    }
    let notice = fields
        .iter()
        .find(|e| e.attribute("id") == Some("notice"))
        .expect("a notice");
    assert_eq!(notice.attribute("role"), Some("alert"));

    let html = login(Language::English, LoginNotice::None, "v").render();
    assert!(!html.contains("aria-invalid") && !html.contains("notice"));
}

#[test]
fn a_password_is_never_filled_in_and_shown_only_by_script() {
    for html in pages(Language::English, "value") {
        for element in elements(&html) {
            if element.attribute("type") == Some("password") {
                assert_eq!(element.attribute("value"), None);
            }
            assert_ne!(element.attribute("type"), Some("button"));
        }
    }
}

#[test]
fn no_page_shows_a_placeholder_or_an_empty_text() {
    for language in Language::ALL {
        let texts = format!("{:?}", language.texts());
        assert!(!texts.contains("\"\""), "{texts}");
        for html in pages(language, "value") {
            assert!(!html.contains("{}"), "{html}");
        }
    }
}

#[test]
fn languages_agree_on_where_values_go() {
    let places = |language: Language| {
        let texts = format!("{:?}", language.texts());
        let fields = texts.split("\", ").map(|field| field.matches("{}").count());
        fields.collect::<Vec<_>>()
    };
    for language in Language::ALL {
        assert_eq!(places(language), places(Language::English), "{language:?}");
    }
}

#[test]
fn numbered_instances_look_different() {
    let hue = |name| {
        let html = SessionPage {
            answered_by: name,
            ..session(Language::English, TokenKind::Sealed, "v")
        }
        .render();
        let start = html.find("hue-").expect("a colour");
        html[start..start + 5].to_owned()
    };
    assert_ne!(hue("publish-1"), hue("publish-2"));
    assert_ne!(hue("publish-2"), hue("publish-3"));
    assert_eq!(hue("publish-2"), hue("publish-2"));
}
