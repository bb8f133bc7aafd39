//! The endpoints that browsers see. A new one is a file here that implements [`Endpoint`], and a line in `ALL`.

mod assets;
mod form;
mod home;
mod logout;
mod renew;
mod whoami;

use std::pin::Pin;

use http::header::ALLOW;
use http::{HeaderValue, StatusCode};

use crate::exchange::{Request, Response, html, text};
use crate::page::{Message, MessagePage};
use crate::site::Site;

/// An answer that may take a while.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// One thing that can be asked for, for the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// What it does.
    pub summary: &'static str,
}

/// Answers at one or more paths.
pub trait Endpoint: Send + Sync {
    /// What can be asked for.
    fn routes(&self) -> &'static [Route];

    /// Answers a request to one of the paths.
    fn answer<'a>(&'a self, site: &'a Site, request: &'a Request) -> Answer<'a>;
}

static ALL: [&dyn Endpoint; 6] = [
    &form::FormLogin,
    &logout::Logout,
    &renew::Renew,
    &whoami::Whoami,
    &home::Home,
    &assets::Assets,
];

/// Everything that can be asked for, in the order of the list above.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    ALL.iter().flat_map(|endpoint| endpoint.routes())
}

/// The endpoint at `path`.
pub(crate) fn at(path: &str) -> Option<&'static dyn Endpoint> {
    ALL.into_iter()
        .find(|endpoint| endpoint.routes().iter().any(|route| route.path == path))
}

/// There is nothing at this path.
pub(crate) fn not_found(site: &Site, request: &Request) -> Response {
    message(site, request, StatusCode::NOT_FOUND, Message::NotFound)
}

/// A page that says one thing, or for programs the status alone.
fn message(site: &Site, request: &Request, status: StatusCode, message: Message) -> Response {
    let settings = site.snapshots.settings.load();
    if !request.wants_page() {
        return text(status, "");
    }
    let page = MessagePage {
        language: request.language(),
        site: settings.site(),
        message,
        link: None,
    };
    html(status, page.render(), &settings)
}

/// The path is here, the method is not.
fn method_not_allowed(allowed: &'static str) -> Response {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "");
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
