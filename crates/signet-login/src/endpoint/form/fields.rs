//! The fields of the login form, under either set of names.

use secrecy::SecretString;

use crate::exchange::Form;

/// What was typed. A missing or doubled field is empty.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) username: String,
    pub(super) password: SecretString,
    /// There only when the page asked for it.
    pub(super) new_password: Option<SecretString>,
    pub(super) new_password_again: SecretString,
    pub(super) rd: String,
    pub(super) csrf: String,
    /// AEM's `j_validate`: answer with a status, lead nowhere.
    pub(super) validate: bool,
}

impl Fields {
    pub(super) fn read(form: Form<'_>, is_aem: bool) -> Self {
        let [username, password, rd] = if is_aem {
            ["j_username", "j_password", "resource"]
        } else {
            ["username", "password", "rd"]
        };
        let text = |name: &str| form.field(name).unwrap_or_default();
        Self {
            username: text(username).trim().to_owned(),
            password: text(password).into(),
            new_password: form.field("new_password").map(Into::into),
            new_password_again: text("new_password_again").into(),
            rd: text(rd),
            csrf: text("csrf"),
            validate: is_aem && text("j_validate") == "true",
        }
    }
}
