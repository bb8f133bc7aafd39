//! Caddy protects a site, with the files of `examples/caddy` as they are.

use crate::stage::echo::Echo;
use crate::stage::example::Example;
use crate::stage::gatekeeper::ProtectedSite;
use crate::stage::http::Request;
use crate::stage::ports::Ports;
use crate::stage::program::{self, Program};
use crate::stage::signet::Data;
use crate::stage::wait::until;

const SITE: u16 = 8093;
const SIGNET: u16 = 8094;
const APP: u16 = 8095;
const ADMIN: u16 = 9094;

const RENEW_AT_ONCE: (&str, &str) = ("renewal_interval = \"5m\"", "renewal_interval = \"0s\"");

/// The example, with changes to its `signet.toml`.
fn site(changes: &[(&str, &str)]) -> ProtectedSite {
    let example = Example::new("caddy");
    let ports = Ports::hold("caddy", &[SITE, SIGNET, APP, ADMIN]);
    let app = Echo::start(APP);
    let signet = Data::new(&example.config(changes)).serve(SIGNET, &[]);
    let mut site = ProtectedSite {
        proxy: start(&example),
        signet,
        app,
        port: SITE,
        _example: example,
        _ports: ports,
    };
    until("caddy", || {
        site.proxy.assert_running();
        let answer = Request::get("/public/").send(SITE).ok()?;
        (answer.status == 200).then_some(())
    });
    site.add_users();
    site
}

fn start(example: &Example) -> Program {
    let home = example.directory("caddy");
    let mut command = program::command("caddy", "caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(example.file("Caddyfile"));
    for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(variable, &home);
    }
    Program::start("caddy", command, &home.join("caddy.log"))
}

#[test]
fn users_pass_and_strangers_do_not() {
    let site = site(&[]);
    site.check_that_a_login_leads_back_and_a_logout_ends_it();
    site.check_that_strangers_are_led_to_the_login_or_told_401();
    let (alice, bob) = (site.session("alice"), site.session("bob"));
    site.check_that_only_administrators_see_administration(&alice, &bob);
    site.check_that_twisted_paths_lead_nowhere(&bob);
    site.check_that_other_doors_are_closed(&bob);
}

#[test]
fn the_site_hears_what_caddy_knows() {
    let site = site(&[]);
    let bob = site.session("bob");
    site.check_that_nobody_introduces_themselves(&bob);
    site.check_that_own_cookies_stay_outside(&bob);
    site.check_that_clients_do_not_speak_for_proxies(&bob);
    site.check_that_methods_and_bodies_pass(&bob);
    site.check_that_upgrades_pass(&bob);
}

// P6
#[test]
fn renewals_reach_the_browser_and_no_cache() {
    let site = site(&[RENEW_AT_ONCE]);
    let (alice, bob) = (site.session("alice"), site.session("bob"));
    site.check_that_a_renewal_reaches_the_browser_and_no_cache(&bob, "/page");
    let other = Request::script("/page").cookie(&alice).to(SITE);
    assert_eq!(other.all("set-cookie"), [""; 0]);
}

#[test]
fn without_signet_nobody_passes() {
    let mut site = site(&[]);
    let alice = site.session("alice");
    site.check_that_nobody_passes_without_signet(&alice);
}

#[test]
fn what_is_no_verdict_lets_nobody_pass() {
    let mut site = site(&[]);
    let alice = site.session("alice");
    site.check_that_nobody_passes_by_what_is_no_verdict(&alice);
}
