//! The life of an instance, with the stand-in as its process.

use std::os::unix::process::ExitStatusExt;

use rustix::process::test_kill_process;
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::*;
use crate::ports::{find_free, loopback};
use crate::stand_in::Program;

fn instance(data: &TempDir, program: &Program) -> Instance {
    let ports = find_free(2).unwrap();
    let address = loopback(ports[0]);
    let member = Member {
        name: "publish-1".to_owned(),
        role: Role::Publish,
        address,
        admin: loopback(ports[1]),
        data: data.path().to_owned(),
        host: address.to_string(),
    };
    Instance::new(member, program.path(), Arc::new(Warden::start().unwrap()))
}

fn pid(instance: &Instance) -> Pid {
    Pid::from_raw(i32::try_from(instance.pid().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn it_starts_stops_dies_and_starts_again() {
    let (data, program) = (tempfile::tempdir().unwrap(), Program::new());
    let mut instance = instance(&data, &program);
    let address = instance.member().address;

    instance.start().await.unwrap();
    let first = pid(&instance);
    assert!(is_ready(address, "any").await);
    instance.stop().await.unwrap();
    assert!(test_kill_process(first).is_err(), "the process is gone");
    assert!(TcpStream::connect(address).await.is_err());

    instance.start().await.unwrap();
    instance.kill().await.unwrap();
    assert_eq!(instance.pid(), None);
    assert!(TcpStream::connect(address).await.is_err());
    instance.kill().await.unwrap();
    instance.stop().await.unwrap();

    instance.start().await.unwrap();
    assert_eq!(instance.has_ended(), None);
    kill_process(pid(&instance), Signal::KILL).unwrap();
    let status = loop {
        match instance.has_ended() {
            Some(status) => break status,
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(status.signal(), Some(9));
    assert_eq!(instance.has_ended(), None);
}

#[tokio::test]
async fn it_ends_with_its_handle() {
    let (data, program) = (tempfile::tempdir().unwrap(), Program::new());
    let mut instance = instance(&data, &program);
    let address = instance.member().address;
    instance.start().await.unwrap();
    let process = pid(&instance);
    drop(instance);
    assert!(test_kill_process(process).is_err(), "the process is gone");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_instance_that_ends_at_once_says_why() {
    let (data, program) = (tempfile::tempdir().unwrap(), Program::broken());
    let mut instance = instance(&data, &program);
    let error = instance.start().await.unwrap_err();
    let said = error.to_string();
    assert!(
        said.starts_with("publish-1 ended before it was ready (exit status: 1)"),
        "{said}"
    );
    assert!(
        said.ends_with("\n    stand-in started\n    no key ring"),
        "{said}"
    );
    assert!(error.hint().unwrap().contains("instance.log"));
    assert_eq!(instance.pid(), None);
}

#[tokio::test]
async fn a_taken_port_is_named_before_the_start() {
    let (data, program) = (tempfile::tempdir().unwrap(), Program::new());
    let mut instance = instance(&data, &program);
    let admin = instance.member().admin;
    let _held = std::net::TcpListener::bind(admin).unwrap();
    let error = instance.start().await.unwrap_err();
    assert!(matches!(error, LabError::PortInUse { port, .. } if port == admin.port()));
}
