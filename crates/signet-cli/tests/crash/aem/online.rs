//! Keys moved out of the repository of an instance that runs, removed there, and put back; and a rehearsal of it.
//!
//! The program is killed at every step by which it changes a file, and at every request by which it changes the repository,
//! before and after that is carried out; and the instance dies or fails at every request.

mod play;
mod scene;

use std::fs;
use std::path::{Path, PathBuf};

use self::play::Play;
use self::scene::{FOLDER, Scene};
use super::played::Shape;
use super::quickstart::Quickstart;
use crate::left::left_in;

const BACKUP: &str = "crx-quickstart/signet-relocation";

/// What all of them begin with, and how an administrator is known.
fn words(more: &[&str]) -> Vec<String> {
    let begin = ["aem", "relocate", FOLDER, "--credentials", "credentials"];
    let words = begin.iter().chain(more);
    words.map(|word| (*word).to_owned()).collect()
}

/// All of it in one command.
fn relocate_and_finish(scene: &Scene) -> Vec<String> {
    let (url, [stop, start]) = (scene.aem.url(), scene.commands());
    words(&[
        "--from-url",
        &url,
        "--stop",
        &stop,
        "--start",
        &start,
        "--finish",
        "--yes",
    ])
}

/// As far as the files: AEM stays stopped.
fn relocate(scene: &Scene) -> Vec<String> {
    let (url, [stop, _]) = (scene.aem.url(), scene.commands());
    words(&["--from-url", &url, "--stop", &stop, "--yes"])
}

/// The rest; the instance is known from the first command.
fn finish(_: &Scene) -> Vec<String> {
    words(&["--finish", "--wait", "0", "--yes"])
}

/// The same where nothing is known from an earlier command.
fn finish_by_hand(scene: &Scene) -> Vec<String> {
    words(&[
        "--finish",
        "--url",
        &scene.aem.url(),
        "--wait",
        "0",
        "--yes",
    ])
}

fn take_back(scene: &Scene) -> Vec<String> {
    let [stop, start] = scene.commands();
    words(&[
        "--undo", BACKUP, "--stop", &stop, "--start", &start, "--yes",
    ])
}

fn rehearse(scene: &Scene) -> Vec<String> {
    words(&["--from-url", &scene.aem.url(), "--rehearse", "--yes"])
}

/// The keys are in files.
fn is_relocated(scene: &Scene) -> Result<(), String> {
    let after = scene.installation();
    super::nothing_is_left_in(&after.places())?;
    match after.storage().as_str() {
        "Bundle" => after.has(scene.keys()),
        other => Err(format!("storage says {other:?}")),
    }
}

/// And nowhere else; AEM runs on them.
fn is_finished(scene: &Scene) -> Result<(), String> {
    is_relocated(scene)?;
    if scene.aem.has_scratch()
        || ["hmac", "master"]
            .iter()
            .any(|name| scene.aem.property(name).is_some())
    {
        return Err("something is left in /etc/key".to_owned());
    }
    is_running(scene)
}

fn is_running(scene: &Scene) -> Result<(), String> {
    match scene.aem.works_with()? {
        Some(keys) if keys == scene.keys() => Ok(()),
        other => Err(format!("AEM runs with {other:02x?}")),
    }
}

/// As in the beginning; AEM runs on that.
fn is_taken_back(scene: &Scene) -> Result<(), String> {
    let after: Quickstart = scene.installation();
    super::nothing_is_left_in(&after.places())?;
    after.has(scene.others())?;
    if after.storage() != "JCR" || scene.aem.has_scratch() {
        return Err(format!(
            "storage says {:?}, and a copy beside the keys: {}",
            after.storage(),
            scene.aem.has_scratch()
        ));
    }
    for (name, bytes) in scene.keys().both() {
        if scene.aem.property(name).as_deref() != Some(bytes) {
            return Err(format!("{name} is not in /etc/key"));
        }
    }
    is_running(scene)
}

/// The folder is as it was, but for copies that killed rehearsals left, which say by their name what they are.
fn is_untouched(scene: &Scene) -> Result<(), String> {
    let root = scene.root();
    let left = rehearsals_in(&root.join(FOLDER));
    left.iter()
        .for_each(|path| fs::remove_dir_all(path).unwrap());
    match left_in(&root) == scene.before {
        true => Ok(()),
        false => Err("the installation was changed".to_owned()),
    }
}

fn rehearsals_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("signet-rehearsal-")
        })
        .collect()
}

#[test]
fn relocating_from_an_instance_survives_every_crash() {
    let play = Play::new(Shape::Property, relocate_and_finish, is_finished);
    play.kills("aem relocate DIR --from-url URL --stop --start --finish");
}

#[test]
fn relocating_from_an_instance_survives_its_every_failure() {
    let play = Play::new(Shape::Property, relocate, is_relocated);
    play.troubles("aem relocate DIR --from-url URL --stop");
}

#[test]
fn removing_from_the_repository_survives_every_crash_and_failure() {
    for (shape, name) in [
        (Shape::Property, "aem relocate DIR --finish"),
        (
            Shape::File,
            "aem relocate DIR --finish, of files in the repository",
        ),
    ] {
        let play = || {
            Play::new(shape, finish, is_finished).after(|scene| {
                scene.does(&relocate(scene));
                scene.aem.start();
            })
        };
        play().kills(name);
        play().troubles(name);
    }
}

#[test]
fn finishing_what_was_moved_by_hand_survives_every_crash_and_failure() {
    let name = "aem relocate DIR --finish --url URL, of a move by hand";
    let play = || {
        let play = Play::new(Shape::Property, finish_by_hand, is_finished);
        play.after(Scene::relocate_by_hand)
    };
    play().kills(name);
    play().troubles(name);
}

#[test]
fn taking_it_back_after_the_removal_survives_every_crash_and_failure() {
    for (shape, name) in [
        (
            Shape::Property,
            "aem relocate DIR --undo BACKUP, after --finish",
        ),
        (
            Shape::File,
            "aem relocate DIR --undo BACKUP, after --finish, of files in the repository",
        ),
    ] {
        let play = || {
            Play::new(shape, take_back, is_taken_back).after(|scene| {
                scene.does(&relocate_and_finish(scene));
            })
        };
        play().kills(name);
        play().troubles(name);
    }
}

#[test]
fn rehearsing_touches_nothing_wherever_it_is_killed() {
    let play = Play::new(Shape::Property, rehearse, |scene| {
        match rehearsals_in(&scene.root().join(FOLDER)).as_slice() {
            [] => is_untouched(scene).and_then(|()| is_running(scene)),
            left => Err(format!("{left:?} are left")),
        }
    });
    play.after_each(is_untouched)
        .kills("aem relocate DIR --from-url URL --rehearse");
}
