//! Signet: a sealed token in the cookie, decided by `/auth/request`.

use std::path::Path;

use anyhow::Result;

use super::{Side, check};
use crate::bench::Lane;
use crate::bench::http::Request;
use crate::bench::instance::{Instance, Place};

pub(super) fn start(lane: &Lane<'_>, instance: &Instance, scratch: &Path) -> Result<Side> {
    let token = instance.token("user-0000042")?;
    let process = instance.start(Place::Core(lane.cores.server), scratch)?;
    let request = Request::get(instance.port(), "/auth/request")
        .header("Cookie", format!("login-token={token}"));
    check(&request, &token)?;
    Ok(Side {
        name: "signet",
        request,
        process,
    })
}
