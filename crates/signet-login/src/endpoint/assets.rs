//! The files that the pages link to.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode};

use super::{Answer, Endpoint, Route, method_not_allowed, not_found};
use crate::exchange::{Request, Response};
use crate::page::{Asset, asset};
use crate::site::Site;

/// Style sheet, script and mark.
pub(super) struct Assets;

impl Endpoint for Assets {
    fn routes(&self) -> &'static [Route] {
        &[
            Route {
                method: "GET",
                path: "/login/style.css",
                summary: "the style sheet of the pages",
            },
            Route {
                method: "GET",
                path: "/login/page.js",
                summary: "the script of the pages, which work without it",
            },
            Route {
                method: "GET",
                path: "/login/mark.svg",
                summary: "the mark of the pages",
            },
        ]
    }

    fn answer<'a>(&'a self, site: &'a Site, request: &'a Request) -> Answer<'a> {
        Box::pin(async move {
            if !matches!(request.method, Method::GET | Method::HEAD) {
                return method_not_allowed("GET, HEAD");
            }
            match asset(request.uri.path()) {
                Some(asset) => serve(&asset, request),
                None => not_found(site, request),
            }
        })
    }
}

fn serve(asset: &Asset, request: &Request) -> Response {
    let mut response = Response::default();
    let headers = response.headers_mut();
    let cache_control = asset.cache_control(request.uri.query());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    headers.insert(ETAG, HeaderValue::from_static(asset.etag));
    let fresh = request
        .headers
        .get(IF_NONE_MATCH)
        .is_some_and(|tag| tag == asset.etag);
    if fresh {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    *response.body_mut() = Bytes::from_static(asset.bytes);
    response
}
