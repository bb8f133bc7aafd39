mod english;
mod simplified_chinese;
mod traditional_chinese;

pub(super) use english::ENGLISH;
pub(super) use simplified_chinese::SIMPLIFIED_CHINESE;
pub(super) use traditional_chinese::TRADITIONAL_CHINESE;

/// Every text of every page in one language: a missing one does not compile.
///
/// `{}` stands for the one value that a text takes.
#[derive(Debug)]
pub(super) struct Texts {
    // Everywhere
    pub(super) username: &'static str,
    pub(super) password: &'static str,
    pub(super) sign_in: &'static str,
    pub(super) sign_out: &'static str,
    pub(super) error: &'static str,
    pub(super) show: &'static str,
    pub(super) hide: &'static str,
    pub(super) show_password: &'static str,
    pub(super) hide_password: &'static str,
    pub(super) one_second: &'static str,
    pub(super) seconds: &'static str,
    pub(super) minutes: &'static str,

    // Login
    pub(super) sign_in_to: &'static str,
    pub(super) wrong_credentials: &'static str,
    pub(super) too_many_tries: &'static str,
    pub(super) session_ended: &'static str,
    pub(super) signed_out_notice: &'static str,
    pub(super) form_expired: &'static str,
    pub(super) token_too_large: &'static str,
    pub(super) unavailable: &'static str,

    // New password
    pub(super) choose_new_password: &'static str,
    pub(super) first_time: &'static str,
    pub(super) current_password: &'static str,
    pub(super) new_password: &'static str,
    pub(super) new_password_again: &'static str,
    pub(super) at_least: &'static str,
    pub(super) too_short: &'static str,
    pub(super) repeated_differently: &'static str,
    pub(super) same_as_old: &'static str,
    pub(super) wrong_current_password: &'static str,
    pub(super) save_and_sign_in: &'static str,

    // Logout
    pub(super) sign_out_of: &'static str,
    pub(super) signed_in_as: &'static str,
    pub(super) sign_out_means: &'static str,
    pub(super) stay_signed_in: &'static str,
    pub(super) logout_form_expired: &'static str,
    pub(super) logout_unavailable: &'static str,

    // Session
    pub(super) your_session: &'static str,
    pub(super) answered_by: &'static str,
    pub(super) reload_hint: &'static str,
    pub(super) reload: &'static str,
    pub(super) who_you_are: &'static str,
    pub(super) name: &'static str,
    pub(super) mail: &'static str,
    pub(super) groups: &'static str,
    pub(super) none: &'static str,
    pub(super) how_recognised: &'static str,
    pub(super) passed: &'static str,
    pub(super) failed: &'static str,
    pub(super) step_mac: &'static str,
    pub(super) step_claims: &'static str,
    pub(super) step_origin: &'static str,
    pub(super) step_time: &'static str,
    pub(super) step_user: &'static str,
    pub(super) step_outside_user: &'static str,
    pub(super) step_generation: &'static str,
    pub(super) step_mark: &'static str,
    pub(super) step_stored: &'static str,
    pub(super) your_token: &'static str,
    pub(super) kind: &'static str,
    pub(super) sealed: &'static str,
    pub(super) sealed_means: &'static str,
    pub(super) signed: &'static str,
    pub(super) signed_means: &'static str,
    pub(super) repository: &'static str,
    pub(super) repository_means: &'static str,
    pub(super) signed_in_at: &'static str,
    pub(super) token_valid_until: &'static str,
    pub(super) session_ends_at: &'static str,

    // Messages
    pub(super) signed_out: &'static str,
    pub(super) signed_out_text: &'static str,
    pub(super) forbidden: &'static str,
    pub(super) forbidden_text: &'static str,
    pub(super) not_found: &'static str,
    pub(super) not_found_text: &'static str,
    pub(super) bad_request: &'static str,
    pub(super) bad_request_text: &'static str,
    pub(super) internal: &'static str,
    pub(super) internal_text: &'static str,
    pub(super) unavailable_title: &'static str,
    pub(super) unavailable_text: &'static str,
    pub(super) too_many_requests: &'static str,
    pub(super) too_many_requests_text: &'static str,
    pub(super) sign_in_as_other: &'static str,
    pub(super) continue_to_site: &'static str,
    pub(super) try_again: &'static str,
}
