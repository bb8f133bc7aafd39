//! nginx protects a site, with the files of `examples/nginx` as they are.

use std::fs;
use std::path::Path;

use crate::stage::echo::{Echo, Heard};
use crate::stage::example::Example;
use crate::stage::gatekeeper::ProtectedSite;
use crate::stage::http::Request;
use crate::stage::ports::Ports;
use crate::stage::program::{self, Program};
use crate::stage::signet::Data;
use crate::stage::wait::until;

const SITE: u16 = 8090;
const SIGNET: u16 = 8091;
const APP: u16 = 8092;
const ADMIN: u16 = 9091;

const RENEW_AT_ONCE: (&str, &str) = ("renewal_interval = \"5m\"", "renewal_interval = \"0s\"");

/// The example, with changes to its `signet.toml` and with another nginx.conf if a test needs one.
fn site(changes: &[(&str, &str)], alter: Option<fn(&str) -> String>) -> ProtectedSite {
    let example = Example::new("nginx");
    let ports = Ports::hold("nginx", &[SITE, SIGNET, APP, ADMIN]);
    let app = Echo::start(APP);
    let signet = Data::new(&example.config(changes)).serve(SIGNET, &[]);
    let config = match alter {
        None => example.file("nginx.conf"),
        Some(alter) => {
            let config = example.copy().join("nginx.conf");
            let text = example.text("nginx.conf");
            let altered = alter(&text);
            assert_ne!(altered, text);
            fs::write(&config, altered).unwrap();
            config
        }
    };
    let mut site = ProtectedSite {
        proxy: start(&example, &config),
        signet,
        app,
        port: SITE,
        _example: example,
        _ports: ports,
    };
    until("nginx", || {
        site.proxy.assert_running();
        let answer = Request::get("/public/").send(SITE).ok()?;
        (answer.status == 200).then_some(())
    });
    site.add_users();
    site
}

fn start(example: &Example, config: &Path) -> Program {
    let prefix = example.directory("nginx");
    let mut command = program::command("nginx", "nginx");
    command.arg("-p").arg(&prefix).arg("-c").arg(config);
    command.args(["-g", "daemon off;"]);
    Program::start("nginx", command, &prefix.join("error.log"))
}

#[test]
fn users_pass_and_strangers_do_not() {
    let site = site(&[], None);
    site.check_that_a_login_leads_back_and_a_logout_ends_it();
    site.check_that_strangers_are_led_to_the_login_or_told_401();
    let (alice, bob) = (site.session("alice"), site.session("bob"));
    site.check_that_only_administrators_see_administration(&alice, &bob);
    site.check_that_twisted_paths_lead_nowhere(&bob);
    site.check_that_other_doors_are_closed(&bob);
    let inner = Request::page("/.signet/verdict").cookie(&bob).to(SITE);
    assert_eq!(inner.status, 404, "{inner:?}");
}

#[test]
fn the_site_hears_what_nginx_knows() {
    let site = site(&[], None);
    let bob = site.session("bob");
    site.check_that_nobody_introduces_themselves(&bob);
    site.check_that_own_cookies_stay_outside(&bob);
    site.check_that_clients_do_not_speak_for_proxies(&bob);
    site.check_that_methods_and_bodies_pass(&bob);
    site.check_that_upgrades_pass(&bob);
}

// P2: the snippets must not depend on what nginx drops by itself.
#[test]
fn the_site_hears_no_more_where_nginx_lets_underscores_in() {
    let site = site(
        &[],
        Some(|config| {
            config.replace(
                "include signet/http.conf;",
                "include signet/http.conf; underscores_in_headers on;",
            )
        }),
    );
    let odd = Request::get("/public/").header("some_odd_header", "here");
    let heard = Heard::from(&odd.to(SITE));
    assert_eq!(heard.all("some_odd_header"), ["here"]);
    site.check_that_nobody_introduces_themselves(&site.session("bob"));
}

// P2: headers with a dot cannot be dropped one by one, so nginx must not start where it was told to let them in.
#[test]
fn nginx_does_not_start_where_every_header_is_let_in() {
    let example = Example::new("nginx");
    let copy = example.copy();
    for include in ["include signet/http.conf;", "include signet/server.conf;"] {
        let config = copy.join("nginx.conf");
        let altered = format!("{include} ignore_invalid_headers off;");
        fs::write(
            &config,
            example.text("nginx.conf").replace(include, &altered),
        )
        .unwrap();
        let mut command = program::command("nginx", "nginx");
        command.arg("-t").arg("-p").arg(example.directory("nginx"));
        let output = command.arg("-c").arg(&config).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{said}");
        assert!(
            said.contains("\"ignore_invalid_headers\" directive is duplicate"),
            "{said}"
        );
    }
}

// P6
#[test]
fn renewals_reach_the_browser_and_no_cache() {
    let site = site(&[RENEW_AT_ONCE], None);
    let (alice, bob) = (site.session("alice"), site.session("bob"));
    let renewed = site.check_that_a_renewal_reaches_the_browser_and_no_cache(&bob, "/page");

    // nginx keeps this page for all, and only this page.
    let before = site.app.asked();
    let first = Request::page("/assets/style.css").cookie(&renewed).to(SITE);
    assert_eq!(first.header("x-cache"), Some("MISS"), "{first:?}");
    site.check_that_a_renewal_reaches_the_browser_and_no_cache(&renewed, "/assets/style.css");
    let stranger = Request::script("/assets/style.css").cookie(&alice).to(SITE);
    assert_eq!(stranger.header("x-cache"), Some("HIT"), "{stranger:?}");
    assert_eq!(stranger.all("set-cookie"), [""; 0]);
    assert_eq!(site.app.asked(), before + 1);
    let nobody = Request::script("/assets/style.css").to(SITE);
    assert_eq!(nobody.status, 401, "{nobody:?}");
}

#[test]
fn without_signet_nobody_passes() {
    let mut site = site(&[], None);
    let alice = site.session("alice");
    site.check_that_nobody_passes_without_signet(&alice);
}

#[test]
fn what_is_no_verdict_lets_nobody_pass() {
    let mut site = site(&[], None);
    let alice = site.session("alice");
    site.check_that_nobody_passes_by_what_is_no_verdict(&alice);
}
