//! The keys of a real installation moved out of the repository into files: the fifteen steps, the way back, and what goes wrong.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

use crate::stage::PASSWORD;
use crate::stage::said::Said;
use crate::stage::sling::{CRYPTO_FILE, Keys, Sling, USER};
use crate::stage::wait::until;

fn program(sling: &Sling, password: &str, words: &[&str]) -> Command {
    let credentials = sling.scratch().join("credentials");
    fs::write(&credentials, format!("{USER}:{password}\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
    command
        .args(["aem", "relocate"])
        .arg(sling.folder())
        .args(words)
        .arg("--credentials")
        .arg(credentials)
        .current_dir(sling.scratch())
        .stdin(Stdio::null());
    command
}

fn run(mut command: Command) -> Said {
    Said::of(command.output().unwrap())
}

/// `signet aem relocate DIR WORDS…`, as an administrator of the instance.
fn relocate(sling: &Sling, words: &[&str]) -> Said {
    run(program(sling, PASSWORD, words))
}

/// The same by somebody whom the instance knows under another password.
fn relocate_as(sling: &Sling, password: &str, words: &[&str]) -> Said {
    run(program(sling, password, words))
}

/// A text that the instance protected opens with this master.
#[track_caller]
fn opens(sling: &Sling, protected: &str, master: &[u8]) {
    let file = sling.scratch().join("master");
    fs::write(&file, master).unwrap();
    let value = sling.scratch().join("value");
    fs::write(&value, protected).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
    command.args(["aem", "unprotect", "--master"]);
    command.arg(file).arg(value).stdin(Stdio::null());
    assert_eq!(run(command).done().stdout, "a secret\n");
}

/// What is in the three files that count.
fn files(sling: &Sling) -> [Option<Vec<u8>>; 3] {
    [
        Some(sling.storage()),
        fs::read(sling.key_file("hmac")).ok(),
        fs::read(sling.key_file("master")).ok(),
    ]
}

/// Both keys as the repository has them.
fn repository(sling: &Sling) -> [Option<Vec<u8>>; 2] {
    ["hmac", "master"].map(|name| sling.key_in_repository(name))
}

fn in_files(keys: &[Option<Vec<u8>>; 2]) -> [Option<Vec<u8>>; 3] {
    let [hmac, master] = keys.clone();
    [Some(b"Bundle".to_vec()), hmac, master]
}

fn backup(sling: &Sling) -> String {
    let backup = sling.folder().join("signet-relocation");
    backup.to_str().unwrap().to_owned()
}

/// A command for `--stop` or `--start`, which the test then carries out itself.
fn signal(path: &Path) -> String {
    format!("touch '{}'", path.display())
}

#[test]
fn fifteen_steps_are_one_command() {
    let mut sling = Sling::start(Keys::Repository);
    let keys = repository(&sling);
    let master = keys[1].clone().unwrap();
    let protected = sling.protect("a secret");
    let token = sling.csrf_token();

    let (stop, start) = (sling.scratch().join("stop"), sling.scratch().join("start"));
    let (stopping, starting) = (signal(&stop), signal(&start));
    let url = sling.url();
    let words = [
        "--from-url",
        &url,
        "--stop",
        &stopping,
        "--start",
        &starting,
        "--finish",
        "--yes",
    ];
    let command = program(&sling, PASSWORD, &words);
    let running = thread::spawn(move || run(command));
    until("--stop", || stop.exists().then_some(()));
    sling.stop();
    until("--start", || start.exists().then_some(()));
    sling.start_again();
    let said = running.join().unwrap().done();
    for number in 1..=15 {
        let line = format!("{number:>2}  ");
        assert!(
            said.stdout.lines().any(|text| text.starts_with(&line)),
            "{number}: {said:#?}"
        );
    }
    let said = said.says("the keys are in files, and no longer in the repository");
    said.says("a text that AEM protected opens with");

    assert_eq!(files(&sling), in_files(&keys));
    assert_eq!(repository(&sling), [None, None]);
    assert!(sling.accepts(&token));
    opens(&sling, &protected, &master);
    opens(&sling, &sling.protect("a secret"), &master);
    sling.stop();
    sling.start_again();
    assert!(sling.accepts(&token));
    opens(&sling, &sling.protect("a secret"), &master);

    // All of it back again, the repository first.
    relocate(&sling, &["--undo", &backup(&sling)]).failed("AEM runs, as process");
    assert_eq!(repository(&sling), keys);
    sling.stop();
    relocate(&sling, &["--undo", &backup(&sling)])
        .done()
        .says("Everything is as it was before");
    assert_eq!(files(&sling), [Some(b"JCR".to_vec()), None, None]);
    sling.start_again();
    assert_eq!(repository(&sling), keys);
    opens(&sling, &sling.protect("a secret"), &master);
    assert!(sling.accepts(&token));
}

#[test]
fn each_part_waits_for_the_one_before_it() {
    let mut sling = Sling::start(Keys::Repository);
    let keys = repository(&sling);
    let url = sling.url();
    let shown = relocate(&sling, &["--from-url", &url, "--dry-run"]).done();
    shown.says("Nothing was changed");
    relocate(&sling, &["--from-url", &url, "--rehearse"])
        .done()
        .says("It goes well, and back again");
    assert_eq!(files(&sling), [Some(b"JCR".to_vec()), None, None]);

    // Nobody is at a terminal, so it ends where AEM must be stopped.
    let said = relocate(&sling, &["--from-url", &url]);
    let said = said.failed("and must be stopped; nothing was changed yet");
    assert!(
        said.stderr
            .contains("hint: stop AEM, then run: signet aem relocate")
    );
    assert_eq!(files(&sling), [Some(b"JCR".to_vec()), None, None]);
    relocate(&sling, &["--finish", "--yes"]).failed("and must be stopped");
    sling.stop();
    relocate(&sling, &[]).done().says("--finish");
    assert_eq!(files(&sling), in_files(&keys));

    sling.start_again();
    // Somebody writes another key there meanwhile.
    let foreign = [0xa5; 32];
    sling.put_keys_in_repository(&foreign, keys[1].as_ref().unwrap());
    relocate(&sling, &["--finish", "--yes"]).failed("hmac under /etc/key");
    let [hmac, master] = keys.clone().map(Option::unwrap);
    sling.put_keys_in_repository(&hmac, &master);
    relocate(&sling, &["--finish"]).failed("there is nobody to ask");
    assert_eq!(repository(&sling), keys);
    relocate(&sling, &["--finish", "--yes"]).done().says("Done");
    assert_eq!(repository(&sling), [None, None]);
    let again = relocate(&sling, &["--from-url", &url]).done();
    again.says("There is nothing to do");
}

#[test]
fn an_instance_that_was_not_restarted_keeps_its_properties() {
    let mut sling = Sling::start(Keys::Repository);
    let keys = repository(&sling);
    let [hmac, master] = keys.clone().map(Option::unwrap);
    sling.stop();
    let paths = ["fetched-hmac", "fetched-master"].map(|name| sling.scratch().join(name));
    fs::write(&paths[0], hmac).unwrap();
    fs::write(&paths[1], master).unwrap();
    let words = paths.map(|path| path.to_str().unwrap().to_owned());
    relocate(&sling, &["--hmac", &words[0], "--master", &words[1]]).done();

    // As if somebody had started AEM in between: the journal says that the switch came later.
    sling.start_again();
    let journal = sling.folder().join("signet-relocation/journal.json");
    let text = fs::read_to_string(&journal).unwrap();
    let mut later: Value = serde_json::from_str(&text).unwrap();
    later["switched"]["hundredths"] = u32::MAX.into();
    fs::write(&journal, later.to_string()).unwrap();
    let url = sling.url();
    let finish = ["--finish", "--yes", "--url", &url];
    relocate(&sling, &finish).failed("it still runs on the old place");
    assert_eq!(repository(&sling), keys);
    fs::write(&journal, text).unwrap();
    relocate(&sling, &finish).done();
    assert_eq!(repository(&sling), [None, None]);
}

#[test]
fn files_in_the_repository_are_moved_and_come_back_as_files() {
    let mut sling = Sling::start(Keys::Repository);
    let keys = repository(&sling);
    let [hmac, master] = keys.clone().map(Option::unwrap);
    sling.put_key_files_in_repository(&hmac, &master);
    let url = sling.url();
    relocate(&sling, &["--from-url", &url]).failed("must be stopped");
    sling.stop();
    relocate(&sling, &[]).done();
    assert_eq!(files(&sling), in_files(&keys));
    sling.start_again();
    relocate(&sling, &["--finish", "--yes"]).done();
    assert_eq!(repository(&sling), [None, None]);
    relocate(&sling, &["--undo", &backup(&sling)]).failed("AEM runs");
    assert_eq!(repository(&sling), keys);
    let data = sling.json("/etc/key/hmac.2.json");
    assert_eq!(data["jcr:primaryType"], "nt:file");
}

#[test]
fn a_wrong_instance_or_a_wrong_user_changes_nothing() {
    let sling = Sling::start(Keys::Repository);
    let other = Sling::start(Keys::Files);
    let (url, others) = (sling.url(), other.url());
    relocate(&sling, &["--from-url", &others]).failed("does not run on this folder");
    relocate_as(&sling, "wrong", &["--from-url", &url])
        .failed("the instance does not accept the credentials");
    relocate(&sling, &["--from-url", "http://127.0.0.1:1"]).failed("there is no answer");
    // A key that is none.
    let [hmac, master] = repository(&sling).map(Option::unwrap);
    sling.put_keys_in_repository(
        b"<html><form action='/j_security_check'></form></html> login",
        &master,
    );
    relocate(&sling, &["--from-url", &url]).failed("hmac could not be had");
    sling.put_keys_in_repository(&hmac, &[0xa5; 16]);
    relocate(&sling, &["--from-url", &url]).failed("protects secrets with another master");
    sling.remove_keys_from_repository();
    relocate(&sling, &["--from-url", &url]).failed("holds no hmac");
    assert_eq!(files(&sling), [Some(b"JCR".to_vec()), None, None]);
    assert!(!Path::new(&backup(&sling)).exists());
    // Keys in files are no case for this command.
    relocate(&other, &["--from-url", &others])
        .done()
        .says("There is nothing to do");
}

#[test]
fn the_newline_of_an_editor_is_mended() {
    let mut sling = Sling::start(Keys::Repository);
    let keys = repository(&sling);
    let [hmac, master] = keys.clone().map(Option::unwrap);
    let protected = sling.protect("a secret");
    sling.stop();
    // What the article warns of: the files are right, and storage was edited.
    sling.put_keys_in_files(&hmac, &master);
    sling.set_storage(b"Bundle\n");
    sling.start_again();
    let url = sling.url();
    relocate(&sling, &["--from-url", &url]).failed("must be stopped");
    sling.stop();
    relocate(&sling, &[]).done();
    assert_eq!(files(&sling), in_files(&keys));
    sling.start_again();
    relocate(&sling, &["--finish", "--yes"]).done();
    opens(&sling, &protected, &master);
    opens(&sling, &sling.protect("a secret"), &master);
    assert!(sling.data(CRYPTO_FILE).join("hmac").is_file());
}

#[test]
fn a_move_made_by_hand_is_finished_where_aem_is_shown_to_run_on_it() {
    let mut sling = Sling::start(Keys::Repository);
    let keys = repository(&sling);
    let [hmac, master] = keys.clone().map(Option::unwrap);
    let url = sling.url();
    let finish = ["--finish", "--yes", "--url", &url];
    sling.stop();
    sling.put_keys_in_files(&hmac, &master);
    sling.set_storage(b"Bundle");
    relocate(&sling, &finish).failed("no process can be seen that runs AEM");
    sling.start_again();
    sling.put_keys_in_repository(&[0xa5; 32], &master);
    relocate(&sling, &finish).failed("hmac under /etc/key");
    sling.put_keys_in_repository(&hmac, &master);
    // Written again since AEM was started.
    sling.set_storage(b"Bundle");
    relocate(&sling, &finish).failed("so nothing shows that AEM runs on it");
    assert_eq!(repository(&sling), keys);
    assert!(!Path::new(&backup(&sling)).exists());

    sling.stop();
    sling.start_again();
    relocate(&sling, &finish)
        .done()
        .says("the keys are in files, and no longer in the repository");
    assert_eq!(repository(&sling), [None, None]);
    assert_eq!(files(&sling), in_files(&keys));
    opens(&sling, &sling.protect("a secret"), &master);
    relocate(&sling, &["--undo", &backup(&sling)]).failed("AEM runs");
    assert_eq!(repository(&sling), keys);
}
