use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::health::{CheckError, Checked};

const PATIENCE: Duration = Duration::from_secs(2);

struct Counting(AtomicU32);
struct Panicking;
struct Failing;
struct Hanging;

static COUNTING: Counting = Counting(AtomicU32::new(0));

macro_rules! check {
    ($check:ty, $name:literal, |$self:ident| $run:expr) => {
        impl HealthCheck for $check {
            fn name(&self) -> &'static str {
                $name
            }
            fn tags(&self) -> &'static [&'static str] {
                &["test"]
            }
            fn run<'g>(&'g $self, _: &'g Ground) -> Checked<'g> {
                Box::pin(async move { $run })
            }
        }
    };
}

check!(Counting, "counting", |self| {
    let count = self.0.fetch_add(1, Ordering::Relaxed);
    Ok(vec![Finding::good(format!("looked {count} times before"))])
});
check!(Panicking, "panicking", |self| panic!("a test"));
check!(Failing, "failing", |self| Err(CheckError::new("no reason")));
check!(Hanging, "hanging", |self| {
    std::future::pending::<()>().await;
    Ok(Vec::new())
});

fn ground() -> Arc<Ground> {
    let clock = Arc::new(|| UnixSeconds(1_767_225_600));
    Arc::new(Ground::offline(Path::new("/nowhere"), clock))
}

#[tokio::test]
async fn a_check_that_panics_or_fails_is_an_error_of_that_check_alone() {
    let rounds = Rounds::default();
    let checks: [&'static dyn HealthCheck; 3] = [&Panicking, &Failing, &Hanging];
    let examined = rounds
        .examine(&checks[..2], &ground(), PATIENCE, Freshness::Recent)
        .await;
    for (examined, words) in examined.iter().zip(["it panicked", "no reason"]) {
        assert_eq!(examined.status(), Status::HealthCheckError);
        assert!(examined.findings[0].cause.contains(words), "{examined:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_is_not_waited_for() {
    let rounds = Rounds::default();
    let hanging: [&'static dyn HealthCheck; 1] = [&Hanging];
    let ask = || async {
        let examined = rounds
            .examine(&hanging, &ground(), PATIENCE, Freshness::Instant)
            .await;
        examined[0].findings[0].clone()
    };
    let first = ask().await;
    assert_eq!((first.status, first.code), (Status::Warn, "CHECK_SLOW"));
    assert_eq!(
        first.cause,
        "Timeout: the check hanging still runs after 2sec"
    );
    // The second waits for the same run, which is older by now.
    assert_eq!(
        ask().await.cause,
        "Timeout: the check hanging still runs after 4sec"
    );
    tokio::time::advance(LOST).await;
    assert_eq!(ask().await.status, Status::Critical);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_often_gets_the_same_result() {
    let rounds = Rounds::default();
    let counting: [&'static dyn HealthCheck; 1] = [&COUNTING];
    let ask = |freshness| {
        let rounds = &rounds;
        async move {
            let ground = ground();
            let examined = rounds.examine(&counting, &ground, PATIENCE, freshness);
            examined.await[0].findings[0].cause.clone()
        }
    };
    assert_eq!(ask(Freshness::Recent).await, "looked 0 times before");
    assert_eq!(ask(Freshness::Recent).await, "looked 0 times before");
    assert_eq!(ask(Freshness::Instant).await, "looked 1 times before");
    tokio::time::advance(FRESH).await;
    assert_eq!(ask(Freshness::Recent).await, "looked 2 times before");
}
